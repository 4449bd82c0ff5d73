//! Requests of an earlier process that had not ended: they wait for their signers to speak again (`docs/protocol.md` §7.1).

use core::time::Duration;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use motet_core_crypto::PublicKey;
use motet_wire::{Channel, MonotonicMs, RequestId};

use super::ctx::Ctx;
use super::input::Effect;
use crate::proposal::ProposalDigest;
use crate::record::Snapshot;

/// Time for which a session of an earlier process waits for its signer and its frame, before it is given up.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// A request that an earlier process had approved, and that had not ended.
#[derive(Debug)]
pub(super) struct ApprovedBefore {
    frame: Arc<[u8]>,
    pub(super) approvals: BTreeMap<PublicKey, ProposalDigest>,
    /// True if it had been given up, and others may complete it.
    pub(super) given_up: bool,
}

/// A request that an earlier process had asked its user about, without an answer.
#[derive(Debug)]
struct AskedBefore {
    frame: Arc<[u8]>,
    signers: BTreeSet<PublicKey>,
}

/// The requests that an earlier process has left, until each is resumed or given up.
#[derive(Debug)]
pub(super) struct Restored {
    approved: BTreeMap<RequestId, ApprovedBefore>,
    asked: BTreeMap<RequestId, AskedBefore>,
    /// Time at which those that are still here are given up.
    until: Option<MonotonicMs>,
}

impl Restored {
    pub(super) fn new(snapshot: &Snapshot) -> Self {
        let mut approved: BTreeMap<RequestId, ApprovedBefore> = BTreeMap::new();
        // Those that have ended in signatures do not go on.
        let ended: BTreeSet<RequestId> = snapshot.results.iter().map(|completed| completed.request).collect();
        for (request, signer, digest, frame) in snapshot.approved.iter().filter(|(id, ..)| !ended.contains(id)) {
            let given_up = snapshot.given_up.contains(request);
            let entry = || ApprovedBefore { frame: Arc::clone(frame), approvals: BTreeMap::new(), given_up };
            approved.entry(*request).or_insert_with(entry).approvals.insert(*signer, *digest);
        }
        let mut asked: BTreeMap<RequestId, AskedBefore> = BTreeMap::new();
        for (request, signer, frame) in &snapshot.asked {
            let entry = || AskedBefore { frame: Arc::clone(frame), signers: BTreeSet::new() };
            asked.entry(*request).or_insert_with(entry).signers.insert(*signer);
        }
        Self { approved, asked, until: None }
    }

    /// A signer can speak: the requests that it had approved or was asked about are handed in again.
    pub(super) fn hand_in(&mut self, signer: &PublicKey, ctx: &mut Ctx<'_>) {
        let approved = self.approved.values().filter(|before| before.approvals.contains_key(signer));
        let asked = self.asked.values().filter(|before| before.signers.contains(signer));
        let frames = approved.map(|before| &before.frame).chain(asked.map(|before| &before.frame));
        let frames: Vec<Arc<[u8]>> = frames.map(Arc::clone).collect();
        if !frames.is_empty() {
            self.until = Some(ctx.now.mono.saturating_add(PATIENCE));
            ctx.effect(Effect::Validate { from: ctx.here, channel: Channel::Store, frames });
        }
    }

    /// Takes out a request that had been approved.
    pub(super) fn take_approved(&mut self, request: &RequestId) -> Option<ApprovedBefore> {
        self.approved.remove(request)
    }

    /// Takes out a request that the user had been asked about. False if there is none.
    pub(super) fn take_asked(&mut self, request: &RequestId) -> bool {
        self.asked.remove(request).is_some()
    }

    /// The requests that have waited for too long: they are given up.
    pub(super) fn take_lapsed(&mut self, now: MonotonicMs) -> Vec<RequestId> {
        if self.until.is_none_or(|until| until > now) {
            return Vec::new();
        }
        self.until = None;
        let approved = core::mem::take(&mut self.approved).into_keys();
        approved.chain(core::mem::take(&mut self.asked).into_keys()).collect()
    }

    pub(super) const fn next_deadline(&self) -> Option<MonotonicMs> {
        self.until
    }
}
