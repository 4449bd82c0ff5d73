//! All partial signatures in one equation: any number of signers, any one of them wrong, and every path of the fallback.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "these are tests")]

use motet_core_crypto::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

const MESSAGE: &[u8] = b"a message of any length";

struct Session {
    rng: ChaCha20Rng,
    context: KeyAggContext,
    nonces: Vec<PublicNonce>,
    session: SigningSession,
    partials: Vec<PartialSignature>,
}

fn must_sign(signers: usize, tweak: bool) -> Session {
    let mut rng = ChaCha20Rng::from_seed([signers as u8; 32]);
    let keys: Vec<SecretKey> = (0..signers).map(|_| SecretKey::generate(&mut rng).unwrap()).collect();
    let public: Vec<PublicKey> = keys.iter().map(SecretKey::public_key).collect();
    let mut context = KeyAggContext::new(&public).unwrap();
    if tweak {
        context = context.with_plain_tweak(&[5; 32]).unwrap().with_taproot(None).unwrap();
    }
    let (secrets, nonces): (Vec<SecretNonce>, Vec<PublicNonce>) = keys
        .iter()
        .map(|key| {
            let public_key = &key.public_key();
            let inputs = NonceInputs { public_key, secret_key: None, aggregate_key: None, message: None, extra: None };
            generate_nonce(&mut rng, &inputs).unwrap()
        })
        .unzip();
    let session = SigningSession::new(&context, &AggregateNonce::sum(&nonces), MESSAGE);
    let partials = secrets.into_iter().zip(&keys).map(|(nonce, key)| session.sign(nonce, key).unwrap()).collect();
    Session { rng, context, nonces, session, partials }
}

/// Another valid encoding: the number one less.
fn wrong(partial: &PartialSignature) -> PartialSignature {
    let mut bytes = partial.to_bytes();
    let last = bytes.iter().rposition(|byte| *byte != 0).unwrap();
    bytes[last] -= 1;
    bytes[last + 1..].fill(0xFF);
    PartialSignature::from_bytes(&bytes).unwrap()
}

#[test]
fn honest_partials_verify_together_for_any_number_of_signers() {
    for signers in [1, 2, 3, 8, 9, 10, 39, 40, 60, 160] {
        for tweak in [false, true] {
            let Session { mut rng, context, nonces, session, partials } = must_sign(signers, tweak);
            let all = session.verify_partials(&nonces, &partials, &mut rng).unwrap();
            let others = session.verify_other_partials(signers / 2, &nonces, &partials, &mut rng).unwrap();
            let signature = session.aggregate(&partials).unwrap();
            schnorr::verify(&context.aggregate_key(), MESSAGE, &signature).unwrap();
            assert_eq!(session.aggregate_verified(&all), Ok(signature));
            assert_eq!(session.aggregate_optimistically(&nonces, &partials, &mut rng), Ok(signature));
            assert_eq!(session.aggregate_verified(&others), Ok(signature));
        }
    }
}

#[test]
fn every_single_culprit_is_named() {
    for signers in [1, 2, 3, 9, 12, 45] {
        let Session { mut rng, nonces, session, partials, .. } = must_sign(signers, true);
        for culprit in 0..signers {
            let mut partials = partials.clone();
            partials[culprit] = wrong(&partials[culprit]);
            let fault = session.verify_partials(&nonces, &partials, &mut rng).unwrap_err();
            assert_eq!(fault.culprits, [culprit]);
            assert_eq!(session.verify_partial(culprit, &nonces[culprit], &partials[culprit]).unwrap_err(), fault);
            // The signer's own wrong one is found as well, by the equation of the final signature.
            for own in [culprit, 0, signers - 1] {
                assert_eq!(session.verify_other_partials(own, &nonces, &partials, &mut rng).unwrap_err(), fault);
            }
            assert!(session.aggregate(&partials).is_err());
            assert_eq!(session.aggregate_optimistically(&nonces, &partials, &mut rng).unwrap_err(), fault);
        }
    }
}

#[test]
fn two_cheaters_who_cancel_each_other_out_are_both_named() {
    // The sum of the partial signatures, and so the final signature, stays right: only single equations are wrong.
    for signers in [2, 3, 10, 45] {
        let Session { mut rng, nonces, session, mut partials, .. } = must_sign(signers, false);
        let signature = session.aggregate(&partials).unwrap();
        partials.swap(0, signers - 1);
        assert_eq!(session.aggregate(&partials), Ok(signature));
        let fault = session.verify_partials(&nonces, &partials, &mut rng).unwrap_err();
        assert_eq!(fault.culprits, [0, signers - 1]);
    }
}

#[test]
fn a_wrong_nonce_names_its_signer() {
    for signers in [2, 3, 10, 45] {
        let Session { mut rng, mut nonces, session, partials, .. } = must_sign(signers, false);
        nonces[signers - 1] = must_sign(signers + 1, false).nonces[0];
        let fault = session.verify_partials(&nonces, &partials, &mut rng).unwrap_err();
        assert_eq!(fault.culprits, [signers - 1]);
        let fault = session.verify_other_partials(0, &nonces, &partials, &mut rng).unwrap_err();
        assert_eq!(fault.culprits, [signers - 1]);
    }
}

#[test]
fn missing_partials_are_culprits_and_surplus_ones_nobodys() {
    let Session { mut rng, mut nonces, session, mut partials, .. } = must_sign(4, false);
    let last = partials.last().copied().unwrap();
    partials.push(last);
    assert!(session.verify_partials(&nonces, &partials, &mut rng).unwrap_err().culprits.is_empty());
    partials.truncate(2);
    assert_eq!(session.verify_partials(&nonces, &partials, &mut rng).unwrap_err().culprits, [2, 3]);
    nonces.truncate(1);
    assert_eq!(session.verify_partials(&nonces, &partials, &mut rng).unwrap_err().culprits, [1, 2, 3]);
}

#[test]
fn an_aggregate_nonce_that_is_not_the_sum_blames_nobody_and_gives_no_signature() {
    // An aggregator lies about the sum; everybody signs for the lie.
    for signers in [2, 3, 12, 45] {
        let mut rng = ChaCha20Rng::from_seed([9; 32]);
        let keys: Vec<SecretKey> = (0..signers).map(|_| SecretKey::generate(&mut rng).unwrap()).collect();
        let public: Vec<PublicKey> = keys.iter().map(SecretKey::public_key).collect();
        let context = KeyAggContext::new(&public).unwrap();
        let (secrets, nonces): (Vec<SecretNonce>, Vec<PublicNonce>) = keys
            .iter()
            .map(|key| {
                let public_key = &key.public_key();
                let inputs =
                    NonceInputs { public_key, secret_key: None, aggregate_key: None, message: None, extra: None };
                generate_nonce(&mut rng, &inputs).unwrap()
            })
            .unzip();
        let session = SigningSession::new(&context, &AggregateNonce::sum(&nonces[1..]), MESSAGE);
        let partials: Vec<PartialSignature> =
            secrets.into_iter().zip(&keys).map(|(nonce, key)| session.sign(nonce, key).unwrap()).collect();
        let verified = session.verify_partials(&nonces, &partials, &mut rng).unwrap();
        assert!(session.aggregate_verified(&verified).is_err());
        assert!(session.aggregate(&partials).is_err());
        assert!(session.aggregate_optimistically(&nonces, &partials, &mut rng).unwrap_err().culprits.is_empty());
    }
}

#[test]
fn verified_partials_of_one_session_give_no_signature_in_another() {
    let Session { mut rng, context, nonces, session, partials } = must_sign(3, false);
    let verified = session.verify_partials(&nonces, &partials, &mut rng).unwrap();
    let other = SigningSession::new(&context, &AggregateNonce::sum(&nonces), b"another message");
    assert!(other.aggregate_verified(&verified).is_err());
}

#[test]
fn parsing_many_agrees_with_parsing_one_and_refuses_the_whole_for_one_bad() {
    let Session { context, nonces, .. } = must_sign(11, false);
    let keys: Vec<[u8; 33]> = context.keys().iter().map(PublicKey::to_bytes).collect();
    let bytes: Vec<[u8; 66]> = nonces.iter().map(PublicNonce::to_bytes).collect();
    assert_eq!(PublicKey::from_bytes_all(&keys).unwrap(), context.keys());
    assert_eq!(PublicNonce::from_bytes_all(&bytes).unwrap(), nonces);
    for at in 0..11 {
        let mut keys = keys.clone();
        keys[at][0] = 4;
        assert_eq!(PublicKey::from_bytes_all(&keys), Err(InvalidPointAt { index: at }));
        keys[at][0] = 2;
        keys[at][1..].fill(0xFF);
        assert_eq!(PublicKey::from_bytes_all(&keys), Err(InvalidPointAt { index: at }));
        for half in [0, 33] {
            let mut bytes = bytes.clone();
            bytes[at][half] = 0;
            assert_eq!(PublicNonce::from_bytes_all(&bytes), Err(InvalidPointAt { index: at }));
        }
    }
    assert_eq!(PublicKey::from_bytes_all(&[]).unwrap(), []);
}
