//! The signatures that a node keeps, and which of them make room.

use std::collections::{BTreeSet, VecDeque};

use motet_wire::RequestId;

use crate::event::Completed;
use crate::limits;

/// Results, the oldest first. Beyond [`limits::RESULTS`], one makes room: the oldest that the application has noted, or the
/// oldest if it has noted none.
#[derive(Debug, Default, Clone)]
pub(crate) struct KeptResults {
    kept: VecDeque<Completed>,
    noted: BTreeSet<RequestId>,
}

impl KeptResults {
    pub(crate) fn new(kept: &[Completed], noted: &[RequestId]) -> Self {
        Self { kept: kept.iter().cloned().collect(), noted: noted.iter().copied().collect() }
    }

    /// Adds a result. Hands back the request whose result has made room.
    pub(crate) fn insert(&mut self, completed: Completed) -> Option<RequestId> {
        self.kept.push_back(completed);
        if self.kept.len() <= limits::RESULTS {
            return None;
        }
        let noted = self.kept.iter().position(|completed| self.noted.contains(&completed.request));
        let gone = self.kept.remove(noted.unwrap_or(0))?.request;
        self.noted.remove(&gone);
        Some(gone)
    }

    /// The application has the signatures of a request. False if they are not kept, or were noted before.
    pub(crate) fn note(&mut self, request: &RequestId) -> bool {
        self.of(request).is_some() && self.noted.insert(*request)
    }

    /// The result of a request.
    pub(crate) fn of(&self, request: &RequestId) -> Option<&Completed> {
        self.kept.iter().rev().find(|completed| completed.request == *request)
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Completed> {
        self.kept.iter()
    }

    pub(crate) fn noted(&self) -> impl Iterator<Item = &RequestId> {
        self.noted.iter()
    }

    /// The results that the application has not noted.
    pub(crate) fn unnoted(&self) -> impl Iterator<Item = &Completed> {
        self.kept.iter().filter(|completed| !self.noted.contains(&completed.request))
    }
}
