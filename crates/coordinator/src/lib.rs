//! Coordination of MuSig2 signing among signers who need not know each other (`docs/protocol.md`).
//!
//! - [`Engine`]: the protocol machine, without I/O, clocks or randomness of its own.
//! - [`signer`], [`policy`], [`store`]: what a user can put in: where keys are, what may be signed, what is durable.
//! - [`event`]: what a user is told.
//! - [`node`]: the tokio driver that joins the engine to network, store, clock and user.

pub mod config;
pub mod engine;
pub mod entropy;
pub mod error;
pub mod event;
pub mod job;
pub mod limits;
pub mod node;
pub mod pace;
pub mod policy;
pub mod reputation;
pub mod signer;
pub mod store;

pub use config::{Config, Privacy, Rounds};
pub use engine::{Action, Announcement, Command, CommandId, Engine, Input, Offered, Reply, SessionStatus, Wishes};
pub use entropy::{EntropyError, OsEntropy};
pub use error::CommandError;
pub use event::Event;
pub use node::{Handle, Node, NodeError};
pub use pace::Pace;
pub use policy::{ApproveAll, Decision, DeclineAll, Policy, Proposal, ProposalDigest};
pub use reputation::{Score, Standing};
pub use signer::{LocalSigner, Signer, SignerAnswer, SignerError, SignerTask};
pub use store::{MemoryStore, Record, RedbStore, Snapshot, Store, StoreError};
