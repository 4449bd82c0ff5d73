//! Proof against a participant ends a session (`docs/protocol.md` §7.3): contradictions, and statements that the terms of the
//! request leave no room for.

use std::sync::Arc;

use motet_wire::{AbortCode, Charge, Evidence};

use super::Session;
use crate::engine::lent::Lent;
use crate::event::AbortCause;

impl Session {
    /// Somebody has said two different things. The session ends, with the proof.
    pub(crate) fn accuse_of_equivocation(&mut self, first: Arc<[u8]>, second: &Arc<[u8]>, lent: &mut Lent<'_, '_>) {
        let Some(join) = self.join_of(second) else { return };
        self.accuse(Evidence::Equivocation { join, first: first.to_vec(), second: second.to_vec() }, lent);
    }

    /// Ends a session with evidence, if that convicts somebody of a deed in its request. Returns whether it does.
    pub(crate) fn accuse(&mut self, evidence: Evidence, lent: &mut Lent<'_, '_>) -> bool {
        let conviction = evidence.verify(lent.step.network).ok();
        let Some(conviction) = conviction.filter(|conviction| conviction.request == Some(self.id)) else {
            return false;
        };
        lent.proofs.keep(&evidence, &conviction, lent.step);
        let charge: Charge = conviction.charge;
        let detail = format!("{charge:?} by {}", conviction.signer);
        let frame = self.send_abort(AbortCode::Fault, detail, Some(evidence), lent);
        self.finish(frame, AbortCause::Convicted { culprit: conviction.signer, charge }, lent);
        true
    }

    /// Ends a session because nonces or partial signatures are for another number of items than the request has.
    pub(crate) fn accuse_of_wrong_count(&mut self, share: &[u8], lent: &mut Lent<'_, '_>) {
        if let Some(join) = self.join_of(share) {
            self.accuse_by_terms(join, Some(share.to_vec()), lent);
        }
    }

    /// Ends a session because a join has a commitment where the request wants none, or has none where the request wants one.
    pub(crate) fn accuse_of_wrong_join(&mut self, join: &[u8], lent: &mut Lent<'_, '_>) {
        self.accuse_by_terms(join.to_vec(), None, lent);
    }

    /// Ends a session because nonces or a partial signature for it are no points or scalars.
    pub(crate) fn accuse_of_nonsense(&mut self, share: &[u8], lent: &mut Lent<'_, '_>) {
        if self.active().is_some()
            && let Some(binding) = self.join_of(share)
        {
            self.accuse(Evidence::Malformed { binding, frame: share.to_vec() }, lent);
        }
    }

    fn accuse_by_terms(&mut self, join: Vec<u8>, share: Option<Vec<u8>>, lent: &mut Lent<'_, '_>) {
        if self.active().is_some()
            && let Ok(terms) = self.request.terms()
        {
            self.accuse(Evidence::AgainstTerms { join, terms, share }, lent);
        }
    }
}
