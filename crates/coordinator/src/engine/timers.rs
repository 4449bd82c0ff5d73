//! What time brings (`docs/protocol.md` §7.4). Only the monotonic clock counts here.

use std::sync::Arc;

use motet_wire::{AbortCode, AbortReason, AbortSubject, Evidence, MonotonicMs, RequestId, SessionAbort};

use super::Engine;
use super::ctx::Ctx;
use super::session::{Collecting, Departed, EndStored, Session, State};
use crate::event::{AbortCause, Event};
use crate::limits;

/// How often the pause between two questions about what is missing is doubled, at most.
const DOUBLINGS: u32 = 4;

impl Session {
    /// When something has to be done for it.
    pub(crate) fn deadlines(&self) -> impl Iterator<Item = MonotonicMs> + use<> {
        let (first, others) = match &self.state {
            State::Active(active) => (active.due(), [None, None]),
            State::Over(over) => (over.forgotten_at(), [over.fails_over_at(), over.asks_at()]),
        };
        core::iter::once(first).chain(others.into_iter().flatten())
    }
}

impl Engine {
    /// Everything that is due.
    pub(super) fn on_time(&mut self, ctx: &mut Ctx<'_>) {
        let now = ctx.now.mono;
        for id in self.sessions.due(now) {
            self.within(&id, |engine| engine.on_due(&id, ctx));
        }
        self.renew(ctx);
        self.directory.expire(now);
        self.resources.expire(now);
        self.early.expire(now);
        self.abandon_left(ctx);
        self.forget_oldest(ctx);
        self.drop_leavers();
    }

    fn on_due(&mut self, id: &RequestId, ctx: &mut Ctx<'_>) {
        let now = ctx.now.mono;
        let sync_after = self.config.sync_after;
        let Some(session) = self.sessions.get_mut(id) else { return };
        match &mut session.state {
            State::Over(over) => {
                let is_due = |at: Option<MonotonicMs>| at.is_some_and(|at| at <= now);
                let (fails_over, asks) = (is_due(over.fails_over_at()), is_due(over.asks_at()));
                let is_forgotten = over.forgotten_at() <= now;
                if fails_over {
                    self.fail_over(id, ctx);
                }
                if asks {
                    self.ask_for_completion(id, ctx);
                }
                if is_forgotten {
                    self.close(id, ctx);
                }
            }
            State::Active(active) if active.ends <= now => {
                session.report_timeout(None, ctx);
                self.finish(id, None, AbortCause::Expired, ctx);
            }
            State::Active(active) if active.deadline <= now => self.end_round(id, ctx),
            State::Active(active) if active.sync.at <= now => {
                let pause = self.answers.pause(active.collecting, sync_after);
                if !active.sync.has_waited(active.since, pause, now) {
                    return;
                }
                active.sync.ask(now, pause, DOUBLINGS);
                self.publish_for_absent(id, ctx);
                self.ask_for_missing(id, ctx);
            }
            State::Active(_) => {}
        }
    }

    /// What is being collected has not come in time: the next attempt begins, if there may be one.
    fn end_round(&mut self, id: &RequestId, ctx: &mut Ctx<'_>) {
        let Some(session) = self.sessions.get(id) else { return };
        let next = session.next_attempt().filter(|_| session.collecting() != Some(Collecting::Joins));
        let silent = session.awaiting().contains(&session.coordinator());
        session.report_timeout(next, ctx);
        match next {
            Some(next) => {
                if silent {
                    self.fail_over(id, ctx);
                }
                self.begin_attempt(id, next, ctx);
            }
            None => self.give_up(id, ctx),
        }
    }

    pub(super) fn give_up(&mut self, id: &RequestId, ctx: &mut Ctx<'_>) {
        let Some(session) = self.sessions.get_mut(id) else { return };
        let awaiting = session.awaiting();
        let departed = session.active_mut().and_then(|active| active.departed.take());
        // One that has left is named if it is what the session waits for.
        if let Some(Departed { index: by, detail, frame }) = departed
            && (awaiting.is_empty() || awaiting.contains(&by))
            && let Some(signer) = session.key(by).copied()
        {
            return self.finish(id, Some(frame), AbortCause::Refused { by, signer, detail }, ctx);
        }
        let signers = session.keys_of(&awaiting);
        self.finish(id, None, AbortCause::Unresponsive { awaiting, signers }, ctx);
    }

    /// Whoever comes too late is to learn that nobody waits any more, and not to take it for silence. The others, who wait
    /// for the same, are told nothing: what this node has signed may still be all that they need.
    pub(super) fn prepare_farewell(&mut self, id: &RequestId, cause: &AbortCause, ctx: &mut Ctx<'_>) {
        let AbortCause::Unresponsive { signers, .. } = cause else { return };
        let Some(session) = self.sessions.get(id) else { return };
        if !session.attempt.signed.is_empty() {
            return;
        }
        let names: Vec<String> = signers.iter().map(ToString::to_string).collect();
        let detail = format!("waited in vain for {}", names.join(", "));
        let frame = self.seal_abort(id, AbortCode::TimedOut, detail, None, ctx);
        if let Some(State::Over(over)) = self.sessions.get_mut(id).map(|session| &mut session.state) {
            over.timeout_notice = frame;
        }
    }

    /// Tells the participants that this node gives up. The frame, if it could be made.
    pub(super) fn send_abort(
        &mut self,
        id: &RequestId,
        code: AbortCode,
        detail: String,
        evidence: Option<Evidence>,
        ctx: &mut Ctx<'_>,
    ) -> Option<Arc<[u8]>> {
        let frame = self.seal_abort(id, code, detail, evidence, ctx)?;
        self.send_to_session(id, &frame, ctx);
        Some(frame)
    }

    fn seal_abort(
        &mut self,
        id: &RequestId,
        code: AbortCode,
        detail: String,
        evidence: Option<Evidence>,
        ctx: &mut Ctx<'_>,
    ) -> Option<Arc<[u8]>> {
        let session = self.sessions.get(id)?;
        let creator = session.request.creator.signer;
        // Others believe it from who has joined, and from who has asked.
        let asked = self.identities.contains_key(&creator).then_some(creator);
        let signer = session.voice().or(asked)?;
        let mut detail = detail;
        while detail.len() > motet_wire::limits::REASON {
            detail.pop();
        }
        let reason = AbortReason { code, detail };
        let abort = SessionAbort { subject: AbortSubject::Request(*id), reason, evidence };
        Some(self.identities.seal(&signer, abort, ctx).ok()?.frame)
    }

    /// Forgets a session.
    pub(super) fn close(&mut self, id: &RequestId, ctx: &mut Ctx<'_>) {
        if let Some(mut session) = self.sessions.remove(id) {
            session.forget_nonces(ctx);
            if session.over().is_some_and(|over| over.stored == EndStored::Refused) || session.is_open_ended() {
                self.remember_end(id, ctx);
            }
            self.keep_span(&session);
            ctx.emit(Event::SessionClosed { request: *id });
        }
    }

    fn forget_oldest(&mut self, ctx: &mut Ctx<'_>) {
        for id in self.sessions.over_beyond(limits::FINISHED_SESSIONS) {
            self.close(&id, ctx);
        }
    }
}
