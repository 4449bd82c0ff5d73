//! libsecp256k1's MuSig2 as one of the signers: a session among strangers is a session among implementations.
//!
//! Everything that one side makes crosses to the other as bytes and comes back as the same bytes.

use motet_core_crypto::{
    AggregateNonce, KeyAggContext, NonceInputs, PartialSignature, PublicKey, PublicNonce, SecretKey, SecretNonce,
    Signature, SigningSession, generate_nonce, schnorr,
};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use secp256k1::musig;

/// A signer of either implementation, with the secret half of its nonce.
enum Voice {
    Ours(SecretKey, SecretNonce),
    Libsecp(secp256k1::Keypair, musig::SecretNonce),
}

fn secret(rng: &mut ChaCha20Rng) -> [u8; 32] {
    let mut bytes = [0; 32];
    rng.fill_bytes(&mut bytes);
    bytes
}

/// A session of `signers`, of whom those for whom `is_ours` says so are ours; with an x-only tweak if there is one.
fn sign_together(signers: usize, is_ours: impl Fn(usize) -> bool, tweak: Option<[u8; 32]>, seed: u64) {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let message = secret(&mut rng);
    let secrets: Vec<[u8; 32]> = (0..signers).map(|_| secret(&mut rng)).collect();
    let keys: Vec<PublicKey> = secrets.iter().map(|bytes| SecretKey::from_bytes(bytes).unwrap().public_key()).collect();
    let their_keys: Vec<secp256k1::PublicKey> =
        keys.iter().map(|key| secp256k1::PublicKey::from_slice(&key.to_bytes()).unwrap()).collect();

    let mut context = KeyAggContext::new(&keys).unwrap();
    let mut cache = musig::KeyAggCache::new(&their_keys.iter().collect::<Vec<_>>());
    if let Some(tweak) = tweak {
        context = context.with_xonly_tweak(&tweak).unwrap();
        cache.pubkey_xonly_tweak_add(&secp256k1::Scalar::from_be_bytes(tweak).unwrap()).unwrap();
    }
    assert_eq!(context.aggregate_key().to_bytes(), cache.agg_pk().to_byte_array());

    let (voices, nonces): (Vec<Voice>, Vec<[u8; 66]>) = secrets
        .iter()
        .enumerate()
        .map(|(index, bytes)| {
            if is_ours(index) {
                let key = SecretKey::from_bytes(bytes).unwrap();
                let inputs = NonceInputs {
                    public_key: &key.public_key(),
                    secret_key: Some(&key),
                    aggregate_key: Some(&context.aggregate_key()),
                    message: Some(&message),
                    extra: None,
                };
                let (nonce, public) = generate_nonce(&mut rng, &inputs).unwrap();
                (Voice::Ours(key, nonce), public.to_bytes())
            } else {
                let key = secp256k1::SecretKey::from_secret_bytes(*bytes).unwrap();
                let pair = secp256k1::Keypair::from_secret_key(&key);
                let randomness = musig::SessionSecretRand::assume_unique_per_nonce_gen(secret(&mut rng), &key);
                let (nonce, public) =
                    musig::new_nonce_pair(randomness, Some(&cache), Some(key), pair.public_key(), Some(&message), None);
                (Voice::Libsecp(pair, nonce), public.serialize())
            }
        })
        .unzip();

    let our_nonces: Vec<PublicNonce> = nonces.iter().map(|bytes| PublicNonce::from_bytes(bytes).unwrap()).collect();
    let their_nonces: Vec<musig::PublicNonce> =
        nonces.iter().map(|bytes| musig::PublicNonce::from_byte_array(bytes).unwrap()).collect();
    let our_aggregate = AggregateNonce::sum(&our_nonces);
    let their_aggregate = musig::AggregatedNonce::new(&their_nonces.iter().collect::<Vec<_>>());
    assert_eq!(our_aggregate.to_bytes(), their_aggregate.serialize());

    let ours = SigningSession::new(&context, &our_aggregate, &message);
    let theirs = musig::Session::new(&cache, their_aggregate, &message);
    let partials: Vec<[u8; 32]> = voices
        .into_iter()
        .map(|voice| match voice {
            Voice::Ours(key, nonce) => ours.sign(nonce, &key).unwrap().to_bytes(),
            Voice::Libsecp(pair, nonce) => theirs.partial_sign(nonce, &pair, &cache).serialize(),
        })
        .collect();

    let our_partials: Vec<PartialSignature> =
        partials.iter().map(|bytes| PartialSignature::from_bytes(bytes).unwrap()).collect();
    let their_partials: Vec<musig::PartialSignature> =
        partials.iter().map(|bytes| musig::PartialSignature::from_byte_array(bytes).unwrap()).collect();
    ours.verify_partials(&our_nonces, &our_partials, &mut rng).unwrap();
    for index in 0..signers {
        ours.verify_partial(index, &our_nonces[index], &our_partials[index]).unwrap();
        assert!(theirs.partial_verify(&cache, &their_partials[index], &their_nonces[index], their_keys[index]));
    }
    let signature = ours.aggregate(&our_partials).unwrap();
    let theirs = theirs.partial_sig_agg(&their_partials.iter().collect::<Vec<_>>());
    let theirs = theirs.verify(&cache.agg_pk(), &message).unwrap();
    assert_eq!(&signature.to_bytes(), theirs.as_byte_array());
    schnorr::verify(&context.aggregate_key(), &message, &Signature::from_bytes(theirs.as_byte_array())).unwrap();
}

#[test]
fn one_signer_of_libsecp256k1_completes_a_session_with_ours() {
    for foreign in 0..3 {
        sign_together(3, |index| index != foreign, None, foreign as u64);
    }
}

#[test]
fn one_signer_of_ours_completes_a_session_of_libsecp256k1() {
    for own in 0..3 {
        sign_together(3, |index| index == own, None, 10 + own as u64);
    }
}

#[test]
fn mixed_sessions_of_many_sizes_and_tweaks_agree_byte_for_byte() {
    for seed in 0..60 {
        let mut rng = ChaCha20Rng::seed_from_u64(1000 + seed);
        let signers = 2 + rng.next_u32() as usize % 14;
        let mask = rng.next_u32();
        let tweak = (seed % 2 == 0).then(|| secret(&mut rng));
        sign_together(signers, |index| mask >> index & 1 == 1, tweak, seed);
    }
}
