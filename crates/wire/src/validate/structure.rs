//! Stage 4: faults that are visible in the message alone (`docs/protocol.md` §4.4).
//!
//! These checks need no clock, memory or hash, so they come before all that do. Every node comes to the same answer, so
//! a peer that forwards a message against one of these rules should have seen the fault. [`crate::seal`] makes the same
//! checks, so that an honest node cannot send a message that others reject.

use super::decode::Decoded;
use super::rejection::Rejection;
use super::rule::{Rule, ensure};
use crate::message::structure::check_body;

/// A message that is possible.
#[derive(Debug)]
pub(crate) struct Structured(pub(crate) Decoded);

/// V-14 to V-22, and V-38.
pub(crate) fn check(decoded: Decoded) -> Result<Structured, Rejection> {
    let sound = check_body(decoded.kind, &decoded.head.sender, decoded.head.timestamp_ms, &decoded.body);
    match sound.and_then(|()| check_topic(&decoded)) {
        Ok(()) => Ok(Structured(decoded)),
        Err(rule) => Err(Rejection::new(rule, Some(decoded.kind))),
    }
}

/// V-38: a message is published for the nodes that want it, and not for others.
fn check_topic(decoded: &Decoded) -> Result<(), Rule> {
    ensure(decoded.arrival.topic.as_ref().is_none_or(|topic| topic.carries(&decoded.body)), Rule::Topic)
}
