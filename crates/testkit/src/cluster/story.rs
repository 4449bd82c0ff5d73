//! The calls of which a story is made: signers advertise, one of them asks, and there is a signature.

use core::time::Duration;

use motet_coordinator::event::{Event, Phase};
use motet_coordinator::{Command, CommandError, Reply, SessionStatus, SigningRequestSpec};
use motet_core_crypto::Signature;
use motet_wire::{Criteria, Derivation, Item, RequestId, RequestMetadata, RequestOptions, SignerMetadata};

use super::Cluster;

/// Life of an advertisement.
const ADVERTISED_FOR: Duration = Duration::from_secs(3600);
/// Time to join a request.
const JOIN_WITHIN: Duration = Duration::from_secs(60);

impl Cluster {
    /// Advertises the own signer of a node, for every transaction.
    ///
    /// # Errors
    ///
    /// [`CommandError`].
    pub fn advertise(&mut self, node: usize) -> Result<(), CommandError> {
        let metadata = SignerMetadata { nickname: format!("node {node}"), ..SignerMetadata::default() };
        let advertise = Command::Advertise {
            signer: self.key(node),
            criteria: Criteria::ANY,
            metadata,
            addresses: Vec::new(),
            lifetime: ADVERTISED_FOR,
        };
        self.command(node, advertise).map(drop)
    }

    /// Advertises the signers of all nodes that are up, and lets all hear of all.
    ///
    /// # Panics
    ///
    /// If one of them may not advertise.
    #[expect(clippy::expect_used, reason = "documented: a story that begins with a refusal calls `advertise`")]
    pub fn advertise_all(&mut self) {
        for node in 0..self.nodes.len() {
            if !self.node(node).is_down() {
                self.advertise(node).expect("the signer is served and has not just advertised");
            }
        }
        self.settle();
    }

    /// Asks for a signature of a message by the signers of these nodes. The signer of `creator`, which is one of them, asks.
    ///
    /// # Errors
    ///
    /// [`CommandError`].
    pub fn announce(
        &mut self,
        creator: usize,
        signers: &[usize],
        message: impl Into<Vec<u8>>,
    ) -> Result<RequestId, CommandError> {
        let item = Item { message: message.into(), derivation: Derivation::None };
        let request = self.request(creator, signers, vec![item], RequestOptions::default());
        self.announce_request(creator, request)
    }

    /// A request for [`Cluster::announce_request`], with items and options; everything else in it can still be changed.
    pub fn request(
        &self,
        creator: usize,
        signers: &[usize],
        items: Vec<Item>,
        options: RequestOptions,
    ) -> SigningRequestSpec {
        SigningRequestSpec {
            creator: self.key(creator),
            keys: signers.iter().map(|node| self.key(*node)).collect(),
            items,
            options,
            metadata: RequestMetadata::default(),
            lifetime: JOIN_WITHIN,
        }
    }

    /// Asks for signatures.
    ///
    /// # Errors
    ///
    /// [`CommandError`].
    #[expect(clippy::panic, reason = "an announcement has one kind of reply")]
    pub fn announce_request(&mut self, node: usize, request: SigningRequestSpec) -> Result<RequestId, CommandError> {
        let named = |node: &usize| request.keys.contains(&self.key(*node));
        let asked = (0..self.nodes.len()).filter(named).collect();
        let reply = self.command(node, Command::Announce(request))?;
        let Reply::Announced { request, .. } = reply else { panic!("the reply to an announcement is {reply:?}") };
        self.asked.insert(request, asked);
        Ok(request)
    }

    /// The signature of a request, as soon as the users of all nodes that were asked for it have been told it. Of several items, that of the first.
    pub fn signature(&self, request: RequestId) -> Option<Signature> {
        let asked = self.asked.get(&request)?;
        let mut told = asked.iter().map(|node| self.node(*node).completed(request));
        let first = told.next()??.items.first()?.signature;
        told.all(|told| told.is_some()).then_some(first)
    }

    /// The status of a session on a node.
    ///
    /// # Errors
    ///
    /// [`CommandError`], if the node does not know the request.
    #[expect(clippy::panic, reason = "a question for a status has one kind of reply")]
    pub fn status(&mut self, node: usize, request: RequestId) -> Result<SessionStatus, CommandError> {
        let reply = self.command(node, Command::Status { request })?;
        let Reply::Status(status) = reply else { panic!("the reply to a question for a status is {reply:?}") };
        Ok(*status)
    }

    /// Delivers frames until a session is in this phase on a node.
    ///
    /// # Panics
    ///
    /// If it never is.
    pub fn deliver_until(&mut self, node: usize, request: RequestId, phase: Phase) {
        while self.status(node, request).map(|status| status.phase) != Ok(phase) {
            assert!(self.deliver_next(), "the session never came to {phase}");
        }
    }

    /// The events of a node that this function picks out.
    pub fn events<T>(&self, node: usize, pick: impl FnMut(&Event) -> Option<T>) -> Vec<T> {
        self.node(node).events().iter().filter_map(pick).collect()
    }
}
