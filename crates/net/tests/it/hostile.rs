//! A hostile peer of the DHT: it puts any bytes at any place, with any life, and reads a record with the life that it is given.

use core::time::Duration;

use futures::StreamExt as _;
use libp2p::kad::{self, store::MemoryStore};
use libp2p::swarm::SwarmEvent;
use libp2p::{Multiaddr, PeerId, StreamProtocol, Swarm, SwarmBuilder, noise, tcp, yamux};
use motet_wire::NetworkId;
use tokio::time::Instant;

use crate::peer::{GUARD, Peer};

pub(crate) struct Hostile {
    swarm: Swarm<kad::Behaviour<MemoryStore>>,
    victim: PeerId,
}

impl Hostile {
    /// A hostile peer that is connected to this node.
    pub(crate) async fn at(node: &Peer) -> Self {
        let name = StreamProtocol::try_from_owned(format!("/motet/{}/kad/2", NetworkId::test())).unwrap();
        let mut settings = kad::Config::new(name);
        settings.set_max_packet_size(64 * 1024).set_record_ttl(None);
        let mut swarm = SwarmBuilder::with_new_identity()
            .with_tokio()
            .with_tcp(tcp::Config::default(), noise::Config::new, yamux::Config::default)
            .unwrap()
            .with_behaviour(|keys| {
                let local = keys.public().to_peer_id();
                kad::Behaviour::with_config(local, MemoryStore::new(local), settings)
            })
            .unwrap()
            .with_swarm_config(|config| config.with_idle_connection_timeout(GUARD))
            .build();
        let victim = PeerId::from_bytes(node.id().as_bytes()).unwrap();
        let address: Multiaddr = node.address.parse().unwrap();
        swarm.behaviour_mut().add_address(&victim, address.clone());
        swarm.dial(address).unwrap();
        let connecting =
            async { while !matches!(swarm.select_next_some().await, SwarmEvent::ConnectionEstablished { .. }) {} };
        tokio::time::timeout(GUARD, connecting).await.unwrap();
        Self { swarm, victim }
    }

    /// Puts these bytes at a place of the node, and waits until it has taken the message.
    pub(crate) async fn put(&mut self, place: [u8; 32], value: Vec<u8>, life: Duration) {
        let mut record = kad::Record::new(place.to_vec(), value);
        record.expires = Some(Instant::now().into_std() + life);
        let put = self.swarm.behaviour_mut().put_record_to(record, [self.victim].into_iter(), kad::Quorum::One);
        let putting = async {
            loop {
                if let SwarmEvent::Behaviour(kad::Event::OutboundQueryProgressed { id, .. }) =
                    self.swarm.select_next_some().await
                    && id == put
                {
                    break;
                }
            }
        };
        tokio::time::timeout(GUARD, putting).await.unwrap();
    }

    /// Asks until the node holds these bytes at a place: they are judged beside its event loop.
    pub(crate) async fn wait_for(&mut self, place: [u8; 32], value: &[u8]) {
        let asking = async { while self.get(place).await.is_none_or(|(found, _)| found != value) {} };
        tokio::time::timeout(GUARD, asking).await.unwrap();
    }

    /// The record that the node holds at a place, and the life that it still has.
    pub(crate) async fn get(&mut self, place: [u8; 32]) -> Option<(Vec<u8>, Option<Duration>)> {
        let get = self.swarm.behaviour_mut().get_record(kad::RecordKey::from(place.to_vec()));
        let getting = async {
            let mut found = None;
            loop {
                if let SwarmEvent::Behaviour(kad::Event::OutboundQueryProgressed {
                    id,
                    result: kad::QueryResult::GetRecord(result),
                    step,
                    ..
                }) = self.swarm.select_next_some().await
                    && id == get
                {
                    if let Ok(kad::GetRecordOk::FoundRecord(record)) = result
                        && record.peer == Some(self.victim)
                    {
                        let life =
                            record.record.expires.map(|end| end.saturating_duration_since(Instant::now().into_std()));
                        found = Some((record.record.value, life));
                    }
                    if step.last {
                        break found;
                    }
                }
            }
        };
        tokio::time::timeout(GUARD, getting).await.unwrap()
    }
}
