//! The gossip topics of this node: those of the offers that its user looks for, and those of the requests to its signers (ADR 0021).

use std::collections::BTreeSet;

use motet_core_crypto::PublicKey;
use motet_wire::Topic;

use super::ctx::Ctx;
use super::input::{Effect, Interest};
use crate::limits;

/// The offers that a node looks for, and its subscriptions.
#[derive(Debug, Default)]
pub(super) struct Interests {
    interest: Interest,
    subscribed: BTreeSet<Topic>,
}

impl Interests {
    pub(super) fn set(&mut self, interest: Interest) {
        self.interest = interest;
    }

    /// True if the node looks for offers.
    pub(super) const fn looks(&self) -> bool {
        !matches!(self.interest, Interest::Nothing)
    }

    /// Subscribes to what is wanted now, for these signers.
    pub(super) fn subscribe(&mut self, signers: impl Iterator<Item = PublicKey>, ctx: &mut Ctx<'_>) {
        let mut topics: BTreeSet<Topic> = signers.map(|signer| Topic::of_requests_to(&signer)).collect();
        match &self.interest {
            Interest::Nothing => {}
            Interest::Types(types) => {
                topics.insert(Topic::OpenOffers);
                topics.extend(types.iter().take(limits::TYPES).cloned().map(Topic::Offers));
            }
            Interest::Anything => {
                topics.insert(Topic::AllOffers);
            }
        }
        if topics != self.subscribed {
            self.subscribed.clone_from(&topics);
            ctx.effect(Effect::Subscribe(topics));
        }
    }
}
