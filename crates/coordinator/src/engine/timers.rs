//! Deadlines of the node (`docs/protocol.md` §7.4). Only the monotonic clock counts here.

use motet_wire::{MonotonicMs, RequestId};

use super::Engine;
use super::ctx::Ctx;
use super::session::{Due, EndStored, Origin, Session};
use crate::event::Event;
use crate::limits;

impl Engine {
    /// Everything that is due.
    pub(super) fn on_time(&mut self, ctx: &mut Ctx<'_>) {
        let now = ctx.now.mono;
        for id in self.sessions.due(now) {
            self.on_due(&id, ctx);
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
        match self.lend(id, ctx, Session::on_due) {
            Some(Due::Ask) => {
                self.publish_for_absent(id, ctx);
                self.lend(id, ctx, Session::ask_for_missing);
            }
            Some(Due::Close) => self.close(id, ctx),
            Some(Due::Nothing) | None => {}
        }
    }

    /// Says and stores what could wait until nothing else does.
    pub(super) fn flush_deferred(&mut self, ctx: &mut Ctx<'_>) {
        // Records of a request that was taken back may have been stored since: they mean nothing.
        for id in core::mem::take(&mut self.retracted) {
            self.remember_end(&id, ctx);
        }
        for id in self.sessions.deferred() {
            self.lend(&id, ctx, Session::say_unsaid);
        }
    }

    /// Time at which that is due: at once.
    pub(super) fn deferred_since(&self) -> Option<MonotonicMs> {
        (self.sessions.has_deferred() || !self.retracted.is_empty()).then_some(MonotonicMs(0))
    }

    /// Forgets a session.
    pub(super) fn close(&mut self, id: &RequestId, ctx: &mut Ctx<'_>) {
        if let Some(mut session) = self.sessions.remove(id) {
            session.forget_nonces(ctx);
            if session.over().is_some_and(|over| over.stored == EndStored::Refused) || session.is_open_ended() {
                self.remember_end(id, ctx);
            }
            self.keep_span(&session);
            if session.origin != Origin::Kept {
                ctx.emit(Event::SessionClosed { request: *id });
            }
        }
    }

    fn forget_oldest(&mut self, ctx: &mut Ctx<'_>) {
        for id in self.sessions.over_beyond(limits::FINISHED_SESSIONS) {
            self.close(&id, ctx);
        }
    }
}
