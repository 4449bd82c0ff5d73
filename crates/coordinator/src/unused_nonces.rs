//! The nonces that a signer has made and not used: each is used at most once.

use core::fmt;
use std::collections::BTreeMap;

use motet_core_crypto::device::{NoncePurpose, SigningTask};
use motet_core_crypto::{AggregateNonce, PublicNonce};

use crate::signer::{NonceId, SignerError, SigningItem};

/// Nonces that a signer keeps at a time, counted by [`NonceId`]. The engine forgets those that it no longer needs; this is
/// the last line.
const KEPT: usize = 4096;

/// The nonces of a signer between [`crate::Signer::generate_nonces`] and [`crate::Signer::sign`]: the secret halves, or
/// handles to them, each with its public half.
pub struct UnusedNonces<N> {
    kept: BTreeMap<NonceId, Vec<(N, PublicNonce)>>,
}

impl<N> UnusedNonces<N> {
    /// No nonces.
    pub const fn new() -> Self {
        Self { kept: BTreeMap::new() }
    }

    /// Makes and keeps a nonce for each item, and returns the public halves. Each nonce is bound to its session, its attempt,
    /// the item's place, key and message.
    ///
    /// # Errors
    ///
    /// [`SignerError::NoNonces`] if there are nonces of this identity already, or nonces of too many; the error of
    /// `generate`.
    pub fn make<E: Into<SignerError>>(
        &mut self,
        nonce_id: &NonceId,
        items: &[SigningItem],
        mut generate: impl FnMut(&NoncePurpose<'_>) -> Result<(N, PublicNonce), E>,
    ) -> Result<Vec<PublicNonce>, SignerError> {
        if self.kept.contains_key(nonce_id) || self.kept.len() >= KEPT {
            return Err(SignerError::NoNonces);
        }
        let made = (0u32..).zip(items).map(|(position, item)| {
            let (session, attempt) = (nonce_id.session.to_bytes(), nonce_id.attempt.0.to_be_bytes());
            let extra = [session.as_slice(), &attempt, &position.to_be_bytes()].concat();
            let key = item.context.aggregate_key();
            let child = item.child(nonce_id.index);
            let purpose =
                NoncePurpose { aggregate_key: Some(&key), message: Some(&item.message), extra: Some(&extra), child };
            generate(&purpose).map_err(Into::into)
        });
        let made = made.collect::<Result<Vec<_>, SignerError>>()?;
        let publics = made.iter().map(|(_, public)| *public).collect();
        self.kept.insert(*nonce_id, made);
        Ok(publics)
    }

    /// Takes the nonces of this identity out, each with its public half and what it is to sign. They are gone in any case:
    /// there is no second time. `nonces` has a list for each signer, with one nonce for each item.
    ///
    /// # Errors
    ///
    /// [`SignerError::NoNonces`] if there are none, or if others stand in this signer's place of `nonces`. Those may be
    /// another process's that speaks for the same signer: a signature under them would be wrong, and would convict it.
    pub fn take<'a>(
        &mut self,
        nonce_id: &NonceId,
        items: &'a [SigningItem],
        nonces: &[Vec<PublicNonce>],
    ) -> Result<Vec<(N, PublicNonce, SigningTask<'a>)>, SignerError> {
        let own = self.kept.remove(nonce_id).ok_or(SignerError::NoNonces)?;
        let listed = nonces.get(nonce_id.index.as_usize()).ok_or(SignerError::NoNonces)?;
        if own.len() != items.len() || !own.iter().map(|(_, public)| public).eq(listed) {
            return Err(SignerError::NoNonces);
        }
        let tasks = own.into_iter().zip(items).enumerate().map(|(position, ((nonce, public), item))| {
            let of_item: Option<Vec<PublicNonce>> = nonces.iter().map(|signer| signer.get(position).copied()).collect();
            let aggregate_nonce = AggregateNonce::sum(&of_item.ok_or(SignerError::NoNonces)?);
            let (context, child) = (&item.context, item.child(nonce_id.index));
            let task = SigningTask { context, aggregate_nonce, adaptor: None, message: &item.message, child };
            Ok((nonce, public, task))
        });
        tasks.collect()
    }

    /// Destroys the nonces of this identity.
    pub fn forget(&mut self, nonce_id: &NonceId) {
        self.kept.remove(nonce_id);
    }

    /// Destroys all nonces.
    pub fn clear(&mut self) {
        self.kept.clear();
    }
}

impl<N> Default for UnusedNonces<N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<N> fmt::Debug for UnusedNonces<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UnusedNonces").field("kept", &self.kept.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use motet_core_crypto::{KeyAggContext, NonceInputs, SecretKey, generate_nonce};
    use motet_wire::{Attempt, AttemptId, RequestId, SignerIndex};
    use rand_core::SeedableRng as _;

    use super::*;

    /// A signer alone, the identity of its nonces, an item, and the nonces as the messages of a session list them.
    fn made() -> (UnusedNonces<u32>, NonceId, [SigningItem; 1], Vec<Vec<PublicNonce>>) {
        let key = SecretKey::from_bytes(&[7; 32]).unwrap().public_key();
        let context = KeyAggContext::new(&[key]).unwrap();
        let items = [SigningItem { context, message: b"pay".as_slice().into(), members: None }];
        let (session, request) = (AttemptId::from_bytes([1; 32]), RequestId::from_bytes([2; 32]));
        let nonce_id = NonceId { session, request, attempt: Attempt(3), signer: key, index: SignerIndex(0) };
        let mut unused = UnusedNonces::new();
        let publics = unused.make(&nonce_id, &items, |purpose| {
            let extra = purpose.extra.unwrap();
            assert_eq!((&extra[..32], &extra[32..]), (&[1; 32][..], &[0, 0, 0, 3, 0, 0, 0, 0][..]));
            Ok::<_, SignerError>((1, public(1)))
        });
        (unused, nonce_id, items, vec![publics.unwrap()])
    }

    fn public(seed: u8) -> PublicNonce {
        let public_key = &SecretKey::from_bytes(&[7; 32]).unwrap().public_key();
        let inputs = NonceInputs { public_key, secret_key: None, aggregate_key: None, message: None, extra: None };
        generate_nonce(&mut rand_chacha::ChaCha8Rng::from_seed([seed; 32]), &inputs).unwrap().1
    }

    #[test]
    fn a_nonce_is_made_once_and_taken_once() {
        let (mut unused, nonce_id, items, nonces) = made();
        let again = unused.make(&nonce_id, &items, |_| Ok::<_, SignerError>((2, public(2))));
        assert_eq!(again.unwrap_err(), SignerError::NoNonces);
        let taken = unused.take(&nonce_id, &items, &nonces).unwrap();
        assert_eq!((taken.len(), taken[0].0, taken[0].1, taken[0].2.message), (1, 1, public(1), b"pay".as_slice()));
        assert_eq!(unused.take(&nonce_id, &items, &nonces).unwrap_err(), SignerError::NoNonces);
    }

    #[test]
    fn a_nonce_is_gone_when_another_stands_in_its_place_or_none() {
        for listed in [vec![vec![public(2)]], vec![vec![]], vec![]] {
            let (mut unused, nonce_id, items, nonces) = made();
            assert_eq!(unused.take(&nonce_id, &items, &listed).unwrap_err(), SignerError::NoNonces);
            assert_eq!(unused.take(&nonce_id, &items, &nonces).unwrap_err(), SignerError::NoNonces, "{listed:?}");
        }
        let (mut unused, nonce_id, items, nonces) = made();
        unused.forget(&nonce_id);
        assert_eq!(unused.take(&nonce_id, &items, &nonces).unwrap_err(), SignerError::NoNonces);
    }

    #[test]
    fn nonces_are_kept_of_so_many_identities() {
        let (mut unused, mut nonce_id, items, _) = made();
        for attempt in 4.. {
            nonce_id.attempt = Attempt(attempt);
            let made = unused.make(&nonce_id, &items, |_| Ok::<_, SignerError>((1, public(1))));
            if made.is_err() {
                assert_eq!(attempt as usize - 3, KEPT);
                return;
            }
        }
    }
}
