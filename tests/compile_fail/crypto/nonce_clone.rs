//! A secret nonce cannot be cloned: a copy could sign again.

use motet_core_crypto::SecretNonce;

fn twice(nonce: &SecretNonce) -> SecretNonce {
    nonce.clone()
}

fn main() {}
