//! A signer of this node cannot do its part: the others are told at once, and do not wait for it (`docs/protocol.md` §7.3).

use std::sync::Arc;

use motet_wire::{AbortCode, AbortReason, AbortSubject, Attempt, Commitments, SessionAbort, Topic, limits};

use super::Engine;
use super::ctx::Ctx;
use crate::event::{AbortCause, Event};
use crate::signer::{NonceId, SignerError};

/// As much of a text as a reason may hold.
pub(super) fn as_reason(mut text: String) -> String {
    while text.len() > limits::REASON {
        text.pop();
    }
    text
}

impl Engine {
    /// Ends a session whose signer here has failed, and says so under the name of that signer.
    pub(super) fn on_signer_failed(&mut self, nonce_id: &NonceId, error: &SignerError, ctx: &mut Ctx<'_>) {
        let id = nonce_id.request;
        let detail = error.to_string();
        let frame = self.seal_failure(nonce_id, &detail, ctx);
        if let Some(frame) = &frame {
            ctx.broadcast(Topic::Sessions, frame);
            self.send_to_session(&id, frame, ctx);
        }
        ctx.emit(Event::SessionError { request: id, detail: detail.clone() });
        self.finish(&id, frame, AbortCause::Internal(detail), ctx);
    }

    /// An abort, or a refusal where the signer has not joined yet: an abort of it would be believed by nobody.
    fn seal_failure(&mut self, nonce_id: &NonceId, detail: &str, ctx: &mut Ctx<'_>) -> Option<Arc<[u8]>> {
        let NonceId { request, signer, index, attempt, .. } = *nonce_id;
        let session = self.sessions.get(&request)?;
        let joins_later = attempt == Attempt::FIRST && session.request.options.commitments == Commitments::On;
        let has_joined = session.joins.at(index).is_some() || !joins_later;
        if has_joined || session.request.creator.signer == signer {
            let reason = AbortReason { code: AbortCode::Internal, detail: as_reason(detail.to_owned()) };
            let abort = SessionAbort { subject: AbortSubject::Request(request), reason, evidence: None };
            return Some(self.seal(&signer, abort, ctx).ok()?.frame);
        }
        let reason = as_reason(format!("{}: {detail}", AbortCode::Internal));
        self.seal_decline(&request, index, &signer, reason, ctx).ok()
    }
}
