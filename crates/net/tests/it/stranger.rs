//! A peer that is no node of ours: it speaks libp2p, and on our streams whatever a test wants.

use futures::{AsyncReadExt as _, AsyncWriteExt as _, StreamExt as _};
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, PeerId, Stream, StreamProtocol, SwarmBuilder, noise, tcp, yamux};
use libp2p_stream::Control;
use motet_wire::NetworkId;
use tokio::sync::oneshot;

use crate::peer::{GUARD, Peer};

pub(crate) struct Stranger {
    id: PeerId,
    control: Control,
    swarm: tokio::task::JoinHandle<()>,
}

impl Stranger {
    /// A stranger that is connected to this node.
    pub(crate) async fn at(node: &Peer) -> Self {
        let mut swarm = SwarmBuilder::with_new_identity()
            .with_tokio()
            .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
            .unwrap()
            .with_behaviour(|_| libp2p_stream::Behaviour::new())
            .unwrap()
            .with_swarm_config(|config| config.with_idle_connection_timeout(GUARD))
            .build();
        let (id, control) = (*swarm.local_peer_id(), swarm.behaviour().new_control());
        swarm.dial(node.address.parse::<Multiaddr>().unwrap()).unwrap();
        let (connected, connecting) = oneshot::channel();
        let mut connected = Some(connected);
        let swarm = tokio::spawn(async move {
            loop {
                if let SwarmEvent::ConnectionEstablished { .. } = swarm.select_next_some().await {
                    // The test may have gone.
                    let _ = connected.take().map(|connected| connected.send(()));
                }
            }
        });
        tokio::time::timeout(GUARD, connecting).await.unwrap().unwrap();
        Self { id, control, swarm }
    }

    pub(crate) fn id(&self) -> motet_wire::PeerId {
        motet_wire::PeerId::from_bytes(&self.id.to_bytes()).unwrap()
    }

    /// A new direct stream to this node, accepted by it.
    pub(crate) async fn stream(&mut self, node: &Peer) -> DirectStream {
        let protocol = StreamProtocol::try_from_owned(format!("/motet/{}/direct/1", NetworkId::test())).unwrap();
        let peer = PeerId::from_bytes(node.id().as_bytes()).unwrap();
        let mut stream = self.control.open_stream(peer, protocol).await.unwrap();
        let mut accepted = [0];
        tokio::time::timeout(GUARD, stream.read_exact(&mut accepted)).await.unwrap().unwrap();
        assert_eq!(accepted, [1]);
        DirectStream(stream)
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        self.swarm.abort();
    }
}

pub(crate) struct DirectStream(Stream);

impl DirectStream {
    pub(crate) async fn write(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
        self.0.flush().await.unwrap();
    }

    /// Writes, and tells whether the stream is still there.
    pub(crate) async fn try_write(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).await.is_ok() && self.0.flush().await.is_ok()
    }

    /// Says that nothing more will come.
    pub(crate) async fn close(&mut self) {
        self.0.close().await.unwrap();
    }

    /// Waits until the other side has ended the stream, in order or not.
    pub(crate) async fn ended(mut self) {
        let mut byte = [0];
        let read = tokio::time::timeout(GUARD, self.0.read(&mut byte)).await.unwrap();
        assert!(matches!(read, Ok(0) | Err(_)), "a direct stream says no more than that it is accepted");
    }
}
