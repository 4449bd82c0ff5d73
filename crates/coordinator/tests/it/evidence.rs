//! Proofs of misbehaviour: whoever was harmed has them, after a restart too, and anybody can check them.

use std::sync::Arc;

use motet_coordinator::event::{AbortCause, Event, Misbehaviour, Phase};
use motet_coordinator::{Command, Config, NonceId, Record, Reply, Signer, SignerError, SigningItem};
use motet_core_crypto::{PartialSignature, PublicKey, PublicNonce, Signature};
use motet_node::{Store, limits};
use motet_wire::{Charge, Commitments, Evidence, NetworkId, RequestId};

use crate::network::Network;
use crate::session::{items, options};

/// A signer that signs another message than it was asked to.
#[derive(Debug)]
struct Forger(Arc<dyn Signer>);

impl Signer for Forger {
    fn public_key(&self) -> PublicKey {
        self.0.public_key()
    }

    fn delegate(&self, digest: &[u8; 32]) -> Result<Signature, SignerError> {
        self.0.delegate(digest)
    }

    fn generate_nonces(&self, nonce_id: &NonceId, items: &[SigningItem]) -> Result<Vec<PublicNonce>, SignerError> {
        self.0.generate_nonces(nonce_id, items)
    }

    fn sign(
        &self,
        nonce_id: &NonceId,
        items: &[SigningItem],
        nonces: &[Vec<PublicNonce>],
    ) -> Result<Vec<PartialSignature>, SignerError> {
        let other = |item: &SigningItem| SigningItem { message: b"another".as_slice().into(), ..item.clone() };
        self.0.sign(nonce_id, &items.iter().map(other).collect::<Vec<_>>(), nonces)
    }

    fn forget(&self, nonce_id: &NonceId) {
        self.0.forget(nonce_id);
    }
}

/// Three signers, of whom the last forges.
fn forged() -> (Network, RequestId) {
    let mut network = Network::new(3, 5, &Config::default());
    let honest = Arc::clone(&network.nodes[2].signers[0]);
    network.nodes[2].signers = vec![Arc::new(Forger(honest))];
    network.advertise_all();
    let request = network.announce(items(1), options(Commitments::On));
    network.run();
    (network, request)
}

fn proofs(network: &mut Network, node: usize) -> Vec<Misbehaviour> {
    match network.command(node, Command::Proofs).unwrap() {
        Reply::Proofs(proofs) => proofs,
        other => panic!("{other:?}"),
    }
}

#[test]
fn whoever_was_harmed_has_one_proof_that_anybody_can_check() {
    let (mut network, request) = forged();
    let forger = network.key(2);
    for node in [0, 1] {
        let status = network.status(node, request);
        assert_eq!(status.phase, Phase::Aborted);
        assert!(matches!(status.cause, Some(AbortCause::Convicted { culprit, .. }) if culprit == forger), "{status:?}");
        let [proof] = proofs(&mut network, node).try_into().unwrap();
        let told = network.nodes[node].events.iter().filter(|event| matches!(event, Event::MisbehaviourProven(_)));
        assert_eq!(told.collect::<Vec<_>>(), [&Event::MisbehaviourProven(proof.clone())]);
        assert_eq!((proof.request, proof.signer, proof.charge), (request, forger, Charge::BadPartialSignature));
        // A third party has the bytes and the name of the network.
        let conviction = Evidence::from_bytes(&proof.evidence).unwrap().verify(&NetworkId::test()).unwrap();
        assert_eq!((conviction.signer, conviction.charge), (forger, Charge::BadPartialSignature));
        assert!(Evidence::from_bytes(&proof.evidence).unwrap().verify(&NetworkId::main()).is_err());
    }
}

#[test]
fn a_proof_is_there_after_a_restart_and_is_not_told_again() {
    let (mut network, _) = forged();
    let before = proofs(&mut network, 0);
    network.restart(0);
    network.run();
    assert_eq!(proofs(&mut network, 0), before);
    assert!(!network.nodes[0].events.iter().any(|event| matches!(event, Event::MisbehaviourProven(_))));
}

#[test]
fn bytes_in_the_store_that_convict_nobody_are_no_proof() {
    let (mut network, _) = forged();
    let stored = network.nodes[0].store.load().unwrap().proofs;
    let mut bytes = stored[0].to_vec();
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    network.nodes[0].store.commit(&[Record::Proved { evidence: bytes.into() }]).unwrap();
    network.restart(0);
    assert_eq!(proofs(&mut network, 0).len(), 1);
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
