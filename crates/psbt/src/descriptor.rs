//! Output descriptors: BIP-380 keys and checksums, BIP-386 `tr()`, `rawtr()`, BIP-389 multipath, BIP-390 `musig()`.
//!
//! A descriptor is read as text with key expressions in it. Only `tr()` and `rawtr()` are more than text here: their scripts can
//! be computed. Of all other descriptors the keys and the checksum are checked, so that a program can say what they are.

mod error;
mod key;
mod path;
mod resolve;
mod scan;

use std::fmt;
use std::str::FromStr;

use miniscript::descriptor::checksum;

pub use error::{DescriptorError, KeyError};
pub use key::{KeyExpr, KeyMaterial, Musig, SingleKey};
pub use path::{PathExpr, Step, Wildcard};
pub(crate) use resolve::Fixed;
pub use resolve::{LeafOutput, Output, ResolveError, ResolvedKey, ResolvedMusig};

use crate::limits::DESCRIPTOR_BYTES_MAX;
use scan::{Piece, scan};

/// Kind of a descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DescriptorKind {
    /// `tr()`: a Taproot output with an internal key, and perhaps a tree of scripts.
    Taproot,
    /// `rawtr()`: a Taproot output by its output key.
    RawTaproot,
    /// Any other descriptor: it is none that this crate can sign for.
    Other,
}

/// A descriptor, with one branch for each element of its multipath steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Descriptor {
    kind: DescriptorKind,
    pieces: Vec<Piece>,
    keys: Vec<KeyExpr>,
    had_checksum: bool,
}

impl Descriptor {
    /// Reads a descriptor. A checksum is verified if it is there; [`Self::had_checksum`] tells.
    ///
    /// Private keys are refused, and no error repeats them.
    ///
    /// # Errors
    ///
    /// [`DescriptorError`].
    pub fn parse(text: &str) -> Result<Self, DescriptorError> {
        if text.len() > DESCRIPTOR_BYTES_MAX {
            return Err(DescriptorError::TooLong { found: text.len() });
        }
        let body = checksum::verify_checksum(text)?;
        let (pieces, keys) = scan(body)?;
        let kind = match body.split('(').next() {
            Some("tr") => DescriptorKind::Taproot,
            Some("rawtr") => DescriptorKind::RawTaproot,
            _ => DescriptorKind::Other,
        };
        let descriptor = Self { kind, pieces, keys, had_checksum: body.len() != text.len() };
        descriptor.branches()?;
        descriptor.check_tree()?;
        Ok(descriptor)
    }

    /// The kind.
    pub const fn kind(&self) -> DescriptorKind {
        self.kind
    }

    /// The key expressions in the order of the text.
    pub fn keys(&self) -> &[KeyExpr] {
        &self.keys
    }

    /// True if the text had a checksum. Without one, a mistyped descriptor may still be a valid one.
    pub const fn had_checksum(&self) -> bool {
        self.had_checksum
    }

    /// True if a key expression ends in `/*`, so that the descriptor has an address for each index.
    pub fn is_ranged(&self) -> bool {
        self.keys.iter().any(KeyExpr::is_ranged)
    }

    /// The number of branches: the elements of each multipath step, or 1 if there are no such steps.
    ///
    /// # Errors
    ///
    /// [`DescriptorError::Branches`] if two keys have different numbers of elements.
    pub fn branches(&self) -> Result<usize, DescriptorError> {
        let mut lengths = self.keys.iter().flat_map(KeyExpr::branch_counts);
        let Some(first) = lengths.next() else { return Ok(1) };
        match lengths.find(|length| *length != first) {
            Some(second) => Err(DescriptorError::Branches { first, second }),
            None => Ok(first),
        }
    }

    /// The descriptor of one branch, without multipath steps (BIP-389).
    #[must_use]
    pub fn branch(&self, branch: usize) -> Self {
        let keys = self.keys.iter().map(|key| key.branch(branch)).collect();
        Self { keys, ..self.clone() }
    }

    /// The text without a checksum. Hardened steps are marked with `h`, and key origins are in lower case.
    pub fn body(&self) -> String {
        self.render(|_, key| key.to_string())
    }

    /// The text with other texts in place of the keys, and its checksum.
    pub(crate) fn text_with(&self, text_of: impl Fn(&KeyExpr) -> String) -> Result<String, DescriptorError> {
        let body = self.render(|_, key| text_of(key));
        let mut engine = checksum::Engine::new();
        engine.input(&body)?;
        Ok(format!("{body}#{}", engine.checksum()))
    }

    /// The text with other texts in place of the keys.
    pub(crate) fn render(&self, mut text_of: impl FnMut(usize, &KeyExpr) -> String) -> String {
        self.pieces
            .iter()
            .map(|piece| match piece {
                Piece::Text(text) => text.clone(),
                Piece::Key(index) => self.keys.get(*index).map(|key| text_of(*index, key)).unwrap_or_default(),
            })
            .collect()
    }

    /// Checks the script tree of a `tr()` descriptor, with the numbers of the keys in place of the keys.
    fn check_tree(&self) -> Result<(), DescriptorError> {
        if self.kind != DescriptorKind::Taproot {
            return Ok(());
        }
        let text = self.render(|index, _| format!("@{index}")).replace("sortedmulti_a(", "multi_a(");
        let tree = miniscript::Descriptor::<String>::from_str(&text);
        let error = |error: miniscript::Error| DescriptorError::Tree(error.to_string());
        tree.map_err(error)?.sanity_check().map_err(error)
    }
}

/// The canonical text with its checksum, for people and other programs.
impl fmt::Display for Descriptor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.text_with(KeyExpr::to_string).map_err(|_| fmt::Error)?)
    }
}

impl FromStr for Descriptor {
    type Err = DescriptorError;

    fn from_str(text: &str) -> Result<Self, DescriptorError> {
        Self::parse(text)
    }
}
