//! The `schnorr_fun` crate. Its session start aggregates the nonces, so that its `sign` covers that as well.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a session that cannot be set up cannot be measured")]

use super::{MESSAGE, Operation, Peer, nonce_seed, secret_keys};
use rand_chacha_03::ChaCha20Rng;
use schnorr_fun::binonce::{Nonce, NonceKeyPair};
use schnorr_fun::fun::KeyPair;
use schnorr_fun::fun::marker::{EvenY, Public, Zero};
use schnorr_fun::fun::nonce::Deterministic;
use schnorr_fun::fun::{Point, Scalar};
use schnorr_fun::musig::{AggKey, MuSig, SignSession, new_with_deterministic_nonces};
use schnorr_fun::{Message, Signature};
use sha2_010::Sha256;
use std::hint::black_box;
use std::time::{Duration, Instant};

type Partial = Scalar<Public, Zero>;

/// A session of the `schnorr_fun` crate.
#[expect(missing_debug_implementations, reason = "the library's context has none")]
pub struct SchnorrFun {
    musig: MuSig<Sha256, Deterministic<Sha256>>,
    own: KeyPair,
    key_bytes: Vec<[u8; 33]>,
    nonce_bytes: Vec<[u8; 66]>,
    partial_bytes: Vec<[u8; 32]>,
    keys: Vec<Point>,
    nonces: Vec<Nonce>,
    partials: Vec<Partial>,
    aggregate: AggKey<EvenY>,
    session: SignSession,
    signature: Signature,
}

fn message() -> Message<'static> {
    Message::raw(&MESSAGE)
}

impl SchnorrFun {
    /// Sets the session up.
    pub fn new(signers: usize) -> Self {
        let musig = new_with_deterministic_nonces::<Sha256>();
        let keypairs: Vec<KeyPair> = secret_keys(signers)
            .into_iter()
            .map(|bytes| {
                let secret: Scalar = Scalar::from_bytes(bytes).and_then(|scalar| scalar.non_zero()).expect("valid key");
                musig.new_keypair(secret)
            })
            .collect();
        let keys: Vec<Point> = keypairs.iter().map(KeyPair::public_key).collect();
        let aggregate = musig.new_agg_key(keys.clone()).into_xonly_key();
        let pairs: Vec<NonceKeyPair> = keypairs
            .iter()
            .enumerate()
            .map(|(index, keypair)| {
                let mut rng: ChaCha20Rng = musig.seed_nonce_rng(&aggregate, keypair.secret_key(), &nonce_seed(index));
                musig.gen_nonce(&mut rng)
            })
            .collect();
        let nonces: Vec<Nonce> = pairs.iter().map(NonceKeyPair::public).collect();
        let session = musig.start_sign_session(&aggregate, nonces.clone(), message());
        let partials: Vec<Partial> = pairs
            .iter()
            .zip(&keypairs)
            .enumerate()
            .map(|(index, (pair, keypair))| musig.sign(&aggregate, &session, index, keypair, pair))
            .collect();
        let signature = musig.combine_partial_signatures(&aggregate, &session, partials.iter().copied());
        Self {
            own: keypairs[0],
            key_bytes: keys.iter().map(|key| key.to_bytes()).collect(),
            nonce_bytes: nonces.iter().map(|nonce| nonce.to_bytes()).collect(),
            partial_bytes: partials.iter().map(|partial| partial.to_bytes()).collect(),
            musig,
            keys,
            nonces,
            partials,
            aggregate,
            session,
            signature,
        }
    }

    fn parse_keys(&self) -> Vec<Point> {
        let others = self.key_bytes[1..].iter().map(|bytes| Point::from_bytes(*bytes).expect("valid key"));
        std::iter::once(self.own.public_key()).chain(others).collect()
    }

    fn parse_nonces(&self, own: Nonce) -> Vec<Nonce> {
        let others = self.nonce_bytes[1..].iter().map(|bytes| Nonce::from_bytes(*bytes).expect("valid nonce"));
        std::iter::once(own).chain(others).collect()
    }

    fn generate(&self, aggregate: &AggKey<EvenY>) -> NonceKeyPair {
        let mut rng: ChaCha20Rng = self.musig.seed_nonce_rng(aggregate, self.own.secret_key(), &nonce_seed(0));
        self.musig.gen_nonce(&mut rng)
    }

    fn run(&self, aggregate: &AggKey<EvenY>, own_check: bool, strict: bool) -> Signature {
        let pair = self.generate(aggregate);
        let nonces = self.parse_nonces(pair.public());
        let session = self.musig.start_sign_session(aggregate, nonces, message());
        let own = self.musig.sign(aggregate, &session, 0, &self.own, pair);
        if own_check {
            assert!(self.musig.verify_partial_signature(aggregate, &session, 0, own));
        }
        let others = self.partial_bytes[1..].iter().map(|bytes| Partial::from_bytes(*bytes).expect("valid"));
        let partials: Vec<Partial> = std::iter::once(own).chain(others).collect();
        if strict {
            for (index, partial) in partials.iter().enumerate().skip(1) {
                assert!(self.musig.verify_partial_signature(aggregate, &session, index, *partial));
            }
        }
        let signature = self.musig.combine_partial_signatures(aggregate, &session, partials);
        assert!(self.musig.schnorr.verify(&aggregate.agg_public_key(), message(), &signature));
        signature
    }

    fn run_cold(&self, own_check: bool, strict: bool) -> Signature {
        let aggregate = self.musig.new_agg_key(self.parse_keys()).into_xonly_key();
        self.run(&aggregate, own_check, strict)
    }
}

impl Peer for SchnorrFun {
    fn name(&self) -> &'static str {
        "schnorr_fun"
    }

    fn measure(&mut self, operation: Operation) -> Duration {
        let pair = (operation == Operation::Sign).then(|| self.generate(&self.aggregate));
        let (keys, nonces) = (self.keys.clone(), self.nonces.clone());
        let start = Instant::now();
        match operation {
            Operation::KeyAggregationFromBytes => {
                black_box(self.musig.new_agg_key(self.parse_keys()).into_xonly_key());
            }
            Operation::KeyAggregationFromPoints => {
                black_box(self.musig.new_agg_key(keys).into_xonly_key());
            }
            Operation::NonceGeneration => {
                black_box(self.generate(&self.aggregate));
            }
            Operation::NonceAggregation => {
                black_box(Nonce::aggregate(self.parse_nonces(self.nonces[0])));
            }
            Operation::Sign => {
                let session = self.musig.start_sign_session(&self.aggregate, nonces, message());
                let own = self.musig.sign(&self.aggregate, &session, 0, &self.own, pair.expect("prepared"));
                assert!(self.musig.verify_partial_signature(&self.aggregate, &session, 0, own));
            }
            Operation::VerifyOne => {
                assert!(self.musig.verify_partial_signature(&self.aggregate, &self.session, 1, self.partials[1]));
            }
            Operation::VerifyAll => {
                for (index, partial) in self.partials.iter().enumerate().skip(1) {
                    assert!(self.musig.verify_partial_signature(&self.aggregate, &self.session, index, *partial));
                }
            }
            Operation::Aggregate => {
                let partials = self.partials.iter().copied();
                black_box(self.musig.combine_partial_signatures(&self.aggregate, &self.session, partials));
            }
            Operation::VerifyFinal => {
                let key = self.aggregate.agg_public_key();
                assert!(self.musig.schnorr.verify(&key, message(), &self.signature));
            }
            Operation::SessionCold => {
                black_box(self.run_cold(true, true));
            }
            Operation::SessionCached => {
                black_box(self.run(&self.aggregate, true, true));
            }
            Operation::SessionColdUnchecked => {
                black_box(self.run_cold(false, true));
            }
            Operation::SessionOptimistic => {
                black_box(self.run_cold(true, false));
            }
        }
        start.elapsed()
    }
}
