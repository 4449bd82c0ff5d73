//! Healing: the list of the envelopes that a node holds of a session, and the envelopes that it lacks
//! (`docs/protocol.md` §3, §7.2).
//!
//! Any participant can hand on any signed envelope, so that a lost message, a reconnect, a late joiner and a change of
//! coordinator are all healed by the same exchange. The frames in a response are bytes here: each goes through the
//! pipeline by itself, as [`crate::Channel::Sync`].

use super::raw::{Parts, Raw};
use super::spec::{Channels, KindSpec};
use crate::codec::{Bytes, Code, List, ParseError};
use crate::id::{Attempt, RequestId, SignerIndex};
use crate::limits;
use crate::mirror::KnownKeys;
use crate::mirror::{Mirror, mirror};
use crate::subject::Subject;
use crate::validate::rule::{Rule, ensure};

/// The list of the envelopes that the sender holds; the receiver answers with the missing ones.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncRequest {
    /// The request.
    pub request: RequestId,
    /// The attempt that the round messages in `have` belong to.
    pub attempt: Attempt,
    /// The envelopes that the sender holds.
    pub have: Have,
}

/// The signed envelopes that the asker lacked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SyncResponse {
    /// The request.
    pub request: RequestId,
    /// Frames as their authors signed them, at most 403 and 256 KB in all.
    pub frames: Vec<Vec<u8>>,
}

/// The envelopes that a node holds of a request and one of its attempts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Have {
    /// The request itself.
    pub request: Holding,
    /// Whose answers (joins or refusals).
    pub joins: SignerSet,
    /// Whose commitments of the attempt.
    pub commitments: SignerSet,
    /// Whose nonces of the attempt.
    pub nonces: SignerSet,
    /// Whose partial signatures of the attempt.
    pub partials: SignerSet,
    /// The outcome: final signatures or an abort.
    pub outcome: Holding,
}

/// Presence of one envelope.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Holding {
    /// It is not.
    #[default]
    Missing,
    /// It is.
    Held,
}

/// A set of signers, one bit for each of up to 100.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct SignerSet(u128);

impl SignerSet {
    /// The empty set.
    pub const EMPTY: Self = Self(0);
    const MASK: u128 = (1 << limits::SIGNERS_MAX) - 1;

    /// The first `count` signers.
    pub fn first(count: usize) -> Self {
        (0..count.min(limits::SIGNERS_MAX)).filter_map(|index| u16::try_from(index).ok().map(SignerIndex)).collect()
    }

    /// Adds a signer; an index of 100 or more changes nothing.
    pub fn insert(&mut self, signer: SignerIndex) {
        self.0 |= Self::bit(signer);
    }

    /// True if a signer is in the set.
    pub fn contains(&self, signer: SignerIndex) -> bool {
        self.0 & Self::bit(signer) != 0
    }

    /// Number of signers in the set.
    pub const fn len(&self) -> u32 {
        self.0.count_ones()
    }

    /// True if the set is empty.
    pub const fn is_empty(&self) -> bool {
        self.0 == 0
    }

    /// The signers of this set that are not in `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The signers in the set, in order.
    pub fn iter(self) -> impl Iterator<Item = SignerIndex> {
        (0..limits::SIGNERS_MAX)
            .filter_map(|index| u16::try_from(index).ok().map(SignerIndex))
            .filter(move |signer| self.contains(*signer))
    }

    /// The set as bits, bit i for signer i.
    pub const fn bits(self) -> u128 {
        self.0
    }

    /// The set of these bits; `None` if a bit above the last possible signer is set.
    pub const fn from_bits(bits: u128) -> Option<Self> {
        if bits & !Self::MASK == 0 { Some(Self(bits)) } else { None }
    }

    const fn bit(signer: SignerIndex) -> u128 {
        match 1u128.checked_shl(signer.0 as u32) {
            Some(bit) => bit & Self::MASK,
            None => 0,
        }
    }
}

impl FromIterator<SignerIndex> for SignerSet {
    fn from_iter<I: IntoIterator<Item = SignerIndex>>(signers: I) -> Self {
        let mut set = Self::EMPTY;
        for signer in signers {
            set.insert(signer);
        }
        set
    }
}

mirror! {
    RawSyncRequest of SyncRequest {
        request: [u8; 32],
        attempt: u32,
        have: RawHave,
    }
}

impl Raw for RawSyncRequest {
    const SPEC: KindSpec =
        KindSpec { channels: Channels::EXCHANGED, ..KindSpec::of_session(limits::FRAME_SMALL, 20, 1) };

    fn parts(&self) -> Parts<'_> {
        Parts::about(Subject::Request(RequestId::from_bytes(self.request)))
    }

    fn check(&self) -> Result<(), Rule> {
        let have = &self.have;
        let possible = |bits| SignerSet::from_bits(bits).is_some();
        let sets = [have.joins, have.commitments, have.nonces, have.partials];
        ensure(sets.into_iter().all(possible), Rule::Indices)
    }
}

mirror! {
    RawHave of Have {
        request: Code<1>,
        joins: u128,
        commitments: u128,
        nonces: u128,
        partials: u128,
        outcome: Code<1>,
    }
}

impl Mirror<SignerSet> for u128 {
    fn of(set: &SignerSet) -> Result<Self, ParseError> {
        Ok(set.bits())
    }

    fn parse(self, _: &KnownKeys) -> Result<SignerSet, ParseError> {
        SignerSet::from_bits(self).ok_or(ParseError::Code)
    }
}

impl Mirror<Holding> for Code<1> {
    fn of(holding: &Holding) -> Result<Self, ParseError> {
        match holding {
            Holding::Missing => Ok(Self(0)),
            Holding::Held => Ok(Self(1)),
        }
    }

    fn parse(self, _: &KnownKeys) -> Result<Holding, ParseError> {
        match self.0 {
            0 => Ok(Holding::Missing),
            1 => Ok(Holding::Held),
            _ => Err(ParseError::Code),
        }
    }
}

mirror! {
    RawSyncResponse of SyncResponse {
        request: [u8; 32],
        frames: List<Bytes<{ limits::FRAME_SESSION_ABORT }>, { limits::SYNC_FRAMES_MAX }>,
    }
}

impl Raw for RawSyncResponse {
    const SPEC: KindSpec =
        KindSpec { channels: Channels::EXCHANGED, ..KindSpec::of_session(limits::FRAME_SYNC_RESPONSE, 20, 1) };

    fn parts(&self) -> Parts<'_> {
        Parts::about(Subject::Request(RequestId::from_bytes(self.request)))
    }

    fn check(&self) -> Result<(), Rule> {
        let whole = |frame: &[u8]| frame.len() > limits::FRAME_OVERHEAD;
        ensure(self.frames.as_slice().iter().all(|frame| whole(frame.as_slice())), Rule::Indices)
    }
}
