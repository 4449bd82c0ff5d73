//! There is no nonce and no key to start from.

use motet_core_crypto::{SecretKey, SecretNonce};

fn defaults<T: Default>() {}

fn main() {
    defaults::<SecretNonce>();
    defaults::<SecretKey>();
}
