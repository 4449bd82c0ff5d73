//! A node with its events, for tests.

use core::time::Duration;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use motet_net::{Entry, EntryPolicy, Keypair, Net, NetConfig, NetEvent, NetHandle, Price, ReportToken, parse_address};
use motet_wire::{Channel, NetworkGroup, NetworkId, PeerId, Topic};
use tokio::sync::mpsc;

/// How long nothing may happen before a test counts as hung.
pub(crate) const GUARD: Duration = Duration::from_secs(60);

pub(crate) const TCP: &str = "/ip4/127.0.0.1/tcp/0";
pub(crate) const QUIC: &str = "/ip4/127.0.0.1/udp/0/quic-v1";

/// The entries of a test: 33 bytes of author, 8 bytes of version, anything. It counts its judgements.
#[derive(Debug, Default)]
pub(crate) struct Plain(Arc<AtomicUsize>);

impl EntryPolicy for Plain {
    fn entry(&self, _: &[u8; 32], frame: &[u8]) -> Option<Entry> {
        self.0.fetch_add(1, Ordering::Relaxed);
        let (author, rest) = frame.split_first_chunk::<33>()?;
        let (version, rest) = rest.split_first_chunk::<8>()?;
        let id = |version: &[u8]| *version.repeat(4).first_chunk().unwrap();
        let price = match rest.strip_prefix(b"withdraws ") {
            Some(version) => Price::Beside(id(version)),
            None => Price::Paid(20),
        };
        let life = Duration::from_secs(3_600);
        let entry = Entry {
            author: *author,
            name: [0; 32],
            version: u64::from_be_bytes(*version),
            id: id(version),
            price,
            life,
        };
        (rest != b"refused").then_some(entry)
    }
}

/// The topic of all tests.
pub(crate) const fn topic() -> Topic {
    Topic::AllOffers
}

/// An entry that [`Plain`] understands.
pub(crate) fn entry(author: u8, version: u64, rest: &[u8]) -> Arc<[u8]> {
    [&[author; 33][..], &version.to_be_bytes(), rest].concat().into()
}

/// A message that has arrived.
#[derive(Debug)]
pub(crate) struct Message {
    pub(crate) from: PeerId,
    pub(crate) channel: Channel,
    pub(crate) group: NetworkGroup,
    pub(crate) bytes: Arc<[u8]>,
    pub(crate) token: Option<ReportToken>,
}

/// A running node.
pub(crate) struct Peer {
    pub(crate) handle: NetHandle,
    pub(crate) events: mpsc::Receiver<NetEvent>,
    /// The peers that were connected before it told its first address.
    early: VecDeque<NetEvent>,
    /// Where it listens, with its peer id.
    pub(crate) address: String,
    /// The number of entries that its policy has judged.
    pub(crate) judged: Arc<AtomicUsize>,
}

pub(crate) fn config(listen: &str) -> NetConfig {
    let mut config = NetConfig::local(NetworkId::test(), Keypair::generate());
    config.listen = vec![parse_address(listen).unwrap()];
    config
}

/// Lets a failed test show what its nodes did: a connection that does not come about is rare, and only the log says why.
fn log() {
    let filter = "motet_net=debug,libp2p_swarm=debug,libp2p_core=debug,libp2p_tcp=debug,libp2p_quic=debug";
    // Another node of the test has begun the log already.
    let _ = tracing_subscriber::fmt().with_env_filter(filter).with_ansi(false).with_test_writer().try_init();
}

impl Peer {
    /// A node on TCP that knows nobody.
    pub(crate) async fn alone() -> Self {
        Self::start(config(TCP)).await
    }

    /// A node on TCP that begins at another.
    pub(crate) async fn at(other: &Self) -> Self {
        let mut config = config(TCP);
        config.bootstrap.push(parse_address(&other.address).unwrap());
        Self::start(config).await
    }

    /// A node that subscribes to the topic of [`Peer::publish`].
    pub(crate) async fn start(config: NetConfig) -> Self {
        Self::start_on(config, &[topic()]).await
    }

    /// A node that subscribes to these topics.
    pub(crate) async fn start_on(config: NetConfig, topics: &[Topic]) -> Self {
        log();
        let judged = Arc::new(AtomicUsize::new(0));
        let (handle, events) = Net::start(config, Arc::new(Plain(Arc::clone(&judged)))).unwrap();
        handle.subscribe(topics.iter().cloned().collect()).await.unwrap();
        let mut peer = Self { judged, ..Self::of(handle, events) };
        let mut early = VecDeque::new();
        let address = peer.wait("Listening", |event| match event {
            NetEvent::Listening { address } => Some(address.to_string()),
            connected @ NetEvent::PeerConnected { .. } => {
                early.push_back(connected);
                None
            }
            _ => None,
        });
        peer.address = format!("{}/p2p/{}", address.await, peer.handle.peer_id());
        peer.early = early;
        peer
    }

    /// A peer that may not listen anywhere yet.
    pub(crate) fn of(handle: NetHandle, events: mpsc::Receiver<NetEvent>) -> Self {
        Self { handle, events, early: VecDeque::new(), address: String::new(), judged: Arc::default() }
    }

    pub(crate) fn id(&self) -> PeerId {
        *self.handle.peer_id()
    }

    /// The next event; `None` when the node has ended.
    pub(crate) async fn next(&mut self, wanted: &str) -> Option<NetEvent> {
        if let Some(early) = self.early.pop_front() {
            return Some(early);
        }
        let event = tokio::time::timeout(GUARD, self.events.recv()).await;
        event.unwrap_or_else(|_| panic!("nothing happens, and {wanted} was waited for"))
    }

    /// Waits for an event that `pick` takes something from.
    pub(crate) async fn wait<T>(&mut self, wanted: &str, mut pick: impl FnMut(NetEvent) -> Option<T>) -> T {
        loop {
            let event = self.next(wanted).await;
            if let Some(found) = pick(event.unwrap_or_else(|| panic!("the node has ended without {wanted}"))) {
                return found;
            }
        }
    }

    /// Waits until a peer is connected, and tells where its connection comes from.
    pub(crate) async fn connected(&mut self, other: &PeerId) -> String {
        self.wait("PeerConnected", |event| match event {
            NetEvent::PeerConnected { peer, address } if peer == *other => Some(address.to_string()),
            _ => None,
        })
        .await
    }

    /// Waits until these are connected, in whatever order.
    pub(crate) async fn all_connected(&mut self, others: &[&Self]) {
        let mut missing: Vec<PeerId> = others.iter().map(|other| other.id()).collect();
        while !missing.is_empty() {
            let came = self.wait("PeerConnected", |event| match event {
                NetEvent::PeerConnected { peer, .. } => Some(peer),
                _ => None,
            });
            let came = came.await;
            missing.retain(|peer| *peer != came);
        }
    }

    pub(crate) async fn disconnected(&mut self, other: &PeerId) {
        self.wait("PeerDisconnected", |event| match event {
            NetEvent::PeerDisconnected { peer } if peer == *other => Some(()),
            _ => None,
        })
        .await;
    }

    pub(crate) async fn dht_ready(&mut self) {
        self.wait("DhtReady", |event| matches!(event, NetEvent::DhtReady).then_some(())).await;
    }

    /// The next message.
    pub(crate) async fn message(&mut self) -> Message {
        self.wait("a message", |event| match event {
            NetEvent::Received { from, channel, group, bytes, token, .. } => {
                Some(Message { from, channel, group, bytes, token })
            }
            _ => None,
        })
        .await
    }

    /// Waits for this message by any of the ways it may come.
    pub(crate) async fn message_with(&mut self, bytes: &[u8]) -> Message {
        loop {
            let message = self.message().await;
            if *message.bytes == *bytes {
                return message;
            }
        }
    }

    /// Publishes a frame on the topic of all tests.
    pub(crate) async fn publish(&self, frame: impl Into<Arc<[u8]>>) {
        self.handle.publish(vec![topic()], frame.into()).await.unwrap();
    }

    /// Sends a frame to a node that is connected already.
    pub(crate) async fn send(&self, to: &PeerId, frame: impl Into<Arc<[u8]>>) {
        self.handle.send(*to, Vec::new(), frame.into()).await.unwrap();
    }
}
