//! Announcements of this node: those that wait for their proof of work, how often it has spoken to everybody, and the offers that
//! are repeated before they lapse.

use core::time::Duration;
use std::collections::BTreeMap;
use std::sync::Arc;

use motet_core_crypto::PublicKey;
use motet_wire::{
    Address, AdvertisementId, Criteria, MonotonicMs, Rate, RequestId, ResourceAnnouncement, SignerAdvertisement,
    SignerMetadata, SigningRequest, WorkClaim,
};

use super::ctx::Ctx;
use super::input::CommandId;
use super::own_rate::{OwnRate, advertising_rate};
use crate::error::CommandError;
use crate::job::{Job, JobId};
use crate::limits;
use crate::signer::SigningItem;

/// The advertisement of a signer of this node, to be repeated before it lapses.
#[derive(Debug, Clone)]
struct Advertised {
    offer: Offer,
    id: AdvertisementId,
    published: MonotonicMs,
    renew_at: MonotonicMs,
}

impl Advertised {
    /// True if it says the addresses that the node has at the time, and not those that its user has said once.
    fn follows_addresses(&self) -> bool {
        self.offer.addresses.is_empty()
    }

    /// It is not as it should be any more, and is renewed as soon as others take another after the last: what comes sooner, they
    /// drop (rule V-30).
    fn renew_after(&mut self, last: MonotonicMs, now: MonotonicMs) {
        self.renew_at = self.renew_at.min(last.saturating_add(limits::ADVERTISED_AGAIN).max(now));
    }
}

/// Content of an advertisement.
#[derive(Debug, Clone)]
pub(super) struct Offer {
    pub(super) criteria: Criteria,
    pub(super) metadata: SignerMetadata,
    /// None, if it is where the node is at the time.
    pub(super) addresses: Vec<Address>,
    pub(super) lifetime: Duration,
}

/// A message that waits for its proof of work.
#[derive(Debug)]
pub(super) enum Minting {
    Advertisement { command: Option<CommandId>, advertisement: Box<SignerAdvertisement>, offer: Offer },
    Request { command: CommandId, request: Box<SigningRequest>, items: Arc<[SigningItem]>, asked: Asked },
    Resource { command: Option<CommandId>, resource: Box<ResourceAnnouncement>, lifetime: Duration },
}

/// For how long a request of this node is to be joined, whatever its proof of work takes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Asked {
    /// From the moment on at which it leaves.
    pub(super) lifetime: Duration,
    /// Time that the proof of work may take before the request has to be dated anew.
    pub(super) allowance: Duration,
    /// Begin of the work on it.
    pub(super) since: MonotonicMs,
    /// True if only its members may hear of it.
    pub(super) is_private: bool,
    /// The request in whose place it is.
    pub(super) retry_of: Option<RequestId>,
}

impl Minting {
    /// The signer that it is of.
    fn signer(&self) -> &PublicKey {
        match self {
            Self::Advertisement { advertisement, .. } => &advertisement.delegation.signer,
            Self::Request { request, .. } => &request.creator.signer,
            Self::Resource { resource, .. } => &resource.delegation.signer,
        }
    }

    /// The command that waits for it; none, if it is a renewal.
    pub(super) const fn command(&self) -> Option<CommandId> {
        match self {
            Self::Advertisement { command, .. } | Self::Resource { command, .. } => *command,
            Self::Request { command, .. } => Some(*command),
        }
    }
}

/// Messages of this node to everybody about one of its signers.
#[derive(Debug, Default)]
struct OfSigner {
    advertised: Option<Advertised>,
    /// Rate at which it has been advertised.
    offered: OwnRate,
}

/// The announcements of a node.
#[derive(Debug, Default)]
pub(super) struct Announcements {
    minting: BTreeMap<JobId, Minting>,
    next_job: u64,
    /// Rate at which this node has asked.
    asked: OwnRate,
    signers: BTreeMap<PublicKey, OfSigner>,
}

impl Announcements {
    /// Has the proof of work of an announcement looked for.
    pub(super) fn mint(&mut self, minting: Minting, claim: WorkClaim, ctx: &mut Ctx<'_>) {
        if self.minting.len() >= limits::PENDING_COMMANDS {
            if let Some(command) = minting.command() {
                ctx.reply(command, Err(CommandError::Busy));
            }
            return;
        }
        self.next_job = self.next_job.wrapping_add(1);
        let id = JobId(self.next_job);
        self.minting.insert(id, minting);
        ctx.compute(Job::Mint { id, claim: Box::new(claim), difficulty: ctx.config.difficulty });
    }

    /// The announcement whose proof of work has been looked for.
    pub(super) fn take_minting(&mut self, id: JobId) -> Option<Minting> {
        self.minting.remove(&id)
    }

    /// Gives up what a signer is about to say to everybody.
    pub(super) fn take_minting_of(&mut self, signer: &PublicKey) -> Vec<Minting> {
        let of_signer = self.minting.extract_if(.., |_, minting| minting.signer() == signer);
        of_signer.map(|(_, minting)| minting).collect()
    }

    /// Refuses a request that others would drop: they take requests at this rate.
    pub(super) fn check_request(&self, rate: Rate, now: MonotonicMs) -> Result<(), CommandError> {
        let about = self.minting.values().filter(|minting| matches!(minting, Minting::Request { .. })).count();
        match self.asked.wait(rate, about, now) {
            Some(next) => Err(CommandError::TooOften { what: "requests", per_minute: rate.per_minute, next }),
            None => Ok(()),
        }
    }

    /// Refuses an advertisement that others would drop.
    pub(super) fn check_advertisement(&self, signer: &PublicKey, now: MonotonicMs) -> Result<(), CommandError> {
        let about = |minting: &&Minting| match minting {
            Minting::Advertisement { advertisement, .. } => advertisement.delegation.signer == *signer,
            Minting::Request { .. } | Minting::Resource { .. } => false,
        };
        let about = self.minting.values().filter(about).count();
        let (offered, rate) = (self.signers.get(signer).map(|known| known.offered), advertising_rate());
        match offered.unwrap_or_default().wait(rate, about, now) {
            Some(next) => {
                Err(CommandError::TooOften { what: "advertisements of a signer", per_minute: rate.per_minute, next })
            }
            None => Ok(()),
        }
    }

    /// A request goes out, which others take at this rate.
    pub(super) fn note_request(&mut self, rate: Rate, now: MonotonicMs) {
        self.asked.said(rate, now);
    }

    /// An advertisement goes out.
    pub(super) fn note_advertisement(
        &mut self,
        signer: PublicKey,
        offer: Offer,
        id: AdvertisementId,
        now: MonotonicMs,
    ) {
        let renew_at = now.saturating_add(offer.lifetime / 2);
        let known = self.signers.entry(signer).or_default();
        known.offered.said(advertising_rate(), now);
        known.advertised = Some(Advertised { offer, id, published: now, renew_at });
    }

    pub(super) fn is_advertised(&self, signer: &PublicKey) -> bool {
        self.signers.get(signer).is_some_and(|known| known.advertised.is_some())
    }

    /// Advertises a signer no more. The advertisement that is out, and what it offers.
    pub(super) fn take_advertised(&mut self, signer: &PublicKey) -> Option<(AdvertisementId, Criteria)> {
        let advertised = self.signers.get_mut(signer)?.advertised.take()?;
        Some((advertised.id, advertised.offer.criteria))
    }

    /// The node is somewhere else: advertisements that say where it is are renewed.
    pub(super) fn follow_addresses(&mut self, now: MonotonicMs) {
        for advertised in self.signers.values_mut().filter_map(|known| known.advertised.as_mut()) {
            if advertised.follows_addresses() {
                advertised.renew_after(advertised.published, now);
            }
        }
    }

    /// Renews the advertisement of a signer now, if there is one.
    pub(super) fn renew_now(&mut self, signer: &PublicKey, now: MonotonicMs) {
        if let Some(advertised) = self.signers.get_mut(signer).and_then(|known| known.advertised.as_mut()) {
            advertised.renew_at = now;
        }
    }

    /// The offers that are about to lapse, to be advertised again.
    pub(super) fn take_due(&mut self, now: MonotonicMs) -> Vec<(PublicKey, Offer)> {
        let due = self.signers.iter_mut().filter_map(|(signer, known)| {
            let advertised = known.advertised.as_mut().filter(|advertised| advertised.renew_at <= now)?;
            advertised.renew_at = now.saturating_add(advertised.offer.lifetime / 2);
            Some((*signer, advertised.offer.clone()))
        });
        due.collect()
    }

    /// Time at which an offer is to be repeated.
    pub(super) fn next_deadline(&self) -> Option<MonotonicMs> {
        let advertised = self.signers.values().filter_map(|known| known.advertised.as_ref());
        advertised.map(|advertised| advertised.renew_at).min()
    }

    /// Forgets what it has said of all signers that do not pass.
    pub(super) fn retain(&mut self, passes: impl Fn(&PublicKey) -> bool) {
        self.signers.retain(|signer, _| passes(signer));
    }
}
