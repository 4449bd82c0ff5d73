//! Taproot fields of a PSBT (BIP-371): signatures, leaf scripts with their control blocks, and script trees.

use bitcoin::ScriptBuf;
use bitcoin::hashes::Hash as _;
use bitcoin::taproot::TapLeafHash;
use motet_core_crypto::{Signature, XOnlyPublicKey};

use super::sighash::SighashType;
use crate::bytes::{Reader, put_sized};
use crate::limits::TREE_DEPTH_MAX;
use crate::malformed::Malformed;

/// Schnorr signature as it stands in a witness: 64 bytes, and the sighash type if it is not the default.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TapSignature {
    /// The signature.
    pub signature: Signature,
    /// The sighash type.
    pub sighash: SighashType,
}

impl TapSignature {
    /// Reads a value of `PSBT_IN_TAP_KEY_SIG` or `PSBT_IN_TAP_SCRIPT_SIG`.
    ///
    /// # Errors
    ///
    /// [`Malformed`].
    pub fn parse(value: &[u8]) -> Result<Self, Malformed> {
        let length = Malformed::ValueLength { found: value.len(), expected: "64, or 65 with a sighash type" };
        let (signature, rest) = value.split_first_chunk::<64>().ok_or(length)?;
        let sighash = match rest {
            [] => SighashType::DEFAULT,
            [byte] => SighashType::from_last_byte(*byte)?,
            _ => return Err(length),
        };
        Ok(Self { signature: Signature::from_bytes(signature), sighash })
    }

    /// The bytes of the signature in a witness.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.signature.to_bytes().to_vec();
        self.sighash.append_to(&mut bytes);
        bytes
    }
}

/// Signature that a script leaf checks (`PSBT_IN_TAP_SCRIPT_SIG`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TapScriptSig {
    /// The key under which the signature verifies.
    pub key: XOnlyPublicKey,
    /// The leaf whose script checks the signature.
    pub leaf: TapLeafHash,
    /// The signature.
    pub signature: TapSignature,
}

impl TapScriptSig {
    /// Reads the field.
    ///
    /// # Errors
    ///
    /// [`Malformed`].
    pub fn parse(key_data: &[u8], value: &[u8]) -> Result<Self, Malformed> {
        let length = Malformed::KeyLength { found: key_data.len(), expected: "64" };
        let (key, leaf) = key_data.split_first_chunk::<32>().ok_or(length)?;
        let leaf = TapLeafHash::from_byte_array(leaf.try_into().map_err(|_| length)?);
        let key = XOnlyPublicKey::from_bytes(key).map_err(|_| Malformed::KeyPoint)?;
        Ok(Self { key, leaf, signature: TapSignature::parse(value)? })
    }

    /// The key data of the entry.
    pub fn key_data(&self) -> Vec<u8> {
        [self.key.to_bytes(), self.leaf.to_byte_array()].concat()
    }
}

/// Script of a leaf with the control block that proves it to be in the output's tree (`PSBT_IN_TAP_LEAF_SCRIPT`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeafScript {
    /// The control block: a byte with leaf version and parity of the output key, the internal key, and the merkle path.
    pub control_block: Vec<u8>,
    /// The script.
    pub script: ScriptBuf,
    /// The leaf version: 0xc0 for Tapscript.
    pub version: u8,
}

impl LeafScript {
    /// Reads the field.
    ///
    /// # Errors
    ///
    /// [`Malformed`].
    pub fn parse(key_data: &[u8], value: &[u8]) -> Result<Self, Malformed> {
        let found = key_data.len();
        let length =
            Malformed::KeyLength { found, expected: "33 and 32 for each step of the merkle path, of at most 128" };
        let (first, rest) = key_data.split_first().ok_or(length)?;
        let (internal, steps) = rest.split_first_chunk::<32>().ok_or(length)?;
        if steps.len() % 32 != 0 || steps.len() / 32 > TREE_DEPTH_MAX {
            return Err(length);
        }
        XOnlyPublicKey::from_bytes(internal).map_err(|_| Malformed::KeyPoint)?;
        let (version, script) = value
            .split_last()
            .ok_or(Malformed::ValueLength { found: 0, expected: "a script and one byte of leaf version" })?;
        let control = first & 0xfe;
        if *version != control {
            return Err(Malformed::LeafVersion { value: *version, control });
        }
        Ok(Self { control_block: key_data.to_vec(), script: ScriptBuf::from_bytes(script.to_vec()), version: *version })
    }

    /// The key data of the entry.
    pub fn key_data(&self) -> Vec<u8> {
        self.control_block.clone()
    }

    /// The value of the entry.
    pub fn value(&self) -> Vec<u8> {
        let mut bytes = self.script.to_bytes();
        bytes.push(self.version);
        bytes
    }
}

/// One leaf of a script tree.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TreeLeaf {
    /// The depth of the leaf: 0 if it is the whole tree.
    pub depth: u8,
    /// The leaf version: 0xc0 for Tapscript.
    pub version: u8,
    /// The script.
    pub script: ScriptBuf,
}

/// Script tree of an output as its leaves in depth-first order (`PSBT_OUT_TAP_TREE`).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TapTree {
    leaves: Vec<TreeLeaf>,
}

impl TapTree {
    /// A tree of these leaves.
    ///
    /// # Errors
    ///
    /// [`Malformed::Tree`] unless their depths make a binary tree; [`Malformed::LeafVersion`] for an odd leaf version.
    pub fn new(leaves: Vec<TreeLeaf>) -> Result<Self, Malformed> {
        // Depths of the subtrees that still lack a right sibling. Two siblings of one depth make a subtree one step higher.
        let mut open: Vec<u8> = Vec::new();
        for leaf in &leaves {
            if leaf.version & 1 != 0 {
                return Err(Malformed::LeafVersion { value: leaf.version, control: leaf.version & 0xfe });
            }
            let shallower = open.last().is_some_and(|last| leaf.depth < *last);
            if usize::from(leaf.depth) > TREE_DEPTH_MAX || shallower {
                return Err(Malformed::Tree);
            }
            let mut depth = leaf.depth;
            while open.last() == Some(&depth) {
                open.pop();
                depth = depth.checked_sub(1).ok_or(Malformed::Tree)?;
            }
            open.push(depth);
        }
        if open == [0] { Ok(Self { leaves }) } else { Err(Malformed::Tree) }
    }

    /// Reads the value of the field.
    ///
    /// # Errors
    ///
    /// [`Malformed`].
    pub fn parse(value: &[u8]) -> Result<Self, Malformed> {
        let mut reader = Reader::new(value);
        let mut leaves = Vec::new();
        while !reader.is_empty() {
            let [depth, version] = reader.array()?;
            leaves.push(TreeLeaf { depth, version, script: ScriptBuf::from_bytes(reader.sized()?.to_vec()) });
        }
        Self::new(leaves)
    }

    /// The leaves in depth-first order.
    pub fn leaves(&self) -> &[TreeLeaf] {
        &self.leaves
    }

    /// The value of the field.
    pub fn value(&self) -> Vec<u8> {
        let mut bytes = Vec::new();
        for leaf in &self.leaves {
            bytes.extend([leaf.depth, leaf.version]);
            put_sized(&mut bytes, leaf.script.as_bytes());
        }
        bytes
    }
}
