//! Bitcoin transactions of MuSig2 groups: PSBT, descriptors with `musig()`, and the groups that they describe.
//!
//! - [`RawPsbt`]: the container of version 0 and 2, strict and without loss. [`fields`]: its Taproot and MuSig2 fields as values.
//! - [`descriptor`]: output descriptors with `musig()`, and their keys and scripts at each address.
//! - [`Group`]: a checked descriptor, with its identity, its addresses and the ways to spend from them.
//! - [`SpendPlan`]: the inputs of a group in a PSBT, with the roles of updater, signer, combiner and finalizer;
//!   [`RawPsbt::extract`] makes the transaction.
//! - [`TransactionView`]: what a signer sees before it decides, with each value proven or claimed.
//! - [`Profile`]: copies of a PSBT for signers that are Bitcoin Core, a Ledger or a Coldcard.
//! - [`bip322`]: messages that a group signs under one of its addresses.
//! - [`WalletPolicy`]: the form in which hardware wallets register descriptors.
//!
//! The crate reads no clock, owns no randomness and does no I/O. `docs/adr/0016-a-strict-container.md` has the reasons for a
//! container of its own.

pub mod bip322;
mod bytes;
pub mod descriptor;
pub mod fields;
mod form;
mod group;
mod inspect;
pub mod limits;
mod malformed;
mod map;
mod peer;
mod policy;
mod raw;
mod roles;
mod transaction;
mod version;

pub use group::{Group, GroupError, GroupId, GroupWarning, Keychain, Location, PathId, SigningTarget, SpendPath};
pub use inspect::{Fact, InputView, OutputView, Recipient, TransactionView, ViewWarning};
pub use malformed::Malformed;
pub use map::{Key, MapId, Place, RawMap};
pub use peer::{ExportError, Profile};
pub use policy::{PolicyError, WalletPolicy};
pub use raw::{
    CombineError, ConvertError, EditError, InputFields, LocktimeConflict, LooksLike, OutputFields, ParseError,
    PrevoutError, RawPsbt,
};
pub use roles::{
    Blame, ExtractError, FinalizeError, LocatedOutput, Missing, OwnInput, PendingNonces, PlanError, Refused,
    SecretKeys, Share, SignerError, SpendPlan,
};
pub use version::Version;

/// The program in the README, as a doc test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
