//! Resources, which applications announce under a name and find again (`docs/protocol.md` §9, §12).
//!
//! A resource lies in the DHT alone: no gossip hands it on, and nobody hears of it who does not ask.
//! A resource of this node is known here, and its user told of it, when it goes out.

use core::time::Duration;
use std::collections::BTreeMap;

use motet_core_crypto::PublicKey;
use motet_wire::limits as wire;
use motet_wire::{DhtKey, MessageId, MonotonicMs, ResourceAnnouncement, TimestampMs, Validated, Work, WorkClaim, work};

use super::ctx::Ctx;
use super::identities::Identities;
use super::input::{CommandId, Effect, Reply, ResourceSpec};
use super::timer_table::TimerTable;
use crate::error::CommandError;
use crate::event::{Event, Resource};
use crate::limits;

/// Key of a resource among all others.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    resource_type: String,
    id: String,
    signer: PublicKey,
}

impl Name {
    fn of(resource: &ResourceAnnouncement) -> Self {
        Self {
            resource_type: resource.resource_type.clone(),
            id: resource.id.clone(),
            signer: resource.delegation.signer,
        }
    }
}

/// A resource that is known here.
#[derive(Debug)]
struct Known {
    version: u64,
    resource: Resource,
    until: MonotonicMs,
}

/// A resource that this node announces, to be repeated before it lapses.
#[derive(Debug)]
struct Own {
    data: Vec<u8>,
    lifetime: Duration,
    /// Time and id of the newest announcement.
    created: TimestampMs,
    message: MessageId,
    renew_at: MonotonicMs,
}

/// The newest announcement of each resource, as far as it is known here; and which of them are this node's.
#[derive(Debug, Default)]
pub(super) struct Resources {
    known: BTreeMap<Name, Known>,
    expiry: TimerTable<Name>,
    own: BTreeMap<Name, Own>,
}

impl Resources {
    /// Takes a resource in, unless something newer is known.
    fn insert(&mut self, version: u64, resource: Resource, until: MonotonicMs) {
        let name = Name::of(&resource.announcement);
        if self.known.get(&name).is_some_and(|known| known.version >= version) {
            return;
        }
        if self.known.len() >= limits::RESOURCES && !self.known.contains_key(&name) {
            let others = self.known.iter().filter(|(name, _)| !self.own.contains_key(name));
            let soonest = others.min_by_key(|(_, known)| known.until).map(|(name, _)| name.clone());
            soonest.and_then(|soonest| self.take_out(&soonest));
        }
        self.take_out(&name);
        self.expiry.insert(until, name.clone());
        self.known.insert(name, Known { version, resource, until });
    }

    fn take_out(&mut self, name: &Name) -> Option<Known> {
        let known = self.known.remove(name)?;
        self.expiry.remove(known.until, name.clone());
        Some(known)
    }

    /// An error if this node may not announce under this name, too.
    fn check_room(&self, name: &Name) -> Result<(), CommandError> {
        let limit = limits::OWN_RESOURCES;
        let room = self.own.len() < limit || self.own.contains_key(name);
        if room { Ok(()) } else { Err(CommandError::TooManyResources { limit }) }
    }

    /// Announces nothing of a signer any more: what is out lapses.
    pub(super) fn forget_own_of(&mut self, signer: &PublicKey) {
        self.own.retain(|name, _| name.signer != *signer);
    }

    /// Resources that are known of this type and id, or all that are known.
    pub(super) fn find(&self, wanted: Option<(&str, &str)>) -> Vec<Resource> {
        let is_wanted = |name: &Name| wanted.is_none_or(|(kind, id)| name.resource_type == kind && name.id == id);
        let found = self.known.iter().filter(|(name, _)| is_wanted(name));
        found.map(|(_, known)| known.resource.clone()).collect()
    }

    pub(super) fn expire(&mut self, now: MonotonicMs) {
        while let Some(name) = self.expiry.pop_due(now) {
            self.known.remove(&name);
        }
    }

    pub(super) fn next_deadline(&self) -> Option<MonotonicMs> {
        self.expiry.next().into_iter().chain(self.own.values().map(|own| own.renew_at)).min()
    }

    /// The resource that is announced under a name, and the claim that its proof of work is to be found for.
    pub(super) fn prepare(
        &self,
        offered: ResourceSpec,
        identities: &Identities,
        ctx: &Ctx<'_>,
    ) -> Result<(ResourceAnnouncement, WorkClaim), CommandError> {
        let ResourceSpec { signer, resource_type, id, data, lifetime } = offered;
        let delegation = identities.delegation(&signer)?;
        check(&resource_type, &id, &data, lifetime)?;
        let created = ctx.now.wall;
        let expires = created.saturating_add(lifetime);
        let work = Work::default();
        let resource = ResourceAnnouncement { delegation, resource_type, id, data, created, expires, work };
        self.check_room(&Name::of(&resource))?;
        let claim = work::claim_of_resource(ctx.network, &resource);
        Ok((resource, claim.map_err(|error| CommandError::Seal(error.into()))?))
    }

    /// Hands out a resource that has been paid for. Only what was asked for is told; a renewal says nothing new.
    pub(super) fn publish(
        &mut self,
        command: Option<CommandId>,
        resource: ResourceAnnouncement,
        lifetime: Duration,
        identities: &mut Identities,
        ctx: &mut Ctx<'_>,
    ) -> Result<Reply, CommandError> {
        let name = Name::of(&resource);
        self.check_room(&name)?;
        // Stamps are not found in the order in which they are looked for.
        let newer = self.own.get(&name).filter(|own| own.created > resource.created);
        if let Some(newer) = newer {
            return Ok(Reply::ResourceAnnounced(newer.message));
        }
        let sealed = identities.seal(&name.signer, resource.clone(), ctx)?;
        let now = ctx.now.mono;
        let own = Own {
            data: resource.data.clone(),
            lifetime,
            created: resource.created,
            message: sealed.id,
            renew_at: now.saturating_add(renewal(lifetime)),
        };
        let key = DhtKey::resource(ctx.network, &name.resource_type, &name.id);
        let signer = name.signer;
        self.own.insert(name, own);
        let resource = Resource { message: sealed.id, announcement: Box::new(resource) };
        // What was sealed last has the newest number.
        self.insert(identities.newest(), resource.clone(), now.saturating_add(lifetime));
        ctx.effect(Effect::Publish { key, indexes: Vec::new(), signer, frame: sealed.frame });
        if command.is_some() {
            ctx.emit(Event::ResourceAnnounced(resource));
        }
        Ok(Reply::ResourceAnnounced(sealed.id))
    }

    /// Resources of this node that are about to lapse, to be announced again.
    pub(super) fn take_due(&mut self, now: MonotonicMs) -> Vec<ResourceSpec> {
        let mut due = Vec::new();
        for (name, own) in self.own.iter_mut().filter(|(_, own)| own.renew_at <= now) {
            own.renew_at = now.saturating_add(renewal(own.lifetime));
            due.push(ResourceSpec {
                signer: name.signer,
                resource_type: name.resource_type.clone(),
                id: name.id.clone(),
                data: own.data.clone(),
                lifetime: own.lifetime,
            });
        }
        due
    }

    /// A resource has been found.
    pub(super) fn on_resource(&mut self, message: Validated<ResourceAnnouncement>, ctx: &Ctx<'_>) {
        if message.is_expired(ctx.now) {
            return;
        }
        let (version, until, id) = (message.sequence(), message.deadline().unwrap_or_default(), message.id());
        let resource = Resource { message: id, announcement: Box::new(message.into_message()) };
        self.insert(version, resource, until);
    }
}

/// Time after which a record that lives so long is put into the DHT again.
fn renewal(lifetime: Duration) -> Duration {
    (lifetime / 2).min(limits::RESOURCE_REFRESH)
}

/// Refuses what every receiver would, in words for whoever asked for it.
fn check(resource_type: &str, id: &str, data: &[u8], lifetime: Duration) -> Result<(), CommandError> {
    let (least, most) = (limits::RESOURCE_LIFETIME, wire::RESOURCE_LIFETIME);
    if !ResourceAnnouncement::is_name(resource_type, id) {
        return Err(CommandError::ResourceName);
    }
    if data.len() > wire::RESOURCE_DATA {
        return Err(CommandError::ResourceData { length: data.len(), limit: wire::RESOURCE_DATA });
    }
    if !(least..=most).contains(&lifetime) {
        return Err(CommandError::ResourceLifetime { least, most });
    }
    Ok(())
}
