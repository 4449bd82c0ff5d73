//! Hostile peers: what the actors B1 to B19 of the threat model say in place of, and besides, what they should.
//!
//! A hostile node runs a real engine, so that it gets as deep into a session as anybody, and holds a real signer key and
//! a certified message key. What its engine says passes through here on its way out ([`Rogue::utter`]); what it hears may
//! make it say more ([`Rogue::provoked`]). Everything that it makes is sealed by [`motet_wire::seal`], or forged byte by
//! byte where that refuses.

mod deeds;
mod words;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use motet_core_crypto::{PublicKey, PublicNonce, SecretKey, generate_nonce, schnorr};
use motet_wire::work::Free;
use motet_wire::{
    Arrival, AttemptId, Channel, Delegation, Kind, Message, NetworkId, Now, PeerId, SignerIndex, Validated, Validator,
    ValidatorLimits, seal,
};

use super::dice::{Dice, Entropy};
use super::plan::{Profile, Vice};
use crate::wire_forge::Forged;

/// Frames that a rogue remembers.
const MEMORY: usize = 96;
/// What a rogue says unasked in one life at most.
const DEEDS: u32 = 60;

/// What a rogue wants said, to whom and how; to everybody if nobody is named.
#[derive(Debug)]
pub struct Deed {
    /// Whose vice it is.
    pub vice: Vice,
    /// What it is, in a few words.
    pub name: &'static str,
    /// To whom; everybody if `None`.
    pub to: Option<usize>,
    /// How.
    pub channel: Channel,
    /// What.
    pub frame: Arc<[u8]>,
}

/// What a rogue makes of one frame of its engine for one receiver.
#[derive(Debug)]
pub struct Uttered {
    /// What is said: nothing, one thing, or several.
    pub frames: Vec<Arc<[u8]>>,
    /// How much later, in milliseconds.
    pub later: u64,
    /// By which vice, if it is not what the engine said.
    pub deed: Option<(Vice, &'static str)>,
}

/// A frame and for which half of the receivers, and what was made of it; nothing, if it is kept back.
type Made = BTreeMap<(Vec<u8>, bool), Option<Arc<[u8]>>>;

/// One hostile peer.
#[derive(Debug)]
pub struct Rogue {
    vices: BTreeSet<Vice>,
    network: NetworkId,
    /// Which node it is.
    serves: usize,
    peer: PeerId,
    signer: SecretKey,
    message_key: SecretKey,
    lens: Validator,
    dice: Dice,
    entropy: Entropy,
    sequence: u64,
    delegation: Option<Delegation>,
    heard: Vec<Validated>,
    said: Vec<Validated>,
    /// What was made of a frame for the first or the second half of the receivers.
    made: Made,
    /// Other nonces than the engine's, by session.
    spare: BTreeMap<AttemptId, Vec<PublicNonce>>,
    /// Of which kind its first lie is, and how it lies.
    favourite: Kind,
    variant: u64,
    /// To whom it lies or is silent, as bits.
    victims: u32,
    /// How often, of a thousand, it says more than its vices make it.
    talks: u64,
    deeds: u32,
}

impl Rogue {
    /// A peer with these vices, that speaks with this message key.
    pub fn new(
        vices: BTreeSet<Vice>,
        network: NetworkId,
        (serves, peer): (usize, PeerId),
        (signer, message_key): (SecretKey, SecretKey),
        profile: Profile,
        dice: &mut Dice,
    ) -> Self {
        let mut dice = dice.fork();
        let kinds =
            [Kind::ParticipantJoined, Kind::NonceCommit, Kind::NonceShare, Kind::NonceShare, Kind::PartialSigShare];
        Self {
            vices,
            lens: Validator::with_work(network.clone(), ValidatorLimits::default(), Arc::new(Free)),
            network,
            serves,
            peer,
            signer,
            message_key,
            entropy: Entropy::sound(&mut dice),
            sequence: u64::MAX / 2,
            delegation: None,
            heard: Vec::new(),
            said: Vec::new(),
            made: BTreeMap::new(),
            spare: BTreeMap::new(),
            favourite: dice.pick(&kinds),
            variant: dice.below(1_000),
            victims: dice.below(64) as u32,
            talks: if profile == Profile::Deep { 700 } else { dice.pick(&[0, 120]) },
            deeds: 0,
            dice,
        }
    }

    /// The message key that it believes its engine to have.
    pub fn message_key(&self) -> PublicKey {
        self.message_key.public_key()
    }

    /// Whether whoever hears what it says about this request can prove what it does: its only vice is one that leaves
    /// proof with everybody.
    pub fn convicts_itself(&self) -> bool {
        let vices: Vec<Vice> = self.vices.iter().copied().collect();
        self.talks == 0
            && match vices.as_slice() {
                [Vice::BadPartials] => matches!(self.variant % 5, 0 | 1 | 3),
                [Vice::BadCommitments] => true,
                _ => false,
            }
    }

    fn has(&self, vice: Vice) -> bool {
        self.vices.contains(&vice)
    }

    fn picks_on(&self, node: usize) -> bool {
        self.victims >> node & 1 == 1
    }

    /// Reads one of its own frames.
    fn read(&mut self, frame: &Arc<[u8]>, now: Now) -> Option<Validated> {
        let arrival = Arrival::new(Arc::clone(frame), Channel::Store, self.peer);
        self.lens.validate(arrival, now).ok()
    }

    /// Seals what it says.
    fn seal(&mut self, message: impl Into<Message>, now: Now) -> Option<Arc<[u8]>> {
        self.sequence += 1;
        let aux = self.dice.bytes();
        seal(&self.network, &self.message_key, self.sequence, now.wall, &message.into(), &aux)
            .ok()
            .map(|sealed| sealed.frame)
    }

    /// Signs bytes that nobody honest would.
    pub fn forge(&self, forged: Forged) -> Arc<[u8]> {
        forged.sign(&self.network, &self.message_key).frame()
    }

    /// Certifies another message key for its signer.
    fn delegate(&mut self, message_key: PublicKey, now: Now) -> Option<Delegation> {
        let not_after = now.wall.saturating_add(core::time::Duration::from_secs(3_600));
        let signer = self.signer.public_key();
        let digest = Delegation::digest(&self.network, &signer, &message_key, &self.peer, not_after);
        let signature = schnorr::sign(&self.signer, &digest, &self.dice.bytes()).ok()?;
        Some(Delegation { signer, message_key, peer: self.peer, not_after, signature })
    }

    /// Nonces for a session that the engine knows nothing of.
    fn spare_nonces(&mut self, session: AttemptId, count: usize) -> Vec<PublicNonce> {
        let (signer, entropy) = (&self.signer, &mut self.entropy);
        let nonces = self.spare.entry(session).or_insert_with(|| {
            let inputs = motet_core_crypto::NonceInputs {
                public_key: &signer.public_key(),
                secret_key: None,
                aggregate_key: None,
                message: None,
                extra: Some(session.as_bytes()),
            };
            let fresh = || generate_nonce(entropy, &inputs).map(|(_, public)| public).ok();
            core::iter::repeat_with(fresh).take(count).flatten().collect()
        });
        nonces.clone()
    }

    /// Its index in a request that it has heard of.
    fn index_in(&self, request: &motet_wire::RequestId) -> Option<SignerIndex> {
        let joins = self.said.iter().rev().filter_map(|message| match message.message() {
            Message::ParticipantJoined(join) if join.request == *request => Some(join.index),
            _ => None,
        });
        joins.clone().next()
    }

    /// The fate of a frame of its engine for one receiver.
    pub fn utter(&mut self, frame: &Arc<[u8]>, to: usize, now: Now) -> Uttered {
        let as_it_is = |later| Uttered { frames: vec![Arc::clone(frame)], later, deed: None };
        let Some(kind) = motet_wire::peek(frame).map(|peek| peek.kind) else { return as_it_is(0) };
        if self.has(Vice::Silent) && self.is_mute(kind, to) {
            return Uttered { frames: Vec::new(), later: 0, deed: Some((Vice::Silent, "says nothing")) };
        }
        if self.has(Vice::Coordinates) && kind == Kind::SessionReady && self.variant.is_multiple_of(2) {
            return Uttered { frames: Vec::new(), later: 0, deed: Some((Vice::Coordinates, "withholds")) };
        }
        if self.has(Vice::Drips) && self.dice.chance(500) {
            let later = self.dice.heavy(90_000);
            return Uttered { frames: vec![Arc::clone(frame)], later, deed: Some((Vice::Drips, "is late")) };
        }
        let chosen = [
            Vice::BadNonces,
            Vice::BadCommitments,
            Vice::BadPartials,
            Vice::Cancels,
            Vice::Equivocates,
            Vice::Garbage,
            Vice::Lengths,
            Vice::Outdated,
        ];
        for vice in chosen.into_iter().filter(|vice| self.vices.contains(vice)).collect::<Vec<_>>() {
            if let Some((name, frame)) = self.twisted(vice, frame, kind, to, now) {
                return Uttered { frames: vec![frame], later: 0, deed: Some((vice, name)) };
            }
        }
        as_it_is(0)
    }

    /// Whether it says nothing of this kind to this node.
    fn is_mute(&self, kind: Kind, to: usize) -> bool {
        let from = [
            Kind::ParticipantJoined,
            Kind::SessionReady,
            Kind::NonceCommit,
            Kind::NonceShare,
            Kind::PartialSigShare,
            Kind::SignatureFinalized,
        ];
        let start = usize::try_from(self.variant).unwrap_or(0) % from.len();
        let late = from[start..].contains(&kind) || matches!(kind, Kind::SyncRequest | Kind::SyncResponse);
        late && (self.variant >= 500 || self.picks_on(to))
    }

    /// Remembers what it said itself, as its engine meant it.
    pub fn note_said(&mut self, frame: &Arc<[u8]>, now: Now) {
        if let Some(message) = self.read(frame, now) {
            if let Message::ParticipantJoined(join) = message.message() {
                self.delegation = Some(join.delegation.clone());
            }
            if let Message::SigningRequest(request) = message.message() {
                self.delegation = Some(request.creator.clone());
            }
            remember(&mut self.said, message);
        }
    }

    /// What it says because of what it has heard.
    pub fn provoked(&mut self, message: &Validated, now: Now) -> Vec<Deed> {
        remember(&mut self.heard, message.clone());
        let most = if self.has(Vice::Floods) || self.talks > 500 { 5 * DEEDS } else { DEEDS };
        if self.deeds >= most {
            return Vec::new();
        }
        let vices: Vec<Vice> = self.vices.iter().copied().collect();
        let mut deeds = Vec::new();
        if self.dice.chance(self.talks) {
            // Nobody's speciality: anything that can be said about a session, by whoever has no business saying it.
            deeds.extend(self.anything(vices[0], message, now));
        }
        for vice in vices {
            let often = if vice == Vice::Floods { 500 } else { 150 };
            if self.dice.chance(often) {
                deeds.extend(self.deed(vice, message, now));
            }
        }
        self.deeds += deeds.len() as u32;
        deeds
    }
}

fn remember(memory: &mut Vec<Validated>, message: Validated) {
    if memory.len() >= MEMORY {
        memory.remove(0);
    }
    memory.push(message);
}
