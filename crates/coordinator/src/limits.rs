//! Every bound of the engine, with its reason. Times and numbers that a user may change are in [`crate::Config`].

use core::time::Duration;

/// Advertisements kept: 10 KB each at most, once as they came and once as they are read. No user chooses among more
/// signers than this.
pub const ADVERTISEMENTS: usize = 4096;
/// Messages kept for requests or attempts that are not known yet, in each of three rooms: of participants, of others that advertise, and of
/// strangers. In each the oldest goes first. Honest messages overtake each other by a network delay, so few are early at any time.
pub const EARLY_MESSAGES: usize = 1024;
/// Transaction types that a node looks for at a time: other nodes take 64 subscriptions of one, and those of its signers are among them.
pub const TYPES: usize = 32;
/// Contacts of a user: far more than one has.
pub const CONTACTS: usize = 4096;
/// Places of signers by the word of the user: far more than one has contacts.
pub const ROUTES: usize = 4096;
/// Resources known, announced here and found: 4 KB each and a little more. An application that looks for others keeps
/// the resources that it has found.
pub const RESOURCES: usize = 1024;
/// Resources that this node announces: each is paid for and put into the DHT again every hour.
pub const OWN_RESOURCES: usize = 100;
/// Nodes to whose applications this one speaks, as long as they remember it: about 20 s for each message.
pub const APPLICATION_PEERS: usize = 1024;
/// The shortest life of a resource: half of it after each announcement, there is another, and a stamp to be found for it.
pub const RESOURCE_LIFETIME: Duration = Duration::from_secs(60);
/// The longest time after which a resource is put into the DHT again: half of the time for which nodes keep a record.
pub const RESOURCE_REFRESH: Duration = Duration::from_secs(60 * 60);
/// Early messages kept from one sender, so that no sender can push out the messages of all others.
pub const EARLY_PER_SENDER: usize = 32;
/// Finished sessions whose outcome is remembered, to answer questions and to know duplicates.
pub const FINISHED_SESSIONS: usize = 1024;
/// Time for which the engine listens for a session after its end here, if others may still complete it: message keys
/// are certified for no longer than a day.
pub const OPEN_END: Duration = Duration::from_secs(24 * 60 * 60);
/// Ended requests whose records stay in the store, so that a late message about one is recognised.
pub const ENDED_REQUESTS: usize = 4096;
/// Results that are handed out until the application has noted them; an application that has not noted so many will not come
/// back for the oldest.
pub const RESULTS: usize = 1024;
/// Proofs of misbehaviour that are kept, 62 KB each at most: whoever is shown one needs no more of the same signer.
pub const PROOFS: usize = 64;
/// Message keys known of one slot of a session: each restart of its signer brings one. More than this is no accident.
pub const MESSAGE_KEYS_PER_SLOT: usize = 8;
/// Peers that are asked for missed advertisements in ten minutes, three at first: when one has told enough, the next goes on. Together they tell
/// of twice as many signers as the directory holds.
pub const CATCH_UP_WALKS: usize = 16;
/// Peers that are remembered to be asked then.
pub const CATCH_UP_MET: usize = 32;
/// Pages that are asked of one peer, and that one peer is told in ten minutes: less than the megabyte that a stranger may send
/// in a minute. Gossip and the DHT have the rest.
pub const CATCH_UP_PAGES: u32 = 8;
/// Advertisements in a page: checked together in a few milliseconds.
pub const CATCH_UP_FRAMES: usize = 64;
/// Bytes of advertisements in a page: well within the bound of a frame.
pub const CATCH_UP_BYTES: usize = 96 * 1024;
/// Number of times that signers are asked to join, directly and in vain, before their request is put into the DHT: eight seconds. A node
/// that has gone without a word and comes back under another address looks there.
pub const ASKED_IN_VAIN: u32 = 4;
/// Peers that are told something in ten minutes: together at most 200 MB, if all of them ask for everything.
pub const CATCH_UP_ASKERS: usize = 256;
/// Signers in the table of reputation.
pub const STANDINGS: usize = 4096;
/// The score below which a signer is found only if the search names a lower one: below it are signers that have left sessions without an
/// answer three times, or have ended five that had begun, within a day.
pub const FOUND_SCORE: i64 = -20;
/// Requests that wait for an approval (`docs/protocol.md` §10): nobody reads through more.
pub const UNAPPROVED_REQUESTS: usize = 100;
/// Those of them that have come over one connection, and
pub const PROMPTS_PER_PEER: usize = 10;
/// over the connections of one network group.
pub const PROMPTS_PER_GROUP: usize = 20;
/// Time for which a request that has ended without an answer keeps its place: so a peer asks for five decisions a minute, if it takes all
/// requests back at once.
pub const PROMPT_REST: Duration = Duration::from_secs(2 * 60);
/// By how many bits of work a request has to be dearer than a waiting one to take its place: chance makes half of all stamps one bit better
/// than they have to be.
pub const DEARER_BITS: u8 = 2;
/// Time that the proof of work on a request may take without shortening the time of the other signers: ten times the
/// time of a slow machine.
pub const WORK_ALLOWANCE: Duration = Duration::from_secs(10);
/// The longest that is allowed for it: a machine that needs more should not ask in public.
pub const WORK_PATIENCE: Duration = Duration::from_secs(10 * 60);
/// Commands that wait for a computation.
pub const PENDING_COMMANDS: usize = 256;
/// The longest that anything is held back for privacy: others give a join 60 s, and the coordinator's last word 10 s.
pub const HOLD: Duration = Duration::from_secs(5);
/// The least average time between two frames of no meaning: at this rate, one node of the network has to check one signature
/// a second more than it had.
pub const COVER_INTERVAL: Duration = Duration::from_secs(1);
/// Bytes of noise in a meaningless frame: the whole frame is as long as joins, nonces and partial signatures of a few
/// items.
pub const COVER_BYTES: (usize, usize) = (120, 560);
/// The shortest time between two advertisements of a signer when its addresses change: other nodes take one
/// advertisement a minute.
pub const ADVERTISED_AGAIN: Duration = Duration::from_secs(61);
/// The shortest time between two reports to the user of the same trouble with another node.
pub const TOLD_AGAIN: Duration = Duration::from_secs(5 * 60);
/// Frames that are held back at once; with more, the oldest leave early.
pub const HELD: usize = 4096;
