//! Stage 6: memory of earlier messages (`docs/protocol.md` §4.6).
//!
//! The message's id is computed here, the first work that grows with the message's length. The memory holds proven
//! facts only: a copy with a forged signature can neither pass for a message nor make this node drop the real one.

use motet_core_crypto::Tag;

use super::decode::Decoded;
use super::fresh::Fresh;
use super::generations::{Key, key};
use super::limits::ValidatorLimits;
use super::memory::{Facts, Offence, OwnFacts, SharedMemory, delegation_key};
use super::peer_class::PeerClass;
use super::rejection::Rejection;
use super::rule::Rule;
use crate::envelope::View;
use crate::id::NetworkId;
use crate::message::{Kind, Message, RawBody};
use crate::mirror::Mirror as _;
use crate::time::MonotonicMs;

static FRAME_KEY: Tag = Tag::new("motet/frame-key/v1");
static ANNOUNCER_KEY: Tag = Tag::new("motet/announcer-key/v1");
static AUTHOR_KEY: Tag = Tag::new("motet/author-key/v1");

/// A message that is new, with its id.
#[derive(Debug)]
pub(crate) struct Unseen {
    pub(crate) decoded: Decoded,
    pub(crate) id: [u8; 32],
    /// The frame that proved the message when it was here before.
    pub(crate) seen: Option<Key>,
    pub(crate) facts: Facts,
    pub(crate) standing: PeerClass,
    pub(crate) company: Batching,
    pub(crate) deadline: Option<MonotonicMs>,
}

/// The permission to check a message's signatures in one batch with others.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Batching {
    /// As far as we know they will be right.
    Welcome,
    /// The peer has delivered an invalid signature lately: another one would spoil the batch.
    Shunned,
}

/// V-27 to V-31.
pub(crate) fn check(
    fresh: Fresh,
    network: &NetworkId,
    limits: &ValidatorLimits,
    memory: &SharedMemory,
) -> Result<Unseen, Rejection> {
    let Fresh { structured, now, deadline } = fresh;
    let decoded = structured.0;
    let refuse = |rule| Rejection::new(rule, Some(decoded.kind));
    let (peer, channel) = (decoded.peer, decoded.arrival.channel);
    let view = View::read(&decoded.arrival.bytes).ok_or_else(|| refuse(Rule::Envelope))?;
    // As long as the frame is, so before the memory is locked.
    let id = view.digest(network);
    let mut memory = memory.lock();
    let seen = memory.check_message(&key(&id), channel).map_err(refuse)?;
    let frame = frame_key(&id, &decoded.signature);
    if let Err(rule) = memory.check_frame(&frame, channel) {
        let rejection = refuse(rule);
        let known_bad = rule == Rule::KnownBad;
        return Err(if known_bad {
            rejection.with_penalty(memory.strike(&peer, Offence::Signature, channel, now))
        } else {
            rejection
        });
    }

    // Only a frame that did not come before is worth the other hashes. The class was looked up by a sender that is not
    // proven yet. A peer that has claimed falsely before is not believed again.
    let (standing, company) = match memory.is_suspect(&peer) {
        true => (PeerClass::Stranger, Batching::Shunned),
        false => (decoded.arrival.author_standing, Batching::Welcome),
    };
    let announcer = announcer_key(decoded.kind, &decoded.body);
    let facts = Facts {
        kind: decoded.kind,
        channel,
        peer,
        id: key(&id),
        frame,
        delegation: None,
        announcer,
        version: decoded.head.sequence,
        author: author_key(&decoded),
        factor: limits.factor(standing),
        now,
    };
    memory.check_author(&facts).map_err(refuse)?;
    Ok(Unseen { decoded, id, seen, facts, standing, company, deadline })
}

/// The key under which the memory holds a frame: a message, and a signature of it.
fn frame_key(id: &[u8; 32], signature: &[u8; 64]) -> Key {
    key(&FRAME_KEY.hash(&[id, signature]))
}

/// The facts that the memory keeps of a message of this node. None for a message that has no bytes, which no validated
/// one is.
pub(super) fn facts_of_own(
    message: &Message,
    frame: &[u8],
    (id, version): ([u8; 32], u64),
    network: &NetworkId,
    now: MonotonicMs,
) -> Option<OwnFacts> {
    let body = RawBody::of(message).ok()?;
    let signature = View::read(frame)?.signature;
    let delegation = match body.delegation() {
        Some(delegation) => Some(delegation_key(&delegation.digest(network).ok()?, &delegation.signature)),
        None => None,
    };
    Some(OwnFacts {
        id: key(&id),
        frame: frame_key(&id, &signature),
        delegation,
        announcer: announcer_key(message.kind(), &body),
        version,
        now,
    })
}

/// Whose versions grow: those of a signer's advertisements and withdrawals together, and of each of its resources.
fn announcer_key(kind: Kind, body: &RawBody) -> Option<Key> {
    let signer = &body.delegation()?.signer;
    if let RawBody::ResourceAnnouncement(body) = body {
        // Neither part of a name holds a zero.
        let parts: [&[u8]; 4] = [signer, body.resource_type.as_str().as_bytes(), &[0], body.id.as_str().as_bytes()];
        return Some(key(&ANNOUNCER_KEY.hash(&parts)));
    }
    let versioned = matches!(kind, Kind::SignerAdvertisement | Kind::SignerUnavailable);
    versioned.then(|| key(&ANNOUNCER_KEY.hash(&[signer])))
}

/// The author against which a message counts: for an announcement the author's peer, which may serve several signers;
/// for a session message the sender in this session, so that a hundred sessions of the same two nodes are no flood.
fn author_key(decoded: &Decoded) -> Key {
    let code = [decoded.kind.code()];
    let subject = decoded.body.subject();
    let parts: [&[u8]; 3] = match (subject.session(), decoded.body.delegation()) {
        (Some(session), _) => [&code, &decoded.head.sender, session],
        (None, Some(delegation)) => [&code, delegation.peer.as_slice(), &[]],
        (None, None) => [&code, &decoded.head.sender, &[]],
    };
    key(&AUTHOR_KEY.hash(&parts))
}
