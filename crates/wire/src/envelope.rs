//! The frame: one signed message (`docs/protocol.md` §2).
//!
//! ```text
//! frame = version u8 | kind u8 | sender 33 | sequence u64 | timestamp u64 | body length u32 | body | signature 64
//! ```
//!
//! Numbers are little endian. The signature is BIP-340 by the sender over `tagged_hash("motet/envelope/v1", network |
//! frame without signature)`, the network's name with its length in front (one byte). That digest is the message's id,
//! so that a copy that the sender signs again is the same message.

use std::sync::Arc;

use motet_core_crypto::schnorr::{self, SignatureError};
use motet_core_crypto::{PublicKey, SecretKey, Signature, Tag};

use crate::codec::{self, Decode, Encode, ParseError};
use crate::delegation::DelegationError;
use crate::id::{MessageId, NetworkId, PeerId};
use crate::limits;
use crate::message::structure::check_body;
use crate::message::{Kind, Message, RawBody};
use crate::mirror::Mirror;
use crate::subject::Subject;
use crate::time::TimestampMs;
use crate::validate::rule::Rule;

static ENVELOPE: Tag = Tag::new("motet/envelope/v1");

/// A signed frame of ours, ready to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The message's id.
    pub id: MessageId,
    /// The kind of the message.
    pub kind: Kind,
    /// The bytes to send.
    pub frame: Arc<[u8]>,
}

/// Why a message cannot be sealed: our own caller's fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// A part is over its bound.
    #[error("a part of the message is over its bound")]
    Bound(#[from] ParseError),
    /// The frame is over the limit of its kind.
    #[error("the frame has {length} bytes, {kind} allows {limit}")]
    TooLong {
        /// The kind.
        kind: Kind,
        /// Bytes of the frame.
        length: usize,
        /// Bytes allowed.
        limit: usize,
    },
    /// Every receiver would reject it.
    #[error("every receiver would reject the message: {0}")]
    Structure(Rule),
    /// The delegation in it is not signed by its signer.
    #[error(transparent)]
    Delegation(#[from] DelegationError),
    /// The signature could not be made.
    #[error("signing failed")]
    Signing(#[source] SignatureError),
}

/// Encodes and signs a message with the sender's message key. `aux` is BIP-340's auxiliary randomness; it may be
/// constant, fresh is better.
///
/// # Errors
///
/// [`SealError`] when a bound is exceeded, or the message is one that every receiver rejects, such as one whose
/// delegation is for another message key.
pub fn seal(
    network: &NetworkId,
    key: &SecretKey,
    sequence: u64,
    timestamp: TimestampMs,
    message: &Message,
    aux: &[u8; 32],
) -> Result<Sealed, SealError> {
    let Signed { kind, id, frame, .. } =
        sign(network, &key.public_key(), (sequence, timestamp), message, |digest| schnorr::sign(key, digest, aux))?;
    Ok(Sealed { id, kind, frame })
}

/// A message that has just been signed, with all that its frame was made of.
#[derive(Debug)]
pub(crate) struct Signed {
    pub(crate) kind: Kind,
    pub(crate) head: Head,
    pub(crate) body: RawBody,
    pub(crate) id: MessageId,
    pub(crate) frame: Arc<[u8]>,
}

/// Signs a message with its number and its time. `sign` signs the digest with the secret key of the sender.
pub(crate) fn sign(
    network: &NetworkId,
    sender: &PublicKey,
    (sequence, timestamp): (u64, TimestampMs),
    message: &Message,
    sign: impl FnOnce(&[u8; 32]) -> Result<Signature, SignatureError>,
) -> Result<Signed, SealError> {
    let kind = message.kind();
    let body = RawBody::of(message)?;
    let sender = sender.to_bytes();
    let bytes = body.encode()?;
    let length = u32::try_from(bytes.len()).map_err(|_| ParseError::Length)?;
    let head = Head {
        version: body.version(),
        kind: kind.code(),
        sender,
        sequence,
        timestamp_ms: timestamp.0,
        body_length: length,
    };
    let total = limits::FRAME_OVERHEAD + bytes.len();
    let limit = kind.frame_limit();
    if total > limit {
        return Err(SealError::TooLong { kind, length: total, limit });
    }
    check_body(kind, &sender, timestamp.0, &body).map_err(SealError::Structure)?;
    let mut frame = Vec::with_capacity(total);
    frame.extend_from_slice(&codec::encode(&head)?);
    frame.extend_from_slice(&bytes);
    let digest = digest(network, &frame);
    let signature = sign(&digest).map_err(SealError::Signing)?;
    frame.extend_from_slice(&signature.to_bytes());
    Ok(Signed { kind, head, body, id: MessageId::from_bytes(digest), frame: frame.into() })
}

/// The claims in the first bytes of a frame. None of them is checked: they are for look-ups that decide how much
/// attention the frame gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peek {
    /// The kind.
    pub kind: Kind,
    /// The compressed message key that claims to have signed.
    pub sender: [u8; 33],
    /// The sequence number.
    pub sequence: u64,
    /// The time at which the message was made.
    pub timestamp: TimestampMs,
    /// The compressed key of the signer that is said to have certified the message key, for the kinds that carry a delegation.
    pub signer: Option<[u8; 33]>,
}

/// Reads the claims of a frame; `None` if it is too short, or of another version or an unknown kind.
pub fn peek(frame: &[u8]) -> Option<Peek> {
    let view = View::read(frame)?;
    let kind = view.kind()?;
    Some(Peek {
        kind,
        signer: claimed_signer(kind, view.body),
        sender: view.head.sender,
        sequence: view.head.sequence,
        timestamp: TimestampMs(view.head.timestamp_ms),
    })
}

/// The time at which a frame says that it ends; `None` for kinds that do not end, and for bytes that are no frame. It is a
/// claim.
pub fn expiry(frame: &[u8]) -> Option<TimestampMs> {
    let view = View::read(frame)?;
    let body = RawBody::decode(view.head.version, view.kind()?, view.body).ok()?;
    body.lifetime().map(|(_, expires)| TimestampMs(expires))
}

/// The request or session that a frame says it is about; `None` for bytes that are no frame. It is a claim.
pub fn claimed_subject(frame: &[u8]) -> Option<Subject> {
    let view = View::read(frame)?;
    let body = RawBody::decode(view.head.version, view.kind()?, view.body).ok()?;
    Some(body.parts().subject)
}

/// The peer that a frame says it was made at; `None` for kinds that carry no delegation, and for bytes that are no frame. It is a
/// claim.
pub fn claimed_peer(frame: &[u8]) -> Option<PeerId> {
    let view = View::read(frame)?;
    let body = RawBody::decode(view.head.version, view.kind()?, view.body).ok()?;
    body.parts().delegation?.peer().ok()
}

/// A delegation begins with its signer. It is the first part of an announcement; in an answer to a request, the request's id and the
/// signer's index come before it.
fn claimed_signer(kind: Kind, body: &[u8]) -> Option<[u8; 33]> {
    let delegation = match kind {
        Kind::SignerAdvertisement
        | Kind::SignerUnavailable
        | Kind::SigningRequest
        | Kind::ResourceAnnouncement
        | Kind::ApplicationMessage => body,
        Kind::ParticipantJoined | Kind::ParticipantDeclined => body.get(32 + 2..)?,
        Kind::SessionReady
        | Kind::NonceCommit
        | Kind::NonceShare
        | Kind::PartialSigShare
        | Kind::SignatureFinalized
        | Kind::SessionAbort
        | Kind::SyncRequest
        | Kind::SyncResponse => return None,
    };
    delegation.first_chunk().copied()
}

/// The part in front of the body: 55 bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) struct Head {
    pub(crate) version: u8,
    pub(crate) kind: u8,
    pub(crate) sender: [u8; 33],
    pub(crate) sequence: u64,
    pub(crate) timestamp_ms: u64,
    pub(crate) body_length: u32,
}

impl Head {
    pub(crate) const LENGTH: usize = limits::FRAME_OVERHEAD - 64;
}

/// A frame cut into its parts, without copying.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) head: Head,
    pub(crate) body: &'a [u8],
    pub(crate) signed: &'a [u8],
    pub(crate) signature: [u8; 64],
}

impl<'a> View<'a> {
    /// Cuts a frame; `None` unless the body's length and the frame's agree exactly.
    pub(crate) fn read(frame: &'a [u8]) -> Option<Self> {
        let (signed, signature) = frame.split_last_chunk::<64>()?;
        let (head, body) = signed.split_at_checked(Head::LENGTH)?;
        let head: Head = codec::decode(head).ok()?;
        if usize::try_from(head.body_length).ok()? != body.len() {
            return None;
        }
        Some(Self { head, body, signed, signature: *signature })
    }

    /// The kind; `None` if it or the version is unknown.
    pub(crate) fn kind(&self) -> Option<Kind> {
        Kind::of_frame(self.head.version, self.head.kind)
    }

    /// The message id on this network.
    pub(crate) fn digest(&self, network: &NetworkId) -> [u8; 32] {
        digest(network, self.signed)
    }

    /// True if the sender signed the frame on this network.
    pub(crate) fn is_signed(&self, network: &NetworkId) -> bool {
        let Ok(sender) = PublicKey::from_bytes(&self.head.sender) else { return false };
        let signature = Signature::from_bytes(&self.signature);
        schnorr::verify(&sender.x_only(), &self.digest(network), &signature).is_ok()
    }
}

fn digest(network: &NetworkId, signed: &[u8]) -> [u8; 32] {
    ENVELOPE.hash(&[&network.prefix(), signed])
}
