//! A running node: the calls of `docs/protocol.md` §12, by subject.

mod applications;
mod network;

use core::time::Duration;
use std::sync::Arc;

use motet_coordinator::event::{Completed, Event, Misbehaviour, Resource};
use motet_coordinator::{
    Audience, Command, CommandError, Replacement, Reply, ResourceSpec, Score, SessionStatus, Signer, SigningRequestSpec,
};
use motet_core_crypto::{PublicKey, Signature, XOnlyPublicKey};
use motet_net::NetHandle;
use motet_wire::{
    AdvertisementId, Criteria, DhtKey, MessageId, NetworkId, RequestId, ResourceAnnouncement, SignerMetadata,
};
use tokio::sync::{broadcast, mpsc, oneshot};

use crate::applications::Applications;
use crate::discovery::Interests;
use crate::driver::request::Request;
use crate::error::CallError;
use crate::events::Events;
use crate::groups::Groups;

/// A running node. Clones speak to the same node, which runs until [`Node::stop`] is called or the last clone is dropped.
#[derive(Debug, Clone)]
pub struct Node {
    pub(crate) network: NetworkId,
    pub(crate) calls: mpsc::Sender<Request>,
    pub(crate) net: NetHandle,
    // Only the running node keeps the streams of events open.
    pub(crate) events: broadcast::WeakSender<Arc<Event>>,
    pub(crate) interests: Interests,
    /// True if the program has given it a store.
    pub(crate) stored: bool,
    pub(crate) groups: Groups,
    pub(crate) applications: Applications,
}

impl Node {
    /// Another stream of events, from now on. That of a node that has stopped is at its end.
    pub fn events(&self) -> Events {
        let events = self.events.upgrade().map_or_else(|| broadcast::channel(1).1, |events| events.subscribe());
        Events::new(events)
    }

    /// Stops the node.
    pub async fn stop(&self) {
        let (done, stopped) = oneshot::channel();
        if self.calls.send(Request::Stop(done)).await.is_ok() {
            // A node that has stopped already does not answer.
            drop(stopped.await);
        }
    }
}

/// Signers: who offers to sign.
impl Node {
    /// Serves a signer from now on, as [`NodeBuilder::signer`](crate::NodeBuilder::signer) does from the start. One that is served already stays as it is.
    ///
    /// # Errors
    ///
    /// [`CallError`]: of a node without a store, of one that serves ten signers, or of a signer that does not certify its message key.
    pub async fn add_signer(&self, signer: impl Signer + 'static) -> Result<(), CallError> {
        if !self.stored {
            return Err(CallError::NoStore);
        }
        let (caller, answer) = oneshot::channel();
        let call = Request::AddSigner(Arc::new(signer), caller);
        self.calls.send(call).await.map_err(|_| CallError::Stopped)?;
        answer.await.map_err(|_| CallError::Stopped)??;
        Ok(())
    }

    /// Serves a signer no more: its advertisement is withdrawn, and requests and sessions with it are declined. What it has signed
    /// already may still become a signature, which is told like any other.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn remove_signer(&self, signer: PublicKey) -> Result<(), CallError> {
        self.call(Command::RemoveSigner { signer }).await.map(drop)
    }

    /// Treats a signer as a contact of the user from here on (`docs/protocol.md` §10), or no more. Members of registered groups stay
    /// contacts. Both sides must have each other as contacts to need no proof of work.
    ///
    /// # Errors
    ///
    /// [`CallError`]: there are 4096 contacts already.
    pub async fn set_contact(&self, signer: PublicKey, is_contact: bool) -> Result<(), CallError> {
        self.call(Command::SetContact { signer, is_contact }).await.map(drop)
    }

    /// Advertises a signer of this node, and keeps it advertised.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn advertise_signer(
        &self,
        signer: PublicKey,
        criteria: Criteria,
        metadata: SignerMetadata,
        lifetime: Duration,
    ) -> Result<AdvertisementId, CallError> {
        let addresses = Vec::new();
        let Reply::Advertised(id) =
            self.call(Command::Advertise { signer, criteria, metadata, addresses, lifetime }).await?
        else {
            return Err(CallError::Internal);
        };
        Ok(id)
    }

    /// Withdraws a signer's advertisement.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn withdraw_advertisement(&self, signer: PublicKey, reason: String) -> Result<(), CallError> {
        self.call(Command::Withdraw { signer, reason }).await.map(drop)
    }

    /// The score of a signer, from this node's own sessions.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn reputation(&self, signer: PublicKey) -> Result<Score, CallError> {
        let Reply::Reputation(score) = self.call(Command::Reputation { signer }).await? else {
            return Err(CallError::Internal);
        };
        Ok(score)
    }
}

/// Requests: what is to be signed.
impl Node {
    /// Asks for signatures. The keys under which they will verify come back, so that an output can be funded first.
    ///
    /// # Errors
    ///
    /// [`CallError`]; [`CallError::Mismatch`] if the other signers would decline the request, as far as this node's groups say.
    pub async fn announce_signing_request(
        &self,
        announcement: SigningRequestSpec,
    ) -> Result<(RequestId, Vec<XOnlyPublicKey>), CallError> {
        self.groups.check_own(&announcement)?;
        let Reply::Announced { request, keys } = self.call(Command::Announce(announcement)).await? else {
            return Err(CallError::Internal);
        };
        Ok((request, keys))
    }

    /// Asks for signatures before this audience: in public, as [`Node::announce_signing_request`] does, or before the members alone.
    ///
    /// # Errors
    ///
    /// [`CallError`]: of a private request with a signer of which nobody has said where it is.
    pub async fn announce_signing_request_to(
        &self,
        announcement: SigningRequestSpec,
        audience: Audience,
    ) -> Result<(RequestId, Vec<XOnlyPublicKey>), CallError> {
        self.groups.check_own(&announcement)?;
        let Reply::Announced { request, keys } = self.call(Command::AnnounceTo(announcement, audience)).await? else {
            return Err(CallError::Internal);
        };
        Ok((request, keys))
    }

    /// Approves a request and joins it. One that is not known here is looked up in the DHT.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn join_signing_request(&self, request: RequestId, signer: PublicKey) -> Result<(), CallError> {
        match self.call(Command::Join { request, signer }).await {
            Err(CallError::Command(CommandError::UnknownRequest(_))) => {
                drop(self.find_signing_request(request).await?);
                self.call(Command::Join { request, signer }).await.map(drop)
            }
            result => result.map(drop),
        }
    }

    /// Refuses a request.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn decline_signing_request(
        &self,
        request: RequestId,
        signer: PublicKey,
        reason: String,
    ) -> Result<(), CallError> {
        self.call(Command::Decline { request, signer, reason }).await.map(drop)
    }
}

/// Sessions: how the signing of a request goes on.
impl Node {
    /// Where a session is.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn session_status(&self, request: RequestId) -> Result<SessionStatus, CallError> {
        let Reply::Status(status) = self.call(Command::Status { request }).await? else {
            return Err(CallError::Internal);
        };
        Ok(*status)
    }

    /// Where all sessions are.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn sessions(&self) -> Result<Vec<SessionStatus>, CallError> {
        let Reply::Sessions(sessions) = self.call(Command::Sessions).await? else { return Err(CallError::Internal) };
        Ok(sessions)
    }

    /// The signatures of a session, if it has them.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn final_signatures(&self, request: RequestId) -> Result<Option<Vec<Signature>>, CallError> {
        Ok(self.session_status(request).await?.signatures)
    }

    /// The signer that has the coordinator's part in a session: the same for every participant.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn coordinator(&self, request: RequestId) -> Result<PublicKey, CallError> {
        let status = self.session_status(request).await?;
        status.signers.get(status.coordinator.as_usize()).copied().ok_or(CallError::Internal)
    }

    /// Commits to nonces, in a session with manual rounds.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn start_nonce_commitment(&self, request: RequestId) -> Result<(), CallError> {
        self.call(Command::StartNonceCommitment { request }).await.map(drop)
    }

    /// Reveals nonces, in a session with manual rounds.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn start_round1(&self, request: RequestId) -> Result<(), CallError> {
        self.call(Command::StartRound1 { request }).await.map(drop)
    }

    /// Signs, in a session with manual rounds.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn start_round2(&self, request: RequestId) -> Result<(), CallError> {
        self.call(Command::StartRound2 { request }).await.map(drop)
    }

    /// Gives the current attempt up and begins another, with fresh nonces. Where not all have joined in time, whoever asked
    /// asks again: on the same terms, with a request of its own that everybody approves anew. The request that goes on is
    /// handed back.
    ///
    /// # Errors
    ///
    /// [`CallError`]; [`CallError::Mismatch`] if the other signers would decline the new request, as far as this node's groups say now.
    pub async fn retry_session(&self, request: RequestId) -> Result<RequestId, CallError> {
        self.check_again(request, &[]).await?;
        let reply = self.call(Command::Retry { request, replace: Vec::new() }).await?;
        // Another attempt goes on under the same request; asking again makes another request.
        if matches!(reply, Reply::Done) {
            return Ok(request);
        }
        let Reply::Announced { request, .. } = reply else { return Err(CallError::Internal) };
        Ok(request)
    }

    /// Asks again after a request that has failed, on the same terms, with other signers in the places of some. The new request has a key
    /// of its own, everybody approves it anew, and its status names the old one ([`SessionStatus::retry_of`]).
    ///
    /// # Errors
    ///
    /// [`CallError`]: of a session that goes on, that another node has asked for, or of signers that cannot be replaced so;
    /// [`CallError::Mismatch`] if the other signers would decline the new request.
    pub async fn retry_session_with(
        &self,
        request: RequestId,
        replace: Vec<Replacement>,
    ) -> Result<(RequestId, Vec<XOnlyPublicKey>), CallError> {
        self.check_again(request, &replace).await?;
        let Reply::Announced { request, keys } = self.call(Command::Retry { request, replace }).await? else {
            return Err(CallError::Internal);
        };
        Ok((request, keys))
    }

    /// Checks the request that a retry would send, as the first one was checked: the groups may have changed since.
    async fn check_again(&self, request: RequestId, replace: &[Replacement]) -> Result<(), CallError> {
        let (asker, answer) = oneshot::channel();
        let question = Request::AskedAgain { request, replace: replace.to_vec(), asker };
        self.calls.send(question).await.map_err(|_| CallError::Stopped)?;
        let again = answer.await.map_err(|_| CallError::Stopped)?;
        Ok(again.map_or(Ok(()), |again| self.groups.check_own(&again))?)
    }

    /// Gives a request up, for everybody.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn abort_session(&self, request: RequestId, detail: String) -> Result<(), CallError> {
        self.call(Command::Abort { request, detail }).await.map(drop)
    }

    /// The signatures that have not been noted, the oldest first. They are stored, and a node tells them again when it starts
    /// ([`Event::SessionComplete`]), until they are noted or their session is closed; of 1,024 the oldest make room.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn results(&self) -> Result<Vec<Completed>, CallError> {
        let Reply::Results(results) = self.call(Command::Results).await? else { return Err(CallError::Internal) };
        Ok(results)
    }

    /// The proofs that signers broke the protocol, the oldest first. They are stored, and anybody can check them alone
    /// ([`Evidence::verify`](crate::Evidence::verify)); of 64 the oldest make room.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn evidence(&self) -> Result<Vec<Misbehaviour>, CallError> {
        let Reply::Proofs(proofs) = self.call(Command::Proofs).await? else { return Err(CallError::Internal) };
        Ok(proofs)
    }

    /// Notes that the application has the signatures of a request: they are not handed out again.
    ///
    /// # Errors
    ///
    /// [`CallError`]: of a request without signatures, or whose signatures have been noted.
    pub async fn note_result(&self, request: RequestId) -> Result<(), CallError> {
        self.call(Command::Note { request }).await.map(drop)
    }

    /// Forgets a session, and notes its signatures.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn close_session(&self, request: RequestId) -> Result<(), CallError> {
        self.call(Command::Close { request }).await.map(drop)
    }
}

/// Resources: small signed data of applications.
impl Node {
    /// Announces a small signed resource under a type and an id, which whoever knows both can discover, and keeps it
    /// announced until the node stops. What the signer announced under the same name before is replaced. The id of the
    /// message comes back.
    ///
    /// # Errors
    ///
    /// [`CallError`]: of a name, data or a lifetime out of bounds, of a signer that this node does not serve, or of more
    /// than 100 resources.
    pub async fn announce_resource(
        &self,
        signer: PublicKey,
        resource_type: &str,
        id: &str,
        data: Vec<u8>,
        lifetime: Duration,
    ) -> Result<MessageId, CallError> {
        let (resource_type, id) = (resource_type.to_owned(), id.to_owned());
        let offered = ResourceSpec { signer, resource_type, id, data, lifetime };
        let Reply::ResourceAnnounced(message) = self.call(Command::AnnounceResource(offered)).await? else {
            return Err(CallError::Internal);
        };
        Ok(message)
    }

    /// The resources of this type and id, the newest of each signer: those known here, and those that the DHT knows. Who
    /// the signers are, and whether to believe them, is the application's to decide.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn discover_resource(&self, resource_type: &str, id: &str) -> Result<Vec<Resource>, CallError> {
        if !ResourceAnnouncement::is_name(resource_type, id) {
            return Err(CommandError::ResourceName.into());
        }
        let frames = self.net.get(DhtKey::resource(&self.network, resource_type, id)).await?;
        self.ingest(frames).await?;
        let (resource_type, id) = (resource_type.to_owned(), id.to_owned());
        self.resources(Command::FindResources { resource_type, id }).await
    }

    /// The resources known here: what this node announces, and what it has discovered. The network is not asked.
    ///
    /// # Errors
    ///
    /// [`CallError`].
    pub async fn local_resources(&self) -> Result<Vec<Resource>, CallError> {
        self.resources(Command::Resources).await
    }
}

/// How calls reach the engine and the DHT.
impl Node {
    /// Gives a command to the engine.
    pub(crate) async fn call(&self, command: Command) -> Result<Reply, CallError> {
        let (caller, answer) = oneshot::channel();
        let call = Request::Command(Box::new(command), caller);
        self.calls.send(call).await.map_err(|_| CallError::Stopped)?;
        Ok(answer.await.map_err(|_| CallError::Stopped)??)
    }

    async fn resources(&self, command: Command) -> Result<Vec<Resource>, CallError> {
        let Reply::Resources(found) = self.call(command).await? else { return Err(CallError::Internal) };
        Ok(found)
    }
}
