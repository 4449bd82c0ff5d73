//! The pipeline: the only way from a stranger's bytes to a message (`docs/protocol.md` §4, `docs/validation.md`).
//!
//! ```text
//! Arrival -> Metered -> Sized -> Decoded -> Structured -> Fresh -> Unseen -> Admitted  -> Validated
//!            buckets    length   bytes      by itself     clock    memory    work, budget  signatures
//!            \______________________ Validator::admit ______________________/ \_ Admitted::verify _/
//! ```
//!
//! Each stage consumes the type before it and returns the next one, which only it can make; the cheapest comes first.
//! [`Validator::admit`] is cheap and holds state: call it in order, on one task. [`Admitted::verify`] and
//! [`verify_batch`] are pure computation: run them on a pool. [`Validated`] has private fields, and for bytes no other
//! source. A message of this node itself is one as soon as it is sealed ([`crate::Author::seal`]): it never was bytes of another.
//!
//! A rejection holds the broken [`Rule`], the verdict for gossipsub, and the penalty for the peer that delivered the
//! message.

mod authentic;
mod cost;
mod decode;
pub(crate) mod fresh;
mod generations;
mod limits;
mod memory;
mod meter;
mod replay;
mod rule;
mod size;
mod structure;
mod validated;

use core::fmt;
use std::sync::Arc;

pub use authentic::verify_batch;
pub use limits::ValidatorLimits;
pub use meter::{NetworkGroup, Rate};
pub(crate) use rule::ensure;
pub use rule::{Penalty, Rule, Verdict};
pub use validated::Validated;

use crate::id::{NetworkId, PeerId};
use crate::message::Kind;
use crate::time::Now;
use crate::work::{HashWork, Load, WorkPolicy};

/// The channel on which a frame came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Channel {
    /// By gossipsub; the peer is the one that forwarded it.
    Gossip,
    /// On a direct stream, unasked.
    Direct,
    /// Read from the DHT, because we asked.
    #[cfg_attr(feature = "serde", serde(rename = "DHT"))]
    Dht,
    /// In an answer that we asked for: from a SyncResponse, a SessionReady, or a catch-up page.
    #[cfg_attr(feature = "serde", serde(rename = "handed on"))]
    Sync,
    /// On none: this node has sealed the message itself ([`crate::Author::seal`]). No frame may come on it (rule V-05).
    #[cfg_attr(feature = "serde", serde(rename = "own"))]
    Own,
    /// From this node's own store, where it lies because it was validated once.
    Store,
}

impl Channel {
    /// True if other nodes decide when frames come on it, and how many.
    const fn is_metered(self) -> bool {
        matches!(self, Self::Gossip | Self::Direct)
    }

    /// True if a message that came before is dropped. Messages that this node has asked for are kept, because it may
    /// have lost them.
    const fn is_single_use(self) -> bool {
        matches!(self, Self::Gossip | Self::Direct)
    }

    /// True if the peer that delivered the frame should have checked it.
    const fn is_accountable(self) -> bool {
        matches!(self, Self::Gossip | Self::Direct | Self::Sync)
    }
}

/// The class of a peer or an author, to this node.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PeerClass {
    /// An unknown peer or author.
    #[default]
    Stranger,
    /// A signer that the user has named, or its peer.
    Contact,
    /// A participant of sessions that are going on.
    Participant {
        /// Number of the sessions.
        sessions: u16,
    },
}

impl PeerClass {
    /// Share of the buckets, as a multiple of a stranger's.
    const fn factor(self, limits: &ValidatorLimits) -> u64 {
        match self {
            Self::Stranger => 1,
            Self::Contact => limits.contact_factor,
            Self::Participant { sessions } => {
                limits.member_factor.saturating_add(limits.session_factor.saturating_mul(sessions as u64))
            }
        }
    }
}

/// A frame as the network delivers it.
#[derive(Debug, Clone)]
pub struct Arrival {
    /// The frame.
    pub bytes: Arc<[u8]>,
    /// The channel on which it came.
    pub channel: Channel,
    /// The peer that delivered it, known from the connection; not the author.
    pub from: PeerId,
    /// The network group of that peer's connection.
    pub group: NetworkGroup,
    /// The class of that peer.
    pub peer_standing: PeerClass,
    /// The class of the sender that the frame claims ([`crate::peek`]).
    pub author_standing: PeerClass,
}

impl Arrival {
    /// A frame from a stranger, of no network group.
    pub const fn new(bytes: Arc<[u8]>, channel: Channel, from: PeerId) -> Self {
        Self {
            bytes,
            channel,
            from,
            group: NetworkGroup::Local,
            peer_standing: PeerClass::Stranger,
            author_standing: PeerClass::Stranger,
        }
    }

    /// The same, from this network group.
    #[must_use]
    pub fn group(self, group: NetworkGroup) -> Self {
        Self { group, ..self }
    }

    /// The same, where the peer and the claimed sender are this to us.
    #[must_use]
    pub fn standing(self, peer_standing: PeerClass, author_standing: PeerClass) -> Self {
        Self { peer_standing, author_standing, ..self }
    }
}

/// Why a frame is not a message that we act on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("rejected by {rule}")]
pub struct Rejection {
    /// The rule that was broken.
    pub rule: Rule,
    /// The verdict for gossipsub.
    pub verdict: Verdict,
    /// The penalty for the peer that delivered the frame.
    pub penalty: Penalty,
    /// The kind that the frame claims to be, where it was read.
    pub kind: Option<Kind>,
    /// The frame, when its author signed it and it still is no message: together with the author's delegation that is
    /// [`crate::Evidence::Malformed`].
    pub signed_frame: Option<Arc<[u8]>>,
}

impl Rejection {
    pub(crate) const fn new(rule: Rule, kind: Option<Kind>) -> Self {
        Self { rule, verdict: rule.verdict(), penalty: rule.penalty(), kind, signed_frame: None }
    }

    fn with_penalty(self, penalty: Penalty) -> Self {
        Self { penalty, ..self }
    }

    fn with_signed_frame(self, frame: Arc<[u8]>) -> Self {
        Self { signed_frame: Some(frame), ..self }
    }
}

/// The cheap half of the pipeline, and all of its memory.
///
/// [`Validator::memory_bound`] bounds its memory, whatever traffic arrives.
pub struct Validator {
    network: NetworkId,
    limits: ValidatorLimits,
    work: Arc<dyn WorkPolicy>,
    load: Load,
    meters: meter::Meters,
    budget: cost::Budget,
    memory: memory::SharedMemory,
}

impl Validator {
    /// A validator for one network that asks for hashed proofs of work at the protocol's difficulty.
    pub fn new(network: NetworkId, limits: ValidatorLimits) -> Self {
        Self::with_work(network, limits, Arc::new(HashWork::default()))
    }

    /// A validator that asks for another proof than [`HashWork`], or for another difficulty.
    pub fn with_work(network: NetworkId, limits: ValidatorLimits, work: Arc<dyn WorkPolicy>) -> Self {
        Self {
            network,
            work,
            load: Load::IDLE,
            meters: meter::Meters::new(&limits),
            budget: cost::Budget::new(limits.verifications_per_second),
            memory: memory::SharedMemory::new(limits.clone()),
            limits,
        }
    }

    /// The network whose messages are believed.
    pub const fn network(&self) -> &NetworkId {
        &self.network
    }

    /// Says how full the queue behind the validator is; strangers have to pay more when it is more than half full.
    pub const fn set_load(&mut self, load: Load) {
        self.load = load;
    }

    /// Everything that costs less than a signature check: V-01 to V-34.
    ///
    /// # Errors
    ///
    /// [`Rejection`] with the rule, the verdict and the penalty.
    pub fn admit(&mut self, arrival: Arrival, now: Now) -> Result<Admitted, Rejection> {
        let (from, channel) = (arrival.from, arrival.channel);
        let result = self.stages(arrival, now);
        result.map_err(|rejection| self.memory.lock().note(rejection, &memory::peer_key(&from), channel, now.mono))
    }

    fn stages(&mut self, arrival: Arrival, now: Now) -> Result<Admitted, Rejection> {
        let metered = meter::charge(arrival, &mut self.meters, &self.memory, &self.limits, now.mono)?;
        let sized = size::check(metered)?;
        let decoded = decode::decode(sized)?;
        let structured = structure::check(decoded)?;
        let fresh = fresh::check(structured, now)?;
        let unseen = replay::check(fresh, &self.network, &self.limits, &self.memory)?;
        cost::check(unseen, &self.network, &*self.work, self.load, &mut self.budget, &self.memory)
    }

    /// Both halves at once, for callers without a pool: a frame becomes a message.
    ///
    /// # Errors
    ///
    /// As [`Validator::admit`] and [`Admitted::verify`].
    pub fn validate(&mut self, arrival: Arrival, now: Now) -> Result<Validated, Rejection> {
        self.admit(arrival, now)?.verify()
    }

    /// Takes a message of this node itself into the memory, unchecked, as if it had come and been proven: a copy that a
    /// peer hands back is a replay.
    pub fn note_own(&self, own: &Validated, now: Now) {
        let name = (own.id().to_bytes(), own.sequence());
        if let Some(facts) = replay::facts_of_own(own.message(), own.frame(), name, &self.network, now.mono) {
            self.memory.lock().note_own(&facts);
        }
    }

    /// Number of messages that broke each rule.
    pub fn counts(&self) -> Vec<(Rule, u64)> {
        self.memory.lock().counts()
    }

    /// Number of validated messages.
    pub fn accepted(&self) -> u64 {
        self.memory.lock().accepted()
    }

    /// Bytes that all memories together can come to hold.
    pub fn memory_bound(&self) -> usize {
        self.meters.bound() + self.memory.lock().bound()
    }
}

impl fmt::Debug for Validator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Validator").field("network", &self.network).field("load", &self.load).finish_non_exhaustive()
    }
}

/// A message that is worth a signature check. Dropping it unchecked leaves no trace: a copy may still come.
#[derive(Debug)]
#[must_use = "an admitted message is nothing until it is verified"]
pub struct Admitted {
    unseen: replay::Unseen,
    proven: memory::Proven,
    delegation_digest: Option<[u8; 32]>,
    ticket: Ticket,
}

impl Admitted {
    /// The kind of the message.
    pub const fn kind(&self) -> Kind {
        self.unseen.decoded.kind
    }

    /// The peer that delivered the message: a rejection is reported about it.
    pub const fn from(&self) -> &PeerId {
        &self.unseen.decoded.arrival.from
    }

    /// The class whose budget the message has used: the priority of the message, when there is a backlog.
    pub const fn standing(&self) -> PeerClass {
        self.unseen.standing
    }
}

/// Keeps a frame in flight for as long as its check takes, however that ends.
#[derive(Debug)]
struct Ticket {
    memory: memory::SharedMemory,
    frame: generations::Key,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.memory.lock().land(&self.frame);
    }
}
