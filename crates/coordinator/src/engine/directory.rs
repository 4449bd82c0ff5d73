//! Which signers are there: the newest advertisement of each, in memory, so that asking costs microseconds.

use core::cmp::Reverse;
use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use motet_core_crypto::PublicKey;
use motet_wire::{Address, AdvertisementId, MonotonicMs, PeerId, SignerAdvertisement, TimestampMs, Validated};

use super::input::{Route, SignerQuery};
use super::reputation_table::ReputationTable;
use super::timer_table::TimerTable;
use crate::limits;
use crate::reputation::Score;

/// An advertisement that is in date.
#[derive(Debug, Clone)]
pub(super) struct Known {
    pub(super) id: AdvertisementId,
    pub(super) version: u64,
    pub(super) advertisement: SignerAdvertisement,
    /// As its author signed it, for those who have missed it.
    frame: Arc<[u8]>,
    pub(super) until: MonotonicMs,
    place: Place,
}

/// The place of an offer when the directory is full: the first makes room for others.
///
/// The proof of work counts for each minute of the life that the offer claims: a longer life costs as much more. Of equals the one that has
/// come last goes, so that newcomers push out newcomers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Place {
    worth: i16,
    came: Reverse<u64>,
}

/// The worth of so many bits of work for an offer of this life: one more bit is twice the work, and one less twice the life.
fn worth(bits: u8, life: Duration) -> i16 {
    // A shorter life gains nothing: it would push out offers that are renewed only after half an hour.
    let minutes = life.as_secs().div_ceil(60).max(60);
    i16::from(bits) - i16::try_from(minutes.ilog2()).unwrap_or(i16::MAX)
}

/// The newest advertisement of each signer, or the version at which it was withdrawn.
#[derive(Debug, Default)]
pub(super) struct Directory {
    known: BTreeMap<PublicKey, Known>,
    expiry: TimerTable<PublicKey>,
    /// The signers by the message keys that their newest advertisements certify.
    certified: BTreeMap<PublicKey, PublicKey>,
    /// All offers, those first that make room first.
    places: BTreeSet<(Place, PublicKey)>,
    came: u64,
    /// The places of signers by the word of this node's user.
    book: BTreeMap<PublicKey, Route>,
}

impl Directory {
    /// An empty directory beside these places of signers.
    pub(super) fn with_routes(book: BTreeMap<PublicKey, Route>) -> Self {
        Self { book, ..Self::default() }
    }

    /// Notes the place of a signer. False if there is no room for another.
    pub(super) fn note_route(&mut self, signer: PublicKey, route: Route) -> bool {
        let has_room = self.book.contains_key(&signer) || self.book.len() < limits::ROUTES;
        if has_room {
            self.book.insert(signer, route);
        }
        has_room
    }

    /// Takes an advertisement in, with so many bits of work. False if it says nothing new, or if the directory is full of offers that
    /// are worth as much. Signers that `is_trusted` names keep their places.
    pub(super) fn insert(
        &mut self,
        message: &Validated<SignerAdvertisement>,
        bits: u8,
        is_trusted: impl Fn(&PublicKey) -> bool,
    ) -> bool {
        let offer = message.message();
        let signer = offer.delegation.signer;
        if self.known.get(&signer).is_some_and(|known| known.version >= message.sequence()) {
            return false;
        }
        let before = self.known.get(&signer).map(|known| known.place.came);
        self.came = self.came.wrapping_add(1);
        let worth = worth(bits, Duration::from_millis(offer.expires.0.saturating_sub(offer.created.0)));
        let place = Place { worth, came: before.unwrap_or(Reverse(self.came)) };
        if before.is_none() && self.known.len() >= limits::ADVERTISEMENTS {
            let Some((last, out)) = self.places.iter().find(|(_, signer)| !is_trusted(signer)).copied() else {
                return false;
            };
            if place < last && !is_trusted(&signer) {
                return false;
            }
            self.take_out(&out);
        }
        let known = Known {
            id: message.advertisement_id(),
            version: message.sequence(),
            advertisement: message.message().clone(),
            frame: Arc::clone(message.frame()),
            until: message.deadline().unwrap_or_default(),
            place,
        };
        self.take_out(&signer);
        self.expiry.insert(known.until, signer);
        self.places.insert((place, signer));
        self.certified.insert(known.advertisement.delegation.message_key, signer);
        self.known.insert(signer, known);
        true
    }

    fn take_out(&mut self, signer: &PublicKey) -> Option<Known> {
        let known = self.known.remove(signer)?;
        self.expiry.remove(known.until, *signer);
        self.places.remove(&(known.place, *signer));
        self.certified.remove(&known.advertisement.delegation.message_key);
        Some(known)
    }

    /// Takes an advertisement out. False if it is not the one that is known.
    pub(super) fn remove(&mut self, signer: &PublicKey, id: &AdvertisementId) -> bool {
        let matches = self.known.get(signer).is_some_and(|known| known.id == *id);
        matches && self.take_out(signer).is_some()
    }

    pub(super) fn of_signer(&self, signer: &PublicKey) -> Option<&Known> {
        self.known.get(signer)
    }

    /// The peer of a signer, and its addresses: by the signer's newest advertisement, or else by the word of this node's user.
    pub(super) fn route_of(&self, signer: &PublicKey) -> Option<(PeerId, Vec<Address>)> {
        if let Some(Known { advertisement: offer, .. }) = self.known.get(signer) {
            return Some((offer.delegation.peer, offer.addresses.clone()));
        }
        self.book.get(signer).map(|route| (route.peer, route.addresses.clone()))
    }

    /// The signer whose newest advertisement certifies a message key.
    pub(super) fn certifier_of(&self, message_key: &PublicKey) -> Option<PublicKey> {
        self.certified.get(message_key).copied()
    }

    /// A page of what is known, in the order of the signers: from a position on, or from the first if there is nobody from there on.
    pub(super) fn page(&self, from: u32) -> Vec<Vec<u8>> {
        let known = || self.known.iter();
        let behind = known().skip_while(|(signer, _)| position(&signer.to_bytes()) < from);
        let found = page_of(behind);
        if found.is_empty() { page_of(known()) } else { found }
    }

    /// The peers that serve known signers, each once.
    pub(super) fn peers(&self) -> impl Iterator<Item = PeerId> {
        let peers: BTreeSet<PeerId> = self.known.values().map(|known| known.advertisement.delegation.peer).collect();
        peers.into_iter()
    }

    /// The known signers that a peer serves.
    pub(super) fn signers_at(&self, peer: &PeerId) -> impl Iterator<Item = PublicKey> {
        let peer = *peer;
        let by_offer = self.known.iter().map(|(signer, known)| (signer, known.advertisement.delegation.peer));
        let by_word = self.book.iter().filter(|(signer, _)| !self.known.contains_key(signer));
        let all = by_offer.chain(by_word.map(|(signer, route)| (signer, route.peer)));
        all.filter(move |(_, at)| *at == peer).map(|(signer, _)| *signer)
    }

    /// Addresses of a peer that serves known signers.
    pub(super) fn addresses_of(&self, peer: &PeerId) -> Vec<Address> {
        let known = self.known.values().find(|known| known.advertisement.delegation.peer == *peer);
        let told = || self.book.values().find(|route| route.peer == *peer).map(|route| route.addresses.clone());
        known.map(|known| known.advertisement.addresses.clone()).or_else(told).unwrap_or_default()
    }

    /// The signers that meet these wishes, are not blocked and have not failed again and again: the best reputation first, then the lowest fee.
    pub(super) fn find(
        &self,
        wishes: &SignerQuery,
        reputation: &ReputationTable,
        now: TimestampMs,
    ) -> Vec<SignerAdvertisement> {
        let mut found: Vec<&SignerAdvertisement> = self
            .known
            .values()
            .map(|known| &known.advertisement)
            .filter(|offer| offer.criteria.matches(wishes.transaction_type.as_deref(), wishes.amount))
            .filter(|offer| wishes.nickname.as_ref().is_none_or(|nickname| offer.metadata.nickname == *nickname))
            .collect();
        let score = |offer: &SignerAdvertisement| reputation.score(&offer.delegation.signer, now);
        let least = wishes.min_score.unwrap_or(Score::new(limits::FOUND_SCORE));
        found.retain(|offer| !reputation.is_blocked(&offer.delegation.signer, now) && score(offer) >= least);
        found.sort_by_key(|offer| (Reverse(score(offer)), offer.metadata.fee, offer.delegation.signer));
        let most = if wishes.max_results == 0 { found.len() } else { wishes.max_results };
        found.into_iter().take(most).cloned().collect()
    }

    pub(super) fn expire(&mut self, now: MonotonicMs) {
        while let Some((_, signer)) = self.expiry.first().filter(|(until, _)| *until <= now) {
            let signer = *signer;
            self.take_out(&signer);
        }
    }

    pub(super) fn next_expiry(&self) -> Option<MonotonicMs> {
        self.expiry.next()
    }
}

/// The position of a signer among all: the first bits of its key, in the order of the directory.
pub(super) fn position(signer: &[u8; 33]) -> u32 {
    let [prefix, a, b, c, d, ..] = *signer;
    (u32::from(prefix & 1) << 31) | (u32::from_be_bytes([a, b, c, d]) >> 1)
}

/// The first frames, as many as a page holds.
fn page_of<'a>(known: impl Iterator<Item = (&'a PublicKey, &'a Known)>) -> Vec<Vec<u8>> {
    let mut bytes = 0;
    known
        .take(limits::CATCH_UP_FRAMES)
        .map(|(_, known)| known.frame.to_vec())
        .take_while(|frame| {
            bytes += frame.len();
            bytes <= limits::CATCH_UP_BYTES
        })
        .collect()
}
