//! A secret key cannot be cloned: there is one, at one place, and it is overwritten when dropped.

use motet_core_crypto::SecretKey;

fn twice(key: &SecretKey) -> SecretKey {
    key.clone()
}

fn main() {}
