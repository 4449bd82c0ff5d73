//! The combiner's questions: what is still missing, and whose partial signature is wrong.

use std::collections::BTreeMap;

use motet_core_crypto::{AggregateNonce, PartialSignature, PublicNonce, SigningSession};

use super::plan::{OwnInput, SpendPlan};
use crate::fields::SigningKey;
use crate::group::SigningTarget;
use crate::raw::RawPsbt;

/// A kind of share that a signer adds to a PSBT.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Share {
    /// A public nonce.
    Nonce,
    /// A partial signature.
    PartialSignature,
}

/// A share that is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Missing {
    /// The index of the input.
    pub input: usize,
    /// The signer, by its number in [`Group::participants`](crate::Group::participants).
    pub signer: usize,
    /// The number of the key expression that signs.
    pub key: usize,
    /// The share that is missing.
    pub share: Share,
}

/// A partial signature that does not verify. Its signer sent it, or somebody has changed it or a nonce on the way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Blame {
    /// The index of the input.
    pub input: usize,
    /// The signer, by its number in [`Group::participants`](crate::Group::participants).
    pub signer: usize,
    /// The number of the key expression that signs.
    pub key: usize,
}

/// Nonces and partial signatures of one target, in the order of its keys.
pub(super) struct Shares {
    pub(super) nonces: Vec<Option<PublicNonce>>,
    pub(super) partials: Vec<Option<PartialSignature>>,
}

impl Shares {
    pub(super) fn of(psbt: &RawPsbt, own: &OwnInput, target: &SigningTarget) -> Self {
        let fields = psbt.input(own.input);
        let nonces: BTreeMap<SigningKey, _> =
            fields.iter().flat_map(|input| input.public_nonces()).map(|found| (found.key, found.nonce)).collect();
        let partials: BTreeMap<SigningKey, _> = fields
            .iter()
            .flat_map(|input| input.partial_signatures())
            .map(|found| (found.key, found.signature))
            .collect();
        let keys = || (0..target.context.keys().len()).map(|place| target.signing_key(place));
        Self {
            nonces: keys().map(|key| nonces.get(&key?).copied()).collect(),
            partials: keys().map(|key| partials.get(&key?).copied()).collect(),
        }
    }

    /// The session of all nonces, if they are all there.
    pub(super) fn session(&self, own: &OwnInput, target: &SigningTarget) -> Option<SigningSession> {
        let nonces = self.nonces.iter().copied().collect::<Option<Vec<_>>>()?;
        Some(SigningSession::new(&target.context, &AggregateNonce::sum(&nonces), &own.message))
    }
}

impl SpendPlan {
    /// All shares that are not in the PSBT yet. Inputs that are final lack none.
    pub fn missing(&self, psbt: &RawPsbt) -> Vec<Missing> {
        let mut missing = Vec::new();
        for (own, target) in self.open_targets(psbt) {
            let shares = Shares::of(psbt, own, target);
            for (place, signer) in target.signers.iter().enumerate() {
                let of = |share| Missing { input: own.input, signer: *signer, key: target.key, share };
                if matches!(shares.nonces.get(place), None | Some(None)) {
                    missing.push(of(Share::Nonce));
                }
                if matches!(shares.partials.get(place), None | Some(None)) {
                    missing.push(of(Share::PartialSignature));
                }
            }
        }
        missing
    }

    /// Verifies each partial signature in the PSBT for which all nonces are there, and names the wrong ones.
    pub fn verify_partials(&self, psbt: &RawPsbt) -> Vec<Blame> {
        let mut blames = Vec::new();
        for (own, target) in self.open_targets(psbt) {
            let shares = Shares::of(psbt, own, target);
            let Some(session) = shares.session(own, target) else { continue };
            for (place, (nonce, partial)) in shares.nonces.iter().zip(&shares.partials).enumerate() {
                if let (Some(nonce), Some(partial), Some(signer)) = (nonce, partial, target.signers.get(place))
                    && session.verify_partial(place, nonce, partial).is_err()
                {
                    blames.push(Blame { input: own.input, signer: *signer, key: target.key });
                }
            }
        }
        blames
    }

    /// The targets of inputs that are not final.
    fn open_targets(&self, psbt: &RawPsbt) -> impl Iterator<Item = (&OwnInput, &SigningTarget)> {
        let is_open = |own: &&OwnInput| !psbt.input(own.input).is_some_and(|input| input.is_final());
        let open: Vec<_> = self.inputs.iter().filter(is_open).collect();
        open.into_iter().flat_map(|own| own.targets.iter().map(move |target| (own, target)))
    }
}
