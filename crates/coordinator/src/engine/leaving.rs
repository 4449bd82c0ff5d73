//! A signer leaves this node while the node runs: its offer is withdrawn, and the others in its sessions are told (`docs/protocol.md` §6).
//!
//! Its identity stays for as long as others may still complete what it has signed, so that the node can ask them.

use motet_core_crypto::PublicKey;
use motet_wire::RequestId;

use super::Engine;
use super::ctx::Ctx;
use super::input::Reply;
use super::session::Session;
use crate::error::CommandError;

/// The reason that others are told.
const REASON: &str = "this signer is not served here any more";

impl Engine {
    /// True if this node serves a signer: one that has left it does not.
    pub fn serves(&self, signer: &PublicKey) -> bool {
        self.identities.serves(signer)
    }

    /// Serves a signer no more.
    pub(super) fn remove_signer(&mut self, signer: &PublicKey, ctx: &mut Ctx<'_>) -> Result<Reply, CommandError> {
        if !self.serves(signer) {
            return Err(CommandError::UnknownSigner(*signer));
        }
        if self.announcements.is_advertised(signer) {
            self.withdraw(signer, REASON.to_owned(), ctx)?;
        }
        for minting in self.announcements.take_minting_of(signer) {
            if let Some(command) = minting.command() {
                ctx.reply(command, Err(CommandError::UnknownSigner(*signer)));
            }
        }
        self.resources.forget_own_of(signer);
        let is_open = |session: &&Session| {
            session.active().is_some() && session.locals.values().any(|local| local.signer == *signer)
        };
        let open: Vec<RequestId> = self.sessions.values().filter(is_open).map(|session| session.id).collect();
        for id in open {
            self.lend(&id, ctx, |session, lent| session.leave(signer, REASON, lent));
        }
        self.identities.leave(signer, ctx);
        self.subscribe(ctx);
        self.drop_leavers();
        Ok(Reply::Done)
    }

    /// Forgets the signers that have left and that no session needs.
    pub(super) fn drop_leavers(&mut self) {
        let sessions = &self.sessions;
        let is_needed = |signer: &PublicKey| {
            let takes_part = |session: &Session| session.locals.values().any(|local| local.signer == *signer);
            sessions.values().any(|session| session.listens() && takes_part(session))
        };
        if self.identities.drop_leavers(is_needed) {
            self.announcements.retain(|signer| self.identities.contains_key(signer));
        }
    }
}
