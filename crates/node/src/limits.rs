//! Every bound of the driver, with its reason, beside those of the engine.

use core::time::Duration;

pub use motet_coordinator::limits::*;

/// The shortest time between two reports to the user that a peer's clock differs.
pub const CLOCK_TOLD_AGAIN: Duration = Duration::from_secs(10 * 60);
/// Peers for which the time of that report is remembered.
pub const CLOCKS: usize = 256;
/// Time of the first query of the DHT for an advertisement of this node's signers by another process. The pause doubles
/// after each query.
pub const RIVALS_FIRST: Duration = Duration::from_secs(5);
/// The longest pause between two such queries. Each asks some sixty nodes where nothing is found, most of which have to be dialled; two processes with
/// one key are mostly started soon one after the other.
pub const RIVALS_MOST: Duration = Duration::from_secs(30 * 60);
/// Events that a slow listener may be behind before it loses the oldest.
pub const EVENTS: usize = 8192;
/// Applications whose messages are heard at once.
pub const APPLICATIONS: usize = 16;
/// Messages that a slow application may be behind before it loses the oldest: 256 KB.
pub const APPLICATION_MESSAGES: usize = 64;
/// Results of computations and answers of signers that wait for the engine.
pub const INPUTS: usize = 1024;
/// Steps whose consequences wait for the store or the network.
pub const BATCHES: usize = 256;
/// Results that are handled before what follows from them is stored and leaves.
pub const STEPS_AT_ONCE: usize = 64;
/// Frames that are taken in at once: checked together they cost less, and the first waits for no more than these.
pub const ARRIVALS: usize = 32;
/// Proofs of work at once, and other computations at once if the machine has as many cores. More than it has only delay those in
/// front, and each has a thread with its memory.
pub const POOL: usize = 16;
/// Computations that wait for a place. With as many nothing more is taken from the network, which has a bounded queue of its own.
pub const JOBS: usize = 32;
/// Signers that are asked at once and may wait for a person or a device.
pub const DEVICES: usize = 64;
/// Own announcements that are put into the DHT again when it gets its first peers, and from time to time.
pub const PUBLISHED: usize = 64 + OWN_RESOURCES;
/// Time after which what lives is put into the DHT again: nodes come and go, and those closest to its places change.
pub const PUT_AGAIN: Duration = Duration::from_secs(60 * 60);
/// Time for which an announcement is put again that does not say when it ends.
pub const PUT_FOR: Duration = Duration::from_secs(24 * 60 * 60);
/// Announcements that are put into the deeper bags of crowded indexes at a time.
pub const DEEPER: usize = 64;
/// Bytes in the DHT, of all its copies under different keys together, that a proof of work of the least difficulty pays for: those of an offer with
/// three transaction types, or of a small request to three signers.
pub const ENTRY_UNIT: usize = 4 * 1024;
/// Bags that one search reads at most: an index of about 50,000 signers.
pub const BAGS_READ: usize = 1024;
/// Bags that are read at a time. Nodes beside one place are mostly beside places of other bags as well, and are dialled once for all of those that
/// are read at a time. If all nodes of the network tell as much as they can, and each something else, that is 120 MB.
pub const BAGS_AT_ONCE: usize = 32;
/// Frames from the DHT that are checked together.
pub const FOUND_AT_ONCE: usize = 256;
/// Time between two looks at the groups' files for the sake of requests of strangers.
pub const GROUPS_EVERY: Duration = Duration::from_secs(1);
/// Computations that the driver's own task does at once, in checks of a signature, together with waiting frames: a
/// quarter of a millisecond, less than the cost of another thread.
pub const AT_ONCE: usize = 8;
/// Checks of a signature that take as long as the check of one input of a transaction, whose key is derived from those of the group.
pub const ITEM_WEIGHT: usize = 12;
/// Inputs that wait for the driver, or sessions that go on, when the node counts as busy. Below it, frames leave one step at a time,
/// before the next computation; from it on, frames and records of many steps leave and are stored together, which costs less.
pub const BUSY: usize = 4;
/// Bytes of a frame that take as long to parse as a signature to check: a point is 33 bytes, and takes a sixth of that.
pub const BYTES_PER_WEIGHT: usize = 512;
/// Senders whose points are kept, so as not to be found for each of their messages.
pub const SENDERS: usize = 1024;
/// Announcements of which copies by gossip share the verdict: those of a minute on a busy network.
pub(crate) const ECHOES: usize = 4096;
/// Copies of one that wait for the verdict: one on each of its topics.
pub(crate) const ECHOES_WAITING: usize = 20;
/// Signers that are looked up in the DHT at a time, for sessions: those of a large one.
pub(crate) const LOOK_UPS: usize = 128;
