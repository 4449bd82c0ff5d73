//! One signer's arithmetic in a session, and nothing else.

#![expect(clippy::expect_used, reason = "a session that cannot be set up cannot be measured")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use motet_core_crypto::schnorr::{self, PreparedKey, SigningKey};
use motet_core_crypto::{
    AggregateNonce, KeyAggContext, NonceCommitment, NonceInputs, PartialSignature, PublicKey, PublicNonce, SecretKey,
    SecretNonce, Signature, SigningSession, generate_nonce,
};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::session::secret;

const MESSAGE: [u8; 32] = [7; 32];
const SESSION: [u8; 32] = [8; 32];

/// What the first of n signers receives in a session, made once.
#[derive(Debug)]
pub struct Arithmetic {
    own: SecretKey,
    message_key: SigningKey,
    key_bytes: Vec<[u8; 33]>,
    senders: Vec<PreparedKey>,
    nonce_bytes: Vec<[u8; 66]>,
    partial_bytes: Vec<[u8; 32]>,
    envelopes: Vec<([u8; 32], Signature)>,
    rng: ChaCha20Rng,
}

impl Arithmetic {
    /// Prepares a session of n signers.
    pub fn new(signers: usize) -> Self {
        let mut rng = ChaCha20Rng::from_seed([9; 32]);
        let mut keys: Vec<SecretKey> = (0..signers).map(|index| secret("signer", index)).collect();
        let message_keys: Vec<SecretKey> = (0..signers).map(|index| secret("message", index)).collect();
        let public: Vec<PublicKey> = keys.iter().map(SecretKey::public_key).collect();
        let context = context(&public);
        let made: Vec<(SecretNonce, PublicNonce)> = keys.iter().map(|key| nonce(&mut rng, key, &context)).collect();
        let (secrets, nonces): (Vec<SecretNonce>, Vec<PublicNonce>) = made.into_iter().unzip();
        let session = SigningSession::new(&context, &AggregateNonce::sum(&nonces), &MESSAGE);
        let partials =
            secrets.into_iter().zip(&keys).map(|(nonce, key)| session.sign(nonce, key).expect("a signature"));
        let partial_bytes = partials.map(|partial| partial.to_bytes()).collect();
        let envelope = |(index, key): (usize, &SecretKey)| {
            let digest = [index as u8; 32];
            (digest, schnorr::sign(key, &digest, &[0; 32]).expect("a signature"))
        };
        Self {
            key_bytes: public.iter().map(PublicKey::to_bytes).collect(),
            senders: message_keys.iter().map(|key| PreparedKey::new(&key.public_key().x_only())).collect(),
            nonce_bytes: nonces.iter().map(PublicNonce::to_bytes).collect(),
            partial_bytes,
            envelopes: message_keys.iter().enumerate().map(envelope).collect(),
            own: keys.remove(0),
            message_key: SigningKey::new(secret("message", 0)),
            rng,
        }
    }

    /// Goes through a session of a signer that did not ask for it: the request's signature, key aggregation, a nonce,
    /// the signature of each of its three messages, all others' signatures of theirs (with the multiples of their keys), the
    /// others' nonces, a partial signature, all partial signatures in one equation, and their sum.
    pub fn measure(&mut self) -> Duration {
        let begin = Instant::now();
        let signers = self.key_bytes.len();
        self.check_envelopes(1);
        let keys: Vec<PublicKey> =
            self.key_bytes.iter().map(|key| PublicKey::from_bytes(key).expect("a key")).collect();
        let context = context(&keys);
        let (secret, public) = nonce(&mut self.rng, &self.own, &context);
        black_box(NonceCommitment::new(&SESSION, 0, &[public]));
        self.seal();
        // Joins; the certificates of keys are known from earlier sessions.
        self.check_envelopes(signers - 1);
        self.seal();
        self.check_envelopes(signers - 1);
        let mut nonces = PublicNonce::from_bytes_all(self.nonce_bytes.get(1..).unwrap_or_default()).expect("nonces");
        nonces.insert(0, public);
        let session = SigningSession::new(&context, &AggregateNonce::sum(&nonces), &MESSAGE);
        black_box(session.sign(secret, &self.own).expect("a signature"));
        self.seal();
        self.check_envelopes(signers - 1);
        // The partial signatures that were prepared belong to the nonce that was prepared.
        let first = self.nonce_bytes.first().expect("a nonce");
        let prepared = begin.elapsed();
        nonces.splice(0..1, [PublicNonce::from_bytes(first).expect("a nonce")]);
        let session = SigningSession::new(&context, &AggregateNonce::sum(&nonces), &MESSAGE);
        let partials: Vec<PartialSignature> =
            self.partial_bytes.iter().map(|bytes| PartialSignature::from_bytes(bytes).expect("a partial")).collect();
        let begin = Instant::now();
        let verified = session.verify_other_partials(0, &nonces, &partials, &mut self.rng).expect("valid partials");
        black_box(session.aggregate_verified(&verified).expect("a signature"));
        prepared + begin.elapsed()
    }

    /// Signs the request: nothing goes on before somebody has.
    pub fn open(&self) -> Duration {
        let begin = Instant::now();
        self.seal();
        begin.elapsed()
    }

    fn seal(&self) {
        black_box(self.message_key.sign(&MESSAGE, &[3; 32]).expect("a signature"));
    }

    fn check_envelopes(&self, count: usize) {
        for (sender, (digest, signature)) in self.senders.iter().zip(&self.envelopes).skip(1).take(count) {
            sender.verify(digest, signature).expect("a valid signature");
        }
    }
}

fn context(keys: &[PublicKey]) -> KeyAggContext {
    KeyAggContext::new(keys).expect("keys").with_taproot(None).expect("a tweak")
}

fn nonce(rng: &mut ChaCha20Rng, key: &SecretKey, context: &KeyAggContext) -> (SecretNonce, PublicNonce) {
    let inputs = NonceInputs {
        public_key: &key.public_key(),
        secret_key: Some(key),
        aggregate_key: Some(&context.aggregate_key()),
        message: Some(&MESSAGE),
        extra: Some(&SESSION),
    };
    generate_nonce(rng, &inputs).expect("a nonce")
}
