//! The commands, one file each, and the recovery of two of them after lost events.

pub(crate) mod asking;
pub(crate) mod backup;
pub(crate) mod completions;
pub(crate) mod config;
pub(crate) mod contact;
pub(crate) mod daemon;
pub(crate) mod demo;
pub(crate) mod doctor;
pub(crate) mod evidence;
pub(crate) mod find;
pub(crate) mod group;
pub(crate) mod init;
pub(crate) mod key;
pub(crate) mod key_file;
mod leaving;
pub(crate) mod lost_end;
pub(crate) mod man;
pub(crate) mod message;
pub(crate) mod node;
pub(crate) mod policy;
pub(crate) mod psbt;
pub(crate) mod restore;
pub(crate) mod run;
pub(crate) mod service;
pub(crate) mod sign;
pub(crate) mod verify;
