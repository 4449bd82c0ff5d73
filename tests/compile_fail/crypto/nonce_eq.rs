//! Secrets cannot be compared, ordered or hashed: that would be in variable time.

use motet_core_crypto::{SecretKey, SecretNonce};

fn compares<T: PartialEq>() {}
fn orders<T: PartialOrd>() {}
fn hashes<T: std::hash::Hash>() {}

fn main() {
    compares::<SecretNonce>();
    compares::<SecretKey>();
    orders::<SecretNonce>();
    orders::<SecretKey>();
    hashes::<SecretNonce>();
    hashes::<SecretKey>();
}
