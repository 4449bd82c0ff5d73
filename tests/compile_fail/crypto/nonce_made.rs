//! A secret nonce cannot be made of chosen scalars, nor bound to another key.

use motet_core_crypto::{PublicKey, SecretNonce};

fn make(nonce: SecretNonce, public_key: PublicKey) -> SecretNonce {
    SecretNonce { public_key, ..nonce }
}

fn main() {}
