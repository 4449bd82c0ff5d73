//! Messages of this node's applications to those of other nodes (`docs/protocol.md` §9). The engine signs them, and keeps nothing of them.

use std::collections::BTreeMap;

use motet_wire::{ApplicationMessage, MessageId, MonotonicMs, PeerId, limits as wire};

use super::ctx::Ctx;
use super::directory::Directory;
use super::identities::Identities;
use super::input::{ApplicationMessageSpec, Recipient, Route};
use super::own_rate::OwnRate;
use crate::error::CommandError;
use crate::limits;

/// Rates at which this node speaks to the applications of others.
#[derive(Debug, Default)]
pub(super) struct Applications {
    said: BTreeMap<PeerId, OwnRate>,
}

impl Applications {
    /// Signs a message and sends it. Returns its id.
    pub(super) fn send(
        &mut self,
        wanted: ApplicationMessageSpec,
        directory: &Directory,
        identities: &mut Identities,
        ctx: &mut Ctx<'_>,
    ) -> Result<MessageId, CommandError> {
        let ApplicationMessageSpec { signer: author, to, application, data } = wanted;
        if !ApplicationMessage::is_name(&application) {
            return Err(CommandError::ApplicationName);
        }
        if data.len() > wire::APPLICATION_DATA {
            return Err(CommandError::ApplicationData { length: data.len(), limit: wire::APPLICATION_DATA });
        }
        let (signer, Route { peer, addresses }) = match to {
            Recipient::Node(route) => (None, route),
            Recipient::Signer(signer) => {
                let route = directory.route_of(&signer).map(|(peer, addresses)| Route { peer, addresses });
                (Some(signer), route.ok_or(CommandError::UnknownRecipient(signer))?)
            }
        };
        if peer == ctx.here {
            return Err(CommandError::OwnNode);
        }
        let delegation = identities.delegation(&author)?;
        let said = self.may_say(&peer, ctx.now.mono)?;
        let message = ApplicationMessage { delegation, peer, signer, application, data };
        let own = identities.seal_own(&author, message, ctx)?;
        self.said.insert(peer, said);
        ctx.send(peer, addresses, own.frame());
        Ok(own.id())
    }

    /// The rate to one peer, with one more message.
    fn may_say(&mut self, peer: &PeerId, now: MonotonicMs) -> Result<OwnRate, CommandError> {
        let rate = ApplicationMessage::RATE;
        if self.said.len() >= limits::APPLICATION_PEERS && !self.said.contains_key(peer) {
            self.said.retain(|_, said| !said.is_forgotten(now));
            if self.said.len() >= limits::APPLICATION_PEERS {
                return Err(CommandError::Busy);
            }
        }
        let mut said = self.said.get(peer).copied().unwrap_or_default();
        if let Some(next) = said.wait(rate, 0, now) {
            return Err(CommandError::TooOften { what: "messages of applications", per_minute: rate.per_minute, next });
        }
        said.said(rate, now);
        Ok(said)
    }
}
