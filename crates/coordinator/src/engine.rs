//! The sans-IO protocol machine (`docs/protocol.md` §6 to §11).
//!
//! [`Engine::handle`] takes the time, one [`Input`] and a source of randomness, and returns a [`Transition`]: records for a
//! driver to store, and [`Effect`]s to carry out. It reads no clock, owns no randomness and does no I/O, so that the same code runs in the daemon and in a
//! seeded simulator. It holds no secret key that holds money and no secret nonce: those are behind [`crate::Signer`].
//!
//! A message that the engine has sealed, it handles itself at the end of the same step, with the handler of messages of
//! others: that handler, and nothing else, emits the events of messages. So a step leaves nothing of the engine's own words
//! to come, and its caller is answered when they have had their effect.

mod again;
mod announce;
mod announcements;
mod answer_time;
mod applications;
mod asking;
mod audience;
mod catch_up;
mod commands;
mod consequences;
mod ctx;
mod deferred;
mod directory;
mod early;
mod groups;
mod identities;
pub(crate) mod input;
mod interests;
mod leaving;
mod ledger;
mod lent;
mod machine;
mod messages;
mod own_rate;
mod participants;
mod privacy;
mod prompts;
mod proofs;
mod reach;
mod reopening;
mod reputation_table;
mod requests;
mod resources;
mod restored;
mod results;
mod routes;
mod session;
mod sessions;
mod signers;
mod status;
mod tasks;
mod timer_table;
mod timers;
mod trace;
mod waiting;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use announcements::Announcements;
use answer_time::AnswerTimes;
use applications::Applications;
use asking::Asking;
use catch_up::CatchUp;
use deferred::DeferredMessages;
use directory::Directory;
use identities::Identities;
use interests::Interests;
use ledger::Ledger;
use motet_core_crypto::PublicKey;
use motet_wire::{MonotonicMs, NetworkId, Now, PeerId, RequestId, claimed_subject, peek};
use rand_core::TryCryptoRng;
use reputation_table::ReputationTable;
use tracing::Span;

use crate::config::Config;
use crate::entropy::EntropyError;
use crate::event::Event;
use crate::job::JobOutcome;
use crate::record::Snapshot;
use crate::signer::SignerAnswer;
use ctx::Ctx;
pub use input::{
    ApplicationMessageSpec, Audience, Command, CommandId, Effect, Input, Interest, Recipient, Replacement, Reply,
    ResourceSpec, Route, SignerQuery, SigningRequestSpec, Transition,
};
use privacy::{Cover, hold};
use prompts::Prompts;
use proofs::Proofs;
use resources::Resources;
use restored::Restored;
use results::Results;
use routes::Routes;
use sessions::Sessions;

/// The protocol machine of one node.
pub struct Engine {
    config: Arc<Config>,
    network: Arc<NetworkId>,
    peer: PeerId,
    identities: Identities,
    directory: Directory,
    routes: Routes,
    resources: Resources,
    applications: Applications,
    reputation: ReputationTable,
    results: Results,
    proofs: Proofs,
    sessions: Sessions,
    /// Times that others take to answer.
    answers: AnswerTimes,
    /// The spans of sessions that this step has closed.
    closed: BTreeMap<RequestId, Span>,
    early: DeferredMessages,
    /// The places for requests that wait for a decision.
    prompts: Prompts,
    announcements: Announcements,
    ledger: Ledger,
    restored: Restored,
    asking: Asking,
    interests: Interests,
    /// The peers that this node has asked what it missed, and those that it has told.
    catch_up: CatchUp,
    cover: Cover,
    /// Requests that were taken back because their announcement was refused, until it is stored that they have ended.
    retracted: BTreeSet<RequestId>,
    /// Number of times that the store has refused records.
    known_refusals: u64,
}

impl Engine {
    /// An engine for one node of a network. `snapshot` is what earlier runs have stored.
    pub fn new(config: Config, network: NetworkId, peer: PeerId, snapshot: Snapshot) -> Self {
        Self {
            catch_up: CatchUp::new(&network, config.catch_up),
            identities: Identities::new(&snapshot),
            proofs: Proofs::new(&network, &snapshot.proofs),
            network: Arc::new(network),
            peer,
            directory: Directory::with_routes(config.routes.clone()),
            routes: Routes::default(),
            resources: Resources::default(),
            applications: Applications::default(),
            reputation: ReputationTable::new(&snapshot.standings),
            sessions: Sessions::default(),
            results: Results::new(&snapshot),
            answers: AnswerTimes::default(),
            closed: BTreeMap::new(),
            early: DeferredMessages::default(),
            prompts: Prompts::default(),
            announcements: Announcements::default(),
            ledger: Ledger::new(&snapshot),
            restored: Restored::new(&snapshot),
            asking: Asking::default(),
            interests: Interests::default(),
            cover: Cover::default(),
            retracted: BTreeSet::new(),
            known_refusals: 0,
            config: Arc::new(config),
        }
    }

    /// Handles one input. [`crate::Outbox`] takes what follows, and says what of it may be done when.
    pub fn handle(&mut self, now: Now, input: Input, rng: &mut dyn TryCryptoRng<Error = EntropyError>) -> Transition {
        let (config, network) = (Arc::clone(&self.config), Arc::clone(&self.network));
        let mut ctx = Ctx::new(now, rng, &config, &network, self.peer);
        self.closed.clear();
        // Ends that follow from refused records are told in a step without records: others, refused too, would take them along.
        let tells_of_refusal = matches!(input, Input::PersistFailed { .. });
        self.on_input(input, &mut ctx);
        self.hear_own(&mut ctx);
        if !tells_of_refusal {
            self.on_time(&mut ctx);
            self.hear_own(&mut ctx);
        }
        self.cover.send_due(&self.directory, &mut self.identities, &mut ctx);
        hold(self.sessions.first_limit(), &mut ctx);
        self.sessions.settle();
        let span_of = |event: &Event| event.request().map_or_else(Span::none, |request| self.span_of(request));
        ctx.into_transition(self.known_refusals, span_of)
    }

    fn on_input(&mut self, input: Input, ctx: &mut Ctx<'_>) {
        match input {
            Input::Message(message) => self.on_message(*message, ctx),
            Input::Command(id, command) => self.on_command(id, command, ctx),
            Input::SignerAnswered(answer) => match answer {
                SignerAnswer::Delegated { signer, message_key, not_after, result } => {
                    self.on_delegated(signer, message_key, not_after, result, ctx);
                }
                SignerAnswer::Nonces { nonce_id, result } => self.on_nonces_made(nonce_id, result, ctx),
                SignerAnswer::Signed { nonce_id, result } => self.on_signed(nonce_id, result, ctx),
            },
            Input::Computed(outcome) => match outcome {
                JobOutcome::Aggregated { session, result } => self.on_aggregated(session, result, ctx),
                JobOutcome::Verified { session, signatures } => self.on_final_verified(session, signatures, ctx),
                JobOutcome::Minted { id, work } => self.on_minted(id, work, ctx),
            },
            Input::PolicyDecided { request, signer, digest, decision } => {
                self.on_decision(request, signer, digest, decision, ctx);
            }
            Input::PersonAsked { request, signer } => self.on_person_asked(&request, &signer, ctx),
            Input::PersistFailed { records, detail } => {
                self.known_refusals = self.known_refusals.saturating_add(1);
                self.on_persist_failed(&records, &detail, ctx);
            }
            Input::Malformed { frame } => self.on_malformed(&frame, ctx),
            Input::PeerConnected { peer } => self.on_peer_connected(peer, ctx),
            Input::PeerUnreachable { peer, reason } => self.on_peer_unreachable(&peer, &reason, ctx),
            Input::Addresses(addresses) => self.on_addresses(addresses, ctx),
            Input::Interest(interest) => self.on_interest(interest, ctx),
            Input::Tick => self.flush_deferred(ctx),
        }
    }

    /// A message key has signed what is no message. It costs the signer that has certified the key, if it is known which that
    /// is: by its own certificate, in a join or in its newest advertisement. A session whose nonces or partial signature they
    /// were ends with the proof.
    fn on_malformed(&mut self, frame: &[u8], ctx: &mut Ctx<'_>) {
        let Some(Ok(sender)) = peek(frame).map(|peek| PublicKey::from_bytes(&peek.sender)) else { return };
        let joined =
            self.sessions.of_message_key(&sender).find_map(|session| session.key(session.slot_of(&sender)?).copied());
        if let Some(signer) = joined.or_else(|| self.directory.certifier_of(&sender)) {
            self.reputation.note_malformed(&signer, &self.identities, ctx);
        }
        if let Some(id) = claimed_subject(frame).and_then(|subject| self.sessions.request_about(subject)) {
            self.lend(&id, ctx, |session, lent| session.accuse_of_nonsense(frame, lent));
        }
    }

    /// Time at which [`Input::Tick`] is due, if nothing else comes before. It may be in the past.
    pub fn next_deadline(&self) -> Option<MonotonicMs> {
        let identities = self.identities.next_deadline().into_iter();
        identities
            .chain(self.sessions.next_due())
            .chain(self.directory.next_expiry())
            .chain(self.resources.next_deadline())
            .chain(self.early.next_expiry())
            .chain(self.restored.next_deadline())
            .chain(self.announcements.next_deadline())
            .chain(self.cover.next_deadline())
            .chain(self.deferred_since())
            .min()
    }

    /// Sessions that have not ended.
    pub fn active_sessions(&self) -> usize {
        self.sessions.active()
    }

    /// Messages of a sender that wait for what they refer to: at most [`crate::limits::EARLY_PER_SENDER`].
    pub fn early_messages_of(&self, sender: &PublicKey) -> usize {
        self.early.of_sender(sender)
    }

    /// Number of sessions that a message key takes part in: by it this node's budgets know a participant.
    pub fn sessions_of(&self, sender: &PublicKey) -> usize {
        self.sessions.listening_to_key(sender)
    }

    /// Number of sessions that a peer takes part in.
    pub fn sessions_with(&self, peer: &PeerId) -> usize {
        self.sessions.listening_to_peer(peer)
    }

    /// The peers that take part in sessions, in their order: they have a right to a connection.
    pub fn peers_in_sessions(&self) -> impl Iterator<Item = &PeerId> {
        self.sessions.listened_to()
    }

    /// Number of times that these peers have become others: drivers look at it after each step, and at the peers only when it has grown.
    pub const fn changes_of_peers(&self) -> u64 {
        self.sessions.changes_of_peers()
    }

    /// Handles the messages that this node has sealed in this step, in their order. Those that follow from them queue up
    /// behind: there is no recursion. It ends, since a message makes others only by moving a session on, or by ending it.
    fn hear_own(&mut self, ctx: &mut Ctx<'_>) {
        while let Some(own) = ctx.next_unheard() {
            self.on_message(own, ctx);
        }
    }
}

impl core::fmt::Debug for Engine {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("Engine")
            .field("network", &self.network)
            .field("peer", &self.peer)
            .field("identities", &self.identities)
            .field("sessions", &self.sessions.len())
            .finish_non_exhaustive()
    }
}
