//! Consequences of a session's decisions for the rest of the node, and the records of requests that have ended.

use motet_wire::RequestId;

use super::Engine;
use super::ctx::Ctx;
use super::lent::{Consequence, Lent};
use super::session::Session;
use crate::event::Completed;
use crate::record::Record;

impl Engine {
    /// Looks a session up and lets it handle something, inside its span and with what it is lent. None if there is no such session.
    pub(super) fn lend<R>(
        &mut self,
        id: &RequestId,
        ctx: &mut Ctx<'_>,
        handle: impl FnOnce(&mut Session, &mut Lent<'_, '_>) -> R,
    ) -> Option<R> {
        let session = self.sessions.get_mut(id)?;
        let entered = session.span().clone().entered();
        let attempts = session.attempts;
        let mut lent = Lent {
            step: ctx,
            identities: &mut self.identities,
            directory: &self.directory,
            ledger: &mut self.ledger,
            proofs: &mut self.proofs,
            answers: &mut self.answers,
            consequences: Vec::new(),
        };
        let result = handle(session, &mut lent);
        let consequences = lent.consequences;
        session.refresh_span();
        if session.attempts > attempts {
            self.sessions.know_attempts(id);
        }
        for consequence in consequences {
            self.follow(id, consequence, ctx);
        }
        drop(entered);
        Some(result)
    }

    fn follow(&mut self, id: &RequestId, consequence: Consequence, ctx: &mut Ctx<'_>) {
        match consequence {
            Consequence::AllJoined => self.asking.remove(id),
            Consequence::Completed(completed) => {
                if let Some(session) = self.sessions.get(id) {
                    self.results.insert(completed.clone(), &session.frame);
                }
                self.store_end(id, Some(completed), ctx);
                if let Some(session) = self.sessions.get(id) {
                    self.reputation.note_completion(&session.request, &self.identities, ctx);
                }
            }
            Consequence::Spoiled { signer, phase } => {
                if let Some(session) = self.sessions.get(id) {
                    self.reputation.note_spoiled(&session.request, phase, &signer, &self.identities, ctx);
                }
            }
            Consequence::Aborted { cause, was_asked, is_open_ended } => {
                self.reputation.note_failure(&cause, was_asked, &self.identities, ctx);
                if is_open_ended {
                    self.asking.remove(id);
                    ctx.persist(Record::GivenUp { request: *id });
                } else {
                    self.remember_end(id, ctx);
                }
            }
            Consequence::Rival(signer) => self.announcements.renew_now(&signer, ctx.now.mono),
            Consequence::Deferred(awaits, message) => self.defer(awaits, *message, ctx.now.mono),
            Consequence::Replay => self.replay_early(id, ctx),
        }
    }

    /// Gives up what nobody has taken up.
    pub(super) fn abandon_left(&mut self, ctx: &mut Ctx<'_>) {
        for request in self.restored.take_lapsed(ctx.now.mono) {
            self.remember_end(&request, ctx);
        }
    }

    /// Stores that a request has ended without signatures.
    pub(super) fn remember_end(&mut self, id: &RequestId, ctx: &mut Ctx<'_>) {
        self.store_end(id, None, ctx);
    }

    /// Stores that a request has ended, and its signatures in the same record: a crash finds both or neither.
    pub(super) fn store_end(&mut self, id: &RequestId, result: Option<Completed>, ctx: &mut Ctx<'_>) {
        self.asking.remove(id);
        self.ledger.end(id, result, ctx);
    }
}
