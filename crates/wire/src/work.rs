//! Proof of work: the price of a message to strangers (`docs/protocol.md` §10).
//!
//! A stamp is bound to a network, an author, a payload and a 10-minute epoch, so that it cannot be reused, handed on or
//! stocked. It prices spam; it does not make strangers trustworthy. The stamp's value is the number of leading zero bits
//! of `tagged_hash("motet/work/v1", seed | nonce LE u64)`, where `seed = tagged_hash("motet/work-seed/v1", network |
//! purpose u8 | author 33 | payload 32 | epoch LE u32)`.
//!
//! The pipeline asks a [`WorkPolicy`]; a bond or an allowlist can take the place of [`HashWork`].

mod claims;

use core::fmt;
use core::ops::ControlFlow;
use std::sync::Arc;

pub use claims::{claim_of_advertisement, claim_of_request, claim_of_resource};
use motet_core_crypto::Tag;

use crate::codec::{Decode, Encode};
use crate::id::{NetworkId, RequestId};
use crate::limits;
use crate::time::{TimestampMs, milliseconds};
use crate::validate::peer_class::PeerClass;

static WORK_SEED: Tag = Tag::new("motet/work-seed/v1");
static WORK: Tag = Tag::new("motet/work/v1");
static ADVERTISEMENT: Tag = Tag::new("motet/advertisement/v1");
static RESOURCE: Tag = Tag::new("motet/resource/v1");

/// A stamp: 12 bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Encode, Decode)]
pub struct Work {
    /// The 10-minute epoch of wall time that the stamp was minted for.
    pub epoch: u32,
    /// The number that was searched for.
    pub nonce: u64,
}

impl Work {
    /// Bytes of a stamp on the wire.
    pub(crate) const LENGTH: usize = 12;
}

/// An amount of work: the number of leading zero bits of a hash, each of which doubles it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Difficulty(pub u8);

impl Difficulty {
    /// The least that every node asks for: a tenth of a second on one core.
    pub const STANDARD: Self = Self(20);
    /// The most that a busy receiver asks for.
    pub const HIGHEST: Self = Self(26);
}

/// Load of the queue behind a validator, in percent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Load(u8);

impl Load {
    /// Nothing waits.
    pub const IDLE: Self = Self(0);

    /// So many percent; more than 100 is 100.
    pub const fn percent(percent: u8) -> Self {
        Self(if percent > 100 { 100 } else { percent })
    }
}

/// The purpose of a stamp.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Purpose {
    /// An advertisement.
    Advertisement = 1,
    /// A request.
    Request = 2,
    /// A resource.
    Resource = 3,
}

/// The claims of a message that may need proof of work.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkClaim {
    /// The purpose of the stamp.
    pub purpose: Purpose,
    /// The network.
    pub network: NetworkId,
    /// The signer key of the author, compressed.
    pub author: [u8; 33],
    /// The hash that the stamp covers: of an advertisement or a resource its body in front of the stamp, of a request
    /// its id.
    pub payload: [u8; 32],
    /// Time at which the message was made, by its own claim.
    pub created: TimestampMs,
    /// The class of the author, to the receiver.
    pub standing: PeerClass,
    /// The load of the receiver.
    pub load: Load,
}

/// A body's claim of its stamp. None of it is checked.
#[derive(Debug)]
pub(crate) struct Paid<'a> {
    /// The purpose of the stamp.
    pub(crate) purpose: Purpose,
    /// The signer key of the author, compressed.
    pub(crate) author: &'a [u8; 33],
    /// Time at which the message was made, by its own claim.
    pub(crate) created: u64,
    /// The stamp, if there is one.
    pub(crate) stamp: Option<Work>,
    /// Bytes of the body in front of what the stamp is over.
    pub(crate) before: usize,
    /// Bytes of the body behind what the stamp is over.
    pub(crate) behind: usize,
}

impl Paid<'_> {
    /// The claim of the message with this encoded body, made by a stranger to an idle receiver.
    pub(crate) fn claim(&self, network: &NetworkId, body: &[u8]) -> WorkClaim {
        let covered = body.get(self.before..body.len().saturating_sub(self.behind)).unwrap_or_default();
        WorkClaim {
            purpose: self.purpose,
            network: network.clone(),
            author: *self.author,
            payload: match self.purpose {
                Purpose::Advertisement => ADVERTISEMENT.hash(&[&network.prefix(), covered]),
                Purpose::Request => RequestId::of_terms_in_parts(network, self.author, covered).to_bytes(),
                Purpose::Resource => RESOURCE.hash(&[&network.prefix(), covered]),
            },
            created: TimestampMs(self.created),
            standing: PeerClass::Stranger,
            load: Load::IDLE,
        }
    }
}

/// Why a message is not paid for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum WorkFault {
    /// No node accepts the stamp, so the peer that forwarded it should have dropped it.
    #[error("the stamp is wrong")]
    Invalid,
    /// The stamp, or its absence, is in order, but it is not enough for us now.
    #[error("the stamp is not worth enough here and now")]
    Insufficient,
}

/// Decides whether a message is paid for.
pub trait WorkPolicy: fmt::Debug + Send + Sync {
    /// Checks the stamp of a message, or its absence. It is called for advertisements, requests and resources, for
    /// every one of them that arrives, before any signature check; so it must cost much less than that.
    ///
    /// # Errors
    ///
    /// [`WorkFault`], which tells a stamp that every node refuses from one that this node refuses now.
    fn check(&self, claim: &WorkClaim, work: Option<&Work>) -> Result<(), WorkFault>;
}

impl<W: WorkPolicy + ?Sized> WorkPolicy for Arc<W> {
    fn check(&self, claim: &WorkClaim, work: Option<&Work>) -> Result<(), WorkFault> {
        (**self).check(claim, work)
    }
}

/// The protocol's proof: hashing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HashWork {
    /// The least that every node of this network asks for.
    pub floor: Difficulty,
    /// The work that this node asks of strangers when it is fully loaded.
    pub ceiling: Difficulty,
}

impl Default for HashWork {
    fn default() -> Self {
        Self { floor: Difficulty::STANDARD, ceiling: Difficulty::HIGHEST }
    }
}

impl HashWork {
    /// The work that is asked for under a load: the floor up to half, and from there in equal steps to the ceiling.
    pub fn demanded(&self, load: Load) -> Difficulty {
        let span = u16::from(self.ceiling.0.saturating_sub(self.floor.0));
        let over = u16::from(load.0.saturating_sub(50));
        let raise = (span * over).div_ceil(50);
        Difficulty(self.floor.0.saturating_add(u8::try_from(raise).unwrap_or(u8::MAX)))
    }
}

impl WorkPolicy for HashWork {
    fn check(&self, claim: &WorkClaim, work: Option<&Work>) -> Result<(), WorkFault> {
        let known = claim.standing != PeerClass::Stranger;
        let Some(work) = work else {
            // That a request needs none from a contact is for each receiver to know.
            return if known { Ok(()) } else { Err(WorkFault::Insufficient) };
        };
        if work.epoch != epoch(claim.created) {
            return Err(WorkFault::Invalid);
        }
        let value = value(&seed(claim), work.nonce);
        if value < self.floor {
            Err(WorkFault::Invalid)
        } else if !known && value < self.demanded(claim.load) {
            Err(WorkFault::Insufficient)
        } else {
            Ok(())
        }
    }
}

/// A policy that asks for nothing, for networks whose members are known by other means.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Free;

impl WorkPolicy for Free {
    fn check(&self, _: &WorkClaim, _: Option<&Work>) -> Result<(), WorkFault> {
        Ok(())
    }
}

/// The epoch of a time.
pub fn epoch(time: TimestampMs) -> u32 {
    u32::try_from(time.0.checked_div(milliseconds(limits::WORK_EPOCH)).unwrap_or_default()).unwrap_or(u32::MAX)
}

/// Tries between two reports of progress: about a millisecond.
const STRIDE: u64 = 1 << 11;

/// Searches for a stamp.
///
/// `progress` is told after every couple of thousand tries how many there have been (2 to the power of `difficulty` are
/// needed on average), and may end the search; that is also where a caller on an async runtime yields.
pub fn mint(
    claim: &WorkClaim,
    difficulty: Difficulty,
    mut progress: impl FnMut(u64) -> ControlFlow<()>,
) -> Option<Work> {
    let seed = seed(claim);
    let mut tried: u64 = 0;
    loop {
        for nonce in tried..tried.checked_add(STRIDE)? {
            if value(&seed, nonce) >= difficulty {
                return Some(Work { epoch: epoch(claim.created), nonce });
            }
        }
        tried += STRIDE;
        if progress(tried).is_break() {
            return None;
        }
    }
}

/// What a stamp is worth, if it is of the epoch of its claim.
pub fn worth(claim: &WorkClaim, work: &Work) -> Difficulty {
    value(&seed(claim), work.nonce)
}

fn seed(claim: &WorkClaim) -> [u8; 32] {
    WORK_SEED.hash(&[
        &claim.network.prefix(),
        &[claim.purpose as u8],
        &claim.author,
        &claim.payload,
        &epoch(claim.created).to_le_bytes(),
    ])
}

fn value(seed: &[u8; 32], nonce: u64) -> Difficulty {
    let hash = WORK.hash(&[seed, &nonce.to_le_bytes()]);
    let mut zeros = 0;
    for byte in hash {
        zeros += byte.leading_zeros();
        if byte != 0 {
            break;
        }
    }
    Difficulty(u8::try_from(zeros).unwrap_or(u8::MAX))
}
