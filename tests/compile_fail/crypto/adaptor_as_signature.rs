//! An adaptor signature is no signature, and a session that makes one does not aggregate to the other.

use motet_core_crypto::adaptor::{AdaptorSession, AdaptorSignature};
use motet_core_crypto::{AggregateError, PartialSignature, Signature, XOnlyPublicKey, schnorr};

fn spend(key: &XOnlyPublicKey, signature: &AdaptorSignature) -> Result<(), schnorr::VerifyError> {
    schnorr::verify(key, b"message", signature)
}

fn finish(session: &AdaptorSession, partials: &[PartialSignature]) -> Result<Signature, AggregateError> {
    session.aggregate(partials)
}

fn main() {}
