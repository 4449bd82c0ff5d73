//! Proofs that signers broke the protocol (`docs/protocol.md` §7.3): kept, so that whoever was harmed can show them to others.

use std::collections::VecDeque;
use std::sync::Arc;

use motet_wire::{Conviction, Evidence, NetworkId};

use super::ctx::Ctx;
use crate::event::{Event, Misbehaviour};
use crate::limits;
use crate::record::Record;

/// The proofs, the oldest first; the oldest make room.
#[derive(Debug, Default)]
pub(super) struct Proofs(VecDeque<Misbehaviour>);

impl Proofs {
    /// Those that an earlier process has stored. What does not convict on this network is no proof here.
    pub(super) fn new(network: &NetworkId, stored: &[Arc<[u8]>]) -> Self {
        let read = |bytes: &Arc<[u8]>| {
            let conviction = Evidence::from_bytes(bytes).ok()?.verify(network).ok()?;
            Misbehaviour::new(&conviction, Arc::clone(bytes))
        };
        Self(stored.iter().filter_map(read).collect())
    }

    pub(super) fn all(&self) -> Vec<Misbehaviour> {
        self.0.iter().cloned().collect()
    }

    /// Keeps evidence that convicts, and tells the user of it, unless it is known already what the same signer did in the same
    /// request.
    pub(super) fn keep(&mut self, evidence: &Evidence, conviction: &Conviction, ctx: &mut Ctx<'_>) {
        let Ok(bytes) = evidence.to_bytes() else { return };
        let bytes: Arc<[u8]> = bytes.into();
        let Some(proof) = Misbehaviour::new(conviction, Arc::clone(&bytes)) else { return };
        if self.0.iter().any(|known| (known.request, known.signer) == (proof.request, proof.signer)) {
            return;
        }
        self.0.push_back(proof.clone());
        if self.0.len() > limits::PROOFS {
            self.0.pop_front();
        }
        ctx.persist(Record::Proved { evidence: bytes });
        ctx.emit(Event::MisbehaviourProven(proof));
    }
}
