//! The parts of a running daemon that its routes use.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use motet_node::{CallError, Clock, Node, PublicKey};
use tokio::sync::{Semaphore, watch};

use crate::error::ApiError;
use crate::facilities::{Facilities, KeyRing, LogControl};
use crate::keys::Keys;
use crate::limits;
use crate::minutes::{Minutes, Totals};
use crate::questions::Questions;
use crate::tally::Tally;
use crate::webhook::Webhooks;

/// The state of a daemon. Clones are of the same.
#[derive(Debug, Clone)]
pub(crate) struct App(Arc<Parts>);

/// What a daemon has.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) node: Node,
    pub(crate) questions: Questions,
    /// The keys of the signers, if they can be locked.
    pub(crate) signer_keys: Option<Arc<dyn Keys>>,
    /// One try to unlock them at a time.
    pub(crate) unlocking: tokio::sync::Mutex<()>,
    /// The signers that the node serves.
    signers: Mutex<Vec<PublicKey>>,
    /// The address on loopback, if the API is served there, too.
    pub(crate) address: Option<SocketAddr>,
    pub(crate) clock: Clock,
    pub(crate) tally: Tally,
    pub(crate) minutes: Minutes,
    /// True when a caller has asked the program to end.
    pub(crate) halt: watch::Sender<bool>,
    pub(crate) webhooks: Webhooks,
    pub(crate) log: Option<Arc<dyn LogControl>>,
    pub(crate) keys: Option<Arc<dyn KeyRing>>,
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
    pub(crate) fn new(
        node: Node,
        questions: Questions,
        signers: Vec<PublicKey>,
        address: Option<SocketAddr>,
        clock: Clock,
        webhooks: Webhooks,
        facilities: Facilities,
    ) -> Self {
        let (halt, _) = watch::channel(false);
        let listeners = Arc::new(Semaphore::new(limits::LISTENERS));
        let signers = Mutex::new(signers);
        let Facilities { log, keys, signer_keys, webhooks: _ } = facilities;
        Self(Arc::new(Parts {
            node,
            questions,
            signer_keys,
            unlocking: tokio::sync::Mutex::new(()),
            signers,
            address,
            clock,
            tally: Tally::default(),
            minutes: Minutes::default(),
            halt,
            webhooks,
            log,
            keys,
            listeners,
        }))
    }

    /// The signers that the node serves, the first one first.
    pub(crate) fn signers(&self) -> Vec<PublicKey> {
        self.signers.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The sessions that go on.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub(crate) async fn open_sessions(&self) -> Result<usize, CallError> {
        let sessions = self.node.sessions().await?;
        Ok(sessions.iter().filter(|session| !session.phase.has_ended()).count())
    }

    /// Takes the counts of this moment into the history.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub(crate) async fn note_minute(&self) -> Result<(), CallError> {
        let open = u64::try_from(self.open_sessions().await?).unwrap_or(u64::MAX);
        let messages = self.node.message_counts().await?;
        let counts = self.tally.counts();
        let ended = counts.ended.values().sum();
        let (complete, accepted, rejected) = (counts.complete, messages.accepted, messages.refused());
        self.minutes.note(self.clock.now(), Totals { open, complete, ended, accepted, rejected });
        Ok(())
    }

    /// Serves a signer of this node no more. A further key is no longer in memory then, and other processes may serve it.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub(crate) async fn let_go(&self, signer: PublicKey) -> Result<(), CallError> {
        self.node.remove_signer(signer).await?;
        self.note(signer, false);
        if let Some(keys) = &self.keys {
            keys.release(&signer);
        }
        Ok(())
    }

    /// Notes that the node serves a signer from now on, or no more.
    pub(crate) fn note(&self, signer: PublicKey, is_served: bool) {
        let mut signers = self.signers.lock().unwrap_or_else(PoisonError::into_inner);
        signers.retain(|other| *other != signer);
        if is_served {
            signers.push(signer);
        }
    }

    /// The signer that a call means: the one that it names, or the only one.
    pub(crate) fn own(&self, named: Option<PublicKey>) -> Result<PublicKey, ApiError> {
        match (named, self.signers().as_slice()) {
            (Some(signer), _) => Ok(signer),
            (None, [only]) => Ok(*only),
            (None, _) => {
                let what = "this node serves several signers, or none";
                Err(ApiError::bad("which_signer", what).hint("name one of its signers with \"signer\""))
            }
        }
    }
}
