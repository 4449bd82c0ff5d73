//! Statements that the terms of a request leave no room for: their author is convicted at once (`docs/protocol.md` §7.3).

use motet_wire::{Evidence, RequestId};

use super::Engine;
use super::ctx::Ctx;

impl Engine {
    /// Ends a session because nonces or partial signatures are for another number of items than the request has.
    pub(super) fn accuse_of_wrong_count(&mut self, id: &RequestId, share: &[u8], ctx: &mut Ctx<'_>) {
        if let Some(join) = self.sessions.get(id).and_then(|session| session.join_of(share)) {
            self.accuse_by_terms(id, join, Some(share.to_vec()), ctx);
        }
    }

    /// Ends a session because a join has a commitment where the request wants none, or has none where the request wants one.
    pub(super) fn accuse_of_wrong_join(&mut self, id: &RequestId, join: &[u8], ctx: &mut Ctx<'_>) {
        self.accuse_by_terms(id, join.to_vec(), None, ctx);
    }

    fn accuse_by_terms(&mut self, id: &RequestId, join: Vec<u8>, share: Option<Vec<u8>>, ctx: &mut Ctx<'_>) {
        let Some(session) = self.sessions.get(id).filter(|session| session.active().is_some()) else { return };
        if let Ok(terms) = session.request.terms() {
            self.accuse(id, Evidence::AgainstTerms { join, terms, share }, ctx);
        }
    }
}
