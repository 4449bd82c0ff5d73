//! Events, which a node tells its user (`docs/protocol.md` §11). Each event is emitted once for each cause, and only after the
//! state that it speaks of has been reached and stored.

mod end;

use motet_core_crypto::{PublicKey, XOnlyPublicKey};
use motet_wire::{
    AddressScope, AdvertisementId, Attempt, AttemptId, Channel, MessageId, PeerId, RequestId, ResourceAnnouncement,
    SignerAdvertisement, SignerIndex, SigningRequest,
};
use multiaddr::Multiaddr;

pub use end::{AbortCause, Aborted, Completed, Misbehaviour, SignedItem};

/// Something has happened.
#[derive(Debug, Clone, PartialEq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize), serde(tag = "event"))]
#[non_exhaustive]
pub enum Event {
    /// An advertisement of a signer of this node is out.
    SignerAdvertised(Discovery),
    /// Another node's signer advertises.
    SignerDiscovered(Discovery),
    /// A signer of this node has withdrawn its advertisement.
    SignerWithdrawn(Withdrawal),
    /// Another node's signer has withdrawn its advertisement.
    SignerUnavailable(Withdrawal),
    /// A resource of a signer of this node is out.
    ResourceAnnounced(Resource),
    /// A request of a signer of this node is out.
    SigningRequestCreated(Requested),
    /// A request asks for a signer of this node.
    SigningRequestReceived(Requested),
    /// A signer of this node has joined.
    SigningRequestJoined(Participation),
    /// A signer has joined; one of this node's, too.
    ParticipantJoined(Participation),
    /// A signer has declined.
    ParticipantDeclined {
        /// Participant and request.
        #[cfg_attr(feature = "serde", serde(flatten, serialize_with = "crate::json::declined"))]
        participation: Participation,
        /// Why, in the signer's words.
        reason: String,
    },
    /// All signers have joined.
    SessionReady {
        /// The request.
        request: RequestId,
        /// The session of the first attempt.
        session: AttemptId,
        /// Place of the coordinator.
        coordinator: SignerIndex,
    },
    /// The coordinator has been decided.
    CoordinatorElected {
        /// The request.
        request: RequestId,
        /// Who.
        coordinator: SignerIndex,
    },
    /// The coordinator has fallen silent, and another has its part.
    CoordinatorFailover {
        /// The request.
        request: RequestId,
        /// Place of the signer that has been silent.
        from: SignerIndex,
        /// Place of the signer that takes over.
        to: SignerIndex,
    },
    /// All commitments of an attempt are known.
    SessionNonceCommitmentsComplete(Round),
    /// A signer has revealed its nonces.
    NonceReceived(Contribution),
    /// All nonces of an attempt are known.
    SessionNoncesComplete(Round),
    /// A signer has sent its partial signatures.
    PartialSigReceived(Contribution),
    /// All partial signatures of an attempt are known.
    SessionPartialSigsComplete(Round),
    /// The signatures are made and verified. It may follow [`Event::SessionAborted`], if others have completed what this
    /// node had given up.
    SessionComplete(Completed),
    /// The session has ended without signatures, as far as this node knows: see [`Aborted::may_complete`].
    SessionAborted(Aborted),
    /// A signer broke the protocol, and there is proof that anybody can check. It is kept.
    MisbehaviourProven(Misbehaviour),
    /// A round or the joining has taken too long.
    SessionTimeout(TimedOut),
    /// Something failed on this node.
    SessionError {
        /// The request.
        request: RequestId,
        /// What.
        detail: String,
    },
    /// The session's memory has been given back.
    SessionClosed {
        /// The request.
        request: RequestId,
    },
    /// The node listens.
    Listening {
        /// Where, without the peer id.
        address: Multiaddr,
    },
    /// The node does not listen on an address any more, though its machine still has it.
    ListeningEnded {
        /// Which.
        address: Multiaddr,
        /// Why.
        reason: String,
    },
    /// The addresses of a node that is meant for the internet have changed.
    AddressesChanged {
        /// Addresses in its advertisements from now on.
        addresses: Vec<Multiaddr>,
        /// From how far away these can be reached.
        scope: AddressScope,
        /// Number of others that reach as far, and have no place in an advertisement.
        left_out: usize,
    },
    /// There is something to say to a signer, and its peer is not reached.
    SignerUnreachable {
        /// Which.
        signer: PublicKey,
        /// Why.
        reason: String,
    },
    /// A peer that the configuration names is not reached, or is not what it should be.
    PeerUnreachable {
        /// The address by which it is named.
        address: Multiaddr,
        /// Why.
        reason: String,
    },
    /// Another process speaks for a signer of this node: a copy of it, or one that was started with the same key.
    IdentityConflict {
        /// The signer.
        signer: PublicKey,
        /// The peer that the other process says it is: this node's own, if it has a copy of its data.
        peer: PeerId,
    },
    /// Another node has this node's identity in the network: a copy of its data.
    PeerIdConflict {
        /// The identity.
        peer: PeerId,
        /// Address at which the other node has answered, or from which it has called.
        address: Multiaddr,
    },
    /// A peer's clock and this node's differ by more than they may, so that what the one announces is dropped by the other.
    ClocksDiffer {
        /// Which peer.
        peer: PeerId,
        /// By how many seconds the peer's clock is ahead; less than zero, if it is behind.
        seconds: i64,
    },
    /// A peer is connected.
    PeerConnected {
        /// Which.
        peer: PeerId,
        /// Address from which its connection comes.
        address: Multiaddr,
    },
    /// The last connection to a peer is gone.
    PeerDisconnected {
        /// Which.
        peer: PeerId,
    },
    /// It has become known whether other nodes can open connections to this one, or it is not known any more.
    ReachabilityChanged {
        /// True if they can, false if they need a relay, `None` if nobody has tested it since this machine's addresses changed.
        reachable: Option<bool>,
    },
    /// The peers that this node has chosen by itself are in far fewer networks than before: it may be cut off from honest nodes.
    DiversityFell {
        /// The number of these networks now.
        networks: usize,
        /// The largest number so far.
        before: usize,
    },
    /// The DHT knows peers, and can be asked.
    DhtReady,
}

impl Event {
    /// Its name, as in `docs/protocol.md` §11.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::SignerAdvertised(_) => "SignerAdvertised",
            Self::SignerDiscovered(_) => "SignerDiscovered",
            Self::SignerWithdrawn(_) => "SignerWithdrawn",
            Self::SignerUnavailable(_) => "SignerUnavailable",
            Self::ResourceAnnounced(_) => "ResourceAnnounced",
            Self::SigningRequestCreated(_) => "SigningRequestCreated",
            Self::SigningRequestReceived(_) => "SigningRequestReceived",
            Self::SigningRequestJoined(_) => "SigningRequestJoined",
            Self::ParticipantJoined(_) => "ParticipantJoined",
            Self::ParticipantDeclined { .. } => "ParticipantDeclined",
            Self::SessionReady { .. } => "SessionReady",
            Self::CoordinatorElected { .. } => "CoordinatorElected",
            Self::CoordinatorFailover { .. } => "CoordinatorFailover",
            Self::SessionNonceCommitmentsComplete(_) => "SessionNonceCommitmentsComplete",
            Self::NonceReceived(_) => "NonceReceived",
            Self::SessionNoncesComplete(_) => "SessionNoncesComplete",
            Self::PartialSigReceived(_) => "PartialSigReceived",
            Self::SessionPartialSigsComplete(_) => "SessionPartialSigsComplete",
            Self::SessionComplete(_) => "SessionComplete",
            Self::SessionAborted(_) => "SessionAborted",
            Self::MisbehaviourProven(_) => "MisbehaviourProven",
            Self::SessionTimeout(_) => "SessionTimeout",
            Self::SessionError { .. } => "SessionError",
            Self::SessionClosed { .. } => "SessionClosed",
            Self::Listening { .. } => "Listening",
            Self::ListeningEnded { .. } => "ListeningEnded",
            Self::AddressesChanged { .. } => "AddressesChanged",
            Self::SignerUnreachable { .. } => "SignerUnreachable",
            Self::PeerUnreachable { .. } => "PeerUnreachable",
            Self::IdentityConflict { .. } => "IdentityConflict",
            Self::PeerIdConflict { .. } => "PeerIdConflict",
            Self::ClocksDiffer { .. } => "ClocksDiffer",
            Self::PeerConnected { .. } => "PeerConnected",
            Self::PeerDisconnected { .. } => "PeerDisconnected",
            Self::ReachabilityChanged { .. } => "ReachabilityChanged",
            Self::DiversityFell { .. } => "DiversityFell",
            Self::DhtReady => "DhtReady",
        }
    }

    /// The request that it is about, if it is about one.
    pub const fn request(&self) -> Option<&RequestId> {
        match self {
            Self::SigningRequestCreated(requested) | Self::SigningRequestReceived(requested) => Some(&requested.id),
            Self::SigningRequestJoined(participation)
            | Self::ParticipantJoined(participation)
            | Self::ParticipantDeclined { participation, .. } => Some(&participation.request),
            Self::SessionReady { request, .. }
            | Self::CoordinatorElected { request, .. }
            | Self::CoordinatorFailover { request, .. }
            | Self::SessionError { request, .. }
            | Self::SessionClosed { request } => Some(request),
            Self::SessionNonceCommitmentsComplete(round)
            | Self::SessionNoncesComplete(round)
            | Self::SessionPartialSigsComplete(round) => Some(&round.request),
            Self::NonceReceived(contribution) | Self::PartialSigReceived(contribution) => {
                Some(&contribution.round.request)
            }
            Self::SessionComplete(completed) => Some(&completed.request),
            Self::SessionAborted(aborted) => Some(&aborted.request),
            Self::MisbehaviourProven(proof) => Some(&proof.request),
            Self::SessionTimeout(timed_out) => Some(&timed_out.request),
            Self::SignerAdvertised(_)
            | Self::SignerDiscovered(_)
            | Self::SignerWithdrawn(_)
            | Self::SignerUnavailable(_)
            | Self::ResourceAnnounced(_)
            | Self::Listening { .. }
            | Self::ListeningEnded { .. }
            | Self::AddressesChanged { .. }
            | Self::SignerUnreachable { .. }
            | Self::PeerUnreachable { .. }
            | Self::IdentityConflict { .. }
            | Self::PeerIdConflict { .. }
            | Self::ClocksDiffer { .. }
            | Self::PeerConnected { .. }
            | Self::PeerDisconnected { .. }
            | Self::ReachabilityChanged { .. }
            | Self::DiversityFell { .. }
            | Self::DhtReady => None,
        }
    }
}

/// An advertisement, and how it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Discovery {
    /// The advertisement's id.
    pub id: AdvertisementId,
    /// Its content.
    pub advertisement: Box<SignerAdvertisement>,
    /// Channel on which it came.
    pub channel: Channel,
}

/// A withdrawn advertisement.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Withdrawal {
    /// Whose.
    pub signer: PublicKey,
    /// Which.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub advertisement: AdvertisementId,
    /// Why, in the signer's words.
    pub reason: String,
}

/// A resource, and the message that announces it.
#[derive(Debug, Clone, PartialEq)]
pub struct Resource {
    /// The message's id.
    pub message: MessageId,
    /// Its content.
    pub announcement: Box<ResourceAnnouncement>,
}

/// A request, and how it came.
#[derive(Debug, Clone, PartialEq)]
pub struct Requested {
    /// Its id.
    pub id: RequestId,
    /// Its content.
    pub request: Box<SigningRequest>,
    /// The keys that the items will verify under, computed here.
    pub keys: Vec<XOnlyPublicKey>,
    /// Channel on which it came.
    pub channel: Channel,
}

/// A signer's answer to a request.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Participation {
    /// The request.
    pub request: RequestId,
    /// The signer.
    pub signer: PublicKey,
    /// Its place in the request.
    pub index: SignerIndex,
    /// The peer that serves it.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub peer: PeerId,
    /// Channel on which the answer came.
    pub channel: Channel,
}

/// One round of one attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Round {
    /// The request.
    pub request: RequestId,
    /// The session of this attempt.
    pub session: AttemptId,
    /// The attempt.
    pub attempt: Attempt,
}

/// Contribution of one signer to a round.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct Contribution {
    /// The round.
    #[cfg_attr(feature = "serde", serde(flatten, serialize_with = "crate::json::contributed"))]
    pub round: Round,
    /// Who.
    pub index: SignerIndex,
    /// Channel on which it came.
    pub channel: Channel,
}

/// A wait that took too long.
#[derive(Debug, Clone, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
pub struct TimedOut {
    /// The request.
    pub request: RequestId,
    /// The attempt.
    pub attempt: Attempt,
    /// Phase in which it was awaited.
    pub phase: Phase,
    /// Whose contribution is missing.
    #[cfg_attr(feature = "serde", serde(skip))]
    pub awaiting: Vec<SignerIndex>,
    /// Their keys.
    #[cfg_attr(feature = "serde", serde(rename = "awaiting"))]
    pub signers: Vec<PublicKey>,
    /// The attempt that follows, if one does.
    #[cfg_attr(feature = "serde", serde(rename = "next_attempt"))]
    pub next: Option<Attempt>,
}

/// Phase of a session: the contributions that are being collected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Phase {
    /// Joins.
    Joining,
    /// Commitments to nonces.
    #[cfg_attr(feature = "serde", serde(rename = "nonce commitments"))]
    Commitments,
    /// Nonces.
    Nonces,
    /// Partial signatures.
    #[cfg_attr(feature = "serde", serde(rename = "partial signatures"))]
    Partials,
    /// Nothing: there are signatures.
    Complete,
    /// Nothing: there will be no signatures.
    Aborted,
}

impl Phase {
    /// True for a session that collects nothing any more, with signatures or without.
    pub const fn has_ended(self) -> bool {
        matches!(self, Self::Complete | Self::Aborted)
    }

    /// The contributions that are being collected, for people.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Joining => "joining",
            Self::Commitments => "nonce commitments",
            Self::Nonces => "nonces",
            Self::Partials => "partial signatures",
            Self::Complete => "complete",
            Self::Aborted => "aborted",
        }
    }
}

impl core::fmt::Display for Phase {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(self.name())
    }
}
