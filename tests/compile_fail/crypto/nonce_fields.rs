//! A secret nonce cannot be taken apart.

use motet_core_crypto::SecretNonce;

fn open(nonce: SecretNonce) {
    let _scalars = nonce.k;
    let _scalars = nonce.expose();
}

fn main() {}
