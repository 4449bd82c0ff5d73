//! Coordination of MuSig2 signing among signers who need not know each other (`docs/protocol.md`).
//!
//! - [`Engine`]: the protocol machine, without I/O, clocks or randomness of its own.
//! - [`signer`], [`proposal`], [`record`]: what a driver puts in and carries out: where keys are, what may be signed, what is
//!   durable.
//! - [`event`]: what a user is told.

pub mod config;
pub mod engine;
pub mod entropy;
pub mod error;
pub mod event;
pub mod job;
pub mod limits;
pub mod pace;
pub mod proposal;
pub mod record;
pub mod reputation;
pub mod signer;

pub use config::{Config, Privacy, Rounds};
pub use engine::{
    Command, CommandId, Effect, Engine, Input, Reply, ResourceSpec, SessionStatus, SignerQuery, SigningRequestSpec,
};
pub use entropy::{EntropyError, Infallible};
pub use error::CommandError;
pub use event::Event;
pub use pace::Pace;
pub use proposal::{Decision, Proposal, ProposalDigest};
pub use record::{Record, Snapshot, StoreError};
pub use reputation::{Score, Standing};
pub use signer::{Signer, SignerAnswer, SignerError, SignerTask};
