//! Stage 5: time (`docs/protocol.md` §4.4, §4.5).
//!
//! Our clock may be wrong, so nothing here is ever a reject. Session messages have slots, and their timestamps are not
//! used; all other messages must be of our time.

use core::time::Duration;

use super::channel::Channel;
use super::rejection::Rejection;
use super::rule::Rule;
use super::structure::Structured;
use crate::limits;
use crate::message::{Kind, RawBody, Scope};
use crate::time::{MonotonicMs, Now, milliseconds};

/// A message that is in date, and until when it is by the monotonic clock.
#[derive(Debug)]
pub(crate) struct Fresh {
    pub(crate) structured: Structured,
    pub(crate) now: MonotonicMs,
    pub(crate) deadline: Option<MonotonicMs>,
}

/// V-23 to V-26.
pub(crate) fn check(structured: Structured, now: Now) -> Result<Fresh, Rejection> {
    let decoded = &structured.0;
    let (kind, channel) = (decoded.kind, decoded.arrival.channel);
    let refuse = |rule| Err(Rejection::new(rule, Some(kind)));
    let skew = milliseconds(limits::CLOCK_SKEW);
    let pushed = matches!(channel, Channel::Gossip | Channel::Direct);
    if pushed && kind.scope() != Scope::Session && decoded.head.timestamp_ms.abs_diff(now.wall.0) > skew {
        return refuse(Rule::Skew);
    }
    // Frames that this node stored were in date at that time. A frame that a participant hands on may belong
    // to a session that has been running since.
    let (timed, grace) = match channel {
        Channel::Gossip | Channel::Direct | Channel::Dht => (true, 0),
        Channel::Sync if kind == Kind::SignerAdvertisement || kind == Kind::SignerUnavailable => (true, 0),
        Channel::Sync => (true, milliseconds(limits::REQUEST_LIFETIME)),
        Channel::Own | Channel::Store => (false, 0),
    };
    if let (Some((_, expires)), Some(longest)) = (decoded.body.lifetime(), kind.lifetime_limit()) {
        let longest = milliseconds(longest);
        if timed && expires.saturating_add(grace) <= now.wall.0 {
            return refuse(Rule::Expired);
        }
        if timed && expires.saturating_sub(now.wall.0) > longest.saturating_add(skew) {
            return refuse(Rule::FarFuture);
        }
    }
    if let Some(delegation) = decoded.body.delegation()
        && timed
        && delegation.not_after.saturating_add(grace) <= now.wall.0
    {
        return refuse(Rule::DelegationExpired);
    }
    let deadline = deadline(kind, &decoded.body, now);
    Ok(Fresh { structured, now: now.mono, deadline })
}

/// The end of a message by the monotonic clock: no later than its kind allows, whatever the wall clock says.
pub(crate) fn deadline(kind: Kind, body: &RawBody, now: Now) -> Option<MonotonicMs> {
    let ((_, expires), longest) = (body.lifetime()?, milliseconds(kind.lifetime_limit()?));
    let left = expires.saturating_sub(now.wall.0).min(longest);
    Some(now.mono.saturating_add(Duration::from_millis(left)))
}
