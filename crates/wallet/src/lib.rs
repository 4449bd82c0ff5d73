//! Groups of MuSig2 signers as a wallet.
//!
//! - [`RegisteredGroup`]: a group with its name, its network, the names of its members, and a text file without secrets.
//! - [`Registry`]: the groups that a wallet knows, found by identity, name, or the keys that sign.
//!
//! - [`propose()`]: a request for the signatures of a transaction, made from a PSBT of any wallet.
//! - [`check()`]: what every signer runs before anything is shown or decided. It recomputes the whole request, and answers with a
//!   [`VerifiedTransaction`] or a [`Mismatch`].
//! - [`ApprovalScreen`]: the facts in a fixed order, as lines for people and as JSON.
//! - [`complete()`]: the signatures of a session, put into the PSBT.
//! - [`keys`]: a seed of words, and an account for each group.
//!
//! The crate reads no clock, owns no randomness and does no I/O.

mod canonical;
mod check;
mod complete;
mod group;
mod items;
pub mod keys;
mod layout;
pub mod limits;
mod locate;
mod propose;
mod registry;
mod screen;
mod text;
mod warning;

pub use canonical::TRANSACTION_TYPE;
pub use check::{Mismatch, VerifiedTransaction, check, check_terms};
pub use complete::{CompleteError, Completed, complete};

pub use group::{
    DeviceKind, DeviceRegistration, GroupFileError, Member, NotOnNetwork, RegisteredGroup, RegistrationError,
    WordsError, key_fingerprint,
};
pub use layout::field;
pub use motet_psbt::GroupId;
pub use propose::{ProposeError, ProposeOptions, TransactionProposal, propose};
pub use registry::{Registry, RegistryError};
pub use screen::{
    ApprovalScreen, GroupNames, OutputKind, Place, ScreenGroup, ScreenInput, ScreenOutput, ScreenPath, ScreenRequester,
    Stated,
};
pub use text::{NameError, escaped, is_hidden, judged, quoted};
pub use warning::{Severity, Warning};

/// The program in the README, as a doc test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
