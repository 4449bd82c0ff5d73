//! A signer of this node can speak: what has waited for it is taken up.

use motet_core_crypto::{PublicKey, Signature};
use motet_wire::TimestampMs;

use super::Engine;
use super::ctx::Ctx;
use crate::signer::SignerError;

impl Engine {
    /// True if a signer is a contact of the user.
    pub fn has_contact(&self, signer: &PublicKey) -> bool {
        self.config.has_contact(signer)
    }

    pub(super) fn on_delegated(
        &mut self,
        signer: PublicKey,
        message_key: PublicKey,
        not_after: TimestampMs,
        result: Result<Signature, SignerError>,
        ctx: &mut Ctx<'_>,
    ) {
        if !self.identities.on_delegated(signer, message_key, not_after, result, ctx) {
            return;
        }
        self.results.tell_restored(ctx);
        self.restored.hand_in(&signer, ctx);
        self.catch_up.ask_whom_we_met(&mut self.identities, ctx);
        for request in self.identities.take_early(&signer) {
            self.on_request(request, ctx);
        }
    }
}
