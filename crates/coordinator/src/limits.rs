//! Every bound of the engine, with its reason. Times and numbers that a user may change are in [`crate::Config`].

use core::time::Duration;

/// Advertisements kept: 10 KB each at most, once as they came and once as they are read, and nobody chooses among more signers than this.
pub const ADVERTISEMENTS: usize = 4096;
/// Messages kept for requests or attempts that are not known yet; the oldest goes first. Honest messages overtake each
/// other by a network delay, so few are early at any time.
pub const EARLY_MESSAGES: usize = 1024;
/// Resources known, announced here and found: 4 KB each and a little more, and an application that looks for others keeps
/// what it has found.
pub const RESOURCES: usize = 1024;
/// Resources that this node announces: each is paid for and put into the DHT again every hour.
pub const OWN_RESOURCES: usize = 100;
/// The shortest life of a resource: half of it after each announcement, there is another, and a stamp to be found for it.
pub const RESOURCE_LIFETIME: Duration = Duration::from_secs(60);
/// The longest that a resource lies in the DHT before it is put there again: half of what nodes keep anything for.
pub const RESOURCE_REFRESH: Duration = Duration::from_secs(60 * 60);
/// Early messages kept from one sender, so that nobody can push out everybody else's.
pub const EARLY_PER_SENDER: usize = 32;
/// Finished sessions whose outcome is remembered, to answer questions and to know duplicates.
pub const FINISHED_SESSIONS: usize = 1024;
/// How long a session that others may still complete is listened to after its end here: message keys are certified for no
/// longer than a day.
pub const OPEN_END: Duration = Duration::from_secs(24 * 60 * 60);
/// Ended requests whose records stay in the store, so that a message about one that comes back is known for what it is.
pub const ENDED_REQUESTS: usize = 4096;
/// Message keys known of one slot of a session: each restart of its signer brings one. More than this is no accident.
pub const VOICES_PER_SLOT: usize = 8;
/// Peers that are asked in ten minutes what this node has missed: one may know little, or leave things out.
pub const CATCH_UP_PEERS: usize = 3;
/// Pages that are asked of one peer, and that one peer is told in ten minutes: less than the megabyte that a stranger may send
/// in a minute. Gossip and the DHT have the rest.
pub const CATCH_UP_PAGES: u32 = 8;
/// Advertisements in a page: checked together in a few milliseconds.
pub const CATCH_UP_FRAMES: usize = 64;
/// Bytes of advertisements in a page: well within what a frame may hold.
pub const CATCH_UP_BYTES: usize = 96 * 1024;
/// Peers that are told something in ten minutes: together at most 200 MB, if all of them ask for everything.
pub const CATCH_UP_ASKERS: usize = 256;
/// Signers of whom something is remembered.
pub const STANDINGS: usize = 4096;
/// Requests that wait for an approval; the oldest is dropped first (`docs/protocol.md` §10).
pub const UNAPPROVED_REQUESTS: usize = 100;
/// How long the proof of work on a request may take without shortening the time that the others have: ten times what it
/// takes on a slow machine.
pub const WORK_ALLOWANCE: Duration = Duration::from_secs(10);
/// The longest that is allowed for it: a machine that needs more should not ask in public.
pub const WORK_PATIENCE: Duration = Duration::from_secs(10 * 60);
/// Commands that wait for a computation.
pub const PENDING_COMMANDS: usize = 256;
/// The longest that anything is held back for privacy: others give a join 60 s, and the coordinator's last word 10 s.
pub const HOLD: Duration = Duration::from_secs(5);
/// Things that are held back at once; with more, the oldest leave early.
pub const HELD: usize = 4096;
/// The least average time between two frames of no meaning: at this rate, one node of the network has to check one signature
/// a second more than it had.
pub const COVER_INTERVAL: Duration = Duration::from_secs(1);
/// The noise in a frame of no meaning, in bytes: with what is around it, as long as joins, nonces and partial signatures of a
/// few items.
pub const COVER_BYTES: (usize, usize) = (120, 560);
/// How soon a signer is advertised again when its addresses have changed: others take one advertisement a minute.
pub const ADVERTISED_AGAIN: Duration = Duration::from_secs(61);
/// How soon the user is told again of the same trouble with somebody else.
pub const TOLD_AGAIN: Duration = Duration::from_secs(5 * 60);
/// How soon the user is told again that a peer's clock differs,
pub const CLOCK_TOLD_AGAIN: Duration = Duration::from_secs(10 * 60);
/// and of how many peers that is remembered.
pub const CLOCKS: usize = 256;
/// When it is first looked whether another process has put an advertisement of this node's signers into the DHT; the pause
/// doubles,
pub const RIVALS_FIRST: Duration = Duration::from_secs(5);
/// up to this: one question for each signer costs others little, and two processes with one key cost sessions.
pub const RIVALS_MOST: Duration = Duration::from_secs(5 * 60);
/// Events that a slow listener may be behind before it loses the oldest.
pub const EVENTS: usize = 8192;
/// Results of computations and answers of signers that wait for the engine.
pub const INPUTS: usize = 1024;
/// Steps whose consequences wait for the store or the network.
pub const BATCHES: usize = 256;
/// Frames that are taken in at once: checked together they cost less, and the first waits for no more than these.
pub const ARRIVALS: usize = 32;
/// Computations at once: more than any machine has cores only delays those in front.
pub const POOL: usize = 16;
/// Own announcements that are put into the DHT again when it gets its first peers.
pub const PUBLISHED: usize = 64 + OWN_RESOURCES;
/// Computations that are done at once, in checks of a signature, together with what waits meanwhile: a quarter of a
/// millisecond, for which nobody would call another thread.
pub const AT_ONCE: usize = 8;
/// Bytes of a frame that take as long to parse as a signature to check: a point is 33 bytes, and takes a sixth of that.
pub const BYTES_PER_WEIGHT: usize = 512;
/// Senders whose points are kept, so as not to be found for each of their messages.
pub const SENDERS: usize = 1024;
