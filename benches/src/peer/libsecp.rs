//! libsecp256k1's MuSig2 module through the `secp256k1` crate.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a session that cannot be set up cannot be measured")]

use super::{MESSAGE, Operation, Peer, nonce_seed, secret_keys};
use secp256k1::musig::{
    AggregatedNonce, KeyAggCache, PartialSignature, PublicNonce, SecretNonce, Session, SessionSecretRand,
    new_nonce_pair,
};
use secp256k1::{Keypair, PublicKey, SecretKey, schnorr};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// A session of libsecp256k1.
#[derive(Debug)]
pub struct Libsecp {
    own: Keypair,
    key_bytes: Vec<[u8; 33]>,
    nonce_bytes: Vec<[u8; 66]>,
    partial_bytes: Vec<[u8; 32]>,
    keys: Vec<PublicKey>,
    nonces: Vec<PublicNonce>,
    partials: Vec<PartialSignature>,
    cache: KeyAggCache,
    session: Session,
    aggregate_nonce: AggregatedNonce,
    signature: schnorr::Signature,
}

fn aggregate_keys(keys: &[PublicKey]) -> KeyAggCache {
    KeyAggCache::new(&keys.iter().collect::<Vec<_>>())
}

fn generate(seed: [u8; 32], keypair: &Keypair, cache: &KeyAggCache) -> (SecretNonce, PublicNonce) {
    let secret = SecretKey::from_keypair(keypair);
    let randomness = SessionSecretRand::assume_unique_per_nonce_gen(seed, &secret);
    new_nonce_pair(randomness, Some(cache), Some(secret), keypair.public_key(), Some(&MESSAGE), None)
}

impl Libsecp {
    /// Sets the session up.
    pub fn new(signers: usize) -> Self {
        let keypairs: Vec<Keypair> = secret_keys(signers)
            .into_iter()
            .map(|bytes| Keypair::from_secret_key(&SecretKey::from_secret_bytes(bytes).expect("valid key")))
            .collect();
        let keys: Vec<PublicKey> = keypairs.iter().map(Keypair::public_key).collect();
        let cache = aggregate_keys(&keys);
        let (secrets, nonces): (Vec<SecretNonce>, Vec<PublicNonce>) =
            keypairs.iter().enumerate().map(|(index, keypair)| generate(nonce_seed(index), keypair, &cache)).unzip();
        let aggregate_nonce = AggregatedNonce::new(&nonces.iter().collect::<Vec<_>>());
        let session = Session::new(&cache, aggregate_nonce, &MESSAGE);
        let partials: Vec<PartialSignature> = secrets
            .into_iter()
            .zip(&keypairs)
            .map(|(secret, keypair)| session.partial_sign(secret, keypair, &cache))
            .collect();
        let signature = session
            .partial_sig_agg(&partials.iter().collect::<Vec<_>>())
            .verify(&cache.agg_pk(), &MESSAGE)
            .expect("valid signature");
        Self {
            own: keypairs[0],
            key_bytes: keys.iter().map(PublicKey::serialize).collect(),
            nonce_bytes: nonces.iter().map(PublicNonce::serialize).collect(),
            partial_bytes: partials.iter().map(PartialSignature::serialize).collect(),
            keys,
            nonces,
            partials,
            cache,
            session,
            aggregate_nonce,
            signature,
        }
    }

    fn parse_keys(&self) -> Vec<PublicKey> {
        let others = self.key_bytes[1..].iter().map(|bytes| PublicKey::from_slice(bytes).expect("valid key"));
        std::iter::once(self.own.public_key()).chain(others).collect()
    }

    fn parse_nonces(&self, own: PublicNonce) -> Vec<PublicNonce> {
        let others =
            self.nonce_bytes[1..].iter().map(|bytes| PublicNonce::from_byte_array(bytes).expect("valid nonce"));
        std::iter::once(own).chain(others).collect()
    }

    /// Nonce generation to the verified signature.
    fn run(&self, keys: &[PublicKey], cache: &KeyAggCache, own_check: bool, strict: bool) -> schnorr::Signature {
        let (secret, own_nonce) = generate(nonce_seed(0), &self.own, cache);
        let nonces = self.parse_nonces(own_nonce);
        let aggregate_nonce = AggregatedNonce::new(&nonces.iter().collect::<Vec<_>>());
        let session = Session::new(cache, aggregate_nonce, &MESSAGE);
        let own = session.partial_sign(secret, &self.own, cache);
        if own_check {
            assert!(session.partial_verify(cache, &own, &nonces[0], keys[0]));
        }
        let others =
            self.partial_bytes[1..].iter().map(|bytes| PartialSignature::from_byte_array(bytes).expect("valid"));
        let partials: Vec<PartialSignature> = std::iter::once(own).chain(others).collect();
        if strict {
            for ((partial, nonce), key) in partials.iter().zip(&nonces).zip(keys).skip(1) {
                assert!(session.partial_verify(cache, partial, nonce, *key));
            }
        }
        let aggregated = session.partial_sig_agg(&partials.iter().collect::<Vec<_>>());
        aggregated.verify(&cache.agg_pk(), &MESSAGE).expect("valid signature")
    }

    fn run_cold(&self, own_check: bool, strict: bool) -> schnorr::Signature {
        let keys = self.parse_keys();
        let cache = aggregate_keys(&keys);
        self.run(&keys, &cache, own_check, strict)
    }
}

impl Peer for Libsecp {
    fn name(&self) -> &'static str {
        "secp256k1"
    }

    fn measure(&mut self, operation: Operation) -> Duration {
        let secret = (operation == Operation::Sign).then(|| generate(nonce_seed(0), &self.own, &self.cache).0);
        let start = Instant::now();
        match operation {
            Operation::KeyAggregationFromBytes => {
                black_box(aggregate_keys(&self.parse_keys()));
            }
            Operation::KeyAggregationFromPoints => {
                black_box(aggregate_keys(&self.keys));
            }
            Operation::NonceGeneration => {
                black_box(generate(nonce_seed(0), &self.own, &self.cache).1);
            }
            Operation::NonceAggregation => {
                black_box(AggregatedNonce::new(&self.parse_nonces(self.nonces[0]).iter().collect::<Vec<_>>()));
            }
            Operation::Sign => {
                let session = Session::new(&self.cache, self.aggregate_nonce, &MESSAGE);
                let own = secret.map(|secret| session.partial_sign(secret, &self.own, &self.cache)).expect("prepared");
                assert!(session.partial_verify(&self.cache, &own, &self.nonces[0], self.keys[0]));
            }
            Operation::VerifyOne => {
                assert!(self.session.partial_verify(&self.cache, &self.partials[1], &self.nonces[1], self.keys[1]));
            }
            Operation::VerifyAll => {
                for ((partial, nonce), key) in self.partials.iter().zip(&self.nonces).zip(&self.keys).skip(1) {
                    assert!(self.session.partial_verify(&self.cache, partial, nonce, *key));
                }
            }
            Operation::Aggregate => {
                black_box(self.session.partial_sig_agg(&self.partials.iter().collect::<Vec<_>>()));
            }
            Operation::VerifyFinal => {
                schnorr::verify(&self.signature, &MESSAGE, &self.cache.agg_pk()).expect("valid signature");
            }
            Operation::SessionCold => {
                black_box(self.run_cold(true, true));
            }
            Operation::SessionCached => {
                black_box(self.run(&self.keys, &self.cache, true, true));
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
