//! Faults that are visible in a message alone, without the frame around it (`docs/protocol.md` §4.4).

use core::time::Duration;

use super::kind::Kind;
use super::list::RawBody;
use crate::limits;
use crate::validate::rule::{Rule, ensure};

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

/// Checks that `end` is after `start` by at most `longest`.
fn within(start: u64, end: u64, longest: Duration) -> Option<()> {
    let length = end.checked_sub(start)?;
    (length > 0 && u128::from(length) <= longest.as_millis()).then_some(())
}
