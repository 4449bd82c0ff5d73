//! MuSig2 (BIP-327) and Schnorr signatures (BIP-340) on secp256k1: all of both, hard to misuse, and fast.
//!
//! Signing takes two rounds. Everybody knows the public keys, and aggregates them ([`KeyAggContext`]). In the first round
//! each signer makes a nonce ([`generate_nonce`]), keeps the [`SecretNonce`] and sends the [`PublicNonce`]. From the sum
//! of all nonces ([`AggregateNonce`]) and the message everybody computes the same [`SigningSession`]. In the second each
//! signs, which consumes the secret nonce, and sends the [`PartialSignature`]. Whoever has all of them verifies them at
//! once ([`SigningSession::verify_partials`]) and adds them up to a BIP-340 [`Signature`].
//!
//! # From BIP-327 to items
//!
//! | algorithm | item |
//! |---|---|
//! | IndividualPubkey | [`SecretKey::public_key`] |
//! | KeySort | [`KeyAggContext::sorted`] |
//! | KeyAgg | [`KeyAggContext::new`], [`KeyAggContext::with_duplicates`] |
//! | GetXonlyPubkey | [`KeyAggContext::aggregate_key`] |
//! | GetPlainPubkey | [`KeyAggContext::aggregate_plain`] |
//! | ApplyTweak | [`KeyAggContext::with_plain_tweak`], [`KeyAggContext::with_xonly_tweak`] |
//! | NonceGen | [`generate_nonce`], [`NonceInputs`] |
//! | NonceAgg | [`AggregateNonce::sum`] |
//! | Session Context, GetSessionValues | [`SigningSession::new`] |
//! | Sign | [`SigningSession::sign`], [`device::Device::sign`] |
//! | DeterministicSign | [`deterministic::sign`] |
//! | PartialSigVerify | [`SigningSession::verify_partial`]; all at once: [`SigningSession::verify_partials`] |
//! | PartialSigAgg | [`SigningSession::aggregate`], [`SigningSession::aggregate_verified`], [`SigningSession::aggregate_optimistically`] |
//!
//! | of other BIPs | item |
//! |---|---|
//! | BIP-340 signing, verification, batch verification | [`schnorr::sign`], [`schnorr::verify`], [`schnorr::verify_batch`]; with one key again and again: [`schnorr::SigningKey`], [`schnorr::PreparedKey`] |
//! | BIP-340 tagged hashes | [`tagged_hash`], [`Tag`] |
//! | BIP-341 output keys | [`KeyAggContext::with_taproot`], [`XOnlyPublicKey::taproot_output`], [`SecretKey::into_taproot_output`] |
//! | BIP-32 unhardened children | [`PublicKey::child`], [`SecretKey::child`] |
//! | BIP-328 extended keys | [`KeyAggContext::synthetic_xpub`], [`KeyAggContext::with_bip328_path`], [`bip328::AggregateChild`] |
//!
//! Beyond them: [`adaptor`] signatures, [`NonceCommitment`], and [`device::Device`] for keys that are kept elsewhere.
//!
//! # What to know
//!
//! Secret-dependent operations are constant time as far as the compiler and k256 keep it so; public data is handled in
//! variable time. Messages have any length; whoever signs 32-byte hashes passes 32 bytes. Nothing here reads a clock,
//! a file or a source of randomness that it was not given. With the feature `serde` public types have serde.
#![no_std]
#![deny(clippy::std_instead_of_core, clippy::std_instead_of_alloc, clippy::alloc_instead_of_core)]

extern crate alloc;
#[cfg(any(feature = "std", test))]
extern crate std;

pub mod adaptor;
pub mod bip328;
mod challenge;
mod child;
mod comb;
#[doc(hidden)]
pub mod declassify;
pub mod deterministic;
pub mod device;
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
mod signing_task;
mod taproot;
mod vartime;
#[cfg(test)]
mod vectors;

/// The program in the README, as a doc test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

pub use child::ChildPath;
#[cfg(feature = "count-operations")]
#[doc(hidden)]
pub use field::counter as operation_counter;
pub use hash::{Tag, tagged_hash};
pub use hex::ParseHexError;
pub use key_agg::{KeyAggContext, KeyAggError, TweakError};
pub use nonce::{
    AggregateNonce, NonceCommitment, NonceGenError, NonceInputs, PublicNonce, SecretNonce, generate_nonce,
};
pub use point::{InvalidPoint, InvalidPointAt, PublicKey, XOnlyPublicKey};
pub use scalar::{InvalidSecretKey, RandomnessError, SecretKey};
pub use schnorr::Signature;
pub use session::{
    AggregateError, InvalidPartialSignature, PartialFault, PartialSignature, SignError, SigningSession,
    VerifiedPartials,
};
