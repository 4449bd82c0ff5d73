//! MuSig2 (BIP-327) and Schnorr signatures (BIP-340) on k256.
#![no_std]

extern crate alloc;
#[cfg(feature = "std")]
extern crate std;

pub mod adaptor;
pub mod bip328;
mod challenge;
#[doc(hidden)]
pub mod declassify;
pub mod deterministic;
mod field;
mod hash;
mod hex;
mod key_agg;
mod multiscalar;
mod nonce;
mod point;
mod scalar;
pub mod schnorr;
mod secret;
#[cfg(feature = "serde")]
mod serialize;
mod session;
pub mod signer;
mod taproot;
mod vartime;
#[cfg(test)]
mod vectors;

#[cfg(feature = "count-operations")]
#[doc(hidden)]
pub use field::counter as operation_counter;
pub use hash::tagged_hash;
pub use hex::ParseHexError;
pub use key_agg::{KeyAggContext, KeyAggError, TweakError};
pub use nonce::{
    AggregateNonce, NonceCommitment, NonceGenError, NonceInputs, PublicNonce, SecretNonce, generate_nonce,
};
pub use point::{InvalidPoint, PublicKey, XOnlyPublicKey};
pub use scalar::{InvalidSecretKey, RandomnessError, SecretKey};
pub use schnorr::Signature;
pub use session::{
    AggregateError, InvalidPartialSignature, PartialFault, PartialSignature, SignError, SigningSession,
    VerifiedPartials,
};
