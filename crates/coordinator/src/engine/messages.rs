//! Messages as they come: each goes to the component or the session that it is about, or waits for its request.

use motet_wire::{Channel, Kind, Subject, Validated};

use super::Engine;
use super::ctx::Ctx;
use super::deferred::Awaits;
use super::machine::narrowed;
use super::waiting;

impl Engine {
    /// One handler for everything that is said, by others and by this node: it hands a message on to the session or the
    /// component that it concerns.
    pub(super) fn on_message(&mut self, message: Validated, ctx: &mut Ctx<'_>) {
        let subject = message.message().subject();
        if let Some(id) = self.sessions.request_about(subject).filter(|id| self.sessions.contains_key(id)) {
            self.lend(&id, ctx, |session, lent| session.on_message(message, lent));
            return;
        }
        tracing::trace!(kind = ?message.kind(), from = %message.from(), channel = ?message.channel(), "message received");
        match message.kind() {
            // §6, phases 0 and 1.
            Kind::SignerAdvertisement => narrowed(message, |message| self.on_advertisement(message, ctx)),
            Kind::SignerUnavailable => narrowed(message, |message| self.on_unavailable(message, ctx)),
            // §9.
            Kind::ResourceAnnouncement => narrowed(message, |message| self.resources.on_resource(message, ctx)),
            // §9: its driver hands it to the application.
            Kind::ApplicationMessage => {}
            Kind::SyncRequest if self.catch_up.is_about(subject) => {
                narrowed(message, |message| {
                    self.catch_up.on_page_wanted(&message, &self.directory, &mut self.identities, ctx);
                });
            }
            Kind::SyncResponse if self.catch_up.is_about(subject) => {
                narrowed(message, |message| self.catch_up.on_page(message, &mut self.identities, ctx));
            }
            Kind::SyncResponse if waiting::is_about(subject, &self.network) => {
                narrowed(message, |message| self.on_waiting(message, ctx));
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
                self.on_early_message(subject, message, ctx);
            }
        }
    }

    /// A message of a session that is not known here. Its request may come yet.
    fn on_early_message(&mut self, subject: Subject, message: Validated, ctx: &mut Ctx<'_>) {
        match (message.kind(), subject) {
            // What this node has said has not come too early: the session is gone, or was refused.
            _ if message.channel() == Channel::Own => {}
            // §6, phase 3: a join may overtake its request.
            (Kind::ParticipantJoined | Kind::ParticipantDeclined, Subject::Request(id)) => {
                // §7.4: its author goes on with what may have ended here, and then has missed the signatures.
                self.results.hand_in(&id, ctx);
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
            (_, Subject::Directory | Subject::NewRequest | Subject::Application) => {}
            // No kind has another subject.
            (_, Subject::Request(_) | Subject::Attempt(_)) => {}
        }
    }
}
