//! Deeds: what hostile peers say that no engine asked for.

use std::sync::Arc;

use motet_core_crypto::{SecretKey, Signature};
use motet_wire::{
    AbortCode, AbortReason, AbortSubject, Attempt, AttemptId, Channel, Evidence, Have, Kind, Message, NonceCommit,
    NonceShare, Now, PartialSigShare, ParticipantDeclined, ParticipantJoined, RequestId, SessionAbort, SessionReady,
    SignatureFinalized, SignerIndex, SyncRequest, SyncResponse, Validated, peek, seal,
};

use super::{Deed, Rogue};
use crate::sim::plan::Vice;
use crate::wire_forge::{Forged, SENDER};

impl Rogue {
    /// What a vice does when it hears a message; mostly about the same session.
    pub(super) fn deed(&mut self, vice: Vice, message: &Validated, now: Now) -> Vec<Deed> {
        let (name, frame) = match vice {
            Vice::Replays => ("repeats", self.remembered()),
            Vice::Forges => self.forged(message, now),
            Vice::Garbage => {
                let noise: [u8; 200] = self.dice.bytes();
                let known = self.remembered();
                ("garbage", known.map(|known| self.flipped(&known)).or(Some(noise.as_slice().into())))
            }
            Vice::Lengths => {
                let known = self.remembered();
                ("a false length", known.map(|known| self.lying_about_length(&known)))
            }
            Vice::Outdated => {
                let known = self.remembered();
                ("another version", known.map(|known| self.outdated(&known)))
            }
            Vice::Accuses => ("accuses", self.accusation(message, now)),
            Vice::Tampers => ("another's request, changed", self.tampered()),
            Vice::JoinsTwice => self.second_join(message, now),
            Vice::LiesAboutTweaks => ("another derivation", self.other_derivation(now)),
            Vice::SkipsAttempts => ("a far attempt", self.far_attempt(message, now)),
            Vice::Coordinates => self.false_outcome(message, now),
            Vice::Floods => return self.flood(message, now),
            _ => return Vec::new(),
        };
        // A message of a session by gossip breaks a rule, and is worth trying now and then.
        let kind = frame.as_deref().and_then(peek).map(|peek| peek.kind);
        let is_gossiped = kind.is_some_and(Kind::is_gossiped);
        let by_gossip = self.dice.chance(if is_gossiped { 400 } else { 50 });
        let channel = if by_gossip { Channel::Gossip } else { Channel::Direct };
        let to = self.dice.chance(500).then(|| self.dice.index(5));
        frame.map(|frame| Deed { vice, name, to, channel, frame }).into_iter().collect()
    }

    /// Any kind of message about the session that is spoken of, empty but well formed.
    pub(super) fn anything(&mut self, vice: Vice, message: &Validated, now: Now) -> Option<Deed> {
        let request = request_of(message).or_else(|| self.heard.iter().rev().find_map(request_of))?;
        let attempt = Attempt(self.dice.below(3) as u32);
        let session = AttemptId::derive(&request, attempt);
        let hash = motet_wire::TranscriptHash::from_bytes(self.dice.bytes());
        let delegation = self.delegation.clone()?;
        let index = self.index_in(&request).unwrap_or(SignerIndex(0));
        let frame = match self.dice.below(9) {
            0 => self.seal(ParticipantDeclined { request, index, delegation, reason: String::new() }, now),
            1 => {
                let reason = AbortReason { code: AbortCode::Internal, detail: String::new() };
                self.seal(SessionAbort { subject: AbortSubject::Request(request), reason, evidence: None }, now)
            }
            2 => {
                let signatures = vec![Signature::from_bytes(&self.dice.bytes())];
                self.seal(SignatureFinalized { session, signatures }, now)
            }
            3 => {
                let commitment = motet_core_crypto::NonceCommitment::from_bytes(&self.dice.bytes());
                self.seal(NonceCommit { session, attempt, commitment }, now)
            }
            4 => {
                let nonces = self.spare_nonces(session, 1);
                self.seal(NonceShare { session, attempt, nonces, commitments: hash }, now)
            }
            5 => {
                let partials = vec![self.scalar()];
                self.seal(PartialSigShare { session, attempt, partials, nonces: hash }, now)
            }
            6 => {
                let mut asked =
                    self.heard.iter().chain(&self.said).filter(|known| known.kind() == Kind::SigningRequest);
                let asked = asked.next_back().map(|known| Arc::clone(known.frame()));
                let frames = [self.remembered(), self.remembered(), asked];
                let frames = frames.into_iter().flatten().map(|frame| frame.to_vec()).collect();
                self.seal(SyncResponse { request, frames }, now)
            }
            7 => {
                let joins = self.heard.iter().filter(|heard| heard.kind() == Kind::ParticipantJoined).take(2);
                let joins = joins.map(|heard| heard.frame().to_vec()).collect();
                self.seal(SessionReady { request, session, coordinator: index, joins }, now)
            }
            _ => {
                let known = self.heard.iter().rev().find(|heard| heard.kind() == Kind::SigningRequest);
                known.map(|known| Arc::clone(known.frame()))
            }
        };
        let to = self.dice.chance(500).then(|| self.dice.index(5));
        frame.map(|frame| Deed { vice, name: "anything", to, channel: Channel::Direct, frame })
    }

    fn remembered(&mut self) -> Option<Arc<[u8]>> {
        let all = self.heard.len() + self.said.len();
        let at = self.dice.index(all);
        self.heard.iter().chain(&self.said).nth(at).map(|message| Arc::clone(message.frame()))
    }

    /// B7: another's name on top, another's place inside.
    fn forged(&mut self, message: &Validated, now: Now) -> (&'static str, Option<Arc<[u8]>>) {
        if self.dice.chance(400) {
            // Signed by the wrong key.
            let known = self.remembered();
            let sender = message.sender().to_bytes();
            return (
                "another's name",
                known
                    .map(|known| self.forge(Forged::from_bytes(&known)).to_vec())
                    .map(|bytes| Forged::from_bytes(&bytes).set(SENDER, &sender).frame()),
            );
        }
        let (Some(request), Some(delegation)) = (request_of(message), self.delegation.clone()) else {
            return ("another's place", None);
        };
        let index = SignerIndex(self.dice.below(5) as u16);
        let frame = if self.dice.chance(500) {
            self.seal(ParticipantDeclined { request, index, delegation, reason: "not I".to_owned() }, now)
        } else {
            let commitment = self.heard.iter().find_map(|heard| match heard.message() {
                Message::ParticipantJoined(join) => join.commitment,
                _ => None,
            });
            self.seal(ParticipantJoined { request, index, delegation, commitment }, now)
        };
        ("another's place", frame)
    }

    /// B11: evidence that proves nothing, about whoever has just spoken.
    fn accusation(&mut self, message: &Validated, now: Now) -> Option<Arc<[u8]>> {
        let request = request_of(message)?;
        let of = |kind: Kind| {
            let about = self.heard.iter().filter(|heard| heard.kind() == kind && heard.sender() == message.sender());
            about.map(|heard| heard.frame().to_vec()).collect::<Vec<_>>()
        };
        let join = of(Kind::ParticipantJoined).pop()?;
        let (nonces, partials, commits) = (of(Kind::NonceShare), of(Kind::PartialSigShare), of(Kind::NonceCommit));
        let evidence = match self.dice.below(6) {
            // The same statement twice; the same slot of two attempts or sessions.
            0 => Evidence::Equivocation { first: nonces.first()?.clone(), second: nonces.last()?.clone(), join },
            1 => Evidence::Equivocation { first: nonces.last()?.clone(), second: partials.last()?.clone(), join },
            2 => Evidence::BadOpening { commit: commits.first().cloned(), nonces: nonces.last()?.clone(), join },
            3 => Evidence::BadOpening { commit: None, nonces: nonces.first()?.clone(), join },
            4 => Evidence::Malformed { frame: nonces.last().or(partials.last())?.clone(), binding: join },
            _ => self.doctored(&join, partials.last()?)?,
        };
        let reason = AbortReason { code: AbortCode::Fault, detail: "it was not me".to_owned() };
        self.seal(SessionAbort { subject: AbortSubject::Request(request), reason, evidence: Some(evidence) }, now)
    }

    /// A partial signature that is right, under nonces that it was not made with.
    fn doctored(&mut self, join: &[u8], partials: &[u8]) -> Option<Evidence> {
        let request = self.heard.iter().chain(&self.said).rev().find_map(|heard| match heard.message() {
            Message::SigningRequest(request) => Some(request.clone()),
            _ => None,
        })?;
        let nonces = self.heard.iter().chain(&self.said).filter_map(|heard| match heard.message() {
            Message::NonceShare(share) => share.nonces.first().map(|nonce| nonce.to_bytes()),
            _ => None,
        });
        let item_nonces: Vec<[u8; 66]> = nonces.take(request.keys.len()).collect();
        let others = request.items.len().saturating_sub(1);
        Some(Evidence::BadPartialSignature {
            join: join.to_vec(),
            terms: request.terms().ok()?,
            partials: partials.to_vec(),
            item: 0,
            item_nonces,
            other_items: (0..others).map(|_| self.dice.bytes()).collect(),
        })
    }

    /// B12: another's request with another message, another's name still on it.
    fn tampered(&mut self) -> Option<Arc<[u8]>> {
        let known = self.heard.iter().rev().find(|heard| heard.kind() == Kind::SigningRequest)?;
        let (frame, sender) = (Arc::clone(known.frame()), known.sender().to_bytes());
        let Message::SigningRequest(request) = known.message() else { return None };
        let message = request.items.first()?.message.clone();
        let at = frame.windows(message.len()).position(|window| window == message)?;
        let mut bytes = frame.to_vec();
        bytes[at] ^= 1;
        if self.dice.chance(500) {
            return Some(self.forge(Forged::from_bytes(&bytes)));
        }
        Some(Forged::from_bytes(&bytes).set(SENDER, &sender).frame())
    }

    /// B13: again with another message key, or in another's place.
    fn second_join(&mut self, message: &Validated, now: Now) -> (&'static str, Option<Arc<[u8]>>) {
        let made = || {
            let request = request_of(message)?;
            let own = self.index_in(&request)?;
            let other = SecretKey::generate(&mut self.entropy).ok()?;
            let delegation = self.delegate(other.public_key(), now)?;
            let commitment = self.said.iter().rev().find_map(|said| match said.message() {
                Message::ParticipantJoined(join) if join.request == request => Some(join.commitment),
                _ => None,
            })?;
            let index = if self.dice.chance(500) { own } else { SignerIndex(self.dice.below(5) as u16) };
            let join = ParticipantJoined { request, index, delegation, commitment };
            let (sequence, aux) = (self.sequence, self.dice.bytes());
            let sealed = seal(&self.network, &other, sequence, now.wall, &Message::from(join), &aux);
            Some(sealed.ok()?.frame)
        };
        let mut made = made;
        ("another join", made())
    }

    /// B14: its own request again, with another way to the key.
    fn other_derivation(&mut self, now: Now) -> Option<Arc<[u8]>> {
        let mut request = self.said.iter().rev().find_map(|said| match said.message() {
            Message::SigningRequest(request) => Some(request.clone()),
            _ => None,
        })?;
        if self.dice.chance(300) {
            // The same signer twice.
            let key = *request.keys.first()?;
            request.keys.push(key);
            return self.seal(request, now);
        }
        let item = request.items.first_mut()?;
        item.derivation = motet_wire::Derivation::Bip328 { path: vec![self.dice.below(100) as u32] };
        self.seal(request, now)
    }

    /// B15: a commitment or nonces for an attempt that nobody is in.
    fn far_attempt(&mut self, message: &Validated, now: Now) -> Option<Arc<[u8]>> {
        let request = request_of(message)?;
        let attempt = Attempt(self.dice.pick(&[1, 2, 3, 16, u32::MAX - 1, u32::MAX]));
        let session = AttemptId::derive(&request, attempt);
        // Sometimes the two do not fit each other.
        let claimed = if self.dice.chance(200) { Attempt(0) } else { attempt };
        if self.dice.chance(500) {
            let commitment = motet_core_crypto::NonceCommitment::from_bytes(&self.dice.bytes());
            return self.seal(NonceCommit { session, attempt: claimed, commitment }, now);
        }
        let nonces = self.spare_nonces(session, 1);
        let commitments = motet_wire::TranscriptHash::from_bytes(self.dice.bytes());
        self.seal(NonceShare { session, attempt: claimed, nonces, commitments }, now)
    }

    /// B17: signatures that are none, joins that are not all, an end that nobody has come to.
    fn false_outcome(&mut self, message: &Validated, now: Now) -> (&'static str, Option<Arc<[u8]>>) {
        let Some(request) = request_of(message) else { return ("an outcome", None) };
        let session = AttemptId::derive(&request, Attempt(self.dice.below(2) as u32));
        match self.dice.below(4) {
            0 => {
                let joins = self.heard.iter().chain(&self.said).filter(|heard| heard.kind() == Kind::ParticipantJoined);
                let joins: Vec<Vec<u8>> = joins.map(|heard| heard.frame().to_vec()).take(5).collect();
                let coordinator = SignerIndex(self.dice.below(4) as u16);
                ("other joins", self.seal(SessionReady { request, session, coordinator, joins }, now))
            }
            1 if self.dice.chance(200) => {
                let reason = AbortReason { code: AbortCode::Cancelled, detail: "enough".to_owned() };
                let subject = AbortSubject::Session(session);
                ("an end", self.seal(SessionAbort { subject, reason, evidence: None }, now))
            }
            _ => {
                let signature = Signature::from_bytes(&self.dice.bytes());
                ("false signatures", self.seal(SignatureFinalized { session, signatures: vec![signature] }, now))
            }
        }
    }

    /// B18: the same question over and over, requests for nothing.
    fn flood(&mut self, message: &Validated, now: Now) -> Vec<Deed> {
        let Some(request) = request_of(message) else { return Vec::new() };
        let mut deeds = Vec::new();
        for _ in 0..8 {
            let frame = if self.dice.chance(700) {
                let request = if self.dice.chance(500) { request } else { RequestId::from_bytes(self.dice.bytes()) };
                self.seal(SyncRequest { request, attempt: Attempt(0), have: Have::default() }, now)
            } else {
                let session = AttemptId::from_bytes(self.dice.bytes());
                let commitment = motet_core_crypto::NonceCommitment::from_bytes(&self.dice.bytes());
                self.seal(NonceCommit { session, attempt: Attempt(0), commitment }, now)
            };
            let deed = |frame| Deed { vice: Vice::Floods, name: "floods", to: None, channel: Channel::Direct, frame };
            deeds.extend(frame.map(deed));
        }
        deeds
    }
}

/// The request that a message is about, where it says so itself.
fn request_of(message: &Validated) -> Option<RequestId> {
    match message.message() {
        Message::SigningRequest(request) => request.id(&motet_wire::NetworkId::test()).ok(),
        Message::ParticipantJoined(join) => Some(join.request),
        Message::SessionReady(ready) => Some(ready.request),
        Message::SyncRequest(request) => Some(request.request),
        Message::SyncResponse(response) => Some(response.request),
        _ => None,
    }
}
