//! A secret nonce is no Copy type, and neither is a secret key.

use motet_core_crypto::{SecretKey, SecretNonce};

fn copies<T: Copy>() {}

fn main() {
    copies::<SecretNonce>();
    copies::<SecretKey>();
}
