//! The signer: nonces in the first round, partial signatures in the second (BIP-373).

use std::fmt;

use bitcoin::bip32::ChildNumber;
use motet_core_crypto::{
    ChildPath, NonceGenError, NonceInputs, PublicKey, PublicNonce, SecretKey, SecretNonce, SignError, generate_nonce,
};
use rand_core::TryCryptoRng;

use super::missing::Shares;
use super::plan::{OwnInput, SpendPlan};
use crate::descriptor::{KeyExpr, KeyMaterial, SingleKey};
use crate::fields::SigningKey;
use crate::form::input;
use crate::group::{Group, SigningTarget};
use crate::map::{Key, MapId};
use crate::raw::{EditError, RawPsbt};

/// The reason why a signer has not made nonces, or has not signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SignerError {
    /// The secret keys are of no signer of this spend path.
    #[error("the key is of no signer of this spend path")]
    NotASigner,
    /// Other signers have signed already, with nonces that a new one would make worthless.
    #[error(
        "input {input}: a partial signature is there already; a new nonce would make it worthless, so begin with a fresh copy of the PSBT"
    )]
    TooLate {
        /// The index of the input.
        input: usize,
    },
    /// The nonce could not be made.
    #[error(transparent)]
    Nonce(#[from] NonceGenError),
    /// Transaction, spent outputs, group, spend path or sighash types have changed since the nonces were made.
    #[error("the transaction or what it spends has changed since the nonces were made; nothing was signed")]
    Changed,
    /// Our own nonce is missing or another one.
    #[error("input {input}: our own nonce was removed or replaced; nothing was signed")]
    OwnNonce {
        /// The index of the input.
        input: usize,
    },
    /// A partial signature of our own is there already.
    #[error("input {input}: a partial signature of ours is there already; nothing was signed")]
    Signed {
        /// The index of the input.
        input: usize,
    },
    /// Nonces of other signers are missing.
    #[error("input {input}: the nonce of signer {signer} is missing")]
    MissingNonce {
        /// The index of the input.
        input: usize,
        /// The signer, by its number in the group's participants.
        signer: usize,
    },
    /// Signing failed.
    #[error(transparent)]
    Sign(#[from] SignError),
    /// The PSBT could not be changed.
    #[error(transparent)]
    Edit(#[from] EditError),
}

/// Nothing was signed, and the nonces are still there.
#[derive(Debug)]
pub struct Refused {
    /// The nonces, for another try.
    pub pending: PendingNonces,
    /// The reason.
    pub error: SignerError,
}

/// Secret keys of one signer, for all addresses of a group.
pub trait SecretKeys {
    /// The secret key of a participant's key at one address. None if the key is of another signer.
    ///
    /// `key` is derived from `participant` by `path`, which is empty where the aggregate key is derived instead.
    fn secret_key(&self, key: &PublicKey, participant: &SingleKey, path: &[ChildNumber]) -> Option<SecretKey>;
}

/// The key itself, and its children where a descriptor derives members' keys before it aggregates them: the descriptor has the chain code
/// of each extended key.
impl SecretKeys for SecretKey {
    fn secret_key(&self, key: &PublicKey, participant: &SingleKey, path: &[ChildNumber]) -> Option<SecretKey> {
        let found = match &participant.key {
            KeyMaterial::Xpub(xpub) if !path.is_empty() => {
                if xpub.public_key.serialize() != self.public_key().to_bytes() {
                    return None;
                }
                let steps: Vec<u32> = path.iter().copied().map(u32::from).collect();
                let path = ChildPath { chain_code: &xpub.chain_code.to_bytes(), steps: &steps };
                self.child(path).ok().flatten()?
            }
            KeyMaterial::Xpub(_)
            | KeyMaterial::Compressed(_)
            | KeyMaterial::Uncompressed(_)
            | KeyMaterial::XOnly(_) => Self::from_bytes(&self.dangerous_to_bytes()).ok()?,
        };
        (found.public_key() == *key).then_some(found)
    }
}

/// One nonce, for one input, signer, key and leaf.
struct Pending {
    input: usize,
    key: SigningKey,
    nonce: SecretNonce,
}

/// Secret nonces between the two rounds. They sign once, and are overwritten when dropped.
///
/// They cannot be copied or stored: if they are lost, the first round begins again.
///
/// ```compile_fail
/// fn twice(nonces: motet_psbt::PendingNonces) -> [motet_psbt::PendingNonces; 2] {
///     [nonces.clone(), nonces]
/// }
/// ```
pub struct PendingNonces {
    pending: Vec<Pending>,
    digest: [u8; 32],
}

impl fmt::Debug for PendingNonces {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PendingNonces").field("count", &self.pending.len()).finish_non_exhaustive()
    }
}

/// A key of this signer in a plan.
struct OwnKey<'a> {
    own: &'a OwnInput,
    target: &'a SigningTarget,
    key: SigningKey,
    secret: SecretKey,
}

impl SpendPlan {
    /// The first round: makes a fresh nonce for each signature that the keys take part in, and adds it to the PSBT.
    ///
    /// A public nonce that is there from an earlier attempt is replaced: its secret half is lost.
    ///
    /// # Errors
    ///
    /// [`SignerError`]. The PSBT is unchanged then.
    pub fn add_nonces<R: TryCryptoRng + ?Sized>(
        &self,
        psbt: &mut RawPsbt,
        group: &Group,
        keys: &impl SecretKeys,
        rng: &mut R,
    ) -> Result<PendingNonces, SignerError> {
        let mut changed = psbt.clone();
        let mut pending = Vec::new();
        for OwnKey { own, target, key, secret } in self.own_keys(group, keys)? {
            let input = own.input;
            if Shares::of(psbt, own, target).partials.iter().any(Option::is_some) {
                return Err(SignerError::TooLate { input });
            }
            let extra = [&(input as u64).to_le_bytes()[..], &key.key_data(), &self.digest()].concat();
            let inputs = NonceInputs {
                public_key: &key.participant,
                secret_key: Some(&secret),
                aggregate_key: Some(&key.aggregate.x_only()),
                message: Some(&own.message),
                extra: Some(&extra),
            };
            let (nonce, public) = generate_nonce(rng, &inputs)?;
            changed.set(MapId::Input(input), entry(input::MUSIG2_PUB_NONCE, &key), public.to_bytes().to_vec())?;
            pending.push(Pending { input, key, nonce });
        }
        *psbt = changed;
        Ok(PendingNonces { pending, digest: self.digest() })
    }

    /// The second round: signs with the nonces, which are used up, and adds the partial signatures to the PSBT.
    ///
    /// The plan must be made anew from the PSBT that has come back, so that a change of anything that is signed is found.
    ///
    /// # Errors
    ///
    /// [`Refused`], with the nonces, if something has changed or is missing.
    pub fn sign(
        &self,
        psbt: &mut RawPsbt,
        group: &Group,
        keys: &impl SecretKeys,
        nonces: PendingNonces,
    ) -> Result<(), Box<Refused>> {
        let own = match self.check(psbt, group, keys, &nonces) {
            Ok(own) => own,
            Err(error) => return Err(Box::new(Refused { pending: nonces, error })),
        };
        let digest = nonces.digest;
        let refused = |error| Box::new(Refused { pending: PendingNonces { pending: Vec::new(), digest }, error });
        let mut changed = psbt.clone();
        for (pending, OwnKey { own, target, key, secret }) in nonces.pending.into_iter().zip(own) {
            let session = Shares::of(psbt, own, target).session(own, target);
            let session = session.ok_or_else(|| refused(SignerError::OwnNonce { input: own.input }))?;
            let partial = session.sign(pending.nonce, &secret).map_err(|error| refused(error.into()))?;
            let value = partial.to_bytes().to_vec();
            changed
                .add(MapId::Input(own.input), entry(input::MUSIG2_PARTIAL_SIG, &key), value)
                .map_err(|error| refused(error.into()))?;
        }
        *psbt = changed;
        Ok(())
    }

    /// Checks everything before a nonce is used up.
    fn check<'a>(
        &'a self,
        psbt: &RawPsbt,
        group: &Group,
        keys: &impl SecretKeys,
        nonces: &PendingNonces,
    ) -> Result<Vec<OwnKey<'a>>, SignerError> {
        if self.digest() != nonces.digest || !self.fits(psbt) {
            return Err(SignerError::Changed);
        }
        let own = self.own_keys(group, keys)?;
        let same = |(own, pending): (&OwnKey<'_>, &Pending)| own.own.input == pending.input && own.key == pending.key;
        if own.len() != nonces.pending.len() || !own.iter().zip(&nonces.pending).all(same) {
            return Err(SignerError::Changed);
        }
        for (OwnKey { own, target, key, .. }, pending) in own.iter().zip(&nonces.pending) {
            let input = own.input;
            let shares = Shares::of(psbt, own, target);
            let place = target.context.index_of(&key.participant).unwrap_or(usize::MAX);
            let found: Option<PublicNonce> = shares.nonces.get(place).copied().flatten();
            if found.map(|nonce| nonce.to_bytes()) != Some(pending.nonce.public_nonce().to_bytes()) {
                return Err(SignerError::OwnNonce { input });
            }
            if shares.partials.get(place).copied().flatten().is_some() {
                return Err(SignerError::Signed { input });
            }
            if let Some(missing) = shares.nonces.iter().position(Option::is_none) {
                let signer = target.signers.get(missing).copied().unwrap_or_default();
                return Err(SignerError::MissingNonce { input, signer });
            }
        }
        Ok(own)
    }

    /// All keys of this signer in the plan, in its order.
    fn own_keys<'a>(&'a self, group: &Group, keys: &impl SecretKeys) -> Result<Vec<OwnKey<'a>>, SignerError> {
        let mut found = Vec::new();
        for own in &self.inputs {
            for target in &own.targets {
                let Some(KeyExpr::Musig(expr)) = group.descriptor().keys().get(target.key) else { continue };
                let order =
                    own.output.keys.get(target.key).and_then(|key| key.musig.as_ref()).map(|musig| &musig.order);
                for (index, place) in order.into_iter().flatten().enumerate() {
                    let (Some(single), Some(key)) = (expr.participants.get(*place), target.signing_key(index)) else {
                        continue;
                    };
                    let path = single.path.at(own.location.keychain.branch(), own.location.index).unwrap_or_default();
                    let secret = keys.secret_key(&key.participant, single, &path);
                    let secret = secret.filter(|secret| secret.public_key() == key.participant);
                    found.extend(secret.map(|secret| OwnKey { own, target, key, secret }));
                }
            }
        }
        if found.is_empty() { Err(SignerError::NotASigner) } else { Ok(found) }
    }
}

fn entry(kind: u64, key: &SigningKey) -> Key {
    Key::new(kind, &key.key_data())
}
