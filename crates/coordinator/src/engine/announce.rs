//! Phases 0 to 2 from the side of whoever speaks: advertisements, withdrawals, requests (`docs/protocol.md` §6).

use std::collections::BTreeMap;
use std::sync::Arc;

use motet_core_crypto::PublicKey;
use motet_wire::{
    AdvertisementId, DhtKey, Index, Kind, MonotonicMs, Rate, RequestId, ResourceAnnouncement, SignerAdvertisement,
    SignerUnavailable, SigningRequest, TimestampMs, Topic, Topology, Validated, ValidatorLimits, Work, work,
};

use super::Engine;
use super::announcements::{Asked, Minting, Offer};
use super::ctx::Ctx;
use super::input::{Audience, CommandId, Effect, Reply, ResourceSpec, SigningRequestSpec};
use super::session::{Active, Origin, State, signing_items};
use crate::error::CommandError;
use crate::event::{Discovery, Event, Withdrawal};
use crate::job::JobId;
use crate::limits;
use crate::signer::SigningItem;

/// End of a request for the others: after the work on it and the time that they are to have, if the format allows that.
fn expiry(created: TimestampMs, asked: Asked) -> TimestampMs {
    let life =
        asked.lifetime.saturating_add(asked.allowance).min(motet_wire::limits::REQUEST_LIFETIME.max(asked.lifetime));
    created.saturating_add(life)
}

impl Engine {
    pub(super) fn advertise(&mut self, command: Option<CommandId>, signer: PublicKey, offer: Offer, ctx: &mut Ctx<'_>) {
        let addresses = if offer.addresses.is_empty() { self.routes.own() } else { &offer.addresses };
        // What this node renews by itself, it does in time.
        let listed = self.check_listed(&signer);
        let in_time = || command.map_or(Ok(()), |_| self.announcements.check_advertisement(&signer, ctx.now.mono));
        let result =
            listed.and_then(|()| in_time()).and_then(|()| self.identities.delegation(&signer)).map(|delegation| {
                SignerAdvertisement {
                    delegation,
                    addresses: addresses.to_vec(),
                    criteria: offer.criteria.clone(),
                    metadata: offer.metadata.clone(),
                    created: ctx.now.wall,
                    expires: ctx.now.wall.saturating_add(offer.lifetime),
                    work: Work::default(),
                }
            });
        let claim = result.and_then(|advertisement| {
            let claim = work::claim_of_advertisement(&self.network, &advertisement);
            let claim = claim.map_err(|error| CommandError::Seal(error.into()))?;
            Ok((advertisement, claim))
        });
        match claim {
            Ok((advertisement, claim)) => {
                let minting = Minting::Advertisement { command, advertisement: Box::new(advertisement), offer };
                self.announcements.mint(minting, claim, ctx);
            }
            Err(error) => {
                if let Some(command) = command {
                    ctx.reply(command, Err(error));
                }
            }
        }
    }

    /// Refuses to speak in public for a signer that is not to be known.
    fn check_listed(&self, signer: &PublicKey) -> Result<(), CommandError> {
        if self.config.unlisted.contains(signer) { Err(CommandError::Unlisted(*signer)) } else { Ok(()) }
    }

    pub(super) fn announce_resource(&mut self, command: Option<CommandId>, offered: ResourceSpec, ctx: &mut Ctx<'_>) {
        let lifetime = offered.lifetime;
        let listed = self.check_listed(&offered.signer);
        match listed.and_then(|()| self.resources.prepare(offered, &self.identities, ctx)) {
            Ok((resource, claim)) => {
                self.announcements.mint(
                    Minting::Resource { command, resource: Box::new(resource), lifetime },
                    claim,
                    ctx,
                );
            }
            Err(error) => {
                if let Some(command) = command {
                    ctx.reply(command, Err(error));
                }
            }
        }
    }

    /// Asks for signatures, perhaps in the place of an earlier request.
    pub(super) fn announce(
        &mut self,
        command: CommandId,
        announcement: SigningRequestSpec,
        audience: Audience,
        retry_of: Option<RequestId>,
        ctx: &mut Ctx<'_>,
    ) {
        let (since, lifetime) = (ctx.now.mono, announcement.lifetime);
        let is_private = matches!(audience, Audience::Members(_));
        let asked = Asked { lifetime, allowance: limits::WORK_ALLOWANCE, since, is_private, retry_of };
        let allowed = self.check_audience(&announcement, audience);
        match allowed.and_then(|()| self.build_request(announcement, asked, ctx)) {
            Ok((request, items)) => self.mint_request(command, request, items, asked, ctx),
            Err(error) => ctx.reply(command, Err(error)),
        }
    }

    fn mint_request(
        &mut self,
        command: CommandId,
        request: SigningRequest,
        items: Arc<[SigningItem]>,
        asked: Asked,
        ctx: &mut Ctx<'_>,
    ) {
        match work::claim_of_request(&self.network, &request) {
            Ok(_) if asked.is_private || self.goes_to_contacts(&request) => {
                self.on_request_minted(command, request, items, asked, ctx)
            }
            Ok(claim) => {
                self.announcements.mint(
                    Minting::Request { command, request: Box::new(request), items, asked },
                    claim,
                    ctx,
                );
            }
            Err(error) => ctx.reply(command, Err(CommandError::Seal(error.into()))),
        }
    }

    /// True if a request needs no proof of work: each other signer is a contact, and its peer is known. Nobody else hands such a
    /// request on or stores it, so that one to a contact whose peer is not known would not arrive.
    fn goes_to_contacts(&self, request: &SigningRequest) -> bool {
        let mut others = request.keys.iter().filter(|key| !self.identities.contains_key(key));
        let reached = |key| self.config.has_contact(key) && self.directory.route_of(key).is_some();
        others.clone().next().is_some() && others.all(reached)
    }

    /// Notes the routes to the members of a private request, of whom each has to be reached by one; sees that a public one names no
    /// signer of this node that is not to be known, and reveals no chain codes.
    fn check_audience(&mut self, request: &SigningRequestSpec, audience: Audience) -> Result<(), CommandError> {
        let keys = &request.keys;
        match audience {
            Audience::Public if request.items.iter().any(|item| item.derivation.members().is_some()) => {
                Err(CommandError::NotPrivate)
            }
            Audience::Public => match keys.iter().find(|key| self.config.unlisted.contains(key)) {
                Some(unlisted) => Err(CommandError::Unlisted(*unlisted)),
                None => Ok(()),
            },
            Audience::Members(routes) => {
                for (signer, route) in routes {
                    if !self.directory.note_route(signer, route) {
                        return Err(CommandError::Busy);
                    }
                }
                let mut others = keys.iter().filter(|key| !self.identities.contains_key(key));
                match others.find(|key| self.directory.route_of(key).is_none()) {
                    Some(lost) => Err(CommandError::NoRoute(*lost)),
                    None => Ok(()),
                }
            }
        }
    }

    /// Publishes a request that needs no proof of work, or whose proof has been found. Where that took longer than was allowed for, the others would
    /// have less time than they are to have, perhaps none: the request is dated anew and worked on again.
    fn on_request_minted(
        &mut self,
        command: CommandId,
        request: SigningRequest,
        items: Arc<[SigningItem]>,
        asked: Asked,
        ctx: &mut Ctx<'_>,
    ) {
        let took = ctx.now.mono.since(asked.since);
        let left = request.expires.since(ctx.now.wall);
        let lasts = !left.is_zero() && left >= asked.lifetime.saturating_sub(limits::WORK_ALLOWANCE);
        if took <= asked.allowance && lasts {
            return self.publish_request(command, request, items, asked, ctx);
        }
        let allowance = asked.allowance.saturating_mul(2).max(took.saturating_mul(2));
        if allowance > limits::WORK_PATIENCE {
            return ctx.reply(command, Err(CommandError::SlowWork { took }));
        }
        let asked = Asked { allowance, since: ctx.now.mono, ..asked };
        let created = ctx.now.wall;
        let request = SigningRequest { created, expires: expiry(created, asked), work: None, ..request };
        self.mint_request(command, request, items, asked, ctx);
    }

    /// The rate at which this node may ask these signers: those that it shares live sessions with take more.
    fn asking_rate(&self, keys: &[PublicKey]) -> Rate {
        let others = keys.iter().filter(|key| !self.identities.contains_key(key));
        let shared = others.map(|key| {
            let peer = self.directory.of_signer(key).map(|known| known.advertisement.delegation.peer);
            peer.map_or(0, |peer| self.sessions_with(&peer))
        });
        let limits = ValidatorLimits::default();
        let factor = match shared.min().unwrap_or_default() {
            0 => 1,
            sessions => {
                let sessions = u64::try_from(sessions).unwrap_or(u64::MAX);
                limits.member_factor.saturating_add(limits.session_factor.saturating_mul(sessions))
            }
        };
        ValidatorLimits::author(Kind::SigningRequest).times(factor)
    }

    fn build_request(
        &mut self,
        announcement: SigningRequestSpec,
        asked: Asked,
        ctx: &mut Ctx<'_>,
    ) -> Result<(SigningRequest, Arc<[SigningItem]>), CommandError> {
        let SigningRequestSpec { creator, keys, items, options, metadata, lifetime: _ } = announcement;
        let creator_key = creator;
        let creator = self.identities.delegation(&creator_key)?;
        if !keys.contains(&creator_key) {
            return Err(CommandError::CreatorNotListed);
        }
        if keys.len() > self.config.max_signers {
            return Err(CommandError::TooManyParticipants { count: keys.len(), limit: self.config.max_signers });
        }
        if options.topology != Topology::Mesh {
            return Err(CommandError::UnsupportedTopology { topology: options.topology });
        }
        self.check_room_for_own(&keys, ctx.now.mono)?;
        let signing = signing_items(&keys, &items)?;
        let mut salt = [0; 16];
        ctx.rng.try_fill_bytes(&mut salt)?;
        let created = ctx.now.wall;
        let expires = expiry(created, asked);
        let request = SigningRequest { creator, keys, items, options, metadata, created, expires, salt, work: None };
        Ok((request, signing))
    }

    pub(super) fn on_minted(&mut self, id: JobId, work: Option<Work>, ctx: &mut Ctx<'_>) {
        match self.announcements.take_minting(id) {
            None => {}
            // The node has come to know where it is meanwhile. A stamp is for what it was made for.
            Some(Minting::Advertisement { command, advertisement, offer })
                if advertisement.addresses.is_empty() && !self.routes.own().is_empty() && work.is_some() =>
            {
                self.advertise(command, advertisement.delegation.signer, offer, ctx);
            }
            Some(Minting::Advertisement { command, advertisement, offer }) => {
                let result = work.ok_or(CommandError::Work).and_then(|work| {
                    self.publish_advertisement(SignerAdvertisement { work, ..*advertisement }, offer, ctx)
                });
                if let Some(command) = command {
                    ctx.reply(command, result.map(Reply::Advertised));
                }
            }
            Some(Minting::Request { command, request, items, asked }) => match work {
                Some(work) => {
                    let request = SigningRequest { work: Some(work), ..*request };
                    self.on_request_minted(command, request, items, asked, ctx);
                }
                None => ctx.reply(command, Err(CommandError::Work)),
            },
            Some(Minting::Resource { command, resource, lifetime }) => {
                let result = work.ok_or(CommandError::Work).and_then(|work| {
                    let resource = ResourceAnnouncement { work, ..*resource };
                    self.resources.publish(command, resource, lifetime, &mut self.identities, ctx)
                });
                if let Some(command) = command {
                    ctx.reply(command, result);
                }
            }
        }
    }

    fn publish_advertisement(
        &mut self,
        advertisement: SignerAdvertisement,
        offer: Offer,
        ctx: &mut Ctx<'_>,
    ) -> Result<AdvertisementId, CommandError> {
        let signer = advertisement.delegation.signer;
        let indexes = core::iter::once(Index::Signers)
            .chain(offer.criteria.transaction_types.iter().cloned().map(Index::SignersOfType))
            .collect();
        let sealed = self.identities.seal(&signer, advertisement, ctx)?;
        let id = AdvertisementId::from(sealed.id);
        ctx.broadcast(Topic::of_offer(&offer.criteria), &sealed.frame);
        self.announcements.note_advertisement(signer, offer, id, ctx.now.mono);
        self.tell_members(&signer, &sealed.frame, ctx);
        let key = DhtKey::signer(&self.network, &signer);
        ctx.effect(Effect::Publish { key, indexes, signer, frame: sealed.frame });
        Ok(id)
    }

    /// An error if no other request of this node may be out, with these signers. Requests of others that nobody here has approved
    /// take no place, so that strangers cannot keep this node from asking.
    fn check_room_for_own(&mut self, keys: &[PublicKey], now: MonotonicMs) -> Result<(), CommandError> {
        if self.sessions.approved() >= self.config.max_sessions {
            return Err(CommandError::TooManySessions { limit: self.config.max_sessions });
        }
        // Nothing could be said for it in the session.
        if let Some(mute) = self.identities.mute(keys) {
            return Err(CommandError::UnknownSigner(mute));
        }
        self.announcements.check_request(self.asking_rate(keys), now)
    }

    /// Publishes a request, answers the caller and opens the session, in one step: the id in the answer is known here.
    fn publish_request(
        &mut self,
        command: CommandId,
        request: SigningRequest,
        items: Arc<[SigningItem]>,
        asked: Asked,
        ctx: &mut Ctx<'_>,
    ) {
        let (creator, keys, is_paid) = (request.creator.signer, request.keys.clone(), request.work.is_some());
        // There was room when the request came, and its proof of work has taken its time.
        let own = self.check_room_for_own(&keys, ctx.now.mono).and_then(|()| {
            let id = request.id(&self.network).map_err(|error| CommandError::Seal(error.into()))?;
            Ok((id, self.identities.seal_own(&creator, request, ctx)?))
        });
        let (id, message) = match own {
            Ok(own) => own,
            Err(error) => return ctx.reply(command, Err(error)),
        };
        ctx.sealed(message.clone());
        let frame = Arc::clone(message.frame());
        let others: Vec<PublicKey> = keys.iter().filter(|key| **key != creator).copied().collect();
        self.announcements.note_request(self.asking_rate(&keys), ctx.now.mono);
        let indexes = others.iter().copied().map(Index::RequestsFor).collect();
        let key = DhtKey::request(&self.network, &id);
        let publish = Effect::Publish { key, indexes, signer: creator, frame: Arc::clone(&frame) };
        let publish = is_paid.then_some(publish);
        let elsewhere = others.into_iter().filter(|signer| !self.identities.contains_key(signer)).collect();
        self.asking.ask(id, elsewhere, publish, frame, &self.directory, ctx);
        let keys = items.iter().map(|item| item.context.aggregate_key()).collect();
        ctx.reply(command, Ok(Reply::Announced { request: id, keys }));
        if let Ok(message) = message.narrow() {
            self.open_own(id, &message, items, asked, ctx);
        }
    }

    /// Opens the session of a request that this node asks for. Whoever asks approves.
    fn open_own(
        &mut self,
        id: RequestId,
        message: &Validated<SigningRequest>,
        items: Arc<[SigningItem]>,
        asked: Asked,
        ctx: &mut Ctx<'_>,
    ) {
        let creator = message.message().creator.signer;
        let joins_until = self.joins_until(message, ctx.now.mono).min(ctx.now.mono.saturating_add(asked.lifetime));
        let state = State::Active(Active::joining(&self.config, ctx.now.mono, joins_until));
        let locals = self.locals_of(message.message());
        let mut session = self.open(id, message, items, locals, state);
        session.lifetime = asked.lifetime;
        session.retry_of = asked.retry_of;
        session.origin = Origin::Announced;
        let approvals = BTreeMap::from([(creator, session.proposal(&creator).digest())]);
        self.begin_session(session, message.channel(), &approvals, ctx);
    }

    pub(super) fn withdraw(
        &mut self,
        signer: &PublicKey,
        reason: String,
        ctx: &mut Ctx<'_>,
    ) -> Result<Reply, CommandError> {
        let delegation = self.identities.delegation(signer)?;
        let advertised = self.announcements.take_advertised(signer);
        let (id, criteria) = advertised.ok_or(CommandError::NotAdvertised)?;
        let sealed = self.identities.seal(signer, SignerUnavailable { delegation, advertisement: id, reason }, ctx)?;
        ctx.broadcast(Topic::of_offer(&criteria), &sealed.frame);
        let key = DhtKey::signer(&self.network, signer);
        ctx.effect(Effect::Publish { key, indexes: vec![Index::Signers], signer: *signer, frame: sealed.frame });
        Ok(Reply::Done)
    }

    /// Repeats what is about to lapse.
    pub(super) fn renew(&mut self, ctx: &mut Ctx<'_>) {
        let now = ctx.now.mono;
        self.identities.renew(ctx);
        for (signer, offer) in self.announcements.take_due(now) {
            self.advertise(None, signer, offer, ctx);
        }
        for offered in self.resources.take_due(now) {
            self.announce_resource(None, offered, ctx);
        }
    }

    pub(super) fn on_advertisement(&mut self, message: Validated<SignerAdvertisement>, ctx: &mut Ctx<'_>) {
        if message.is_expired(ctx.now) {
            return;
        }
        self.look_for_rival(&message.message().delegation, Some(message.message().created), ctx);
        let offer = message.message();
        let claim = work::claim_of_advertisement(&self.network, offer).ok();
        let bits = claim.map_or(0, |claim| work::worth(&claim, &offer.work).0);
        let (reputation, identities) = (&self.reputation, &self.identities);
        let is_trusted = |signer: &PublicKey| identities.contains_key(signer) || reputation.is_known(signer, ctx);
        let signer = offer.delegation.signer;
        let before = self.directory.of_signer(&signer).map(|known| known.advertisement.delegation.clone());
        if !self.directory.insert(&message, bits, is_trusted) {
            return;
        }
        self.meet_advertised(&signer, before.as_ref(), ctx);
        let own = self.identities.is_own(message.sender());
        let (id, channel) = (message.advertisement_id(), message.channel());
        let discovery = Discovery { id, advertisement: Box::new(message.into_message()), channel };
        ctx.emit(if own { Event::SignerAdvertised(discovery) } else { Event::SignerDiscovered(discovery) });
    }

    pub(super) fn on_unavailable(&mut self, message: Validated<SignerUnavailable>, ctx: &mut Ctx<'_>) {
        let own = self.identities.is_own(message.sender());
        let SignerUnavailable { delegation, advertisement, reason } = message.into_message();
        self.look_for_rival(&delegation, None, ctx);
        if self.directory.remove(&delegation.signer, &advertisement) {
            let withdrawal = Withdrawal { signer: delegation.signer, advertisement, reason };
            ctx.emit(if own { Event::SignerWithdrawn(withdrawal) } else { Event::SignerUnavailable(withdrawal) });
        }
    }
}
