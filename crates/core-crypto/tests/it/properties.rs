//! For any signers, order, tweaks and message: honest partial signatures make a signature, and whatever is changed by a
//! bit is refused, with the index of whom it came from.

#![expect(clippy::unwrap_used, clippy::indexing_slicing, reason = "these are tests")]

use motet_core_crypto::*;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

/// Debug builds are for k256's lazily reduced field elements, which they check, release builds for numbers.
const CASES: u32 = if cfg!(debug_assertions) { 1_000 } else { 5_000 };

#[derive(Debug, Clone)]
enum Tweak {
    Plain([u8; 32]),
    XOnly([u8; 32]),
    Taproot(Option<[u8; 32]>),
    Path(Vec<u32>),
}

/// A number below the group order, small ones and zero among them.
fn scalar() -> impl Strategy<Value = [u8; 32]> {
    prop_oneof![
        any::<[u8; 32]>().prop_map(|mut bytes| {
            bytes[0] &= 0x7F;
            bytes
        }),
        any::<u8>().prop_map(|last| {
            let mut bytes = [0; 32];
            bytes[31] = last;
            bytes
        }),
    ]
}

fn tweak() -> impl Strategy<Value = Tweak> {
    prop_oneof![
        scalar().prop_map(Tweak::Plain),
        scalar().prop_map(Tweak::XOnly),
        any::<Option<[u8; 32]>>().prop_map(Tweak::Taproot),
        vec(0u32..1 << 31, 0..3).prop_map(Tweak::Path),
    ]
}

fn tweaked(context: KeyAggContext, tweaks: &[Tweak]) -> KeyAggContext {
    tweaks.iter().fold(context, |context, tweak| match tweak {
        Tweak::Plain(tweak) => context.with_plain_tweak(tweak).unwrap(),
        Tweak::XOnly(tweak) => context.with_xonly_tweak(tweak).unwrap(),
        Tweak::Taproot(root) => context.with_taproot(root.as_ref()).unwrap(),
        Tweak::Path(path) => context.with_bip328_path(path).unwrap(),
    })
}

/// What a session is made of.
#[derive(Debug, Clone)]
struct Plan {
    seed: [u8; 32],
    /// Which of the secret keys sign, in order; repeats are signers who share a key.
    signers: Vec<u8>,
    tweaks: Vec<Tweak>,
    message: Vec<u8>,
}

fn plan() -> impl Strategy<Value = Plan> {
    let signers = prop_oneof![8 => vec(any::<u8>(), 1..8), 1 => vec(any::<u8>(), 9..50)];
    (any::<[u8; 32]>(), signers, vec(tweak(), 0..4), vec(any::<u8>(), 0..100))
        .prop_map(|(seed, signers, tweaks, message)| Plan { seed, signers, tweaks, message })
}

struct Session {
    rng: ChaCha20Rng,
    context: KeyAggContext,
    nonces: Vec<PublicNonce>,
    session: SigningSession,
    partials: Vec<PartialSignature>,
}

impl Plan {
    fn run(&self) -> Session {
        let mut rng = ChaCha20Rng::from_seed(self.seed);
        let keys: Vec<SecretKey> =
            self.signers.iter().map(|who| SecretKey::from_bytes(&[who / 2 + 1; 32]).unwrap()).collect();
        let public: Vec<PublicKey> = keys.iter().map(SecretKey::public_key).collect();
        let context = tweaked(KeyAggContext::with_duplicates(&public).unwrap(), &self.tweaks);
        let (secrets, nonces): (Vec<SecretNonce>, Vec<PublicNonce>) = keys
            .iter()
            .map(|key| {
                let inputs = NonceInputs {
                    public_key: &key.public_key(),
                    secret_key: Some(key),
                    aggregate_key: Some(&context.aggregate_key()),
                    message: Some(&self.message),
                    extra: None,
                };
                generate_nonce(&mut rng, &inputs).unwrap()
            })
            .unzip();
        let session = SigningSession::new(&context, &AggregateNonce::sum(&nonces), &self.message);
        let partials = secrets.into_iter().zip(&keys).map(|(nonce, key)| session.sign(nonce, key).unwrap()).collect();
        Session { rng, context, nonces, session, partials }
    }
}

fn flipped<const N: usize>(mut bytes: [u8; N], bit: &Index) -> [u8; N] {
    let bit = bit.index(8 * N);
    bytes[bit / 8] ^= 1 << (bit % 8);
    bytes
}

proptest! {
    #![proptest_config(ProptestConfig { cases: CASES, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn honest_signers_make_a_signature(plan in plan()) {
        let Session { mut rng, context, nonces, session, partials } = plan.run();
        let verified = session.verify_partials(&nonces, &partials, &mut rng).unwrap();
        let signature = session.aggregate_verified(&verified).unwrap();
        prop_assert_eq!(session.aggregate(&partials), Ok(signature));
        prop_assert!(schnorr::verify(&context.aggregate_key(), &plan.message, &signature).is_ok());
    }

    #[test]
    fn a_flipped_bit_of_a_partial_signature_names_its_signer(plan in plan(), who: Index, bit: Index) {
        let Session { mut rng, nonces, session, mut partials, .. } = plan.run();
        let culprit = who.index(partials.len());
        let Ok(wrong) = PartialSignature::from_bytes(&flipped(partials[culprit].to_bytes(), &bit)) else { return Ok(()) };
        partials[culprit] = wrong;
        let fault = session.verify_partials(&nonces, &partials, &mut rng).unwrap_err();
        prop_assert_eq!(&fault.culprits, &[culprit]);
        prop_assert_eq!(session.verify_partial(culprit, &nonces[culprit], &wrong).unwrap_err(), fault);
        prop_assert!(session.aggregate(&partials).is_err());
    }

    #[test]
    fn a_flipped_bit_of_a_nonce_names_its_signer(plan in plan(), who: Index, bit: Index) {
        let Session { mut rng, mut nonces, session, partials, .. } = plan.run();
        let culprit = who.index(nonces.len());
        let Ok(wrong) = PublicNonce::from_bytes(&flipped(nonces[culprit].to_bytes(), &bit)) else { return Ok(()) };
        nonces[culprit] = wrong;
        let fault = session.verify_partials(&nonces, &partials, &mut rng).unwrap_err();
        prop_assert_eq!(fault.culprits, [culprit]);
    }

    #[test]
    fn a_flipped_bit_of_the_message_or_a_key_makes_another_session(plan in plan(), who: Index, bit: Index) {
        let Session { context, nonces, session, partials, .. } = plan.run();
        let nonce = AggregateNonce::sum(&nonces);
        let signature = session.aggregate(&partials).unwrap();
        let mut message = plan.message.clone();
        if message.is_empty() { message.push(0) } else {
            let at = bit.index(8 * message.len());
            message[at / 8] ^= 1 << (at % 8);
        }
        let other = SigningSession::new(&context, &nonce, &message);
        for (index, (nonce, partial)) in nonces.iter().zip(&partials).enumerate() {
            prop_assert!(other.verify_partial(index, nonce, partial).is_err());
        }
        prop_assert!(schnorr::verify(&context.aggregate_key(), &message, &signature).is_err());

        let mut keys = context.keys().to_vec();
        let at = who.index(keys.len());
        let Ok(key) = PublicKey::from_bytes(&flipped(keys[at].to_bytes(), &bit)) else { return Ok(()) };
        keys[at] = key;
        let context = tweaked(KeyAggContext::with_duplicates(&keys).unwrap(), &plan.tweaks);
        let other = SigningSession::new(&context, &nonce, &plan.message);
        prop_assert!(other.aggregate(&partials).is_err());
        prop_assert!(other.verify_partial(at, &nonces[at], &partials[at]).is_err());
    }

    #[test]
    fn a_flipped_bit_of_a_signature_is_refused_and_found_in_a_batch(plan in plan(), who: Index, bit: Index) {
        let Session { mut rng, context, session, partials, .. } = plan.run();
        let key = context.aggregate_key();
        let signature = session.aggregate(&partials).unwrap();
        let wrong = Signature::from_bytes(&flipped(signature.to_bytes(), &bit));
        prop_assert!(schnorr::verify(&key, &plan.message, &wrong).is_err());
        let mut entries = vec![(key, &plan.message[..], signature); 1 + plan.signers.len()];
        prop_assert!(schnorr::verify_batch(&entries, &mut rng).is_ok());
        let culprit = who.index(entries.len());
        entries[culprit].2 = wrong;
        let error = schnorr::verify_batch(&entries, &mut rng).unwrap_err();
        prop_assert_eq!(error.culprits, [culprit]);
    }

    #[test]
    fn the_last_signer_needs_no_randomness_and_never_repeats_a_nonce(plan in plan(), aux: Option<[u8; 32]>, bit: Index) {
        let last = SecretKey::from_bytes(&[0x81; 32]).unwrap();
        let key = SecretKey::from_bytes(&[0x82; 32]).unwrap();
        let context = KeyAggContext::new(&[key.public_key(), last.public_key()]).unwrap();
        let context = tweaked(context, &plan.tweaks);
        let public_key = &key.public_key();
        let inputs = NonceInputs { public_key, secret_key: None, aggregate_key: None, message: None, extra: None };
        let (secret, nonce) = generate_nonce(&mut ChaCha20Rng::from_seed(plan.seed), &inputs).unwrap();
        let others = AggregateNonce::sum(&[nonce]);
        let signed = deterministic::sign(&last, &context, &others, &plan.message, aux.as_ref()).unwrap();
        let again = deterministic::sign(&last, &context, &others, &plan.message, aux.as_ref()).unwrap();
        prop_assert_eq!((signed.nonce, signed.partial), (again.nonce, again.partial));
        let partial = signed.session.sign(secret, &key).unwrap();
        let signature = signed.session.aggregate(&[partial, signed.partial]).unwrap();
        prop_assert!(schnorr::verify(&context.aggregate_key(), &plan.message, &signature).is_ok());

        // Whatever else is signed is signed with another nonce.
        let mut message = plan.message.clone();
        message.push(0);
        let other_context = context.clone().with_plain_tweak(&[1; 32]).unwrap();
        let other_nonces = AggregateNonce::sum(&[nonce, nonce]);
        let other_aux = flipped(aux.unwrap_or_default(), &bit);
        let others = [
            deterministic::sign(&last, &context, &others, &message, aux.as_ref()),
            deterministic::sign(&last, &other_context, &others, &plan.message, aux.as_ref()),
            deterministic::sign(&last, &context, &other_nonces, &plan.message, aux.as_ref()),
            deterministic::sign(&last, &context, &others, &plan.message, Some(&other_aux)),
        ];
        for other in others {
            prop_assert_ne!(other.unwrap().nonce, signed.nonce);
        }
    }

    #[test]
    fn sorting_forgets_the_order(who in proptest::collection::btree_set(1u8..255, 1..9), seed: [u8; 32]) {
        let mut keys: Vec<PublicKey> =
            who.iter().map(|who| SecretKey::from_bytes(&[*who; 32]).unwrap().public_key()).collect();
        let sorted = KeyAggContext::sorted(&keys).unwrap();
        let turn = usize::from(seed[0]) % keys.len();
        keys.rotate_left(turn);
        keys.reverse();
        prop_assert_eq!(KeyAggContext::sorted(&keys).unwrap().aggregate_plain(), sorted.aggregate_plain());
        prop_assert!(sorted.keys().is_sorted());
        let again = KeyAggContext::new(&keys).unwrap();
        prop_assert_eq!(again.aggregate_plain() == sorted.aggregate_plain(), keys.is_sorted());
    }

    #[test]
    fn what_parses_writes_the_same_bytes(mut bytes: [u8; 66]) {
        for prefix in [0, 33] { bytes[prefix] = 2 + bytes[prefix] % 2 }
        let (point, scalar) = (bytes[..33].try_into().unwrap(), bytes[34..].try_into().unwrap());
        if let Ok(key) = PublicKey::from_bytes(&point) { prop_assert_eq!(key.to_bytes(), point); }
        if let Ok(nonce) = PublicNonce::from_bytes(&bytes) { prop_assert_eq!(nonce.to_bytes(), bytes); }
        if let Ok(nonce) = AggregateNonce::from_bytes(&bytes) { prop_assert_eq!(nonce.to_bytes(), bytes); }
        if let Ok(partial) = PartialSignature::from_bytes(&scalar) { prop_assert_eq!(partial.to_bytes(), scalar); }
        if let Ok(key) = XOnlyPublicKey::from_bytes(&scalar) {
            prop_assert_eq!(key.to_bytes(), scalar);
            prop_assert_eq!(key.to_string().parse::<XOnlyPublicKey>(), Ok(key));
        }
        if let Ok(key) = SecretKey::from_bytes(&scalar) { prop_assert_eq!(*key.dangerous_to_bytes(), scalar); }
    }
}
