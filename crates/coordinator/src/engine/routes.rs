//! The ways to this node and to others: the addresses at which it can be reached, and the signers that it does not reach.

use std::collections::BTreeMap;

use motet_core_crypto::PublicKey;
use motet_wire::{Address, MonotonicMs};

use super::ctx::Ctx;
use crate::event::Event;
use crate::limits;

/// Addresses of this node, and signers that it does not reach.
#[derive(Debug, Default)]
pub(super) struct Routes {
    /// Addresses of this node, as others are told.
    own: Vec<Address>,
    /// Signers that were not reached, and when the user was told.
    unreachable: BTreeMap<PublicKey, MonotonicMs>,
}

impl Routes {
    /// The addresses of this node.
    pub(super) fn own(&self) -> &[Address] {
        &self.own
    }

    /// Others are to be told these addresses from now on. False if they have been before.
    pub(super) fn set_own(&mut self, addresses: Vec<Address>) -> bool {
        let differ = self.own != addresses;
        self.own = addresses;
        differ
    }

    pub(super) fn is_unreachable(&self, signer: &PublicKey) -> bool {
        self.unreachable.contains_key(signer)
    }

    /// These signers were not reached: the user is told, unless that was not long ago.
    pub(super) fn note_unreachable(
        &mut self,
        signers: impl Iterator<Item = PublicKey>,
        reason: &str,
        ctx: &mut Ctx<'_>,
    ) {
        let now = ctx.now.mono;
        self.unreachable.retain(|_, told| now.since(*told) < limits::TOLD_AGAIN);
        for signer in signers {
            if self.unreachable.contains_key(&signer) || self.unreachable.len() >= limits::ADVERTISEMENTS {
                continue;
            }
            self.unreachable.insert(signer, now);
            ctx.emit(Event::SignerUnreachable { signer, reason: reason.to_owned() });
        }
    }
}
