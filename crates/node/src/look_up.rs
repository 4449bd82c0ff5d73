//! Look-ups: signers that meet wishes, one signer, requests, one request, a peer. Each is answered from memory if it can be, and else by the DHT.

use std::sync::Arc;

use motet_coordinator::event::Requested;
use motet_coordinator::{Command, Reply, SignerQuery};
use motet_core_crypto::PublicKey;
use motet_net::{Located, Multiaddr};
use motet_wire::{Channel, DhtKey, Index, PeerId, RequestId, Shard, SignerAdvertisement, SigningRequest, Validated};
use tokio::sync::oneshot;

use crate::driver::bags;
use crate::driver::request::{Request, Service};
use crate::error::CallError;
use crate::limits;
use crate::node::Node;

/// The result of a look-up of one thing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LookUp<T> {
    /// This node knew it.
    Known(T),
    /// The DHT has it.
    Found(T),
    /// The DHT was asked, and does not have it.
    Nothing,
    /// This node does not know it, and there is nobody to ask.
    Offline,
}

impl<T> LookUp<T> {
    /// The thing, if there is one.
    pub fn into_option(self) -> Option<T> {
        match self {
            Self::Known(found) | Self::Found(found) => Some(found),
            Self::Nothing | Self::Offline => None,
        }
    }
}

impl Node {
    /// The signers that meet these wishes: those known here, and if they are not as many as wanted, those that the DHT
    /// knows, too.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn find_available_signers(&self, wishes: SignerQuery) -> Result<Vec<SignerAdvertisement>, CallError> {
        let found = self.find_known_signers(wishes.clone()).await?;
        if wishes.max_results > 0 && found.len() >= wishes.max_results {
            return Ok(found);
        }
        let index = wishes.transaction_type.clone().map_or(Index::Signers, Index::SignersOfType);
        self.look_up(&index, Some(&wishes)).await?;
        self.find_known_signers(wishes).await
    }

    /// The signers known here that meet these wishes; the network is not asked.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn find_known_signers(&self, wishes: SignerQuery) -> Result<Vec<SignerAdvertisement>, CallError> {
        let Reply::Found(found) = self.call(Command::Find(wishes)).await? else { return Err(CallError::Internal) };
        Ok(found)
    }

    /// The newest offer of a signer: the one that this node knows, or else the one that the DHT has. It takes as long as a query of the
    /// DHT at most, 5 s by default.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn find_signer(&self, signer: PublicKey) -> Result<LookUp<SignerAdvertisement>, CallError> {
        if let Some(known) = self.known_signer(signer).await? {
            return Ok(LookUp::Known(known));
        }
        if self.is_offline().await? {
            return Ok(LookUp::Offline);
        }
        let frames = self.net.find(DhtKey::signer(&self.network, &signer)).await?;
        self.ingest(frames).await?;
        Ok(self.known_signer(signer).await?.map_or(LookUp::Nothing, LookUp::Found))
    }

    /// A request by its id: one that has a session here, or else the one that the DHT has, whether or not it names a signer of this
    /// node. It takes as long as a query of the DHT at most, 5 s by default.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn find_signing_request(&self, request: RequestId) -> Result<LookUp<Requested>, CallError> {
        if let Some(known) = self.requests(Command::FindRequest { request }).await?.pop() {
            return Ok(LookUp::Known(known));
        }
        if self.is_offline().await? {
            return Ok(LookUp::Offline);
        }
        let frames = self.net.find(DhtKey::request(&self.network, &request)).await?;
        let found = self.ingest(frames).await?;
        let mut found = found.into_iter().filter_map(|message| self.requested(message));
        Ok(found.find(|found| found.id == request).map_or(LookUp::Nothing, LookUp::Found))
    }

    /// The requests that wait for a signer: those known here, and those that the DHT has. Of a signer of this node they come as
    /// [`Event::SigningRequestReceived`](crate::event::Event::SigningRequestReceived) and go to the policy, too, if they are new here; those
    /// that it has joined or refused are not among them.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn find_signing_requests_for(&self, signer: PublicKey) -> Result<Vec<Requested>, CallError> {
        let mut found: Vec<Requested> = Vec::new();
        let is_own = self.serves(signer).await?;
        // A signer that is not to be known in public is not asked for: its requests come directly.
        if is_own != Service::Unlisted {
            let messages = self.look_up(&Index::RequestsFor(signer), None).await?;
            found.extend(messages.into_iter().filter_map(|message| self.requested(message)));
            found.retain(|found| is_own == Service::None && found.request.keys.contains(&signer));
        }
        for known in self.requests(Command::RequestsFor { signer }).await? {
            if found.iter().all(|found| found.id != known.id) {
                found.push(known);
            }
        }
        found.sort_by_key(|found| found.id);
        found.dedup_by_key(|found| found.id);
        Ok(found)
    }

    /// The addresses of a peer: those that this node knows, or else those that nodes of the DHT tell. It takes as long as a query of the
    /// DHT at most, 5 s by default. Only a connection to the peer shows that they are its own.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn find_peer(&self, peer: PeerId) -> Result<LookUp<Vec<Multiaddr>>, CallError> {
        Ok(match self.net.find_peer(peer).await? {
            Located::Known(addresses) => LookUp::Known(addresses),
            Located::Found(addresses) if addresses.is_empty() => LookUp::Nothing,
            Located::Found(addresses) => LookUp::Found(addresses),
            Located::Offline => LookUp::Offline,
        })
    }

    async fn serves(&self, signer: PublicKey) -> Result<Service, CallError> {
        let (asker, answer) = oneshot::channel();
        self.calls.send(Request::Serves(signer, asker)).await.map_err(|_| CallError::Stopped)?;
        answer.await.map_err(|_| CallError::Stopped)
    }

    /// Reads the bags of an index and hands what is in them to the engine, until as much is known as these wishes want. Returns the
    /// requests among it.
    async fn look_up(&self, index: &Index, wishes: Option<&SignerQuery>) -> Result<Vec<Validated>, CallError> {
        let mut found = Vec::new();
        let mut shards: Vec<Shard> = index.shards().collect();
        let mut left = limits::BAGS_READ;
        while !shards.is_empty() {
            shards.truncate(left);
            left = left.saturating_sub(shards.len());
            let (frames, below) = bags::read(&self.net, &self.network, index, &shards).await?;
            for some in frames.chunks(limits::FOUND_AT_ONCE) {
                found.extend(self.ingest(some.to_vec()).await?);
            }
            if let Some(wishes) = wishes.filter(|wishes| wishes.max_results > 0)
                && self.find_known_signers(wishes.clone()).await?.len() >= wishes.max_results
            {
                break;
            }
            shards = below;
        }
        Ok(found)
    }

    /// Hands what the DHT has answered to the pipeline, and waits until the engine has it. Returns the requests that it has let through.
    pub(crate) async fn ingest(&self, frames: Vec<Arc<[u8]>>) -> Result<Vec<Validated>, CallError> {
        let (done, finished) = oneshot::channel();
        let call = Request::Ingest { frames, channel: Channel::Dht, done };
        self.calls.send(call).await.map_err(|_| CallError::Stopped)?;
        finished.await.map_err(|_| CallError::Stopped)
    }

    async fn known_signer(&self, signer: PublicKey) -> Result<Option<SignerAdvertisement>, CallError> {
        let Reply::Signer(known) = self.call(Command::FindSigner { signer }).await? else {
            return Err(CallError::Internal);
        };
        Ok(known.map(|known| *known))
    }

    async fn requests(&self, command: Command) -> Result<Vec<Requested>, CallError> {
        let Reply::Requests(found) = self.call(command).await? else { return Err(CallError::Internal) };
        Ok(found)
    }

    async fn is_offline(&self) -> Result<bool, CallError> {
        Ok(self.net.dht_stats().await?.peers == 0)
    }

    /// A request that the pipeline has let through, with the keys of its items; `None` if a key does not exist.
    fn requested(&self, message: Validated) -> Option<Requested> {
        let message = message.narrow::<SigningRequest>().ok()?;
        let id = message.message().id(&self.network).ok()?;
        let request = Box::new(message.into_message());
        let keys = request.items.iter().map(|item| item.verification_key(&request.keys).ok()).collect::<Option<_>>()?;
        Some(Requested { id, request, keys, channel: Channel::Dht })
    }
}
