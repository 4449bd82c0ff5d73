//! Keys, nonces and tweaks at the borders of what there is: they sign, or they are refused in words.

#![expect(clippy::unwrap_used, reason = "these are tests")]

use motet_core_crypto::*;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

const MESSAGE: &[u8] = b"a message";

/// The order of the group, less what is taken from its last byte.
fn order_less(less: u8) -> [u8; 32] {
    let mut bytes = [0xFF; 32];
    bytes[15] = 0xFE;
    bytes[16..].copy_from_slice(&0xBAAE_DCE6_AF48_A03B_BFD2_5E8C_D036_4141_u128.to_be_bytes());
    bytes[31] -= less;
    bytes
}

fn key(number: u8) -> SecretKey {
    let mut bytes = [0; 32];
    bytes[31] = number;
    SecretKey::from_bytes(&bytes).unwrap()
}

fn public(keys: &[&SecretKey]) -> Vec<PublicKey> {
    keys.iter().map(|key| key.public_key()).collect()
}

/// A nonce of this key for the message under this aggregate key, from a generator that gives the same every time.
fn nonce(key: &SecretKey, context: &KeyAggContext) -> (SecretNonce, PublicNonce) {
    let inputs = NonceInputs {
        public_key: &key.public_key(),
        secret_key: Some(key),
        aggregate_key: Some(&context.aggregate_key()),
        message: Some(MESSAGE),
        extra: None,
    };
    generate_nonce(&mut ChaCha20Rng::from_seed([1; 32]), &inputs).unwrap()
}

/// These keys, which are all of the group, sign the message.
fn sign(context: &KeyAggContext, keys: &[&SecretKey]) {
    let (secret, public): (Vec<_>, Vec<_>) = keys.iter().map(|key| nonce(key, context)).unzip();
    let session = SigningSession::new(context, &AggregateNonce::sum(&public), MESSAGE);
    let partials: Vec<PartialSignature> =
        secret.into_iter().zip(keys).map(|(nonce, key)| session.sign(nonce, key).unwrap()).collect();
    session.verify_partials(&public, &partials, &mut ChaCha20Rng::from_seed([2; 32])).unwrap();
    schnorr::verify(&context.aggregate_key(), MESSAGE, &session.aggregate(&partials).unwrap()).unwrap();
}

#[test]
fn a_key_and_its_opposite_are_two_signers() {
    let (one, opposite) = (key(5), SecretKey::from_bytes(&order_less(5)).unwrap());
    assert_eq!(one.public_key().x_only(), opposite.public_key().x_only());
    let third = key(7);
    for keys in [vec![&one, &opposite], vec![&opposite, &third, &one]] {
        let group = public(&keys);
        for context in [KeyAggContext::new(&group).unwrap(), KeyAggContext::sorted(&group).unwrap()] {
            assert_ne!(context.index_of(&one.public_key()), context.index_of(&opposite.public_key()));
            let order: Vec<&SecretKey> = context
                .keys()
                .iter()
                .map(|public| *keys.iter().find(|key| key.public_key() == *public).unwrap())
                .collect();
            sign(&context, &order);
            sign(&context.with_taproot(None).unwrap(), &order);
        }
    }
    // One of them cannot sign in the other's place.
    let context = KeyAggContext::new(&public(&[&one, &third])).unwrap();
    let (secret, public) = nonce(&opposite, &context);
    let session = SigningSession::new(&context, &AggregateNonce::sum(&[public]), MESSAGE);
    assert_eq!(session.sign(secret, &opposite).unwrap_err(), SignError::NotASigner);
}

/// The nonce whose chosen halves are the opposites of this one's.
fn mirrored(nonce: &PublicNonce, halves: [bool; 2]) -> PublicNonce {
    let mut bytes = nonce.to_bytes();
    // The first byte of a point says the parity of its second coordinate.
    for (half, mirrored) in bytes.chunks_exact_mut(33).zip(halves) {
        if let Some(parity) = half.first_mut() {
            *parity ^= u8::from(mirrored);
        }
    }
    PublicNonce::from_bytes(&bytes).unwrap()
}

#[test]
fn nonces_that_cancel_out_stop_nobody_and_name_the_culprit_alone() {
    let keys = [key(5), key(7)];
    let context = KeyAggContext::new(&public(&keys.each_ref())).unwrap();
    for halves in [[true, true], [true, false], [false, true]] {
        let (secret, honest) = nonce(&keys[0], &context);
        let nonces = [honest, mirrored(&honest, halves)];
        let sum = AggregateNonce::sum(&nonces);
        let bytes = sum.to_bytes();
        for (half, cancelled) in halves.into_iter().enumerate() {
            assert_eq!(bytes[33 * half..][..33] == [0; 33], cancelled, "{halves:?}");
        }
        assert_eq!(AggregateNonce::from_bytes(&bytes).unwrap(), sum);
        assert_eq!(nonces.iter().skip(1).fold(AggregateNonce::sum(&nonces[..1]), |sum, nonce| sum.with(nonce)), sum);

        let session = SigningSession::new(&context, &AggregateNonce::from_bytes(&bytes).unwrap(), MESSAGE);
        let right = session.sign(secret, &keys[0]).unwrap();
        session.verify_partial(0, &nonces[0], &right).unwrap();
        // The culprit does not know the secret of its nonce.
        let partials = [right, PartialSignature::from_bytes(&[1; 32]).unwrap()];
        let fault = session.verify_partials(&nonces, &partials, &mut ChaCha20Rng::from_seed([2; 32])).unwrap_err();
        assert_eq!(fault.culprits, [1], "{halves:?}");
    }
}

#[test]
fn a_nonce_signs_for_its_own_key_and_a_key_for_its_own_group() {
    let (alice, bob, stranger) = (key(5), key(7), key(9));
    let context = KeyAggContext::new(&public(&[&alice, &bob])).unwrap();
    let (of_alice, public) = nonce(&alice, &context);
    let (of_stranger, _) = nonce(&stranger, &context);
    let session = SigningSession::new(&context, &AggregateNonce::sum(&[public]), MESSAGE);
    assert_eq!(session.sign(of_alice, &bob).unwrap_err(), SignError::WrongNonce);
    assert_eq!(session.sign(of_stranger, &stranger).unwrap_err(), SignError::NotASigner);
    let inputs = NonceInputs {
        public_key: &bob.public_key(),
        secret_key: Some(&alice),
        aggregate_key: None,
        message: None,
        extra: None,
    };
    let refused = generate_nonce(&mut ChaCha20Rng::from_seed([1; 32]), &inputs).err();
    assert_eq!(refused, Some(NonceGenError::WrongKey));
}

#[test]
fn a_generator_that_repeats_itself_gives_each_derivation_a_nonce_of_its_own() {
    let keys = [key(5), key(7)];
    let group = KeyAggContext::new(&public(&keys.each_ref())).unwrap();
    let derivations = [
        group.clone(),
        group.clone().with_taproot(None).unwrap(),
        group.clone().with_bip328_path(&[0, 1]).unwrap(),
        group.clone().with_bip328_path(&[0, 2]).unwrap(),
        group.with_plain_tweak(&[1; 32]).unwrap(),
    ];
    let nonces: Vec<PublicNonce> = derivations.iter().map(|context| nonce(&keys[0], context).1).collect();
    for (index, one) in nonces.iter().enumerate() {
        assert_eq!(nonce(&keys[0], &derivations[index]).1, *one, "the generator repeats itself");
        assert!(!nonces[..index].contains(one), "{index}");
    }
}

#[test]
fn one_signer_is_a_group_and_nobody_is_none() {
    let alone = key(5);
    sign(&KeyAggContext::new(&public(&[&alone])).unwrap(), &[&alone]);
    assert_eq!(KeyAggContext::new(&[]).unwrap_err(), KeyAggError::Empty);
    assert_eq!(KeyAggContext::sorted(&[]).unwrap_err(), KeyAggError::Empty);
    assert_eq!(KeyAggContext::with_duplicates(&[]).unwrap_err(), KeyAggError::Empty);
    let twice = public(&[&alone, &key(7), &alone]);
    assert_eq!(KeyAggContext::new(&twice).unwrap_err(), KeyAggError::Duplicate { first: 0, second: 2 });
}

#[test]
fn tweaks_are_below_the_order_of_the_group() {
    let keys = [key(5), key(7)];
    let keys = keys.each_ref();
    let group = KeyAggContext::new(&public(&keys)).unwrap();
    for tweak in [[0; 32], order_less(1)] {
        sign(&group.clone().with_plain_tweak(&tweak).unwrap(), &keys);
        sign(&group.clone().with_xonly_tweak(&tweak).unwrap(), &keys);
    }
    let same = group.clone().with_plain_tweak(&[0; 32]).unwrap();
    assert_eq!(same.aggregate_plain(), group.aggregate_plain());
    for tweak in [order_less(0), [0xFF; 32]] {
        assert_eq!(group.clone().with_plain_tweak(&tweak).unwrap_err(), TweakError::OutOfRange);
        assert_eq!(group.clone().with_xonly_tweak(&tweak).unwrap_err(), TweakError::OutOfRange);
    }
}

#[test]
fn no_path_with_a_hardened_step_derives_and_long_ones_do() {
    let group = KeyAggContext::new(&public(&[&key(5), &key(7)])).unwrap();
    for step in [1 << 31, u32::MAX] {
        for path in [vec![step], vec![0, step], vec![step, 0], [vec![0; 9], vec![step]].concat()] {
            assert_eq!(group.clone().with_bip328_path(&path).unwrap_err(), TweakError::Hardened, "{path:?}");
        }
    }
    let keys = [key(5), key(7)];
    sign(&group.with_bip328_path(&[(1 << 31) - 1; 10]).unwrap(), &keys.each_ref());
}
