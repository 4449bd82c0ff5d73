//! Three implementations of BIP-327 on the same random sessions: ours, libsecp256k1 (through `secp256k1`), and `musig2`.
//!
//! In a session each signer is of one of the three, everybody verifies everybody, and all that is computed three times is
//! equal byte for byte. What one of them refuses, all refuse.

use motet_core_crypto::adaptor;
use motet_core_crypto::{
    AggregateNonce, KeyAggContext, NonceInputs, PartialSignature, PublicKey, PublicNonce, SecretKey, SecretNonce,
    Signature, SigningSession, XOnlyPublicKey, generate_nonce, schnorr,
};
use musig2::BinaryEncoding as _;
use musig2::secp::{MaybeScalar, Point, Scalar};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Infallible, Rng, SeedableRng, TryCryptoRng, TryRng};
use secp256k1::musig;

/// Ordinary test runs are debug builds, and take some seconds for this.
const SESSIONS: u64 = if cfg!(debug_assertions) { 2_000 } else { 20_000 };

/// A source of randomness that returns given bytes, so that everybody's nonces can come out equal.
struct Given([u8; 32]);

impl TryRng for Given {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        panic!("nonces are made of 32 bytes")
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        panic!("nonces are made of 32 bytes")
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.copy_from_slice(&self.0);
        Ok(())
    }
}

impl TryCryptoRng for Given {}

fn bytes(rng: &mut ChaCha20Rng) -> [u8; 32] {
    let mut bytes = [0; 32];
    rng.fill_bytes(&mut bytes);
    bytes
}

/// Below the group order, and seldom a very small number.
fn scalar(rng: &mut ChaCha20Rng) -> [u8; 32] {
    let mut scalar = bytes(rng);
    scalar[0] &= 0x7F;
    if rng.next_u32().is_multiple_of(16) {
        scalar[..31].fill(0);
        scalar[31] |= 1;
    }
    scalar
}

enum Voice {
    Ours(SecretKey, SecretNonce),
    Libsecp(secp256k1::Keypair, musig::SecretNonce),
    Musig2(Scalar, musig2::SecNonce),
}

/// The same keys and tweaks, aggregated three times.
struct Contexts {
    ours: KeyAggContext,
    libsecp: musig::KeyAggCache,
    musig2: musig2::KeyAggContext,
}

impl Contexts {
    fn new(keys: &[PublicKey]) -> Self {
        let theirs: Vec<secp256k1::PublicKey> =
            keys.iter().map(|key| secp256k1::PublicKey::from_slice(&key.to_bytes()).unwrap()).collect();
        let points = keys.iter().map(|key| Point::from_slice(&key.to_bytes()).unwrap());
        Self {
            ours: KeyAggContext::with_duplicates(keys).unwrap(),
            libsecp: musig::KeyAggCache::new(&theirs.iter().collect::<Vec<_>>()),
            musig2: musig2::KeyAggContext::new(points).unwrap(),
        }
    }

    fn tweaked(self, tweak: [u8; 32], x_only: bool) -> Self {
        let Self { ours, mut libsecp, musig2 } = self;
        let for_libsecp = secp256k1::Scalar::from_be_bytes(tweak).unwrap();
        let for_musig2 = MaybeScalar::from_slice(&tweak).unwrap();
        let (ours, musig2) = if x_only {
            libsecp.pubkey_xonly_tweak_add(&for_libsecp).unwrap();
            (ours.with_xonly_tweak(&tweak).unwrap(), musig2.with_xonly_tweak(for_musig2).unwrap())
        } else {
            libsecp.pubkey_ec_tweak_add(&for_libsecp).unwrap();
            (ours.with_plain_tweak(&tweak).unwrap(), musig2.with_plain_tweak(for_musig2).unwrap())
        };
        let tweaked = Self { ours, libsecp, musig2 };
        tweaked.must_agree();
        tweaked
    }

    fn must_agree(&self) {
        let plain = self.ours.aggregate_plain().to_bytes();
        assert_eq!(self.libsecp.agg_pk_full().serialize(), plain);
        assert_eq!(self.musig2.aggregated_pubkey::<Point>().serialize(), plain);
    }

    /// A nonce of the implementation that is chosen; all three make the same one of the same inputs.
    fn voice(&self, choice: u32, secret: &[u8; 32], message: &[u8; 32], random: [u8; 32]) -> (Voice, [u8; 66]) {
        let key = SecretKey::from_bytes(secret).unwrap();
        let inputs = NonceInputs {
            public_key: &key.public_key(),
            secret_key: Some(&key),
            aggregate_key: Some(&self.ours.aggregate_key()),
            message: Some(message),
            extra: None,
        };
        let (nonce, public) = generate_nonce(&mut Given(random), &inputs).unwrap();
        let ours = (Voice::Ours(key, nonce), public.to_bytes());

        let key = secp256k1::SecretKey::from_secret_bytes(*secret).unwrap();
        let pair = secp256k1::Keypair::from_secret_key(&key);
        let session = musig::SessionSecretRand::assume_uniformly_random(random);
        let (nonce, public) =
            musig::new_nonce_pair(session, Some(&self.libsecp), Some(key), pair.public_key(), Some(message), None);
        let libsecp = (Voice::Libsecp(pair, nonce), public.serialize());

        let key = Scalar::from_slice(secret).unwrap();
        let nonce = musig2::SecNonce::build_with_seckey(random, key)
            .with_aggregated_pubkey(self.musig2.aggregated_pubkey::<Point>())
            .with_message(message)
            .build();
        let public = nonce.public_nonce().to_bytes();
        let musig2 = (Voice::Musig2(key, nonce), public);

        assert_eq!(ours.1, musig2.1);
        assert_eq!(ours.1, libsecp.1);
        match choice % 3 {
            0 => ours,
            1 => libsecp,
            _ => musig2,
        }
    }
}

/// A random session: 1 to 9 signers, sometimes up to 60, some with one key, 0 to 3 tweaks.
fn session(seed: u64) {
    let mut rng = ChaCha20Rng::seed_from_u64(seed);
    let most = if seed.is_multiple_of(50) { 60 } else { 9 };
    let signers = 1 + rng.next_u32() as usize % most;
    let mut secrets: Vec<[u8; 32]> = (0..signers).map(|_| scalar(&mut rng)).collect();
    if seed.is_multiple_of(7) {
        secrets[signers / 2] = secrets[0];
    }
    let keys: Vec<PublicKey> = secrets.iter().map(|bytes| SecretKey::from_bytes(bytes).unwrap().public_key()).collect();
    let tweaks = rng.next_u32() % 4;
    let contexts = (0..tweaks)
        .fold(Contexts::new(&keys), |contexts, _| contexts.tweaked(scalar(&mut rng), rng.next_u32() % 2 == 0));
    contexts.must_agree();

    let message = bytes(&mut rng);
    let (voices, nonces): (Vec<Voice>, Vec<[u8; 66]>) =
        secrets.iter().map(|secret| contexts.voice(rng.next_u32(), secret, &message, bytes(&mut rng))).unzip();

    let our_nonces: Vec<PublicNonce> = nonces.iter().map(|bytes| PublicNonce::from_bytes(bytes).unwrap()).collect();
    let libsecp_nonces: Vec<musig::PublicNonce> =
        nonces.iter().map(|bytes| musig::PublicNonce::from_byte_array(bytes).unwrap()).collect();
    let musig2_nonces: Vec<musig2::PubNonce> =
        nonces.iter().map(|bytes| musig2::PubNonce::from_bytes(bytes).unwrap()).collect();
    let our_sum = AggregateNonce::sum(&our_nonces);
    let libsecp_sum = musig::AggregatedNonce::new(&libsecp_nonces.iter().collect::<Vec<_>>());
    let musig2_sum = musig2::AggNonce::sum(&musig2_nonces);
    assert_eq!(our_sum.to_bytes(), libsecp_sum.serialize());
    assert_eq!(our_sum.to_bytes(), musig2_sum.to_bytes());

    let ours = SigningSession::new(&contexts.ours, &our_sum, &message);
    let libsecp = musig::Session::new(&contexts.libsecp, libsecp_sum, &message);
    let mut partials: Vec<[u8; 32]> = voices
        .into_iter()
        .map(|voice| match voice {
            Voice::Ours(key, nonce) => ours.sign(nonce, &key).unwrap().to_bytes(),
            Voice::Libsecp(pair, nonce) => libsecp.partial_sign(nonce, &pair, &contexts.libsecp).serialize(),
            Voice::Musig2(key, nonce) => {
                musig2::sign_partial::<MaybeScalar>(&contexts.musig2, key, nonce, &musig2_sum, message)
                    .unwrap()
                    .serialize()
            }
        })
        .collect();

    // Verdicts: ours, libsecp256k1's and musig2's on one partial signature.
    let verdicts = |at: usize, partial: &[u8; 32]| {
        let verify_libsecp = |partial| {
            let key = secp256k1::PublicKey::from_slice(&keys[at].to_bytes()).unwrap();
            libsecp.partial_verify(&contexts.libsecp, &partial, &libsecp_nonces[at], key)
        };
        let verify_musig2 = |partial: MaybeScalar| {
            let key = Point::from_slice(&keys[at].to_bytes()).unwrap();
            musig2::verify_partial(&contexts.musig2, partial, &musig2_sum, key, &musig2_nonces[at], message).is_ok()
        };
        [
            PartialSignature::from_bytes(partial).is_ok_and(|p| ours.verify_partial(at, &our_nonces[at], &p).is_ok()),
            musig::PartialSignature::from_byte_array(partial).is_ok_and(verify_libsecp),
            MaybeScalar::from_slice(partial).is_ok_and(verify_musig2),
        ]
    };
    for (at, partial) in partials.iter().enumerate() {
        assert_eq!(verdicts(at, partial), [true; 3]);
    }

    let parse = |partials: &[[u8; 32]]| -> Vec<PartialSignature> {
        partials.iter().map(|bytes| PartialSignature::from_bytes(bytes).unwrap()).collect()
    };
    let our_partials = parse(&partials);
    let verified = ours.verify_partials(&our_nonces, &our_partials, &mut rng).unwrap();
    let signature = ours.aggregate_verified(&verified).unwrap();
    assert_eq!(ours.aggregate(&our_partials), Ok(signature));
    let theirs: Vec<musig::PartialSignature> =
        partials.iter().map(|bytes| musig::PartialSignature::from_byte_array(bytes).unwrap()).collect();
    let theirs = libsecp.partial_sig_agg(&theirs.iter().collect::<Vec<_>>());
    let theirs = theirs.verify(&contexts.libsecp.agg_pk(), &message).unwrap();
    assert_eq!(&signature.to_bytes(), theirs.as_byte_array());
    let scalars = partials.iter().map(|bytes| MaybeScalar::from_slice(bytes).unwrap());
    let theirs: musig2::CompactSignature =
        musig2::aggregate_partial_signatures(&contexts.musig2, &musig2_sum, scalars, message).unwrap();
    assert_eq!(signature.to_bytes(), theirs.serialize());

    // One bit of one of them is changed: all refuse, and we name whose it was.
    let (at, bit) = (rng.next_u32() as usize % signers, rng.next_u32() % 256);
    partials[at][bit as usize / 8] ^= 1 << (bit % 8);
    assert_eq!(verdicts(at, &partials[at]), [false; 3]);
    if PartialSignature::from_bytes(&partials[at]).is_ok() {
        let fault = ours.verify_partials(&our_nonces, &parse(&partials), &mut rng).unwrap_err();
        assert_eq!(fault.culprits, [at]);
    }
}

#[test]
fn mixed_sessions_come_out_equal_in_three_implementations() {
    (0..SESSIONS).for_each(session);
}

#[test]
fn signatures_of_one_signer_come_out_equal() {
    for seed in 0..SESSIONS {
        let mut rng = ChaCha20Rng::seed_from_u64(1 << 32 | seed);
        let (secret, aux) = (scalar(&mut rng), bytes(&mut rng));
        let mut message = vec![0; rng.next_u32() as usize % 100];
        rng.fill_bytes(&mut message);
        let key = SecretKey::from_bytes(&secret).unwrap();
        let x_only = key.public_key().x_only();
        let pair = secp256k1::Keypair::from_secret_key(&secp256k1::SecretKey::from_secret_bytes(secret).unwrap());
        let ours = schnorr::sign(&key, &message, &aux).unwrap();
        let theirs = secp256k1::schnorr::sign_with_aux_rand(&message, &pair, &aux);
        assert_eq!(&ours.to_bytes(), theirs.as_byte_array());
        let prepared = schnorr::PreparedKey::new(&x_only);
        prepared.verify(&message, &ours).unwrap();
        let again = schnorr::SigningKey::new(SecretKey::from_bytes(&secret).unwrap());
        assert_eq!(again.sign(&message, &aux).unwrap().to_bytes(), ours.to_bytes());

        let mut changed = ours.to_bytes();
        changed[rng.next_u32() as usize % 64] ^= 1 << (rng.next_u32() % 8);
        let theirs = secp256k1::schnorr::Signature::from_byte_array(changed);
        let their_key = secp256k1::XOnlyPublicKey::from_byte_array(x_only.to_bytes()).unwrap();
        assert!(secp256k1::schnorr::verify(&theirs, &message, &their_key).is_err());
        assert!(schnorr::verify(&x_only, &message, &Signature::from_bytes(&changed)).is_err());
        assert!(prepared.verify(&message, &Signature::from_bytes(&changed)).is_err());
    }
}

#[test]
fn the_same_bytes_are_keys_and_nonces() {
    let mut rng = ChaCha20Rng::seed_from_u64(2 << 32);
    let mut valid = 0;
    for _ in 0..10 * SESSIONS {
        let x = match rng.next_u32() % 8 {
            // Around p, where an x that is not reduced would pass for another one.
            0 => {
                let mut x = [0xFF; 32];
                x[27] = 0xFE;
                x[28..]
                    .copy_from_slice(&0xFFFF_FC2F_u32.wrapping_add(rng.next_u32() % 64).wrapping_sub(32).to_be_bytes());
                x
            }
            _ => bytes(&mut rng),
        };
        let mut key = [0; 33];
        key[0] = [2, 3, 2, 3, 2, 3, 0, 4][rng.next_u32() as usize % 8];
        key[1..].copy_from_slice(&x);
        let ours = PublicKey::from_bytes(&key).is_ok();
        assert_eq!(ours, secp256k1::PublicKey::from_byte_array_compressed(key).is_ok(), "{key:02x?}");
        assert_eq!(ours, Point::from_slice(&key).is_ok(), "{key:02x?}");
        let x_only = XOnlyPublicKey::from_bytes(&x).is_ok();
        assert_eq!(x_only, secp256k1::XOnlyPublicKey::from_byte_array(x).is_ok(), "{x:02x?}");
        let nonce: [u8; 66] = [key, key].concat().try_into().unwrap();
        assert_eq!(PublicNonce::from_bytes(&nonce).is_ok(), ours);
        assert_eq!(musig::PublicNonce::from_byte_array(&nonce).is_ok(), ours);
        valid += u64::from(ours);
    }
    assert!(valid > SESSIONS);
}

#[test]
fn adaptor_signatures_of_one_signer_cross_to_musig2_and_back() {
    for seed in 0..SESSIONS {
        let mut rng = ChaCha20Rng::seed_from_u64(3 << 32 | seed);
        let (key, secret) = (SecretKey::from_bytes(&scalar(&mut rng)), SecretKey::from_bytes(&scalar(&mut rng)));
        let (key, secret) = (key.unwrap(), secret.unwrap());
        let message = bytes(&mut rng);
        let ours = adaptor::sign(&key, &message, &secret.public_key(), &bytes(&mut rng)).unwrap();
        // Theirs holds the nonce before the adaptor point is added, ours after.
        let their_key = Point::from_slice(&key.public_key().to_bytes()).unwrap();
        let their_secret = Scalar::from_slice(secret.dangerous_to_bytes().as_slice()).unwrap();
        let point = their_secret.base_point_mul();
        let (nonce, s) = (Point::from_slice(&ours.to_bytes()[..33]).unwrap(), &ours.to_bytes()[33..]);
        let theirs = musig2::AdaptorSignature::new((nonce - point).unwrap(), MaybeScalar::from_slice(s).unwrap());
        musig2::adaptor::verify_single(their_key, &theirs, message, point).unwrap();
        let completed: musig2::LiftedSignature = theirs.adapt(their_secret).unwrap();
        let signature = ours.adapt(&secret);
        assert_eq!(completed.serialize(), signature.to_bytes());
        let revealed: Option<MaybeScalar> = theirs.reveal_secret(&completed);
        let extracted = ours.extract(&signature, &secret.public_key()).unwrap();
        assert_eq!(revealed.unwrap().serialize(), *extracted.dangerous_to_bytes());

        let nonce = Scalar::from_slice(&scalar(&mut rng)).unwrap();
        let their_scalar = Scalar::from_slice(key.dangerous_to_bytes().as_slice()).unwrap();
        let theirs = musig2::adaptor::sign_solo(their_scalar, message, nonce.serialize(), point);
        let back = [theirs.adapt::<musig2::LiftedSignature>(their_secret).unwrap().serialize()];
        schnorr::verify(&key.public_key().x_only(), &message, &Signature::from_bytes(&back[0])).unwrap();
    }
}
