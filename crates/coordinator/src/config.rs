//! Configuration of an engine; the defaults are those of `docs/protocol.md` §7.4 and §10.

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};

use motet_core_crypto::PublicKey;
use motet_wire::Difficulty;

use crate::engine::Route;

/// Times, numbers and habits of an engine. Versions to come may add some, so a program begins with the default and changes what
/// it wants otherwise. Each field has a method of its name that does so:
///
/// ```
/// # use motet_coordinator::Config;
/// let config = Config::default().max_sessions(20).max_attempts(1);
/// assert_eq!(config.max_sessions, 20);
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Config {
    /// Time to join for a session that this process takes up from an earlier one. Other sessions can be joined until
    /// their request expires.
    pub join_timeout: Duration,
    /// Time limit of one round, without its items.
    pub round_timeout: Duration,
    /// Time that each item adds to a round's limit.
    pub round_timeout_per_item: Duration,
    /// The longest that a session may take in all.
    pub session_timeout: Duration,
    /// Life of a nonce that was made for a join.
    pub nonce_lifetime: Duration,
    /// Largest difference between the wall clock and the monotonic one over the life of nonces. A larger one shows that
    /// the machine slept, or that this process is a copy: its nonces are destroyed.
    pub clock_tolerance: Duration,
    /// Time after which the other participants are asked for a missing message. It doubles each time.
    pub sync_after: Duration,
    /// Time to wait for the coordinator's SignatureFinalized, before the next in the order takes over.
    pub failover_after: Duration,
    /// The most attempts that a session has, each with fresh nonces.
    pub max_attempts: u32,
    /// The most sessions at once.
    pub max_sessions: usize,
    /// The most sessions at once that one creator may have asked for.
    pub max_sessions_per_creator: usize,
    /// The most signers in a request that is looked at.
    pub max_signers: usize,
    /// The start of rounds: by themselves, or by the application ([`crate::Command::StartNonceCommitment`] and its
    /// sisters).
    pub rounds: Rounds,
    /// Life of a delegation; it is renewed at half of it.
    pub delegation_lifetime: Duration,
    /// The proof of work that this node puts on its announcements.
    pub difficulty: Difficulty,
    /// Measures against an observer of the node's connections.
    pub privacy: Privacy,
    /// Part in catch-up.
    pub catch_up: CatchUp,
    /// The places of signers that this node's user knows: contacts that need not advertise themselves. What a signer advertises is
    /// believed before this.
    pub routes: BTreeMap<PublicKey, Route>,
    /// Signers of this node that are in private groups alone. They are never advertised, no topic is subscribed to and nothing is looked
    /// up for them, and no public request may name them: who knows such a key knows all that its group owns.
    pub unlisted: BTreeSet<PublicKey>,
    /// The signers that this node's user knows (`docs/protocol.md` §10). Their messages and peers have ten times a stranger's
    /// share, and their requests need no proof of work. A request that goes to contacts alone is sent without one: they have to
    /// have this node's signer as a contact, too, or they drop it.
    pub contacts: BTreeSet<PublicKey>,
}

/// Measures against an observer of the node's connections (`docs/protocol.md` §10). All of them are off by default, and
/// have a price.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Privacy {
    /// All frames are held back by a random time up to this, 5 s at most. It hides the time of a decision and the
    /// signer that spoke first; a session takes up to four times this longer.
    pub delay: Duration,
    /// Mean pause between two meaningless frames to nodes that serve a signer; a second at least. It hides whether
    /// sessions are running; it costs the receiver the check of a signature, and opens connections to such nodes.
    pub cover: Option<Duration>,
}

/// Catch-up: what peers tell each other of offers when they meet (`docs/protocol.md` §9).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CatchUp {
    /// The node asks, while its user looks for offers, and answers.
    On,
    /// It does neither.
    Off,
}

/// The start of rounds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rounds {
    /// They start by themselves.
    Automatic,
    /// The application starts each.
    Manual,
}

/// One method for each field, which sets it.
macro_rules! setters {
    ($($field:ident: $type:ty,)*) => {
        impl Config {
            $(
                #[doc = concat!("This configuration with another `", stringify!($field), "`.")]
                #[must_use]
                pub fn $field(mut self, $field: $type) -> Self {
                    self.$field = $field;
                    self
                }
            )*
        }
    };
}

setters! {
    join_timeout: Duration,
    round_timeout: Duration,
    round_timeout_per_item: Duration,
    session_timeout: Duration,
    nonce_lifetime: Duration,
    clock_tolerance: Duration,
    sync_after: Duration,
    failover_after: Duration,
    max_attempts: u32,
    max_sessions: usize,
    max_sessions_per_creator: usize,
    max_signers: usize,
    rounds: Rounds,
    delegation_lifetime: Duration,
    difficulty: Difficulty,
    privacy: Privacy,
    catch_up: CatchUp,
    routes: BTreeMap<PublicKey, Route>,
    unlisted: BTreeSet<PublicKey>,
    contacts: BTreeSet<PublicKey>,
}

impl Config {
    /// True if a signer is a contact: by name, or by its place.
    pub(crate) fn has_contact(&self, signer: &PublicKey) -> bool {
        self.contacts.contains(signer) || self.routes.contains_key(signer)
    }
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
            catch_up: CatchUp::On,
            routes: BTreeMap::new(),
            unlisted: BTreeSet::new(),
            contacts: BTreeSet::new(),
        }
    }
}
