//! Fuzz targets of the wire format, as functions: libFuzzer calls them with what it invents (`tests/fuzz`), an ordinary
//! test with what it once found interesting (`tests/fuzz/corpus`).
//!
//! A random frame is never signed, so that a fuzzer alone would see only the first stages. [`body`] signs what it is
//! given, with keys that the fixtures' delegations are for, so that everything behind the signature is reached as well.

#![expect(clippy::panic, clippy::expect_used, reason = "a broken promise has to stop the fuzzer")]

use std::collections::BTreeSet;
use std::sync::{Arc, LazyLock};

use motet_wire::{
    Arrival, Channel, Evidence, Kind, Link, MonotonicMs, NetworkGroup, Now, Offer, PeerClass, Rule, TextForm,
    TimestampMs, Verdict, seal,
};

use crate::wire_fixtures::{NOW, Session, Signer, arrival, network, one_of_each, peer, validator};
use crate::wire_forge::Forged;

static FRAMES: LazyLock<Vec<Arc<[u8]>>> =
    LazyLock::new(|| one_of_each().into_iter().map(|(_, sealed)| sealed.frame).collect());
static SIGNERS: LazyLock<Vec<Signer>> = LazyLock::new(|| (1..=3).map(Signer::new).collect());
static GUILTY: LazyLock<Vec<[u8; 33]>> =
    LazyLock::new(|| Session::run(3).signers.iter().map(|signer| signer.key.public_key().to_bytes()).collect());

/// Any bytes as a frame: the pipeline neither panics nor believes them. The first byte chooses the channel.
pub fn frame(data: &[u8]) {
    let Some((choice, frame)) = data.split_first() else { return };
    let arrival = Arrival { channel: channel(*choice), ..arrival(frame) };
    if let Ok(validated) = validator().validate(arrival, NOW) {
        // Nobody but the fixtures' signers can sign, and the fixtures are in the corpus.
        let known = SIGNERS.iter().any(|signer| signer.message_key.public_key() == *validated.sender());
        assert!(known, "a frame that nobody signed was believed");
    }
}

/// Any bytes as a signed body: what is accepted encodes to the same bytes. The first byte chooses the kind, the second
/// the signer.
pub fn body(data: &[u8]) {
    let [code, who, body @ ..] = data else { return };
    let Some(kind) = Kind::from_code(code % 16) else { return };
    let signers = &*SIGNERS;
    let Some(signer) = signers.get(usize::from(*who) % signers.len()) else { return };
    let forged = Forged::around(kind.code(), &signer.message_key, 1, NOW.wall.0, body);
    // The signature is costly: first see whether anybody would look at it.
    if validator().admit(arrival(forged.frame()), NOW).is_err() {
        return;
    }
    let signed = forged.sign(&network(), &signer.message_key);
    let validated = match validator().validate(arrival(signed.frame()), NOW) {
        Ok(validated) => validated,
        Err(rejection) => {
            let expected = matches!(rejection.rule, Rule::DelegationSignature | Rule::Points);
            assert!(expected, "a signed message that was admitted broke {rejection}");
            return;
        }
    };
    let message = validated.message();
    let again = seal(&network(), &signer.message_key, 1, TimestampMs(NOW.wall.0), message, &[0; 32]);
    let again = again.unwrap_or_else(|error| panic!("what was accepted cannot be sealed: {error}"));
    assert_eq!(again.id, validated.id(), "what was accepted encodes to other bytes");
}

/// A run of arrivals at one validator, each of eight bytes: which sound frame, changed where and how, over which channel, from
/// whom, and how much later.
pub fn pipeline(data: &[u8]) {
    let mut validator = validator();
    let mut believed = BTreeSet::new();
    let (mut mono, mut accepted, mut refused) = (NOW.mono.0, 0u64, 0u64);
    for step in data.chunks_exact(8) {
        let [which, at_high, at_low, flip, way, from, standing, pause] = *step else { return };
        let frames = &*FRAMES;
        let Some(sound) = frames.get(usize::from(which) % frames.len()) else { return };
        let mut frame = sound.to_vec();
        let at = usize::from(u16::from_be_bytes([at_high, at_low])) % frame.len();
        if let Some(byte) = frame.get_mut(at) {
            *byte ^= flip;
        }
        mono += u64::from(pause) * u64::from(pause) * 10;
        let now = Now { wall: TimestampMs(NOW.wall.0 + (mono - NOW.mono.0)), mono: MonotonicMs(mono) };
        let channel = channel(way);
        let standing = match standing % 4 {
            0 => PeerClass::Participant { sessions: 3 },
            1 => PeerClass::Contact,
            _ => PeerClass::Stranger,
        };
        let arrival = Arrival { channel, from: peer(u64::from(from % 8)), ..arrival(frame) }
            .group(NetworkGroup::V4([from % 3, 0, 0]))
            .standing(standing, standing);
        match validator.validate(arrival, now) {
            Ok(validated) => {
                accepted += 1;
                assert_eq!(flip, 0, "a changed frame was believed");
                let pushed = matches!(channel, Channel::Gossip | Channel::Direct);
                let first = believed.insert(validated.id());
                // Two generations of ten minutes: what is older than that may be forgotten.
                assert!(first || !pushed || mono > NOW.mono.0 + 600_000, "a message was believed twice");
            }
            Err(rejection) => {
                refused += 1;
                let blameless = flip == 0 && rejection.rule != Rule::Channel;
                assert!(!blameless || rejection.verdict != Verdict::Reject, "a sound frame was rejected: {rejection}");
            }
        }
    }
    assert_eq!(validator.accepted(), accepted);
    assert_eq!(validator.counts().iter().map(|(_, count)| count).sum::<u64>(), refused);
}

/// Any bytes as evidence: it encodes to the same bytes, and convicts only signers of the fixtures.
pub fn evidence(data: &[u8]) {
    let Ok(evidence) = Evidence::from_bytes(data) else { return };
    let again = evidence.to_bytes().expect("what was decoded is within its bounds");
    assert_eq!(again, data, "evidence encodes to other bytes");
    if let Ok(conviction) = evidence.verify(&network()) {
        // The corpus holds evidence against the second signer; nothing that is made of it may convict the others.
        let position = GUILTY.iter().position(|key| *key == conviction.signer.to_bytes());
        assert_eq!(position, Some(1), "an innocent was convicted");
    }
}

/// Any text as a link, a key, an id, an advertisement: it reads in one way.
pub fn text(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Ok(link) = text.parse::<Link>() {
        let again = link.to_uri().expect("what was read is within its bounds");
        assert!(again.eq_ignore_ascii_case(text), "a link has two texts");
    }
    one_text::<motet_core_crypto::PublicKey>(text);
    one_text::<motet_wire::RequestId>(text);
    one_text::<motet_wire::AttemptId>(text);
    one_text::<motet_wire::AdvertisementId>(text);
    one_text::<Offer>(text);
}

fn one_text<T: TextForm>(text: &str) {
    if let Ok(value) = T::from_text(text) {
        assert!(value.to_text().eq_ignore_ascii_case(text), "a value has two texts");
    }
}

const fn channel(choice: u8) -> Channel {
    match choice % 6 {
        0 => Channel::Direct,
        1 => Channel::Gossip,
        2 => Channel::Dht,
        3 => Channel::Sync,
        4 => Channel::Own,
        _ => Channel::Store,
    }
}

/// A target: its name, and what it does with some bytes.
pub type Target = (&'static str, fn(&[u8]));

/// All targets, by the names of their folders.
pub const TARGETS: [Target; 5] = [
    ("wire_frame", frame),
    ("wire_body", body),
    ("wire_pipeline", pipeline),
    ("wire_evidence", evidence),
    ("wire_text", text),
];

/// What the corpora start from: sound inputs for a target.
pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    let frames = one_of_each().into_iter().map(|(_, sealed)| sealed);
    match target {
        "wire_frame" => frames
            .map(|sealed| {
                // A resource is read from the DHT, all others come directly.
                let way = if sealed.kind == Kind::ResourceAnnouncement { 2 } else { 0 };
                [&[way], &*sealed.frame].concat()
            })
            .collect(),
        "wire_body" => frames
            .map(|sealed| {
                let forged = Forged::from(&sealed);
                let sender = motet_wire::peek(&sealed.frame).expect("a sound frame").sender;
                let who = SIGNERS.iter().position(|signer| signer.message_key.public_key().to_bytes() == sender);
                let who = u8::try_from(who.expect("a signer of the fixtures")).expect("one of three");
                [&[sealed.kind.code(), who], forged.body()].concat()
            })
            .collect(),
        "wire_pipeline" => (0..15u8)
            .map(|which| {
                let step = |flip, way, from, pause| [which, 0, 60, flip, way, from, from, pause];
                [step(0, 0, 0, 0), step(0, 1, 1, 1), step(1, 0, 2, 0), step(1, 0, 2, 0), step(0, 3, 3, 255)].concat()
            })
            .collect(),
        "wire_evidence" => {
            let session = Session::run(3);
            vec![crate::wire_fixtures::equivocation(&session).to_bytes().expect("within bounds")]
        }
        "wire_text" => {
            let signer = Signer::new(1);
            let offer = signer.seal(1, crate::wire_fixtures::advertisement(&signer));
            let contact = motet_wire::Contact {
                network: network(),
                signer: signer.key.public_key(),
                peer: Some(peer(1)),
                addresses: vec![motet_wire::Address::from_bytes(&[4, 127, 0, 0, 1, 6, 1, 1]).expect("8 bytes")],
                name: "Anna".to_owned(),
            };
            let texts = [
                signer.key.public_key().to_text(),
                Offer::new(&offer.frame).expect("an advertisement").to_text(),
                Link::Contact(contact).to_uri().expect("within bounds"),
                motet_wire::RequestId::from_bytes([1; 32]).to_text(),
            ];
            texts.into_iter().map(String::into_bytes).collect()
        }
        other => panic!("there is no target {other}"),
    }
}
