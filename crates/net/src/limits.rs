//! Every bound of the network node, with its reason.

use core::time::Duration;

use motet_wire::Rate;

/// Events that wait for the node's user. When it is full, direct streams are not read on, and gossip is dropped.
pub(crate) const EVENTS: usize = 1024;
/// Events about the node itself that wait: far more than connections, addresses and named peers together, of each of which few wait.
pub(crate) const CONTROL: usize = 4096;
/// Commands that wait for the event loop.
pub(crate) const COMMANDS: usize = 1024;
/// Commands that are carried out before the network is looked at again.
pub(crate) const ORDERS: usize = 64;
/// Frames that wait for one peer; a slow reader loses the newest, and asks for them later.
pub(crate) const OUTBOX: usize = 256;
/// Frames for one peer that are written together, if so many wait.
pub(crate) const FRAMES_AT_ONCE: usize = 16;
/// Number of streams on which a frame is tried.
pub(crate) const SEND_ATTEMPTS: u32 = 4;
/// The pause before the second try; it doubles.
pub(crate) const SEND_PAUSE: Duration = Duration::from_millis(100);
/// Time limit for a peer to accept a stream.
pub(crate) const OPEN_TIME: Duration = Duration::from_secs(10);
/// Time for which a node that stops waits for peers to take the frames that it has sent.
pub(crate) const FAREWELL: Duration = Duration::from_secs(1);
/// Time after which a writer without frames closes its stream.
pub(crate) const WRITER_IDLE: Duration = Duration::from_secs(120);
/// Time after which a stream on which nothing comes is not read on: a little more than its writer waits.
pub(crate) const READER_IDLE: Duration = Duration::from_secs(150);
/// Streams that one peer may have open towards us; a reconnecting peer has two for a moment.
pub(crate) const STREAMS_PER_PEER: usize = 4;
/// Time limit for a peer to send one frame, from its first byte on.
pub(crate) const FRAME_TIME: Duration = Duration::from_secs(30);
/// Peers that the user has named, and that are dialled again: more than any list of bootstrap nodes.
pub(crate) const WANTED: usize = 256;
/// The pause before such a peer is dialled a second time; it doubles,
pub(crate) const REDIAL: Duration = Duration::from_millis(500);
/// but only so often: to about a minute.
pub(crate) const REDIAL_DOUBLINGS: u32 = 7;
/// Duration of a connection after which the pauses begin anew.
pub(crate) const LASTING: Duration = Duration::from_secs(60);
/// Addresses of a peer that are taken from identify: as many as an advertisement has.
pub(crate) const IDENTIFIED: usize = 8;
/// Addresses of this node that peers are asked to test, and those that have passed or failed: a machine has a few, each with some ports.
pub(crate) const CANDIDATES: usize = 64;
/// Peers that relay and that are remembered, and those that have refused.
pub(crate) const KNOWN_RELAYS: usize = 64;
/// Relays at which a private node listens by itself: one may go while the other is still there.
pub(crate) const OWN_RELAYS: usize = 2;
/// Pause after which a relay that has refused is asked again.
pub(crate) const RELAY_PAUSE: Duration = Duration::from_secs(5 * 60);
/// Pause between two searches for relays in the DHT.
pub(crate) const RELAY_SEARCH: Duration = Duration::from_secs(60);
/// Time limit of a dial. AutoNAT waits ten seconds for the result of one that a peer makes for this node.
pub(crate) const DIAL_TIME: Duration = Duration::from_secs(8);
/// Time after which a connection is closed whose peer has called from another address since.
pub(crate) const SUPERSEDED: Duration = Duration::from_secs(2);
/// Pause between two pings of a connection, and
pub(crate) const PING_PAUSE: Duration = Duration::from_secs(15);
/// time limit of each. After two without an answer, the connection is closed.
pub(crate) const PING_TIME: Duration = Duration::from_secs(10);
/// Time for which the node's addresses must stay the same before its user is told: at the start and when a network
/// changes, they come one by one.
pub(crate) const SETTLING: Duration = Duration::from_millis(500);
/// Peers that are dialled for a frame that waits for them, and whose failure is reported.
pub(crate) const SOUGHT: usize = 256;
/// Time to wait for the other end of a connection to this node's own identity, because that end may be this very node.
pub(crate) const TWIN_WAIT: Duration = Duration::from_secs(2);
/// Pause between two reports of a second node with this node's own identity.
pub(crate) const TWIN_PAUSE: Duration = Duration::from_secs(5 * 60);
/// Bytes that are made room for before they have arrived.
pub(crate) const READ_STEP: usize = 16 * 1024;
/// Two: both sides may have dialled at once.
pub(crate) const CONNECTIONS_PER_PEER: usize = 2;
/// Peers that have a right to a place: those that the user names, contacts, and members of a hundred sessions.
pub(crate) const RESERVED: usize = 2048;
/// Peers that this node chooses to stay connected with, at most.
pub(crate) const OUTBOUND_MOST: usize = 64;
/// Of them, those of one network group.
pub(crate) const OUTBOUND_PER_GROUP: usize = 2;
/// Peers of one network group in a bucket of the DHT's routing table, and
pub(crate) const ROUTED_PER_BUCKET: usize = 2;
/// in all of it.
pub(crate) const ROUTED_PER_GROUP: usize = 8;
/// Peers in the book that this node has reached,
pub(crate) const BOOK_PROVEN: usize = 256;
/// and those that it has heard of.
pub(crate) const BOOK_HEARSAY: usize = 1024;
/// Each of the two of one network group.
pub(crate) const BOOK_PER_GROUP: usize = 16;
/// Hearsay of one network group.
pub(crate) const BOOK_PER_SOURCE: usize = 64;
/// Tries after which a peer is forgotten that was reached once: it may be off for days, and others may want it to be forgotten. Then
pub(crate) const FAILURES_OF_PROVEN: u32 = 1_000;
/// one that was not.
pub(crate) const FAILURES_OF_HEARSAY: u32 = 3;
/// Doublings of the pause after which all peers are tried again that were not reached: to about ten minutes.
pub(crate) const PASSES: u32 = 6;
/// Pause between two looks at the connections: whether there are enough, or too many.
pub(crate) const TENDED: Duration = Duration::from_secs(10);
/// The same when something has changed.
pub(crate) const TENDED_SOON: Duration = Duration::from_millis(500);
/// Peers that are dialled at one look.
pub(crate) const DIALLED_AT_ONCE: usize = 4;
/// Pause between two tries of a peer that is known by hearsay only.
pub(crate) const FEELER: Duration = Duration::from_secs(120);
/// Network groups of outbound connections from which a fall of their number is worth an alarm.
pub(crate) const DIVERSE: usize = 4;
/// Looks in a row at which it is low before there is an alarm: connections end and are replaced.
pub(crate) const ALARM_AFTER: u32 = 3;
/// Largest file of what is kept over restarts that is read: far more than all bounds together write.
pub(crate) const KEPT_BYTES: u64 = 4 * 1024 * 1024;
/// Age from which a connection that is not used may be closed. Questions to the DHT and the forming of gossip's mesh take less.
pub(crate) const PRUNED_FROM: Duration = Duration::from_secs(60);
/// Pause between two readings of this process's memory.
pub(crate) const MEMORY_READ: Duration = Duration::from_secs(1);
/// Bucketfuls that a peer with a right to a place may send over a stranger's share.
pub(crate) const PATIENCE: Rate = Rate { per_minute: 10, burst: 10 };
/// Floods that wait to be reported.
pub(crate) const FLOODS: usize = 64;
/// Units of a connection's meter for each answer to its other end, and for each stream that it opens: small questions cost more than their bytes.
pub(crate) const ANSWER_UNITS: u64 = 1024;
/// Bytes of an answer that count as one unit: they cost less than bytes that must be judged.
pub(crate) const BYTES_WRITTEN_PER_UNIT: u64 = 16;
/// Bytes of frames that have come in part, of all peers: a frame of honest size is complete within milliseconds.
pub(crate) const PARTIAL_BYTES: usize = 8 * 1024 * 1024;
/// Nodes that may be reached through this one at a time.
pub(crate) const RELAY_RESERVATIONS: usize = 128;
/// Connections that this node carries for others at a time, and of them from one node.
pub(crate) const RELAY_CIRCUITS: (usize, usize) = (256, 16);
/// Duration of such a connection: as long as a session may last. A node that needs it longer opens another.
pub(crate) const RELAY_TIME: Duration = Duration::from_secs(2 * 60 * 60);
/// Bytes that such a connection may carry: gossip of a busy day, or hundreds of sessions.
pub(crate) const RELAY_BYTES: u64 = 64 * 1024 * 1024;
/// Incoming connections whose other end is not identified yet. With more, the oldest of the network that has most is cut.
pub(crate) const PENDING: usize = 256;
/// Those of them from one network: a household that comes back after an outage. With more, the oldest of them is cut.
pub(crate) const PENDING_PER_GROUP: usize = 32;
/// The same for libp2p, which hears of a cut connection a moment later and can only refuse the newest.
pub(crate) const PENDING_CONNECTIONS: usize = 1024;
/// Time after which an unused connection is closed.
pub(crate) const IDLE: Duration = Duration::from_secs(60);
/// Streams of one connection, in either direction: those of the DHT and of circuits through a relay, and a handful of others.
pub(crate) const STREAMS: usize = 128;
/// Bytes of one connection that have arrived and are not read yet: yamux's smallest window, for each stream.
pub(crate) const CONNECTION_WINDOW: usize = STREAMS * STREAM_WINDOW as usize;
/// The same of one stream over QUIC; it is the smallest window that yamux knows.
pub(crate) const STREAM_WINDOW: u32 = 256 * 1024;
/// Largest message of WebSocket: noise writes no more at once than 64 KiB.
pub(crate) const WEBSOCKET_DATA: usize = 256 * 1024;
/// Streams of one connection that are negotiated at once.
pub(crate) const NEGOTIATING_STREAMS: usize = 32;
/// Own messages kept for peers that subscribe later.
pub(crate) const RECENT: usize = 64;
/// Topics that a peer may subscribe to: those of ten signers, of all types that a node may look for, and some more.
pub(crate) const SUBSCRIPTIONS: usize = 64;
/// Time for which announcements are kept like that: a minute less than clocks may differ by, so that a receiver whose
/// clock differs a little accepts them, too.
pub(crate) const RECENT_TIME: Duration = Duration::from_secs(4 * 60);
/// Duration of the first ban of a peer. Each further one is twice as long,
pub(crate) const BAN: Duration = Duration::from_secs(60 * 60);
/// but only so often,
pub(crate) const BAN_DOUBLINGS: u32 = 16;
/// and never longer than this.
pub(crate) const BAN_MOST: Duration = Duration::from_secs(24 * 60 * 60);
/// Time for which a ban that is over is remembered, so that the next is longer.
pub(crate) const BAN_MEMORY: Duration = Duration::from_secs(24 * 60 * 60);
/// Bans of peers of one network group, each less than [`GROUP_STRIKES_FOR`] after the one before, that ban the group.
pub(crate) const GROUP_STRIKES: u32 = 8;
/// Time for which such a ban counts against the group.
pub(crate) const GROUP_STRIKES_FOR: Duration = Duration::from_secs(10 * 60);
/// Duration of the first ban of a network group: there may be honest nodes in it.
pub(crate) const GROUP_BAN: Duration = Duration::from_secs(10 * 60);
/// Network groups whose bans, or whose banned peers, are remembered.
pub(crate) const GROUPS_BANNED: usize = 1024;
/// Peers that are blocked at a time; the ban that is oldest is forgotten first.
pub(crate) const BANS: usize = 4096;
/// Peers that are connected, or that frames wait for: far more than connections. Others get no outbox.
pub(crate) const PEERS: usize = 4096;
/// Bytes that gossipsub adds to a frame.
pub(crate) const GOSSIP_OVERHEAD: usize = 1024;
/// Largest bag of entries, about 120 offers: a packet of the DHT holds one, and closer peers besides.
pub(crate) const BAG: usize = 48 * 1024;
/// Bytes of entries at which an index gets deeper: while a bag fills further, its entries are found in the bags below as well.
pub(crate) const CROWDED: usize = BAG / 2;
/// Largest single entry: a request with a large transaction fits.
pub(crate) const ENTRY: usize = 52 * 1024;
/// Frames of a bag: the smallest entry that can be signed and paid for has over 300 bytes.
pub(crate) const BAG_FRAMES: usize = 256;
/// Largest packet of the DHT.
pub(crate) const DHT_PACKET: usize = 64 * 1024;
/// Pause between two walks through the DHT that refresh its table. Connections, queries and peers that are met fill it as well.
pub(crate) const REFRESH: Duration = Duration::from_secs(30 * 60);
/// Pause between two tries to replace a peer in a full bucket of the table. Each try is a dial, and each connection brings a peer
/// that asks for a place: without a pause, the nodes of a large network would dial each other for ever.
pub(crate) const REPLACED: Duration = Duration::from_secs(2 * 60);
/// Nodes that the queries of this node for records ask at a time, however many connections it may have: answers of 8 MB in all.
pub(crate) const ASKED_AT_ONCE: usize = 120;
/// Those of one query for what lies at a place, or for the nodes closest to it: the parallelism of Kademlia.
pub(crate) const ASKED_BY_A_LOOK_UP: usize = 3;
/// The share of the nodes closest to a place whose confirmation ends a put there: three of four.
pub(crate) const CONFIRMED: (usize, usize) = (3, 4);
/// Queries of either kind that wait for their turn.
pub(crate) const QUERIES_WAITING: usize = 4096;
/// Frames of an answer that settles a question early: those of one signer, or one request.
pub(crate) const AGREED_FRAMES: usize = 8;
/// Nodes that must give the same answer to settle it, and
pub(crate) const AGREED_NODES: usize = 5;
/// the places of the key that they must answer for. Who wants to show an older entry needs so many nodes that are asked before any other.
pub(crate) const AGREED_PLACES: usize = 2;
/// Bytes stored for the network, overhead included.
pub(crate) const STORE_BYTES: usize = 32 * 1024 * 1024;
/// Bytes that an entry takes besides its own, in the maps of the store.
pub(crate) const ENTRY_OVERHEAD: usize = 512;
/// Bytes stored of one author: the offer of a signer, or some dozens of requests, under all their keys. A stamp that is paid once does not
/// buy the store.
pub(crate) const AUTHOR_BYTES: usize = 256 * 1024;
/// Entries of one author in one bag: requests that wait for the same signer.
pub(crate) const AUTHOR_ENTRIES: usize = 8;
/// The longest life of an entry, whatever its policy says: no kind of entry lives longer.
pub(crate) const ENTRY_LIFE: Duration = Duration::from_secs(24 * 60 * 60);
/// Time after which a bag is put at the nodes that are closest to its place now, if nobody has done it; some nodes wait up to half as
/// long again, so that they do not all do it at once.
pub(crate) const SPREAD: Duration = Duration::from_secs(60 * 60);
/// Pause between two looks for such bags, and the bags that are put at once: a full store in less than an hour.
pub(crate) const SPREAD_PAUSE: Duration = Duration::from_secs(10);
/// The bags that are put at once.
pub(crate) const SPREAD_AT_ONCE: usize = 32;
/// Frames of other nodes that wait to be judged for the store, and
pub(crate) const JUDGED: usize = 2048;
/// their bytes.
pub(crate) const JUDGED_BYTES: usize = 4 * 1024 * 1024;
/// Frames that are judged together, beside the event loop.
pub(crate) const JUDGED_AT_ONCE: usize = 32;
/// New frames that are judged for the store: 200 a second, two signature checks each, are 5 % of a core. A node that joins takes a large
/// bag of many from its neighbours.
pub(crate) const CHECKS: Rate = Rate { per_minute: 12_000, burst: 2_000 };
/// The same of one network group: a household, or a node that hands over what it stores.
pub(crate) const CHECKS_PER_GROUP: Rate = Rate { per_minute: 1_200, burst: 500 };
/// Network groups of which that is counted; the others count as one.
pub(crate) const CHECK_GROUPS: usize = 4096;
/// Answers to questions of this node that are united beside the event loop at a time.
pub(crate) const UNITED_AT_ONCE: usize = 2;
/// Answers of the DHT that are united, of each place of a key.
pub(crate) const ANSWERS: usize = 20;
