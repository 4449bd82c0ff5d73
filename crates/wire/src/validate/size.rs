//! Stage 2: length, version, kind and channel, from the frame's first two bytes and its length (`docs/protocol.md`
//! §4.2).

use super::arrival::Arrival;
use super::generations::Key;
use super::meter::Metered;
use super::rejection::Rejection;
use super::rule::Rule;
use crate::limits;
use crate::message::Kind;

/// A frame of a known version and kind, and of a length that this kind may have on this channel.
#[derive(Debug)]
pub(crate) struct Sized {
    pub(crate) arrival: Arrival,
    /// The key under which the memory holds the peer that delivered the frame.
    pub(crate) peer: Key,
    pub(crate) kind: Kind,
}

/// V-01 to V-05.
pub(crate) fn check(metered: Metered) -> Result<Sized, Rejection> {
    let Metered { arrival, peer } = metered;
    let [version, code, ..] = *arrival.bytes else { return Err(Rejection::new(Rule::Short, None)) };
    let Some(kind) = Kind::of_frame(version, code) else {
        let rule = if version == limits::VERSION { Rule::Kind } else { Rule::Version };
        return Err(Rejection::new(rule, None));
    };
    if arrival.bytes.len() <= limits::FRAME_OVERHEAD {
        return Err(Rejection::new(Rule::Short, Some(kind)));
    }
    if arrival.bytes.len() > kind.frame_limit() {
        return Err(Rejection::new(Rule::Long, Some(kind)));
    }
    if !kind.spec().channels.contains(arrival.channel) {
        return Err(Rejection::new(Rule::Channel, Some(kind)));
    }
    Ok(Sized { arrival, peer, kind })
}
