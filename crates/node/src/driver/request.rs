//! Requests to the driver, from the handles of its node.

use std::sync::Arc;

use motet_coordinator::{Command, CommandError, Replacement, Reply, Signer, SigningRequestSpec};
use motet_core_crypto::PublicKey;
use motet_net::Sample;
use motet_wire::{Channel, RequestId, Validated};
use tokio::sync::oneshot;

use crate::message_counts::MessageCounts;

/// A request to the driver from outside.
pub(crate) enum Request {
    /// A command, and whom to answer.
    Command(Box<Command>, oneshot::Sender<Result<Reply, CommandError>>),
    /// A signer to be served, and whom to answer.
    AddSigner(Arc<dyn Signer>, oneshot::Sender<Result<Reply, CommandError>>),
    /// The part of the node in a signer.
    Serves(PublicKey, oneshot::Sender<Service>),
    /// The request that a retry would send; none if it would send none.
    AskedAgain {
        request: RequestId,
        replace: Vec<Replacement>,
        asker: oneshot::Sender<Option<Box<SigningRequestSpec>>>,
    },
    /// The signers that are served and may be known in public.
    Signers(oneshot::Sender<Vec<PublicKey>>),
    /// The metrics of the driver.
    Samples(oneshot::Sender<Vec<Sample>>),
    /// The messages that were accepted and refused.
    Counts(oneshot::Sender<MessageCounts>),
    /// Frames that were asked for, to be validated and handled; answered when that is done, with the requests among them.
    Ingest { frames: Vec<Arc<[u8]>>, channel: Channel, done: oneshot::Sender<Vec<Validated>> },
    /// Stop.
    Stop(oneshot::Sender<()>),
}

/// The part of this node in a signer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Service {
    /// It does not serve the signer.
    None,
    /// It serves the signer.
    Listed,
    /// It serves the signer, which is not to be known in public.
    Unlisted,
}
