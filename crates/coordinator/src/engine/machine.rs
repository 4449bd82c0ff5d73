//! The transition table: for each kind of message and each state of its session, the handler that takes it.
//!
//! Every message of a session passes here, this node's own too, and each is taken, kept until its time comes, or dropped for
//! the reason that its arm names. The sections are those of `docs/protocol.md`. What follows when something has been
//! collected is in `progress.rs`.

use core::cmp::Ordering;

use motet_wire::{Attempt, AttemptId, Channel, Kind, Message, RequestId, SignerIndex, Subject, Validated};

use super::Engine;
use super::ctx::Ctx;
use super::deferred::Awaits;
use super::session::{Collecting, Outcome, Session, State};

/// The state of a session, as far as it decides what a message does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// It waits for joins.
    Joining,
    /// All have joined, and an attempt goes on.
    Signing,
    /// It has ended with signatures.
    Signed,
    /// It has ended without signatures, and others may still complete it.
    OpenEnd,
    /// It has ended without signatures.
    Aborted,
}

impl Stage {
    fn of(state: &State) -> Self {
        match state {
            State::Active(active) => match active.collecting {
                Collecting::Joins => Self::Joining,
                Collecting::Commitments | Collecting::Nonces | Collecting::Partials | Collecting::Aggregating => {
                    Self::Signing
                }
            },
            State::Over(over) => match &over.outcome {
                Outcome::Signed(_) => Self::Signed,
                Outcome::Aborted(aborted) if aborted.is_open() => Self::OpenEnd,
                Outcome::Aborted(_) => Self::Aborted,
            },
        }
    }
}

/// The attempt that a message of a round is for, compared with the current one, and the signer that it is from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fit {
    /// For the current attempt, or the last, if the session is over.
    Now(SignerIndex),
    /// For a later one.
    Later(SignerIndex),
    /// For an earlier one.
    Earlier(SignerIndex),
    /// From a message key that no join has certified.
    Unknown,
    /// For no attempt: its two names for the attempt do not fit together.
    None,
}

impl Fit {
    fn of(session: &Session, message: &Validated, attempt: (AttemptId, Attempt)) -> Self {
        let (id, number) = attempt;
        if AttemptId::derive(&session.id, number) != id {
            return Self::None;
        }
        let Some(index) = session.slot_of(message.sender()) else { return Self::Unknown };
        match number.cmp(&session.attempt.number) {
            Ordering::Less => Self::Earlier(index),
            Ordering::Equal => Self::Now(index),
            Ordering::Greater => Self::Later(index),
        }
    }
}

/// The attempt that a message of a round names, by its id and by its number.
const fn attempt_of(message: &Message) -> Option<(AttemptId, Attempt)> {
    match message {
        Message::NonceCommit(commit) => Some((commit.session, commit.attempt)),
        Message::NonceShare(share) => Some((share.session, share.attempt)),
        Message::PartialSigShare(share) => Some((share.session, share.attempt)),
        Message::SignerAdvertisement(_)
        | Message::SignerUnavailable(_)
        | Message::SigningRequest(_)
        | Message::ParticipantJoined(_)
        | Message::ParticipantDeclined(_)
        | Message::SessionReady(_)
        | Message::SignatureFinalized(_)
        | Message::SessionAbort(_)
        | Message::SyncRequest(_)
        | Message::SyncResponse(_)
        | Message::ResourceAnnouncement(_) => None,
    }
}

impl Engine {
    /// Hands a message on to the part of the engine that it concerns.
    pub(super) fn on_kind(&mut self, message: Validated, ctx: &mut Ctx<'_>) {
        tracing::trace!(kind = ?message.kind(), from = %message.from(), channel = ?message.channel(), "message received");
        let subject = message.message().subject();
        match message.kind() {
            // §6, phases 0 and 1.
            Kind::SignerAdvertisement => narrowed(message, |message| self.on_advertisement(message, ctx)),
            Kind::SignerUnavailable => narrowed(message, |message| self.on_unavailable(message, ctx)),
            // §9.
            Kind::ResourceAnnouncement => narrowed(message, |message| self.resources.on_resource(message, ctx)),
            Kind::SyncRequest if self.catch_up.is_about(subject) => {
                narrowed(message, |message| {
                    self.catch_up.on_page_wanted(&message, &self.directory, &mut self.identities, ctx);
                });
            }
            Kind::SyncResponse if self.catch_up.is_about(subject) => {
                narrowed(message, |message| self.catch_up.on_page(message, &mut self.identities, ctx));
            }
            // §6, phase 2: it makes its session, unless there is one.
            Kind::SigningRequest => narrowed(message, |message| self.on_request(message, ctx)),
            Kind::ParticipantJoined
            | Kind::ParticipantDeclined
            | Kind::SessionReady
            | Kind::NonceCommit
            | Kind::NonceShare
            | Kind::PartialSigShare
            | Kind::SignatureFinalized
            | Kind::SessionAbort
            | Kind::SyncRequest
            | Kind::SyncResponse => {
                let session = self.sessions.request_about(subject).and_then(|id| self.sessions.get(&id));
                match session.map(|session| (session.id, Stage::of(&session.state))) {
                    Some((id, stage)) => self.on_session_message(&id, stage, message, ctx),
                    None => self.on_early_message(subject, message, ctx),
                }
            }
        }
    }

    /// A message of a session that is not known here. Its request may come yet.
    fn on_early_message(&mut self, subject: Subject, message: Validated, ctx: &Ctx<'_>) {
        match (message.kind(), subject) {
            // What this node has said has not come too early: the session is gone, or was refused.
            _ if message.channel() == Channel::Own => {}
            // §6, phase 3: a join may overtake its request.
            (Kind::ParticipantJoined | Kind::ParticipantDeclined, Subject::Request(id)) => {
                self.defer(Awaits::Request(id), message, ctx.now.mono);
            }
            // §7: so may a message of a round.
            (Kind::NonceCommit | Kind::NonceShare | Kind::PartialSigShare, Subject::Attempt(id)) => {
                self.defer(Awaits::Session(id), message, ctx.now.mono);
            }
            // §7.2: the others are asked for what these say, as soon as the request is here.
            (Kind::SessionReady | Kind::SignatureFinalized | Kind::SessionAbort, _) => {}
            // §7.2: there is nothing to tell, and nothing was asked.
            (Kind::SyncRequest | Kind::SyncResponse, _) => {}
            // They are about no session that an earlier message has made.
            (_, Subject::Directory | Subject::NewRequest) => {}
            // No kind has another subject.
            (_, Subject::Request(_) | Subject::Attempt(_)) => {}
        }
    }

    fn on_session_message(&mut self, id: &RequestId, stage: Stage, message: Validated, ctx: &mut Ctx<'_>) {
        use Stage::{Aborted, Joining, OpenEnd, Signed, Signing};
        match (stage, message.kind()) {
            // §6, phase 3: the signer takes part. §7.1: a signer that joins again has come back, also after the end.
            (Joining | Signing | Signed | OpenEnd | Aborted, Kind::ParticipantJoined) => {
                narrowed(message, |message| self.on_joined(message, ctx));
            }
            // §6, phase 3: without one signer there is no signature.
            (Joining, Kind::ParticipantDeclined) => narrowed(message, |message| self.on_declined(message, ctx)),
            // All have joined, and nobody takes that back.
            (Signing, Kind::ParticipantDeclined) => {}
            // §6, phase 3: joins that this node has missed. §7.2: joins that differ from those that it holds.
            (Joining | Signing, Kind::SessionReady) => narrowed(message, |message| self.on_session_ready(message, ctx)),
            // It is over for this node, whoever joins or declines.
            (Signed | OpenEnd | Aborted, Kind::ParticipantDeclined | Kind::SessionReady) => {}

            // §7: the rounds.
            (
                Joining | Signing | Signed | OpenEnd | Aborted,
                Kind::NonceCommit | Kind::NonceShare | Kind::PartialSigShare,
            ) => self.on_round_message(id, stage, message, ctx),

            // §7, round 2: anybody may tell the signatures, at any time: they are verified. §7.5: also after an end without.
            (Joining | Signing | OpenEnd | Aborted, Kind::SignatureFinalized) => {
                narrowed(message, |message| self.on_finalized(message, ctx));
            }
            // §8: the coordinator has told them.
            (Signed, Kind::SignatureFinalized) => narrowed(message, |message| self.on_told(message)),

            // §7.3: a participant gives up, with or without proof against somebody.
            (Joining | Signing, Kind::SessionAbort) => narrowed(message, |message| self.on_abort(message, ctx)),
            // It has ended already.
            (Signed | OpenEnd | Aborted, Kind::SessionAbort) => {}

            // §7.2: whoever has missed something asks, also how it ended.
            (Joining | Signing | Signed | OpenEnd | Aborted, Kind::SyncRequest) => {
                narrowed(message, |message| self.on_sync_request(message, ctx));
            }
            // §7.2: what this node has missed. §7.5: also after an open end.
            (Joining | Signing | OpenEnd, Kind::SyncResponse) => {
                narrowed(message, |message| self.on_sync_response(message, ctx));
            }
            // There is nothing that this node could have missed.
            (Signed | Aborted, Kind::SyncResponse) => {}

            // They are about no session that an earlier message has made, and do not come here.
            (
                Joining | Signing | Signed | OpenEnd | Aborted,
                Kind::SignerAdvertisement | Kind::SignerUnavailable | Kind::SigningRequest | Kind::ResourceAnnouncement,
            ) => {}
        }
    }

    /// A commitment, nonces or partial signatures: early, now or late.
    fn on_round_message(&mut self, id: &RequestId, stage: Stage, message: Validated, ctx: &mut Ctx<'_>) {
        use Stage::{Aborted, Joining, OpenEnd, Signed, Signing};
        let Some(attempt) = attempt_of(message.message()) else { return };
        let Some(session) = self.sessions.get(id) else { return };
        match (stage, Fit::of(session, &message, attempt)) {
            (Joining | Signing, Fit::Now(index)) => self.on_round(id, index, message, ctx),
            // §7.4: a participant has given the current attempt up, and so does everybody.
            (Signing, Fit::Later(index)) => {
                self.begin_attempt(id, attempt.1, ctx);
                self.on_round(id, index, message, ctx);
            }
            // §6, phase 3: it waits for joins: of its sender, or of all, before which no other attempt can begin.
            (Joining, Fit::Unknown | Fit::Later(_)) => {
                self.defer(Awaits::Session(attempt.0), message, ctx.now.mono);
            }
            // §7.4: nothing of an earlier attempt is used again.
            (Joining | Signing, Fit::Earlier(_)) => {}
            // §7.5: a partial signature of the last attempt may complete it.
            (OpenEnd, Fit::Now(index)) if message.kind() == Kind::PartialSigShare => {
                session.tell_end(index, attempt.1, ctx);
                narrowed(message, |message| self.on_late_partial(id, index, &message, ctx));
            }
            // §7.4: whoever goes on has missed how it ended.
            (Signed | OpenEnd | Aborted, Fit::Now(index) | Fit::Later(index) | Fit::Earlier(index)) => {
                session.tell_end(index, attempt.1, ctx);
            }
            // Only participants have a word in it.
            (Signing | Signed | OpenEnd | Aborted, Fit::Unknown) => {}
            // Its author has broken the format; it says nothing of any attempt.
            (Joining | Signing | Signed | OpenEnd | Aborted, Fit::None) => {}
        }
    }

    /// A message of the current attempt.
    fn on_round(&mut self, id: &RequestId, index: SignerIndex, message: Validated, ctx: &mut Ctx<'_>) {
        match message.kind() {
            // §7, round 0.
            Kind::NonceCommit => narrowed(message, |message| self.on_nonce_commit(id, index, &message, ctx)),
            // §7, round 1.
            Kind::NonceShare => narrowed(message, |message| self.on_nonce_share(id, index, message, ctx)),
            // §7, round 2.
            Kind::PartialSigShare => narrowed(message, |message| self.on_partial(id, index, &message, ctx)),
            // They are of no round.
            Kind::SignerAdvertisement
            | Kind::SignerUnavailable
            | Kind::SigningRequest
            | Kind::ParticipantJoined
            | Kind::ParticipantDeclined
            | Kind::SessionReady
            | Kind::SignatureFinalized
            | Kind::SessionAbort
            | Kind::SyncRequest
            | Kind::SyncResponse
            | Kind::ResourceAnnouncement => {}
        }
    }
}

/// Hands a message on as one of its kind, which the caller has just looked at.
fn narrowed<M: motet_wire::Body>(message: Validated, handle: impl FnOnce(Validated<M>)) {
    if let Ok(message) = message.narrow::<M>() {
        handle(message);
    }
}
