//! The transition table: for each kind of message and each state of its session, the handler that takes it.
//!
//! Every message of a session passes here, this node's own too, and each is taken, kept until its time comes, or dropped for
//! the reason that its arm names. The sections are those of `docs/protocol.md`. What follows when something has been
//! collected is in `session/advancing.rs`.

use core::cmp::Ordering;

use motet_wire::{Attempt, AttemptId, Kind, Message, SignerIndex, Validated};

use super::deferred::Awaits;
use super::lent::{Consequence, Lent};
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
        | Message::ResourceAnnouncement(_)
        | Message::ApplicationMessage(_) => None,
    }
}

impl Session {
    /// The table.
    pub(crate) fn on_message(&mut self, message: Validated, lent: &mut Lent<'_, '_>) {
        use Stage::{Aborted, Joining, OpenEnd, Signed, Signing};
        tracing::trace!(kind = ?message.kind(), from = %message.from(), channel = ?message.channel(), "message received");
        let stage = Stage::of(&self.state);
        match (stage, message.kind()) {
            // §6, phase 3: the signer takes part. §7.1: a signer that joins again has come back, also after the end.
            (Joining | Signing | Signed | OpenEnd | Aborted, Kind::ParticipantJoined) => {
                narrowed(message, |message| self.on_joined(message, lent));
            }
            // §6, phase 3: without one signer there is no signature.
            (Joining, Kind::ParticipantDeclined) => narrowed(message, |message| self.on_declined(message, lent)),
            // All have joined, and nobody takes that back.
            (Signing, Kind::ParticipantDeclined) => {}
            // §6, phase 3: joins that this node has missed. §7.2: joins that differ from those that it holds.
            (Joining | Signing, Kind::SessionReady) => {
                narrowed(message, |message| self.on_session_ready(message, lent))
            }
            // It is over for this node, whoever joins or declines.
            (Signed | OpenEnd | Aborted, Kind::ParticipantDeclined | Kind::SessionReady) => {}

            // §7: the rounds.
            (
                Joining | Signing | Signed | OpenEnd | Aborted,
                Kind::NonceCommit | Kind::NonceShare | Kind::PartialSigShare,
            ) => self.on_round_message(stage, message, lent),

            // §7, round 2: anybody may tell the signatures, at any time: they are verified. §7.5: also after an end without.
            (Joining | Signing | OpenEnd | Aborted, Kind::SignatureFinalized) => {
                narrowed(message, |message| self.on_finalized(message, lent));
            }
            // §8: the coordinator has told them.
            (Signed, Kind::SignatureFinalized) => narrowed(message, |message| self.on_told(&message)),

            // §7.3: a participant gives up, with or without proof against somebody.
            (Joining | Signing, Kind::SessionAbort) => narrowed(message, |message| self.on_abort(message, lent)),
            // It has ended already.
            (Signed | OpenEnd | Aborted, Kind::SessionAbort) => {}

            // §7.2: whoever has missed something asks, also how it ended.
            (Joining | Signing | Signed | OpenEnd | Aborted, Kind::SyncRequest) => {
                narrowed(message, |message| self.on_sync_request(message, lent));
            }
            // §7.2: what this node has missed. §7.5: also after an open end.
            (Joining | Signing | OpenEnd, Kind::SyncResponse) => {
                narrowed(message, |message| self.on_sync_response(message, lent));
            }
            // There is nothing that this node could have missed.
            (Signed | Aborted, Kind::SyncResponse) => {}

            // They are about no session that an earlier message has made, and do not come here.
            (
                Joining | Signing | Signed | OpenEnd | Aborted,
                Kind::SignerAdvertisement
                | Kind::SignerUnavailable
                | Kind::SigningRequest
                | Kind::ResourceAnnouncement
                | Kind::ApplicationMessage,
            ) => {}
        }
    }

    /// A commitment, nonces or partial signatures: early, now or late.
    fn on_round_message(&mut self, stage: Stage, message: Validated, lent: &mut Lent<'_, '_>) {
        use Stage::{Aborted, Joining, OpenEnd, Signed, Signing};
        let Some(attempt) = attempt_of(message.message()) else { return };
        match (stage, Fit::of(self, &message, attempt)) {
            (Joining | Signing, Fit::Now(index)) => self.on_round(index, message, lent),
            // §7.4: a participant has given the current attempt up, and so does everybody.
            (Signing, Fit::Later(index)) => {
                self.begin_attempt(attempt.1, lent);
                self.on_round(index, message, lent);
            }
            // §6, phase 3: it waits for joins: of its sender, or of all, before which no other attempt can begin.
            (Joining, Fit::Unknown | Fit::Later(_)) => {
                lent.consequences.push(Consequence::Deferred(Awaits::Session(attempt.0), Box::new(message)));
            }
            // §7.4: nothing of an earlier attempt is used again.
            (Joining | Signing, Fit::Earlier(_)) => {}
            // §7.5: a partial signature of the last attempt may complete it.
            (OpenEnd, Fit::Now(index)) if message.kind() == Kind::PartialSigShare => {
                self.tell_end(index, attempt.1, lent);
                narrowed(message, |message| self.on_late_partial(index, &message, lent));
            }
            // §7.4: whoever goes on has missed how it ended.
            (Signed | OpenEnd | Aborted, Fit::Now(index) | Fit::Later(index) | Fit::Earlier(index)) => {
                self.tell_end(index, attempt.1, lent);
            }
            // Only participants have a word in it.
            (Signing | Signed | OpenEnd | Aborted, Fit::Unknown) => {}
            // Its author has broken the format; it says nothing of any attempt.
            (Joining | Signing | Signed | OpenEnd | Aborted, Fit::None) => {}
        }
    }

    /// A message of the current attempt.
    fn on_round(&mut self, index: SignerIndex, message: Validated, lent: &mut Lent<'_, '_>) {
        match message.kind() {
            // §7, round 0.
            Kind::NonceCommit => narrowed(message, |message| self.on_nonce_commit(index, &message, lent)),
            // §7, round 1.
            Kind::NonceShare => narrowed(message, |message| self.on_nonce_share(index, message, lent)),
            // §7, round 2.
            Kind::PartialSigShare => narrowed(message, |message| self.on_partial(index, &message, lent)),
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
            | Kind::ResourceAnnouncement
            | Kind::ApplicationMessage => {}
        }
    }
}

/// Hands a message on as one of its kind, which the caller has just looked at.
pub(super) fn narrowed<M: motet_wire::Body>(message: Validated, handle: impl FnOnce(Validated<M>)) {
    if let Ok(message) = message.narrow::<M>() {
        handle(message);
    }
}
