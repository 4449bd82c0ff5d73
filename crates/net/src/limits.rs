//! Every bound of the network node, with its reason.

use core::time::Duration;

/// Events that wait for the node's user. When it is full, direct streams are not read on, and gossip is dropped.
pub(crate) const EVENTS: usize = 1024;
/// Events about the node itself that wait: far more than connections, addresses and named peers together, of each of which few wait.
pub(crate) const CONTROL: usize = 4096;
/// Commands that wait for the event loop.
pub(crate) const COMMANDS: usize = 1024;
/// Commands that are carried out before the network is looked at again.
pub(crate) const ORDERS: usize = 64;
/// Own messages on their way back to this node. They are few, and losing one would lose an event.
pub(crate) const LOOPBACK: usize = 4096;
/// Frames that wait for one peer; a slow reader loses the newest, and asks for them later.
pub(crate) const OUTBOX: usize = 256;
/// Frames for one peer that are written together, if so many wait.
pub(crate) const FRAMES_AT_ONCE: usize = 16;
/// How often a frame is tried on a new stream.
pub(crate) const SEND_ATTEMPTS: u32 = 4;
/// The pause before the second try; it doubles.
pub(crate) const SEND_PAUSE: Duration = Duration::from_millis(100);
/// How long a peer may take to accept a stream.
pub(crate) const OPEN_TIME: Duration = Duration::from_secs(10);
/// How long a node that stops waits for peers to take what it has sent.
pub(crate) const FAREWELL: Duration = Duration::from_secs(1);
/// How long a writer without frames keeps its stream.
pub(crate) const WRITER_IDLE: Duration = Duration::from_secs(120);
/// Streams that one peer may have open towards us; a reconnecting peer has two for a moment.
pub(crate) const STREAMS_PER_PEER: usize = 4;
/// How long a peer may take over one frame once it has begun it.
pub(crate) const FRAME_TIME: Duration = Duration::from_secs(30);
/// Peers that the user has named, and that are dialled again: more than any list of bootstrap nodes.
pub(crate) const WANTED: usize = 256;
/// The pause before such a peer is dialled a second time; it doubles,
pub(crate) const REDIAL: Duration = Duration::from_millis(500);
/// but only so often: to about a minute.
pub(crate) const REDIAL_DOUBLINGS: u32 = 7;
/// Addresses of a peer that are taken in when it says who it is: as many as an advertisement has.
pub(crate) const IDENTIFIED: usize = 8;
/// How long the node's addresses have to stay as they are before its user is told of them: at the start and when a network
/// changes, they come one by one.
pub(crate) const SETTLING: Duration = Duration::from_millis(500);
/// Peers that are dialled because there is something to say to them, and of whom it is told if they are not reached.
pub(crate) const SOUGHT: usize = 256;
/// How long to wait for the other end of a connection to a node of this node's own identity, in case it is this very node.
pub(crate) const TWIN_WAIT: Duration = Duration::from_secs(2);
/// How often a second node of this node's own identity is told of.
pub(crate) const TWIN_PAUSE: Duration = Duration::from_secs(5 * 60);
/// Bytes that are made room for before they have arrived.
pub(crate) const READ_STEP: usize = 16 * 1024;
/// Two: both sides may have dialled at once.
pub(crate) const CONNECTIONS_PER_PEER: u32 = 2;
/// Nodes that may be reached through this one at a time.
pub(crate) const RELAY_RESERVATIONS: usize = 128;
/// Connections that this node carries for others at a time, and of them from one node.
pub(crate) const RELAY_CIRCUITS: (usize, usize) = (256, 16);
/// How long such a connection lasts: as long as a session may. Whoever needs it longer opens another.
pub(crate) const RELAY_TIME: Duration = Duration::from_secs(2 * 60 * 60);
/// What such a connection may carry: gossip of a busy day, or hundreds of sessions.
pub(crate) const RELAY_BYTES: u64 = 64 * 1024 * 1024;
/// Connections that have not said who they are.
pub(crate) const PENDING_CONNECTIONS: u32 = 32;
/// How long a connection that nobody uses stays.
pub(crate) const IDLE: Duration = Duration::from_secs(60);
/// Streams of one connection that are negotiated at once.
pub(crate) const NEGOTIATING_STREAMS: usize = 32;
/// Own messages kept for peers that subscribe later, per topic.
pub(crate) const RECENT: usize = 32;
/// How long announcements are kept like that: a minute less than clocks may differ by, so that a receiver whose clock differs a
/// little takes them in, too.
pub(crate) const RECENT_TIME: Duration = Duration::from_secs(4 * 60);
/// How long a peer is blocked.
pub(crate) const BAN: Duration = Duration::from_secs(60 * 60);
/// Peers that are blocked at a time; the ban that is oldest is forgotten first.
pub(crate) const BANS: usize = 4096;
/// Peers that are connected, or that frames wait for: far more than connections. Others get no outbox.
pub(crate) const PEERS: usize = 4096;
/// What gossipsub adds to a frame.
pub(crate) const GOSSIP_OVERHEAD: usize = 1024;
/// Largest bag of entries: a packet of the DHT holds one, and closer peers besides.
pub(crate) const BAG: usize = 24 * 1024;
/// Largest single entry: a request with a large transaction fits.
pub(crate) const ENTRY: usize = 52 * 1024;
/// Largest packet of the DHT.
pub(crate) const DHT_PACKET: usize = 64 * 1024;
/// Keys stored for the network.
pub(crate) const RECORDS: usize = 4096;
/// Bytes stored for the network.
pub(crate) const RECORD_BYTES: usize = 32 * 1024 * 1024;
/// How long a record lives unless it is put again.
pub(crate) const RECORD_LIFETIME: Duration = Duration::from_secs(2 * 60 * 60);
/// Answers of the DHT that are united.
pub(crate) const ANSWERS: usize = 20;
