//! A whole session, from keys to signature.
use motet_core_crypto::*;
use rand_chacha::rand_core::SeedableRng;

#[test]
fn three_signers_make_one_signature() {
    let mut rng = rand_chacha::ChaCha20Rng::from_seed([7; 32]);
    for n in 1..6 {
        let keys: Vec<SecretKey> = (0..n).map(|_| SecretKey::generate(&mut rng).unwrap()).collect();
        let public: Vec<PublicKey> = keys.iter().map(SecretKey::public_key).collect();
        let context =
            KeyAggContext::new(&public).unwrap().with_bip328_path(&[1, 5]).unwrap().with_taproot(None).unwrap();
        let message = b"a message";
        let (secret, nonces): (Vec<_>, Vec<_>) = keys
            .iter()
            .map(|key| {
                let inputs = NonceInputs {
                    public_key: &key.public_key(),
                    secret_key: Some(key),
                    aggregate_key: Some(&context.aggregate_key()),
                    message: Some(message),
                    extra: None,
                };
                generate_nonce(&mut rng, &inputs).unwrap()
            })
            .unzip();
        let session = SigningSession::new(&context, &AggregateNonce::sum(&nonces), message);
        let mut partials: Vec<PartialSignature> =
            secret.into_iter().zip(&keys).map(|(nonce, key)| session.sign(nonce, key).unwrap()).collect();
        let verified = session.verify_partials(&nonces, &partials, &mut rng).unwrap();
        let signature = session.aggregate(&partials).unwrap();
        assert_eq!(signature, session.aggregate_verified(&verified).unwrap());
        schnorr::verify(&context.aggregate_key(), message, &signature).unwrap();
        if n > 2 {
            partials.swap(1, 2);
            assert_eq!(session.verify_partials(&nonces, &partials, &mut rng).unwrap_err().culprits, vec![1, 2]);
        }
        let single = schnorr::sign(&keys[0], message, &[3; 32]).unwrap();
        schnorr::verify(&public[0].x_only(), message, &single).unwrap();
        schnorr::verify_batch(
            &[(public[0].x_only(), message, single), (context.aggregate_key(), message, signature)],
            &mut rng,
        )
        .unwrap();
    }
}
