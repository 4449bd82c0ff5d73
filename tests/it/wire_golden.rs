//! The bytes of versions 1 and 2, captured: they never change.
//!
//! For each kind of message and of evidence there is a frame and what it says. Four readers must agree about it: the code, a
//! decoder that is generated from the tables of `docs/wire-format.md`, a decoder in Python written from that page, and the file.
//! After a change of the fixtures, `MOTET_BLESS=1 cargo test -p motet-tests wire_golden` writes the files anew; a change
//! of the format is a new version instead.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use motet_tests::wire_fixtures::{
    NOW, Session, Signer, arrival, equivocation, network, one_of_each, request_of_members, validator,
};
use motet_tests::wire_forge::Forged;
use motet_wire::{
    AbortSubject, Commitments, Delegation, Derivation, Election, Evidence, Holding, Item, Kind, Link, Message,
    SignerSet, SigningRequest, TextForm, Topology, Work, seal, transcript,
};
use serde_json::{Value, json};

use crate::wire_docs::{Schema, hex};

/// The table of the body of version 2.
pub(crate) const OF_MEMBERS: &str = "SigningRequest of version 2";

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("vectors/wire")
}

fn blessing() -> bool {
    std::env::var_os("MOTET_BLESS").is_some()
}

fn read(path: &str) -> String {
    fs::read_to_string(folder().join(path)).unwrap_or_else(|error| panic!("{path}: {error}")).trim_end().to_owned()
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// One piece of evidence for each charge.
fn evidence() -> Vec<(&'static str, &'static str, Evidence)> {
    let session = Session::run(2);
    let join = session.joins[1].frame.to_vec();
    let nonces_of =
        |item: usize| -> Vec<[u8; 66]> { session.public_nonces.iter().map(|nonces| nonces[item].to_bytes()).collect() };
    let malformed = Forged::from(&session.nonces[1]).set_body(40, &[0xff; 33]);
    let malformed = malformed.sign(&network(), &session.signer(1).message_key).frame().to_vec();
    vec![
        ("equivocation", "Equivocation", equivocation(&session)),
        (
            "bad_opening",
            "BadOpening",
            Evidence::BadOpening { join: join.clone(), commit: None, nonces: session.nonces[1].frame.to_vec() },
        ),
        (
            "bad_partial_signature",
            "BadPartialSignature",
            Evidence::BadPartialSignature {
                join: join.clone(),
                terms: session.request.terms().unwrap(),
                partials: session.partials[1].frame.to_vec(),
                item: 1,
                item_nonces: nonces_of(1),
                other_items: [0, 2].map(|item| transcript::item_nonces(&session.id, item, &nonces_of(item))).to_vec(),
            },
        ),
        ("malformed", "Malformed", Evidence::Malformed { binding: join.clone(), frame: malformed }),
        (
            "against_terms",
            "AgainstTerms",
            Evidence::AgainstTerms {
                join,
                terms: session.request.terms().unwrap(),
                share: Some(session.partials[1].frame.to_vec()),
            },
        ),
    ]
}

#[test]
fn messages_are_the_bytes_that_were_captured() {
    let schema = Schema::read();
    let mut sealed = one_of_each();
    assert_eq!(sealed.iter().map(|(_, sealed)| sealed.kind).collect::<Vec<_>>(), Kind::ALL);
    let signers: Vec<_> = (1..=3).map(Signer::new).collect();
    sealed.push(("signing_request_of_members", signers[0].seal(1_000, request_of_members(&signers))));
    for (name, sealed) in sealed {
        if blessing() {
            let said = validator().validate(arrival(sealed.frame.clone()), NOW).unwrap();
            let json = serde_json::to_string_pretty(&describe(said.message())).unwrap();
            fs::write(folder().join(format!("{name}.hex")), format!("{}\n", hex(&sealed.frame))).unwrap();
            fs::write(folder().join(format!("{name}.json")), format!("{json}\n")).unwrap();
        }
        let frame = unhex(&read(&format!("{name}.hex")));
        let expected: Value = serde_json::from_str(&read(&format!("{name}.json"))).unwrap();
        let validated = validator().validate(arrival(frame.clone()), NOW).unwrap();
        assert_eq!(describe(validated.message()), expected, "{name}: the code");

        let outer = schema.decode("Frame", &frame);
        let body = unhex(outer["body"].as_str().unwrap());
        let structure = if frame[0] == 2 { OF_MEMBERS } else { validated.kind().name() };
        assert_eq!(schema.decode(structure, &body), expected, "{name}: the document");
        assert_eq!(outer["sender"], json!(hex(&validated.sender().to_bytes())));
        assert_eq!(outer["sequence"], json!(validated.sequence()));
        assert_eq!(outer["timestamp"], json!(validated.timestamp().0));

        // The message encodes to the captured bytes, whoever signs it.
        let keys = (1..=3).map(Signer::new);
        let author = keys.into_iter().find(|signer| signer.message_key.public_key() == *validated.sender()).unwrap();
        let again = seal(
            &network(),
            &author.message_key,
            validated.sequence(),
            validated.timestamp(),
            validated.message(),
            &[0; 32],
        );
        let again = again.unwrap();
        assert_eq!(again.id, validated.id(), "{name}");
        assert_eq!(again.frame[..again.frame.len() - 64], frame[..frame.len() - 64], "{name}");
    }
}

#[test]
fn evidence_is_the_bytes_that_were_captured() {
    let schema = Schema::read();
    for (number, (name, structure, evidence)) in (1u8..).zip(evidence()) {
        let file = format!("evidence_{name}.hex");
        if blessing() {
            fs::write(folder().join(&file), format!("{}\n", hex(&evidence.to_bytes().unwrap()))).unwrap();
        }
        let bytes = unhex(&read(&file));
        assert_eq!(bytes[0], number);
        let read = Evidence::from_bytes(&bytes).unwrap();
        assert_eq!(read.to_bytes().unwrap(), bytes);
        let said = schema.decode(structure, &bytes[1..]);
        match read {
            Evidence::Equivocation { join, first, second } => {
                assert_eq!(said, json!({ "join": hex(&join), "first": hex(&first), "second": hex(&second) }));
            }
            Evidence::BadOpening { join, commit, nonces } => {
                let commit = maybe(commit.map(|frame| json!(hex(&frame))));
                assert_eq!(said, json!({ "join": hex(&join), "commit": commit, "nonces": hex(&nonces) }));
            }
            Evidence::BadPartialSignature { join, terms, partials, item, item_nonces, other_items } => {
                let nonces: Value = item_nonces.iter().map(|nonce| hex(nonce)).collect();
                let others: Value = other_items.iter().map(|hash| hex(hash)).collect();
                assert_eq!(
                    said,
                    json!({
                        "join": hex(&join), "terms": hex(&terms), "partials": hex(&partials), "item": item,
                        "item_nonces": nonces, "other_items": others,
                    })
                );
            }
            Evidence::Malformed { binding, frame } => {
                assert_eq!(said, json!({ "binding": hex(&binding), "frame": hex(&frame) }));
            }
            Evidence::AgainstTerms { join, terms, share } => {
                let share = maybe(share.map(|frame| json!(hex(&frame))));
                assert_eq!(said, json!({ "join": hex(&join), "terms": hex(&terms), "share": share }));
            }
        }
    }
}

#[test]
fn texts_are_what_was_captured() {
    let signer = Signer::new(1);
    let key = signer.key.public_key();
    let contact = crate::wire_text::contact();
    for (file, text) in [("text/key.txt", key.to_text()), ("text/contact.txt", Link::Contact(contact).to_string())] {
        if blessing() {
            fs::write(folder().join(file), format!("{text}\n")).unwrap();
        }
        assert_eq!(read(file), text);
    }
}

#[test]
fn a_decoder_written_from_the_document_alone_agrees() {
    let Ok(output) = Command::new("python3").arg(folder().join("decode.py")).arg(folder()).output() else {
        eprintln!("python3 is not here: the independent decoder was not run");
        return;
    };
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let said = String::from_utf8(output.stdout).unwrap();
    let schema = Schema::read();
    let (mut checked, mut charges, mut texts) = (0, 0, 0);
    for line in said.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let name = line["name"].as_str().unwrap();
        if let Some(charge) = line["charge"].as_str() {
            let bytes = unhex(&read(&format!("{name}.hex")));
            assert_eq!(line["evidence"], schema.decode(charge, &bytes[1..]), "{name}");
            charges += 1;
            continue;
        }
        if let Some(prefix) = line["prefix"].as_str() {
            assert_eq!(line["text"], described_text(&read(&format!("{name}.txt"))), "{prefix}");
            texts += 1;
            continue;
        }
        let expected: Value = serde_json::from_str(&read(&format!("{name}.json"))).unwrap();
        assert_eq!(line["body"], expected, "{name}");
        let frame = unhex(&read(&format!("{name}.hex")));
        let validated = validator().validate(arrival(frame), NOW).unwrap();
        assert_eq!(line["id"], json!(validated.id().to_string()), "{name}");
        assert_eq!(line["kind"], json!(validated.kind().name()), "{name}");
        if let Message::SigningRequest(request) = validated.message() {
            assert_eq!(line["request_id"], json!(request.id(&network()).unwrap().to_string()));
        }
        checked += 1;
    }
    assert_eq!((checked, charges, texts), (Kind::ALL.len() + 1, evidence().len(), 2));
}

/// What a key or a contact says, in the form of the decoder.
fn described_text(text: &str) -> Value {
    let Ok(link) = text.parse::<Link>() else {
        return json!({ "key": motet_core_crypto::PublicKey::from_text(text).unwrap().to_string() });
    };
    let Link::Contact(contact) = link else { panic!("{text}: there is no golden request link") };
    let addresses: Value = contact.addresses.iter().map(|address| hex(address.as_bytes())).collect();
    json!({
        "signer": contact.signer.to_string(),
        "place": {
            "network": contact.network.as_str(), "peer": maybe(contact.peer.map(|peer| json!(hex(peer.as_bytes())))),
            "addresses": addresses,
        },
        "name": contact.name,
    })
}

/// What a message says, in the form in which the tables of the document say it.
fn describe(message: &Message) -> Value {
    match message {
        Message::SignerAdvertisement(body) => json!({
            "delegation": delegation(&body.delegation),
            "addresses": body.addresses.iter().map(|address| hex(address.as_bytes())).collect::<Value>(),
            "transaction_types": body.criteria.transaction_types,
            "min_amount": body.criteria.min_amount, "max_amount": body.criteria.max_amount,
            "nickname": body.metadata.nickname, "description": body.metadata.description, "fee": body.metadata.fee,
            "created": body.created.0, "expires": body.expires.0, "work": work(&body.work),
        }),
        Message::SignerUnavailable(body) => json!({
            "delegation": delegation(&body.delegation), "advertisement": body.advertisement.to_string(),
            "reason": body.reason,
        }),
        Message::SigningRequest(body) => {
            let mut said = json!({
                "creator": delegation(&body.creator), "details": details(body), "work": maybe(body.work.as_ref().map(work)),
            });
            if let Some(Derivation::Members { paths, .. }) = body.items.first().map(|item| &item.derivation) {
                let code = |code: &Option<[u8; 32]>| maybe(code.map(|code| json!(hex(&code))));
                said["chain_codes"] = paths.chain_codes.iter().map(code).collect();
            }
            said
        }
        Message::ParticipantJoined(body) => json!({
            "request": body.request.to_string(), "index": body.index.0, "delegation": delegation(&body.delegation),
            "commitment": maybe(body.commitment.map(|commitment| json!(hex(&commitment.to_bytes())))),
        }),
        Message::ParticipantDeclined(body) => json!({
            "request": body.request.to_string(), "index": body.index.0, "delegation": delegation(&body.delegation),
            "reason": body.reason,
        }),
        Message::SessionReady(body) => json!({
            "request": body.request.to_string(), "session": body.session.to_string(), "coordinator": body.coordinator.0,
            "joins": frames(&body.joins),
        }),
        Message::NonceCommit(body) => json!({
            "session": body.session.to_string(), "attempt": body.attempt.0,
            "commitment": hex(&body.commitment.to_bytes()),
        }),
        Message::NonceShare(body) => json!({
            "session": body.session.to_string(), "attempt": body.attempt.0,
            "nonces": body.nonces.iter().map(|nonce| hex(&nonce.to_bytes())).collect::<Value>(),
            "commitments": body.commitments.to_string(),
        }),
        Message::PartialSigShare(body) => json!({
            "session": body.session.to_string(), "attempt": body.attempt.0,
            "partials": body.partials.iter().map(|partial| hex(&partial.to_bytes())).collect::<Value>(),
            "nonces": body.nonces.to_string(),
        }),
        Message::SignatureFinalized(body) => json!({
            "session": body.session.to_string(),
            "signatures": body.signatures.iter().map(|signature| hex(&signature.to_bytes())).collect::<Value>(),
        }),
        Message::SessionAbort(body) => {
            let (subject, id) = match body.subject {
                AbortSubject::Request(id) => (0, id.to_string()),
                AbortSubject::Session(id) => (1, id.to_string()),
            };
            let evidence = body.evidence.as_ref().map(|evidence| json!(hex(&evidence.to_bytes().unwrap())));
            json!({
                "subject": subject, "id": id, "code": body.reason.code.code(), "detail": body.reason.detail,
                "evidence": maybe(evidence),
            })
        }
        Message::SyncRequest(body) => json!({
            "request": body.request.to_string(), "attempt": body.attempt.0, "held_request": held(body.have.request),
            "joins": set(body.have.joins), "commitments": set(body.have.commitments), "nonces": set(body.have.nonces),
            "partials": set(body.have.partials), "held_outcome": held(body.have.outcome),
        }),
        Message::SyncResponse(body) => json!({ "request": body.request.to_string(), "frames": frames(&body.frames) }),
        Message::ResourceAnnouncement(body) => json!({
            "delegation": delegation(&body.delegation), "resource_type": body.resource_type, "id": body.id,
            "data": hex(&body.data), "created": body.created.0, "expires": body.expires.0, "work": work(&body.work),
        }),
        Message::ApplicationMessage(body) => json!({
            "delegation": delegation(&body.delegation), "peer": hex(body.peer.as_bytes()),
            "signer": maybe(body.signer.map(|signer| json!(signer.to_string()))), "application": body.application,
            "data": hex(&body.data),
        }),
    }
}

fn details(request: &SigningRequest) -> Value {
    json!({
        "keys": request.keys.iter().map(|key| hex(&key.to_bytes())).collect::<Value>(),
        "items": request.items.iter().map(item).collect::<Value>(),
        "commitments": match request.options.commitments {
            Commitments::Off => 0,
            Commitments::On => 1,
        },
        "election": match request.options.election {
            Election::Creator => 0,
            Election::Lexicographic => 1,
            Election::HashBased => 2,
            Election::First => 3,
            Election::Last => 4,
        },
        "topology": u8::from(request.options.topology != Topology::Mesh),
        "description": request.metadata.description, "transaction": hex(&request.metadata.transaction),
        "amount": maybe(request.metadata.amount.map(|amount| json!(amount))),
        "transaction_type": request.metadata.transaction_type,
        "created": request.created.0, "expires": request.expires.0, "salt": hex(&request.salt),
    })
}

fn item(item: &Item) -> Value {
    let root = |root: &Option<[u8; 32]>| json!([maybe(root.map(|root| json!(hex(&root))))]);
    let (path, taproot) = match &item.derivation {
        Derivation::None => (json!([]), Value::Null),
        Derivation::Taproot { merkle_root } => (json!([]), root(merkle_root)),
        Derivation::Bip328 { path } => (json!(path), Value::Null),
        Derivation::Bip328Taproot { path, merkle_root } => (json!(path), root(merkle_root)),
        Derivation::Members { paths, taproot } => {
            (json!(paths.path), maybe(taproot.map(|root| maybe(root.map(|root| json!(hex(&root)))))))
        }
        other => panic!("{other:?} is new"),
    };
    json!({ "message": hex(&item.message), "path": path, "taproot": taproot })
}

fn delegation(delegation: &Delegation) -> Value {
    json!({
        "signer": hex(&delegation.signer.to_bytes()), "message_key": hex(&delegation.message_key.to_bytes()),
        "peer": hex(delegation.peer.as_bytes()), "not_after": delegation.not_after.0,
        "signature": hex(&delegation.signature.to_bytes()),
    })
}

fn work(work: &Work) -> Value {
    json!({ "epoch": work.epoch, "nonce": work.nonce })
}

fn maybe(value: Option<Value>) -> Value {
    value.map_or(Value::Null, |value| json!([value]))
}

fn frames(frames: &[Vec<u8>]) -> Value {
    frames.iter().map(|frame| hex(frame)).collect()
}

fn set(set: SignerSet) -> String {
    hex(&set.bits().to_le_bytes())
}

fn held(holding: Holding) -> u8 {
    u8::from(holding == Holding::Held)
}
