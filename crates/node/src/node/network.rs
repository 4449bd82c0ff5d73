//! The calls of a node about its place in the network.

use motet_net::{DhtStats, Multiaddr, PeerConnection, Stats};
use motet_wire::{NetworkId, PeerId};
use tokio::sync::oneshot;

use super::Node;
use crate::discovery::SignerDiscovery;
use crate::driver::request::Request;
use crate::error::CallError;
use crate::message_counts::MessageCounts;

impl Node {
    /// The network that the node speaks on.
    pub const fn network(&self) -> &NetworkId {
        &self.network
    }

    /// The node's identity in the network.
    pub const fn peer_id(&self) -> &PeerId {
        self.net.peer_id()
    }

    /// Connects to a node by its address; [`parse_address`](crate::parse_address) makes one of a text. If it ends in
    /// `/p2p/PEER_ID`, the peer is dialled again whenever it is lost.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn connect(&self, address: Multiaddr) -> Result<(), CallError> {
        Ok(self.net.dial(address).await?)
    }

    /// The state of the network part.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn stats(&self) -> Result<Stats, CallError> {
        Ok(self.net.stats().await?)
    }

    /// The state of this node's part of the DHT.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn dht_stats(&self) -> Result<DhtStats, CallError> {
        Ok(self.net.dht_stats().await?)
    }

    /// The connections to peers now, the oldest first.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn peers(&self) -> Result<Vec<PeerConnection>, CallError> {
        Ok(self.net.peers().await?)
    }

    /// All metrics as OpenMetrics text, as Prometheus reads it: the counter of each rule, connections, the DHT, queues, drops, and
    /// those of libp2p. `docs/operations.md` lists them.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn metrics(&self) -> Result<String, CallError> {
        let (asker, answer) = oneshot::channel();
        self.calls.send(Request::Samples(asker)).await.map_err(|_| CallError::Stopped)?;
        let samples = answer.await.map_err(|_| CallError::Stopped)?;
        Ok(self.net.metrics(samples).await?)
    }

    /// The messages that the pipeline has accepted and refused since the start.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn message_counts(&self) -> Result<MessageCounts, CallError> {
        let (asker, answer) = oneshot::channel();
        self.calls.send(Request::Counts(asker)).await.map_err(|_| CallError::Stopped)?;
        answer.await.map_err(|_| CallError::Stopped)
    }

    /// Subscribes to the offers of signers that name one of these transaction types, or none. The offers come as
    /// [`Event::SignerDiscovered`](crate::event::Event::SignerDiscovered), until the subscription is dropped; a node without a subscription hears of no offers by itself.
    ///
    /// # Errors
    ///
    /// [`CallError`]: of more than 32 types at a time, or of a type that no offer can name.
    pub fn subscribe_to_signer_discovery(
        &self,
        types: impl IntoIterator<Item = impl Into<String>>,
    ) -> Result<SignerDiscovery, CallError> {
        Ok(self.interests.subscribe(Some(types.into_iter().map(Into::into).collect()))?)
    }

    /// Subscribes to the offers of all signers, whatever they sign: for nodes that tell newcomers of them. Traffic grows with their number.
    ///
    /// # Errors
    ///
    /// None now; [`CallError`] as for [`Node::subscribe_to_signer_discovery`].
    pub fn subscribe_to_all_signers(&self) -> Result<SignerDiscovery, CallError> {
        Ok(self.interests.subscribe(None)?)
    }
}
