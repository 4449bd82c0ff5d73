//! Stage 3: from bytes to a raw message (`docs/protocol.md` §4.3).
//!
//! Every length is checked against its bound and against the bytes that are there before anything is allocated, nothing
//! may follow the value, and it must encode to the very same bytes.

use super::arrival::Arrival;
use super::generations::Key;
use super::rejection::Rejection;
use super::rule::Rule;
use super::size::Sized;
use crate::codec::DecodeError;
use crate::envelope::{Head, View};
use crate::message::{Kind, RawBody};

/// A frame whose bytes say something, in the one way in which it can be said.
#[derive(Debug)]
pub(crate) struct Decoded {
    pub(crate) arrival: Arrival,
    /// The key under which the memory holds the peer that delivered it.
    pub(crate) peer: Key,
    pub(crate) kind: Kind,
    pub(crate) head: Head,
    pub(crate) signature: [u8; 64],
    pub(crate) body: RawBody,
}

/// V-11 to V-13.
pub(crate) fn decode(sized: Sized) -> Result<Decoded, Rejection> {
    let Sized { arrival, peer, kind } = sized;
    let view = View::read(&arrival.bytes).ok_or_else(|| Rejection::new(Rule::Envelope, Some(kind)))?;
    let body = RawBody::decode(view.head.version, kind, view.body).map_err(|error| {
        let rule = match error {
            DecodeError::Malformed => Rule::Body,
            DecodeError::NotCanonical => Rule::Canonical,
        };
        Rejection::new(rule, Some(kind))
    })?;
    let (head, signature) = (view.head, view.signature);
    Ok(Decoded { arrival, peer, kind, head, signature, body })
}
