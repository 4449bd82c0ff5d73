//! Groups of MuSig2 signers as a wallet.
//!
//! - [`RegisteredGroup`]: a group with its name, its network, the names of its members, and a text file without secrets.
//! - [`Registry`]: the groups that a wallet knows, found by identity, name, or the keys that sign.
//!
//! The crate reads no clock, owns no randomness and does no I/O.

mod group;
pub mod limits;
mod registry;
mod text;

pub use group::{
    DeviceKind, DeviceRegistration, GroupFileError, Member, NotOnNetwork, RegisteredGroup, RegistrationError,
    WordsError,
};
pub use registry::{Registry, RegistryError};
pub use text::NameError;

/// The program in the README, as a doc test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
