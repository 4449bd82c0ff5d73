//! A Motet node: signers that find each other, agree on what to sign, and make one BIP-340 signature under one aggregate
//! key (`docs/protocol.md`).
//!
//! This is the one crate that a program depends on to embed a node. It joins [`motet_coordinator`], the protocol as a machine
//! without I/O, to [`motet_net`], the network, on tokio, and brings a [`Store`], a [`LocalSigner`] and a [`Policy`] by rules.
//! Every type that its interface names can be had from here.

mod builder;
mod driver;
mod error;
mod events;
pub mod limits;
mod local_signer;
mod node;
mod os_entropy;
pub mod policy;
mod store;

pub use builder::NodeBuilder;
pub use driver::{Clock, CrashPoint};
pub use error::{CallError, NodeError};
pub use events::{Events, Lagged};
pub use local_signer::LocalSigner;
pub use motet_coordinator::{
    CommandError, Config, Decision, EntropyError, NonceId, Pace, Privacy, Proposal, ProposalDigest, Record,
    ResourceSpec, Rounds, Score, SessionStatus, Signer, SignerError, SignerQuery, SigningItem, SigningRequestSpec,
    Snapshot, Standing, StoreError, event,
};
pub use motet_core_crypto::{
    InvalidPoint, InvalidSecretKey, KeyAggContext, PartialSignature, PublicKey, PublicNonce, RandomnessError,
    SecretKey, Signature, XOnlyPublicKey,
};
pub use motet_net::{
    DhtState, DhtStats, Exposure, Keypair, Mdns, Multiaddr, NetConfig, NetError, Reach, Refused, Relaying, Stats,
    parse_address,
};
pub use motet_wire::{
    AddressScope, AdvertisementId, Attempt, AttemptId, Channel, Charge, Commitments, Criteria, Derivation, Difficulty,
    Election, HashWork, Item, ItemError, MessageId, MonotonicMs, NetworkId, Now, PeerId, RequestId, RequestMetadata,
    RequestOptions, ResourceAnnouncement, SignerAdvertisement, SignerIndex, SignerMetadata, SigningRequest,
    TimestampMs, Topology, ValidatorLimits, WorkPolicy,
};
pub use node::Node;
pub use os_entropy::OsEntropy;
pub use store::{MemoryStore, RedbStore, Store};
