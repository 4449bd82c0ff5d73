//! A secret key has no text: what prints it prints its public key.

use motet_core_crypto::SecretKey;

fn text(key: &SecretKey) -> String {
    format!("{key}")
}

fn main() {}
