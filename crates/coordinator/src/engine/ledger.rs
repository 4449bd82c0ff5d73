//! Facts that the store keeps, so that no restart signs twice (`docs/protocol.md` §7.1): the attempts for which nonces have been
//! issued, the partial signatures that may have left, and the requests that have ended.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use motet_core_crypto::PublicKey;
use motet_wire::{Attempt, RequestId};

use super::ctx::Ctx;
use crate::event::Completed;
use crate::limits;
use crate::record::{Record, Snapshot};
use crate::signer::NonceId;

/// The frames with partial signatures that an earlier process may have sent for one request.
type Spent = BTreeMap<(Attempt, PublicKey), Arc<[u8]>>;

/// The attempts for which nonces have been issued, of each request.
type Issued = BTreeMap<RequestId, BTreeSet<(Attempt, PublicKey)>>;

/// The facts about requests that outlive a process.
#[derive(Debug)]
pub(super) struct Ledger {
    /// Attempts for which nonces have been issued, in this process or an earlier one.
    issued: Issued,
    /// Partial signatures that an earlier process may have sent.
    spent: BTreeMap<RequestId, Spent>,
    ended: Ended,
}

impl Ledger {
    pub(super) fn new(snapshot: &Snapshot) -> Self {
        let mut issued = Issued::new();
        for (request, attempt, signer) in &snapshot.issued {
            issued.entry(*request).or_default().insert((*attempt, *signer));
        }
        let mut spent: BTreeMap<RequestId, Spent> = BTreeMap::new();
        for (request, attempt, signer, frame) in &snapshot.spent {
            spent.entry(*request).or_default().insert((*attempt, *signer), Arc::clone(frame));
        }
        Self { issued, spent, ended: Ended::new(&snapshot.ended) }
    }

    /// True if nonces have been issued under this id, in this process or an earlier one.
    pub(super) fn is_issued(&self, nonce_id: &NonceId) -> bool {
        self.issued.get(&nonce_id.request).is_some_and(|issued| issued.contains(&(nonce_id.attempt, nonce_id.signer)))
    }

    /// Stores that nonces with this hash have been issued.
    pub(super) fn issue(&mut self, nonce_id: &NonceId, nonces: [u8; 32], ctx: &mut Ctx<'_>) {
        let NonceId { request, attempt, signer, .. } = *nonce_id;
        self.issued.entry(request).or_default().insert((attempt, signer));
        ctx.persist(Record::Issued { request, attempt, signer, nonces });
    }

    /// The last attempt for which nonces of a signer have been issued.
    pub(super) fn last_issued(&self, request: &RequestId, signer: &PublicKey) -> Option<Attempt> {
        let issued = self.issued.get(request).into_iter().flatten().filter(|(_, by)| by == signer);
        issued.map(|(attempt, _)| *attempt).max()
    }

    /// The frame with the partial signatures of a signer in an attempt, if an earlier process may have sent it.
    pub(super) fn spent_in(&self, request: &RequestId, attempt: Attempt, signer: &PublicKey) -> Option<&Arc<[u8]>> {
        self.spent.get(request)?.get(&(attempt, *signer))
    }

    /// The last attempt in which an earlier process may have sent partial signatures of one of these signers.
    pub(super) fn last_spent(&self, request: &RequestId, is_meant: impl Fn(&PublicKey) -> bool) -> Option<Attempt> {
        let spent = self.spent.get(request).into_iter().flat_map(BTreeMap::keys);
        spent.filter(|(_, signer)| is_meant(signer)).map(|(attempt, _)| *attempt).max()
    }

    /// The attempts in which an earlier process may have sent partial signatures.
    pub(super) fn spent_attempts(&self, request: &RequestId) -> impl Iterator<Item = Attempt> {
        self.spent.get(request).into_iter().flat_map(BTreeMap::keys).map(|(attempt, _)| *attempt)
    }

    pub(super) fn has_ended(&self, request: &RequestId) -> bool {
        self.ended.contains(request)
    }

    /// Stores that a request has ended, and its signatures in the same record: a crash finds both or neither.
    pub(super) fn end(&mut self, request: &RequestId, result: Option<Completed>, ctx: &mut Ctx<'_>) {
        self.ended.insert(*request);
        self.issued.remove(request);
        self.spent.remove(request);
        ctx.persist(Record::Ended { request: *request, result });
    }
}

/// Requests that have ended: what comes for one of them again is late, however it comes.
#[derive(Debug, Default)]
struct Ended {
    known: BTreeSet<RequestId>,
    order: VecDeque<RequestId>,
}

impl Ended {
    fn new(ended: &[RequestId]) -> Self {
        let mut this = Self::default();
        for request in ended {
            this.insert(*request);
        }
        this
    }

    fn contains(&self, request: &RequestId) -> bool {
        self.known.contains(request)
    }

    fn insert(&mut self, request: RequestId) {
        if self.known.insert(request) {
            self.order.push_back(request);
        }
        if self.order.len() > limits::ENDED_REQUESTS
            && let Some(oldest) = self.order.pop_front()
        {
            self.known.remove(&oldest);
        }
    }
}
