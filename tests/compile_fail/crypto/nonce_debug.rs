//! A secret nonce cannot be printed, not even redacted.

use motet_core_crypto::SecretNonce;

fn print(nonce: &SecretNonce) -> String {
    format!("{nonce:?}")
}

fn main() {}
