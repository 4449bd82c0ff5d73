//! Inputs and outputs of the engine.

use core::time::Duration;
use std::collections::BTreeSet;
use std::sync::Arc;

use motet_core_crypto::{PublicKey, XOnlyPublicKey};
use motet_wire::{
    Address, AdvertisementId, Channel, Criteria, DhtKey, Index, Item, MessageId, PeerId, RequestId, RequestMetadata,
    RequestOptions, SignerAdvertisement, SignerMetadata, Topic, Validated,
};
use tracing::Span;

pub use super::audience::{Audience, Route};
use crate::error::CommandError;
use crate::event::{Completed, Event, Misbehaviour, Requested, Resource};
use crate::job::{Job, JobOutcome};
use crate::proposal::{Decision, Proposal, ProposalDigest};
use crate::record::Record;
use crate::reputation::Score;
use crate::signer::{SignerAnswer, SignerTask};
use crate::status::SessionStatus;

/// Something for the engine to handle.
#[derive(Debug)]
pub enum Input {
    /// A message that has passed the pipeline: from the network, from the store, or out of another message. The engine's own
    /// messages do not come: it has handled them when it has sealed them.
    Message(Box<Validated>),
    /// A call of the application.
    Command(CommandId, Command),
    /// A signer's answer to an [`Effect::AskSigner`].
    SignerAnswered(SignerAnswer),
    /// The outcome of an [`Effect::Compute`].
    Computed(JobOutcome),
    /// The policy's answer to an [`Effect::AskPolicy`].
    PolicyDecided {
        /// The request.
        request: RequestId,
        /// The signer that was asked.
        signer: PublicKey,
        /// Digest of the proposal that was shown.
        digest: ProposalDigest,
        /// The answer.
        decision: Decision,
    },
    /// The policy does not answer at once: a person has been asked.
    PersonAsked {
        /// The request.
        request: RequestId,
        /// The signer.
        signer: PublicKey,
    },
    /// The records of earlier transitions could not be stored; their effects did not happen.
    PersistFailed {
        /// The records that could not be stored.
        records: Vec<Record>,
        /// Why.
        detail: String,
    },
    /// A message key has signed bytes that are no message (rule V-37). The pipeline has checked its signature, so nobody
    /// else can have done it.
    Malformed {
        /// The bytes, with the message key and its signature: a frame.
        frame: Arc<[u8]>,
    },
    /// A peer is connected.
    PeerConnected {
        /// Which.
        peer: PeerId,
    },
    /// A message was for a peer, and it was not reached.
    PeerUnreachable {
        /// Which.
        peer: PeerId,
        /// Why, for people.
        reason: String,
    },
    /// New addresses of this node: advertisements say these from now on.
    Addresses(Vec<Address>),
    /// The offers that this node's user looks for from now on.
    Interest(Interest),
    /// Time has passed.
    Tick,
}

/// The offers that a node looks for. It hears those by gossip, and asks the peers that it meets for offers; of others it hears nothing
/// by itself.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub enum Interest {
    /// None.
    #[default]
    Nothing,
    /// Those that name one of these transaction types, or none. Of more than [`crate::limits::TYPES`], the first count.
    Types(BTreeSet<String>),
    /// All.
    Anything,
}

/// Tells replies to commands apart; chosen by the caller.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CommandId(pub u64);

/// A call of the application (`docs/protocol.md` §12).
#[derive(Debug, Clone)]
pub enum Command {
    /// Serve a signer. The reply comes when the signer has certified its message key.
    AddSigner {
        /// The signer's key.
        signer: PublicKey,
    },
    /// Serve a signer no more: its offer is withdrawn, and what waits for it or goes on with it is declined.
    RemoveSigner {
        /// The signer's key.
        signer: PublicKey,
    },
    /// Treat a signer as a contact of the user ([`crate::Config::contacts`]), or no more.
    SetContact {
        /// The signer's key.
        signer: PublicKey,
        /// True for a contact.
        is_contact: bool,
    },
    /// Advertise a signer, and keep it advertised.
    Advertise {
        /// The signer.
        signer: PublicKey,
        /// Criteria of the requests that it is willing to sign.
        criteria: Criteria,
        /// Texts that people are shown.
        metadata: SignerMetadata,
        /// Addresses of this node; none, if they are those that the node says at the time ([`Input::Addresses`]).
        addresses: Vec<Address>,
        /// Lifetime of each advertisement.
        lifetime: Duration,
    },
    /// Withdraw a signer's advertisement.
    Withdraw {
        /// The signer.
        signer: PublicKey,
        /// Why, for the others.
        reason: String,
    },
    /// The signers known here that meet these wishes.
    Find(SignerQuery),
    /// Ask for signatures, in public.
    Announce(SigningRequestSpec),
    /// Ask for signatures, before this audience.
    AnnounceTo(SigningRequestSpec, Audience),
    /// Announce a resource, and keep it announced.
    AnnounceResource(ResourceSpec),
    /// Send a message to an application of another node.
    SendApplicationMessage(ApplicationMessageSpec),
    /// The newest offer of a signer, if it is known here.
    FindSigner {
        /// The signer.
        signer: PublicKey,
    },
    /// A request that has a session here.
    FindRequest {
        /// The request.
        request: RequestId,
    },
    /// The requests known here that wait for a signer.
    RequestsFor {
        /// The signer.
        signer: PublicKey,
    },
    /// The resources known here of this type and id, at most one of each signer.
    FindResources {
        /// The type.
        resource_type: String,
        /// The id.
        id: String,
    },
    /// All resources known here.
    Resources,
    /// Approve a request and join it.
    Join {
        /// The request.
        request: RequestId,
        /// The signer.
        signer: PublicKey,
    },
    /// Refuse a request.
    Decline {
        /// The request.
        request: RequestId,
        /// The signer.
        signer: PublicKey,
        /// Why, for the others.
        reason: String,
    },
    /// Standing of a signer on this node.
    Reputation {
        /// The signer.
        signer: PublicKey,
    },
    /// Status of a session.
    Status {
        /// The request.
        request: RequestId,
    },
    /// All sessions.
    Sessions,
    /// Which signatures have not been noted?
    Results,
    /// Which signers have been proven to misbehave?
    Proofs,
    /// The application has the signatures of a request: they are not handed out again.
    Note {
        /// The request.
        request: RequestId,
    },
    /// Give a request up.
    Abort {
        /// The request.
        request: RequestId,
        /// Why, for the others.
        detail: String,
    },
    /// Forget a session.
    Close {
        /// The request.
        request: RequestId,
    },
    /// Commit to nonces, in a session with manual rounds.
    StartNonceCommitment {
        /// The request.
        request: RequestId,
    },
    /// Reveal nonces, in a session with manual rounds.
    StartRound1 {
        /// The request.
        request: RequestId,
    },
    /// Sign, in a session with manual rounds.
    StartRound2 {
        /// The request.
        request: RequestId,
    },
    /// Begin another attempt; or ask again, where not all have joined in time or others are to take part.
    Retry {
        /// The request.
        request: RequestId,
        /// Whose places others take: none, if the same signers are asked.
        replace: Vec<Replacement>,
    },
}

/// Another signer in the place of one of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Replacement {
    /// The signer of the request; not the one that has asked.
    pub leaves: PublicKey,
    /// The signer that takes its place.
    pub joins: PublicKey,
}

/// Which signers one is looking for.
#[derive(Debug, Clone, Default)]
pub struct SignerQuery {
    /// A transaction type that they must be willing to sign.
    pub transaction_type: Option<String>,
    /// An amount that they must be willing to sign for.
    pub amount: Option<u64>,
    /// A nickname that they must have.
    pub nickname: Option<String>,
    /// A reputation that they must have at least: [`crate::limits::FOUND_SCORE`], if none is named. Whoever is blocked for a
    /// proven fault is never found.
    pub min_score: Option<Score>,
    /// At most so many; 0 means all.
    pub max_results: usize,
}

/// A request for signatures.
#[derive(Debug, Clone)]
pub struct SigningRequestSpec {
    /// Which of this node's signers asks; it must be one of `keys`.
    pub creator: PublicKey,
    /// The signers, in the order that will be everybody's.
    pub keys: Vec<PublicKey>,
    /// The items to be signed.
    pub items: Vec<Item>,
    /// How.
    pub options: RequestOptions,
    /// Texts that people are shown.
    pub metadata: RequestMetadata,
    /// Time that the others have to join.
    pub lifetime: Duration,
}

/// A resource to be announced for an application.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceSpec {
    /// Which of this node's signers announces it.
    pub signer: PublicKey,
    /// Which application's it is: 1 to 32 visible ASCII characters.
    pub resource_type: String,
    /// Which of that type: 1 to 64 visible ASCII characters.
    pub id: String,
    /// Bytes of the application; at most 4096.
    pub data: Vec<u8>,
    /// Lifetime of each announcement: a minute to 24 hours.
    pub lifetime: Duration,
}

/// A message for an application of another node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationMessageSpec {
    /// The signer of this node that speaks.
    pub signer: PublicKey,
    /// The other side.
    pub to: Recipient,
    /// The name of the application: 1 to 32 visible ASCII characters.
    pub application: String,
    /// Bytes of the application; at most 4096.
    pub data: Vec<u8>,
}

/// The other side of an application's message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Recipient {
    /// A signer, at the node that its newest offer names, or that this node's user has named.
    Signer(PublicKey),
    /// A node, whichever signers it serves.
    Node(Route),
}

/// The answer to a command.
#[derive(Debug, Clone)]
pub enum Reply {
    /// Done, or under way; events tell what comes of it.
    Done,
    /// The advertisement is out.
    Advertised(AdvertisementId),
    /// The resource is out, in this message.
    ResourceAnnounced(MessageId),
    /// The message of an application is on its way, under this id.
    ApplicationMessageSent(MessageId),
    /// The resources that were looked for.
    Resources(Vec<Resource>),
    /// The signers that were looked for.
    Found(Vec<SignerAdvertisement>),
    /// The offer that was looked for.
    Signer(Option<Box<SignerAdvertisement>>),
    /// The requests that were looked for.
    Requests(Vec<Requested>),
    /// The request is out.
    Announced {
        /// Its id.
        request: RequestId,
        /// The keys that the items will verify under.
        keys: Vec<XOnlyPublicKey>,
    },
    /// Standing of a signer on this node.
    Reputation(Score),
    /// Status of a session.
    Status(Box<SessionStatus>),
    /// Statuses of all sessions.
    Sessions(Vec<SessionStatus>),
    /// The signatures that have not been noted, the oldest first.
    Results(Vec<Completed>),
    /// The proofs of misbehaviour that are kept, the oldest first.
    Proofs(Vec<Misbehaviour>),
}

/// The records and effects of one call of [`super::Engine::handle`]. [`crate::Outbox`] keeps the rules that follow.
///
/// - All records of a transition are committed together, durably, after those of the transitions before it. Only then does
///   an effect of it leave the node: frames, answers and events, in the order in which the engine made them.
/// - Effects of which nothing leaves ([`Effect::is_internal`]) may be carried out at once, before the commit. What comes of
///   them is an input like any other, and whatever the engine makes of that leaves after the records.
/// - If the records are refused, the effects of the transition do not happen, and the engine is told by
///   [`Input::PersistFailed`].
#[derive(Debug, Default)]
#[must_use = "records are to be stored, and effects carried out"]
pub struct Transition {
    /// The records that must be durable before any effect of this transition leaves the node, and any of a later one.
    pub records: Vec<Record>,
    /// The effects, in the order in which the engine made them.
    pub effects: Vec<Effect>,
    /// The messages that the engine has sealed, and handled, in this step, and that peers may hand back. The driver lets its pipeline know of them
    /// ([`motet_wire::Validator::note_own`]), so that it takes copies that come back from peers for what they are.
    pub sealed: Vec<Validated>,
    /// Number of refusals of the store that the engine knew of.
    pub(crate) known_refusals: u64,
}

impl Transition {
    /// Takes out the effects that may be carried out at once ([`Effect::is_internal`]). If they are left in, an outbox hands
    /// them out in their turn.
    #[must_use = "these effects are not handed out again"]
    pub fn take_internal(&mut self) -> Vec<Effect> {
        self.effects.extract_if(.., |effect| effect.is_internal()).collect()
    }
}

/// Something for the driver to do.
#[derive(Debug)]
pub enum Effect {
    /// A delay: frames of this step leave so much later than they could, in the order of all that is sent; everything else is
    /// not held back. It comes before all that it holds back.
    Hold(Duration),
    /// Subscribe to these gossip topics, and to no others.
    Subscribe(BTreeSet<Topic>),
    /// Publish a frame by gossip.
    Broadcast {
        /// The topics.
        topics: Vec<Topic>,
        /// The frame.
        frame: Arc<[u8]>,
    },
    /// Send a frame to one other peer.
    Send {
        /// The peer.
        to: PeerId,
        /// Its addresses, as far as its advertisements say.
        addresses: Vec<Address>,
        /// The frame.
        frame: Arc<[u8]>,
    },
    /// Put a frame into the DHT.
    Publish {
        /// Under this key.
        key: DhtKey,
        /// And into the bags of these indexes, in the shard of this signer.
        indexes: Vec<Index>,
        /// Whose entry it is.
        signer: PublicKey,
        /// The frame.
        frame: Arc<[u8]>,
    },
    /// Read from the DHT what these signers say about where they are.
    LookUp {
        /// The signers.
        signers: Vec<PublicKey>,
    },
    /// Pass frames that came inside a message, or from the store, through the pipeline, and hand in what comes out.
    Validate {
        /// The peer that handed them on; this node's own, if they come from its store.
        from: PeerId,
        /// As what they are validated: [`Channel::Sync`] or [`Channel::Store`].
        channel: Channel,
        /// The frames.
        frames: Vec<Arc<[u8]>>,
    },
    /// Let a signer do something. A signature of its ([`SignerTask::Sign`]) waits for the records like a frame: a signer
    /// signs only with nonces of which it is stored that they are issued, and only what is stored as approved.
    AskSigner(SignerTask),
    /// Compute something.
    Compute(Job),
    /// Ask the user.
    AskPolicy(Box<Proposal>),
    /// Answer a command.
    Reply(CommandId, Result<Reply, CommandError>),
    /// Tell the user, and the log inside this span: that of the session which the event is about.
    Emit(Event, Span),
}

impl Effect {
    /// True for what a driver may do at once, since nothing of it leaves the node: computations, tasks of signers but
    /// signatures, questions of policy, validation of frames that are here already.
    pub const fn is_internal(&self) -> bool {
        match self {
            Self::AskSigner(task) => !matches!(task, SignerTask::Sign { .. }),
            Self::Validate { .. }
            | Self::Compute(_)
            | Self::AskPolicy(_)
            | Self::Subscribe(_)
            | Self::LookUp { .. } => true,
            Self::Hold(_)
            | Self::Broadcast { .. }
            | Self::Send { .. }
            | Self::Publish { .. }
            | Self::Reply(..)
            | Self::Emit(..) => false,
        }
    }

    /// True for frames, which other nodes hear.
    pub const fn leaves_node(&self) -> bool {
        matches!(self, Self::Broadcast { .. } | Self::Send { .. } | Self::Publish { .. })
    }
}
