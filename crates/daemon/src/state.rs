//! The parts of a running daemon that its routes use.

use std::net::SocketAddr;
use std::sync::Arc;

use motet_node::{Clock, Node, PublicKey};
use tokio::sync::{Semaphore, watch};

use crate::error::ApiError;
use crate::limits;
use crate::questions::Questions;

/// The state of a daemon. Clones are of the same.
#[derive(Debug, Clone)]
pub(crate) struct App(Arc<Parts>);

/// What a daemon has.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) node: Node,
    pub(crate) questions: Questions,
    /// The signers that the node serves.
    pub(crate) signers: Vec<PublicKey>,
    /// The address on loopback, if the API is served there, too.
    pub(crate) address: Option<SocketAddr>,
    pub(crate) clock: Clock,
    /// True when a caller has asked the program to end.
    pub(crate) halt: watch::Sender<bool>,
    /// Places of listeners of events.
    pub(crate) listeners: Arc<Semaphore>,
}

impl core::ops::Deref for App {
    type Target = Parts;

    fn deref(&self) -> &Parts {
        &self.0
    }
}

impl App {
    pub(crate) fn new(node: Node, questions: Questions, signers: Vec<PublicKey>, address: Option<SocketAddr>) -> Self {
        let (halt, _) = watch::channel(false);
        let listeners = Arc::new(Semaphore::new(limits::LISTENERS));
        Self(Arc::new(Parts { node, questions, signers, address, clock: Clock::start(), halt, listeners }))
    }

    /// The signer that a call means: the one that it names, or the only one.
    pub(crate) fn own(&self, named: Option<PublicKey>) -> Result<PublicKey, ApiError> {
        match (named, self.signers.as_slice()) {
            (Some(signer), _) => Ok(signer),
            (None, [only]) => Ok(*only),
            (None, _) => {
                let what = "this node serves several signers, or none";
                Err(ApiError::bad("which_signer", what).hint("name one of its signers with \"signer\""))
            }
        }
    }
}
