//! Keys and scripts of a Taproot descriptor at one branch and index.

use std::collections::BTreeSet;
use std::str::FromStr;

use bitcoin::bip32::{ChildNumber, Xpub};
use bitcoin::hashes::Hash as _;
use bitcoin::secp256k1::{Secp256k1, VerifyOnly};
use bitcoin::taproot::{ControlBlock, TapLeafHash};
use bitcoin::{ScriptBuf, TapNodeHash};
use motet_core_crypto::{KeyAggContext, PublicKey, XOnlyPublicKey};

use super::key::{KeyExpr, KeyMaterial, Musig, SingleKey};
use super::scan::Piece;
use super::{Descriptor, DescriptorKind};

/// The reason why the output of a descriptor cannot be computed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ResolveError {
    /// The descriptor is neither `tr()` nor `rawtr()`.
    #[error("only descriptors with tr() or rawtr() are signed for here")]
    NotTaproot,
    /// There is no such branch, or the index is 2^31 or more.
    #[error("the descriptor has no branch {branch} with an address {index}")]
    NoAddress {
        /// The branch.
        branch: usize,
        /// The index.
        index: u32,
    },
    /// A key with hardened steps, which only its owner can derive.
    #[error(
        "key {number} has hardened steps below an extended public key; replace it by the key that these steps lead to"
    )]
    Hardened {
        /// The number of the key.
        number: usize,
    },
    /// The keys of one `musig()`, or one derivation, lead to no key. That happens by chance in 1 of 2^127 cases.
    #[error("key {number} does not exist at this address")]
    NoKey {
        /// The number of the key.
        number: usize,
    },
    /// The scripts with the keys of this address are refused, in the words of the miniscript library.
    #[error("the scripts are refused at branch {branch}: {reason}")]
    Tree {
        /// The branch.
        branch: usize,
        /// The reason.
        reason: String,
    },
}

/// A key expression at one address.
#[derive(Debug, Clone)]
pub struct ResolvedKey {
    /// The key that stands in the script, or is the internal key. With the parity that it has.
    pub key: PublicKey,
    /// The aggregation, if the expression is `musig()`.
    pub musig: Option<ResolvedMusig>,
}

/// A `musig()` expression at one address.
#[derive(Debug, Clone)]
pub struct ResolvedMusig {
    /// The aggregation of the sorted participants, with the derivation after `musig()`.
    pub context: KeyAggContext,
    /// The aggregate key before that derivation.
    pub aggregate: PublicKey,
    /// The place of each participant in the text, in the order of `context.keys()`.
    pub order: Vec<usize>,
}

/// The output of a descriptor at one address.
#[derive(Debug, Clone)]
pub struct Output {
    /// The script of the output.
    pub script: ScriptBuf,
    /// The output key with its parity.
    pub output_key: PublicKey,
    /// The keys, in the order of the descriptor. The first one is the internal key, or of `rawtr()` the output key.
    pub keys: Vec<ResolvedKey>,
    /// The root of the script tree.
    pub merkle_root: Option<TapNodeHash>,
    /// The leaves in the order of the descriptor.
    pub leaves: Vec<LeafOutput>,
}

/// A script leaf at one address.
#[derive(Debug, Clone)]
pub struct LeafOutput {
    /// The script.
    pub script: ScriptBuf,
    /// The hash of the leaf.
    pub hash: TapLeafHash,
    /// The proof that the leaf is in the tree.
    pub control_block: ControlBlock,
    /// The depth of the leaf.
    pub depth: u8,
    /// The numbers of the keys in the script, ascending.
    pub keys: BTreeSet<usize>,
}

impl Descriptor {
    /// Computes keys and scripts at a branch and an index. The index has no meaning if the descriptor is not ranged.
    ///
    /// # Errors
    ///
    /// [`ResolveError`].
    pub fn output(&self, branch: usize, index: u32) -> Result<Output, ResolveError> {
        let keys = self.resolve_keys(branch, index)?;
        let first = keys.first().ok_or(ResolveError::NotTaproot)?.key;
        match self.kind {
            DescriptorKind::Other => Err(ResolveError::NotTaproot),
            DescriptorKind::RawTaproot => {
                let script = taproot_script(&first);
                Ok(Output { script, output_key: first, keys, merkle_root: None, leaves: Vec::new() })
            }
            DescriptorKind::Taproot => {
                let tree = |reason: miniscript::Error| ResolveError::Tree { branch, reason: reason.to_string() };
                let parsed = miniscript::Descriptor::from_str(&self.with_keys(&keys)).map_err(tree)?;
                // Equal keys in one leaf are found only here.
                parsed.sanity_check().map_err(tree)?;
                let miniscript::Descriptor::Tr(tr) = parsed else { return Err(ResolveError::NotTaproot) };
                let spend_info = tr.spend_info();
                let merkle_root = spend_info.merkle_root();
                let root = merkle_root.map(|root| root.to_byte_array());
                let output_key =
                    first.x_only().taproot_output(root.as_ref()).map_err(|_| ResolveError::NoKey { number: 0 })?;
                let leaf =
                    |(item, keys): (miniscript::descriptor::TrSpendInfoIterItem<'_, bitcoin::XOnlyPublicKey>, _)| {
                        LeafOutput {
                            script: item.script().to_owned(),
                            hash: item.leaf_hash(),
                            control_block: item.control_block().clone(),
                            depth: item.depth(),
                            keys,
                        }
                    };
                let leaves = spend_info.leaves().zip(self.leaf_keys()).map(leaf).collect();
                Ok(Output { script: taproot_script(&output_key), output_key, keys, merkle_root, leaves })
            }
        }
    }

    /// The keys at a branch and an index.
    fn resolve_keys(&self, branch: usize, index: u32) -> Result<Vec<ResolvedKey>, ResolveError> {
        let secp = Secp256k1::verification_only();
        (0..).zip(&self.keys).map(|(number, key)| resolve_key(&secp, key, number, branch, index)).collect()
    }

    /// The text with x-only keys, in which each `sortedmulti_a` is a `multi_a` of sorted keys.
    fn with_keys(&self, keys: &[ResolvedKey]) -> String {
        let x_only = |number: usize| keys.get(number).map(|key| key.key.x_only().to_string()).unwrap_or_default();
        let mut text = String::new();
        // The keys of the `sortedmulti_a` that is open.
        let mut sorted: Option<Vec<String>> = None;
        for piece in &self.pieces {
            match piece {
                Piece::Key(number) => match &mut sorted {
                    Some(keys) => keys.push(x_only(*number)),
                    None => text.push_str(&x_only(*number)),
                },
                Piece::Text(piece) => {
                    if let Some(mut keys) = sorted.take_if(|_| piece.contains(')')) {
                        keys.sort();
                        text.push_str(&keys.join(","));
                    }
                    if sorted.is_none() {
                        text.push_str(&piece.replace("sortedmulti_a(", "multi_a("));
                    }
                    if sorted.is_none() && opens_sorted(piece) {
                        sorted = Some(Vec::new());
                    }
                }
            }
        }
        text
    }

    /// The numbers of the keys in each leaf, in the order of the leaves.
    fn leaf_keys(&self) -> Vec<BTreeSet<usize>> {
        let mut leaves = vec![BTreeSet::new()];
        // A comma outside of round brackets separates two leaves, but the first one separates the internal key from the tree.
        let mut depth = 0_usize;
        for piece in &self.pieces {
            match piece {
                Piece::Key(number) => {
                    if let Some(leaf) = leaves.last_mut() {
                        leaf.insert(*number);
                    }
                }
                Piece::Text(text) => {
                    for character in text.chars() {
                        match character {
                            '(' => depth += 1,
                            ')' => depth = depth.saturating_sub(1),
                            ',' if depth == 1 => leaves.push(BTreeSet::new()),
                            _ => {}
                        }
                    }
                }
            }
        }
        leaves.split_off(1)
    }
}

/// True if a text ends inside of a `sortedmulti_a` before its first key.
fn opens_sorted(text: &str) -> bool {
    text.rfind('(')
        .and_then(|place| text.get(..place))
        .is_some_and(|before| before.ends_with("sortedmulti_a") && text.ends_with(','))
}

/// The script of a Taproot output with an output key.
pub(crate) fn taproot_script(output_key: &PublicKey) -> ScriptBuf {
    // OP_1, and a push of 32 bytes.
    ScriptBuf::from_bytes([&[0x51, 0x20][..], &output_key.x_only().to_bytes()].concat())
}

/// The point of an x-only key: the one with an even y.
pub(crate) fn lift(key: &XOnlyPublicKey) -> Option<PublicKey> {
    PublicKey::from_slice(&[&[2][..], &key.to_bytes()].concat()).ok()
}

fn resolve_key(
    secp: &Secp256k1<VerifyOnly>,
    key: &KeyExpr,
    number: usize,
    branch: usize,
    index: u32,
) -> Result<ResolvedKey, ResolveError> {
    match key {
        KeyExpr::Single(single) => {
            Ok(ResolvedKey { key: resolve_single(secp, single, number, branch, index)?, musig: None })
        }
        KeyExpr::Musig(Musig { participants, path }) => {
            let mut keys = (0..)
                .zip(participants)
                .map(|(place, single)| Ok((resolve_single(secp, single, number, branch, index)?, place)))
                .collect::<Result<Vec<_>, ResolveError>>()?;
            keys.sort();
            let (sorted, order): (Vec<_>, Vec<_>) = keys.into_iter().unzip();
            let no_key = ResolveError::NoKey { number };
            let bare = KeyAggContext::with_duplicates(&sorted).map_err(|_| no_key.clone())?;
            let aggregate = bare.aggregate_plain();
            let steps = path.at(branch, index).ok_or(ResolveError::NoAddress { branch, index })?;
            let steps: Vec<u32> = steps.into_iter().map(u32::from).collect();
            let context = bare.with_bip328_path(&steps).map_err(|_| no_key)?;
            Ok(ResolvedKey { key: context.aggregate_plain(), musig: Some(ResolvedMusig { context, aggregate, order }) })
        }
    }
}

fn resolve_single(
    secp: &Secp256k1<VerifyOnly>,
    single: &SingleKey,
    number: usize,
    branch: usize,
    index: u32,
) -> Result<PublicKey, ResolveError> {
    let no_key = ResolveError::NoKey { number };
    match &single.key {
        KeyMaterial::Compressed(key) => Ok(*key),
        KeyMaterial::XOnly(key) => lift(key).ok_or(no_key),
        KeyMaterial::Uncompressed(key) => PublicKey::from_bytes(&key.serialize()).map_err(|_| no_key),
        KeyMaterial::Xpub(xpub) => {
            let path = single.path.at(branch, index).ok_or(ResolveError::NoAddress { branch, index })?;
            if path.iter().any(ChildNumber::is_hardened) {
                return Err(ResolveError::Hardened { number });
            }
            let child: Xpub = xpub.derive_pub(secp, &path).map_err(|_| no_key.clone())?;
            PublicKey::from_bytes(&child.public_key.serialize()).map_err(|_| no_key)
        }
    }
}
