//! Stage 1: bans and buckets (`docs/protocol.md` §4.1), before anything else: a frame that no rule lets in costs as much as one
//! that passes.
//!
//! Three buckets are charged:
//!
//! - the *peer* that delivered a frame, for messages, bytes and computation, by its own class, at once. Its own frames,
//!   frames that it forwards for strangers, and frames that it forwards for authors that this node knows are counted
//!   apart;
//! - its *network group*, for strangers: at once, so that identities cost addresses;
//! - the *author*, in [`crate::validate::replay`]: only once the signature is known to be the author's, so that a
//!   forger cannot use up the share of another.

use core::time::Duration;

use super::arrival::Arrival;
use super::channel::Channel;
use super::generations::{Generations, Key};
use super::limits::ValidatorLimits;
use super::memory::{Offence, SharedMemory, peer_key};
use super::peer_class::PeerClass;
use super::rate::{Bucket, Rate};
use super::rejection::Rejection;
use super::rule::Rule;
use crate::message::Kind;
use crate::time::MonotonicMs;

/// The buckets of one peer or one group.
#[derive(Debug, Clone, Copy, Default)]
struct Buckets {
    messages: Bucket,
    bytes: Bucket,
    computation: Bucket,
    /// Frames of the peer over its share.
    excess: Bucket,
}

/// The buckets of all peers and groups.
#[derive(Debug)]
pub(crate) struct Meters {
    peers: Generations<Buckets>,
    groups: Generations<Buckets>,
}

/// Forgetting a bucket refills it, so buckets are kept for longer than any takes to refill.
const PERIOD: Duration = Duration::from_secs(120);

impl Meters {
    pub(crate) fn new(limits: &ValidatorLimits) -> Self {
        Self { peers: Generations::new(limits.peers, PERIOD), groups: Generations::new(limits.groups, PERIOD) }
    }

    pub(crate) fn bound(&self) -> usize {
        self.peers.bound() + self.groups.bound()
    }
}

/// A frame that its peer may send and we may look into.
#[derive(Debug)]
pub(crate) struct Metered {
    pub(crate) arrival: Arrival,
    /// The key under which the memory holds the peer that delivered the frame.
    pub(crate) peer: Key,
}

/// Charges the peer for a frame, and its group as well if the peer is a stranger; a frame that the peer has no room for costs
/// the group nothing.
pub(crate) fn charge(
    arrival: Arrival,
    meters: &mut Meters,
    memory: &SharedMemory,
    limits: &ValidatorLimits,
    now: MonotonicMs,
) -> Result<Metered, Rejection> {
    let peer = peer_key(&arrival.from);
    if !arrival.channel.is_metered() {
        // This node has asked for these frames.
        return Ok(Metered { arrival, peer });
    }
    let kind = known_kind(&arrival.bytes);
    let refuse = |rule| Rejection::new(rule, kind);
    if memory.lock().is_banned(&peer, now) {
        return Err(refuse(Rule::Banned));
    }
    let cost = Cost {
        bytes: u64::try_from(arrival.bytes.len()).unwrap_or(u64::MAX),
        computation: kind.map_or(1, |kind| kind.spec().computation),
    };
    let standing = arrival.peer_standing;
    // An author is a claim until a signature is checked. A peer that has claimed falsely before is believed no more.
    let author = if memory.lock().is_suspect(&peer) { PeerClass::Stranger } else { arrival.author_standing };
    let lane = Lane::of(arrival.channel, kind, author);
    let author_factor = if lane == Lane::RelayedKnown { limits.factor(author) } else { 1 };
    let key = lane.key(peer);
    let before = meters.peers.find(&key).unwrap_or_default();
    let factor = limits.factor(standing).max(author_factor);
    let after = match before.take(limits, factor, cost, now) {
        Ok(after) => after,
        Err(rule) => {
            let (rate, units) = lane.excess(limits, cost);
            let Some(excess) = before.excess.take(rate.times(factor), units, now) else {
                let penalty = memory.lock().strike(&peer, Offence::Flood, arrival.channel, now);
                return Err(refuse(rule).with_penalty(penalty));
            };
            meters.peers.set(key, Buckets { excess, ..before }, now);
            return Err(refuse(rule));
        }
    };
    meters.peers.set(key, after, now);
    if let (PeerClass::Stranger, Some(group)) = (standing, arrival.group.key()) {
        let group = lane.key(group);
        let shared = meters.groups.find(&group).unwrap_or_default();
        let factor = limits.group_factor.max(author_factor);
        let shared = shared.take(limits, factor, cost, now).map_err(|_| refuse(Rule::Group))?;
        meters.groups.set(group, shared, now);
    }
    Ok(Metered { arrival, peer })
}

/// The relation of a frame to the peer that delivers it. Each lane has buckets of its own, of a peer as of a group, so that traffic on one
/// never uses up another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Lane {
    /// The peer sends it as its own: a node also sends its broadcasts to its neighbours on direct streams.
    Own,
    /// The peer hands it on for strangers.
    Relayed,
    /// The peer hands it on for an author that this node knows.
    RelayedKnown,
    /// This version of the protocol has no name for it, so that a peer of this version does not hand it on.
    Unknown,
}

impl Lane {
    const fn of(channel: Channel, kind: Option<Kind>, author: PeerClass) -> Self {
        match (kind, channel, author) {
            (None, ..) => Self::Unknown,
            (_, Channel::Gossip, PeerClass::Stranger) => Self::Relayed,
            (_, Channel::Gossip, _) => Self::RelayedKnown,
            _ => Self::Own,
        }
    }

    /// The rate of excess that does not ban a peer, and how much of it one frame is.
    fn excess(self, limits: &ValidatorLimits, cost: Cost) -> (Rate, u64) {
        match self {
            Self::Relayed | Self::RelayedKnown => (limits.relayed_excess, 1),
            Self::Own | Self::Unknown => (limits.excess, 1 + cost.bytes / ValidatorLimits::EXCESS_BYTES),
        }
    }

    /// The key of a peer's or a group's buckets on this lane. Keys are hashes or begin with a mark, so that a key with
    /// another last byte is in no other use.
    fn key(self, mut key: Key) -> Key {
        if let Some(last) = key.last_mut() {
            *last ^= self as u8;
        }
        key
    }
}

/// The kind that a frame claims; `None` if the frame is of an unknown version or kind.
fn known_kind(frame: &[u8]) -> Option<Kind> {
    match *frame {
        [version, code, ..] => Kind::of_frame(version, code),
        _ => None,
    }
}

/// The units that a frame takes out of buckets, besides one message.
#[derive(Debug, Clone, Copy)]
struct Cost {
    bytes: u64,
    computation: u64,
}

impl Buckets {
    /// The buckets after a frame; the rule that it breaks if one of them does not hold so much.
    fn take(self, limits: &ValidatorLimits, factor: u64, cost: Cost, now: MonotonicMs) -> Result<Self, Rule> {
        let messages = self.messages.take(limits.peer_messages.times(factor), 1, now);
        let bytes = self.bytes.take(limits.peer_bytes.times(factor), cost.bytes, now);
        let computation = self.computation.take(limits.peer_computation.times(factor), cost.computation, now);
        Ok(Self {
            messages: messages.ok_or(Rule::PeerMessages)?,
            bytes: bytes.ok_or(Rule::PeerBytes)?,
            computation: computation.ok_or(Rule::PeerComputation)?,
            excess: self.excess,
        })
    }
}
