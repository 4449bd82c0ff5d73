//! Copies of a PSBT for signers that are other programs: Bitcoin Core, Ledger and Coldcard.
//!
//! These signers refuse fields that BIP-373 allows, or need others. [`SpendPlan::export`] makes a copy that the signer accepts. The
//! signer's answer is merged into the full PSBT by [`RawPsbt::combine`], which loses nothing: keep the full PSBT until then.
//!
//! The rules come from the sources of Core 31, Ledger's Bitcoin app 2.4 and Coldcard Edge 6.5.

use std::collections::BTreeSet;

use motet_core_crypto::{PublicKey, XOnlyPublicKey};

use crate::descriptor::{Descriptor, DescriptorError, KeyExpr, Musig};
use crate::fields::{SigningKey, TapOrigin};
use crate::form::input;
use crate::group::Group;
use crate::map::{Key, MapId};
use crate::raw::{EditError, LocktimeConflict, RawPsbt};
use crate::roles::{OwnInput, Share, SpendPlan};
use crate::version::Version;

/// The program that a copy is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Profile {
    /// Bitcoin Core 31. It reads version 0, makes nonces for every path, and forgets them when it is restarted.
    ///
    /// Core 31.0 and 31.1 stop when a file comes back without the nonce that they made: give them each file once, and the second
    /// one with all nonces.
    Core,
    /// The Bitcoin app of Ledger devices. It reads version 2, refuses the nonces of others before it has made its own and the
    /// partial signatures of others always, and signs all paths whose keys are described.
    Ledger,
    /// Coldcard with the Edge firmware. It needs all fields of BIP-373.
    Coldcard,
}

/// The reason why there is no copy for a signer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ExportError {
    /// The signer is not one of the group.
    #[error("the group has no signer {signer}")]
    NoSigner {
        /// The number that was given.
        signer: usize,
    },
    /// The device knows groups alone that derive the aggregate key.
    #[error(
        "key {number} of the descriptor derives the participants before they are aggregated; the device signs only for musig(..)/<0;1>/*"
    )]
    Derivation {
        /// The number of the key expression.
        number: usize,
    },
    /// More participants than the device handles.
    #[error("key {number} of the descriptor has {count} participants; a Ledger handles 16")]
    Participants {
        /// The number of the key expression.
        number: usize,
        /// The number of participants.
        count: usize,
    },
    /// The PSBT has no equal in the version that the signer reads.
    #[error(transparent)]
    Locktime(#[from] LocktimeConflict),
    /// A field of the PSBT contradicts what the group knows.
    #[error(transparent)]
    Edit(#[from] EditError),
}

/// Most participants of one aggregate key on a Ledger.
const LEDGER_PARTICIPANTS_MAX: usize = 16;

impl Profile {
    /// The text of a descriptor with its checksum, in the form that the program writes.
    ///
    /// Ledger marks hardened steps with `'`, the others with `h`. The checksums of the two texts differ.
    ///
    /// # Errors
    ///
    /// [`DescriptorError`] if the text has a character that no descriptor may have.
    pub fn descriptor(self, descriptor: &Descriptor) -> Result<String, DescriptorError> {
        match self {
            Self::Core | Self::Coldcard => descriptor.text_with(KeyExpr::to_string),
            Self::Ledger => descriptor.text_with(|key| with_apostrophes(&key.to_string())),
        }
    }

    /// The version of the format that the program gets, from the version of the full PSBT.
    const fn version(self, version: Version) -> Version {
        match self {
            Self::Core => Version::V0,
            Self::Ledger => Version::V2,
            Self::Coldcard => version,
        }
    }

    /// Checks that the device can sign for a group at all.
    fn check(self, group: &Group) -> Result<(), ExportError> {
        if self == Self::Core {
            return Ok(());
        }
        for (number, key) in group.descriptor().keys().iter().enumerate() {
            let KeyExpr::Musig(Musig { participants, .. }) = key else { continue };
            if participants.iter().any(|participant| !participant.path.is_empty()) {
                return Err(ExportError::Derivation { number });
            }
            let count = participants.len();
            if self == Self::Ledger && count > LEDGER_PARTICIPANTS_MAX {
                return Err(ExportError::Participants { number, count });
            }
        }
        Ok(())
    }
}

impl SpendPlan {
    /// A copy of the PSBT for one signer that is another program. Its answer is merged back by [`RawPsbt::combine`].
    ///
    /// `signer` is the number of its key in [`Group::participants`]. The copy has all that the group knows about its inputs and
    /// outputs, less what the program refuses.
    ///
    /// # Errors
    ///
    /// [`ExportError`].
    pub fn export(
        &self,
        psbt: &RawPsbt,
        group: &Group,
        profile: Profile,
        signer: usize,
    ) -> Result<RawPsbt, ExportError> {
        if signer >= group.participants().len() {
            return Err(ExportError::NoSigner { signer });
        }
        profile.check(group)?;
        let mut copy = psbt.to_version(profile.version(psbt.version()))?;
        self.update(&mut copy, group)?;
        if profile == Profile::Ledger {
            let missing = self.missing(psbt);
            for own in &self.inputs {
                let is_first_round = missing
                    .iter()
                    .any(|missing| (missing.input, missing.signer, missing.share) == (own.input, signer, Share::Nonce));
                strip_for_ledger(&mut copy, own, signer, is_first_round)?;
            }
        }
        Ok(copy)
    }
}

/// Removes what a Ledger refuses, and the origins of keys that sign on other paths, which it would sign as well.
fn strip_for_ledger(copy: &mut RawPsbt, own: &OwnInput, signer: usize, is_first_round: bool) -> Result<(), EditError> {
    let mut own_keys: BTreeSet<PublicKey> = BTreeSet::new();
    let mut described: BTreeSet<XOnlyPublicKey> = BTreeSet::new();
    for target in &own.targets {
        described.extend(own.output.keys.get(target.key).map(|key| key.key.x_only()));
        for (key, number) in target.context.keys().iter().zip(&target.signers) {
            described.insert(key.x_only());
            if *number == signer {
                own_keys.insert(*key);
            }
        }
    }
    let is_foreign =
        |key: &Key| SigningKey::parse(key.data()).is_ok_and(|share| !own_keys.contains(&share.participant));
    // The key data of an origin is its key alone, so no value is needed to know it.
    let is_of_other_path = |key: &Key| TapOrigin::key_of(key.data()).is_some_and(|key| !described.contains(&key));
    copy.remove(MapId::Input(own.input), |key| match key.kind() {
        input::MUSIG2_PUB_NONCE => is_first_round && is_foreign(key),
        input::MUSIG2_PARTIAL_SIG => is_foreign(key),
        input::TAP_BIP32_DERIVATION => is_of_other_path(key),
        _ => false,
    })
}

/// A key expression with `'` in place of the `h` of hardened steps, and nowhere else: other parts may have the letter too.
fn with_apostrophes(key: &str) -> String {
    let is_end = |c: char| "/[]<>;,()".contains(c);
    key.split_inclusive(is_end)
        .map(|part| {
            let (step, end) = part.find(is_end).map_or((part, ""), |place| part.split_at(place));
            match step.strip_suffix('h') {
                Some(number) if number == "*" || (!number.is_empty() && number.bytes().all(|b| b.is_ascii_digit())) => {
                    format!("{number}'{end}")
                }
                _ => part.to_owned(),
            }
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_hardened_steps_get_an_apostrophe() {
        let key = "musig([00112233/87h/1h/0h]xpub9h3h/<0h;1>/*h,xpub5h)/0h/7";
        assert_eq!(with_apostrophes(key), "musig([00112233/87'/1'/0']xpub9h3h/<0';1>/*',xpub5h)/0'/7");
    }
}
