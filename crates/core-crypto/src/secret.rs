//! Where secrets are kept: on the heap, in one place, overwritten when dropped.
//!
//! Moving a value in Rust copies its bytes and leaves the old ones behind. What moves here is a pointer.

use alloc::boxed::Box;
use core::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

/// A secret at one address for all its life.
pub(crate) struct Secret<T: Zeroize>(Box<T>);

impl<T: Zeroize + Copy> Secret<T> {
    /// Takes a secret in, and overwrites where it was.
    pub(crate) fn take(value: &mut T) -> Self {
        let secret = Self(Box::new(*value));
        value.zeroize();
        secret
    }
}

impl<T: Zeroize> Secret<T> {
    /// The secret.
    pub(crate) const fn expose(&self) -> &T {
        &self.0
    }
}

impl<T: Zeroize> Drop for Secret<T> {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl<T: Zeroize> ZeroizeOnDrop for Secret<T> {}

impl<T: Zeroize> fmt::Debug for Secret<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<redacted>")
    }
}

/// `left ^ right`, which hides either as long as the other is secret.
pub(crate) fn masked(left: &[u8; 32], right: &[u8; 32]) -> zeroize::Zeroizing<[u8; 32]> {
    let mut out = zeroize::Zeroizing::new([0; 32]);
    for ((out, left), right) in out.iter_mut().zip(left).zip(right) {
        *out = left ^ right;
    }
    out
}
