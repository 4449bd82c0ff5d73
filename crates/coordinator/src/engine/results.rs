//! Final signatures that this node keeps (`docs/protocol.md` §7.1).
//!
//! They are stored in the record that ends their session, so that no crash comes between the two. They are handed out until
//! the application takes note of them, and told to a signer that has missed them as long as they are kept (§7.4).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use motet_wire::{Channel, RequestId};

use super::ctx::Ctx;
use super::input::{Effect, Reply};
use crate::error::CommandError;
use crate::event::{Completed, Event};
use crate::record::{KeptResults, Record, Snapshot};

/// The results, and the requests that they are of.
#[derive(Debug, Default)]
pub(super) struct Results {
    kept: KeptResults,
    /// The frames of their requests.
    requests: BTreeMap<RequestId, Arc<[u8]>>,
    /// Results of an earlier process are still to be told.
    untold: bool,
}

impl Results {
    pub(super) fn new(snapshot: &Snapshot) -> Self {
        let kept = KeptResults::new(&snapshot.results, &snapshot.noted);
        let known: BTreeSet<RequestId> = kept.all().map(|completed| completed.request).collect();
        let requests = snapshot.approved.iter().filter(|(request, ..)| known.contains(request));
        let requests = requests.map(|(request, _, _, frame)| (*request, Arc::clone(frame))).collect();
        let untold = kept.unnoted().next().is_some();
        Self { kept, requests, untold }
    }

    /// Keeps the signatures of a request, and its frame.
    pub(super) fn insert(&mut self, completed: Completed, frame: &Arc<[u8]>) {
        self.requests.insert(completed.request, Arc::clone(frame));
        if let Some(gone) = self.kept.insert(completed) {
            self.requests.remove(&gone);
        }
    }

    /// The signatures of a request, if they are kept.
    pub(super) fn of(&self, request: &RequestId) -> Option<&Completed> {
        self.kept.of(request)
    }

    /// The results that are handed out, the oldest first.
    pub(super) fn all(&self) -> Vec<Completed> {
        self.kept.unnoted().cloned().collect()
    }

    /// Tells the signatures that an earlier process has stored, of which nobody knows whether its user has seen them.
    pub(super) fn tell_restored(&mut self, ctx: &mut Ctx<'_>) {
        if core::mem::take(&mut self.untold) {
            for completed in self.all() {
                ctx.emit(Event::SessionComplete(completed));
            }
        }
    }

    /// Somebody joins a request that has ended here in signatures: the request is handed in again, so that its session can
    /// tell them.
    pub(super) fn hand_in(&self, request: &RequestId, ctx: &mut Ctx<'_>) {
        if let Some(frame) = self.requests.get(request) {
            let frames = vec![Arc::clone(frame)];
            ctx.effect(Effect::Validate { from: ctx.here, channel: Channel::Store, frames });
        }
    }

    /// The application has the signatures of a request: they are not handed out again.
    pub(super) fn take_note(&mut self, request: &RequestId, ctx: &mut Ctx<'_>) -> Result<Reply, CommandError> {
        if !self.kept.note(request) {
            return Err(CommandError::UnknownRequest(*request));
        }
        ctx.persist(Record::Noted { request: *request });
        Ok(Reply::Done)
    }
}
