//! A store that lasts as long as the process: for throw-away keys, demonstrations and tests.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, PoisonError};

use motet_coordinator::event::Completed;
use motet_coordinator::{Pace, ProposalDigest, Record, Snapshot, Standing, StoreError};
use motet_core_crypto::PublicKey;
use motet_wire::{Attempt, RequestId, TimestampMs};

use super::Store;

/// Records in memory.
#[derive(Debug, Default)]
pub struct MemoryStore {
    tables: Mutex<Tables>,
}

/// What was approved, and the frame that asked for it.
type Approval = (ProposalDigest, Arc<[u8]>);

#[derive(Debug, Default)]
struct Tables {
    delegated: BTreeMap<PublicKey, TimestampMs>,
    standings: BTreeMap<PublicKey, Standing>,
    asked: BTreeMap<(RequestId, PublicKey), Arc<[u8]>>,
    approved: BTreeMap<(RequestId, PublicKey), Approval>,
    issued: BTreeMap<(RequestId, Attempt, PublicKey), [u8; 32]>,
    spent: BTreeMap<(RequestId, Attempt, PublicKey), Arc<[u8]>>,
    given_up: BTreeSet<RequestId>,
    ended: VecDeque<RequestId>,
    results: VecDeque<Completed>,
    proofs: VecDeque<Arc<[u8]>>,
    loads: u64,
}

impl Tables {
    fn write(&mut self, record: &Record) {
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
                if self.proofs.len() > crate::limits::PROOFS {
                    self.proofs.pop_front();
                }
            }
            Record::Noted { request } => self.results.retain(|result| result.request != *request),
            Record::Ended { request, result } => {
                self.results.extend(result.clone());
                if self.results.len() > crate::limits::RESULTS {
                    self.results.pop_front();
                }
                self.asked.retain(|(id, _), _| id != request);
                self.approved.retain(|(id, _), _| id != request);
                self.given_up.remove(request);
                if !self.ended.contains(request) {
                    self.ended.push_back(*request);
                }
                while self.ended.len() > crate::limits::ENDED_REQUESTS {
                    if let Some(oldest) = self.ended.pop_front() {
                        self.issued.retain(|(id, ..), _| *id != oldest);
                        self.spent.retain(|(id, ..), _| *id != oldest);
                    }
                }
            }
        }
    }
}

impl Store for MemoryStore {
    fn pace(&self) -> Pace {
        Pace::Computes
    }

    fn commit(&self, records: &[Record]) -> Result<(), StoreError> {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        for record in records {
            tables.write(record);
        }
        Ok(())
    }

    fn load(&self) -> Result<Snapshot, StoreError> {
        let mut tables = self.tables.lock().unwrap_or_else(PoisonError::into_inner);
        let epoch = tables.loads;
        tables.loads = epoch.saturating_add(1);
        let asked = tables.asked.iter();
        let approved = tables.approved.iter();
        let spent = tables.spent.iter();
        Ok(Snapshot {
            epoch,
            delegated: tables.delegated.iter().map(|(signer, until)| (*signer, *until)).collect(),
            standings: tables.standings.iter().map(|(signer, standing)| (*signer, *standing)).collect(),
            asked: asked.map(|((request, signer), frame)| (*request, *signer, Arc::clone(frame))).collect(),
            approved: approved
                .map(|((request, signer), (digest, frame))| (*request, *signer, *digest, Arc::clone(frame)))
                .collect(),
            issued: tables.issued.keys().copied().collect(),
            spent: spent
                .map(|((request, attempt, signer), frame)| (*request, *attempt, *signer, Arc::clone(frame)))
                .collect(),
            given_up: tables.given_up.iter().copied().collect(),
            ended: tables.ended.iter().copied().collect(),
            results: tables.results.iter().cloned().collect(),
            proofs: tables.proofs.iter().cloned().collect(),
        })
    }
}
