//! The entries that may be in the DHT (`docs/protocol.md` §9): advertisements, withdrawals, requests and resources,
//! each under its own keys.

use core::time::Duration;
use std::sync::{Arc, Mutex, PoisonError};

use motet_core_crypto::PublicKey;
use motet_net::{Entry, EntryPolicy, Price};
use motet_wire::{
    Arrival, Channel, DhtKey, Index, Message, NetworkId, PeerId, Scope, Shard, TimestampMs, Validated, Validator,
    ValidatorLimits, WorkPolicy, peek, work,
};

use super::clock::Clock;
use crate::limits;

/// Accepts a frame that passes the whole pipeline and belongs at the place.
pub(crate) struct DhtEntryPolicy {
    network: NetworkId,
    clock: Clock,
    local: PeerId,
    validator: Mutex<Validator>,
}

/// The keys under which an entry lies.
enum Keys {
    /// Its own, and in bags of indexes, by the author.
    Of(DhtKey, Vec<Index>),
    /// Those of the entry that it withdraws.
    Beside([u8; 32]),
}

impl DhtEntryPolicy {
    pub(crate) fn new(network: NetworkId, clock: Clock, local: PeerId, work: Arc<dyn WorkPolicy>) -> Self {
        let limits = ValidatorLimits {
            // The store compares versions: of one entry, each place may hold another.
            signers: 0,
            ..ValidatorLimits::default()
        };
        let validator = Mutex::new(Validator::with_work(network.clone(), limits, work));
        Self { network, clock, local, validator }
    }

    fn validated(&self, frame: &[u8]) -> Option<Validated> {
        if !peek(frame).is_some_and(|peek| peek.kind.scope() == Scope::Announcement) {
            return None;
        }
        let arrival = Arrival::new(Arc::from(frame), Channel::Dht, self.local);
        let admitted = {
            let mut validator = self.validator.lock().unwrap_or_else(PoisonError::into_inner);
            validator.admit(arrival, self.clock.now()).ok()?
        };
        admitted.verify().ok()
    }

    /// The keys of a message, its name among the entries of its author, its bits of work, and its end.
    fn facts(&self, message: &Message) -> Option<(Keys, [u8; 32], u8, TimestampMs)> {
        let author = message.delegation()?.signer;
        Some(match message {
            Message::SignerAdvertisement(offer) => {
                let types = offer.criteria.transaction_types.iter().cloned();
                let indexes = core::iter::once(Index::Signers).chain(types.map(Index::SignersOfType)).collect();
                let claim = work::claim_of_advertisement(&self.network, offer).ok()?;
                let bits = work::worth(&claim, &offer.work).0;
                (Keys::Of(DhtKey::signer(&self.network, &author), indexes), [0; 32], bits, offer.expires)
            }
            Message::SignerUnavailable(withdrawal) => {
                (Keys::Beside(withdrawal.advertisement.to_bytes()), [0; 32], 0, withdrawal.delegation.not_after)
            }
            Message::SigningRequest(request) => {
                let id = request.id(&self.network).ok()?;
                let indexes = request.keys.iter().copied().map(Index::RequestsFor).collect();
                let claim = work::claim_of_request(&self.network, request).ok()?;
                let bits = request.work.map_or(0, |stamp| work::worth(&claim, &stamp).0);
                (Keys::Of(DhtKey::request(&self.network, &id), indexes), id.to_bytes(), bits, request.expires)
            }
            Message::ResourceAnnouncement(resource) => {
                let claim = work::claim_of_resource(&self.network, resource).ok()?;
                let bits = work::worth(&claim, &resource.work).0;
                let key = DhtKey::resource(&self.network, &resource.resource_type, &resource.id);
                (Keys::Of(key, Vec::new()), [0; 32], bits, resource.expires)
            }
            _ => return None,
        })
    }

    /// True if a place is one of an entry's.
    fn is_at(&self, place: &[u8; 32], author: &PublicKey, key: DhtKey, indexes: &[Index]) -> bool {
        let bag = |index: &Index, depth| DhtKey::bag(&self.network, index, Shard::of(author, depth));
        let bags = indexes.iter().flat_map(|index| index.depths().map(move |depth| bag(index, depth)));
        core::iter::once(key).chain(bags).any(|key| key.places().any(|known| known == *place))
    }
}

/// The worth of so many bits of work for an entry of this length that lies under so many keys. A stamp pays for a few small bags; twice
/// the bytes need one bit more.
fn worth(bits: u8, length: usize, keys: usize) -> i16 {
    let units = length.saturating_mul(keys).div_ceil(limits::ENTRY_UNIT).max(1);
    i16::from(bits) - i16::try_from(units.next_power_of_two().ilog2()).unwrap_or(i16::MAX)
}

impl EntryPolicy for DhtEntryPolicy {
    fn entry(&self, place: &[u8; 32], frame: &[u8]) -> Option<Entry> {
        let message = self.validated(frame)?;
        let delegation = message.message().delegation()?;
        let (keys, name, bits, expires) = self.facts(message.message())?;
        let price = match keys {
            Keys::Beside(id) => Price::Beside(id),
            Keys::Of(key, indexes) => {
                if !self.is_at(place, &delegation.signer, key, &indexes) {
                    return None;
                }
                Price::Paid(worth(bits, frame.len(), 1 + indexes.len()))
            }
        };
        let life: Duration = expires.min(delegation.not_after).since(self.clock.now().wall);
        let (author, version, id) = (delegation.signer.to_bytes(), message.sequence(), message.id().to_bytes());
        Some(Entry { author, name, version, id, price, life })
    }
}

#[cfg(test)]
mod tests {
    use motet_wire::{Difficulty, HashWork, RequestMetadata, RequestOptions, SigningRequest};

    use super::super::sample::Sample;
    use super::*;

    const FLOOR: u8 = 6;

    fn policy() -> (DhtEntryPolicy, TimestampMs) {
        let work = HashWork { floor: Difficulty(FLOOR), ..HashWork::default() };
        let (clock, peer) = (Clock::start(), PeerId::from_bytes(&[1; 38]).unwrap());
        (DhtEntryPolicy::new(NetworkId::test(), clock, peer, Arc::new(work)), clock.now().wall)
    }

    fn places(key: DhtKey) -> Vec<[u8; 32]> {
        key.places().collect()
    }

    #[test]
    fn a_stamp_pays_for_a_few_small_bags() {
        assert_eq!(worth(20, 500, 3), 20);
        assert_eq!(worth(20, 600, 18), 18);
        assert_eq!(worth(20, 49_000, 100), 9);
        assert_eq!(worth(0, 0, 0), 0);
    }

    #[test]
    fn an_offer_belongs_at_the_places_of_its_bags_at_each_depth_and_nowhere_else() {
        let (policy, now) = policy();
        let (anna, ben) = (Sample::new(1, now), Sample::new(2, now));
        let offer = anna.offer(7, &["swap"], 60, FLOOR + 2);
        let network = NetworkId::test();
        let bag = |index: Index, key, depth| DhtKey::bag(&network, &index, Shard::of(key, depth));
        let swap = || Index::SignersOfType("swap".to_owned());
        let mut good = places(DhtKey::signer(&network, &anna.key));
        for depth in [4, 8, 12, 16] {
            good.extend(places(bag(Index::Signers, &anna.key, depth)));
            good.extend(places(bag(swap(), &anna.key, depth)));
        }
        for place in &good {
            let entry = policy.entry(place, &offer.frame).unwrap();
            assert_eq!((entry.author, entry.version, entry.id), (anna.key.to_bytes(), 7, offer.id.to_bytes()));
            assert!(matches!(entry.price, Price::Paid(worth) if worth >= i16::from(FLOOR + 2)));
            let hour = Duration::from_secs(3_600);
            assert!(entry.life <= hour && entry.life > hour.saturating_sub(Duration::from_secs(60)));
        }
        let mut bad = places(DhtKey::signer(&network, &ben.key));
        bad.extend(places(bag(Index::Signers, &anna.key, 5)));
        bad.extend(places(bag(Index::SignersOfType("vault".to_owned()), &anna.key, 4)));
        bad.push(DhtKey::signer(&network, &anna.key).to_bytes());
        let other = Shard::all(4).find(|shard| *shard != Shard::of(&anna.key, 4)).unwrap();
        bad.extend(places(DhtKey::bag(&network, &Index::Signers, other)));
        for place in &bad {
            assert_eq!(policy.entry(place, &offer.frame), None);
        }
        let forged: Vec<u8> = offer.frame.iter().rev().copied().collect();
        assert_eq!(policy.entry(&good[0], &forged), None);
    }

    #[test]
    fn a_withdrawal_has_the_price_of_what_it_withdraws_and_what_is_not_paid_for_has_no_place() {
        let (policy, now) = policy();
        let anna = Sample::new(1, now);
        let offer = anna.offer(1, &[], 60, FLOOR);
        let place = places(DhtKey::signer(&NetworkId::test(), &anna.key))[0];
        let entry = policy.entry(&place, &anna.withdrawal(2, &offer).frame).unwrap();
        assert_eq!((entry.price, entry.version), (Price::Beside(offer.id.to_bytes()), 2));
        // The offer is still an entry, to those who have it still to come.
        assert!(policy.entry(&place, &offer.frame).is_some());
        let request = SigningRequest {
            creator: anna.delegation.clone(),
            keys: vec![anna.key, Sample::new(2, now).key],
            items: vec![motet_wire::Item { message: vec![1; 32], derivation: motet_wire::Derivation::None }],
            options: RequestOptions::default(),
            metadata: RequestMetadata::default(),
            created: now,
            expires: now.saturating_add(Duration::from_secs(60)),
            salt: [0; 16],
            work: None,
        };
        let key = DhtKey::request(&NetworkId::test(), &request.id(&NetworkId::test()).unwrap());
        assert_eq!(policy.entry(&places(key)[0], &anna.seal(3, request).frame), None);
    }
}
