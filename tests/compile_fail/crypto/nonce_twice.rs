//! Signing consumes the nonce: a second signature with it does not compile.

use motet_core_crypto::{PartialSignature, SecretKey, SecretNonce, SignError, SigningSession};

fn twice(
    session: &SigningSession,
    other: &SigningSession,
    nonce: SecretNonce,
    key: &SecretKey,
) -> Result<[PartialSignature; 2], SignError> {
    Ok([session.sign(nonce, key)?, other.sign(nonce, key)?])
}

fn main() {}
