//! Frames that this node has put into the DHT, to be put there again as long as they live: the nodes that hold them come and go.

use std::collections::VecDeque;
use std::sync::Arc;

use motet_core_crypto::PublicKey;
use motet_wire::{DhtKey, Index, Kind, MonotonicMs, Now, expiry, peek};

use crate::limits;

/// Something to be put into the DHT: a frame, or one and what withdraws it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Published {
    /// Its author. A request lies in bags of the signers that are asked, everything else in its author's.
    pub(crate) signer: PublicKey,
    /// Its own key.
    pub(crate) key: DhtKey,
    /// The indexes that it is in.
    pub(crate) indexes: Vec<Index>,
    pub(crate) frames: Vec<Arc<[u8]>>,
    /// When it lapses, and when it is put again.
    until: MonotonicMs,
    again: MonotonicMs,
}

/// The newest frame of each signer under each key, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Republisher(VecDeque<Published>);

impl Republisher {
    /// Remembers a frame, and returns what is to be put. It replaces the frame of the same signer under its key, so that renewals
    /// do not push out frames that are not renewed. What withdraws a frame goes wherever that is, and lies beside it.
    pub(crate) fn add(
        &mut self,
        signer: PublicKey,
        key: DhtKey,
        indexes: Vec<Index>,
        frame: Arc<[u8]>,
        now: Now,
    ) -> Published {
        let known = self.0.iter().position(|known| known.signer == signer && known.key == key);
        let before = known.and_then(|known| self.0.remove(known));
        let until = expiry(&frame).map_or(limits::PUT_FOR, |end| end.since(now.wall));
        let again = now.mono.saturating_add(limits::PUT_AGAIN);
        let mut new =
            Published { signer, key, indexes, frames: vec![frame], until: now.mono.saturating_add(until), again };
        let withdraws = new.frames.iter().any(|frame| is_withdrawal(frame));
        if withdraws
            && let Some(before) = before
            && let Some(offer) = before.frames.first().filter(|frame| !is_withdrawal(frame))
        {
            new.frames.insert(0, Arc::clone(offer));
            new = Published { indexes: before.indexes, until: before.until, ..new };
        }
        if self.0.len() >= limits::PUBLISHED {
            self.0.pop_front();
        }
        self.0.push_back(new.clone());
        new
    }

    /// Everything is to be put again now: the DHT has got its first peers.
    pub(crate) fn put_all_again(&mut self) {
        for published in &mut self.0 {
            published.again = MonotonicMs::default();
        }
    }

    /// The frames that are to be put again.
    pub(crate) fn take_due(&mut self, now: MonotonicMs) -> Vec<Published> {
        self.0.retain(|published| published.until > now);
        let due = self.0.iter_mut().filter(|published| published.again <= now);
        due.map(|published| {
            published.again = now.saturating_add(limits::PUT_AGAIN);
            published.clone()
        })
        .collect()
    }

    /// When something is to be put again next.
    pub(crate) fn next_due(&self) -> Option<MonotonicMs> {
        self.0.iter().map(|published| published.again).min()
    }
}

fn is_withdrawal(frame: &[u8]) -> bool {
    peek(frame).is_some_and(|peek| peek.kind == Kind::SignerUnavailable)
}

#[cfg(test)]
mod tests {
    use motet_core_crypto::SecretKey;
    use motet_wire::TimestampMs;

    use super::super::sample::Sample;
    use super::*;

    fn at(minutes: u64) -> Now {
        let ms = minutes * 60_000;
        Now { wall: TimestampMs(1_800_000_000_000 + ms), mono: MonotonicMs(ms) }
    }

    fn signers() -> [PublicKey; 2] {
        [1, 2].map(|byte| SecretKey::from_bytes(&[byte; 32]).unwrap().public_key())
    }

    fn key(byte: u8) -> DhtKey {
        DhtKey::from_bytes([byte; 32])
    }

    fn add(published: &mut Republisher, signer: PublicKey, key: DhtKey, frame: &[u8]) -> Published {
        published.add(signer, key, vec![Index::Signers], Arc::from(frame), at(0))
    }

    #[test]
    fn a_renewal_takes_the_place_of_what_it_renews_and_of_nothing_else() {
        let [anna, ben] = signers();
        let mut published = Republisher::default();
        add(&mut published, anna, key(1), b"an advertisement");
        add(&mut published, anna, key(2), b"a resource");
        add(&mut published, ben, key(2), b"under the same name");
        add(&mut published, anna, key(2), b"renewed");
        published.put_all_again();
        let left: Vec<_> =
            published.take_due(MonotonicMs(0)).into_iter().map(|known| (known.key, known.frames)).collect();
        let frame = |bytes: &[u8]| vec![Arc::<[u8]>::from(bytes)];
        let wanted = [
            (key(1), frame(b"an advertisement")),
            (key(2), frame(b"under the same name")),
            (key(2), frame(b"renewed")),
        ];
        assert_eq!(left, wanted);
        assert!(published.take_due(MonotonicMs(0)).is_empty());
    }

    #[test]
    fn so_much_is_remembered_and_the_oldest_goes_first() {
        let [anna, _] = signers();
        let mut published = Republisher::default();
        for number in 0..=limits::PUBLISHED {
            add(&mut published, anna, key(u8::try_from(number).unwrap()), b"");
        }
        assert_eq!(published.0.len(), limits::PUBLISHED);
        assert_eq!(published.0.front().map(|known| known.key), Some(key(1)));
    }

    #[test]
    fn an_offer_is_put_again_every_hour_as_long_as_it_lives_and_its_withdrawal_beside_it() {
        let sample = Sample::new(1, at(0).wall);
        let (anna, offer) = (sample.key, sample.offer(1, &["swap"], 180, 0));
        let mut published = Republisher::default();
        let types = vec![Index::Signers, Index::SignersOfType("swap".to_owned())];
        published.add(anna, key(1), types.clone(), Arc::clone(&offer.frame), at(0));
        let hours: Vec<u64> = (0..=300).filter(|minute| !published.take_due(at(*minute).mono).is_empty()).collect();
        assert_eq!(hours, [60, 120]);
        assert_eq!(published.next_due(), None);

        published.add(anna, key(1), types.clone(), Arc::clone(&offer.frame), at(0));
        let gone = sample.withdrawal(2, &offer).frame;
        let put = published.add(anna, key(1), vec![Index::Signers], Arc::clone(&gone), at(10));
        assert_eq!((put.frames, put.indexes), (vec![offer.frame, gone], types));
        assert_eq!(published.take_due(at(70).mono).len(), 1);
        assert!(published.take_due(at(180).mono).is_empty());
    }
}
