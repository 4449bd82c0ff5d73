//! A message between the cheap half of the pipeline and its signature check.

use super::generations::Key;
use super::memory::{Proven, SharedMemory};
use super::peer_class::PeerClass;
use super::replay::Unseen;
use crate::id::PeerId;
use crate::message::Kind;

/// A message that is worth a signature check. Dropping it unchecked leaves no trace: a copy may still come.
#[derive(Debug)]
#[must_use = "an admitted message is nothing until it is verified"]
pub struct Admitted {
    pub(super) unseen: Unseen,
    pub(super) proven: Proven,
    pub(super) delegation_digest: Option<[u8; 32]>,
    pub(super) ticket: Ticket,
}

impl Admitted {
    /// The kind of the message.
    pub const fn kind(&self) -> Kind {
        self.unseen.decoded.kind
    }

    /// The peer that delivered the message: a rejection is reported about it.
    pub const fn from(&self) -> &PeerId {
        &self.unseen.decoded.arrival.from
    }

    /// The class whose budget the message has used: the priority of the message, when there is a backlog.
    pub const fn standing(&self) -> PeerClass {
        self.unseen.standing
    }
}

/// Keeps a frame in flight for as long as its check takes, however that ends.
#[derive(Debug)]
pub(super) struct Ticket {
    pub(super) memory: SharedMemory,
    pub(super) frame: Key,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.memory.lock().land(&self.frame);
    }
}
