//! The nonces of this node's signers in the current attempt (`docs/protocol.md` §7.1): asked for once, and destroyed when the
//! attempt is given up.

use std::sync::Arc;

use motet_core_crypto::PublicKey;
use motet_wire::SignerIndex;

use super::{Answer, Local, Nonces, Session};
use crate::engine::ctx::Ctx;
use crate::engine::ledger::Ledger;
use crate::signer::{NonceId, SignerTask};

impl Session {
    pub(crate) fn nonce_id(&self, index: SignerIndex, signer: &PublicKey) -> NonceId {
        NonceId { session: self.attempt.id, request: self.id, attempt: self.attempt.number, signer: *signer, index }
    }

    /// Asks a signer of this node for its nonces, if it has approved the request and has not been asked yet. Where another process speaks
    /// for the same signer, all may have joined without this one's approval. Nonces that an earlier process has been given
    /// under this id died with it, and there are never others.
    pub(crate) fn make_nonces(&mut self, index: SignerIndex, ledger: &Ledger, ctx: &mut Ctx<'_>) {
        let has_approved = |local: &&Local| matches!(local.answer, Answer::Approved(_));
        let unasked = self.locals.get(&index).filter(has_approved).filter(|local| matches!(local.nonces, Nonces::None));
        let Some(signer) = unasked.map(|local| local.signer) else { return };
        let nonce_id = self.nonce_id(index, &signer);
        let nonces = if ledger.is_issued(&nonce_id) {
            Nonces::Lost
        } else {
            ctx.ask_signer(SignerTask::GenerateNonces { nonce_id, items: Arc::clone(&self.items) });
            Nonces::Making
        };
        if let Some(local) = self.locals.get_mut(&index) {
            local.nonces = nonces;
        }
    }

    /// Has the nonces of one signer destroyed.
    pub(crate) fn discard_nonces(&mut self, index: SignerIndex, ctx: &mut Ctx<'_>) {
        let Some(signer) = self.locals.get(&index).map(|local| local.signer) else { return };
        let nonce_id = self.nonce_id(index, &signer);
        if let Some(local) = self.locals.get_mut(&index) {
            local.nonces = Nonces::Lost;
        }
        ctx.ask_signer(SignerTask::Forget { nonce_id });
    }

    /// Has the nonces of all signers of this node destroyed.
    pub(crate) fn forget_nonces(&mut self, ctx: &mut Ctx<'_>) {
        let (session, request, attempt) = (self.attempt.id, self.id, self.attempt.number);
        for (index, local) in &mut self.locals {
            let exist = match local.nonces {
                Nonces::Making | Nonces::Made { .. } | Nonces::Revealed { .. } => true,
                // The question for a signature is gone with records that the store has refused, or its answer is to come.
                Nonces::Used => !self.attempt.signed.contains(index),
                Nonces::None | Nonces::Lost => false,
            };
            if exist {
                let nonce_id = NonceId { session, request, attempt, signer: local.signer, index: *index };
                ctx.ask_signer(SignerTask::Forget { nonce_id });
            }
            local.nonces = Nonces::Lost;
        }
    }
}
