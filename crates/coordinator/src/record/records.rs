//! The records of a store, in memory: their sum, and the limits of what is kept.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use motet_core_crypto::PublicKey;
use motet_wire::{Attempt, RequestId, TimestampMs};

use super::{KeptResults, Record, Snapshot};
use crate::limits;
use crate::proposal::ProposalDigest;
use crate::reputation::Standing;

/// An approval: its digest, and the frame of the request.
type Approval = (ProposalDigest, Arc<[u8]>);

/// All records of one store, each with its effect on those before it. A store that keeps its records in memory is this and
/// a lock; a store on a disk gives the same [`Snapshot`] after the same records.
#[derive(Debug, Default, Clone)]
pub struct Records {
    delegated: BTreeMap<PublicKey, TimestampMs>,
    standings: BTreeMap<PublicKey, Standing>,
    asked: BTreeMap<(RequestId, PublicKey), Arc<[u8]>>,
    approved: BTreeMap<(RequestId, PublicKey), Approval>,
    issued: BTreeMap<(RequestId, Attempt, PublicKey), [u8; 32]>,
    spent: BTreeMap<(RequestId, Attempt, PublicKey), Arc<[u8]>>,
    given_up: BTreeSet<RequestId>,
    ended: VecDeque<RequestId>,
    results: KeptResults,
    proofs: VecDeque<Arc<[u8]>>,
}

impl Records {
    /// Adds a record.
    pub fn write(&mut self, record: &Record) {
        match record {
            Record::Delegated { signer, not_after } => {
                self.delegated.insert(*signer, *not_after);
            }
            Record::Standing { signer, standing: Some(standing) } => {
                self.standings.insert(*signer, *standing);
            }
            Record::Standing { signer, standing: None } => {
                self.standings.remove(signer);
            }
            Record::Asked { request, signer, frame } => {
                self.asked.insert((*request, *signer), Arc::clone(frame));
            }
            Record::Approved { request, signer, digest, frame } => {
                self.asked.remove(&(*request, *signer));
                self.approved.insert((*request, *signer), (*digest, Arc::clone(frame)));
            }
            Record::Issued { request, attempt, signer, nonces } => {
                self.issued.insert((*request, *attempt, *signer), *nonces);
            }
            Record::Spent { request, attempt, signer, frame } => {
                self.spent.insert((*request, *attempt, *signer), Arc::clone(frame));
            }
            Record::GivenUp { request } => {
                self.given_up.insert(*request);
            }
            Record::Proved { evidence } => {
                self.proofs.push_back(Arc::clone(evidence));
                if self.proofs.len() > limits::PROOFS {
                    self.proofs.pop_front();
                }
            }
            Record::Noted { request } => {
                self.results.note(request);
            }
            Record::Ended { request, result } => {
                self.asked.retain(|(id, _), _| id != request);
                let gone = match result {
                    Some(completed) => self.results.insert(completed.clone()),
                    None => Some(*request),
                };
                if let Some(gone) = gone {
                    self.approved.retain(|(id, _), _| *id != gone);
                }
                self.given_up.remove(request);
                if !self.ended.contains(request) {
                    self.ended.push_back(*request);
                }
                while self.ended.len() > limits::ENDED_REQUESTS {
                    if let Some(oldest) = self.ended.pop_front() {
                        self.issued.retain(|(id, ..), _| *id != oldest);
                        self.spent.retain(|(id, ..), _| *id != oldest);
                    }
                }
            }
        }
    }

    /// The state that results from the records, for a process that opens the store for the first time (`epoch` 0) or after so
    /// many others.
    pub fn snapshot(&self, epoch: u64) -> Snapshot {
        let asked = self.asked.iter();
        let approved = self.approved.iter();
        let spent = self.spent.iter();
        Snapshot {
            epoch,
            delegated: self.delegated.iter().map(|(signer, until)| (*signer, *until)).collect(),
            standings: self.standings.iter().map(|(signer, standing)| (*signer, *standing)).collect(),
            asked: asked.map(|((request, signer), frame)| (*request, *signer, Arc::clone(frame))).collect(),
            approved: approved
                .map(|((request, signer), (digest, frame))| (*request, *signer, *digest, Arc::clone(frame)))
                .collect(),
            issued: self.issued.keys().copied().collect(),
            spent: spent
                .map(|((request, attempt, signer), frame)| (*request, *attempt, *signer, Arc::clone(frame)))
                .collect(),
            given_up: self.given_up.iter().copied().collect(),
            ended: self.ended.iter().copied().collect(),
            results: self.results.all().cloned().collect(),
            noted: self.results.noted().copied().collect(),
            proofs: self.proofs.iter().cloned().collect(),
        }
    }
}
