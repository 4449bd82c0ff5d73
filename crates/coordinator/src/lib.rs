//! Coordination of MuSig2 signing among signers that need not know each other (`docs/protocol.md`).
//!
//! - [`Engine`]: the protocol machine, without I/O, clocks or randomness of its own.
//! - [`Outbox`]: the order in which records are stored and effects leave a node.
//! - [`Signer`], [`Proposal`], [`Record`]: the ports of a driver: the keys, the requests to approve, the durable
//!   records.
//! - [`event`]: the events for a user.
//!
//! A driver hands inputs in, stores records and carries effects out; [`Outbox`] keeps their order:
//!
//! ```
//! use motet_coordinator::{Command, CommandId, Config, Effect, Engine, EntropyError, Input, Outbox, Snapshot};
//! use motet_core_crypto::PublicKey;
//! use motet_wire::{NetworkId, Now, PeerId};
//! use rand_core::TryCryptoRng;
//!
//! /// Lets a node serve a signer, and says what the signer is to do for that.
//! fn serve(peer: PeerId, signer: PublicKey, now: Now, rng: &mut dyn TryCryptoRng<Error = EntropyError>) -> Vec<Effect> {
//!     let mut engine = Engine::new(Config::default(), NetworkId::test(), peer, Snapshot::default());
//!     let mut outbox = Outbox::new();
//!     let mut transition = engine.handle(now, Input::Command(CommandId(1), Command::AddSigner { signer }), rng);
//!     // The engine holds no key: the signer is asked to certify a message key, and its answer is the next input. Nothing
//!     // of that leaves the node, so that it does not wait for the store.
//!     let at_once = transition.take_internal();
//!     outbox.push(transition, now.mono);
//!     at_once.into_iter().filter(|effect| matches!(effect, Effect::AskSigner(_))).collect()
//! }
//! # use rand_core::SeedableRng;
//! # let mut rng = motet_coordinator::Infallible(rand_chacha::ChaCha8Rng::from_seed([1; 32]));
//! # let signer = motet_core_crypto::SecretKey::from_bytes(&[7; 32]).unwrap().public_key();
//! # assert_eq!(serve(PeerId::from_bytes(&[1; 38]).unwrap(), signer, Now::default(), &mut rng).len(), 1);
//! ```

mod config;
mod engine;
mod entropy;
mod error;
pub mod event;
mod job;
#[cfg(feature = "serde")]
mod json;
pub mod limits;
mod outbox;
mod pace;
mod proposal;
mod record;
mod reputation;
mod signer;
mod status;
mod unused_nonces;

pub use config::{CatchUp, Config, Privacy, Rounds};
pub use engine::{
    ApplicationMessageSpec, Audience, Command, CommandId, Effect, Engine, Input, Interest, Recipient, Replacement,
    Reply, ResourceSpec, Route, SignerQuery, SigningRequestSpec, Transition,
};
pub use entropy::{EntropyError, Infallible};
pub use error::CommandError;
pub use job::{Fault, Job, JobId, JobOutcome};
pub use outbox::{Outbox, Refusal};
pub use pace::Pace;
pub use proposal::{Decision, Proposal, ProposalDigest};
pub use record::{Record, Records, Snapshot, StoreError};
pub use reputation::{Observation, Score, Standing};
pub use signer::{NonceId, Signer, SignerAnswer, SignerError, SignerTask, SigningItem};
pub use status::{RequestedItem, Retry, SessionStatus};
pub use unused_nonces::UnusedNonces;
