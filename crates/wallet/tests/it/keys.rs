//! Seeds and accounts: the vectors of BIP-32 and BIP-39, and a second implementation.

use std::str::FromStr as _;

use bitcoin::bip32::{ChildNumber, DerivationPath, Xpriv, Xpub};
use bitcoin::secp256k1::Secp256k1;
use bitcoin::{Network, NetworkKind};
use motet_psbt::descriptor::SingleKey;
use motet_psbt::{PathId, RawPsbt, SecretKeys as _, SpendPlan};
use motet_wallet::keys::{Account, Seed, SeedError, words_of};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng as _, SeedableRng as _};

use crate::spends::{RBF, accepts, spend};

fn path(text: &str) -> Vec<ChildNumber> {
    DerivationPath::from_str(text).unwrap().into_iter().copied().collect()
}

/// Seed, path, and extended public key of BIP-32's test vectors 1 to 3.
const BIP32: &[(&str, &str, &str)] = &[
    (
        "000102030405060708090a0b0c0d0e0f",
        "m",
        "xpub661MyMwAqRbcFtXgS5sYJABqqG9YLmC4Q1Rdap9gSE8NqtwybGhePY2gZ29ESFjqJoCu1Rupje8YtGqsefD265TMg7usUDFdp6W1EGMcet8",
    ),
    (
        "000102030405060708090a0b0c0d0e0f",
        "m/0h",
        "xpub68Gmy5EdvgibQVfPdqkBBCHxA5htiqg55crXYuXoQRKfDBFA1WEjWgP6LHhwBZeNK1VTsfTFUHCdrfp1bgwQ9xv5ski8PX9rL2dZXvgGDnw",
    ),
    (
        "000102030405060708090a0b0c0d0e0f",
        "m/0h/1",
        "xpub6ASuArnXKPbfEwhqN6e3mwBcDTgzisQN1wXN9BJcM47sSikHjJf3UFHKkNAWbWMiGj7Wf5uMash7SyYq527Hqck2AxYysAA7xmALppuCkwQ",
    ),
    (
        "000102030405060708090a0b0c0d0e0f",
        "m/0h/1/2h",
        "xpub6D4BDPcP2GT577Vvch3R8wDkScZWzQzMMUm3PWbmWvVJrZwQY4VUNgqFJPMM3No2dFDFGTsxxpG5uJh7n7epu4trkrX7x7DogT5Uv6fcLW5",
    ),
    (
        "000102030405060708090a0b0c0d0e0f",
        "m/0h/1/2h/2",
        "xpub6FHa3pjLCk84BayeJxFW2SP4XRrFd1JYnxeLeU8EqN3vDfZmbqBqaGJAyiLjTAwm6ZLRQUMv1ZACTj37sR62cfN7fe5JnJ7dh8zL4fiyLHV",
    ),
    (
        "000102030405060708090a0b0c0d0e0f",
        "m/0h/1/2h/2/1000000000",
        "xpub6H1LXWLaKsWFhvm6RVpEL9P4KfRZSW7abD2ttkWP3SSQvnyA8FSVqNTEcYFgJS2UaFcxupHiYkro49S8yGasTvXEYBVPamhGW6cFJodrTHy",
    ),
    (
        "fffcf9f6f3f0edeae7e4e1dedbd8d5d2cfccc9c6c3c0bdbab7b4b1aeaba8a5a29f9c999693908d8a8784817e7b7875726f6c696663605d5a5754514e4b484542",
        "m",
        "xpub661MyMwAqRbcFW31YEwpkMuc5THy2PSt5bDMsktWQcFF8syAmRUapSCGu8ED9W6oDMSgv6Zz8idoc4a6mr8BDzTJY47LJhkJ8UB7WEGuduB",
    ),
    (
        "fffcf9f6f3f0edeae7e4e1dedbd8d5d2cfccc9c6c3c0bdbab7b4b1aeaba8a5a29f9c999693908d8a8784817e7b7875726f6c696663605d5a5754514e4b484542",
        "m/0",
        "xpub69H7F5d8KSRgmmdJg2KhpAK8SR3DjMwAdkxj3ZuxV27CprR9LgpeyGmXUbC6wb7ERfvrnKZjXoUmmDznezpbZb7ap6r1D3tgFxHmwMkQTPH",
    ),
    (
        "fffcf9f6f3f0edeae7e4e1dedbd8d5d2cfccc9c6c3c0bdbab7b4b1aeaba8a5a29f9c999693908d8a8784817e7b7875726f6c696663605d5a5754514e4b484542",
        "m/0/2147483647h",
        "xpub6ASAVgeehLbnwdqV6UKMHVzgqAG8Gr6riv3Fxxpj8ksbH9ebxaEyBLZ85ySDhKiLDBrQSARLq1uNRts8RuJiHjaDMBU4Zn9h8LZNnBC5y4a",
    ),
    (
        "fffcf9f6f3f0edeae7e4e1dedbd8d5d2cfccc9c6c3c0bdbab7b4b1aeaba8a5a29f9c999693908d8a8784817e7b7875726f6c696663605d5a5754514e4b484542",
        "m/0/2147483647h/1",
        "xpub6DF8uhdarytz3FWdA8TvFSvvAh8dP3283MY7p2V4SeE2wyWmG5mg5EwVvmdMVCQcoNJxGoWaU9DCWh89LojfZ537wTfunKau47EL2dhHKon",
    ),
    (
        "fffcf9f6f3f0edeae7e4e1dedbd8d5d2cfccc9c6c3c0bdbab7b4b1aeaba8a5a29f9c999693908d8a8784817e7b7875726f6c696663605d5a5754514e4b484542",
        "m/0/2147483647h/1/2147483646h",
        "xpub6ERApfZwUNrhLCkDtcHTcxd75RbzS1ed54G1LkBUHQVHQKqhMkhgbmJbZRkrgZw4koxb5JaHWkY4ALHY2grBGRjaDMzQLcgJvLJuZZvRcEL",
    ),
    (
        "fffcf9f6f3f0edeae7e4e1dedbd8d5d2cfccc9c6c3c0bdbab7b4b1aeaba8a5a29f9c999693908d8a8784817e7b7875726f6c696663605d5a5754514e4b484542",
        "m/0/2147483647h/1/2147483646h/2",
        "xpub6FnCn6nSzZAw5Tw7cgR9bi15UV96gLZhjDstkXXxvCLsUXBGXPdSnLFbdpq8p9HmGsApME5hQTZ3emM2rnY5agb9rXpVGyy3bdW6EEgAtqt",
    ),
    (
        "4b381541583be4423346c643850da4b320e46a87ae3d2a4e6da11eba819cd4acba45d239319ac14f863b8d5ab5a0d0c64d2e8a1e7d1457df2e5a3c51c73235be",
        "m",
        "xpub661MyMwAqRbcEZVB4dScxMAdx6d4nFc9nvyvH3v4gJL378CSRZiYmhRoP7mBy6gSPSCYk6SzXPTf3ND1cZAceL7SfJ1Z3GC8vBgp2epUt13",
    ),
    (
        "4b381541583be4423346c643850da4b320e46a87ae3d2a4e6da11eba819cd4acba45d239319ac14f863b8d5ab5a0d0c64d2e8a1e7d1457df2e5a3c51c73235be",
        "m/0h",
        "xpub68NZiKmJWnxxS6aaHmn81bvJeTESw724CRDs6HbuccFQN9Ku14VQrADWgqbhhTHBaohPX4CjNLf9fq9MYo6oDaPPLPxSb7gwQN3ih19Zm4Y",
    ),
];

#[test]
fn keys_of_bip_32_are_derived() {
    for (seed, place, expected) in BIP32 {
        let seed = Seed::from_bytes(&hex::decode(seed).unwrap()).unwrap();
        assert_eq!(seed.xpub(&path(place), Network::Bitcoin).unwrap().to_string(), *expected, "{place}");
    }
}

/// Entropy, words, and the seed with the passphrase "TREZOR": the vectors of 12 and 24 words that BIP-39 names.
const BIP39: &[(&str, &str, &str)] = &[
    (
        "00000000000000000000000000000000",
        "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon about",
        "c55257c360c07c72029aebc1b53c05ed0362ada38ead3e3e9efa3708e53495531f09a6987599d18264c1e1c92f2cf141630c7a3c4ab7c81b2f001698e7463b04",
    ),
    (
        "7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f",
        "legal winner thank year wave sausage worth useful legal winner thank yellow",
        "2e8905819b8723fe2c1d161860e5ee1830318dbf49a83bd451cfb8440c28bd6fa457fe1296106559a3c80937a1c1069be3a3a5bd381ee6260e8d9739fce1f607",
    ),
    (
        "80808080808080808080808080808080",
        "letter advice cage absurd amount doctor acoustic avoid letter advice cage above",
        "d71de856f81a8acc65e6fc851a38d4d7ec216fd0796d0a6827a3ad6ed5511a30fa280f12eb2e47ed2ac03b5c462a0358d18d69fe4f985ec81778c1b370b652a8",
    ),
    (
        "ffffffffffffffffffffffffffffffff",
        "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo wrong",
        "ac27495480225222079d7be181583751e86f571027b0497b5b5d11218e0a8a13332572917f0f8e5a589620c6f15b11c61dee327651a14c34e18231052e48c069",
    ),
    (
        "0000000000000000000000000000000000000000000000000000000000000000",
        "abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon abandon art",
        "bda85446c68413707090a52022edd26a1c9462295029f2e60cd7c4f2bbd3097170af7a4d73245cafa9c3cca8d561a7c3de6f5d4a10be8ed2a5e608d68f92fcc8",
    ),
    (
        "7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f",
        "legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth useful legal winner thank year wave sausage worth title",
        "bc09fca1804f7e69da93c2f2028eb238c227f2e9dda30cd63699232578480a4021b146ad717fbb7e451ce9eb835f43620bf5c514db0f8add49f5d121449d3e87",
    ),
    (
        "8080808080808080808080808080808080808080808080808080808080808080",
        "letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic avoid letter advice cage absurd amount doctor acoustic bless",
        "c0c519bd0e91a2ed54357d9d1ebef6f5af218a153624cf4f2da911a0ed8f7a09e2ef61af0aca007096df430022f7a2b6fb91661a9589097069720d015e4e982f",
    ),
    (
        "ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff",
        "zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo zoo vote",
        "dd48c104698c30cfe2b6142103248622fb7bb0ff692eebb00089b32d22484e1613912f0a5b694407be899ffd31ed3992c456cdf60f5d4564b8ba3f05a69890ad",
    ),
    (
        "9e885d952ad362caeb4efe34a8e91bd2",
        "ozone drill grab fiber curtain grace pudding thank cruise elder eight picnic",
        "274ddc525802f7c828d8ef7ddbcdc5304e87ac3535913611fbbfa986d0c9e5476c91689f9c8a54fd55bd38606aa6a8595ad213d4c9c9f9aca3fb217069a41028",
    ),
    (
        "68a79eaca2324873eacc50cb9c6eca8cc68ea5d936f98787c60c7ebc74e6ce7c",
        "hamster diagram private dutch cause delay private meat slide toddler razor book happy fancy gospel tennis maple dilemma loan word shrug inflict delay length",
        "64c87cde7e12ecf6704ab95bb1408bef047c22db4cc7491c4271d170a1b213d20b385bc1588d9c7b38f1b39d415665b8a9030c9ec653d75e65f847d8fc1fc440",
    ),
    (
        "c0ba5a8e914111210f2bd131f3d5e08d",
        "scheme spot photo card baby mountain device kick cradle pact join borrow",
        "ea725895aaae8d4c1cf682c1bfd2d358d52ed9f0f0591131b559e2724bb234fca05aa9c02c57407e04ee9dc3b454aa63fbff483a8b11de949624b9f1831a9612",
    ),
    (
        "9f6a2878b2520799a44ef18bc7df394e7061a224d2c33cd015b157d746869863",
        "panda eyebrow bullet gorilla call smoke muffin taste mesh discover soft ostrich alcohol speed nation flash devote level hobby quick inner drive ghost inside",
        "72be8e052fc4919d2adf28d5306b5474b0069df35b02303de8c1729c9538dbb6fc2d731d5f832193cd9fb6aeecbc469594a70e3dd50811b5067f3b88b28c3e8d",
    ),
    (
        "23db8160a31d3e0dca3688ed941adbf3",
        "cat swing flag economy stadium alone churn speed unique patch report train",
        "deb5f45449e615feff5640f2e49f933ff51895de3b4381832b3139941c57b59205a42480c52175b6efcffaa58a2503887c1e8b363a707256bdd2b587b46541f5",
    ),
    (
        "066dca1a2bb7e8a1db2832148ce9933eea0f3ac9548d793112d9a95c9407efad",
        "all hour make first leader extend hole alien behind guard gospel lava path output census museum junior mass reopen famous sing advance salt reform",
        "26e975ec644423f4a4c4f4215ef09b4bd7ef924e85d1d17c4cf3f136c2863cf6df0a475045652c57eb5fb41513ca2a2d67722b77e954b4b3fc11f7590449191d",
    ),
    (
        "f30f8c1da665478f49b001d94c5fc452",
        "vessel ladder alter error federal sibling chat ability sun glass valve picture",
        "2aaa9242daafcee6aa9d7269f17d4efe271e1b9a529178d7dc139cd18747090bf9d60295d0ce74309a78852a9caadf0af48aae1c6253839624076224374bc63f",
    ),
    (
        "f585c11aec520db57dd353c69554b21a89b20fb0650966fa0a9d6f74fd989d8f",
        "void come effort suffer camp survey warrior heavy shoot primary clutch crush open amazing screen patrol group space point ten exist slush involve unfold",
        "01f5bced59dec48e362f2c45b5de68b9fd6c92c6634f44d6d40aab69056506f0e35524a518034ddc1192e1dacd32c1ed3eaa3c3b131c88ed8e7e54c49a5d0998",
    ),
];

#[test]
fn words_of_bip_39_make_their_seeds() {
    for (entropy, words, seed) in BIP39 {
        assert_eq!(*words_of(&hex::decode(entropy).unwrap()).unwrap(), *words);
        let own = Seed::from_words(&words.to_uppercase().replace(' ', " \n"), "TREZOR").unwrap();
        let expected = Seed::from_bytes(&hex::decode(seed).unwrap()).unwrap();
        let root = |seed: &Seed| seed.xpub(&[], Network::Bitcoin).unwrap();
        assert_eq!(root(&own), root(&expected));
    }
}

#[test]
fn a_passphrase_is_normalized() {
    let root = |passphrase: &str| {
        let seed = Seed::from_words(BIP39[0].1, passphrase).unwrap();
        seed.xpub(&[], Network::Bitcoin).unwrap()
    };
    assert_eq!(root("S\u{fc}d"), root("Su\u{308}d"));
    assert_ne!(root("S\u{fc}d"), root("Sud"));
    assert_ne!(root(""), root(" "));
}

#[test]
fn words_that_are_no_seed_are_refused_and_not_repeated() {
    let words = BIP39[0].1;
    let refused = |words: &str| Seed::from_words(words, "").map(|_| ()).unwrap_err();
    assert_eq!(refused(""), SeedError::WordCount { found: 0 });
    assert_eq!(refused(&words.replacen("abandon ", "", 1)), SeedError::WordCount { found: 11 });
    assert_eq!(refused(&words.replace("about", "abouts")), SeedError::Word { number: 12 });
    assert_eq!(refused(&words.replace("about", "abandon")), SeedError::Checksum);
    assert!(!refused(&words.replace("about", "abouts")).to_string().contains("abouts"));
    assert_eq!(words_of(&[0; 20]).map(|_| ()), Err(SeedError::Entropy { found: 20 }));
    assert_eq!(Seed::from_bytes(&[0; 15]).map(|_| ()).unwrap_err(), SeedError::SeedLength { found: 15 });
    let seed = Seed::from_words(words, "").unwrap();
    assert_eq!(seed.account(Network::Bitcoin, 1 << 31).map(|_| ()).unwrap_err(), SeedError::AccountNumber);
}

#[test]
fn accounts_are_those_of_another_implementation() {
    let secp = Secp256k1::new();
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    let mut seeds: Vec<Vec<u8>> = (0..60)
        .map(|_| {
            let mut seed = vec![0; 64];
            rng.fill_bytes(&mut seed);
            seed
        })
        .collect();
    // Test vector 4 of BIP-32: a child key with leading zeros.
    seeds.push(hex::decode("3ddd5602285899a946114506157c7997e5444528f3003f6134712147db19b678").unwrap());
    for (number, bytes) in (0..).zip(&seeds) {
        let own = Seed::from_bytes(bytes).unwrap();
        for (network, kind, coin) in [(Network::Bitcoin, NetworkKind::Main, 0), (Network::Signet, NetworkKind::Test, 1)]
        {
            let root = Xpriv::new_master(kind, bytes).unwrap();
            let place = path(&format!("m/87h/{coin}h/{number}h"));
            let account = root.derive_priv(&secp, &place).unwrap();
            let ours = own.account(network, number).unwrap();
            let xpub = Xpub::from_priv(&secp, &account);
            let expected = format!("[{}/87h/{coin}h/{number}h]{xpub}", root.fingerprint(&secp));
            assert_eq!(ours.key_expression().to_string(), expected);
            let mut random = [0; 8];
            rng.fill_bytes(&mut random);
            let [a, b] = [0, 4].map(|from: usize| u32::from_be_bytes(random[from..from + 4].try_into().unwrap()));
            let below = [ChildNumber::from(a), ChildNumber::from(b >> 1)];
            let child = account.derive_priv(&secp, &below).unwrap();
            let key = motet_core_crypto::SecretKey::from_bytes(&child.private_key.secret_bytes()).unwrap().public_key();
            assert_eq!(ours.secret_key(&key, ours.key_expression(), &below).unwrap().public_key(), key);
            assert_eq!(ours.into_secret_key().dangerous_to_bytes()[..], account.private_key.secret_bytes());
        }
    }
}

#[test]
fn secrets_are_not_printed() {
    let seed = Seed::from_words(BIP39[0].1, "").unwrap();
    let account = seed.account(Network::Bitcoin, 0).unwrap();
    let text = format!("{seed:?} {account:?}");
    let secret = hex::encode(*account.into_secret_key().dangerous_to_bytes());
    assert!(text.contains("73c5da0a") && text.contains("xpub"), "{text}");
    assert!(!text.contains(&secret) && !text.contains("abandon"), "{text}");
}

fn accounts() -> Vec<Account> {
    let seed = |number: u8| Seed::from_bytes(&[number; 32]).unwrap();
    (1..=3).map(|number| seed(number).account(Network::Signet, 5).unwrap()).collect()
}

#[test]
fn accounts_sign_in_files_for_both_orders_of_derivation() {
    for order in ["musig({0},{1},{2})/<0;1>/*", "musig({0}/<0;1>/*,{1}/<0;1>/*,{2}/<0;1>/*)"] {
        let accounts = accounts();
        let text = (0..).zip(&accounts).fold(format!("tr({order})"), |text, (number, account): (usize, _)| {
            text.replace(&format!("{{{number}}}"), &account.key_expression().to_string())
        });
        let group = motet_psbt::Group::new(text.parse().unwrap()).unwrap();
        let start = spend(&group, 2, 0, RBF);
        let plan = SpendPlan::new(&start, &group, PathId::Key, 5).unwrap();
        let mut pending = Vec::new();
        let mut files = Vec::new();
        for (number, account) in (0..).zip(&accounts) {
            let mut file = start.clone();
            let mut rng = ChaCha20Rng::from_seed([number; 32]);
            pending.push(plan.add_nonces(&mut file, &group, account, &mut rng).unwrap());
            files.push(file);
        }
        let mut file = RawPsbt::combine(&files).unwrap();
        for (account, nonces) in accounts.iter().zip(pending) {
            plan.sign(&mut file, &group, account, nonces).unwrap();
        }
        plan.finalize(&mut file).unwrap();
        let transaction = file.extract().unwrap();
        assert!(accepts(&transaction, &plan.prevouts, 0) && accepts(&transaction, &plan.prevouts, 1));
    }
}

#[test]
fn an_account_has_no_keys_of_other_members() {
    let [ann, bob, _] = accounts().try_into().unwrap();
    let bobs: &SingleKey = bob.key_expression();
    assert!(ann.secret_key(&bob.public_key(), bobs, &[]).is_none());
    assert!(ann.secret_key(&bob.public_key(), ann.key_expression(), &[]).is_none());
    assert!(ann.secret_key(&ann.public_key(), ann.key_expression(), &[]).is_some());
}
