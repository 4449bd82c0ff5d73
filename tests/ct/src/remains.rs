//! What secrets leave behind in memory: nothing on the heap, which is checked, and on the stack what the compiler copied,
//! which is counted.
//!
//! Every block that is freed is searched for known secrets, in the byte order of their encoding and in that of the limbs
//! that arithmetic works on. The secrets are those of a vector of BIP-327, which states the nonce that comes out.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};

use motet_core_crypto::adaptor::AdaptorSignature;
use motet_core_crypto::{
    AggregateNonce, KeyAggContext, NonceInputs, SecretKey, SigningSession, XOnlyPublicKey, adaptor, deterministic,
    generate_nonce, schnorr,
};
use rand_core::{Infallible, TryCryptoRng, TryRng};

/// The system's allocator, with an eye on what is given back.
pub struct Watching;

static SECRETS: OnceLock<[[u8; 32]; 5]> = OnceLock::new();
static FREED_WITH_SECRET: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is left to the system's allocator; a block is only read, while it is still allocated.
unsafe impl GlobalAlloc for Watching {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        // SAFETY: the caller's promises are the system allocator's conditions.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn dealloc(&self, block: *mut u8, layout: Layout) {
        // SAFETY: the block is still allocated, of this size, and was zeroed when it was: all of it is initialised but
        // for padding, which nobody else writes meanwhile and which is compared with and not decided upon.
        let bytes = unsafe { std::slice::from_raw_parts(block, layout.size()) };
        if holds_secret(bytes) {
            FREED_WITH_SECRET.fetch_add(1, Ordering::Relaxed);
        }
        // SAFETY: the caller's promises are the system allocator's conditions.
        unsafe { System.dealloc(block, layout) }
    }
}

/// Half a secret is enough to be one.
fn holds_secret(bytes: &[u8]) -> bool {
    let Some(secrets) = SECRETS.get() else { return false };
    let halves = secrets.iter().flat_map(|secret| secret.chunks_exact(16));
    halves.into_iter().any(|half| bytes.windows(16).any(|window| window == half))
}

fn bytes<const N: usize>(text: &str) -> [u8; N] {
    std::array::from_fn(|at| u8::from_str_radix(&text[2 * at..2 * at + 2], 16).expect("hexadecimal digits"))
}

/// The first case of `nonce_gen_vectors.json`.
const RANDOM: [u8; 32] = [0x0F; 32];
const KEY: [u8; 32] = [2; 32];
const AGGREGATE_KEY: [u8; 32] = [7; 32];
const MESSAGE: [u8; 32] = [1; 32];
const EXTRA: [u8; 32] = [8; 32];
const NONCES: [&str; 2] = [
    "B114E502BEAA4E301DD08A50264172C84E41650E6CB726B410C0694D59EFFB64",
    "95B5CAF28D045B973D63E3C99A44B807BDE375FD6CB39E46DC4A511708D0E9D2",
];

struct Given;

impl TryRng for Given {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(0)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.fill(RANDOM[0]);
        Ok(())
    }
}

impl TryCryptoRng for Given {}

/// How much of the stack is searched.
const DEPTH: usize = 64 * 1024;

/// Copies the part of the stack that the call before this one has used.
#[inline(never)]
fn copy_stack(copy: &mut [u8; DEPTH]) {
    let here: usize;
    // SAFETY: reads a register.
    unsafe { std::arch::asm!("mov {}, rsp", out(reg) here, options(nomem, nostack, preserves_flags)) };
    for (offset, byte) in copy.iter_mut().enumerate() {
        // SAFETY: below the stack pointer lies memory of this thread's stack, megabytes of it, that nobody owns.
        *byte = unsafe { std::ptr::read_volatile((here - DEPTH + offset) as *const u8) };
    }
}

fn count(secrets: &[[u8; 32]; 5], memory: &[u8]) -> usize {
    secrets.iter().map(|secret| memory.windows(32).filter(|window| window == secret).count()).sum()
}

/// Everything that has a key or a nonce in it, made and dropped.
#[inline(never)]
fn use_secrets() {
    let key = SecretKey::from_bytes(&KEY).expect("a key in range");
    let public = key.public_key();
    let inputs = NonceInputs {
        public_key: &public,
        secret_key: Some(&key),
        aggregate_key: Some(&XOnlyPublicKey::from_bytes(&AGGREGATE_KEY).expect("a point")),
        message: Some(&MESSAGE),
        extra: Some(&EXTRA),
    };
    let (secret, nonce) = generate_nonce(&mut Given, &inputs).expect("a nonce");
    let (unused, _) = generate_nonce(&mut Given, &inputs).expect("a nonce");
    drop(unused);
    let context = KeyAggContext::new(&[public]).expect("one key");
    let sum = AggregateNonce::sum(&[nonce]);
    let session = SigningSession::new(&context, &sum, &MESSAGE);
    session.sign(secret, &key).expect("an honest signer");
    deterministic::sign(&key, &context, &sum, &MESSAGE, Some(&RANDOM)).expect("an honest signer");
    schnorr::sign(&key, &MESSAGE, &RANDOM).expect("a signature");
    let signature: AdaptorSignature = adaptor::sign(&key, &MESSAGE, &public, &RANDOM).expect("a signature");
    let completed = signature.adapt(&key);
    drop(signature.extract(&completed, &public).expect("the secret that completed it"));
    drop(key.dangerous_to_bytes());
    drop(key.into_taproot_output(None).expect("in range"));
    let other = SecretKey::from_bytes(&KEY).expect("a key in range");
    drop(Box::new(other));
}

/// The heap is clean after all of it, and the control is found.
pub fn run() -> bool {
    let nonces = NONCES.map(bytes::<32>);
    // The key reads the same in both byte orders.
    let reversed = |secret: [u8; 32]| -> [u8; 32] { std::array::from_fn(|at| secret[31 - at]) };
    let [first, second] = nonces;
    let secrets = [KEY, first, reversed(first), second, reversed(second)];
    SECRETS.set(secrets).expect("set once");

    let mut stack = Box::new([0; DEPTH]);
    use_secrets();
    copy_stack(&mut stack);
    let left = count(&secrets, &*stack);
    stack.fill(0);
    let freed = FREED_WITH_SECRET.swap(0, Ordering::Relaxed);
    println!("{:<6} {freed:>3} freed blocks of the heap hold a secret", if freed == 0 { "ok" } else { "WRONG" });
    println!("       {left:>3} copies of secrets are left on the stack, where the compiler put them");

    drop(std::hint::black_box(vec![second.to_vec()]));
    let found = FREED_WITH_SECRET.swap(0, Ordering::Relaxed);
    println!("{:<6} {found:>3} freed blocks of a vector with a secret", if found > 0 { "found" } else { "MISSED" });
    freed == 0 && found > 0
}
