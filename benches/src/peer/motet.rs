//! Ours: `motet-core-crypto`.

#![expect(clippy::expect_used, clippy::indexing_slicing, reason = "a session that cannot be set up cannot be measured")]

use super::{MESSAGE, Operation, Peer, nonce_seed, secret_keys};
use motet_core_crypto::{
    AggregateNonce, KeyAggContext, NonceInputs, PartialSignature, PublicKey, PublicNonce, SecretKey, SecretNonce,
    Signature, SigningSession, VerifiedPartials, generate_nonce, schnorr,
};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// A session of `motet-core-crypto`.
#[derive(Debug)]
pub struct Motet {
    own: SecretKey,
    key_bytes: Vec<[u8; 33]>,
    nonce_bytes: Vec<[u8; 66]>,
    partial_bytes: Vec<[u8; 32]>,
    keys: Vec<PublicKey>,
    nonces: Vec<PublicNonce>,
    partials: Vec<PartialSignature>,
    context: KeyAggContext,
    aggregate_nonce: AggregateNonce,
    session: SigningSession,
    verified: VerifiedPartials,
    signature: Signature,
    weights: ChaCha20Rng,
}

fn generate(seed: [u8; 32], secret: &SecretKey, context: &KeyAggContext) -> (SecretNonce, PublicNonce) {
    let inputs = NonceInputs {
        public_key: &secret.public_key(),
        secret_key: Some(secret),
        aggregate_key: Some(&context.aggregate_key()),
        message: Some(&MESSAGE),
        extra: None,
    };
    generate_nonce(&mut ChaCha20Rng::from_seed(seed), &inputs).expect("nonce")
}

impl Motet {
    /// Sets the session up.
    pub fn new(signers: usize) -> Self {
        let mut secrets: Vec<SecretKey> =
            secret_keys(signers).iter().map(|bytes| SecretKey::from_bytes(bytes).expect("valid key")).collect();
        let keys: Vec<PublicKey> = secrets.iter().map(SecretKey::public_key).collect();
        let context = KeyAggContext::new(&keys).expect("valid keys");
        let (secret_nonces, nonces): (Vec<SecretNonce>, Vec<PublicNonce>) =
            secrets.iter().enumerate().map(|(index, secret)| generate(nonce_seed(index), secret, &context)).unzip();
        let aggregate_nonce = AggregateNonce::sum(&nonces);
        let session = SigningSession::new(&context, &aggregate_nonce, &MESSAGE);
        let partials: Vec<PartialSignature> = secret_nonces
            .into_iter()
            .zip(&secrets)
            .map(|(nonce, secret)| session.sign(nonce, secret).expect("valid partial signature"))
            .collect();
        let mut weights = ChaCha20Rng::from_seed([7; 32]);
        let verified = session.verify_partials(&nonces, &partials, &mut weights).expect("valid partial signatures");
        let signature = session.aggregate_verified(&verified).expect("valid signature");
        Self {
            own: secrets.swap_remove(0),
            key_bytes: keys.iter().map(PublicKey::to_bytes).collect(),
            nonce_bytes: nonces.iter().map(PublicNonce::to_bytes).collect(),
            partial_bytes: partials.iter().map(PartialSignature::to_bytes).collect(),
            keys,
            nonces,
            partials,
            context,
            aggregate_nonce,
            session,
            verified,
            signature,
            weights,
        }
    }

    fn parse_keys(&self) -> Vec<PublicKey> {
        let mut keys = vec![self.own.public_key()];
        keys.extend(PublicKey::from_bytes_all(&self.key_bytes[1..]).expect("valid keys"));
        keys
    }

    fn parse_nonces(&self, own: PublicNonce) -> Vec<PublicNonce> {
        let mut nonces = vec![own];
        nonces.extend(PublicNonce::from_bytes_all(&self.nonce_bytes[1..]).expect("valid nonces"));
        nonces
    }

    fn run(&mut self, context: &KeyAggContext, strict: bool) -> Signature {
        let (secret, own_nonce) = generate(nonce_seed(0), &self.own, context);
        let nonces = self.parse_nonces(own_nonce);
        let session = SigningSession::new(context, &AggregateNonce::sum(&nonces), &MESSAGE);
        let own = session.sign(secret, &self.own).expect("valid partial signature");
        let others = self.partial_bytes[1..].iter().map(|bytes| PartialSignature::from_bytes(bytes).expect("valid"));
        let partials: Vec<PartialSignature> = std::iter::once(own).chain(others).collect();
        if strict {
            let verified = session.verify_other_partials(0, &nonces, &partials, &mut self.weights).expect("valid");
            session.aggregate_verified(&verified).expect("valid signature")
        } else {
            session.aggregate_optimistically(&nonces, &partials, &mut self.weights).expect("valid signature")
        }
    }

    fn run_cold(&mut self, strict: bool) -> Signature {
        let context = KeyAggContext::new(&self.parse_keys()).expect("valid keys");
        self.run(&context, strict)
    }
}

impl Peer for Motet {
    fn name(&self) -> &'static str {
        "ours"
    }

    fn measure(&mut self, operation: Operation) -> Duration {
        let secret = (operation == Operation::Sign).then(|| generate(nonce_seed(0), &self.own, &self.context).0);
        let start = Instant::now();
        match operation {
            Operation::KeyAggregationFromBytes => {
                black_box(KeyAggContext::new(&self.parse_keys()).expect("valid keys"));
            }
            Operation::KeyAggregationFromPoints => {
                black_box(KeyAggContext::new(&self.keys).expect("valid keys"));
            }
            Operation::NonceGeneration => {
                black_box(generate(nonce_seed(0), &self.own, &self.context).1);
            }
            Operation::NonceAggregation => {
                black_box(AggregateNonce::sum(&self.parse_nonces(self.nonces[0])));
            }
            Operation::Sign => {
                let session = SigningSession::new(&self.context, &self.aggregate_nonce, &MESSAGE);
                black_box(session.sign(secret.expect("prepared"), &self.own).expect("valid partial signature"));
            }
            Operation::VerifyOne => {
                self.session.verify_partial(1, &self.nonces[1], &self.partials[1]).expect("valid partial signature");
            }
            Operation::VerifyAll => {
                let (nonces, partials) = (&self.nonces, &self.partials);
                black_box(self.session.verify_other_partials(0, nonces, partials, &mut self.weights).expect("valid"));
            }
            Operation::Aggregate => {
                black_box(self.session.aggregate_verified(&self.verified).expect("valid signature"));
            }
            Operation::VerifyFinal => {
                schnorr::verify(&self.context.aggregate_key(), &MESSAGE, &self.signature).expect("valid signature");
            }
            Operation::SessionCold | Operation::SessionColdUnchecked => {
                black_box(self.run_cold(true));
            }
            Operation::SessionCached => {
                let context = self.context.clone();
                black_box(self.run(&context, true));
            }
            Operation::SessionOptimistic => {
                black_box(self.run_cold(false));
            }
        }
        start.elapsed()
    }
}
