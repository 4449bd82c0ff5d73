//! Stage 7: the price of a signature check (`docs/protocol.md` §4.7, §4.8, §10).
//!
//! First the author's proof of work, then this node's budget of signature checks a second, of which strangers can use a
//! fifth and members of live sessions always have half.

use super::admitted::{Admitted, Ticket};
use super::channel::Channel;
use super::memory::{Proven, SharedMemory, delegation_key};
use super::peer_class::PeerClass;
use super::rate::{Bucket, Rate};
use super::rejection::Rejection;
use super::replay::Unseen;
use super::rule::Rule;
use crate::envelope::Head;
use crate::id::NetworkId;
use crate::time::MonotonicMs;
use crate::work::{Load, WorkClaim, WorkFault, WorkPolicy};

/// The budget of signature checks, in three pools.
#[derive(Debug)]
pub(crate) struct Budget {
    members: Pool,
    common: Pool,
    strangers: Pool,
}

#[derive(Debug)]
struct Pool {
    rate: Rate,
    bucket: Bucket,
}

impl Pool {
    /// `tenths` of so many a second; a full bucket holds the units of one second.
    const fn new(per_second: u64, tenths: u64) -> Self {
        let rate = Rate { per_minute: per_second * 60 * tenths / 10, burst: per_second * tenths / 10 };
        Self { rate, bucket: Bucket::FULL }
    }

    fn take(&mut self, units: u64, now: MonotonicMs) -> bool {
        let after = self.bucket.take(self.rate, units, now);
        if let Some(after) = after {
            self.bucket = after;
        }
        after.is_some()
    }
}

impl Budget {
    pub(crate) const fn new(per_second: u64) -> Self {
        Self {
            members: Pool::new(per_second, 5),
            common: Pool::new(per_second, 3),
            strangers: Pool::new(per_second, 2),
        }
    }

    /// Takes from the best pool that the standing gives access to and that holds enough.
    pub(crate) fn take(&mut self, standing: PeerClass, units: u64, now: MonotonicMs) -> bool {
        let Self { members, common, strangers } = self;
        match standing {
            PeerClass::Participant { .. } => {
                members.take(units, now) || common.take(units, now) || strangers.take(units, now)
            }
            PeerClass::Contact => common.take(units, now) || strangers.take(units, now),
            PeerClass::Stranger => strangers.take(units, now),
        }
    }
}

/// V-32 to V-34.
pub(crate) fn check(
    mut unseen: Unseen,
    network: &NetworkId,
    policy: &dyn WorkPolicy,
    load: Load,
    budget: &mut Budget,
    memory: &SharedMemory,
) -> Result<Admitted, Rejection> {
    let kind = unseen.decoded.kind;
    let refuse = |rule| Rejection::new(rule, Some(kind));
    check_work(&unseen, network, policy, load).map_err(refuse)?;
    // Hashed only now, after the work was checked: a message without work costs no hash of its delegation.
    let delegation_digest = match unseen.decoded.body.delegation() {
        Some(delegation) => {
            let digest = delegation.digest(network).map_err(|_| refuse(Rule::Fields))?;
            unseen.facts.delegation = Some(delegation_key(&digest, &delegation.signature));
            Some(digest)
        }
        None => None,
    };
    let mut memory_now = memory.lock();
    let proven = Proven {
        envelope: unseen.seen == Some(unseen.facts.frame),
        delegation: unseen.facts.delegation.is_none_or(|delegation| memory_now.is_delegated(&delegation)),
    };
    let channel = unseen.decoded.arrival.channel;
    let units = u64::from(!proven.envelope) + u64::from(!proven.delegation);
    // What this node has asked the DHT for is bounded by the question, and takes nothing from those who speak of their own accord.
    let asked = matches!(channel, Channel::Store | Channel::Dht);
    if !asked && !budget.take(unseen.standing, units, unseen.facts.now) {
        return Err(refuse(Rule::Budget));
    }
    memory_now.take_off(&unseen.facts).map_err(refuse)?;
    let ticket = Ticket { memory: memory.clone(), frame: unseen.facts.frame };
    Ok(Admitted { unseen, proven, delegation_digest, ticket })
}

fn check_work(unseen: &Unseen, network: &NetworkId, policy: &dyn WorkPolicy, load: Load) -> Result<(), Rule> {
    let Some(paid) = unseen.decoded.body.paid() else { return Ok(()) };
    let load = match unseen.decoded.arrival.channel {
        Channel::Own | Channel::Store => return Ok(()),
        Channel::Gossip | Channel::Direct => load,
        // Answers to our own questions need no more than the standard work.
        Channel::Dht | Channel::Sync => Load::IDLE,
    };
    let frame = &unseen.decoded.arrival.bytes;
    let body = frame.get(Head::LENGTH..frame.len().saturating_sub(64)).unwrap_or_default();
    let claim = WorkClaim { standing: unseen.standing, load, ..paid.claim(network, body) };
    policy.check(&claim, paid.stamp.as_ref()).map_err(|fault| match fault {
        WorkFault::Invalid => Rule::Work,
        WorkFault::Insufficient => Rule::WorkHere,
    })
}
