//! Where a value that was computed from secrets becomes public: the complete list, each with its reason.
//!
//! In an ordinary build this does nothing at all. With the feature `ct-hooks`, the constant-time harness (`tests/ct`)
//! registers a function that tells memcheck to take the value for defined from here on; whatever else depends on a
//! secret and decides a branch or an address is an error there. A site that is not listed here does not compile, and
//! one that the harness does not know fails it.

/// A place at which something becomes public.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Site {
    /// Whether 32 bytes are a scalar below the group order, and not zero.
    ///
    /// It is false with probability 2^-127 for random bytes, and then the bytes are refused and never used.
    SecretInRange,
    /// The point of a secret key.
    ///
    /// It is the public key.
    PublicKey,
    /// The points of a secret nonce.
    ///
    /// They are the public nonce, which is sent to everybody.
    PublicNonce,
    /// Whether a secret scalar is zero, or the one number whose multiple of the generator takes another formula.
    ///
    /// It is so for three numbers, which keys and nonces are with probability 2^-254: there is nothing to learn.
    SpecialScalar,
    /// The nonce point of a BIP-340 signature.
    ///
    /// Its x coordinate is the first half of the signature. That its y coordinate is odd or even is the sign of a nonce
    /// that nobody knows, and is compensated in constant time.
    SignatureNonce,
    /// s of a BIP-340 signature.
    ///
    /// It is the second half of the signature, and is verified before it is returned.
    SignatureScalar,
    /// A partial signature.
    ///
    /// It is sent to everybody, and is verified before it is returned.
    PartialSignature,
    /// s of a signature that was completed with an adaptor secret.
    ///
    /// It is half of the signature, and publishing it is how the other party learns the secret.
    AdaptedScalar,
}

impl Site {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::SecretInRange,
        Self::PublicKey,
        Self::PublicNonce,
        Self::SpecialScalar,
        Self::SignatureNonce,
        Self::SignatureScalar,
        Self::PartialSignature,
        Self::AdaptedScalar,
    ];
}

/// What the harness does at a site: its arguments are the site, the address of the value and its size in bytes.
#[cfg(feature = "ct-hooks")]
pub type Hook = fn(Site, *mut u8, usize);

#[cfg(feature = "ct-hooks")]
static HOOK: std::sync::OnceLock<Hook> = std::sync::OnceLock::new();

/// Registers what happens at every site, once for the process; later calls change nothing.
#[cfg(feature = "ct-hooks")]
pub fn register(hook: Hook) {
    let _first_one_counts = HOOK.set(hook);
}

/// The same value, which is public from here on.
///
/// It goes through memory that the hook may write to: a copy in a register would stay secret in memcheck's eyes.
#[cfg(feature = "ct-hooks")]
#[must_use]
pub(crate) fn declassify<T: Copy>(site: Site, mut value: T) -> T {
    if let Some(hook) = HOOK.get() {
        hook(site, core::ptr::from_mut(&mut value).cast(), size_of::<T>());
    }
    core::hint::black_box(value)
}

/// The same value, which is public from here on.
#[cfg(not(feature = "ct-hooks"))]
#[must_use]
#[inline(always)]
pub(crate) const fn declassify<T: Copy>(_site: Site, value: T) -> T {
    value
}
