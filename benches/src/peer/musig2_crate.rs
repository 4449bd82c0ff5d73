//! The `musig2` crate, on whichever backend this build has: libsecp256k1 where both are enabled.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a session that cannot be set up cannot be measured")]

use super::{MESSAGE, Operation, Peer, nonce_seed, secret_keys};
use musig2::secp::{Point, Scalar};
use musig2::{
    AggNonce, BinaryEncoding, KeyAggContext, LiftedSignature, PartialSignature, PubNonce, SecNonce,
    aggregate_partial_signatures, sign_partial, verify_partial, verify_single,
};
use std::hint::black_box;
use std::time::{Duration, Instant};

/// A session of the `musig2` crate.
#[derive(Debug)]
pub struct Musig2 {
    own: Scalar,
    own_key: Point,
    key_bytes: Vec<[u8; 33]>,
    nonce_bytes: Vec<[u8; 66]>,
    partial_bytes: Vec<[u8; 32]>,
    keys: Vec<Point>,
    nonces: Vec<PubNonce>,
    partials: Vec<PartialSignature>,
    context: KeyAggContext,
    aggregate_nonce: AggNonce,
    signature: LiftedSignature,
}

fn generate(seed: [u8; 32], secret: Scalar, context: &KeyAggContext) -> SecNonce {
    SecNonce::build_with_seckey(seed, secret)
        .with_aggregated_pubkey(context.aggregated_pubkey::<Point>())
        .with_message(&MESSAGE)
        .build()
}

impl Musig2 {
    /// Sets the session up.
    pub fn new(signers: usize) -> Self {
        let secrets: Vec<Scalar> =
            secret_keys(signers).iter().map(|bytes| Scalar::from_slice(bytes).expect("valid key")).collect();
        let keys: Vec<Point> = secrets.iter().map(|secret| secret.base_point_mul()).collect();
        let context = KeyAggContext::new(keys.iter().copied()).expect("valid keys");
        let secret_nonces: Vec<SecNonce> =
            secrets.iter().enumerate().map(|(index, secret)| generate(nonce_seed(index), *secret, &context)).collect();
        let nonces: Vec<PubNonce> = secret_nonces.iter().map(SecNonce::public_nonce).collect();
        let aggregate_nonce = AggNonce::sum(&nonces);
        let partials: Vec<PartialSignature> = secrets
            .iter()
            .zip(secret_nonces)
            .map(|(secret, nonce)| {
                sign_partial(&context, *secret, nonce, &aggregate_nonce, MESSAGE).expect("valid partial signature")
            })
            .collect();
        let signature =
            aggregate_partial_signatures(&context, &aggregate_nonce, partials.iter().copied(), MESSAGE).expect("valid");
        Self {
            own: secrets[0],
            own_key: keys[0],
            key_bytes: keys.iter().map(Point::serialize).collect(),
            nonce_bytes: nonces.iter().map(BinaryEncoding::to_bytes).collect(),
            partial_bytes: partials.iter().map(|partial| partial.serialize()).collect(),
            keys,
            nonces,
            partials,
            context,
            aggregate_nonce,
            signature,
        }
    }

    fn parse_keys(&self) -> Vec<Point> {
        let others = self.key_bytes[1..].iter().map(|bytes| Point::from_slice(bytes).expect("valid key"));
        std::iter::once(self.own_key).chain(others).collect()
    }

    fn parse_nonces(&self, own: PubNonce) -> Vec<PubNonce> {
        let others = self.nonce_bytes[1..].iter().map(|bytes| PubNonce::from_bytes(bytes).expect("valid nonce"));
        std::iter::once(own).chain(others).collect()
    }

    fn verify(&self, context: &KeyAggContext, aggregate_nonce: &AggNonce, at: (PartialSignature, Point, &PubNonce)) {
        let (partial, key, nonce) = at;
        verify_partial(context, partial, aggregate_nonce, key, nonce, MESSAGE).expect("valid partial signature");
    }

    fn run(&self, keys: &[Point], context: &KeyAggContext, strict: bool) -> LiftedSignature {
        let secret = generate(nonce_seed(0), self.own, context);
        let nonces = self.parse_nonces(secret.public_nonce());
        let aggregate_nonce = AggNonce::sum(&nonces);
        let own: PartialSignature = sign_partial(context, self.own, secret, &aggregate_nonce, MESSAGE).expect("valid");
        let others = self.partial_bytes[1..].iter().map(|bytes| PartialSignature::from_slice(bytes).expect("valid"));
        let partials: Vec<PartialSignature> = std::iter::once(own).chain(others).collect();
        if strict {
            for ((partial, nonce), key) in partials.iter().zip(&nonces).zip(keys).skip(1) {
                self.verify(context, &aggregate_nonce, (*partial, *key, nonce));
            }
        }
        aggregate_partial_signatures(context, &aggregate_nonce, partials, MESSAGE).expect("valid signature")
    }

    fn run_cold(&self, strict: bool) -> LiftedSignature {
        let keys = self.parse_keys();
        let context = KeyAggContext::new(keys.iter().copied()).expect("valid keys");
        self.run(&keys, &context, strict)
    }
}

impl Peer for Musig2 {
    fn name(&self) -> &'static str {
        if cfg!(feature = "musig2-secp256k1") { "musig2_secp256k1" } else { "musig2_k256" }
    }

    fn measure(&mut self, operation: Operation) -> Duration {
        let secret = (operation == Operation::Sign).then(|| generate(nonce_seed(0), self.own, &self.context));
        let start = Instant::now();
        match operation {
            Operation::KeyAggregationFromBytes => {
                black_box(KeyAggContext::new(self.parse_keys()).expect("valid keys"));
            }
            Operation::KeyAggregationFromPoints => {
                black_box(KeyAggContext::new(self.keys.iter().copied()).expect("valid keys"));
            }
            Operation::NonceGeneration => {
                black_box(generate(nonce_seed(0), self.own, &self.context).public_nonce());
            }
            Operation::NonceAggregation => {
                black_box(AggNonce::sum(self.parse_nonces(self.nonces[0].clone())));
            }
            Operation::Sign => {
                let secret = secret.expect("prepared");
                let own: PartialSignature =
                    sign_partial(&self.context, self.own, secret, &self.aggregate_nonce, MESSAGE).expect("valid");
                black_box(own);
            }
            Operation::VerifyOne => {
                self.verify(&self.context, &self.aggregate_nonce, (self.partials[1], self.keys[1], &self.nonces[1]));
            }
            Operation::VerifyAll => {
                for ((partial, nonce), key) in self.partials.iter().zip(&self.nonces).zip(&self.keys).skip(1) {
                    self.verify(&self.context, &self.aggregate_nonce, (*partial, *key, nonce));
                }
            }
            Operation::Aggregate => {
                let partials = self.partials.iter().copied();
                let signature: LiftedSignature =
                    aggregate_partial_signatures(&self.context, &self.aggregate_nonce, partials, MESSAGE)
                        .expect("valid");
                black_box(signature);
            }
            Operation::VerifyFinal => {
                verify_single(self.context.aggregated_pubkey::<Point>(), self.signature, MESSAGE).expect("valid");
            }
            Operation::SessionCold | Operation::SessionColdUnchecked => {
                black_box(self.run_cold(true));
            }
            Operation::SessionCached => {
                black_box(self.run(&self.keys, &self.context, true));
            }
            Operation::SessionOptimistic => {
                black_box(self.run_cold(false));
            }
        }
        start.elapsed()
    }
}
