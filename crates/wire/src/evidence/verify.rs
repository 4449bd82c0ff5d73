//! The decision whether evidence convicts, from the evidence alone.
//!
//! An honest signer is never convicted, because each charge needs two things that it never signs together. It seals one
//! body for one slot; it opens its own commitments; it makes a partial signature under exactly the nonces whose hash it
//! signs beside it; and what it signs decodes. A signature under somebody else's idea of the nonces is not evidence, and
//! neither is a copy that was signed twice with another timestamp: only bodies are compared.

use motet_core_crypto::{AggregateNonce, NonceCommitment, PublicKey, PublicNonce, SigningSession};

use super::Evidence;
use crate::codec::DecodeError;
use crate::delegation::Delegation;
use crate::envelope::View;
use crate::id::{Attempt, AttemptId, NetworkId, RequestId, SignerIndex};
use crate::message::request::RawTerms;
use crate::message::{Message, ParticipantJoined, RawBody};
use crate::mirror::KnownKeys;
use crate::mirror::Mirror;
use crate::transcript;

/// The charge of which a signer is convicted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Charge {
    /// Two different statements in one slot.
    Equivocation,
    /// Nonces that do not open their commitment.
    BadOpening,
    /// A partial signature that fails under its author's own nonce set.
    BadPartialSignature,
    /// Signed bytes that are no message.
    Malformed,
    /// A statement that the terms of its request leave no room for.
    AgainstTerms,
}

/// The convicted signer, and the charge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Conviction {
    /// The signer.
    pub signer: PublicKey,
    /// The message key that made the statements.
    pub message_key: PublicKey,
    /// The charge.
    pub charge: Charge,
    /// The request that the signer had joined, unless the charge is [`Charge::Malformed`] and its bytes are not about that request.
    pub request: Option<RequestId>,
    /// The signer's place in that request.
    pub index: Option<SignerIndex>,
}

/// The reason why evidence does not convict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EvidenceFault {
    /// A frame in it is not signed, or is of the wrong kind.
    #[error("a statement in the evidence is not signed by the accused, or is of the wrong kind")]
    Statement,
    /// No delegation binds the message key to a signer.
    #[error("the message key is not delegated by the signer")]
    Delegation,
    /// The statements are not about the same session, attempt or request.
    #[error("the statements do not belong together")]
    Unrelated,
    /// The statements do not contradict each other, nor what they are about.
    #[error("the statements are in order")]
    NoFault,
    /// The values given are not those that the accused committed to.
    #[error("the accused did not sign for these values")]
    NotCommitted,
}

impl Evidence {
    /// Decides whether the evidence convicts. It costs a few signature checks, and for a partial signature a key
    /// aggregation: run it where signature checks run.
    ///
    /// # Errors
    ///
    /// [`EvidenceFault`] when it does not convict, which says nothing about whoever sent it.
    pub fn verify(&self, network: &NetworkId) -> Result<Conviction, EvidenceFault> {
        match self {
            Self::Equivocation { join, first, second } => equivocation(network, join, first, second),
            Self::BadOpening { join, commit, nonces } => bad_opening(network, join, commit.as_deref(), nonces),
            Self::BadPartialSignature { join, terms, partials, item, item_nonces, other_items } => {
                let claim = PartialClaim { terms, partials, item: *item, item_nonces, other_items };
                bad_partial_signature(network, join, &claim)
            }
            Self::Malformed { binding, frame } => malformed(network, binding, frame),
            Self::AgainstTerms { join, terms, share } => against_terms(network, join, terms, share.as_deref()),
        }
    }
}

/// The accused, as its own join introduces it.
struct Accused {
    join: ParticipantJoined,
    message_key: [u8; 33],
}

impl Accused {
    /// Reads the join: signed by the message key that the signer delegated to.
    fn read(network: &NetworkId, frame: &[u8]) -> Result<Self, EvidenceFault> {
        let view = signed(network, frame)?;
        let Message::ParticipantJoined(join) = parse(&view)? else { return Err(EvidenceFault::Statement) };
        check_delegation(network, &join.delegation, &view)?;
        Ok(Self { join, message_key: view.head.sender })
    }

    /// Reads another statement of the same message key.
    fn statement<'a>(&self, network: &NetworkId, frame: &'a [u8]) -> Result<View<'a>, EvidenceFault> {
        let view = signed(network, frame)?;
        if view.head.sender == self.message_key { Ok(view) } else { Err(EvidenceFault::Statement) }
    }

    /// Checks that a session is the given attempt of the request that was joined.
    fn attempted(&self, session: AttemptId, attempt: Attempt) -> Result<(), EvidenceFault> {
        if session == AttemptId::derive(&self.join.request, attempt) { Ok(()) } else { Err(EvidenceFault::Unrelated) }
    }

    /// Reads the terms: those of the request that was joined, in which the accused has the place that it names.
    fn agreed(&self, network: &NetworkId, terms: &[u8]) -> Result<(RawTerms, Vec<PublicKey>), EvidenceFault> {
        if RequestId::of_terms(network, terms) != self.join.request {
            return Err(EvidenceFault::NotCommitted);
        }
        let (_, details) = terms.split_at_checked(33).ok_or(EvidenceFault::Statement)?;
        let terms = RawTerms::decode(details).map_err(|_| EvidenceFault::Statement)?;
        let keys: Vec<PublicKey> =
            terms.details.keys.clone().parse(&KnownKeys::NONE).map_err(|_| EvidenceFault::Statement)?;
        if keys.get(self.join.index.as_usize()) != Some(&self.join.delegation.signer) {
            return Err(EvidenceFault::Unrelated);
        }
        Ok((terms, keys))
    }

    fn convicted(&self, charge: Charge) -> Conviction {
        Conviction {
            signer: self.join.delegation.signer,
            message_key: self.join.delegation.message_key,
            charge,
            request: Some(self.join.request),
            index: Some(self.join.index),
        }
    }
}

fn equivocation(network: &NetworkId, join: &[u8], first: &[u8], second: &[u8]) -> Result<Conviction, EvidenceFault> {
    let accused = Accused::read(network, join)?;
    let one = accused.statement(network, first)?;
    let other = accused.statement(network, second)?;
    let conflict = match (parse(&one)?, parse(&other)?) {
        (Message::ParticipantJoined(one), Message::ParticipantJoined(other)) => {
            // A join may be sent again with a renewed delegation; what it may not do is commit to something else.
            if one.request != accused.join.request || other.request != one.request || one.index != other.index {
                return Err(EvidenceFault::Unrelated);
            }
            one.commitment != other.commitment
        }
        (Message::NonceCommit(one), Message::NonceCommit(other)) => {
            accused.attempted(one.session, one.attempt)?;
            accused.attempted(other.session, other.attempt)?;
            same_slot(one.attempt, other.attempt)?;
            one != other
        }
        (Message::NonceShare(one), Message::NonceShare(other)) => {
            accused.attempted(one.session, one.attempt)?;
            accused.attempted(other.session, other.attempt)?;
            same_slot(one.attempt, other.attempt)?;
            one != other
        }
        (Message::PartialSigShare(one), Message::PartialSigShare(other)) => {
            accused.attempted(one.session, one.attempt)?;
            accused.attempted(other.session, other.attempt)?;
            same_slot(one.attempt, other.attempt)?;
            one != other
        }
        _ => return Err(EvidenceFault::Statement),
    };
    if conflict { Ok(accused.convicted(Charge::Equivocation)) } else { Err(EvidenceFault::NoFault) }
}

fn same_slot(one: Attempt, other: Attempt) -> Result<(), EvidenceFault> {
    if one == other { Ok(()) } else { Err(EvidenceFault::Unrelated) }
}

fn bad_opening(
    network: &NetworkId,
    join: &[u8],
    commit: Option<&[u8]>,
    nonces: &[u8],
) -> Result<Conviction, EvidenceFault> {
    let accused = Accused::read(network, join)?;
    let Message::NonceShare(share) = parse(&accused.statement(network, nonces)?)? else {
        return Err(EvidenceFault::Statement);
    };
    accused.attempted(share.session, share.attempt)?;
    let in_join = if share.attempt == Attempt::FIRST { accused.join.commitment } else { None };
    let commitment = match (in_join, commit) {
        (Some(commitment), None) => commitment,
        (None, Some(commit)) => {
            let Message::NonceCommit(commit) = parse(&accused.statement(network, commit)?)? else {
                return Err(EvidenceFault::Statement);
            };
            if (commit.session, commit.attempt) != (share.session, share.attempt) {
                return Err(EvidenceFault::Unrelated);
            }
            commit.commitment
        }
        // One slot has one commitment: with two of them the charge would be equivocation.
        (Some(_), Some(_)) | (None, None) => return Err(EvidenceFault::Statement),
    };
    let index = u32::from(accused.join.index.0);
    if commitment == NonceCommitment::new(share.session.as_bytes(), index, &share.nonces) {
        return Err(EvidenceFault::NoFault);
    }
    Ok(accused.convicted(Charge::BadOpening))
}

struct PartialClaim<'a> {
    terms: &'a [u8],
    partials: &'a [u8],
    item: u16,
    item_nonces: &'a [[u8; 66]],
    other_items: &'a [[u8; 32]],
}

fn bad_partial_signature(
    network: &NetworkId,
    join: &[u8],
    claim: &PartialClaim<'_>,
) -> Result<Conviction, EvidenceFault> {
    let accused = Accused::read(network, join)?;
    let Message::PartialSigShare(share) = parse(&accused.statement(network, claim.partials)?)? else {
        return Err(EvidenceFault::Statement);
    };
    accused.attempted(share.session, share.attempt)?;

    let (terms, keys) = accused.agreed(network, claim.terms)?;
    let index = accused.join.index.as_usize();
    let position = usize::from(claim.item);
    let item = terms.item(position).ok_or(EvidenceFault::Unrelated)?;

    // The nonces are those that the accused says it signed with.
    let items = terms.details.items.len();
    if claim.item_nonces.len() != keys.len() || claim.other_items.len() + 1 != items || share.partials.len() != items {
        return Err(EvidenceFault::NotCommitted);
    }
    let mut hashes = claim.other_items.to_vec();
    hashes.insert(position, transcript::item_nonces(&share.session, position, claim.item_nonces));
    if transcript::nonces_of_items(&share.session, &hashes) != share.nonces {
        return Err(EvidenceFault::NotCommitted);
    }

    let nonces: Vec<PublicNonce> = claim
        .item_nonces
        .iter()
        .map(|nonce| PublicNonce::from_bytes(nonce).map_err(|_| EvidenceFault::Statement))
        .collect::<Result<_, _>>()?;
    let aggregate = AggregateNonce::sum(&nonces);
    let context = item.key_context(&keys).map_err(|_| EvidenceFault::Statement)?;
    let session = SigningSession::new(&context, &aggregate, &item.message);
    let (Some(nonce), Some(partial)) = (nonces.get(index), share.partials.get(position)) else {
        return Err(EvidenceFault::Unrelated);
    };
    match session.verify_partial(index, nonce, partial) {
        Ok(()) => Err(EvidenceFault::NoFault),
        Err(_) => Ok(accused.convicted(Charge::BadPartialSignature)),
    }
}

fn against_terms(
    network: &NetworkId,
    join: &[u8],
    terms: &[u8],
    share: Option<&[u8]>,
) -> Result<Conviction, EvidenceFault> {
    let accused = Accused::read(network, join)?;
    let (RawTerms { details, .. }, _) = accused.agreed(network, terms)?;
    let in_order = match share {
        None => accused.join.commitment.is_some() == details.options.commits(),
        Some(share) => {
            let statement = parse(&accused.statement(network, share)?)?;
            let (session, attempt, count) = if let Message::NonceShare(share) = statement {
                (share.session, share.attempt, share.nonces.len())
            } else if let Message::PartialSigShare(share) = statement {
                (share.session, share.attempt, share.partials.len())
            } else {
                return Err(EvidenceFault::Statement);
            };
            accused.attempted(session, attempt)?;
            count == details.items.len()
        }
    };
    if in_order { Err(EvidenceFault::NoFault) } else { Ok(accused.convicted(Charge::AgainstTerms)) }
}

fn malformed(network: &NetworkId, binding: &[u8], frame: &[u8]) -> Result<Conviction, EvidenceFault> {
    let bound = signed(network, binding)?;
    let message = parse(&bound)?;
    let delegation = message.delegation().ok_or(EvidenceFault::Delegation)?;
    check_delegation(network, delegation, &bound)?;
    let accused = signed(network, frame)?;
    if accused.head.sender != bound.head.sender {
        return Err(EvidenceFault::Statement);
    }
    // A kind or a version that we do not know may be of a later version of the format.
    let kind = accused.kind().ok_or(EvidenceFault::Statement)?;
    let body = RawBody::decode(accused.head.version, kind, accused.body).ok();
    let attempt = body.as_ref().and_then(attempt_of);
    let is_message = frame.len() <= kind.frame_limit() && body.is_some_and(|body| body.parse(&KnownKeys::NONE).is_ok());
    if is_message {
        return Err(EvidenceFault::NoFault);
    }
    let (signer, message_key) = (delegation.signer, delegation.message_key);
    let conviction = Conviction { signer, message_key, charge: Charge::Malformed, request: None, index: None };
    match (&message, attempt) {
        (Message::ParticipantJoined(join), Some((session, attempt)))
            if session == AttemptId::derive(&join.request, attempt) =>
        {
            Ok(Conviction { request: Some(join.request), index: Some(join.index), ..conviction })
        }
        _ => Ok(conviction),
    }
}

/// The attempt that nonces or partial signatures are for, which can be read though they are no points or scalars.
fn attempt_of(body: &RawBody) -> Option<(AttemptId, Attempt)> {
    let (session, attempt) = if let RawBody::NonceShare(share) = body {
        (share.session, share.attempt)
    } else if let RawBody::PartialSigShare(share) = body {
        (share.session, share.attempt)
    } else {
        return None;
    };
    Some((AttemptId::from_bytes(session), Attempt(attempt)))
}

/// A frame of a version that we know, which its sender signed on this network.
fn signed<'a>(network: &NetworkId, frame: &'a [u8]) -> Result<View<'a>, EvidenceFault> {
    let view = View::read(frame).ok_or(EvidenceFault::Statement)?;
    if view.kind().is_none() || !view.is_signed(network) {
        return Err(EvidenceFault::Statement);
    }
    Ok(view)
}

fn parse(view: &View<'_>) -> Result<Message, EvidenceFault> {
    let kind = view.kind().ok_or(EvidenceFault::Statement)?;
    let body =
        RawBody::decode(view.head.version, kind, view.body).map_err(|_: DecodeError| EvidenceFault::Statement)?;
    body.parse(&KnownKeys::NONE).map_err(|_| EvidenceFault::Statement)
}

/// The delegation is the signer's, is for the key that signed the frame, and was in date by the frame's own time.
fn check_delegation(network: &NetworkId, delegation: &Delegation, view: &View<'_>) -> Result<(), EvidenceFault> {
    let own = delegation.message_key.to_bytes() == view.head.sender;
    let in_date = view.head.timestamp_ms < delegation.not_after.0;
    if own && in_date && delegation.verify(network).is_ok() { Ok(()) } else { Err(EvidenceFault::Delegation) }
}
