//! Members that sign with other programs, as those behave: Bitcoin Core 31, and a Ledger.

use std::collections::BTreeMap;

use motet_core_crypto::SecretKey;
use motet_psbt::fields::SigningKey;
use motet_psbt::{Group, PathId, PendingNonces, RawPsbt, SignerError, SpendPlan, Version};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

use crate::treasury::GAP;

const PUB_NONCE: u64 = 0x1b;
const PARTIAL_SIG: u64 = 0x1c;

/// The signing keys of all nonces, or of all partial signatures.
fn shares(psbt: &RawPsbt, kind: u64) -> Vec<SigningKey> {
    psbt.inputs().iter().flat_map(|map| map.of_kind(kind)).map(|(data, _)| SigningKey::parse(data).unwrap()).collect()
}

fn plan(psbt: &RawPsbt, group: &Group, path: PathId) -> SpendPlan {
    SpendPlan::new(psbt, group, path, GAP).unwrap()
}

/// A wallet that does what Bitcoin Core 31 does: one call for each file, and no word about what it left out.
pub(crate) struct Core<'a> {
    key: SecretKey,
    group: &'a Group,
    /// Secret nonces by path, in memory alone.
    nonces: BTreeMap<PathId, PendingNonces>,
    calls: u8,
}

impl<'a> Core<'a> {
    pub(crate) fn new(key: SecretKey, group: &'a Group) -> Self {
        Self { key, group, nonces: BTreeMap::new(), calls: 0 }
    }

    /// `walletprocesspsbt`.
    pub(crate) fn process(&mut self, mut psbt: RawPsbt) -> RawPsbt {
        self.calls += 1;
        assert_eq!(psbt.version(), Version::V0, "Core 31 does not read version 2");
        for path in self.group.spend_paths().iter().map(|path| path.id) {
            let plan = plan(&psbt, self.group, path);
            let in_path = |key: &SigningKey| {
                plan.inputs[0].targets.iter().any(|target| target.context.aggregate_plain() == key.aggregate)
            };
            let is_own = |key: &SigningKey| key.participant == self.key.public_key();
            if shares(&psbt, PUB_NONCE).iter().any(|key| in_path(key) && is_own(key)) {
                if let Some(pending) = self.nonces.remove(&path) {
                    match plan.sign(&mut psbt, self.group, &self.key, pending) {
                        Ok(()) => {}
                        Err(refused) => drop(self.nonces.insert(path, refused.pending)),
                    }
                }
                continue;
            }
            // The file came back without the nonce: Core has one in memory and stops. Its users restart it, and it is lost.
            self.nonces.remove(&path);
            if shares(&psbt, PARTIAL_SIG).iter().any(in_path) {
                continue;
            }
            let mut rng = ChaCha20Rng::from_seed([100 + self.calls; 32]);
            match plan.add_nonces(&mut psbt, self.group, &self.key, &mut rng) {
                Ok(pending) => drop(self.nonces.insert(path, pending)),
                Err(error) => assert_eq!(error, SignerError::NotASigner),
            }
        }
        psbt
    }
}

/// A device that does what a Ledger does. It says nothing but that it refuses.
pub(crate) struct Ledger<'a> {
    pub(crate) key: SecretKey,
    pub(crate) group: &'a Group,
    pub(crate) session: Option<PendingNonces>,
}

impl Ledger<'_> {
    pub(crate) fn process(&mut self, mut psbt: RawPsbt) -> Result<RawPsbt, u16> {
        const CRYPTIC: u16 = 0x6a80;
        let is_own = |key: &SigningKey| key.participant == self.key.public_key();
        let foreign = |kind| shares(&psbt, kind).iter().any(|key| !is_own(key));
        let own = |kind| shares(&psbt, kind).iter().any(is_own);
        if psbt.version() != Version::V2 || foreign(PARTIAL_SIG) || (foreign(PUB_NONCE) && !own(PUB_NONCE)) {
            return Err(CRYPTIC);
        }
        let plan = plan(&psbt, self.group, PathId::Key);
        match self.session.take() {
            None => {
                let mut rng = ChaCha20Rng::from_seed([9; 32]);
                self.session = Some(plan.add_nonces(&mut psbt, self.group, &self.key, &mut rng).unwrap());
            }
            Some(pending) => plan.sign(&mut psbt, self.group, &self.key, pending).map_err(|_| CRYPTIC)?,
        }
        Ok(psbt)
    }
}
