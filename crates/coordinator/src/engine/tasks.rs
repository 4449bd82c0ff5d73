//! Answers of signers, and results of computations: each goes to its session.

use motet_core_crypto::{PartialSignature, PublicNonce, Signature};
use motet_wire::AttemptId;

use super::Engine;
use super::ctx::Ctx;
use super::session::Source;
use crate::job::Fault;
use crate::signer::{NonceId, SignerError, SignerTask};

impl Engine {
    pub(super) fn on_nonces_made(
        &mut self,
        nonce_id: NonceId,
        result: Result<Vec<PublicNonce>, SignerError>,
        ctx: &mut Ctx<'_>,
    ) {
        let handled = self.lend(&nonce_id.request, ctx, |session, lent| session.on_nonces_made(nonce_id, result, lent));
        if handled.is_none() {
            ctx.ask_signer(SignerTask::Forget { nonce_id });
        }
    }

    pub(super) fn on_signed(
        &mut self,
        nonce_id: NonceId,
        result: Result<Vec<PartialSignature>, SignerError>,
        ctx: &mut Ctx<'_>,
    ) {
        self.lend(&nonce_id.request, ctx, |session, lent| session.on_signed(nonce_id, result, lent));
    }

    pub(super) fn on_aggregated(
        &mut self,
        attempt: AttemptId,
        result: Result<Vec<Signature>, Fault>,
        ctx: &mut Ctx<'_>,
    ) {
        if let Some(id) = self.sessions.request_of(&attempt) {
            self.lend(&id, ctx, |session, lent| session.on_aggregated(attempt, result, lent));
        }
    }

    /// Signatures that a participant has told have been verified; none, if they are not valid.
    pub(super) fn on_final_verified(
        &mut self,
        attempt: AttemptId,
        signatures: Option<Vec<Signature>>,
        ctx: &mut Ctx<'_>,
    ) {
        if let Some((id, signatures)) = self.sessions.request_of(&attempt).zip(signatures) {
            self.lend(&id, ctx, |session, lent| session.take_signatures(attempt, signatures, Source::Told, lent));
        }
    }
}
