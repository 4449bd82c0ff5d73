//! What a user of the engine can choose; the defaults are those of `docs/protocol.md` §7.4 and §10.

use core::time::Duration;
use std::collections::BTreeSet;

use motet_core_crypto::PublicKey;
use motet_wire::Difficulty;

/// Times, numbers and habits of an engine. Versions to come may add fields, so a program names those that it changes and takes
/// the rest from the default:
///
/// ```
/// # use motet_coordinator::Config;
/// let config = Config { max_sessions: 20, ..Config::default() };
/// ```
#[derive(Debug, Clone)]
pub struct Config {
    /// How long signers have to join, if the request does not end earlier.
    pub join_timeout: Duration,
    /// How long one round may take, before its items are counted.
    pub round_timeout: Duration,
    /// What each item adds to a round's time.
    pub round_timeout_per_item: Duration,
    /// The longest that a session may take in all.
    pub session_timeout: Duration,
    /// How long a nonce that was made when joining may live.
    pub nonce_lifetime: Duration,
    /// How far the wall clock and the monotonic one may come apart while nonces live. More tells that the machine slept,
    /// or that this process is a copy: its nonces are destroyed.
    pub clock_tolerance: Duration,
    /// How long to wait for a message before the other participants are asked whether they have it. It doubles each time.
    pub sync_after: Duration,
    /// How long to wait for the coordinator's word on the signatures, before the next in the order takes over.
    pub failover_after: Duration,
    /// The most attempts that a session has, each with fresh nonces.
    pub max_attempts: u32,
    /// The most sessions at once.
    pub max_sessions: usize,
    /// The most sessions at once that one creator may have asked for.
    pub max_sessions_per_creator: usize,
    /// The most signers in a request that is looked at.
    pub max_signers: usize,
    /// Whether rounds wait for the application ([`crate::Command::StartNonceCommitment`] and its sisters).
    pub rounds: Rounds,
    /// How long a delegation is valid; it is renewed at half of it.
    pub delegation_lifetime: Duration,
    /// The proof of work that this node puts on its announcements.
    pub difficulty: Difficulty,
    /// What is hidden from whoever watches the node's connections.
    pub privacy: Privacy,
    /// The signers that this node's user knows (`docs/protocol.md` §10). Their messages and peers have ten times a stranger's
    /// share, and their requests need no proof of work. A request that goes to contacts alone is sent without one: they have to
    /// have this node's signer as a contact, too, or they drop it.
    pub contacts: BTreeSet<PublicKey>,
}

/// What a node does so that whoever watches its connections learns less (`docs/protocol.md` §10). All of it is off by
/// default, and has its price.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Privacy {
    /// What is sent is held back by a random time up to this, 5 s at most. It hides when a person decided, and who was
    /// first; a session takes up to four times this longer.
    pub delay: Duration,
    /// How often, on average, a frame of no meaning goes to a node that serves a signer; a second at least. It hides
    /// whether sessions go on; it costs that node the check of a signature, and opens connections to such nodes.
    pub cover: Option<Duration>,
}

/// Who starts rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounds {
    /// They start by themselves.
    Automatic,
    /// The application starts each.
    Manual,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            join_timeout: Duration::from_secs(60),
            round_timeout: Duration::from_secs(120),
            round_timeout_per_item: Duration::from_secs(1),
            session_timeout: Duration::from_secs(2 * 60 * 60),
            nonce_lifetime: Duration::from_secs(10 * 60),
            clock_tolerance: Duration::from_secs(2),
            sync_after: Duration::from_secs(1),
            failover_after: Duration::from_secs(10),
            max_attempts: 3,
            max_sessions: 100,
            max_sessions_per_creator: 10,
            max_signers: 15,
            rounds: Rounds::Automatic,
            delegation_lifetime: Duration::from_secs(23 * 60 * 60),
            difficulty: Difficulty::STANDARD,
            privacy: Privacy::default(),
            contacts: BTreeSet::new(),
        }
    }
}
