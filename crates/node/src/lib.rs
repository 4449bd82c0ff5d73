//! A Motet node: signers that find each other, agree on a request, and make one BIP-340 signature under one aggregate
//! key (`docs/protocol.md`).
//!
//! This is the one crate that a program depends on to embed a node. It joins [`motet_coordinator`], the protocol as a machine
//! without I/O, to [`motet_net`], the network, on tokio, and brings a [`Store`], a [`LocalSigner`] and a [`policy::Policy`] by
//! rules. Every type that its interface names can be had from here.
//!
//! ```no_run
//! use std::time::Duration;
//!
//! use motet_node::event::Event;
//! use motet_node::policy::ApproveAll;
//! use motet_node::{
//!     Criteria, Keypair, LocalSigner, NetConfig, NetworkId, Node, OsEntropy, RedbStore, SecretKey, SignerMetadata,
//! };
//!
//! #[tokio::main]
//! async fn main() -> Result<(), Box<dyn std::error::Error>> {
//!     let key = SecretKey::generate(&mut OsEntropy)?; // A real program keeps it, and its store.
//!     let signer = key.public_key();
//!     let (node, mut events) = Node::builder(NetConfig::local(NetworkId::test(), Keypair::generate()))
//!         .store(RedbStore::open("records.redb".as_ref())?)
//!         .policy(ApproveAll) // A real program decides by policy::RulePolicy, or asks a person.
//!         .signer(LocalSigner::new(key, OsEntropy))
//!         .start()
//!         .await?;
//!     node.advertise_signer(signer, Criteria::ANY, SignerMetadata::default(), Duration::from_hours(1)).await?;
//!     while let Some(event) = events.next().await {
//!         match event? {
//!             Event::SessionComplete(completed) => println!("signatures: {:?}", completed.items),
//!             Event::SessionAborted(aborted) => println!("no signature: {:?}", aborted.cause),
//!             event => println!("{}", event.name()),
//!         }
//!     }
//!     Ok(())
//! }
//! ```
//!
//! A session goes through these phases ([`event::Phase`]); each is over when the contributions of all signers are there:
//!
//! ```text
//! request -> joining -> commitments -> nonces -> partial signatures -> complete
//!               |            |           |               |                ^
//!               |            +-----------+---------------+                | a signature that comes late
//!               |            |  timeout: the next attempt, with fresh     |
//!               |            |  nonces, from commitments on               |
//!               v            v                                            |
//!            aborted: declined, given up, proof of a fault, or the last timeout
//! ```
//!
//! An attempt without commitments goes from joining to nonces. After an end the signers in
//! [`may_complete`](event::Aborted::may_complete) can still make the signature, if this node's partial signature has left.

/// The program in the repository's README, as a doc test.
#[cfg(doctest)]
#[doc = include_str!("../../../README.md")]
struct Readme;

mod applications;
mod builder;
mod device_signer;
mod discovery;
mod driver;
mod error;
mod events;
mod groups;
pub mod limits;
mod local_signer;
mod look_up;
mod message_counts;
mod node;
mod os_entropy;
pub mod policy;
mod store;

pub use applications::{ApplicationMessages, LostMessages, ReceivedMessage};
pub use builder::NodeBuilder;
pub use device_signer::DeviceSigner;
pub use discovery::SignerDiscovery;
pub use driver::Clock;
#[cfg(feature = "failpoints")]
pub use driver::CrashPoint;
pub use error::{CallError, NodeError};
pub use events::{Events, Lagged};
pub use groups::{GroupSource, verify_proposal};
pub use local_signer::LocalSigner;
pub use look_up::LookUp;
pub use message_counts::MessageCounts;
pub use motet_coordinator::{
    Audience, CatchUp, CommandError, Config, Decision, EntropyError, NonceId, Pace, Privacy, Proposal, ProposalDigest,
    Recipient, Record, Replacement, RequestedItem, ResourceSpec, Retry, Rounds, Route, Score, SessionStatus, Signer,
    SignerError, SignerQuery, SigningItem, SigningRequestSpec, Snapshot, Standing, StoreError, event,
};
pub use motet_core_crypto::device::{Device, NoncePurpose, SigningTask};
pub use motet_core_crypto::{
    AggregateNonce, InvalidPoint, InvalidSecretKey, KeyAggContext, PartialSignature, PublicKey, PublicNonce,
    RandomnessError, SecretKey, Signature, XOnlyPublicKey,
};
pub use motet_net::{
    Contact, DhtMode, DhtState, DhtStats, Direction, Exposure, Keypair, Mdns, Multiaddr, Named, NetConfig, NetError,
    PeerConnection, Reach, Reachability, Refused, Relaying, Stats, Switch, TransportKind, parse_address,
};
pub use motet_wallet::{ApprovalScreen, Mismatch, RegisteredGroup, Registry, VerifiedTransaction};
pub use motet_wire::{
    AddressScope, AdvertisementId, Attempt, AttemptId, Channel, Charge, Commitments, Conviction, Criteria, Derivation,
    Difficulty, Election, Evidence, EvidenceFault, HashWork, Item, ItemError, MemberPaths, MessageId, MonotonicMs,
    NetworkId, Now, PeerId, RequestId, RequestMetadata, RequestOptions, ResourceAnnouncement, Rule,
    SignerAdvertisement, SignerIndex, SignerMetadata, SigningRequest, TimestampMs, Topology, ValidatorLimits,
    WorkPolicy,
};
pub use node::Node;
pub use os_entropy::OsEntropy;
pub use store::{MemoryStore, RedbStore, Store};
