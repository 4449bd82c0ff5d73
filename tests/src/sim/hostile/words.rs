//! Words twisted: what an engine says, changed on its way out.

use std::sync::Arc;

use motet_core_crypto::{NonceCommitment, PartialSignature, PublicNonce};
use motet_wire::{AttemptId, Kind, Message, Now, Validated};

use super::Rogue;
use crate::sim::plan::Vice;
use crate::wire_forge::{BODY, Forged};

/// Where the first nonce of a NonceShare's body stands: behind session, attempt and the length of the list.
const FIRST_NONCE: usize = 32 + 4 + 4;

type Twisted = Option<(&'static str, Arc<[u8]>)>;

impl Rogue {
    /// What a vice makes of a frame for a receiver; the same for the same half of the receivers, however often it is
    /// said. `None` if it leaves it alone.
    pub(super) fn twisted(&mut self, vice: Vice, frame: &Arc<[u8]>, kind: Kind, to: usize, now: Now) -> Twisted {
        // Those who say different things say them to different halves; the others say one thing to all.
        let half = vice == Vice::Equivocates && self.picks_on(to);
        if vice == Vice::Equivocates && !half {
            return None;
        }
        let name = name(vice, kind);
        let key = (frame.to_vec(), half);
        if let Some(made) = self.made.get(&key) {
            return made.clone().map(|made| (name, made));
        }
        let made = self.read(frame, now).and_then(|message| self.twist(vice, &message, frame, now));
        self.made.insert(key, made.clone());
        made.map(|made| (name, made))
    }

    fn twist(&mut self, vice: Vice, message: &Validated, frame: &Arc<[u8]>, now: Now) -> Option<Arc<[u8]>> {
        match vice {
            Vice::Equivocates => self.contradict(message, now),
            Vice::BadPartials => self.bad_partials(message, now),
            Vice::Cancels => self.cancelling_partials(message, now),
            Vice::BadNonces => self.bad_nonces(message, frame, now),
            Vice::BadCommitments => self.bad_commitment(message, now),
            Vice::Garbage => self.dice.chance(300).then(|| self.flipped(frame)),
            Vice::Lengths => self.dice.chance(300).then(|| self.lying_about_length(frame)),
            Vice::Outdated => self.dice.chance(300).then(|| self.outdated(frame)),
            _ => None,
        }
    }

    /// B1: something else of the same kind, from a consistent other story where there is one.
    fn contradict(&mut self, message: &Validated, now: Now) -> Option<Arc<[u8]>> {
        // Whoever commits twice also reveals twice.
        let wanted = [self.favourite, Kind::NonceShare];
        let consistent = matches!(self.favourite, Kind::ParticipantJoined | Kind::NonceCommit);
        if message.kind() != wanted[0] && !(consistent && message.kind() == wanted[1]) {
            return None;
        }
        match message.message() {
            Message::ParticipantJoined(join) => {
                let session = AttemptId::derive(&join.request, motet_wire::Attempt::FIRST);
                join.commitment?;
                let nonces = self.spare_nonces(session, 1);
                let commitment = NonceCommitment::new(session.as_bytes(), u32::from(join.index.0), &nonces);
                let mut join = join.clone();
                join.commitment = Some(commitment);
                self.seal(join, now)
            }
            Message::NonceCommit(commit) => {
                let mut commit = commit.clone();
                commit.commitment = NonceCommitment::from_bytes(&self.dice.bytes());
                self.seal(commit, now)
            }
            Message::NonceShare(share) => {
                let mut share = share.clone();
                let count = share.nonces.len();
                share.nonces = self.spare_nonces(share.session, count);
                if share.nonces.len() != count {
                    share.nonces = (0..count).map(|_| share.nonces[0]).collect();
                }
                self.seal(share, now)
            }
            Message::PartialSigShare(share) => {
                let mut share = share.clone();
                share.partials = share.partials.iter().map(|_| self.scalar()).collect();
                self.seal(share, now)
            }
            _ => None,
        }
    }

    pub(super) fn scalar(&mut self) -> PartialSignature {
        let mut bytes: [u8; 32] = self.dice.bytes();
        bytes[0] = 0;
        PartialSignature::from_bytes(&bytes).expect("a small number is a scalar")
    }

    /// B2: random, off by one, of another session, or under other nonces than it says.
    fn bad_partials(&mut self, message: &Validated, now: Now) -> Option<Arc<[u8]>> {
        let Message::PartialSigShare(share) = message.message() else { return None };
        let mut share = share.clone();
        match self.variant % 5 {
            0 => share.partials = share.partials.iter().map(|_| self.scalar()).collect(),
            1 => share.partials = share.partials.iter().map(|partial| moved(partial, 1)).collect(),
            2 => {
                let other = self.heard.iter().rev().find_map(|message| match message.message() {
                    Message::PartialSigShare(other) => Some(other.partials.clone()),
                    _ => None,
                });
                let other = other?;
                share.partials = share.partials.iter().zip(other.iter().cycle()).map(|(_, other)| *other).collect();
            }
            // Only the last item.
            3 => *share.partials.last_mut()? = self.scalar(),
            // Right, but said to be of other nonces.
            _ => share.nonces = motet_wire::TranscriptHash::from_bytes(self.dice.bytes()),
        }
        self.seal(share, now)
    }

    /// B10: one adds what another takes away, so that the sum is right.
    fn cancelling_partials(&mut self, message: &Validated, now: Now) -> Option<Arc<[u8]>> {
        let Message::PartialSigShare(share) = message.message() else { return None };
        let mut share = share.clone();
        let by = if self.serves.is_multiple_of(2) { 5 } else { -5 };
        share.partials = share.partials.iter().map(|partial| moved(partial, by)).collect();
        self.seal(share, now)
    }

    /// B3: no point at all, another's nonces, or those that cancel another's.
    fn bad_nonces(&mut self, message: &Validated, frame: &Arc<[u8]>, now: Now) -> Option<Arc<[u8]>> {
        let Message::NonceShare(share) = message.message() else { return None };
        let mut share = share.clone();
        let others = self.heard.iter().rev().find_map(|heard| match heard.message() {
            Message::NonceShare(other) if other.session == share.session && heard.sender() != message.sender() => {
                Some(other.nonces.clone())
            }
            _ => None,
        });
        match (self.variant % 4, others) {
            // No point of the curve has this x.
            (0, _) => {
                return Some(self.forge(
                    Forged::from_bytes(frame).set_body(FIRST_NONCE + 1, &[0; 31]).set_body(FIRST_NONCE + 32, &[5]),
                ));
            }
            (1, Some(others)) => share.nonces = others,
            (2, Some(others)) => share.nonces = others.iter().map(negated).collect::<Option<_>>()?,
            (_, _) => {
                share.nonces = {
                    let count = share.nonces.len();
                    let spare = self.spare_nonces(share.session, count);
                    share.nonces.iter().zip(spare.iter().cycle()).map(|(_, spare)| *spare).collect()
                }
            }
        }
        self.seal(share, now)
    }

    /// B4: to something that it will not reveal, or to what another has committed to.
    fn bad_commitment(&mut self, message: &Validated, now: Now) -> Option<Arc<[u8]>> {
        let copied = self.heard.iter().rev().find_map(|heard| match heard.message() {
            Message::ParticipantJoined(join) => join.commitment,
            Message::NonceCommit(commit) => Some(commit.commitment),
            _ => None,
        });
        let random = NonceCommitment::from_bytes(&self.dice.bytes());
        let wrong = if self.variant.is_multiple_of(2) { random } else { copied.unwrap_or(random) };
        match message.message() {
            Message::ParticipantJoined(join) if join.commitment.is_some() => {
                let mut join = join.clone();
                join.commitment = Some(wrong);
                self.seal(join, now)
            }
            Message::NonceCommit(commit) => {
                let mut commit = commit.clone();
                commit.commitment = wrong;
                self.seal(commit, now)
            }
            _ => None,
        }
    }

    /// B9: one bit, anywhere; signed anew half of the time, so that it gets deeper.
    pub(super) fn flipped(&mut self, frame: &Arc<[u8]>) -> Arc<[u8]> {
        let mut bytes = frame.to_vec();
        let at = self.dice.index(bytes.len());
        bytes[at] ^= 1 << self.dice.below(8);
        if at > BODY && self.dice.chance(500) { self.forge(Forged::from_bytes(&bytes)) } else { bytes.into() }
    }

    /// B8: says that it is longer than it is, or holds a list that does.
    pub(super) fn lying_about_length(&mut self, frame: &Arc<[u8]>) -> Arc<[u8]> {
        let forged = Forged::from_bytes(frame);
        let room = forged.body().len();
        match self.dice.below(4) {
            0 => forged.set(crate::wire_forge::BODY_LENGTH, &u32::MAX.to_le_bytes()).frame(),
            1 => self.forge(forged.append_body(&[0; 40])),
            2 if room > 40 => self.forge(forged.set_body(36, &u32::MAX.to_le_bytes())),
            _ => frame[..frame.len() / 2].into(),
        }
    }

    /// B19: of another version, or of a kind that nobody knows.
    pub(super) fn outdated(&mut self, frame: &Arc<[u8]>) -> Arc<[u8]> {
        let forged = Forged::from_bytes(frame);
        let (at, value) = match self.dice.below(4) {
            0 => (0, 0),
            1 => (0, 2),
            2 => (crate::wire_forge::KIND, 14),
            _ => (crate::wire_forge::KIND, 0),
        };
        self.forge(forged.set(at, &[value]))
    }
}

fn name(vice: Vice, kind: Kind) -> &'static str {
    match vice {
        Vice::Equivocates if kind == Kind::PartialSigShare => "two partials",
        Vice::Equivocates if kind == Kind::NonceShare => "two nonces",
        Vice::Equivocates => "two commitments",
        Vice::BadPartials => "a wrong partial",
        Vice::Cancels => "a partial that another balances",
        Vice::BadNonces => "wrong nonces",
        Vice::BadCommitments => "a wrong commitment",
        Vice::Garbage => "a flipped bit",
        Vice::Lengths => "a false length",
        _ => "another version",
    }
}

/// A partial signature moved by a small number; where that leaves the field, it stays.
fn moved(partial: &PartialSignature, by: i16) -> PartialSignature {
    let mut bytes = partial.to_bytes();
    let [.., high, low] = &mut bytes;
    let sum = i16::from(*high).wrapping_shl(8) | i16::from(*low);
    [*high, *low] = sum.wrapping_add(by).to_be_bytes();
    PartialSignature::from_bytes(&bytes).unwrap_or(*partial)
}

/// The nonces that sum up with these to nothing.
fn negated(nonce: &PublicNonce) -> Option<PublicNonce> {
    let mut bytes = nonce.to_bytes();
    bytes[0] ^= 1;
    bytes[33] ^= 1;
    PublicNonce::from_bytes(&bytes).ok()
}
