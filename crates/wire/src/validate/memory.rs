//! The memory of a validator, all of it bounded.
//!
//! It is shared between the validator, which reads it before a signature is checked, and the checks, which record their
//! results. Only proven facts are recorded in favour of a message or against an author, so that a forger cannot make
//! this node forget or ignore the message of another. The lock is held for a few look-ups at a time.

use core::time::Duration;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use motet_core_crypto::Tag;

use super::channel::Channel;
use super::generations::{Generations, Key, key};
use super::limits::ValidatorLimits;
use super::member_key::MemberKey;
use super::rate::Bucket;
use super::rejection::Rejection;
use super::rule::{Penalty, Rule};
use crate::id::PeerId;
use crate::limits;
use crate::message::Kind;
use crate::time::MonotonicMs;

static PEER_KEY: Tag = Tag::new("motet/peer-key/v1");
static SENDER_KEY: Tag = Tag::new("motet/sender-key/v1");
static DELEGATION_KEY: Tag = Tag::new("motet/delegation-key/v1");

/// The memory, shared with the messages that are being checked.
#[derive(Debug, Clone)]
pub(crate) struct SharedMemory(Arc<Mutex<Memory>>);

impl SharedMemory {
    pub(crate) fn new(limits: ValidatorLimits) -> Self {
        Self(Arc::new(Mutex::new(Memory::new(limits))))
    }

    pub(crate) fn lock(&self) -> MutexGuard<'_, Memory> {
        // Nothing in here panics half-way through a change.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The memory of a validator.
#[derive(Debug)]
pub(crate) struct Memory {
    limits: ValidatorLimits,
    /// Messages that were proven, with the frame that proved them.
    seen: Generations<Key>,
    /// Frames whose signature failed.
    bad: Generations<()>,
    /// Frames that are being checked.
    in_flight: HashSet<Key>,
    /// Delegations that were proven.
    delegations: Generations<()>,
    /// The newest announcement of each signer.
    announcers: Generations<Announcer>,
    /// The used-up share of each author, from proven messages.
    authors: Generations<Bucket>,
    /// Message keys of members of live sessions, with what makes their signatures cheaper to check.
    member_keys: Generations<Arc<MemberKey>>,
    /// Offences by peer.
    strikes: Generations<Strikes>,
    counts: [u64; Rule::ALL.len()],
    accepted: u64,
}

/// The newest announcement of one signer.
#[derive(Debug, Clone, Copy)]
struct Announcer {
    version: u64,
    /// Time at which its advertisements are forgotten, at one in each interval.
    forgotten: MonotonicMs,
}

#[derive(Debug, Clone, Copy, Default)]
struct Strikes {
    signatures: u32,
    malformed: u32,
    /// True if the peer has sent far more than its share.
    floods: bool,
    until: MonotonicMs,
}

impl Strikes {
    const fn are_a_ban(self, limits: &ValidatorLimits) -> bool {
        self.floods || self.signatures > limits.strikes || self.malformed > limits.strikes
    }
}

/// A wrong that a peer has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Offence {
    /// It has delivered an invalid signature.
    Signature,
    /// It has delivered a frame that a look at the bytes shows to be wrong.
    Malformed,
    /// It has sent far more than its share.
    Flood,
}

/// The facts about one message by which the memory is queried.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Facts {
    pub(crate) kind: Kind,
    pub(crate) channel: Channel,
    /// The peer that delivered the frame.
    pub(crate) peer: Key,
    /// The message id.
    pub(crate) id: Key,
    /// The message id and the signature.
    pub(crate) frame: Key,
    /// The delegation and its signature.
    pub(crate) delegation: Option<Key>,
    /// The signer, of an announcement that has versions.
    pub(crate) announcer: Option<Key>,
    pub(crate) version: u64,
    /// Whose rate the message counts against.
    pub(crate) author: Key,
    pub(crate) factor: u64,
    pub(crate) now: MonotonicMs,
}

/// The facts that the memory keeps of a message of this node itself; the fields are as in [`Facts`].
#[derive(Debug, Clone, Copy)]
pub(crate) struct OwnFacts {
    pub(crate) id: Key,
    pub(crate) frame: Key,
    pub(crate) delegation: Option<Key>,
    pub(crate) announcer: Option<Key>,
    pub(crate) version: u64,
    pub(crate) now: MonotonicMs,
}

/// Time for which a replay could pass as a new announcement: the skew window, from its one end to the other.
const SEEN: Duration = limits::CLOCK_SKEW.saturating_mul(2);
const HOUR: Duration = Duration::from_secs(3_600);
const DAY: Duration = Duration::from_secs(24 * 3_600);
/// No author's bucket takes longer to refill.
const AUTHOR: Duration = Duration::from_secs(180);

impl Memory {
    fn new(limits: ValidatorLimits) -> Self {
        Self {
            seen: Generations::new(limits.seen, SEEN),
            bad: Generations::new(limits.bad, SEEN),
            in_flight: HashSet::new(),
            delegations: Generations::new(limits.delegations, HOUR),
            announcers: Generations::new(limits.signers, DAY),
            authors: Generations::new(limits.authors, AUTHOR),
            member_keys: Generations::new(limits.member_keys, DAY),
            strikes: Generations::new(limits.peers, limits.ban),
            counts: [0; Rule::ALL.len()],
            accepted: 0,
            limits,
        }
    }

    pub(crate) fn bound(&self) -> usize {
        let slots = (self.limits.in_flight.saturating_mul(8) / 7).next_power_of_two();
        let in_flight = (slots + slots / 2) * (size_of::<Key>() + 1);
        let seen = self.seen.bound() + self.bad.bound() + in_flight;
        let authors = self.announcers.bound() + self.authors.bound() + self.strikes.bound();
        let member_keys = self.member_keys.bound() + 2 * self.limits.member_keys * MemberKey::BYTES;
        seen + authors + self.delegations.bound() + member_keys
    }

    /// True while a peer is banned for its offences.
    pub(crate) fn is_banned(&self, peer: &Key, now: MonotonicMs) -> bool {
        self.strikes.find(peer).is_some_and(|strikes| strikes.are_a_ban(&self.limits) && now < strikes.until)
    }

    /// True if a peer has delivered an invalid signature lately.
    pub(crate) fn is_suspect(&self, peer: &Key) -> bool {
        self.strikes.find(peer).is_some_and(|strikes| strikes.signatures > 0)
    }

    /// V-27, of a message: the frame that proved it, if it was here before and may be here again.
    pub(crate) fn check_message(&self, id: &Key, channel: Channel) -> Result<Option<Key>, Rule> {
        let seen = self.seen.find(id);
        if seen.is_some() && channel.is_single_use() { Err(Rule::Replay) } else { Ok(seen) }
    }

    /// V-28, and V-27 of a frame: neither has it failed, nor is it being checked.
    pub(crate) fn check_frame(&self, frame: &Key, channel: Channel) -> Result<(), Rule> {
        if self.bad.find(frame).is_some() {
            return Err(Rule::KnownBad);
        }
        if channel.is_single_use() && self.in_flight.contains(frame) {
            return Err(Rule::Replay);
        }
        Ok(())
    }

    /// V-29 to V-31, before the signature is checked.
    pub(crate) fn check_author(&self, facts: &Facts) -> Result<(), Rule> {
        self.check_announcer(facts)?;
        self.spent(facts).map(|_| ())
    }

    /// True if a delegation has been proven.
    pub(crate) fn is_delegated(&self, delegation: &Key) -> bool {
        self.delegations.find(delegation).is_some()
    }

    /// The message key of a member of a live session, if it has sent before.
    pub(super) fn member_key(&self, sender: &[u8; 33]) -> Option<Arc<MemberKey>> {
        self.member_keys.find(&sender_key(sender))
    }

    /// Keeps the message key of a member of a live session.
    pub(super) fn keep_member_key(&mut self, key: Arc<MemberKey>, now: MonotonicMs) {
        self.member_keys.set(sender_key(&key.sender().to_bytes()), key, now);
    }

    /// Marks a message as being checked, until [`Memory::land`].
    pub(crate) fn take_off(&mut self, facts: &Facts) -> Result<(), Rule> {
        if self.in_flight.len() >= self.limits.in_flight {
            return Err(Rule::Budget);
        }
        self.in_flight.insert(facts.frame);
        Ok(())
    }

    /// A message is no longer being checked.
    pub(crate) fn land(&mut self, frame: &Key) {
        self.in_flight.remove(frame);
    }

    /// Writes down that a message was proven; V-27 to V-31 once more, since others may have been proven meanwhile.
    pub(crate) fn confirm(&mut self, facts: &Facts) -> Result<(), Rule> {
        if facts.channel.is_single_use() && self.seen.find(&facts.id).is_some() {
            return Err(Rule::Replay);
        }
        let forgotten = self.check_announcer(facts)?;
        let spent = self.spent(facts)?;
        self.seen.set(facts.id, facts.frame, facts.now);
        if let Some(delegation) = facts.delegation {
            self.delegations.set(delegation, (), facts.now);
        }
        if let Some(signer) = facts.announcer {
            self.announcers.set(signer, Announcer { version: facts.version, forgotten }, facts.now);
        }
        if let Some(bucket) = spent {
            self.authors.set(facts.author, bucket, facts.now);
        }
        self.accepted += 1;
        Ok(())
    }

    /// Records a message of this node itself: a copy of it from a peer is a replay, and costs no signature check where
    /// this node has asked for it.
    pub(crate) fn note_own(&mut self, own: &OwnFacts) {
        self.seen.set(own.id, own.frame, own.now);
        if let Some(delegation) = own.delegation {
            self.delegations.set(delegation, (), own.now);
        }
        let Some(signer) = own.announcer else { return };
        let known = self.announcers.find(&signer);
        if known.is_none_or(|known| known.version < own.version) {
            let forgotten = known.map(|known| known.forgotten).unwrap_or_default();
            self.announcers.set(signer, Announcer { version: own.version, forgotten }, own.now);
        }
    }

    /// Records that a frame's signature failed; returns the penalty for its peer.
    pub(crate) fn fail(&mut self, facts: &Facts) -> Penalty {
        self.bad.set(facts.frame, (), facts.now);
        self.strike(&facts.peer, Offence::Signature, facts.channel, facts.now)
    }

    /// Counts an offence against the peer that delivered the frame; returns its penalty. Bans are decided in this one
    /// place.
    pub(crate) fn strike(&mut self, peer: &Key, offence: Offence, channel: Channel, now: MonotonicMs) -> Penalty {
        if !channel.is_accountable() {
            return Penalty::None;
        }
        let mut strikes = self.strikes.find(peer).unwrap_or_default();
        let penalty = match offence {
            Offence::Signature => {
                strikes.signatures = strikes.signatures.saturating_add(1);
                Penalty::InvalidSignature
            }
            Offence::Malformed => {
                strikes.malformed = strikes.malformed.saturating_add(1);
                Penalty::Malformed
            }
            Offence::Flood => {
                strikes.floods = true;
                Penalty::Excess
            }
        };
        strikes.until = now.saturating_add(self.limits.ban);
        self.strikes.set(*peer, strikes, now);
        if strikes.are_a_ban(&self.limits) { Penalty::Ban } else { penalty }
    }

    /// Counts a rejection, by its rule and, if the frame was malformed, against the peer that delivered it.
    pub(crate) fn note(&mut self, rejection: Rejection, peer: &Key, channel: Channel, now: MonotonicMs) -> Rejection {
        let index = usize::from(rejection.rule.number()).saturating_sub(1);
        if let Some(count) = self.counts.get_mut(index) {
            *count = count.saturating_add(1);
        }
        if rejection.penalty != Penalty::Malformed {
            return rejection;
        }
        rejection.with_penalty(self.strike(peer, Offence::Malformed, channel, now))
    }

    pub(crate) fn counts(&self) -> Vec<(Rule, u64)> {
        Rule::ALL.into_iter().zip(self.counts).collect()
    }

    pub(crate) const fn accepted(&self) -> u64 {
        self.accepted
    }

    /// V-29 and V-30: when the signer's advertisements will be forgotten after this message.
    fn check_announcer(&self, facts: &Facts) -> Result<MonotonicMs, Rule> {
        let known = facts.announcer.and_then(|signer| self.announcers.find(&signer));
        // An answer to our own question may be the version that we know.
        let is_stale = known.is_some_and(|known| {
            facts.version < known.version || (facts.channel.is_single_use() && facts.version == known.version)
        });
        if is_stale {
            return Err(Rule::Stale);
        }
        let forgotten = known.map(|known| known.forgotten).unwrap_or_default();
        if facts.kind != Kind::SignerAdvertisement {
            return Ok(forgotten);
        }
        let interval = self.limits.advertisement_interval;
        let after = forgotten.max(facts.now).saturating_add(interval);
        let room = interval.saturating_mul(limits::ADVERTISEMENTS_AT_ONCE);
        if facts.channel.is_metered() && after.since(facts.now) > room {
            return Err(Rule::TooSoon);
        }
        // What was asked for is no reason to refuse what is said next.
        Ok(if facts.channel.is_metered() { after } else { forgotten })
    }

    /// V-31: the author's bucket after this message.
    fn spent(&self, facts: &Facts) -> Result<Option<Bucket>, Rule> {
        if !facts.channel.is_metered() {
            return Ok(None);
        }
        let rate = ValidatorLimits::author(facts.kind).times(facts.factor);
        let bucket = self.authors.find(&facts.author).unwrap_or_default();
        bucket.take(rate, 1, facts.now).map(Some).ok_or(Rule::AuthorRate)
    }
}

/// Which of a message's signatures have been checked before.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Proven {
    pub(crate) envelope: bool,
    pub(crate) delegation: bool,
}

/// The key under which the memory holds a peer.
pub(crate) fn peer_key(peer: &PeerId) -> Key {
    key(&PEER_KEY.hash(&[peer.as_bytes()]))
}

/// The key under which the memory holds a sender.
fn sender_key(sender: &[u8; 33]) -> Key {
    key(&SENDER_KEY.hash(&[sender]))
}

/// The key under which the memory holds a delegation that was proven.
pub(super) fn delegation_key(digest: &[u8; 32], signature: &[u8; 64]) -> Key {
    key(&DELEGATION_KEY.hash(&[digest, signature]))
}

#[cfg(test)]
mod tests;
