//! The nodes that hear of a request, and the places of signers that a user names.

use std::collections::BTreeMap;

use motet_core_crypto::PublicKey;
use motet_wire::{Address, PeerId};

/// The place of a signer: its peer, and where that may be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The peer that serves the signer.
    pub peer: PeerId,
    /// Addresses of the peer; none, if it is connected to this node anyway.
    pub addresses: Vec<Address>,
}

/// The nodes that may hear of a request.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Audience {
    /// All: signers whose peers are not known, or not reached, are asked by gossip and in the DHT.
    #[default]
    Public,
    /// The nodes of its signers alone (ADR 0022): it goes to them directly, without a proof of work, and so does all that follows from it. Each
    /// of them has to have the creator as a contact. These routes are known besides those of [`crate::Config::routes`] and of
    /// advertisements, until the process ends.
    Members(BTreeMap<PublicKey, Route>),
}
