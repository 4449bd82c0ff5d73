//! The two operations that need a signer's secret key, and the certificate that keeps it out of everything else.
//!
//! The engine never sees a secret key or a secret nonce. It hands out a [`SignerTask`]; the driver lets a [`Signer`] do
//! it, on a pool, in a device or in another process, and feeds the [`SignerAnswer`] back. `docs/protocol.md` §7.1 is
//! the contract of a signer: a nonce is used at most once, is never written anywhere, and is gone when the session is.

use core::fmt;
use std::sync::Arc;

use motet_core_crypto::{ChildPath, KeyAggContext, PartialSignature, PublicKey, PublicNonce, Signature};
use motet_wire::{Attempt, AttemptId, MemberPaths, RequestId, SignerIndex, TimestampMs};

use crate::pace::Pace;

/// One item of a request: its message, and the context of its key.
#[derive(Debug, Clone)]
pub struct SigningItem {
    /// The aggregate of the keys that sign, in the order of the signers, with the item's derivation applied.
    pub context: KeyAggContext,
    /// The message as BIP-340 signs it.
    pub message: Arc<[u8]>,
    /// The way from each signer's key to the key that signs this item; none where the keys sign themselves.
    pub members: Option<MemberPaths>,
}

impl SigningItem {
    /// The way from the key of one signer to the key with which it signs this item; none for the key itself.
    pub fn child(&self, signer: SignerIndex) -> Option<ChildPath<'_>> {
        self.members.as_ref()?.of(signer)
    }
}

/// The identity of a signer's nonces in one attempt: each is made once and used at most once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NonceId {
    /// The session, which is of one attempt.
    pub session: AttemptId,
    /// The request.
    pub request: RequestId,
    /// The attempt.
    pub attempt: Attempt,
    /// The signer.
    pub signer: PublicKey,
    /// The signer's place in the request.
    pub index: SignerIndex,
}

/// A task for a signer.
#[derive(Debug, Clone)]
pub enum SignerTask {
    /// Certify a message key: sign the digest with BIP-340.
    Delegate {
        /// The signer.
        signer: PublicKey,
        /// The message key that is certified.
        message_key: PublicKey,
        /// Until when.
        not_after: TimestampMs,
        /// [`motet_wire::Delegation::digest`] of these and the peer.
        digest: [u8; 32],
    },
    /// Make fresh nonces, one pair for each item, and keep their secret halves.
    GenerateNonces {
        /// The identity of the nonces.
        nonce_id: NonceId,
        /// The items; the nonces are bound to their keys and messages.
        items: Arc<[SigningItem]>,
    },
    /// Sign each item with the nonces of this nonce_id, which are gone afterwards.
    Sign {
        /// Which nonces.
        nonce_id: NonceId,
        /// The items.
        items: Arc<[SigningItem]>,
        /// All signers' public nonces: one list for each signer, one nonce in it for each item.
        nonces: Arc<[Vec<PublicNonce>]>,
    },
    /// Destroy the nonces of this nonce_id, if there are any.
    Forget {
        /// Which nonces.
        nonce_id: NonceId,
    },
}

impl SignerTask {
    /// The signer that is asked.
    pub const fn signer(&self) -> &PublicKey {
        match self {
            Self::Delegate { signer, .. } => signer,
            Self::GenerateNonces { nonce_id, .. } | Self::Sign { nonce_id, .. } | Self::Forget { nonce_id } => {
                &nonce_id.signer
            }
        }
    }

    /// The name of the task, for people.
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Delegate { .. } => "delegate",
            Self::GenerateNonces { .. } => "make nonces",
            Self::Sign { .. } => "sign",
            Self::Forget { .. } => "forget nonces",
        }
    }

    /// Which request it is for; a delegation is for none.
    pub const fn request(&self) -> Option<&RequestId> {
        match self {
            Self::Delegate { .. } => None,
            Self::GenerateNonces { nonce_id, .. } | Self::Sign { nonce_id, .. } | Self::Forget { nonce_id } => {
                Some(&nonce_id.request)
            }
        }
    }

    /// The cost of the task for a signer that only computes, in checks of a signature.
    pub fn weight(&self) -> usize {
        match self {
            Self::Forget { .. } => 0,
            Self::Delegate { .. } => 1,
            Self::GenerateNonces { items, .. } => items.len(),
            Self::Sign { items, nonces, .. } => items.len() * (1 + nonces.len() / 8),
        }
    }

    /// Lets a signer do the task. `None` for the tasks without an answer.
    pub fn perform(self, signer: &dyn Signer) -> Option<SignerAnswer> {
        match self {
            Self::Delegate { signer: key, message_key, not_after, digest } => {
                let result = signer.delegate(&digest);
                Some(SignerAnswer::Delegated { signer: key, message_key, not_after, result })
            }
            Self::GenerateNonces { nonce_id, items } => {
                Some(SignerAnswer::Nonces { nonce_id, result: signer.generate_nonces(&nonce_id, &items) })
            }
            Self::Sign { nonce_id, items, nonces } => {
                Some(SignerAnswer::Signed { nonce_id, result: signer.sign(&nonce_id, &items, &nonces) })
            }
            Self::Forget { nonce_id } => {
                signer.forget(&nonce_id);
                None
            }
        }
    }

    /// The answer if no signer can do the task.
    pub fn refused(self, error: SignerError) -> Option<SignerAnswer> {
        match self {
            Self::Delegate { signer, message_key, not_after, .. } => {
                Some(SignerAnswer::Delegated { signer, message_key, not_after, result: Err(error) })
            }
            Self::GenerateNonces { nonce_id, .. } => Some(SignerAnswer::Nonces { nonce_id, result: Err(error) }),
            Self::Sign { nonce_id, .. } => Some(SignerAnswer::Signed { nonce_id, result: Err(error) }),
            Self::Forget { .. } => None,
        }
    }
}

/// The answer of a signer.
#[derive(Debug, Clone)]
pub enum SignerAnswer {
    /// To [`SignerTask::Delegate`].
    Delegated {
        /// The signer.
        signer: PublicKey,
        /// The message key.
        message_key: PublicKey,
        /// Until when.
        not_after: TimestampMs,
        /// The signature of the digest.
        result: Result<Signature, SignerError>,
    },
    /// To [`SignerTask::GenerateNonces`].
    Nonces {
        /// The identity of the nonces.
        nonce_id: NonceId,
        /// One public nonce for each item.
        result: Result<Vec<PublicNonce>, SignerError>,
    },
    /// To [`SignerTask::Sign`].
    Signed {
        /// Which nonces.
        nonce_id: NonceId,
        /// One partial signature for each item.
        result: Result<Vec<PartialSignature>, SignerError>,
    },
}

/// The reason why a signer did not do a task.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignerError {
    /// There is no such signer here.
    #[error("this node has no such signer")]
    Unknown,
    /// The source of randomness failed.
    #[error("the source of randomness failed")]
    Randomness,
    /// The nonces of this nonce_id were made before, were used, have lapsed, or died with an earlier process.
    #[error("there are no unused nonces for this attempt")]
    NoNonces,
    /// The device refuses, or is not there; its own words.
    #[error("the signing device failed: {0}")]
    Device(String),
    /// The key is not in memory until its user unlocks it.
    #[error("the signer is locked")]
    Locked,
    /// Refusal of something that was approved before; the reason, for the other signers.
    #[error("{0}")]
    Declined(String),
    /// The arithmetic failed a check, which only broken hardware explains.
    #[error("a signature failed its own check")]
    Faulty,
}

/// A holder of one signer key: in memory, in a device, in an enclave or elsewhere.
///
/// Calls may block; they run on a pool, unless [`Signer::pace`] says that they only compute.
pub trait Signer: Send + Sync + fmt::Debug {
    /// The key.
    fn public_key(&self) -> PublicKey;

    /// The running time of the calls.
    fn pace(&self) -> Pace {
        Pace::Waits
    }

    /// Signs a delegation's digest with BIP-340.
    ///
    /// # Errors
    ///
    /// [`SignerError`].
    fn delegate(&self, digest: &[u8; 32]) -> Result<Signature, SignerError>;

    /// Makes fresh nonces for each item (BIP-327 NonceGen) and keeps the secret halves, in memory only. Where an item derives the
    /// signers' keys ([`SigningItem::child`]), they are nonces of the child key.
    ///
    /// # Errors
    ///
    /// [`SignerError::NoNonces`] if nonces were made for this nonce_id before.
    fn generate_nonces(&self, nonce_id: &NonceId, items: &[SigningItem]) -> Result<Vec<PublicNonce>, SignerError>;

    /// Signs each item (BIP-327 Sign), with the key or its child, and with the nonces of the nonce_id, which no longer exist when this returns.
    ///
    /// # Errors
    ///
    /// [`SignerError::NoNonces`] if there are none.
    fn sign(
        &self,
        nonce_id: &NonceId,
        items: &[SigningItem],
        nonces: &[Vec<PublicNonce>],
    ) -> Result<Vec<PartialSignature>, SignerError>;

    /// Destroys the nonces of the nonce_id.
    fn forget(&self, nonce_id: &NonceId);
}

impl<S: Signer + ?Sized> Signer for Arc<S> {
    fn public_key(&self) -> PublicKey {
        (**self).public_key()
    }

    fn pace(&self) -> Pace {
        (**self).pace()
    }

    fn delegate(&self, digest: &[u8; 32]) -> Result<Signature, SignerError> {
        (**self).delegate(digest)
    }

    fn generate_nonces(&self, nonce_id: &NonceId, items: &[SigningItem]) -> Result<Vec<PublicNonce>, SignerError> {
        (**self).generate_nonces(nonce_id, items)
    }

    fn sign(
        &self,
        nonce_id: &NonceId,
        items: &[SigningItem],
        nonces: &[Vec<PublicNonce>],
    ) -> Result<Vec<PartialSignature>, SignerError> {
        (**self).sign(nonce_id, items, nonces)
    }

    fn forget(&self, nonce_id: &NonceId) {
        (**self).forget(nonce_id);
    }
}
