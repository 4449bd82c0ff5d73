//! Proofs of misbehaviour: whoever was harmed has them, after a restart too, and anybody can check them.

use std::sync::Arc;

use motet_coordinator::event::{AbortCause, Event, Misbehaviour, Phase};
use motet_coordinator::{Command, Config, Record, Reply};
use motet_node::{Store, limits};
use motet_testkit::{Cluster, Forger};
use motet_wire::{Charge, Commitments, Evidence, NetworkId, RequestId};

use crate::kit::{announce, cluster_of};
use crate::session::{items, options};

/// Three signers, of whom the last forges.
fn forged() -> (Cluster, RequestId) {
    let mut cluster = cluster_of(3, 5, &Config::default());
    let honest = Arc::clone(&cluster.node(2).signers()[0]);
    cluster.node_mut(2).replace_signer(Forger(honest));
    cluster.advertise_all();
    let request = announce(&mut cluster, items(1), options(Commitments::On));
    cluster.settle();
    (cluster, request)
}

fn proofs(cluster: &mut Cluster, node: usize) -> Vec<Misbehaviour> {
    match cluster.command(node, Command::Proofs).unwrap() {
        Reply::Proofs(proofs) => proofs,
        other => panic!("{other:?}"),
    }
}

#[test]
fn whoever_was_harmed_has_one_proof_that_anybody_can_check() {
    let (mut cluster, request) = forged();
    let forger = cluster.key(2);
    for node in [0, 1] {
        let status = cluster.status(node, request).unwrap();
        assert_eq!(status.phase, Phase::Aborted);
        assert!(matches!(status.cause, Some(AbortCause::Convicted { culprit, .. }) if culprit == forger), "{status:?}");
        let [proof] = proofs(&mut cluster, node).try_into().unwrap();
        let told = cluster.node(node).events().iter().filter(|event| matches!(event, Event::MisbehaviourProven(_)));
        assert_eq!(told.collect::<Vec<_>>(), [&Event::MisbehaviourProven(proof.clone())]);
        assert_eq!((proof.request, proof.signer, proof.charge), (request, forger, Charge::BadPartialSignature));
        // A third party has the bytes and the name of the cluster.
        let conviction = Evidence::from_bytes(&proof.evidence).unwrap().verify(&NetworkId::test()).unwrap();
        assert_eq!((conviction.signer, conviction.charge), (forger, Charge::BadPartialSignature));
        assert!(Evidence::from_bytes(&proof.evidence).unwrap().verify(&NetworkId::main()).is_err());
    }
}

#[test]
fn a_proof_is_there_after_a_restart_and_is_not_told_again() {
    let (mut cluster, _) = forged();
    let before = proofs(&mut cluster, 0);
    cluster.restart(0);
    cluster.settle();
    assert_eq!(proofs(&mut cluster, 0), before);
    assert!(!cluster.node(0).events().iter().any(|event| matches!(event, Event::MisbehaviourProven(_))));
}

#[test]
fn bytes_in_the_store_that_convict_nobody_are_no_proof() {
    let (mut cluster, _) = forged();
    let stored = cluster.node(0).store().snapshot().proofs;
    let mut bytes = stored[0].to_vec();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    cluster.node_mut(0).store_mut().write(&Record::Proved { evidence: bytes.into() });
    cluster.restart(0);
    assert_eq!(proofs(&mut cluster, 0).len(), 1);
}

#[test]
fn the_oldest_proof_makes_room() {
    let folder = tempfile::tempdir().unwrap();
    let redb = motet_node::RedbStore::open(&folder.path().join("store")).unwrap();
    let stores: [&dyn Store; 2] = [&motet_node::MemoryStore::default(), &redb];
    for store in stores {
        let proof = |number: usize| Record::Proved { evidence: number.to_be_bytes().as_slice().into() };
        store.commit(&(0..=limits::PROOFS).map(proof).collect::<Vec<_>>()).unwrap();
        let kept = store.load().unwrap().proofs;
        assert_eq!(kept.len(), limits::PROOFS);
        assert_eq!(*kept[0], 1usize.to_be_bytes());
    }
}
