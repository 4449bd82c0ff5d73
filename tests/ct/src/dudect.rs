//! A second opinion by time, after Reparaz, Balasch and Verbauwhede, "Dude, is my code constant time?" (2016): the same
//! operation on one fixed secret and on random ones, in random order; if Welch's t tells the two apart, time depends on the
//! secret.
//!
//! Signing verifies its own result in variable time, on values that are public by then but differ from secret to secret. The
//! clock therefore stops at the site that makes the result public. What comes before branches on the parity of public keys,
//! which a processor predicts for a key that it has seen before: all secrets are chosen to have keys of the same parities.

use std::cell::Cell;
use std::hint::black_box;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use k256::elliptic_curve::ops::Reduce;
use motet_core_crypto::declassify::Site;
use motet_core_crypto::{
    AggregateNonce, KeyAggContext, NonceInputs, PublicKey, SecretKey, SigningSession, generate_nonce, schnorr,
};
use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

/// Beyond this t, chance is no explanation any more (the paper's threshold is 4.5, which is met by chance once in 10^5).
const SUSPICIOUS: f64 = 5.0;

/// The slowest tenth of the samples are other people's interrupts.
const KEPT: f64 = 0.9;

thread_local! {
    static STOP_AT: Cell<Option<Site>> = const { Cell::new(None) };
    static STOPPED: Cell<Option<Instant>> = const { Cell::new(None) };
}

/// Stops the clock where it is the site that is waited for.
pub fn passed(site: Site) {
    if STOP_AT.get() == Some(site) && STOPPED.get().is_none() {
        STOPPED.set(Some(Instant::now()));
    }
}

/// Times `operation`, until the site if there is one.
fn time<T>(site: Option<Site>, operation: impl FnOnce() -> T) -> Duration {
    STOP_AT.set(site);
    STOPPED.set(None);
    let start = Instant::now();
    let result = black_box(operation());
    let end = STOPPED.take().unwrap_or_else(Instant::now);
    drop(result);
    STOP_AT.set(None);
    end - start
}

fn generate(key: &SecretKey, random: [u8; 32]) -> (motet_core_crypto::SecretNonce, motet_core_crypto::PublicNonce) {
    let public_key = &key.public_key();
    let inputs = NonceInputs { public_key, secret_key: Some(key), aggregate_key: None, message: None, extra: None };
    generate_nonce(&mut ChaCha20Rng::from_seed(random), &inputs).expect("a nonce")
}

fn key(secret: &[u8; 32]) -> SecretKey {
    SecretKey::from_bytes(secret).expect("a key in range")
}

fn keys(secret: &[u8; 32]) -> Duration {
    time(None, || SecretKey::from_bytes(black_box(secret)))
}

fn nonces(secret: &[u8; 32]) -> Duration {
    let key = key(secret);
    time(None, || generate(&key, black_box(*secret)))
}

/// The context of a session with somebody else.
fn context(key: &SecretKey) -> KeyAggContext {
    static OTHER: LazyLock<PublicKey> = LazyLock::new(|| self::key(&[77; 32]).public_key());
    KeyAggContext::new(&[key.public_key(), *OTHER]).expect("two keys")
}

/// What signing branches on that is public: whether the y coordinates of key and aggregate key are odd.
fn parities(secret: &[u8; 32]) -> [u8; 2] {
    let key = key(secret);
    [key.public_key(), context(&key).aggregate_plain()].map(|key| key.to_bytes()[0])
}

fn partial_signatures(secret: &[u8; 32]) -> Duration {
    let key = key(secret);
    let context = context(&key);
    let (nonce, public) = generate(&key, *secret);
    let session = SigningSession::new(&context, &AggregateNonce::sum(&[public]), b"message");
    time(Some(Site::PartialSignature), || session.sign(nonce, &key))
}

fn signatures(secret: &[u8; 32]) -> Duration {
    let key = key(secret);
    time(Some(Site::SignatureScalar), || schnorr::sign(&key, b"message", black_box(secret)))
}

fn variable_time(secret: &[u8; 32]) -> Duration {
    let scalar = <k256::Scalar as Reduce<k256::FieldBytes>>::reduce(&(*secret).into());
    time(None, || k256::ProjectivePoint::mul_by_generator_vartime(black_box(&scalar)))
}

/// Draws another secret.
fn secret_in_range(rng: &mut ChaCha20Rng, secret: &mut [u8; 32]) -> [u8; 32] {
    rng.fill_bytes(secret);
    secret[0] &= 0x7F;
    *secret
}

/// Does something with a secret, and says how long that took.
type Operation = fn(&[u8; 32]) -> Duration;

/// Welch's t between the times of the fixed secret and those of random ones.
fn t(samples: usize, operation: Operation) -> f64 {
    let mut rng = ChaCha20Rng::from_seed([1; 32]);
    // The fixed secret has few bits, as an implementation that skips zeros would like it.
    let mut fixed = [0; 32];
    fixed[31] = 3;
    let wanted = parities(&fixed);
    let mut times: Vec<(bool, f64)> = (0..samples + samples / 10)
        .map(|_| {
            // Whatever class it is, the same is done before the clock starts.
            let mut secret = [0; 32];
            while parities(&secret_in_range(&mut rng, &mut secret)) != wanted {}
            let is_fixed = rng.next_u32() & 1 == 0;
            if is_fixed {
                secret = fixed;
            }
            (is_fixed, operation(&secret).as_nanos() as f64)
        })
        .skip(samples / 10)
        .collect();
    times.sort_by(|(_, left), (_, right)| left.total_cmp(right));
    times.truncate((samples as f64 * KEPT) as usize);
    let moments = |class: bool| {
        let of_class: Vec<f64> = times.iter().filter(|(is, _)| *is == class).map(|(_, time)| *time).collect();
        let count = of_class.len() as f64;
        let mean = of_class.iter().sum::<f64>() / count;
        let variance = of_class.iter().map(|time| (time - mean).powi(2)).sum::<f64>() / (count - 1.0);
        (mean, variance / count)
    };
    let ((left, left_error), (right, right_error)) = (moments(true), moments(false));
    (left - right) / (left_error + right_error).sqrt()
}

/// Runs the operations, which must not be suspicious, and the control, which must be.
pub fn run(samples: usize) -> bool {
    let operations: [(&str, Operation); 4] = [
        ("keys from bytes", keys),
        ("nonces", nonces),
        ("partial signatures", partial_signatures),
        ("signatures", signatures),
    ];
    let mut right = true;
    for (name, operation) in operations {
        let t = t(samples, operation);
        right &= t.abs() < SUSPICIOUS;
        println!("{:<6} t = {t:>8.2}  {name}", if t.abs() < SUSPICIOUS { "ok" } else { "WRONG" });
    }
    let t = t(samples, variable_time);
    println!(
        "{:<6} t = {t:>8.2}  k256's variable-time multiplication",
        if t.abs() > 2.0 * SUSPICIOUS { "found" } else { "MISSED" }
    );
    right && t.abs() > 2.0 * SUSPICIOUS
}
