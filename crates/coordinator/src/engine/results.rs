//! Final signatures that the application has not said that it has (`docs/protocol.md` §7.1).
//!
//! They are stored in the record that ends their session, so that no crash comes between the two, and are handed out until
//! the application takes note of them.

use std::collections::VecDeque;

use motet_wire::RequestId;

use super::ctx::Ctx;
use super::input::Reply;
use crate::error::CommandError;
use crate::event::{Completed, Event};
use crate::limits;
use crate::record::Record;

/// The results, the oldest first; the oldest make room.
#[derive(Debug, Default)]
pub(super) struct Results {
    kept: VecDeque<Completed>,
    /// Results of an earlier process are still to be told.
    untold: bool,
}

impl Results {
    pub(super) fn new(stored: &[Completed]) -> Self {
        Self { kept: stored.iter().cloned().collect(), untold: !stored.is_empty() }
    }

    pub(super) fn insert(&mut self, completed: Completed) {
        self.kept.push_back(completed);
        if self.kept.len() > limits::RESULTS {
            self.kept.pop_front();
        }
    }

    /// Forgets the result of a request. False if there is none.
    fn remove(&mut self, request: &RequestId) -> bool {
        let before = self.kept.len();
        self.kept.retain(|completed| completed.request != *request);
        self.kept.len() < before
    }

    pub(super) fn all(&self) -> Vec<Completed> {
        self.kept.iter().cloned().collect()
    }

    /// Tells the signatures that an earlier process has stored, of which nobody knows whether its user has seen them.
    pub(super) fn tell_restored(&mut self, ctx: &mut Ctx<'_>) {
        if core::mem::take(&mut self.untold) {
            for completed in self.all() {
                ctx.emit(Event::SessionComplete(completed));
            }
        }
    }

    /// The application has the signatures of a request: they are not handed out again.
    pub(super) fn take_note(&mut self, request: &RequestId, ctx: &mut Ctx<'_>) -> Result<Reply, CommandError> {
        if !self.remove(request) {
            return Err(CommandError::UnknownRequest(*request));
        }
        ctx.persist(Record::Noted { request: *request });
        Ok(Reply::Done)
    }
}
