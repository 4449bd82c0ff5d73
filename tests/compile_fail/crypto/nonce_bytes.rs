//! A secret nonce has no bytes: it cannot be stored and read back.

use motet_core_crypto::SecretNonce;

fn store(nonce: &SecretNonce) -> Vec<u8> {
    nonce.to_bytes().to_vec()
}

fn load(bytes: &[u8; 64]) -> SecretNonce {
    SecretNonce::from_bytes(bytes)
}

fn main() {}
