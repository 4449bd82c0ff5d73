//! Stage 4: faults that are visible in the message alone (`docs/protocol.md` §4.4).
//!
//! These checks need no clock, memory or hash, so they come before all that do. Every node comes to the same answer, so
//! a peer that forwards a message against one of these rules should have seen the fault. [`crate::seal`] makes the same
//! checks, so that an honest node cannot send a message that others reject.

use core::time::Duration;

use super::decode::Decoded;
use super::{Rejection, Rule};
use crate::limits;
use crate::message::{Kind, RawBody};

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
    body.check()
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

/// V-20: the place of a signer.
pub(crate) fn check_index(index: u16) -> Result<(), Rule> {
    ensure(usize::from(index) < limits::SIGNERS_MAX, Rule::Indices)
}

/// Checks that `end` is after `start` by at most `longest`.
fn within(start: u64, end: u64, longest: Duration) -> Option<()> {
    let length = end.checked_sub(start)?;
    (length > 0 && u128::from(length) <= longest.as_millis()).then_some(())
}

/// Refuses what is not so.
pub(crate) fn ensure(condition: bool, rule: Rule) -> Result<(), Rule> {
    if condition { Ok(()) } else { Err(rule) }
}
