//! Damaged files: every truncation and bit flip is an error or a valid reading, and never a panic.

use bitcoin::Sequence;
use motet_psbt::bip322::{Locks, message_psbt};
use motet_psbt::{Keychain, Location, MapId, ParseError, PathId, RawPsbt, Version};
use proptest::prelude::*;

use crate::signers::{group, plan, rng, sign_all, signers, spend};
use crate::vectors::{Case, load, section};

/// Distance of the places of a group's file that are damaged.
const GROUP_STEP: usize = 41;

/// One of so many files is damaged in each bit.
const THOROUGH: usize = 29;

/// All valid PSBTs of the BIPs, in both versions.
fn of_bips() -> Vec<Vec<u8>> {
    let mut cases = Vec::new();
    for bip in ["0174", "0370", "0371"] {
        cases.extend(section(&format!("bip-{bip}/psbt-vectors.json"), ""));
    }
    cases.extend(load("bip-0373/psbt-vectors.json")["valid"].as_array().unwrap().iter().map(Case::of));
    let valid: Vec<_> = cases.iter().filter_map(|case| case.parse().ok()).collect();
    let both = valid.iter().flat_map(|psbt| [Version::V0, Version::V2].map(|version| psbt.to_version(version)));
    both.flatten().map(|psbt| psbt.to_bytes()).collect()
}

/// PSBTs of groups in each stage between the first file and the final one, in both versions, and messages.
fn of_groups() -> Vec<Vec<u8>> {
    let all = signers(3);
    let texts = [
        ("tr(musig({0},{1})/<0;1>/*)", PathId::Key),
        ("rawtr(musig({0},{1})/<0;1>/*)", PathId::Key),
        ("tr(musig({0}/<0;1>/*,{1}/<0;1>/*))", PathId::Key),
        ("tr(musig({1},{2})/<0;1>/*,pk(musig({0},{1})/<0;1>/*))", PathId::Leaf(0)),
    ];
    let mut files = Vec::new();
    for (text, path) in texts {
        let group = group(text, &all);
        let script = group.output(Location { keychain: Keychain::RECEIVE, index: 1 }).unwrap().script;
        for version in [Version::V0, Version::V2] {
            let message = message_psbt(version, "hello", &script, Locks::NONE, &[]).unwrap();
            let payments =
                [(1, 0), (1, 1), (2, 0)].map(|(own, foreign)| spend(&group, own, foreign, Sequence::MAX, version));
            for start in payments.into_iter().chain([message]) {
                let plan = plan(&start, &group, path);
                let mut updated = start.clone();
                plan.update(&mut updated, &group).unwrap();
                let mut half = updated.clone();
                plan.add_nonces(&mut half, &group, &all[1], &mut rng(7)).unwrap();
                let signed = sign_all(&start, &group, path, &[&all[0], &all[1]]);
                let mut done = signed.clone();
                plan.finalize(&mut done).unwrap();
                files.extend([start, updated, half, signed, done].map(|psbt| psbt.to_bytes()));
            }
        }
    }
    files
}

/// Reads everything that can be read of a PSBT, and checks that it is written as it was read.
fn read_all(bytes: &[u8]) -> bool {
    let Ok(psbt) = RawPsbt::parse(bytes) else { return false };
    assert_eq!(psbt.to_bytes(), bytes);
    for (index, _) in psbt.inputs().iter().enumerate() {
        let input = psbt.input(index).unwrap();
        let count = input.origins().count() + input.leaf_scripts().count() + input.script_signatures().count();
        let musig = input.participants().count() + input.public_nonces().count() + input.partial_signatures().count();
        assert!(count + musig <= psbt.inputs()[index].len());
        assert!(input.sighash_type().is_ok() || psbt.inputs()[index].single(0x03).is_some());
        assert!(psbt.prevout(index).is_ok() || !input.is_final() || psbt.prevout(index).is_err());
    }
    for (id, map) in psbt.maps() {
        assert!(matches!(id, MapId::Global) || map.len() <= bytes.len());
    }
    if let Ok(changed) = psbt.to_version(Version::V2) {
        assert_eq!(RawPsbt::parse(&changed.to_bytes()), Ok(changed));
    }
    true
}

#[test]
fn every_truncation_is_an_error() {
    let (bips, groups) = (of_bips(), of_groups());
    assert!(bips.len() + groups.len() >= 200, "{} and {}", bips.len(), groups.len());
    // Points take time to read: of the files of groups, each one is cut at other places.
    for (number, (bytes, step)) in
        bips.iter().map(|bytes| (bytes, 1)).chain(groups.iter().map(|bytes| (bytes, GROUP_STEP))).enumerate()
    {
        assert!(read_all(bytes));
        for length in (number % step..bytes.len()).step_by(step) {
            assert!(!read_all(&bytes[..length]), "{length} of {} bytes are read", bytes.len());
        }
    }
}

#[test]
fn every_bit_flip_is_an_error_or_a_valid_reading() {
    let mut valid = 0;
    let files =
        of_bips().into_iter().map(|bytes| (bytes, 2)).chain(of_groups().into_iter().map(|bytes| (bytes, GROUP_STEP)));
    for (number, (mut bytes, step)) in files.enumerate() {
        // All eight bits of each byte in some files. In the others one bit of each place: the bits and places are spread over the files.
        let is_thorough = number % THOROUGH == 0 && bytes.len() < 500;
        let (step, bits) = if is_thorough { (1, 8) } else { (step, 1) };
        for place in (number % step..bytes.len()).step_by(step) {
            for bit in (0..bits).map(|bit| 1 << ((place / step + number + bit) % 8)) {
                bytes[place] ^= bit;
                valid += usize::from(read_all(&bytes));
                bytes[place] ^= bit;
            }
        }
    }
    assert!(valid > 1000, "most fields hold any bytes: {valid}");
}

proptest! {
    #[test]
    fn random_bytes_are_an_error_or_a_valid_reading(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        read_all(&[b"psbt\xff", &*bytes].concat());
        read_all(&bytes);
    }
}

#[test]
fn a_psbt_that_is_too_long_is_refused_before_it_is_read() {
    assert_eq!(
        RawPsbt::parse(&[&b"psbt\xff"[..], &[0; 1 << 20]].concat()),
        Err(ParseError::TooLong { found: (1 << 20) + 5 })
    );
    assert_eq!(RawPsbt::parse(&[b'c'; 1_400_000]), Err(ParseError::TooLong { found: 1_400_000 }));
}

#[test]
fn a_map_with_too_many_entries_is_refused() {
    let transaction = bitcoin::Transaction {
        version: bitcoin::transaction::Version::TWO,
        lock_time: bitcoin::absolute::LockTime::ZERO,
        input: vec![],
        output: vec![],
    };
    let head = RawPsbt::new(Version::V0, &transaction).to_bytes();
    let file = |count: u16| {
        let mut bytes = head[..head.len() - 1].to_vec();
        for number in 0..count {
            bytes.extend([3, 0x40]);
            bytes.extend(number.to_le_bytes());
            bytes.push(0);
        }
        bytes.push(0);
        bytes
    };
    assert_eq!(RawPsbt::parse(&file(9_999)).unwrap().global().len(), 10_000);
    assert_eq!(RawPsbt::parse(&file(10_000)), Err(ParseError::TooManyEntries { map: MapId::Global }));
}

#[test]
fn a_file_of_another_kind_is_named() {
    let hexadecimal = RawPsbt::parse(b"70736274FF01").unwrap_err();
    assert!(hexadecimal.to_string().contains("hexadecimal"), "{hexadecimal}");
    assert_eq!(RawPsbt::parse(b"cHNidP8BA!"), Err(ParseError::Base64));
    let case = &section("bip-0174/psbt-vectors.json", "are valid PSBTs")[0];
    let spaced = format!("\n {}\r\n", case.base64);
    assert_eq!(RawPsbt::parse(spaced.as_bytes()).unwrap(), case.accepted());
}
