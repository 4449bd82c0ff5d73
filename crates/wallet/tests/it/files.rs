//! The file of a group: what comes back is what went in, and nothing else is read.

use bitcoin::Network;
use motet_core_crypto::tagged_hash;
use motet_psbt::{Keychain, Location};
use motet_wallet::limits::GROUP_FILE_BYTES;
use motet_wallet::{DeviceKind, DeviceRegistration, GroupFileError, NameError, RegisteredGroup, RegistrationError};

use crate::people::{people, registered};

const TEXT: &str = "tr(musig({0},{1})/<0;1>/*,pk(musig({1},{2})/<0;1>/*))";

fn full() -> RegisteredGroup {
    let mut group = registered("Kasse Süd", TEXT, &people(3));
    for (number, name) in ["Ann", "Bob", ""].into_iter().enumerate() {
        group.name_member(number, name).unwrap();
    }
    group.set_own(1, true).unwrap();
    group.set_birthday(Some(1_796_000_000));
    let device = DeviceRegistration { member: 1, kind: DeviceKind::Ledger, policy_id: [7; 32], hmac: [8; 32] };
    group.add_device(device).unwrap();
    let words = group.id().words().join("  ").to_uppercase();
    group.confirm(&words).unwrap();
    group
}

/// The text with a checksum that fits.
fn sealed(body: &str) -> String {
    format!("{body}checksum: {}\n", hex::encode(tagged_hash("motet/group-file/v1", &[body.as_bytes()])))
}

#[test]
fn everything_but_secrets_comes_back_from_the_file() {
    let group = full();
    let text = group.to_text();
    let back = RegisteredGroup::restore(&text).unwrap();
    assert_eq!((back.id(), back.name(), back.network()), (group.id(), "Kasse Süd", Network::Signet));
    assert_eq!((back.members(), back.birthday(), back.devices()), (group.members(), group.birthday(), group.devices()));
    assert!(back.is_confirmed());
    assert_eq!(back.own_members().collect::<Vec<_>>(), [1]);
    assert_eq!(back.to_text(), text);
    // Line ends of other systems, and a lost end of the last line.
    for other in [text.replace('\n', "\r\n"), text.trim_end().to_owned()] {
        assert_eq!(RegisteredGroup::restore(&other).unwrap().to_text(), text);
    }
}

#[test]
fn the_file_begins_with_a_descriptor_record_that_other_wallets_import() {
    let group = full();
    let text = group.to_text();
    let lines: Vec<_> = text.lines().collect();
    let first = group.address(Location { keychain: Keychain::RECEIVE, index: 0 }).unwrap();
    assert_eq!(lines[0], "BSMS 1.0");
    let descriptor: motet_psbt::descriptor::Descriptor = lines[1].parse().unwrap();
    assert!(descriptor.had_checksum());
    assert_eq!(descriptor.to_string(), group.group().descriptor().to_string());
    assert_eq!((lines[2], lines[3]), ("No path restrictions", &*first.to_string()));
}

#[test]
fn a_file_from_another_member_confirms_nothing_and_owns_nothing() {
    for text in [full().to_shared_text(), full().to_text()] {
        let group = RegisteredGroup::import(&text).unwrap();
        assert!(!group.is_confirmed());
        assert_eq!((group.own_members().count(), group.devices().len()), (0, 0));
        assert_eq!(group.members()[0].name(), "Ann");
    }
    let shared = full().to_shared_text();
    assert!(!shared.contains("device") && !shared.contains("own "), "{shared}");
}

#[test]
fn every_change_of_one_character_is_noticed() {
    let text = full().to_text();
    for (place, character) in text.char_indices() {
        for other in ['x', '0', ' ', '\n'].into_iter().filter(|other| *other != character) {
            // The line end after the checksum may be missing.
            if place == text.len() - 1 && other != '\n' {
                continue;
            }
            let mut changed = text.clone();
            changed.replace_range(place..place + character.len_utf8(), &other.to_string());
            assert!(RegisteredGroup::restore(&changed).is_err(), "{place}: {changed}");
        }
        assert!(place == text.len() - 1 || RegisteredGroup::restore(&text[..place]).is_err(), "cut at {place}");
    }
}

#[test]
fn a_file_that_is_not_one_is_refused_for_its_own_reason() {
    let text = full().to_text();
    let body = &text[..text.find("checksum: ").unwrap()];
    let refused = |text: &str| RegisteredGroup::restore(text).map(|_| ()).unwrap_err();
    let line = |line, expected| GroupFileError::Line { line, expected };
    let with = |from: &str, to: &str| sealed(&body.replacen(from, to, 1));
    assert_eq!(refused(&"x".repeat(GROUP_FILE_BYTES + 1)), GroupFileError::TooLong { found: GROUP_FILE_BYTES + 1 });
    assert_eq!(refused(""), line(0, "BSMS 1.0"));
    assert_eq!(refused(&with("motet-group: 1", "motet-group: 2")), GroupFileError::Version { line: 5 });
    assert_eq!(refused(&with("network: signet", "network: lunarnet")), line(6, "the name of a network"));
    let unknown = "a known field, or checksum: with 64 hexadecimal digits";
    assert_eq!(refused(&sealed(&format!("{body}colour: red\n"))), line(14, unknown));
    assert_eq!(refused(&with("confirmed: yes", "confirmed: maybe")), line(8, "confirmed: yes, or no"));
    assert_eq!(refused(&with("birthday: 1796", "birthday: 01796")), line(9, "seconds since 1970"));
    assert_eq!(refused(&with("member: other\n", "")), GroupFileError::Members { found: 2, expected: 3 });
    assert_eq!(refused(&with("member: own", "member: mine")), line(11, "member: own NAME, or other NAME"));
    let device = "device: MEMBER ledger POLICY_ID HMAC, the last two with 64 hexadecimal digits each";
    assert_eq!(refused(&with("ledger 07", "ledger 0707")), line(13, device));
    let far = RegistrationError::NoMember { number: 9, count: 3 };
    assert_eq!(refused(&with("device: 1", "device: 9")), GroupFileError::Registration(far));
    let hidden = RegistrationError::Name(NameError::Character { character: '\u{202e}' });
    assert_eq!(refused(&with("name: Kasse", "name: \u{202e}")), GroupFileError::Registration(hidden));
    assert_eq!(refused(&format!("{text}more\n")), GroupFileError::Checksum);
    assert_eq!(refused(&sealed(&text)), line(15, "the end of the file"));
    assert_eq!(refused(&format!("{body}checksum: {}\n", "0".repeat(64))), GroupFileError::Checksum);
    let other = registered("Other", "tr(musig({0},{2})/<0;1>/*)", &people(3));
    let address = |group: &RegisteredGroup| group.to_text().lines().nth(3).unwrap().to_owned();
    assert_eq!(refused(&with(&address(&full()), &address(&other))), GroupFileError::Address);
    // The words that the program writes for people are not confused with what it reads.
    let without = text.lines().nth(1).unwrap().split('#').next().unwrap().to_owned();
    let with_checksum = text.lines().nth(1).unwrap();
    assert_eq!(refused(&with(with_checksum, &without)), line(2, "a descriptor with its checksum"));
    assert!(matches!(refused(&with("network: signet", "network: bitcoin")), GroupFileError::Registration(_)));
}
