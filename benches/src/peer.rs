//! What is measured, and the libraries that it is measured on.

pub mod libsecp;
pub mod motet;
#[cfg(any(feature = "musig2-secp256k1", feature = "musig2-k256"))]
pub mod musig2_crate;
pub mod remote;
pub mod schnorr_fun_crate;

use std::time::Duration;

/// One measured operation, always as the first of n signers sees it.
///
/// Everybody's own key and own nonce are never parsed: one has them. The partial signature that one makes oneself is
/// verified before it is used, on every side, since ours and `musig2`'s do it inside of signing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Parse the n - 1 other public keys from 33 bytes each, aggregate all n.
    KeyAggregationFromBytes,
    /// Aggregate n parsed public keys.
    KeyAggregationFromPoints,
    /// BIP-327 nonce generation with secret key, aggregate key and message.
    NonceGeneration,
    /// Parse the n - 1 other public nonces from 66 bytes each, aggregate all n.
    NonceAggregation,
    /// Session values (b, R, e) from the aggregate nonce, own partial signature, its verification.
    Sign,
    /// Verify one partial signature of another signer.
    VerifyOne,
    /// Verify the n - 1 partial signatures of the others.
    VerifyAll,
    /// Partial signatures to the final signature, unverified where the library allows it.
    Aggregate,
    /// BIP-340 verification of the final signature.
    VerifyFinal,
    /// Everything above in order, from bytes to the verified signature.
    SessionCold,
    /// The same with parsed keys and a ready key aggregation context.
    SessionCached,
    /// As [`SessionCold`](Self::SessionCold), but peers whose signing does not verify its own result leave that out.
    SessionColdUnchecked,
    /// As [`SessionCold`](Self::SessionCold) without verifying the others' partial signatures: only the final signature.
    SessionOptimistic,
}

impl Operation {
    /// All of them, in the order of the report.
    pub const ALL: [Self; 13] = [
        Self::KeyAggregationFromBytes,
        Self::KeyAggregationFromPoints,
        Self::NonceGeneration,
        Self::NonceAggregation,
        Self::Sign,
        Self::VerifyOne,
        Self::VerifyAll,
        Self::Aggregate,
        Self::VerifyFinal,
        Self::SessionCold,
        Self::SessionCached,
        Self::SessionColdUnchecked,
        Self::SessionOptimistic,
    ];

    /// The name in reports.
    pub const fn name(self) -> &'static str {
        match self {
            Self::KeyAggregationFromBytes => "key_agg_bytes",
            Self::KeyAggregationFromPoints => "key_agg_points",
            Self::NonceGeneration => "nonce_gen",
            Self::NonceAggregation => "nonce_agg",
            Self::Sign => "sign",
            Self::VerifyOne => "verify_one",
            Self::VerifyAll => "verify_all",
            Self::Aggregate => "aggregate",
            Self::VerifyFinal => "verify_final",
            Self::SessionCold => "session_cold",
            Self::SessionCached => "session_cached",
            Self::SessionColdUnchecked => "session_cold_unchecked",
            Self::SessionOptimistic => "session_optimistic",
        }
    }

    /// The operation of that name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|operation| operation.name() == name)
    }
}

/// A library under measurement, prepared for a number of signers.
pub trait Peer {
    /// The name in reports.
    fn name(&self) -> &'static str;
    /// Runs the operation once and says how long it took; preparation is not counted.
    fn measure(&mut self, operation: Operation) -> Duration;
}

/// The message that everybody signs.
pub const MESSAGE: [u8; 32] = *b"thirty-two bytes that are signed";

/// Secret keys for n signers: the same for every library, and valid (far below the group order).
pub fn secret_keys(signers: usize) -> Vec<[u8; 32]> {
    (1..=signers as u64)
        .map(|index| {
            let mut key = [0; 32];
            let (words, _) = key.as_chunks_mut::<8>();
            for (position, word) in (1..).zip(words) {
                *word = (index.wrapping_mul(0x9E37_79B9_7F4A_7C15) ^ (position * 0xD1B5_4A32_D192_ED03_u64))
                    .rotate_left(17)
                    .to_be_bytes();
            }
            let [first, ..] = &mut key;
            *first &= 0x7F;
            key
        })
        .collect()
}

/// 32 bytes that differ from signer to signer, for nonce generation.
pub fn nonce_seed(signer: usize) -> [u8; 32] {
    let mut seed = [0x5A; 32];
    let (words, _) = seed.as_chunks_mut::<8>();
    for word in words {
        *word = (signer as u64 + 1).to_be_bytes();
    }
    seed
}
