//! Adaptor signatures: of one signer and of many, completed by who knows the secret, and betraying it when they are used.

#![expect(clippy::unwrap_used, reason = "these are tests")]

use motet_core_crypto::adaptor::{self, AdaptorSession, AdaptorSignature, ExtractError};
use motet_core_crypto::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

const MESSAGE: &[u8] = b"a leg of a swap";

fn rng(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

/// The adaptor signature verifies; the completed one is a signature, and gives away the secret and nothing but it.
fn must_swap(key: &XOnlyPublicKey, secret: &SecretKey, other: &SecretKey, signature: &AdaptorSignature) {
    let point = secret.public_key();
    adaptor::verify(key, MESSAGE, &point, signature).unwrap();
    assert!(adaptor::verify(key, b"another", &point, signature).is_err());
    assert!(adaptor::verify(key, MESSAGE, &other.public_key(), signature).is_err());
    assert!(adaptor::verify(&other.public_key().x_only(), MESSAGE, &point, signature).is_err());
    assert_eq!(AdaptorSignature::from_bytes(&signature.to_bytes()), Ok(*signature));

    // As it is, it is no signature.
    let bytes = signature.to_bytes();
    let incomplete = Signature::from_bytes(bytes[1..].try_into().unwrap());
    assert!(schnorr::verify(key, MESSAGE, &incomplete).is_err());

    let completed = signature.adapt(secret);
    schnorr::verify(key, MESSAGE, &completed).unwrap();
    assert!(schnorr::verify(key, MESSAGE, &signature.adapt(other)).is_err());
    let extracted = signature.extract(&completed, &point).unwrap();
    assert_eq!(*extracted.dangerous_to_bytes(), *secret.dangerous_to_bytes());
    assert_eq!(signature.extract(&completed, &other.public_key()).unwrap_err(), ExtractError);
    assert_eq!(signature.extract(&signature.adapt(other), &point).unwrap_err(), ExtractError);
    assert_eq!(signature.extract(&incomplete, &point).unwrap_err(), ExtractError);
}

#[test]
fn one_signer_swaps() {
    let mut odd = 0;
    for seed in 0..40 {
        let mut rng = rng(seed);
        let [key, secret, other] = core::array::from_fn(|_| SecretKey::generate(&mut rng).unwrap());
        let signature = adaptor::sign(&key, MESSAGE, &secret.public_key(), &[seed; 32]).unwrap();
        odd += usize::from(signature.to_bytes()[0] == 3);
        must_swap(&key.public_key().x_only(), &secret, &other, &signature);
        // Another adaptor point has another nonce, also where auxiliary randomness repeats.
        let again = adaptor::sign(&key, MESSAGE, &other.public_key(), &[seed; 32]).unwrap();
        assert_ne!(again.to_bytes()[1..33], signature.to_bytes()[1..33]);
    }
    assert!((5..35).contains(&odd), "both parities are met: {odd}");
}

struct Swap {
    rng: ChaCha20Rng,
    context: KeyAggContext,
    secret: SecretKey,
    keys: Vec<SecretKey>,
    secret_nonces: Vec<SecretNonce>,
    nonces: Vec<PublicNonce>,
}

impl Swap {
    fn new(signers: usize, seed: u8) -> Self {
        let mut rng = rng(seed);
        let keys: Vec<SecretKey> = (0..signers).map(|_| SecretKey::generate(&mut rng).unwrap()).collect();
        let public: Vec<PublicKey> = keys.iter().map(SecretKey::public_key).collect();
        let context = KeyAggContext::new(&public).unwrap().with_plain_tweak(&[seed; 32]).unwrap();
        let context = context.with_taproot(Some(&[seed; 32])).unwrap();
        let secret = SecretKey::generate(&mut rng).unwrap();
        let (secret_nonces, nonces) = keys
            .iter()
            .map(|key| {
                let public_key = &key.public_key();
                let extra = Some(&secret.public_key().to_bytes()[..]);
                let inputs =
                    NonceInputs { public_key, secret_key: Some(key), aggregate_key: None, message: None, extra };
                generate_nonce(&mut rng, &inputs).unwrap()
            })
            .unzip();
        Self { rng, context, secret, keys, secret_nonces, nonces }
    }

    fn session(&self) -> AdaptorSession {
        let nonce = AggregateNonce::sum(&self.nonces);
        AdaptorSession::new(&self.context, &nonce, &self.secret.public_key(), MESSAGE)
    }

    fn sign(&mut self, session: &AdaptorSession) -> Vec<PartialSignature> {
        self.secret_nonces.drain(..).zip(&self.keys).map(|(nonce, key)| session.sign(nonce, key).unwrap()).collect()
    }
}

#[test]
fn many_signers_swap() {
    for seed in 1..20 {
        for signers in [1, 2, 3, 12, 45] {
            if signers > 3 && seed > 4 {
                continue;
            }
            let mut swap = Swap::new(signers, seed);
            let session = swap.session();
            let partials = swap.sign(&session);
            for (index, (nonce, partial)) in swap.nonces.iter().zip(&partials).enumerate() {
                session.verify_partial(index, nonce, partial).unwrap();
            }
            let signature = session.aggregate(&partials).unwrap();
            assert_eq!(session.verify_and_aggregate(&swap.nonces, &partials, &mut swap.rng), Ok(signature));
            must_swap(&swap.context.aggregate_key(), &swap.secret, &swap.keys[0], &signature);
        }
    }
}

#[test]
fn who_signs_wrongly_is_named_and_a_wrong_sum_blames_nobody() {
    for signers in [2, 3, 12, 45] {
        let mut swap = Swap::new(signers, 7);
        let session = swap.session();
        let partials = swap.sign(&session);
        let mut wrong = partials.clone();
        wrong.swap(0, signers - 1);
        let fault = session.verify_and_aggregate(&swap.nonces, &wrong, &mut swap.rng).unwrap_err();
        assert_eq!(fault.culprits, [0, signers - 1]);
        // An aggregate nonce that already has the adaptor point in it, as an aggregator might send it.
        let mut swap = Swap::new(signers, 8);
        let nonce = AggregateNonce::sum(&swap.nonces[1..]);
        let session = AdaptorSession::new(&swap.context, &nonce, &swap.secret.public_key(), MESSAGE);
        let partials = swap.sign(&session);
        let fault = session.verify_and_aggregate(&swap.nonces, &partials, &mut swap.rng).unwrap_err();
        assert_eq!(fault.culprits, [0; 0]);
        assert!(session.aggregate(&partials).is_err());
    }
}

#[test]
fn partial_signatures_are_for_one_adaptor_point() {
    let mut swap = Swap::new(3, 9);
    let session = swap.session();
    let partials = swap.sign(&session);
    let nonce = AggregateNonce::sum(&swap.nonces);
    let other = swap.keys[0].public_key();
    let other = AdaptorSession::new(&swap.context, &nonce, &other, MESSAGE);
    let plain = SigningSession::new(&swap.context, &nonce, MESSAGE);
    for (index, (nonce, partial)) in swap.nonces.iter().zip(&partials).enumerate() {
        assert!(other.verify_partial(index, nonce, partial).is_err());
        assert!(plain.verify_partial(index, nonce, partial).is_err());
    }
    assert!(other.aggregate(&partials).is_err());
    assert!(plain.aggregate(&partials).is_err());
}

#[test]
fn bytes_that_are_no_adaptor_signature_are_refused() {
    let mut bytes = [0; 65];
    assert!(AdaptorSignature::from_bytes(&bytes).is_err());
    let key = SecretKey::from_bytes(&[1; 32]).unwrap();
    bytes[..33].copy_from_slice(&key.public_key().to_bytes());
    assert!(AdaptorSignature::from_bytes(&bytes).is_ok());
    bytes[33..].fill(0xFF);
    assert!(AdaptorSignature::from_bytes(&bytes).is_err());
}
