//! A signer of this node cannot do its part: the others are told at once, and do not wait for it (`docs/protocol.md` §7.3).

use std::sync::Arc;

use motet_core_crypto::PublicKey;
use motet_wire::{
    AbortCode, AbortReason, AbortSubject, Attempt, Commitments, RequestId, SessionAbort, SignerIndex, limits,
};

use super::Engine;
use super::ctx::Ctx;
use super::session::Nonces;
use crate::event::{AbortCause, Event};
use crate::signer::{NonceId, SignerError};

/// As much of a text as a reason may hold.
fn as_reason(mut text: String) -> String {
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
        let NonceId { index, signer, .. } = *nonce_id;
        let frame = self.seal_end(&id, index, &signer, AbortCode::Internal, &detail, ctx);
        if let Some(frame) = &frame {
            self.send_to_session(&id, frame, ctx);
        }
        ctx.emit(Event::SessionError { request: id, detail: detail.clone() });
        self.finish(&id, frame, AbortCause::Internal(detail), ctx);
    }

    /// The end of a session under the name of a signer of this node: an abort, or a refusal where the signer has not joined yet, since an abort of it
    /// would be believed by nobody.
    pub(super) fn seal_end(
        &mut self,
        id: &RequestId,
        index: SignerIndex,
        signer: &PublicKey,
        code: AbortCode,
        detail: &str,
        ctx: &mut Ctx<'_>,
    ) -> Option<Arc<[u8]>> {
        let session = self.sessions.get(id)?;
        let commits = session.request.options.commitments == Commitments::On;
        // The join of the first attempt carries the commitment, so it is sent when there are nonces.
        let has_nonces =
            session.locals.get(&index).is_some_and(|local| !matches!(local.nonces, Nonces::None | Nonces::Making));
        let joins_later = session.attempt.number == Attempt::FIRST && commits && !has_nonces;
        let has_joined = session.joins.at(index).is_some() || !joins_later;
        if has_joined || session.request.creator.signer == *signer {
            let reason = AbortReason { code, detail: as_reason(detail.to_owned()) };
            let abort = SessionAbort { subject: AbortSubject::Request(*id), reason, evidence: None };
            return Some(self.identities.seal(signer, abort, ctx).ok()?.frame);
        }
        let reason = as_reason(format!("{code}: {detail}"));
        self.seal_decline(id, index, signer, reason, ctx).ok()
    }
}
