//! Keys and scripts of a Taproot descriptor at one branch and index.

use std::collections::BTreeSet;
use std::str::FromStr;

use bitcoin::bip32::{ChildNumber, Xpub};
use bitcoin::hashes::Hash as _;
use bitcoin::secp256k1::{Secp256k1, VerifyOnly};
use bitcoin::taproot::{ControlBlock, TapLeafHash};
use bitcoin::{ScriptBuf, TapNodeHash};
use motet_core_crypto::bip328::AggregateChild;
use motet_core_crypto::{KeyAggContext, PublicKey, XOnlyPublicKey};

use super::key::{KeyExpr, KeyMaterial, Musig, SingleKey};
use super::path::{PathExpr, Wildcard};
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
    /// The aggregation that signs for the key path, if the internal key is an aggregate: with the tweak of the script tree.
    pub key_path: Option<KeyAggContext>,
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
        self.output_of(&[], branch, index)
    }

    /// As [`output`](Self::output), with aggregations by the numbers of their keys that are the same at all addresses.
    pub(crate) fn output_of(&self, fixed: &[Option<Fixed>], branch: usize, index: u32) -> Result<Output, ResolveError> {
        let keys = self.resolve_keys(fixed, branch, index)?;
        let first = keys.first().ok_or(ResolveError::NotTaproot)?;
        let (first, musig) = (first.key, first.musig.as_ref().map(|musig| musig.context.clone()));
        match self.kind {
            DescriptorKind::Other => Err(ResolveError::NotTaproot),
            DescriptorKind::RawTaproot => {
                let script = taproot_script(&first);
                Ok(Output { script, output_key: first, keys, key_path: musig, merkle_root: None, leaves: Vec::new() })
            }
            DescriptorKind::Taproot if self.leaf_keys().is_empty() => {
                let (output_key, key_path) = output_key(&first, musig, None)?;
                let script = taproot_script(&output_key);
                Ok(Output { script, output_key, keys, key_path, merkle_root: None, leaves: Vec::new() })
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
                let (output_key, key_path) = output_key(&first, musig, root.as_ref())?;
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
                let script = taproot_script(&output_key);
                Ok(Output { script, output_key, keys, key_path, merkle_root, leaves })
            }
        }
    }

    /// The keys at a branch and an index.
    fn resolve_keys(
        &self,
        fixed: &[Option<Fixed>],
        branch: usize,
        index: u32,
    ) -> Result<Vec<ResolvedKey>, ResolveError> {
        let secp = Secp256k1::verification_only();
        let resolved = |(number, key): (usize, &KeyExpr)| match fixed.get(number) {
            Some(Some(fixed)) => fixed.derived(key, number, branch, index),
            _ => resolve_key(&secp, key, number, branch, index),
        };
        (0..).zip(&self.keys).map(resolved).collect()
    }

    /// The aggregations that are the same at all addresses, by the numbers of their keys: those of participants without paths.
    pub(crate) fn fixed(&self, branches: usize) -> Vec<Option<Fixed>> {
        let secp = Secp256k1::verification_only();
        let fixed = |(number, key): (usize, &KeyExpr)| {
            let KeyExpr::Musig(musig) = key else { return None };
            let has_paths = musig.participants.iter().any(|single| single.path != PathExpr::EMPTY);
            if has_paths {
                return None;
            }
            Some(Fixed::new(&secp, musig, number, 0, 0).ok()?.prepared(&musig.path, branches))
        };
        (0..).zip(&self.keys).map(fixed).collect()
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
        KeyExpr::Musig(musig) => Fixed::new(secp, musig, number, branch, index)?.derived(key, number, branch, index),
    }
}

/// An aggregation before the derivation after `musig()`.
#[derive(Debug, Clone)]
pub(crate) struct Fixed {
    context: KeyAggContext,
    /// The place of each participant in the text, in the order of `context.keys()`.
    order: Vec<usize>,
    /// The key before the last step of the addresses, for each branch that was prepared.
    parents: Vec<Option<AggregateChild>>,
}

impl Fixed {
    /// With the steps that all addresses of a branch have in common, for all branches.
    fn prepared(mut self, path: &PathExpr, branches: usize) -> Self {
        let parent = |branch| {
            let steps = steps(path, branch, 0)?;
            let (_, before) = steps.split_last()?;
            AggregateChild::root(self.context.clone()).descendant(before).ok()
        };
        self.parents =
            if path.wildcard() == Wildcard::Normal { (0..branches).map(parent).collect() } else { Vec::new() };
        self
    }

    fn new(
        secp: &Secp256k1<VerifyOnly>,
        musig: &Musig,
        number: usize,
        branch: usize,
        index: u32,
    ) -> Result<Self, ResolveError> {
        let mut keys = (0..)
            .zip(&musig.participants)
            .map(|(place, single)| Ok((resolve_single(secp, single, number, branch, index)?, place)))
            .collect::<Result<Vec<_>, ResolveError>>()?;
        keys.sort();
        let (sorted, order): (Vec<_>, Vec<_>) = keys.into_iter().unzip();
        let context = KeyAggContext::with_duplicates(&sorted).map_err(|_| ResolveError::NoKey { number })?;
        Ok(Self { context, order, parents: Vec::new() })
    }

    /// The key expression at an address.
    fn derived(&self, key: &KeyExpr, number: usize, branch: usize, index: u32) -> Result<ResolvedKey, ResolveError> {
        let KeyExpr::Musig(Musig { path, .. }) = key else { return Err(ResolveError::NoKey { number }) };
        let steps = steps(path, branch, index).ok_or(ResolveError::NoAddress { branch, index })?;
        let child = match (self.parents.get(branch), steps.last()) {
            (Some(Some(parent)), Some(last)) => parent.clone().descendant(&[*last]),
            _ => AggregateChild::root(self.context.clone()).descendant(&steps),
        };
        let context = child.map_err(|_| ResolveError::NoKey { number })?.into_context();
        let (aggregate, order) = (self.context.aggregate_plain(), self.order.clone());
        Ok(ResolvedKey { key: context.aggregate_plain(), musig: Some(ResolvedMusig { context, aggregate, order }) })
    }
}

/// The numbers of the steps to an address.
fn steps(path: &PathExpr, branch: usize, index: u32) -> Option<Vec<u32>> {
    Some(path.at(branch, index)?.into_iter().map(u32::from).collect())
}

/// The output key of an internal key, and its aggregation if the internal key is one.
fn output_key(
    internal: &PublicKey,
    musig: Option<KeyAggContext>,
    root: Option<&[u8; 32]>,
) -> Result<(PublicKey, Option<KeyAggContext>), ResolveError> {
    let no_key = ResolveError::NoKey { number: 0 };
    match musig {
        Some(context) => {
            let tweaked = context.with_taproot(root).map_err(|_| no_key)?;
            Ok((tweaked.aggregate_plain(), Some(tweaked)))
        }
        None => Ok((internal.x_only().taproot_output(root).map_err(|_| no_key)?, None)),
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
