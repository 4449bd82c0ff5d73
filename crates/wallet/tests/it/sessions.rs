//! From a PSBT to a transaction that Bitcoin's consensus code accepts, with the signatures of whole sessions in between.

use core::time::Duration;
use std::collections::BTreeMap;

use bitcoin::bip32::{ChainCode, ChildNumber, Fingerprint, Xpub};
use bitcoin::{NetworkKind, Sequence, Transaction};
use motet_coordinator::{Audience, Command, CommandError, Config, Decision, Reply, Route, SigningRequestSpec};
use motet_core_crypto::{PublicKey, Signature};
use motet_psbt::{FinalizeError, Key, MapId, PathId, RawPsbt};
use motet_testkit::Cluster;
use motet_wallet::{CompleteError, Completed, RegisteredGroup, Registry, check, complete};
use motet_wire::RequestOptions;

use crate::spends::{RBF, accepts, output, proposal, psbt, registry, script, spend, stranger};

/// The members of a group are the nodes of a cluster.
struct Members {
    cluster: Cluster,
    group: RegisteredGroup,
    keys: BTreeMap<PublicKey, usize>,
}

impl Members {
    /// A group in whose descriptor `{0}`, `{1}`, .. are the nodes' keys.
    fn new(count: usize, text: impl Fn(&[String]) -> String) -> Self {
        let config = Config::default();
        let mut cluster = Cluster::with_config(count, 7, &config);
        let xpub = |node: usize| {
            let xpub = Xpub {
                network: NetworkKind::Test,
                depth: 0,
                parent_fingerprint: Fingerprint::default(),
                child_number: ChildNumber::from(0),
                public_key: bitcoin::secp256k1::PublicKey::from_slice(&cluster.key(node).to_bytes()).unwrap(),
                // Aggregates are derived with a chain code of their own (BIP-328).
                chain_code: ChainCode::from([7; 32]),
            };
            xpub.to_string()
        };
        let texts: Vec<String> = (0..count).map(xpub).collect();
        let descriptor = text(&texts).parse().unwrap();
        let mut group = RegisteredGroup::new("group", bitcoin::Network::Signet, descriptor).unwrap();
        let words = group.id().words().join(" ");
        group.confirm(&words).unwrap();
        let keys = (0..count).map(|node| (cluster.key(node), node)).collect();
        let registries = registry(&group);
        cluster.set_policy(move |_, proposal| Some(decision(&registries, proposal)));
        cluster.advertise_all();
        Self { cluster, group, keys }
    }

    /// A session for a PSBT. The result has the signatures, in the order of the items.
    fn sign(&mut self, psbt: &RawPsbt, path: PathId) -> Vec<Signature> {
        let made = proposal(psbt, &self.group, path);
        let creator = self.keys[&made.keys[0]];
        let request = SigningRequestSpec {
            creator: made.keys[0],
            keys: made.keys,
            items: made.items,
            options: RequestOptions::default(),
            metadata: made.metadata,
            lifetime: Duration::from_secs(600),
        };
        // Requests of groups are private.
        let others = self.keys.iter().filter(|(_, node)| **node != creator);
        let route = |node: usize| Route { peer: self.cluster.node(node).peer(), addresses: Vec::new() };
        let audience = Audience::Members(others.map(|(key, node)| (*key, route(*node))).collect());
        let reply = self.cluster.command(creator, Command::AnnounceTo(request, audience));
        let Ok(Reply::Announced { request, .. }) = reply else { panic!("{reply:?}") };
        self.cluster.settle();
        let completed = self.cluster.node(creator).completed(request).unwrap();
        completed.items.iter().map(|item| item.signature).collect()
    }

    /// A session, and the transaction that comes of it.
    fn finish(&mut self, psbt: &RawPsbt, path: PathId) -> Transaction {
        let signatures = self.sign(psbt, path);
        let Completed { psbt, transaction } = complete(psbt, &self.group, path, 0, &signatures).unwrap();
        let transaction = transaction.unwrap();
        let prevouts = psbt.prevouts().unwrap();
        for input in 0..prevouts.len() {
            assert!(accepts(&transaction, &prevouts, input), "input {input}");
        }
        transaction
    }
}

fn decision(registry: &Registry, proposal: &motet_coordinator::Proposal) -> Decision {
    match check(&proposal.terms, registry) {
        Ok(verified) if verified.keys() == proposal.keys => Decision::Approve,
        Ok(_) => Decision::Decline { reason: "E_KEY".to_owned() },
        Err(mismatch) => Decision::Decline { reason: mismatch.reason() },
    }
}

fn key_path(keys: &[String]) -> String {
    format!("tr(musig({})/<0;1>/*)", keys.join(","))
}

#[test]
fn groups_of_2_3_and_15_spend_by_the_key_path() {
    for count in [2, 3, 15] {
        let mut members = Members::new(count, key_path);
        let source = spend(members.group.group(), 2, 0, RBF);
        let transaction = members.finish(&source, PathId::Key);
        assert_eq!(transaction.input[0].witness.iter().map(<[u8]>::len).collect::<Vec<_>>(), [64]);
    }
}

#[test]
fn members_whose_keys_are_derived_first_spend_by_the_key_path_and_by_a_leaf() {
    for count in [2, 3, 15] {
        let mut members = Members::new(count, |keys| {
            let derived: Vec<_> = keys.iter().map(|key| format!("{key}/<0;1>/*")).collect();
            format!("tr(musig({}),pk(musig({})))", derived.join(","), derived[..2].join(","))
        });
        let source = spend(members.group.group(), 5, 0, RBF);
        assert_eq!(members.finish(&source, PathId::Key).input[4].witness.len(), 1);
        assert_eq!(members.finish(&source, PathId::Leaf(0)).input[4].witness.len(), 3);
    }
}

#[test]
fn chain_codes_are_sent_to_members_alone() {
    let mut members = Members::new(2, |keys| format!("tr(musig({0}/<0;1>/*,{1}/<0;1>/*))", keys[0], keys[1]));
    let made = proposal(&spend(members.group.group(), 1, 0, RBF), &members.group, PathId::Key);
    let request = SigningRequestSpec {
        creator: made.keys[0],
        keys: made.keys.clone(),
        items: made.items,
        options: RequestOptions::default(),
        metadata: made.metadata,
        lifetime: Duration::from_secs(600),
    };
    let creator = members.keys[&made.keys[0]];
    assert_eq!(members.cluster.announce_request(creator, request).unwrap_err(), CommandError::NotPrivate);
}

#[test]
fn all_members_but_one_spend_by_a_leaf_with_a_timelock() {
    for count in [3, 15] {
        let mut members = Members::new(count, |keys| {
            let leaf = keys[1..].join(",");
            format!("tr(musig({})/<0;1>/*,and_v(v:pk(musig({leaf})/<0;1>/*),older(144)))", keys.join(","))
        });
        let source = spend(members.group.group(), 2, 0, Sequence::from_height(144));
        let transaction = members.finish(&source, PathId::Leaf(0));
        assert_eq!(transaction.input[1].witness.len(), 3);
    }
}

#[test]
fn a_leaf_that_needs_two_signatures_of_the_same_members_gets_both() {
    let mut members = Members::new(2, |keys| {
        let both = keys.join(",");
        format!("tr({}/9/*,and_v(v:pk(musig({both})/<0;1>/*),pk(musig({both})/<2;3>/*)))", keys[0])
    });
    let source = spend(members.group.group(), 2, 0, RBF);
    let transaction = members.finish(&source, PathId::Leaf(0));
    assert_eq!(transaction.input[0].witness.len(), 4);
}

#[test]
fn one_and_sixty_four_inputs_are_signed_in_one_session() {
    for count in [1, 64] {
        let mut members = Members::new(2, key_path);
        let source = spend(members.group.group(), count, 0, RBF);
        assert_eq!(members.finish(&source, PathId::Key).input.len(), count);
    }
}

#[test]
fn every_defined_sighash_type_is_signed_as_the_psbt_asks() {
    let mut members = Members::new(2, key_path);
    let mut source = spend(members.group.group(), 2, 0, RBF);
    source.set(MapId::Input(0), Key::new(0x03, &[]), vec![1, 0, 0, 0]).unwrap();
    source.set(MapId::Input(1), Key::new(0x03, &[]), vec![0x83, 0, 0, 0]).unwrap();
    let transaction = members.finish(&source, PathId::Key);
    assert_eq!(transaction.input[1].witness[0][64], 0x83);
}

#[test]
fn inputs_of_others_are_left_to_them() {
    let mut members = Members::new(2, key_path);
    let source = spend(members.group.group(), 1, 1, RBF);
    let signatures = members.sign(&source, PathId::Key);
    let done = complete(&source, &members.group, PathId::Key, 0, &signatures).unwrap();
    assert!(done.transaction.is_none());
    let mut psbt = done.psbt;
    // The other owner's wallet adds its witness.
    psbt.set(MapId::Input(1), Key::new(0x08, &[]), vec![1, 1, 0]).unwrap();
    let transaction = psbt.extract().unwrap();
    assert!(accepts(&transaction, &psbt.prevouts().unwrap(), 0));
}

#[test]
fn signatures_of_another_transaction_complete_nothing() {
    let mut members = Members::new(2, key_path);
    let source = spend(members.group.group(), 2, 0, RBF);
    let signatures = members.sign(&source, PathId::Key);
    let completed = |psbt: &RawPsbt, signatures: &[Signature]| {
        complete(psbt, &members.group, PathId::Key, 0, signatures).map(|_| ()).unwrap_err()
    };
    let other = psbt(&source.prevouts().unwrap(), vec![output(60_001, stranger())], RBF);
    let invalid = CompleteError::Finalize(FinalizeError::Signature { input: 0 });
    assert_eq!(completed(&other, &signatures), invalid);
    let mut swapped = signatures.clone();
    swapped.swap(0, 1);
    assert_eq!(completed(&source, &swapped), invalid);
    let few = CompleteError::Finalize(FinalizeError::Count { found: 1, expected: 2 });
    assert_eq!(completed(&source, &signatures[..1]), few);
}

#[test]
fn a_lying_creator_gets_no_signature_from_anybody() {
    let mut members = Members::new(3, key_path);
    let source = spend(members.group.group(), 1, 0, RBF);
    let made = proposal(&source, &members.group, PathId::Key);
    let stolen = psbt(&[output(100_000, script(members.group.group(), 0, 0))], vec![output(99_000, stranger())], RBF);
    let creator = members.keys[&made.keys[0]];
    let mut request = SigningRequestSpec {
        creator: made.keys[0],
        keys: made.keys,
        // The hash of another transaction than the one that is shown.
        items: proposal(&stolen, &members.group, PathId::Key).items,
        options: RequestOptions::default(),
        metadata: made.metadata,
        lifetime: Duration::from_secs(60),
    };
    // Then without any transaction, as a plain message.
    for _ in 0..2 {
        let id = members.cluster.announce_request(creator, request.clone()).unwrap();
        members.cluster.settle();
        assert!(members.cluster.signature(id).is_none());
        request.metadata = motet_wire::RequestMetadata::default();
    }
    let reasons = members.cluster.events(creator, |event| match event {
        motet_coordinator::event::Event::ParticipantDeclined { reason, .. } => Some(reason.clone()),
        _ => None,
    });
    assert!(reasons.contains(&"E_SIGHASH".to_owned()) && reasons.contains(&"E_TYPE".to_owned()), "{reasons:?}");
}
