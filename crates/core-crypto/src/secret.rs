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

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::rc::Rc;
    use core::cell::Cell;

    use super::*;

    struct Probe(Rc<Cell<u32>>);

    impl Zeroize for Probe {
        fn zeroize(&mut self) {
            self.0.set(self.0.get() + 1);
        }
    }

    #[test]
    fn a_secret_is_overwritten_where_it_was_and_when_it_is_dropped() {
        let overwritten = Rc::new(Cell::new(0));
        let secret = Secret(Box::new(Probe(Rc::clone(&overwritten))));
        assert_eq!(overwritten.get(), 0);
        drop(secret);
        assert_eq!(overwritten.get(), 1);

        let mut source = [7u8; 32];
        let secret = Secret::take(&mut source);
        assert_eq!((source, secret.expose()), ([0; 32], &[7; 32]));
    }

    #[test]
    fn a_secret_does_not_print() {
        let secret = Secret::take(&mut [0xABu8; 32]);
        assert_eq!(format!("{secret:?}"), "<redacted>");
        let key = crate::SecretKey::from_bytes(&[0xAB; 32]).unwrap();
        let text = format!("{key:?} {key:#?}");
        assert!(!text.contains("abab") && !text.contains("171"), "{text}");
        assert!(text.contains(&format!("{:?}", key.public_key())));
    }

    #[test]
    fn secrets_promise_to_overwrite_themselves() {
        const fn promises<T: ZeroizeOnDrop>() {}
        promises::<crate::SecretKey>();
        promises::<crate::SecretNonce>();
    }
}
