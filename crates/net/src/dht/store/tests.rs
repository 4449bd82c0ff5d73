//! The store under attack: no time passes here but what a test says.

use super::*;

const HOUR: Duration = Duration::from_secs(3_600);

fn place(number: usize) -> Place {
    let mut place = [0; 32];
    place[..8].copy_from_slice(&number.to_be_bytes());
    place
}

fn author(number: usize) -> [u8; 33] {
    let mut author = [0; 33];
    author[..8].copy_from_slice(&number.to_be_bytes());
    author
}

/// An entry of this author, worth so much, that lives for an hour.
pub(super) fn paid(number: usize, worth: i16) -> Entry {
    let id = place(number);
    Entry { author: author(number), name: [0; 32], version: 1, id, price: Price::Paid(worth), life: HOUR }
}

pub(super) fn frame(number: usize, length: usize) -> Arc<[u8]> {
    let mut frame = vec![0; length];
    frame[..8].copy_from_slice(&number.to_be_bytes());
    frame.into()
}

fn value(store: &BagStore, at: &Place) -> Vec<u8> {
    store.get(&RecordKey::from(at.to_vec())).map(|record| record.value.clone()).unwrap_or_default()
}

/// How many of these frames lie at a place.
fn kept(store: &BagStore, at: &Place, frames: impl Iterator<Item = Arc<[u8]>>) -> usize {
    frames.filter(|frame| store.holds(at, frame)).count()
}

/// The store is what its indexes say.
fn check(store: &BagStore) {
    let entries: usize = store.bags.values().map(|bag| bag.names().len()).sum();
    assert_eq!((store.ranks.len(), store.ends.len()), (entries, entries));
    assert_eq!(store.bytes, store.bags.values().map(|bag| bag.bytes).sum::<usize>());
    assert_eq!(store.bytes, store.authors.values().sum::<usize>());
    assert!(store.bags.values().all(|bag| !bag.is_empty() && bag.bytes == bag.record.value.len()));
    assert!(store.charged() <= limits::STORE_BYTES);
}

#[test]
fn in_a_full_bag_the_most_work_stays_and_of_equal_work_what_came_first() {
    let (mut store, now, at) = (BagStore::default(), Instant::now(), place(0));
    let honest = 40;
    // They have the largest keys; what is kept is not chosen by the key.
    for number in 0..honest {
        assert!(store.insert(&at, frame(1_000_000 - number, 400), paid(1_000_000 - number, 20), now));
    }
    let of_honest = || (0..honest).map(|number| frame(1_000_000 - number, 400));
    for number in 0..5_000 {
        store.insert(&at, frame(number, 400), paid(number, 20), now);
    }
    check(&store);
    assert_eq!(kept(&store, &at, of_honest()), honest, "who came first stays");
    // Dearer ones take the places of the cheap ones that came last, and of nothing dearer.
    let room = limits::BAG / 404;
    let dear: Vec<usize> = (10_000..10_000 + room - honest).collect();
    for number in dear.iter().copied() {
        assert!(store.insert(&at, frame(number, 400), paid(number, 21), now));
    }
    check(&store);
    assert_eq!(kept(&store, &at, of_honest()), honest);
    assert!(!store.insert(&at, frame(1, 400), paid(1, 20), now), "no cheap one is left that came later");
    assert!(store.insert(&at, frame(20_000, 400), paid(20_000, 22), now));
    assert_eq!(kept(&store, &at, of_honest()), honest - 1);
    check(&store);
}

#[test]
fn the_life_of_an_entry_is_its_own_whoever_puts_what_beside_it() {
    let (mut store, now, at) = (BagStore::default(), Instant::now(), place(0));
    assert!(store.insert(&at, frame(1, 400), paid(1, 20), now));
    let short = Entry { life: Duration::from_secs(1), ..paid(2, 26) };
    assert!(store.insert(&at, frame(2, 400), short, now));
    assert_eq!(store.next_end(), Some(now + Duration::from_secs(1)));
    // The same once more, with another life: nothing new.
    assert!(!store.insert(&at, frame(1, 400), Entry { life: Duration::from_secs(1), ..paid(1, 20) }, now));
    store.end(now + Duration::from_secs(1));
    assert!(store.holds(&at, &frame(1, 400)) && !store.holds(&at, &frame(2, 400)));
    assert_eq!(store.get(&RecordKey::from(at.to_vec())).unwrap().expires, Some((now + HOUR).into_std()));
    store.end(now + HOUR - Duration::from_millis(1));
    assert!(store.holds(&at, &frame(1, 400)));
    store.end(now + HOUR);
    check(&store);
    assert_eq!(store.size(), (0, 0));
    // No policy can make an entry live for ever.
    store.insert(&at, frame(3, 400), Entry { life: Duration::MAX, ..paid(3, 20) }, now);
    assert_eq!(store.next_end(), Some(now + limits::ENTRY_LIFE));
}

#[test]
fn a_withdrawal_lies_beside_what_it_withdraws_and_nowhere_else() {
    let (mut store, now, at) = (BagStore::default(), Instant::now(), place(0));
    let withdraws = |number: usize, of: usize| Entry { version: 2, price: Price::Beside(place(of)), ..paid(number, 0) };
    assert!(!store.insert(&at, frame(11, 300), withdraws(1, 1), now), "there is nothing to withdraw");
    assert_eq!(store.size(), (0, 0));
    assert!(store.insert(&at, frame(1, 400), paid(1, 20), now));
    assert!(!store.insert(&at, frame(12, 300), withdraws(2, 1), now), "another author's");
    assert!(!store.insert(&at, frame(13, 300), withdraws(1, 2), now), "another entry's");
    let early = Entry { version: 1, ..withdraws(1, 1) };
    assert!(!store.insert(&at, frame(14, 300), early, now), "older than what it withdraws");
    assert!(store.insert(&at, frame(15, 300), withdraws(1, 1), now));
    assert!(!store.insert(&at, frame(16, 300), Entry { version: 3, ..withdraws(1, 1) }, now), "once is enough");
    assert_eq!(value(&store, &at), super::super::pack([&*frame(1, 400), &*frame(15, 300)]));
    assert_eq!(store.next_end(), Some(now + HOUR));
    check(&store);
    // Nobody can turn the time back, and the author can come again.
    assert!(!store.insert(&at, frame(17, 400), Entry { version: 2, ..paid(1, 26) }, now));
    assert!(store.insert(&at, frame(18, 400), Entry { version: 3, ..paid(1, 20) }, now));
    assert_eq!(value(&store, &at), super::super::pack([&*frame(18, 400)]));
    check(&store);
}

#[test]
fn a_newer_entry_keeps_the_place_of_the_older_one() {
    let (mut store, now, at) = (BagStore::default(), Instant::now(), place(0));
    for number in 0..limits::BAG / 404 {
        assert!(store.insert(&at, frame(number, 400), paid(number, 20), now));
    }
    assert!(store.insert(&at, frame(70_000, 400), Entry { version: 2, ..paid(0, 20) }, now));
    assert!(!store.insert(&at, frame(80_000, 400), paid(80_000, 20), now));
    assert!(store.insert(&at, frame(80_000, 400), paid(80_000, 21), now));
    assert!(store.holds(&at, &frame(70_000, 400)));
    check(&store);
}

#[test]
fn one_author_fills_neither_a_bag_nor_the_store() {
    let (mut store, now) = (BagStore::default(), Instant::now());
    let named = |number: usize| Entry { name: place(number), ..paid(1, 26) };
    for number in 0..100 {
        store.insert(&place(0), frame(number, 400), named(number), now);
    }
    assert_eq!(kept(&store, &place(0), (0..100).map(|number| frame(number, 400))), limits::AUTHOR_ENTRIES);
    // Requests to a hundred signers, each as large as can be: eight of them filled a store.
    for number in 1..10_000 {
        store.insert(&place(number), frame(number, 49_000), Entry { id: place(number), ..paid(1, 26) }, now);
    }
    assert!(store.size().1 <= limits::AUTHOR_BYTES);
    check(&store);
}

#[test]
fn a_full_store_makes_room_for_dearer_entries_only() {
    let (mut store, now) = (BagStore::default(), Instant::now());
    let mut number = 0;
    for size in [48_000, 400] {
        while store.insert(&place(number), frame(number, size), paid(number, 20), now) {
            number += 1;
            assert!(number < 10_000, "the store has no bound");
        }
    }
    check(&store);
    assert!(!store.insert(&place(20_000), frame(20_000, 400), paid(20_000, 20), now));
    assert!(store.insert(&place(20_000), frame(20_000, 400), paid(20_000, 21), now));
    // The one that came last has gone for it.
    assert!(!store.holds(&place(number - 1), &frame(number - 1, 400)));
    assert!(store.holds(&place(0), &frame(0, 48_000)));
    check(&store);
}

#[test]
fn a_large_request_lies_alone_in_its_bag_or_gives_way_to_dearer_entries() {
    let (mut store, now, at) = (BagStore::default(), Instant::now(), place(0));
    assert!(store.insert(&at, frame(1, 50_000), paid(1, 18), now));
    assert!(!store.insert(&at, frame(2, 400), paid(2, 18), now));
    assert!(store.insert(&at, frame(2, 400), paid(2, 20), now));
    assert!(!store.holds(&at, &frame(1, 50_000)));
    assert!(!store.insert(&at, frame(3, 60_000), paid(3, 26), now));
    check(&store);
}

#[test]
fn a_bag_is_spread_again_when_nobody_has_spread_all_of_it() {
    let (mut store, now, at) = (BagStore::default(), Instant::now(), place(0));
    store.insert(&at, frame(1, 400), paid(1, 20), now);
    store.insert(&at, frame(2, 400), paid(2, 20), now);
    let later = now + HOUR;
    // An empty one, or one of the entries, is not all of it.
    store.note_spread(&at, &[], later);
    store.note_spread(&at, &[&frame(1, 400)], later);
    assert_eq!(store.take_unspread(10, |_| HOUR, later).len(), 1);
    assert!(store.take_unspread(10, |_| HOUR, later).is_empty());
    let latest = later + HOUR;
    store.note_spread(&at, &[&frame(1, 400), &frame(2, 400)], latest);
    assert!(store.take_unspread(10, |_| HOUR, latest).is_empty());
}
