//! Stage 4: what anybody can see from the message alone (`docs/protocol.md` §4.7).
//!
//! Nothing here needs a clock, a memory or a hash, so it comes before everything that does; every node comes to the same
//! answer, so whoever hands on a message that breaks one of these rules should have seen it. [`crate::seal`] asks the
//! same questions, so that an honest node cannot send what others reject.

use core::time::Duration;
use std::collections::BTreeSet;

use super::decode::Decoded;
use super::{Rejection, Rule};
use crate::evidence::Evidence;
use crate::limits;
use crate::message::raw::RawBody;
use crate::message::request::RawDetails;
use crate::message::{Kind, ResourceAnnouncement};

/// A message that is possible.
#[derive(Debug)]
pub(crate) struct Structured(pub(crate) Decoded);

/// V-14 to V-22.
pub(crate) fn check(decoded: Decoded) -> Result<Structured, Rejection> {
    match check_body(decoded.kind, &decoded.head.sender, decoded.head.timestamp_ms, &decoded.body) {
        Ok(()) => Ok(Structured(decoded)),
        Err(rule) => Err(Rejection::new(rule, Some(decoded.kind))),
    }
}

/// The rules on a body, its sender and its time, without the frame around them.
pub(crate) fn check_body(kind: Kind, sender: &[u8; 33], timestamp: u64, body: &RawBody) -> Result<(), Rule> {
    check_delegation(sender, timestamp, body)?;
    if let (Some((created, expires)), Some(longest)) = (body.lifetime(), kind.lifetime_limit()) {
        within(created, expires, longest).ok_or(Rule::Lifetime)?;
    }
    match body {
        RawBody::SignerAdvertisement(body) => {
            ensure(body.parts_are_filled() && body.criteria.min_amount <= body.criteria.max_amount, Rule::Fields)
        }
        RawBody::SigningRequest(body) => check_request(&body.creator.signer, &body.details),
        RawBody::ParticipantJoined(body) => check_index(body.index),
        RawBody::ParticipantDeclined(body) => check_index(body.index),
        RawBody::SessionReady(body) => {
            let joins = body.joins.as_slice();
            ensure(joins.len() >= limits::SIGNERS_MIN, Rule::Indices)?;
            ensure(usize::from(body.coordinator) < joins.len(), Rule::Indices)?;
            let is_join = |frame: &[u8]| {
                frame.len() > limits::FRAME_OVERHEAD
                    && frame.starts_with(&[limits::VERSION, Kind::ParticipantJoined.code()])
            };
            ensure(joins.iter().all(|frame| is_join(frame.as_slice())), Rule::Indices)
        }
        RawBody::NonceShare(body) => ensure(body.nonces.len() >= 1, Rule::Indices),
        RawBody::PartialSigShare(body) => ensure(body.partials.len() >= 1, Rule::Indices),
        RawBody::SignatureFinalized(body) => ensure(body.signatures.len() >= 1, Rule::Indices),
        RawBody::SyncRequest(body) => ensure(body.sets_are_bounded(), Rule::Indices),
        RawBody::SyncResponse(body) => {
            let whole = |frame: &[u8]| frame.len() > limits::FRAME_OVERHEAD;
            ensure(body.frames.as_slice().iter().all(|frame| whole(frame.as_slice())), Rule::Indices)
        }
        RawBody::SessionAbort(body) => {
            ensure(body.reason.code.0 != 0, Rule::Fields)?;
            let Some(evidence) = &body.evidence else { return Ok(()) };
            Evidence::from_bytes(evidence.as_slice()).map(|_| ()).map_err(|_| Rule::Evidence)
        }
        RawBody::ResourceAnnouncement(body) => {
            ensure(ResourceAnnouncement::is_name(body.resource_type.as_str(), body.id.as_str()), Rule::Fields)
        }
        RawBody::SignerUnavailable(_) | RawBody::NonceCommit(_) => Ok(()),
    }
}

/// V-14 and V-15: the delegation is for the key that signs, and for a day at most around the time of the message.
fn check_delegation(sender: &[u8; 33], timestamp: u64, body: &RawBody) -> Result<(), Rule> {
    let Some(delegation) = body.delegation() else { return Ok(()) };
    ensure(delegation.message_key == *sender, Rule::Sender)?;
    ensure(delegation.peer().is_ok(), Rule::Fields)?;
    // A delegation is made before the messages under it, by clocks that may disagree by the skew.
    let longest = limits::DELEGATION_LIFETIME + limits::CLOCK_SKEW;
    within(timestamp, delegation.not_after, longest).ok_or(Rule::DelegationLifetime)
}

/// V-17 to V-20.
fn check_request(creator: &[u8; 33], details: &RawDetails) -> Result<(), Rule> {
    let keys = details.keys.as_slice();
    ensure(keys.len() >= limits::SIGNERS_MIN, Rule::Keys)?;
    let distinct: BTreeSet<&[u8; 33]> = keys.iter().collect();
    ensure(distinct.len() == keys.len(), Rule::Keys)?;
    ensure(distinct.contains(creator), Rule::Creator)?;
    let items = details.items.as_slice();
    ensure(!items.is_empty(), Rule::Items)?;
    let unhardened = |step: &u32| *step < 1 << 31;
    let possible =
        items.iter().all(|item| !item.message.as_slice().is_empty() && item.path.as_slice().iter().all(unhardened));
    ensure(possible, Rule::Items)
}

fn check_index(index: u16) -> Result<(), Rule> {
    ensure(usize::from(index) < limits::SIGNERS_MAX, Rule::Indices)
}

/// Whether `end` is after `start` by at most `longest`.
fn within(start: u64, end: u64, longest: Duration) -> Option<()> {
    let length = end.checked_sub(start)?;
    (length > 0 && u128::from(length) <= longest.as_millis()).then_some(())
}

fn ensure(condition: bool, rule: Rule) -> Result<(), Rule> {
    if condition { Ok(()) } else { Err(rule) }
}
