//! All messages that bytes from the network can be for Motet, and the one way in which bytes become a message.
//!
//! - [`Message`]: the messages, as types that hold parsed values; [`Subject`]: the request or session of each;
//!   [`limits`]: their bounds.
//! - [`seal`] makes the signed frame of a message, [`peek`] reads the claims of a frame.
//! - The pipeline: [`Validator::admit`] and [`Admitted::verify`] are the only source of [`Validated`].
//! - [`Evidence`]: faults that any third party can verify offline.
//! - [`Delegation`], [`transcript`], [`work`]: parts of messages. [`Topic`], [`DhtKey`]: their destinations.
//! - [`TextForm`], [`Link`]: texts that people read, paste and scan.
//!
//! The crate reads no clock, owns no randomness and does no I/O: time and random numbers are arguments. The format is
//! described for other implementations in `docs/wire-format.md`, the rules of the pipeline in `docs/validation.md`.

mod address_scope;
mod author;
mod base58;
mod codec;
mod delegation;
mod dht_key;
mod envelope;
mod evidence;
mod id;
pub mod limits;
mod message;
mod mirror;
#[cfg(feature = "serde")]
mod serialize;
mod subject;
mod text;
mod time;
mod topic;
pub mod transcript;
mod uri;
mod validate;
pub mod work;

pub use address_scope::AddressScope;
pub use author::Author;
pub use codec::{DecodeError, ParseError};
pub use delegation::{Delegation, DelegationError, VerifiedDelegation};
pub use dht_key::{DhtKey, Index, Shard};
pub use envelope::{Peek, SealError, Sealed, claimed_peer, claimed_subject, expiry, peek, seal};
pub use evidence::{Charge, Conviction, Evidence, EvidenceFault};
pub use id::{
    AdvertisementId, Attempt, AttemptId, IdError, MessageId, NetworkId, PeerId, RequestId, SignerIndex, TranscriptHash,
};
pub use message::{
    AbortCode, AbortReason, AbortSubject, Address, ApplicationMessage, Body, Commitments, Criteria, Derivation,
    Election, Have, Holding, Item, ItemContexts, ItemError, Kind, MemberPaths, Message, NonceCommit, NonceShare,
    PartialSigShare, ParticipantDeclined, ParticipantJoined, RequestMetadata, RequestOptions, ResourceAnnouncement,
    Scope, SessionAbort, SessionReady, SignatureFinalized, SignerAdvertisement, SignerMetadata, SignerSet,
    SignerUnavailable, SigningRequest, SyncRequest, SyncResponse, Topology,
};
pub use subject::Subject;
pub use text::{Offer, TextError, TextForm};
pub use time::{MonotonicMs, Now, TimestampMs};
pub use topic::Topic;
pub use uri::{Contact, Link, RequestLink};
pub use validate::{
    Admitted, Arrival, Bucket, Channel, NetworkGroup, PeerClass, Penalty, Rate, Rejection, Rule, Validated, Validator,
    ValidatorLimits, Verdict, verify_batch,
};
pub use work::{Difficulty, HashWork, Load, Purpose, Work, WorkClaim, WorkFault, WorkPolicy};

/// The program in the README, as a doc test.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;
