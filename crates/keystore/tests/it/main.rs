//! A keystore as its users see it: round trips, wrong passphrases, and a file that stays readable for ever.

#![expect(clippy::unwrap_used, reason = "helpers of tests")]

use motet_core_crypto::SecretKey;
use motet_keystore::{
    AddError, Cost, Entry, KeyName, Keystore, NameError, OpenError, Passphrase, PassphraseError, Secret, SeedWords,
    SeedWordsError, limits,
};
use proptest::prelude::*;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng as _;
use zeroize::Zeroizing;

const ZEROS: &str = "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about";
/// A file that version 1 has written, with the secrets of [`two`] and the passphrase `correct horse`.
const GOLDEN: &str = include_str!("golden-1.hex");

fn name(text: &str) -> KeyName {
    text.parse().unwrap()
}

fn passphrase(text: &str) -> Passphrase {
    Passphrase::new(Zeroizing::new(text.to_owned())).unwrap()
}

fn key(byte: u8) -> SecretKey {
    SecretKey::from_bytes(&[byte; 32]).unwrap()
}

fn signer(called: &str, byte: u8) -> Entry {
    Entry { name: name(called), created: 1_800_000_000, secret: Secret::SignerKey(key(byte)) }
}

/// A key and a seed.
fn two() -> Keystore {
    let mut keystore = Keystore::new();
    let seed = Secret::Seed(SeedWords::new(ZEROS, "TREZOR").unwrap());
    keystore.add(Entry { name: name("savings"), created: 1_800_000_001, secret: seed }).unwrap();
    keystore.add(signer("alice", 7)).unwrap();
    keystore
}

fn check_two(keystore: &Keystore) {
    check_secrets(keystore);
    let times: Vec<_> = keystore.entries().iter().map(|entry| entry.created).collect();
    assert_eq!(times, [1_800_000_000, 1_800_000_001]);
}

fn check_secrets(keystore: &Keystore) {
    let [alice, savings] = keystore.entries() else { unreachable!("two entries") };
    assert_eq!((alice.name.as_str(), savings.name.as_str()), ("alice", "savings"));
    assert!(matches!(&alice.secret, Secret::SignerKey(secret) if secret.public_key() == key(7).public_key()));
    assert!(matches!(&savings.secret, Secret::Seed(seed) if seed.words() == ZEROS && seed.passphrase() == "TREZOR"));
}

#[test]
fn a_keystore_comes_back_and_is_another_file_each_time() {
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    let secret = passphrase("correct horse");
    let files = [(); 2].map(|()| two().seal(&secret, Cost::LEAST, &mut rng).unwrap());
    // Salt, nonce and everything after them differ.
    assert!(
        files[0][..21] == files[1][..21] && files[0][21..37] != files[1][21..37] && files[0][37..] != files[1][37..]
    );
    for file in &files {
        let (read, cost) = Keystore::open(file, &secret).unwrap();
        assert_eq!(cost, Cost::LEAST);
        check_two(&read);
        assert!(!file.windows(5).any(|part| part == b"alice" || part == b"aband"));
    }
    assert_eq!(Keystore::open(&files[0], &passphrase("correct horsf")).unwrap_err(), OpenError::Locked);
    for place in [22, 40, 62, files[0].len() - 1] {
        let mut bad = files[0].clone();
        bad[place] ^= 1;
        assert_eq!(Keystore::open(&bad, &secret).unwrap_err(), OpenError::Locked);
    }
    assert_eq!(OpenError::Locked.to_string(), "wrong passphrase, or the file is damaged");
}

#[test]
fn version_1_is_readable_for_ever() {
    let golden = hex::decode(GOLDEN.trim()).unwrap();
    let (keystore, cost) = Keystore::open(&golden, &passphrase("correct horse")).unwrap();
    assert_eq!(cost, Cost::DEFAULT);
    check_secrets(&keystore);
    // It was made on a day of 2026.
    assert!(keystore.entries().iter().all(|entry| (1_795_910_400..1_795_996_800).contains(&entry.created)));
}

#[test]
fn names_are_words_that_look_like_what_they_are() {
    for good in ["a", "Alice", "key-2", "my_key", "0", &"n".repeat(64)] {
        assert_eq!(name(good).to_string(), good);
    }
    for (bad, character) in
        [("-a", '-'), ("_", '_'), ("a b", ' '), ("a.key", '.'), ("a/b", '/'), ("a#b", '#'), ("\u{e9}", '\u{e9}')]
    {
        assert_eq!(bad.parse::<KeyName>(), Err(NameError::Character { character }));
    }
    for bad in [0, 65] {
        assert_eq!("n".repeat(bad).parse::<KeyName>(), Err(NameError::Length { found: bad }));
    }
}

#[test]
fn passphrases_and_seeds_have_their_bounds() {
    let made = |length: usize| Passphrase::new(Zeroizing::new("p".repeat(length))).map(drop);
    assert_eq!(made(0), Err(PassphraseError::Empty));
    assert_eq!(made(limits::PASSPHRASE_BYTES), Ok(()));
    assert_eq!(made(limits::PASSPHRASE_BYTES + 1), Err(PassphraseError::TooLong));
    assert!(passphrase("a").is_same(&passphrase("a")) && !passphrase("a").is_same(&passphrase("b")));

    let seed = |words: &str, passphrase: &str| SeedWords::new(words, passphrase).map(drop);
    let longest = vec!["abcdefgh"; 24].join(" \n ");
    assert_eq!(seed(&longest, &"p".repeat(limits::PASSPHRASE_BYTES)), Ok(()));
    assert_eq!(seed(&longest, &"p".repeat(limits::PASSPHRASE_BYTES + 1)), Err(SeedWordsError::Passphrase));
    for bad in ["", "one", &vec!["a"; 13].join(" "), &ZEROS.to_uppercase(), &longest.replacen('a', "aa", 1)] {
        assert_eq!(seed(bad, ""), Err(SeedWordsError::Words), "{bad}");
    }
}

#[test]
fn entries_have_names_of_their_own_and_are_not_too_many() {
    let mut keystore = two();
    assert_eq!(keystore.add(signer("alice", 8)), Err(AddError::NameTaken(name("alice"))));
    check_two(&keystore);
    for number in keystore.entries().len()..limits::ENTRIES {
        keystore.add(signer(&format!("n{number}"), 8)).unwrap();
    }
    assert_eq!(keystore.add(signer("bob", 8)), Err(AddError::Full));
    assert!(keystore.get(&name("n9")).is_some() && keystore.get(&name("bob")).is_none());
    assert_eq!(keystore.remove(&name("n9")).unwrap().name, name("n9"));
    assert!(keystore.remove(&name("n9")).is_none());
    keystore.add(signer("bob", 8)).unwrap();
    // The largest file opens.
    let secret = passphrase("p");
    let file = keystore.seal(&secret, Cost::LEAST, &mut ChaCha20Rng::from_seed([2; 32])).unwrap();
    assert_eq!(Keystore::open(&file, &secret).unwrap().0.entries().len(), limits::ENTRIES);
}

#[test]
fn nothing_that_is_printed_has_a_secret() {
    let keystore = two();
    let shown = format!("{keystore:?} {:?}", passphrase("correct horse"));
    assert!(shown.contains("alice") && shown.contains("SignerKey"));
    for secret in ["abandon", "TREZOR", "horse", "07070707", "7, 7, 7"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn a_cost_is_within_its_bounds_and_never_falls() {
    assert_eq!(Cost::new(Cost::LEAST.memory(), 2, 1), Ok(Cost::LEAST));
    assert_eq!(Cost::new(64 * 1024, 3, 1), Ok(Cost::DEFAULT));
    assert!(Cost::new(limits::MEMORY_MOST, limits::PASSES_MOST, limits::LANES_MOST).is_ok());
    assert!(Cost::new(Cost::LEAST.memory() - 1, 3, 1).is_err() && Cost::new(64 * 1024, 1, 1).is_err());
    let (wide, deep) = (Cost::new(128 * 1024, 2, 1).unwrap(), Cost::new(32 * 1024, 8, 2).unwrap());
    assert_eq!(wide.at_least(deep), Cost::new(128 * 1024, 8, 2).unwrap());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]
    #[test]
    fn any_keystore_comes_back(
        text in ".{1,40}",
        entries in prop::collection::btree_map("[a-zA-Z0-9][a-zA-Z0-9_-]{0,12}", (1_u8..=255, any::<u64>(), ".{0,20}"), 0..6),
        seed in any::<[u8; 32]>(),
    ) {
        let mut keystore = Keystore::new();
        for (called, (byte, created, extra)) in &entries {
            let secret = if byte % 2 == 0 { Secret::SignerKey(key(byte / 2 + 1)) } else { Secret::Seed(SeedWords::new(ZEROS, extra).unwrap()) };
            keystore.add(Entry { name: name(called), created: *created, secret }).unwrap();
        }
        let secret = passphrase(&text);
        let file = keystore.seal(&secret, Cost::LEAST, &mut ChaCha20Rng::from_seed(seed)).unwrap();
        prop_assert!(file.len() <= limits::FILE_BYTES);
        let (read, _) = Keystore::open(&file, &secret).unwrap();
        prop_assert_eq!(read.entries().len(), entries.len());
        for (entry, (called, (byte, created, extra))) in read.entries().iter().zip(&entries) {
            prop_assert_eq!(entry.name.as_str(), called);
            prop_assert_eq!(entry.created, *created);
            match &entry.secret {
                Secret::SignerKey(read) => prop_assert_eq!(read.public_key(), key(byte / 2 + 1).public_key()),
                Secret::Seed(read) => prop_assert_eq!(read.passphrase(), extra),
                other @ (Secret::Unknown(_) | _) => prop_assert!(false, "{:?}", other),
            }
        }
    }
}
