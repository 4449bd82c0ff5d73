//! Text forms and links: one text a value, one value a text, and errors are found.

use motet_tests::wire_fixtures::{NOW, Session, Signer, advertisement, arrival, network, peer, validator};
use motet_tests::wire_forge::Forged;
use motet_wire::{
    Address, AdvertisementId, Arrival, AttemptId, Channel, Contact, Link, MessageId, NetworkId, Offer, PeerId,
    RequestId, RequestLink, TextError, TextForm, limits,
};
use proptest::prelude::*;

pub(crate) fn contact() -> Contact {
    Contact {
        network: network(),
        signer: Signer::new(1).key.public_key(),
        peer: Some(peer(1)),
        addresses: vec![
            Address::from_bytes(&[4, 203, 0, 113, 9, 6, 0x1f, 0x90]).unwrap(),
            Address::from_bytes(&[4, 203, 0, 113, 9, 0x91, 2, 0x1f, 0x90, 0xcd, 3]).unwrap(),
        ],
        name: "Anna".to_owned(),
    }
}

fn request_link() -> RequestLink {
    let session = Session::run(2);
    RequestLink {
        network: network(),
        request: session.request.id(&network()).unwrap(),
        creator: session.signer(0).key.public_key(),
        peer: None,
        addresses: Vec::new(),
    }
}

#[track_caller]
fn must_read_back<T: TextForm + PartialEq + std::fmt::Debug>(value: &T) -> String {
    let text = value.to_text();
    assert!(text.starts_with(T::PREFIX), "{text}");
    assert_eq!(T::from_text(&text).as_ref(), Ok(value));
    assert_eq!(T::from_text(&text.to_uppercase()).as_ref(), Ok(value));
    text
}

#[test]
fn keys_ids_and_advertisements_have_texts() {
    let signer = Signer::new(1);
    let key = must_read_back(&signer.key.public_key());
    assert_eq!(key.len(), 64);
    let link = request_link();
    assert_eq!(must_read_back(&link.request).len(), 63);
    must_read_back(&AttemptId::from_bytes([1; 32]));
    must_read_back(&AdvertisementId::from(MessageId::from_bytes([2; 32])));
    // What has one prefix is not taken for anything else.
    assert_eq!(AttemptId::from_text(&link.request.to_text()), Err(TextError::Prefix));
}

#[test]
fn an_advertisement_goes_through_the_pipeline_from_its_text() {
    let signer = Signer::new(1);
    let sealed = signer.seal(1, advertisement(&signer));
    let offer = Offer::new(&sealed.frame).unwrap();
    let text = must_read_back(&offer);
    assert!(text.len() < 1_023, "{}", text.len());
    let read = Offer::from_text(&text).unwrap();
    let arrival = Arrival { channel: Channel::Sync, ..arrival(read.frame()) };
    assert_eq!(validator().validate(arrival, NOW).unwrap().id(), sealed.id);
    let session = Session::run(2);
    assert_eq!(Offer::new(&session.joins[0].frame), None);
    // Up to the largest advertisement, and no byte more.
    let padded = |length: usize| {
        let offer = Forged::from(&sealed);
        offer.append_body(&vec![0; length - sealed.frame.len()]).frame()
    };
    must_read_back(&Offer::new(&padded(10_240)).unwrap());
    assert_eq!(Offer::new(&padded(10_241)), None);
}

#[test]
fn any_wrong_character_is_found() {
    let text = Signer::new(1).key.public_key().to_text();
    for position in 0..text.len() {
        for wrong in ['q', 'p', 'z', '7', 'l', '1', 'b', 'Q'] {
            let mut characters: Vec<char> = text.chars().collect();
            if characters[position] == wrong {
                continue;
            }
            characters[position] = wrong;
            let changed: String = characters.into_iter().collect();
            assert!(motet_core_crypto::PublicKey::from_text(&changed).is_err(), "{changed}");
        }
    }
    assert!(motet_core_crypto::PublicKey::from_text(&text[..63]).is_err());
    assert!(motet_core_crypto::PublicKey::from_text("").is_err());
    assert_eq!(motet_core_crypto::PublicKey::from_text(&"q".repeat(20_000)), Err(TextError::Length));
}

/// Bech32m as BIP-350 describes it, to make texts that the crate would not: any prefix, any groups of five bits.
fn bech32m(prefix: &str, groups: &[u8]) -> String {
    let alphabet = b"qpzry9x8gf2tvdw0s3jn54khce6mua7l";
    let generator = [0x3b6a_57b2u32, 0x2650_8e6d, 0x1ea1_19fa, 0x3d42_33dd, 0x2a14_62b3];
    let polymod = |values: &[u8]| {
        values.iter().fold(1u32, |check, value| {
            let top = check >> 25;
            let check = (check & 0x1ff_ffff) << 5 ^ u32::from(*value);
            (0..5).filter(|bit| top >> bit & 1 == 1).fold(check, |check, bit| check ^ generator[bit])
        })
    };
    let high = prefix.bytes().map(|byte| byte >> 5);
    let low = prefix.bytes().map(|byte| byte & 31);
    let head: Vec<u8> = high.chain([0]).chain(low).collect();
    let check = polymod(&[&head, groups, &[0; 6]].concat()) ^ 0x2bc8_30a3;
    let checksum = (0..6).map(|index| u8::try_from(check >> (5 * (5 - index)) & 31).unwrap());
    let text: String =
        groups.iter().copied().chain(checksum).map(|group| char::from(alphabet[usize::from(group)])).collect();
    format!("{prefix}1{text}")
}

/// Bytes as groups of five bits, with these bits as padding.
fn groups(bytes: &[u8], padding: u8) -> Vec<u8> {
    let mut bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    while !bits.len().is_multiple_of(5) {
        bits.push(padding);
    }
    bits.chunks(5).map(|group| group.iter().fold(0, |value, bit| value << 1 | bit)).collect()
}

#[test]
fn texts_are_bech32m_as_others_write_it() {
    let key = Signer::new(1).key.public_key();
    assert_eq!(key.to_text(), bech32m("mkey", &groups(&key.to_bytes(), 0)));
    assert_eq!(AdvertisementId::from(MessageId::from_bytes([2; 32])).to_text(), bech32m("madv", &groups(&[2; 32], 0)));
}

#[test]
fn what_is_wrong_with_a_text_is_told_apart() {
    let key = |text: &str| motet_core_crypto::PublicKey::from_text(text).unwrap_err();
    let sound = Signer::new(1).key.public_key().to_bytes();
    // Checksum: a wrong character, mixed case, a character too few, the constant of the older bech32.
    let text = bech32m("mkey", &groups(&sound, 0));
    assert_eq!(key(&text.replacen("mkey1", "mkex1", 1)), TextError::Checksum);
    assert_eq!(key(&text.replacen("mkey1", "MKEY1", 1)), TextError::Checksum);
    assert_eq!(key(&text[..text.len() - 1]), TextError::Checksum);
    assert_eq!(key("mkey"), TextError::Checksum);
    // Prefix: sound, and something else.
    assert_eq!(key(&bech32m("mkez", &groups(&sound, 0))), TextError::Prefix);
    // Content: no point, too short, too long, bits in the padding, a group too many.
    assert_eq!(key(&bech32m("mkey", &groups(&[5; 33], 0))), TextError::Content);
    assert_eq!(key(&bech32m("mkey", &groups(&sound[..32], 0))), TextError::Content);
    assert_eq!(key(&bech32m("mkey", &groups(&[&sound[..], &[0]].concat(), 0))), TextError::Content);
    assert_eq!(key(&bech32m("mkey", &groups(&sound, 1))), TextError::Content);
    assert_eq!(key(&bech32m("mkey", &[&groups(&sound, 0)[..], &[0]].concat())), TextError::Content);
    assert_eq!(RequestId::from_text(&bech32m("mreq", &groups(&[1; 31], 0))), Err(TextError::Content));
    assert_eq!(Offer::from_text(&bech32m("moffer", &groups(&[1; 300], 0))), Err(TextError::Content));
    // Length: not looked at any further.
    assert_eq!(key(&"q".repeat(20_000)), TextError::Length);
    // Each says something of its own.
    let errors = [TextError::Checksum, TextError::Prefix, TextError::Content, TextError::Length];
    let said: std::collections::BTreeSet<String> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(said.len(), errors.len());
}

#[test]
fn what_is_wrong_with_a_link_is_told_apart() {
    let link = |prefix: &str, bytes: &[u8]| format!("motet:{}", bech32m(prefix, &groups(bytes, 0))).parse::<Link>();
    let key = Signer::new(1).key.public_key().to_bytes();
    // A contact by hand: key, network, no peer, no addresses, no name.
    let contact = |key: &[u8], network: &[u8], tail: &[u8]| {
        let length = u32::try_from(network.len()).unwrap().to_le_bytes();
        [key, &length, network, tail].concat()
    };
    let tail = [0; 9];
    assert!(matches!(link("mcontact", &contact(&key, b"test", &tail)), Ok(Link::Contact(_))));
    assert_eq!(link("mrequest", &contact(&key, b"test", &tail)), Err(TextError::Content));
    assert_eq!(link("mcontact", &contact(&[5; 33], b"test", &tail)), Err(TextError::Content));
    assert_eq!(link("mcontact", &contact(&key, b"", &tail)), Err(TextError::Content));
    assert_eq!(link("mcontact", &contact(&key, &[b'x'; 33], &tail)), Err(TextError::Content));
    assert_eq!(link("mcontact", &contact(&key, b"a b", &tail)), Err(TextError::Content));
    assert_eq!(link("mcontact", &contact(&key, b"test", &[0; 10])), Err(TextError::Content));
    assert_eq!(link("mcontact", &contact(&key, b"test", &[0; 8])), Err(TextError::Content));
    assert_eq!(link("mcontact", &contact(&key, b"test", &[2, 0, 0, 0, 0, 0, 0, 0, 0])), Err(TextError::Content));
    assert_eq!(link("mcontact", &[]), Err(TextError::Content));
    assert_eq!(link("mcontac", &contact(&key, b"test", &tail)), Err(TextError::Prefix));
    let uri = Link::Request(request_link()).to_string();
    assert_eq!(uri.replacen("mrequest", "mcontact", 1).parse::<Link>(), Err(TextError::Checksum));
    assert_eq!(format!(" {uri}").parse::<Link>(), Err(TextError::Prefix));
    assert_eq!(format!("{uri} ").parse::<Link>(), Err(TextError::Checksum));
    assert_eq!(format!("motet:{}", "q".repeat(20_000)).parse::<Link>(), Err(TextError::Length));
}

#[test]
fn links_read_back_in_either_case() {
    for link in [Link::Contact(contact()), Link::Request(request_link())] {
        let uri = link.to_string();
        assert!(uri.starts_with("motet:m"), "{uri}");
        assert_eq!(uri.parse(), Ok(link.clone()));
        assert_eq!(link.to_qr().unwrap().parse(), Ok(link));
    }
}

#[test]
fn links_are_small_enough_for_codes() {
    let alphanumeric =
        |text: &str| text.bytes().all(|byte| b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:".contains(&byte));
    let contact = Link::Contact(contact()).to_qr().unwrap();
    let request = Link::Request(request_link()).to_qr().unwrap();
    assert!(alphanumeric(&contact) && alphanumeric(&request));
    // What codes hold at error correction M (ISO/IEC 18004, alphanumeric): version 8 (49 by 49) 221 characters, version 6
    // (41 by 41) 154, version 23 (109 by 109) 1,248.
    assert_eq!((contact.len(), request.len()), (218, 146));
    let largest = Contact {
        network: NetworkId::new(&"n".repeat(limits::NETWORK_ID)).unwrap(),
        signer: Signer::new(1).key.public_key(),
        peer: Some(PeerId::from_bytes(&[1; limits::PEER_ID]).unwrap()),
        addresses: vec![Address::from_bytes(&[1; limits::ADDRESS]).unwrap(); limits::LINK_ADDRESSES_MAX],
        name: "n".repeat(limits::NICKNAME),
    };
    let largest = Link::Contact(largest).to_qr().unwrap();
    assert!(alphanumeric(&largest) && largest.len() <= 1_248, "{}", largest.len());
}

#[test]
fn other_links_are_refused() {
    let uri = Link::Contact(contact()).to_string();
    assert_eq!(uri.replacen("motet:", "http:/", 1).parse::<Link>(), Err(TextError::Prefix));
    assert_eq!("motet:".parse::<Link>(), Err(TextError::Checksum));
    assert_eq!("".parse::<Link>(), Err(TextError::Prefix));
    let key = Signer::new(1).key.public_key().to_text();
    assert_eq!(format!("motet:{key}").parse::<Link>(), Err(TextError::Prefix));
    let mut crowded = contact();
    crowded.addresses = vec![Address::from_bytes(&[1]).unwrap(); 5];
    assert!(Link::Contact(crowded).to_uri().is_err());
}

proptest! {
    #[test]
    fn any_text_is_refused_or_read_in_one_way(text in "(motet:)?m[a-z]{3,8}1[qpzry9x8gf2tvdw0s3jn54khce6mua7l]{0,120}") {
        if let Ok(link) = text.parse::<Link>() {
            prop_assert_eq!(link.to_string(), text);
        }
    }

    #[test]
    fn any_frame_survives_its_text(tail in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        let signer = Signer::new(1);
        let sealed = signer.seal(1, advertisement(&signer));
        let mut frame = sealed.frame[..55].to_vec();
        frame[51..55].copy_from_slice(&u32::try_from(tail.len()).unwrap().to_le_bytes());
        frame.extend_from_slice(&tail);
        frame.extend_from_slice(&[0; 64]);
        let offer = Offer::new(&frame).unwrap();
        prop_assert_eq!(Offer::from_text(&offer.to_text()), Ok(offer));
    }
}
