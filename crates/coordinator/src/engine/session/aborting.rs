//! A participant gives up (`docs/protocol.md` §7.3): another, or a signer of this node. The others are told at once, and do not wait for
//! it.

use std::sync::Arc;

use motet_core_crypto::PublicKey;
use motet_wire::{
    AbortCode, AbortReason, AbortSubject, Attempt, Charge, Commitments, Evidence, SessionAbort, SignerIndex, Validated,
    limits,
};

use super::{Answer, Departed, Nonces, Session};
use crate::engine::input::Reply;
use crate::engine::lent::{Consequence, Lent};
use crate::error::CommandError;
use crate::event::{AbortCause, Event};
use crate::signer::{NonceId, SignerError};

/// As much of a text as a reason may hold.
fn as_reason(mut text: String) -> String {
    while text.len() > limits::REASON {
        text.pop();
    }
    text
}

impl Session {
    /// A participant has given up.
    pub(crate) fn on_abort(&mut self, message: Validated<SessionAbort>, lent: &mut Lent<'_, '_>) {
        let own = lent.identities.is_own(message.sender());
        // Only participants can abort.
        let creator = &self.request.creator;
        let by = self.slot_of(message.sender()).or_else(|| {
            (creator.message_key == *message.sender()).then(|| self.request.index_of(&creator.signer)).flatten()
        });
        let Some(by) = by else { return };
        let Some(signer) = self.key(by).copied() else { return };
        let frame = Arc::clone(message.frame());
        if !own {
            self.pass_on_end(&frame, lent);
        }
        let abort = message.into_message();
        let proven = abort.evidence.and_then(|evidence| Some((evidence.verify(lent.step.network).ok()?, evidence)));
        let cause = match proven.filter(|(conviction, _)| conviction.request == Some(self.id)) {
            Some((conviction, evidence)) => {
                lent.proofs.keep(&evidence, &conviction, lent.step);
                let charge: Charge = conviction.charge;
                AbortCause::Convicted { culprit: conviction.signer, charge }
            }
            None if own => AbortCause::Cancelled,
            None => {
                let detail = format!("{}: {}", abort.reason.code, abort.reason.detail);
                if abort.reason.code == AbortCode::TimedOut {
                    // Others may have made signatures of what it has signed before, or proof of somebody's guilt.
                    if let Some(active) = self.active_mut() {
                        active.departed.get_or_insert(Departed { index: by, detail, frame });
                    }
                    return;
                }
                lent.consequences.push(Consequence::Spoiled { signer, phase: self.phase() });
                AbortCause::Refused { by, signer, detail }
            }
        };
        self.finish(Some(frame), cause, lent);
    }

    /// Tells the participants that this node gives up. The frame, if it could be made.
    pub(crate) fn send_abort(
        &mut self,
        code: AbortCode,
        detail: String,
        evidence: Option<Evidence>,
        lent: &mut Lent<'_, '_>,
    ) -> Option<Arc<[u8]>> {
        let frame = self.seal_abort(code, detail, evidence, lent)?;
        self.send(&frame, lent);
        Some(frame)
    }

    /// A message of this node that gives the session up.
    pub(crate) fn seal_abort(
        &mut self,
        code: AbortCode,
        detail: String,
        evidence: Option<Evidence>,
        lent: &mut Lent<'_, '_>,
    ) -> Option<Arc<[u8]>> {
        let creator = self.request.creator.signer;
        // Others believe it from who has joined, and from who has asked.
        let asked = lent.identities.contains_key(&creator).then_some(creator);
        let signer = self.voice().or(asked)?;
        let reason = AbortReason { code, detail: as_reason(detail) };
        let abort = SessionAbort { subject: AbortSubject::Request(self.id), reason, evidence };
        Some(lent.seal(&signer, abort).ok()?.frame)
    }

    /// Ends a session whose signer here has failed, and says so under the name of that signer.
    pub(crate) fn on_signer_failed(&mut self, nonce_id: &NonceId, error: &SignerError, lent: &mut Lent<'_, '_>) {
        let detail = error.to_string();
        let NonceId { index, signer, .. } = *nonce_id;
        if matches!(error, SignerError::Declined(_)) {
            let frame = self.seal_end(index, &signer, AbortCode::Declined, &detail, lent);
            if let Some(frame) = &frame {
                self.send(frame, lent);
            }
            return self.finish(frame, AbortCause::Refused { by: index, signer, detail }, lent);
        }
        let frame = self.seal_end(index, &signer, AbortCode::Internal, &detail, lent);
        if let Some(frame) = &frame {
            self.send(frame, lent);
        }
        lent.step.emit(Event::SessionError { request: self.id, detail: detail.clone() });
        self.finish(frame, AbortCause::Internal(detail), lent);
    }

    /// The end of a session under the name of a signer of this node: an abort, or a refusal where the signer has not joined yet, since an abort of it
    /// would be believed by nobody.
    fn seal_end(
        &mut self,
        index: SignerIndex,
        signer: &PublicKey,
        code: AbortCode,
        detail: &str,
        lent: &mut Lent<'_, '_>,
    ) -> Option<Arc<[u8]>> {
        let commits = self.request.options.commitments == Commitments::On;
        // The join of the first attempt carries the commitment, so it is sent when there are nonces.
        let has_nonces =
            self.locals.get(&index).is_some_and(|local| !matches!(local.nonces, Nonces::None | Nonces::Making));
        let joins_later = self.attempt.number == Attempt::FIRST && commits && !has_nonces;
        let has_joined = self.joins.at(index).is_some() || !joins_later;
        if has_joined || self.request.creator.signer == *signer {
            let reason = AbortReason { code, detail: as_reason(detail.to_owned()) };
            let abort = SessionAbort { subject: AbortSubject::Request(self.id), reason, evidence: None };
            return Some(lent.seal(signer, abort).ok()?.frame);
        }
        let reason = as_reason(format!("{code}: {detail}"));
        lent.seal_decline(&self.id, index, signer, reason).ok()
    }

    /// Tells the others in a session that a signer takes no part any more.
    pub(crate) fn leave(&mut self, signer: &PublicKey, reason: &str, lent: &mut Lent<'_, '_>) {
        let Some((index, local)) = self.locals.iter().find(|(_, local)| local.signer == *signer) else { return };
        let (index, answer) = (*index, local.answer.clone());
        match answer {
            Answer::Asked => drop(self.decline(signer, reason.to_owned(), lent)),
            Answer::Declined => {}
            Answer::Approved(_) => {
                let frame = self.seal_end(index, signer, AbortCode::Declined, reason, lent);
                if let Some(frame) = &frame {
                    self.send(frame, lent);
                }
                self.finish(frame, AbortCause::Cancelled, lent);
            }
        }
    }

    /// The command: ends a session that goes on.
    pub(crate) fn cancel(&mut self, detail: String, lent: &mut Lent<'_, '_>) -> Result<Reply, CommandError> {
        if self.over().is_some() {
            return Err(CommandError::WrongPhase(self.phase()));
        }
        // The abort of a participant, or of the creator, is handled in this step like an abort of anybody. Others just leave.
        let joined = self.locals.keys().any(|index| self.joins.at(*index).is_some());
        let asked = lent.identities.contains_key(&self.request.creator.signer);
        if !(joined || asked) || self.send_abort(AbortCode::Cancelled, detail, None, lent).is_none() {
            self.finish(None, AbortCause::Cancelled, lent);
        }
        Ok(Reply::Done)
    }
}
