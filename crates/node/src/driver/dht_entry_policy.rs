//! The entries that may be in the DHT (`docs/protocol.md` §9): advertisements, withdrawals, requests and resources,
//! each under its own keys.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};

use motet_net::{Entry, EntryPolicy};
use motet_wire::{
    Arrival, Channel, DhtKey, Index, Message, NetworkId, PeerId, Scope, Shard, Validated, Validator, ValidatorLimits,
    WorkPolicy, peek,
};

use super::clock::Clock;

/// Accepts a frame that passes the whole pipeline and belongs under the key.
pub(crate) struct DhtEntryPolicy {
    network: NetworkId,
    clock: Clock,
    local: PeerId,
    validator: Mutex<Validator>,
}

impl DhtEntryPolicy {
    pub(crate) fn new(network: NetworkId, clock: Clock, local: PeerId, work: Arc<dyn WorkPolicy>) -> Self {
        let validator = Mutex::new(Validator::with_work(network.clone(), ValidatorLimits::default(), work));
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
}

impl EntryPolicy for DhtEntryPolicy {
    fn entry(&self, key: &[u8], frame: &[u8]) -> Option<Entry> {
        let message = self.validated(frame)?;
        let author = message.message().delegation()?.signer;
        let bag = |index: Index| DhtKey::bag(&self.network, &index, Shard::of(&author, Shard::INITIAL_DEPTH));
        let mut keys = BTreeSet::new();
        match message.message() {
            Message::SignerAdvertisement(advertisement) => {
                keys.insert(DhtKey::signer(&self.network, &author));
                keys.insert(bag(Index::Signers));
                let types = advertisement.criteria.transaction_types.iter().cloned();
                keys.extend(types.map(|name| bag(Index::SignersOfType(name))));
            }
            Message::SignerUnavailable(_) => {
                keys.insert(DhtKey::signer(&self.network, &author));
                keys.insert(bag(Index::Signers));
            }
            Message::SigningRequest(request) => {
                keys.insert(DhtKey::request(&self.network, &request.id(&self.network).ok()?));
                keys.extend(request.keys.iter().map(|key| bag(Index::RequestsFor(*key))));
            }
            Message::ResourceAnnouncement(resource) => {
                keys.insert(DhtKey::resource(&self.network, &resource.resource_type, &resource.id));
            }
            _ => return None,
        }
        let belongs = keys.iter().any(|known| known.to_bytes().as_slice() == key);
        belongs.then(|| Entry { author: author.to_bytes(), version: message.sequence() })
    }
}
