//! The node through which a command finds and asks other signers: that of the signer that runs with its data folder, or else one of its own
//! (ADR 0030).

use std::sync::Arc;

use motet_core_crypto::PublicKey;
use motet_daemon::api::Offer;
use motet_net::Contact;
use motet_node::policy::DeclineAll;
use motet_node::{Audience, SessionStatus, SignerQuery, SigningRequestSpec};
use motet_wire::{RequestId, SignerAdvertisement};

use crate::args::NodeArgs;
use crate::contact_book::ContactBook;
use crate::exit::Failed;
use crate::peer_node::PeerNode;
use crate::running_signer::{Heard, RunningSigner};
use crate::signer_key::SignerKey;
use crate::timeline::Told;

/// A node that asks.
pub(crate) enum Asker {
    /// A node of this process.
    Own(Box<PeerNode>),
    /// That of a running signer.
    Running(Box<RunningSigner>),
}

/// An offer of a signer.
#[derive(Debug, Clone)]
pub(crate) struct Offered {
    pub(crate) signer: PublicKey,
    pub(crate) nickname: String,
    pub(crate) fee: u64,
    pub(crate) types: Vec<String>,
    pub(crate) min_amount: u64,
    pub(crate) max_amount: u64,
    pub(crate) peer: String,
}

impl From<&SignerAdvertisement> for Offered {
    fn from(offer: &SignerAdvertisement) -> Self {
        Self {
            signer: offer.delegation.signer,
            nickname: offer.metadata.nickname.clone(),
            fee: offer.metadata.fee,
            types: offer.criteria.transaction_types.clone(),
            min_amount: offer.criteria.min_amount,
            max_amount: offer.criteria.max_amount,
            peer: offer.delegation.peer.to_string(),
        }
    }
}

impl From<Offer> for Offered {
    fn from(offer: Offer) -> Self {
        let Offer { signer, nickname, fee, types, min_amount, max_amount, peer, .. } = offer;
        Self { signer, nickname, fee, types, min_amount, max_amount, peer }
    }
}

impl Asker {
    /// The node for a command, unless there is something against its signer.
    pub(crate) async fn start(
        args: &NodeArgs,
        check: impl FnOnce(&PublicKey) -> Result<(), Failed>,
    ) -> Result<Self, Failed> {
        if let Some(running) = RunningSigner::of(args).await? {
            check(&running.signer)?;
            return Ok(Self::Running(Box::new(running)));
        }
        // A node that only asks declines what it is asked for.
        Ok(Self::Own(Box::new(PeerNode::start(args, Arc::new(DeclineAll), check).await?)))
    }

    /// The node for a command whose key has been loaded.
    pub(crate) async fn start_with(args: &NodeArgs, key: SignerKey) -> Result<Self, Failed> {
        if let Some(running) = RunningSigner::of(args).await? {
            return Ok(Self::Running(Box::new(running)));
        }
        Ok(Self::Own(Box::new(PeerNode::start_with(args, Some(key), Arc::new(DeclineAll)).await?)))
    }

    pub(crate) fn signer(&self) -> PublicKey {
        match self {
            Self::Own(node) => node.signer,
            Self::Running(running) => running.signer,
        }
    }

    pub(crate) fn nickname(&self) -> &str {
        match self {
            Self::Own(node) => &node.nickname,
            Self::Running(running) => &running.nickname,
        }
    }

    /// The contacts of the node's user.
    pub(crate) fn contacts(&self) -> Result<ContactBook, Failed> {
        let folder = match self {
            Self::Own(node) => node.folder.as_deref(),
            Self::Running(running) => Some(running.folder.as_path()),
        };
        Ok(folder.map(ContactBook::read).transpose()?.unwrap_or_default())
    }

    /// Goes to where nodes with `--dev` meet, again: others may have come.
    pub(crate) async fn meet(&self) {
        if let Self::Own(node) = self {
            node.meet().await;
        }
    }

    /// The signers that it knows.
    pub(crate) async fn known(&self, wishes: &SignerQuery) -> Result<Vec<Offered>, Failed> {
        match self {
            Self::Own(node) => {
                let known = node.handle.find_known_signers(wishes.clone()).await.map_err(Failed::here)?;
                Ok(known.iter().map(Offered::from).collect())
            }
            Self::Running(running) => {
                let known = running.offers(wishes, true).await?;
                let others = known.into_iter().filter(|offer| offer.signer != running.signer);
                Ok(others.map(Offered::from).collect())
            }
        }
    }

    /// Asks the network for signers, which are then among those that it knows.
    pub(crate) async fn look(&self, wishes: &SignerQuery) -> Result<(), Failed> {
        match self {
            Self::Own(node) => node.handle.find_available_signers(wishes.clone()).await.map(drop).map_err(Failed::here),
            Self::Running(running) => running.offers(wishes, false).await.map(drop),
        }
    }

    /// The nodes that were named to it: the address of each, whether it is connected, and why not.
    pub(crate) async fn named(&self) -> Vec<(String, String, Option<String>)> {
        match self {
            Self::Own(node) => {
                let named = node.handle.stats().await.map(|stats| stats.named).unwrap_or_default();
                let state = |contact: Contact| match contact {
                    Contact::Connected => ("connected", None),
                    Contact::Dialling => ("dialling", None),
                    Contact::Failed(reason) => ("failed", Some(reason)),
                };
                let each = named.into_iter().map(|named| (named.address.to_string(), state(named.contact)));
                each.map(|(address, (contact, reason))| (address, contact.to_owned(), reason)).collect()
            }
            Self::Running(running) => running.named().await,
        }
    }

    /// True if it is connected with nobody: a running signer, or a node of this process to which nodes were named.
    pub(crate) async fn is_alone(&self) -> bool {
        match self {
            Self::Own(node) => node.handle.stats().await.is_ok_and(|stats| stats.peers == 0 && !stats.named.is_empty()),
            Self::Running(running) => running.is_alone().await,
        }
    }

    pub(crate) async fn sessions(&self) -> Result<Vec<SessionStatus>, Failed> {
        match self {
            Self::Own(node) => node.handle.sessions().await.map_err(Failed::here),
            Self::Running(running) => running.sessions().await,
        }
    }

    pub(crate) async fn session(&self, request: RequestId) -> Result<SessionStatus, Failed> {
        match self {
            Self::Own(node) => node.handle.session_status(request).await.map_err(Failed::here),
            Self::Running(running) => running.session(request).await,
        }
    }

    /// Asks for signatures.
    pub(crate) async fn announce(&mut self, spec: SigningRequestSpec, audience: Audience) -> Result<RequestId, Failed> {
        match self {
            Self::Own(node) => {
                let announced = node.handle.announce_signing_request_to(spec, audience).await;
                announced.map(|(request, _)| request).map_err(Failed::here)
            }
            Self::Running(running) => running.announce(spec, &audience).await,
        }
    }

    /// Gives a request up, for everybody.
    pub(crate) async fn abort(&self, request: RequestId, reason: &str) -> Result<(), Failed> {
        match self {
            Self::Own(node) => node.handle.abort_session(request, reason.to_owned()).await.map_err(Failed::here),
            Self::Running(running) => running.abort(request, reason).await,
        }
    }

    /// Notes that the signatures of a request have been handed out.
    pub(crate) async fn note(&self, request: RequestId) -> Result<(), Failed> {
        match self {
            Self::Own(node) => node.handle.note_result(request).await.map_err(Failed::here),
            Self::Running(running) => running.note(request).await,
        }
    }

    /// The next event of the node. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Result<Heard, Failed> {
        match self {
            Self::Own(node) => match node.events.next().await {
                Some(Ok(event)) => {
                    let object = serde_json::to_value(&event).map_err(Failed::here)?;
                    Ok(Heard::Event(Box::new(Told::read(&object)), object))
                }
                Some(Err(lost)) => Ok(Heard::Lost(lost)),
                None => Err(Failed::here("the node has stopped")),
            },
            Self::Running(running) => running.next().await,
        }
    }

    /// Ends a node of this process. A running signer goes on.
    pub(crate) async fn stop(self) {
        if let Self::Own(node) = self {
            node.handle.stop().await;
        }
    }
}
