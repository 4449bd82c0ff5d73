//! Coordination of MuSig2 signing among signers who need not know each other (`docs/protocol.md`).
//!
//! - [`Engine`]: the protocol machine, without I/O, clocks or randomness of its own.
//! - [`Signer`], [`Proposal`], [`Record`]: what a driver puts in and carries out: where keys are, what may be signed, what is
//!   durable.
//! - [`event`]: what a user is told.

mod config;
mod engine;
mod entropy;
mod error;
pub mod event;
mod job;
pub mod limits;
mod pace;
mod proposal;
mod record;
mod reputation;
mod signer;

pub use config::{Config, Privacy, Rounds};
pub use engine::{
    Command, CommandId, Effect, Engine, Input, Reply, ResourceSpec, SessionStatus, SignerQuery, SigningRequestSpec,
};
pub use entropy::{EntropyError, Infallible};
pub use error::CommandError;
pub use job::{Fault, Job, JobId, JobOutcome};
pub use pace::Pace;
pub use proposal::{Decision, Proposal, ProposalDigest};
pub use record::{Record, Snapshot, StoreError};
pub use reputation::{Observation, Score, Standing};
pub use signer::{NonceId, Signer, SignerAnswer, SignerError, SignerTask, SigningItem};
