//! Signing wants the nonce itself: a borrowed one does not do.

use motet_core_crypto::{PartialSignature, SecretKey, SecretNonce, SignError, SigningSession};

fn keep(session: &SigningSession, nonce: &SecretNonce, key: &SecretKey) -> Result<PartialSignature, SignError> {
    session.sign(nonce, key)
}

fn main() {}
