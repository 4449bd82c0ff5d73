//! Phases 0 to 2 from the side of whoever speaks: advertisements, withdrawals, requests (`docs/protocol.md` §6).

use core::time::Duration;
use std::sync::Arc;

use motet_core_crypto::PublicKey;
use motet_wire::{
    Address, AdvertisementId, Criteria, DhtKey, Index, MonotonicMs, ResourceAnnouncement, SignerAdvertisement,
    SignerMetadata, SignerUnavailable, SigningRequest, Topic, Validated, Work, work,
};

use super::Engine;
use super::input::{Action, Announcement, CommandId, Reply};
use super::session::signing_items;
use super::step::Step;
use crate::error::CommandError;
use crate::event::{Discovery, Event, Withdrawal};
use crate::job::{Job, JobId};
use crate::limits;
use crate::policy::ProposalDigest;
use crate::signer::SigningItem;
use crate::store::Record;

/// How a signer of this node is advertised, to be repeated before it lapses.
#[derive(Debug, Clone)]
pub(super) struct Advertised {
    offer: Offer,
    id: Option<AdvertisementId>,
    pub(super) renew_at: MonotonicMs,
}

/// What an advertisement says.
#[derive(Debug, Clone)]
pub(super) struct Offer {
    pub(super) criteria: Criteria,
    pub(super) metadata: SignerMetadata,
    pub(super) addresses: Vec<Address>,
    pub(super) lifetime: Duration,
}

/// What waits for its proof of work.
#[derive(Debug)]
pub(super) enum Minting {
    Advertisement { command: Option<CommandId>, advertisement: Box<SignerAdvertisement>, offer: Offer },
    Request { command: CommandId, request: Box<SigningRequest>, items: Arc<[SigningItem]> },
    Resource { command: Option<CommandId>, resource: Box<ResourceAnnouncement>, lifetime: Duration },
}

impl Minting {
    /// Who waits for it: nobody, if it is a renewal.
    const fn command(&self) -> Option<CommandId> {
        match self {
            Self::Advertisement { command, .. } | Self::Resource { command, .. } => *command,
            Self::Request { command, .. } => Some(*command),
        }
    }
}

impl Engine {
    pub(super) fn advertise(
        &mut self,
        command: Option<CommandId>,
        signer: PublicKey,
        offer: Offer,
        step: &mut Step<'_>,
    ) {
        let result = self.delegation(&signer).map(|delegation| SignerAdvertisement {
            delegation,
            addresses: offer.addresses.clone(),
            criteria: offer.criteria.clone(),
            metadata: offer.metadata.clone(),
            created: step.now.wall,
            expires: step.now.wall.saturating_add(offer.lifetime),
            work: Work::default(),
        });
        let claim = result.and_then(|advertisement| {
            let claim = work::claim_of_advertisement(&self.network, &advertisement);
            let claim = claim.map_err(|error| CommandError::Seal(error.into()))?;
            Ok((advertisement, claim))
        });
        match claim {
            Ok((advertisement, claim)) => {
                let minting = Minting::Advertisement { command, advertisement: Box::new(advertisement), offer };
                self.mint(minting, claim, step);
            }
            Err(error) => {
                if let Some(command) = command {
                    step.reply(command, Err(error));
                }
            }
        }
    }

    pub(super) fn announce(&mut self, command: CommandId, announcement: Announcement, step: &mut Step<'_>) {
        let request = self.build_request(announcement, step);
        let claim = request.and_then(|(request, items)| {
            let claim = work::claim_of_request(&self.network, &request);
            Ok((claim.map_err(|error| CommandError::Seal(error.into()))?, request, items))
        });
        match claim {
            Ok((claim, request, items)) => {
                self.mint(Minting::Request { command, request: Box::new(request), items }, claim, step);
            }
            Err(error) => step.reply(command, Err(error)),
        }
    }

    fn build_request(
        &self,
        announcement: Announcement,
        step: &mut Step<'_>,
    ) -> Result<(SigningRequest, Arc<[SigningItem]>), CommandError> {
        let Announcement { creator, keys, items, options, metadata, lifetime } = announcement;
        let creator_key = creator;
        let creator = self.delegation(&creator_key)?;
        if !keys.contains(&creator_key) {
            return Err(CommandError::CreatorNotListed);
        }
        if keys.len() > self.config.signers {
            return Err(CommandError::TooManyParticipants { count: keys.len(), limit: self.config.signers });
        }
        if self.active_sessions() >= self.config.sessions {
            return Err(CommandError::TooManySessions { limit: self.config.sessions });
        }
        let signing = signing_items(&keys, &items)?;
        let mut salt = [0; 16];
        step.rng.try_fill_bytes(&mut salt)?;
        let created = step.now.wall;
        let expires = created.saturating_add(lifetime);
        let request = SigningRequest { creator, keys, items, options, metadata, created, expires, salt, work: None };
        Ok((request, signing))
    }

    pub(super) fn mint(&mut self, minting: Minting, claim: motet_wire::WorkClaim, step: &mut Step<'_>) {
        if self.minting.len() >= limits::PENDING_COMMANDS {
            if let Some(command) = minting.command() {
                step.reply(command, Err(CommandError::Busy));
            }
            return;
        }
        let id = self.next_job();
        self.minting.insert(id, minting);
        step.compute(Job::Mint { id, claim: Box::new(claim), difficulty: self.config.difficulty });
    }

    pub(super) fn on_minted(&mut self, id: JobId, work: Option<Work>, step: &mut Step<'_>) {
        match self.minting.remove(&id) {
            None => {}
            Some(Minting::Advertisement { command, advertisement, offer }) => {
                let result = work.ok_or(CommandError::Work).and_then(|work| {
                    self.publish_advertisement(SignerAdvertisement { work, ..*advertisement }, offer, step)
                });
                if let Some(command) = command {
                    step.reply(command, result.map(Reply::Advertised));
                }
            }
            Some(Minting::Request { command, request, items }) => {
                let result = work.ok_or(CommandError::Work).and_then(|work| {
                    self.publish_request(SigningRequest { work: Some(work), ..*request }, &items, step)
                });
                step.reply(command, result);
            }
            Some(Minting::Resource { command, resource, lifetime }) => {
                let result = work.ok_or(CommandError::Work).and_then(|work| {
                    self.publish_resource(command, ResourceAnnouncement { work, ..*resource }, lifetime, step)
                });
                if let Some(command) = command {
                    step.reply(command, result);
                }
            }
        }
    }

    fn publish_advertisement(
        &mut self,
        advertisement: SignerAdvertisement,
        offer: Offer,
        step: &mut Step<'_>,
    ) -> Result<AdvertisementId, CommandError> {
        let signer = advertisement.delegation.signer;
        let indexes = core::iter::once(Index::Signers)
            .chain(offer.criteria.transaction_types.iter().cloned().map(Index::SignersOfType))
            .collect();
        let renew_at = step.now.mono.saturating_add(offer.lifetime / 2);
        let sealed = self.seal(&signer, advertisement, step)?;
        let id = AdvertisementId::from(sealed.id);
        if let Some(hosted) = self.hosted.get_mut(&signer) {
            hosted.advertised = Some(Advertised { offer, id: Some(id), renew_at });
        }
        step.broadcast(Topic::Signers, &sealed.frame);
        let key = DhtKey::signer(&self.network, &signer);
        step.act(Action::Publish { key, indexes, signer, frame: sealed.frame });
        Ok(id)
    }

    fn publish_request(
        &mut self,
        request: SigningRequest,
        items: &[SigningItem],
        step: &mut Step<'_>,
    ) -> Result<Reply, CommandError> {
        let creator = request.creator.signer;
        let id = request.id(&self.network).map_err(|error| CommandError::Seal(error.into()))?;
        let others: Vec<PublicKey> = request.keys.iter().filter(|key| **key != creator).copied().collect();
        let sealed = self.seal(&creator, request, step)?;
        let keys: Vec<_> = items.iter().map(|item| item.context.aggregate_key()).collect();
        // Whoever asks approves. Stored before anybody hears of it: a restart goes on with what was announced.
        let digest = ProposalDigest::new(&id, &creator, &keys);
        step.persist(Record::Approved { request: id, signer: creator, digest, frame: Arc::clone(&sealed.frame) });
        self.own.insert(id);
        step.broadcast(Topic::Requests, &sealed.frame);
        for key in &others {
            self.send_to_signer(key, &sealed.frame, step);
        }
        let indexes = others.iter().copied().map(Index::RequestsFor).collect();
        let key = DhtKey::request(&self.network, &id);
        // Who is there joins sooner than the DHT has stored anything; it is for those who are not.
        self.unpublished.insert(id, Action::Publish { key, indexes, signer: creator, frame: sealed.frame });
        Ok(Reply::Announced { request: id, keys })
    }

    /// Sends a frame to the peer that advertises a signer, if it is known.
    pub(super) fn send_to_signer(&self, signer: &PublicKey, frame: &Arc<[u8]>, step: &mut Step<'_>) {
        if let Some(known) = self.directory.of_signer(signer) {
            let advertisement = &known.advertisement;
            step.send(advertisement.delegation.peer, advertisement.addresses.clone(), frame);
        }
    }

    pub(super) fn withdraw(
        &mut self,
        signer: &PublicKey,
        reason: String,
        step: &mut Step<'_>,
    ) -> Result<Reply, CommandError> {
        let delegation = self.delegation(signer)?;
        let advertised = self.hosted.get_mut(signer).and_then(|hosted| hosted.advertised.take());
        let id = advertised.and_then(|advertised| advertised.id).ok_or(CommandError::NotAdvertised)?;
        let sealed = self.seal(signer, SignerUnavailable { delegation, advertisement: id, reason }, step)?;
        step.broadcast(Topic::Signers, &sealed.frame);
        let key = DhtKey::signer(&self.network, signer);
        step.act(Action::Publish { key, indexes: vec![Index::Signers], signer: *signer, frame: sealed.frame });
        Ok(Reply::Done)
    }

    /// Repeats what is about to lapse.
    pub(super) fn renew(&mut self, step: &mut Step<'_>) {
        let now = step.now.mono;
        let due = |at: Option<MonotonicMs>| at.is_some_and(|at| at <= now);
        let delegations: Vec<PublicKey> =
            self.hosted.iter().filter(|(_, hosted)| due(hosted.renew_at)).map(|(signer, _)| *signer).collect();
        for signer in delegations {
            self.ask_for_delegation(&signer, step);
        }
        let offers: Vec<(PublicKey, Offer)> = self
            .hosted
            .iter_mut()
            .filter_map(|(signer, hosted)| {
                let advertised = hosted.advertised.as_mut().filter(|advertised| advertised.renew_at <= now)?;
                advertised.renew_at = now.saturating_add(advertised.offer.lifetime / 2);
                Some((*signer, advertised.offer.clone()))
            })
            .collect();
        for (signer, offer) in offers {
            self.advertise(None, signer, offer, step);
        }
    }

    pub(super) fn on_advertisement(&mut self, message: Validated<SignerAdvertisement>, step: &mut Step<'_>) {
        if message.is_expired(step.now) || !self.directory.insert(&message) {
            return;
        }
        let own = self.is_own(message.sender());
        let (id, channel) = (message.advertisement_id(), message.channel());
        let discovery = Discovery { id, advertisement: Box::new(message.into_message()), channel };
        step.emit(if own { Event::SignerAdvertised(discovery) } else { Event::SignerDiscovered(discovery) });
    }

    pub(super) fn on_unavailable(&mut self, message: Validated<SignerUnavailable>, step: &mut Step<'_>) {
        let own = self.is_own(message.sender());
        let SignerUnavailable { delegation, advertisement, reason } = message.into_message();
        if self.directory.remove(&delegation.signer, &advertisement) {
            let withdrawal = Withdrawal { signer: delegation.signer, advertisement, reason };
            step.emit(if own { Event::SignerWithdrawn(withdrawal) } else { Event::SignerUnavailable(withdrawal) });
        }
    }
}
