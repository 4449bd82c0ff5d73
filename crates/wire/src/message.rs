//! The messages of the protocol, one type each (`docs/protocol.md` §3).
//!
//! The types here hold parsed values: keys that are points, signatures with the right length. Each message's file also
//! has its private *raw* mirror: the decoded bytes, before a square root is spent on their points. The pipeline decodes
//! raw, checks raw, verifies the signature over the bytes, and only then parses.

pub(crate) mod advertisement;
pub(crate) mod application;
pub(crate) mod commit;
mod item_contexts;
pub(crate) mod join;
mod kind;
mod list;
pub(crate) mod nonce;
mod options;
pub(crate) mod outcome;
pub(crate) mod partial;
pub(crate) mod raw;
pub(crate) mod request;
pub(crate) mod resource;
mod spec;
pub(crate) mod structure;
pub(crate) mod sync;

pub use advertisement::{Address, Criteria, SignerAdvertisement, SignerMetadata, SignerUnavailable};
pub use application::ApplicationMessage;
pub use commit::NonceCommit;
pub use item_contexts::ItemContexts;
pub use join::{ParticipantDeclined, ParticipantJoined, SessionReady};
pub use kind::Kind;
pub(crate) use list::RawBody;
pub use list::{Body, Message};
pub use nonce::NonceShare;
pub use options::{Commitments, Election, RequestOptions, Topology};
pub use outcome::{AbortCode, AbortReason, AbortSubject, SessionAbort, SignatureFinalized};
pub use partial::PartialSigShare;
pub use request::{Derivation, Item, ItemError, MemberPaths, RequestMetadata, SigningRequest};
pub use resource::ResourceAnnouncement;
pub use spec::Scope;
pub use sync::{Have, Holding, SignerSet, SyncRequest, SyncResponse};

#[cfg(test)]
mod tests;
