//! Secret nonces, computed again from what they were made of (BIP-327 NonceGen, as `docs/protocol.md` §7.1 feeds it).

use motet_core_crypto::{PublicKey, PublicNonce, SecretKey, XOnlyPublicKey, tagged_hash};
use motet_wire::{Attempt, AttemptId};

/// Whose nonce, of what.
pub(crate) struct Made<'a> {
    pub(crate) key: &'a SecretKey,
    pub(crate) aggregate_key: &'a XOnlyPublicKey,
    pub(crate) message: &'a [u8],
    pub(crate) session: AttemptId,
    pub(crate) attempt: Attempt,
    pub(crate) item: u32,
}

impl Made<'_> {
    /// The two secret nonces behind a public one, if this is the randomness that they came from. That they are is proven:
    /// they have this public half.
    pub(crate) fn open(&self, random: &[u8; 32], public: &PublicNonce) -> Option<[[u8; 32]; 2]> {
        let mask = tagged_hash("MuSig/aux", &[random]);
        let key = self.key.dangerous_to_bytes();
        let masked: Vec<u8> = key.iter().zip(mask).map(|(key, mask)| key ^ mask).collect();
        let length = (self.message.len() as u64).to_be_bytes();
        let (attempt, item) = (self.attempt.0.to_be_bytes(), self.item.to_be_bytes());
        let extra: Vec<u8> = [self.session.as_bytes().as_slice(), &attempt, &item].concat();
        let secrets = [0u8, 1].map(|half| {
            let public_key: PublicKey = self.key.public_key();
            let parts: [&[u8]; 11] = [
                &masked,
                &[33],
                &public_key.to_bytes(),
                &[32],
                &self.aggregate_key.to_bytes(),
                &[1],
                &length,
                self.message,
                &(extra.len() as u32).to_be_bytes(),
                &extra,
                &[half],
            ];
            // One hash in 2^128 is not below the order.
            tagged_hash("MuSig/nonce", &parts)
        });
        let points = secrets.map(|secret| SecretKey::from_bytes(&secret).unwrap().public_key().to_bytes());
        (points.concat() == public.to_bytes()).then_some(secrets)
    }
}
