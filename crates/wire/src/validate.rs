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

mod admitted;
mod arrival;
mod authentic;
pub(crate) mod channel;
mod cost;
mod decode;
pub(crate) mod fresh;
mod generations;
mod limits;
mod member_key;
mod memory;
mod meter;
mod network_group;
pub(crate) mod peer_class;
pub(crate) mod rate;
mod rejection;
mod replay;
pub(crate) mod rule;
mod size;
mod structure;
mod validated;

use core::fmt;
use std::sync::Arc;

pub use admitted::Admitted;
pub use arrival::Arrival;
pub use authentic::verify_batch;
pub use channel::Channel;
pub use limits::ValidatorLimits;
pub use network_group::NetworkGroup;
pub use peer_class::PeerClass;
pub use rate::{Bucket, Rate};
pub use rejection::Rejection;
pub use rule::{Penalty, Rule, Verdict};
pub use validated::Validated;

use crate::id::NetworkId;
use crate::time::Now;
use crate::work::{HashWork, Load, WorkPolicy};

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
