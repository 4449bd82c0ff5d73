//! Asking again: another attempt of a session that goes on, or a request of its own after one that has failed (`docs/protocol.md` §7.4).

use std::collections::{BTreeMap, BTreeSet};

use motet_core_crypto::PublicKey;
use motet_wire::{Now, RequestId};

use super::Engine;
use super::ctx::Ctx;
use super::input::{Audience, CommandId, Replacement, SigningRequestSpec};
use super::session::Session;
use crate::error::CommandError;
use crate::event::Phase;

impl Engine {
    /// Begins another attempt, or asks again, with other signers in the places of some.
    pub(super) fn retry(&mut self, id: CommandId, request: &RequestId, replace: &[Replacement], ctx: &mut Ctx<'_>) {
        match self.asks_again(request, replace, ctx.now) {
            Ok(Some(announcement)) => {
                let session = self.sessions.get(request);
                // The members of a private request are where they were.
                let is_private = session.is_some_and(Session::is_private);
                let audience = if is_private { Audience::Members(BTreeMap::new()) } else { Audience::Public };
                self.announce(id, announcement, audience, Some(*request), ctx);
            }
            Ok(None) => {
                let result = self.lend(request, ctx, Session::try_again);
                let result = result.unwrap_or(Err(CommandError::UnknownRequest(*request)));
                ctx.reply(id, result);
            }
            Err(error) => ctx.reply(id, Err(error)),
        }
    }

    /// The request that repeats an earlier one: the same terms, by the signer that has asked. It is a request of its own, so that nothing of the one before can come into
    /// it. Without replacements that is done only where not all have joined in time.
    fn asks_again(
        &self,
        request: &RequestId,
        replace: &[Replacement],
        now: Now,
    ) -> Result<Option<SigningRequestSpec>, CommandError> {
        let session = self.sessions.get(request).ok_or(CommandError::UnknownRequest(*request))?;
        let terms = &session.request;
        let creator = terms.creator.signer;
        let is_asked_here = session.phase() == Phase::Aborted && self.identities.contains_key(&creator);
        if replace.is_empty() && (!is_asked_here || session.joins.is_full()) {
            return Ok(None);
        }
        if !is_asked_here {
            return Err(CommandError::WrongPhase(session.phase()));
        }
        let mut keys = terms.keys.clone();
        for Replacement { leaves, joins } in replace {
            let is_replaceable = *leaves != creator && terms.keys.contains(leaves);
            let place = keys.iter_mut().find(|key| *key == leaves).filter(|_| is_replaceable);
            *place.ok_or(CommandError::NotReplaceable(*leaves))? = *joins;
        }
        if let Some(twice) = duplicate(&keys) {
            return Err(CommandError::SignerTwice(twice));
        }
        if let Some(blocked) = keys.iter().find(|key| self.reputation.is_blocked(key, now.wall)) {
            return Err(CommandError::BlockedSigner(*blocked));
        }
        Ok(Some(SigningRequestSpec {
            creator,
            keys,
            items: terms.items.clone(),
            options: terms.options,
            metadata: terms.metadata.clone(),
            lifetime: session.lifetime,
        }))
    }

    /// The request that [`Command::Retry`](super::Command::Retry) would send; none if it would begin another attempt, or be refused.
    pub fn asked_again(&self, request: &RequestId, replace: &[Replacement], now: Now) -> Option<SigningRequestSpec> {
        self.asks_again(request, replace, now).ok().flatten()
    }

    /// True if a session that has ended can be asked for again, with the same signers: by the node that has asked, if not all have joined and
    /// nobody is blocked.
    pub(super) fn can_ask_again(&self, session: &Session, now: Now) -> bool {
        let terms = &session.request;
        let blocked = terms.keys.iter().any(|key| self.reputation.is_blocked(key, now.wall));
        self.identities.contains_key(&terms.creator.signer) && !session.joins.is_full() && !blocked
    }
}

/// A key that stands twice in a list.
fn duplicate(keys: &[PublicKey]) -> Option<PublicKey> {
    let mut seen = BTreeSet::new();
    keys.iter().find(|key| !seen.insert(**key)).copied()
}
