//! Frames that this node has put into the DHT, to be put there again when the DHT gets its first peers.

use std::collections::VecDeque;
use std::sync::Arc;

use motet_core_crypto::PublicKey;
use motet_wire::DhtKey;

use crate::limits;

/// The newest frame of each signer under each key, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Republisher(VecDeque<(PublicKey, Vec<DhtKey>, Arc<[u8]>)>);

impl Republisher {
    /// Remembers a frame and its keys, its own key first. It replaces the frame of the same signer under that key, so
    /// that renewals do not push out frames that are not renewed.
    pub(crate) fn add(&mut self, signer: PublicKey, keys: Vec<DhtKey>, frame: Arc<[u8]>) {
        self.0.retain(|(author, known, _)| *author != signer || known.first() != keys.first());
        if self.0.len() >= limits::PUBLISHED {
            self.0.pop_front();
        }
        self.0.push_back((signer, keys, frame));
    }

    /// All of them, each with everything that it lies under.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&DhtKey, &Arc<[u8]>)> {
        self.0.iter().flat_map(|(_, keys, frame)| keys.iter().map(move |key| (key, frame)))
    }
}

#[cfg(test)]
mod tests {
    use motet_core_crypto::SecretKey;

    use super::*;

    #[test]
    fn a_renewal_takes_the_place_of_what_it_renews_and_of_nothing_else() {
        let [anna, ben] = [1, 2].map(|byte| SecretKey::from_bytes(&[byte; 32]).unwrap().public_key());
        let key = |byte| DhtKey::from_bytes([byte; 32]);
        let mut published = Republisher::default();
        let said: [(PublicKey, &[u8], &[u8]); 5] = [
            (anna, &[1, 9], b"an advertisement"),
            (anna, &[2], b"a resource"),
            (ben, &[2], b"under the same name"),
            (anna, &[2], b"renewed"),
            (anna, &[1], b"withdrawn"),
        ];
        for (signer, keys, frame) in said {
            published.add(signer, keys.iter().copied().map(key).collect(), Arc::from(frame));
        }
        let left: Vec<_> = published.iter().map(|(key, frame)| (*key, frame.as_ref())).collect();
        assert_eq!(left, [(key(2), &b"under the same name"[..]), (key(2), b"renewed"), (key(1), b"withdrawn")]);
    }

    #[test]
    fn so_much_is_remembered_and_the_oldest_goes_first() {
        let anna = SecretKey::from_bytes(&[1; 32]).unwrap().public_key();
        let mut published = Republisher::default();
        for number in 0..=limits::PUBLISHED {
            published.add(anna, vec![DhtKey::from_bytes([number as u8; 32])], Arc::from([]));
        }
        assert_eq!(published.iter().count(), limits::PUBLISHED);
        assert_eq!(published.iter().next().map(|(key, _)| key.to_bytes()), Some([1; 32]));
    }
}
