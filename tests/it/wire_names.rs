//! What things are called: ids, digests, topics and DHT keys, as `docs/wire-format.md` writes them down, and pinned.

use std::collections::BTreeSet;

use motet_core_crypto::{NonceCommitment, tagged_hash};
use motet_tests::wire_fixtures::{Session, Signer, network};
use motet_wire::{
    Attempt, AttemptId, Criteria, DhtKey, Index, NetworkId, RequestId, Shard, SignerIndex, SignerSet, Topic, transcript,
};

/// The network's name with its length in front, as it goes into digests.
const TEST: &[u8] = b"\x04test";

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[test]
fn a_dht_key_is_the_hash_of_a_path() {
    let key = Signer::new(1).key.public_key();
    let request = RequestId::from_bytes([0xab; 32]);
    let shard = Shard::of(&key, Shard::STEP);
    let (name, number) = (hex(&key.to_bytes()), shard.number());
    let cases = [
        (DhtKey::signer(&network(), &key), format!("signer/{name}")),
        (DhtKey::request(&network(), &request), format!("request/{}", "ab".repeat(32))),
        (DhtKey::resource(&network(), "vault", "cold/1"), "resource/5:vault/6:cold/1".to_owned()),
        (DhtKey::bag(&network(), &Index::Signers, shard), format!("index/signers/all/4/{number}")),
        (
            DhtKey::bag(&network(), &Index::SignersOfType("swap".to_owned()), shard),
            format!("index/signers/type/4:swap/4/{number}"),
        ),
        (DhtKey::bag(&network(), &Index::RequestsFor(key), shard), format!("index/requests/for/{name}/4/{number}")),
    ];
    for (key, path) in &cases {
        assert_eq!(key.to_bytes(), tagged_hash("motet/dht/v1", &[TEST, path.as_bytes()]), "{path}");
    }
    assert_eq!(cases.iter().map(|(key, _)| key.to_bytes()).collect::<BTreeSet<_>>().len(), cases.len());
    assert_ne!(DhtKey::signer(&NetworkId::main(), &key), DhtKey::signer(&network(), &key));
    // Cut in another place, it is another resource.
    assert_ne!(DhtKey::resource(&network(), "a", "b/c"), DhtKey::resource(&network(), "a/b", "c"));
    assert_ne!(DhtKey::resource(&network(), "a/1:b", "c"), DhtKey::resource(&network(), "a", "b/1:c"));
}

#[test]
fn dht_keys_are_what_was_captured() {
    let key = Signer::new(1).key.public_key();
    assert_eq!(
        DhtKey::signer(&network(), &key).to_string(),
        "c949476df4b9975d6981cd6274acf93e2a3e745ac33a7dbc098cf039d3c332ed"
    );
    assert_eq!(
        DhtKey::bag(&network(), &Index::Signers, Shard::of(&key, 4)).to_string(),
        "43b473f4797e4e981e5fdacae6a13cda14a8ffc4bb42c6f966dec7e9097da5f4"
    );
}

#[test]
fn a_shard_is_the_first_bits_of_a_hash() {
    let mut used = BTreeSet::new();
    for number in 0..200 {
        let key = Signer::new(number).key.public_key();
        let hash = tagged_hash("motet/shard/v1", &[&key.to_bytes()]);
        let first = u16::from_be_bytes([hash[0], hash[1]]);
        for depth in 0..=16u8 {
            let shard = Shard::of(&key, depth);
            assert_eq!(
                (shard.depth(), u32::from(shard.number())),
                (depth, u32::from(first) >> (16 - u32::from(depth)))
            );
            // Deeper shards divide the shallower ones.
            assert!(depth == 0 || shard.number() >> 1 == Shard::of(&key, depth - 1).number());
        }
        assert_eq!(Shard::of(&key, 200), Shard::of(&key, 16));
        used.insert(Shard::of(&key, Shard::STEP));
    }
    assert_eq!(Index::Signers.shards().collect::<BTreeSet<_>>(), used, "200 signers fill 16 shards");
    assert_eq!((Shard::all(0).count(), Shard::all(16).count(), Shard::all(99).count()), (1, 65_536, 65_536));
}

#[test]
fn an_index_gets_deeper_by_four_bits_and_each_bag_has_sixteen_below_it() {
    let key = Signer::new(1).key.public_key();
    let depths = |index: Index| index.depths().collect::<Vec<_>>();
    assert_eq!(depths(Index::Signers), [4, 8, 12, 16]);
    assert_eq!(depths(Index::SignersOfType("swap".to_owned())), [4, 8, 12, 16]);
    assert_eq!(depths(Index::RequestsFor(key)), [0, 4, 8, 12, 16]);
    assert_eq!(Index::RequestsFor(key).shards().count(), 1);
    for number in 0..100 {
        let key = Signer::new(number).key.public_key();
        for depth in [0, 4, 8, 12] {
            let below: Vec<Shard> = Shard::of(&key, depth).below().collect();
            assert_eq!(below.len(), 16);
            assert!(below.contains(&Shard::of(&key, depth + 4)));
        }
        assert_eq!(Shard::of(&key, 16).below().count(), 0);
    }
    assert_eq!(Shard::all(4).flat_map(Shard::below).collect::<BTreeSet<_>>(), Shard::all(8).collect());
}

#[test]
fn a_record_lies_at_three_places_that_are_hashes_of_its_key() {
    let key = DhtKey::from_bytes([7; 32]);
    let places: Vec<[u8; 32]> = key.places().collect();
    let expected: Vec<[u8; 32]> =
        (0..3_u8).map(|number| tagged_hash("motet/dht-place/v2", &[&[7; 32], &[number]])).collect();
    assert_eq!(places, expected);
    assert_eq!(places.iter().collect::<BTreeSet<_>>().len(), 3);
    assert!(!places.contains(&key.to_bytes()));
}

#[test]
fn topics_are_named_by_network_and_version() {
    let topics = [Topic::AllOffers, Topic::OpenOffers, Topic::Offers("swap".to_owned()), Topic::Requests(7)];
    let names = ["offers/all", "offers/open", "offers/type/swap", "requests/7"];
    for (topic, name) in topics.iter().zip(names) {
        assert_eq!(topic.name(&network()), format!("motet/test/v2/{name}"));
    }
}

#[test]
fn requests_to_a_signer_are_published_on_the_topic_of_the_first_four_bits_of_its_hash() {
    let signer = Signer::new(1).key.public_key();
    let hash = tagged_hash("motet/shard/v1", &[&signer.to_bytes()]);
    assert_eq!(Topic::of_requests_to(&signer), Topic::Requests(hash[0] >> 4));
    let shards: BTreeSet<Topic> =
        (0..200).map(|number| Topic::of_requests_to(&Signer::new(number).key.public_key())).collect();
    assert_eq!(shards.len(), usize::from(Topic::SHARDS));
}

#[test]
fn a_session_id_is_the_hash_of_request_and_attempt() {
    let request = RequestId::from_bytes([1; 32]);
    let expected = tagged_hash("motet/session/v1", &[&[1; 32], &[0, 0, 0, 3]]);
    assert_eq!(AttemptId::derive(&request, Attempt(3)).to_bytes(), expected);
}

#[test]
fn transcripts_are_hashed_as_the_document_says() {
    let session = Session::run(3);
    let id = session.id.to_bytes();
    let commitments = [NonceCommitment::from_bytes(&[5; 32]), NonceCommitment::from_bytes(&[6; 32])];
    let expected = tagged_hash("motet/commitments/v1", &[&id, &[0, 0, 0, 2], &[5; 32], &[6; 32]]);
    assert_eq!(transcript::commitments(&session.id, &commitments).to_bytes(), expected);

    let mut items = Vec::new();
    for item in 0..3u32 {
        let nonces: Vec<[u8; 66]> =
            session.public_nonces.iter().map(|nonces| nonces[item as usize].to_bytes()).collect();
        let hash = tagged_hash("motet/item-nonces/v1", &[&id, &item.to_be_bytes(), &[0, 0, 0, 3], &nonces.concat()]);
        assert_eq!(transcript::item_nonces(&session.id, item as usize, &nonces), hash);
        items.push(hash);
    }
    let expected = tagged_hash("motet/nonces/v1", &[&id, &[0, 0, 0, 3], &items.concat()]);
    assert_eq!(transcript::nonces(&session.id, &session.public_nonces).unwrap().to_bytes(), expected);
    // Somebody with a nonce more or less has no transcript.
    let mut uneven = session.public_nonces.clone();
    uneven[1].pop();
    assert_eq!(transcript::nonces(&session.id, &uneven), None);
    assert_eq!(transcript::nonces::<Vec<_>>(&session.id, &[]), None);
}

#[test]
fn a_set_of_signers_has_a_bit_for_each() {
    let mut set = SignerSet::first(2);
    set.insert(SignerIndex(99));
    set.insert(SignerIndex(100));
    set.insert(SignerIndex(u16::MAX));
    assert_eq!(set.bits(), 0b11 | 1 << 99);
    assert_eq!(set.iter().collect::<Vec<_>>(), [SignerIndex(0), SignerIndex(1), SignerIndex(99)]);
    assert_eq!((set.len(), set.is_empty(), SignerSet::EMPTY.is_empty()), (3, false, true));
    assert!(set.contains(SignerIndex(99)) && !set.contains(SignerIndex(2)) && !set.contains(SignerIndex(100)));
    assert_eq!(set.without(SignerSet::first(100)), SignerSet::EMPTY);
    assert_eq!(SignerSet::first(500), SignerSet::first(100));
    assert_eq!(SignerSet::from_bits(1 << 99).map(SignerSet::bits), Some(1 << 99));
    assert_eq!(SignerSet::from_bits(1 << 100), None);
}

#[test]
fn criteria_match_what_is_stated() {
    let swaps = Criteria { transaction_types: vec!["swap".to_owned()], min_amount: 10, max_amount: 20 };
    for (kind, amount, expected) in [
        (None, None, true),
        (Some("swap"), Some(10), true),
        (Some("swap"), Some(20), true),
        (Some("swap"), Some(9), false),
        (Some("swap"), Some(21), false),
        (Some("Swap"), Some(15), false),
        (Some("payment"), None, false),
        (None, Some(21), false),
    ] {
        assert_eq!(swaps.matches(kind, amount), expected, "{kind:?} {amount:?}");
        assert!(Criteria::ANY.matches(kind, amount));
    }
}
