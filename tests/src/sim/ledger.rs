//! The ghost ledger: what every signer was ever asked, across restarts and clones, seen from outside of the engine.
//!
//! S1: a public nonce signs one (aggregate nonce, message, key) and no other, and is made once. S2: nothing is signed that
//! was not approved before, exactly so. S13: a member of a group signs nothing that the checker has not accepted, exactly so. No engine knows that it is watched: the ledger is a signer around the signer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use motet_core_crypto::{AggregateNonce, PartialSignature, PublicKey, PublicNonce, Signature, tagged_hash};
use motet_node::{NonceId, Signer, SignerError, SigningItem};
use motet_wire::{AttemptId, RequestId};

use super::invariant::{Breach, Invariant};

/// The items of a request as a person approves them: under which key what is signed.
pub type Terms = Vec<([u8; 32], Vec<u8>)>;

/// What a nonce was used for: the aggregate nonce, the key, the message.
type Use = ([u8; 66], [u8; 32], Vec<u8>);

/// Everything that was ever approved, made and signed in a world.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Whose signatures are judged; what the others sign is their business.
    honest: BTreeSet<PublicKey>,
    approved: BTreeMap<(RequestId, PublicKey), BTreeSet<Terms>>,
    /// The signers that sign nothing but verified transactions.
    members: BTreeSet<PublicKey>,
    verified: BTreeMap<(RequestId, PublicKey), BTreeSet<Terms>>,
    made: BTreeMap<[u8; 66], (NonceId, u32)>,
    used: BTreeMap<[u8; 66], Use>,
    /// Requests with round 0.
    with_commitments: BTreeSet<RequestId>,
    /// Everything that anybody committed to, by session and index.
    committed: BTreeSet<(AttemptId, u32, [u8; 32])>,
    breaches: Vec<Breach>,
    /// Partial signatures made.
    pub signed: u64,
}

/// The ledger as all signers of a world share it.
#[derive(Debug, Clone, Default)]
pub struct Shared(Arc<Mutex<Ledger>>);

impl Shared {
    /// The ledger.
    pub fn open(&self) -> MutexGuard<'_, Ledger> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ledger {
    /// Judges what these sign.
    pub fn judge(&mut self, honest: BTreeSet<PublicKey>) {
        self.honest = honest;
    }

    /// A person has approved this.
    pub fn approve(&mut self, request: RequestId, signer: PublicKey, terms: Terms) {
        self.approved.entry((request, signer)).or_default().insert(terms);
    }

    /// These sign nothing but verified transactions.
    pub fn guard(&mut self, members: BTreeSet<PublicKey>) {
        self.members = members;
    }

    /// The checker of this signer has accepted this.
    pub fn verify(&mut self, request: RequestId, signer: PublicKey, terms: Terms) {
        self.verified.entry((request, signer)).or_default().insert(terms);
    }

    /// The signers of a request commit to their nonces first.
    pub fn wants_commitments(&mut self, request: RequestId) {
        self.with_commitments.insert(request);
    }

    /// Somebody has committed to nonces.
    pub fn commit(&mut self, session: AttemptId, index: u32, commitment: [u8; 32]) {
        self.committed.insert((session, index, commitment));
    }

    /// What was found since the last time.
    pub fn take_breaches(&mut self) -> Vec<Breach> {
        core::mem::take(&mut self.breaches)
    }

    fn breach(&mut self, invariant: Invariant, detail: String) {
        self.breaches.push(Breach { invariant, detail });
    }

    fn note_made(&mut self, nonce_id: &NonceId, life: u32, nonces: &[PublicNonce]) {
        for nonce in nonces {
            // Randomness that repeats makes the same nonces for the same purpose again, which is well as long as they
            // are used once.
            if let Some((earlier, _)) = self.made.insert(nonce.to_bytes(), (*nonce_id, life))
                && earlier != *nonce_id
            {
                let detail = format!("the same nonces were made for {} and {}", earlier.session, nonce_id.session);
                self.breach(Invariant::NonceOnce, detail);
            }
        }
    }

    fn note_signed(&mut self, nonce_id: &NonceId, items: &[SigningItem], nonces: &[Vec<PublicNonce>]) {
        if !self.honest.contains(&nonce_id.signer) {
            return;
        }
        let terms = terms(items);
        if !self.approved.get(&(nonce_id.request, nonce_id.signer)).is_some_and(|approved| approved.contains(&terms)) {
            let detail = format!("{} signed for {} what it had not approved", nonce_id.signer, nonce_id.request);
            self.breach(Invariant::Approval, detail);
        }
        let verified = self.verified.get(&(nonce_id.request, nonce_id.signer));
        if self.members.contains(&nonce_id.signer) && !verified.is_some_and(|verified| verified.contains(&terms)) {
            let detail = format!("{} signed for {} what was not verified", nonce_id.signer, nonce_id.request);
            self.breach(Invariant::Verified, detail);
        }
        if self.with_commitments.contains(&nonce_id.request) {
            for (index, row) in (0u32..).zip(nonces) {
                let opened = commitment(&nonce_id.session, index, row);
                if !self.committed.contains(&(nonce_id.session, index, opened)) {
                    let detail =
                        format!("{} signed under nonces that signer {index} had not committed to", nonce_id.signer);
                    self.breach(Invariant::Approval, detail);
                }
            }
        }
        for (position, (key, message)) in terms.into_iter().enumerate() {
            let column: Vec<PublicNonce> = nonces.iter().filter_map(|signer| signer.get(position).copied()).collect();
            let Some(own) = column.get(usize::from(nonce_id.index.0)).map(PublicNonce::to_bytes) else { continue };
            self.signed += 1;
            let used = (AggregateNonce::sum(&column).to_bytes(), key, message);
            if let Some(earlier) = self.used.insert(own, used.clone())
                && earlier != used
            {
                let detail = format!("{} signed twice with one nonce, in {}", nonce_id.signer, nonce_id.session);
                self.breach(Invariant::NonceOnce, detail);
            }
        }
    }
}

/// A commitment, by its definition and not by the code that makes one.
fn commitment(session: &AttemptId, index: u32, nonces: &[PublicNonce]) -> [u8; 32] {
    let nonces: Vec<u8> = nonces.iter().flat_map(PublicNonce::to_bytes).collect();
    tagged_hash("motet/nonce-commitment/v1", &[session.as_bytes(), &index.to_be_bytes(), &nonces])
}

/// The items as the ledger writes them down.
pub fn terms(items: &[SigningItem]) -> Terms {
    items.iter().map(|item| (item.context.aggregate_key().to_bytes(), item.message.to_vec())).collect()
}

/// A signer that writes down what it does.
#[derive(Debug)]
pub struct Watched<S> {
    inner: S,
    ledger: Shared,
    /// Which life of its node: a restart is another.
    life: u32,
    held: Mutex<BTreeSet<NonceId>>,
}

impl<S: Signer> Watched<S> {
    /// Watches a signer.
    pub fn new(inner: S, ledger: Shared, life: u32) -> Self {
        Self { inner, ledger, life, held: Mutex::default() }
    }

    /// For how many nonce_ids it holds nonces.
    pub fn held(&self) -> usize {
        self.nonce_ids().len()
    }

    fn nonce_ids(&self) -> MutexGuard<'_, BTreeSet<NonceId>> {
        self.held.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Signer> Signer for Watched<S> {
    fn public_key(&self) -> PublicKey {
        self.inner.public_key()
    }

    fn delegate(&self, digest: &[u8; 32]) -> Result<Signature, SignerError> {
        self.inner.delegate(digest)
    }

    fn generate_nonces(&self, nonce_id: &NonceId, items: &[SigningItem]) -> Result<Vec<PublicNonce>, SignerError> {
        let nonces = self.inner.generate_nonces(nonce_id, items)?;
        self.nonce_ids().insert(*nonce_id);
        self.ledger.open().note_made(nonce_id, self.life, &nonces);
        Ok(nonces)
    }

    fn sign(
        &self,
        nonce_id: &NonceId,
        items: &[SigningItem],
        nonces: &[Vec<PublicNonce>],
    ) -> Result<Vec<PartialSignature>, SignerError> {
        self.nonce_ids().remove(nonce_id);
        let partials = self.inner.sign(nonce_id, items, nonces)?;
        self.ledger.open().note_signed(nonce_id, items, nonces);
        Ok(partials)
    }

    fn forget(&self, nonce_id: &NonceId) {
        self.nonce_ids().remove(nonce_id);
        self.inner.forget(nonce_id);
    }
}
