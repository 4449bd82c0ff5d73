//! The commands, one file each.

pub(crate) mod demo;
pub(crate) mod find;
pub(crate) mod keygen;
pub(crate) mod policy;
pub(crate) mod run;
pub(crate) mod sign;
pub(crate) mod verify;
