//! Key expressions: keys with their origins and paths (BIP-380), and `musig()` (BIP-390).

use std::fmt;
use std::str::FromStr;

use bitcoin::bip32::{DerivationPath, Fingerprint, Xpub};
use bitcoin::hex::FromHex as _;
use bitcoin::{NetworkKind, PrivateKey, base58, secp256k1};
use motet_core_crypto::{PublicKey, XOnlyPublicKey};

use super::error::KeyError;
use super::path::{PathExpr, Wildcard, parse_step, text};
use crate::bytes::hex;
use crate::fields::KeyOrigin;
use crate::limits::PARTICIPANTS_MAX;

/// Greatest depth of an extended key (BIP-32).
const DEPTH_MAX: usize = 255;

/// A key in a descriptor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyExpr {
    /// A single key.
    Single(SingleKey),
    /// An aggregate key.
    Musig(Musig),
}

/// An aggregate key: `musig(KEY,..)`, with a path after it that is derived from the aggregate (BIP-328).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Musig {
    /// The participants in the order of the text. They are sorted before they are aggregated.
    pub participants: Vec<SingleKey>,
    /// The path below the aggregate key.
    pub path: PathExpr,
}

/// A single key: `[fingerprint/path]KEY/path`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SingleKey {
    /// The origin of the key, if the text says it.
    pub origin: Option<KeyOrigin>,
    /// The key.
    pub key: KeyMaterial,
    /// The path below the key. Only an extended key has one.
    pub path: PathExpr,
}

/// Forms of a public key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeyMaterial {
    /// 33 bytes.
    Compressed(PublicKey),
    /// 65 bytes, which Taproot does not have.
    Uncompressed(secp256k1::PublicKey),
    /// 32 bytes.
    XOnly(XOnlyPublicKey),
    /// An extended public key.
    Xpub(Xpub),
}

impl KeyExpr {
    /// Reads a key expression.
    ///
    /// # Errors
    ///
    /// [`KeyError`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        match text.strip_prefix("musig(") {
            Some(rest) => Musig::parse(rest).map(Self::Musig),
            None => SingleKey::parse(text).map(Self::Single),
        }
    }

    /// All single keys in the expression: the key itself, or the participants.
    pub fn singles(&self) -> &[SingleKey] {
        match self {
            Self::Single(single) => std::slice::from_ref(single),
            Self::Musig(musig) => &musig.participants,
        }
    }

    /// True if the key depends on the index of the address.
    pub fn is_ranged(&self) -> bool {
        self.paths().any(|path| path.wildcard() != Wildcard::None)
    }

    /// The lengths of its multipath steps.
    pub(crate) fn branch_counts(&self) -> impl Iterator<Item = usize> {
        self.paths().filter_map(|path| path.branches().map(<[_]>::len))
    }

    /// The expression of one branch.
    #[must_use]
    pub(crate) fn branch(&self, branch: usize) -> Self {
        let single = |key: &SingleKey| SingleKey { path: key.path.branch(branch), ..key.clone() };
        match self {
            Self::Single(key) => Self::Single(single(key)),
            Self::Musig(musig) => Self::Musig(Musig {
                participants: musig.participants.iter().map(single).collect(),
                path: musig.path.branch(branch),
            }),
        }
    }

    fn paths(&self) -> impl Iterator<Item = &PathExpr> {
        let own = match self {
            Self::Single(_) => None,
            Self::Musig(musig) => Some(&musig.path),
        };
        self.singles().iter().map(|single| &single.path).chain(own)
    }
}

impl Musig {
    /// Reads what follows `musig(`.
    fn parse(text: &str) -> Result<Self, KeyError> {
        let (list, path) = text.split_once(')').ok_or(KeyError::MusigSyntax)?;
        if list.contains("musig(") {
            return Err(KeyError::NestedMusig);
        }
        let path = if path.is_empty() || path.starts_with('/') {
            PathExpr::parse(path)?
        } else {
            return Err(KeyError::MusigSyntax);
        };
        let participants = list.split(',').map(SingleKey::parse).collect::<Result<Vec<_>, _>>()?;
        if participants.len() > PARTICIPANTS_MAX {
            return Err(KeyError::TooManyParticipants);
        }
        let musig = Self { participants, path };
        musig.check()?;
        Ok(musig)
    }

    /// The rules of BIP-390.
    fn check(&self) -> Result<(), KeyError> {
        for participant in &self.participants {
            match participant.key {
                KeyMaterial::XOnly(_) => return Err(KeyError::XOnly),
                KeyMaterial::Uncompressed(_) => return Err(KeyError::Uncompressed),
                KeyMaterial::Compressed(_) | KeyMaterial::Xpub(_) => {}
            }
        }
        if self.path.is_empty() {
            return Ok(());
        }
        if self.path.depth() > DEPTH_MAX {
            return Err(KeyError::TooDeep);
        }
        let participants = || self.participants.iter();
        if self.path.is_hardened() {
            Err(KeyError::HardenedMusig)
        } else if participants().any(|key| !matches!(key.key, KeyMaterial::Xpub(_))) {
            Err(KeyError::MusigNeedsXpubs)
        } else if participants().any(|key| key.path.wildcard() != Wildcard::None) {
            Err(KeyError::RangedTwice)
        } else if self.path.branches().is_some() && participants().any(|key| key.path.branches().is_some()) {
            Err(KeyError::MultipathTwice)
        } else {
            Ok(())
        }
    }
}

impl SingleKey {
    /// Reads a key with its origin and its path.
    ///
    /// # Errors
    ///
    /// [`KeyError`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let (origin, rest) = match text.strip_prefix('[') {
            Some(text) => {
                let (origin, rest) = text.split_once(']').ok_or(KeyError::OriginBrackets)?;
                (Some(parse_origin(origin)?), rest)
            }
            None => (None, text),
        };
        if rest.contains(['[', ']']) {
            return Err(KeyError::OriginBrackets);
        }
        let (key, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        if key.is_empty() {
            return Err(KeyError::Missing);
        }
        let path = PathExpr::parse(path)?;
        let material = parse_material(key);
        let is_extended = match &material {
            Ok(KeyMaterial::Xpub(_)) => true,
            Err(KeyError::PrivateKey) => key.get(1..4) == Some("prv"),
            _ => false,
        };
        if !path.is_empty() && !is_extended && material != Err(KeyError::NotAKey) {
            return Err(KeyError::PathOfPlainKey);
        }
        let key = material?;
        // Deriving adds one to the depth of an extended key for each step, and its depth is one byte.
        let depth = if let KeyMaterial::Xpub(xpub) = &key { usize::from(xpub.depth) } else { 0 };
        if depth + path.depth() > DEPTH_MAX {
            return Err(KeyError::TooDeep);
        }
        Ok(Self { origin, key, path })
    }

    /// The network for which an extended key is written; none for other keys, which do not say it.
    pub fn network(&self) -> Option<NetworkKind> {
        match &self.key {
            KeyMaterial::Xpub(xpub) => Some(xpub.network),
            KeyMaterial::Compressed(_) | KeyMaterial::Uncompressed(_) | KeyMaterial::XOnly(_) => None,
        }
    }
}

fn parse_origin(text: &str) -> Result<KeyOrigin, KeyError> {
    let (fingerprint, path) = text.split_at(text.find('/').unwrap_or(text.len()));
    // The parser of the fingerprint takes eight digits of either case, and nothing else.
    let fingerprint = Fingerprint::from_hex(fingerprint).map_err(|_| KeyError::Fingerprint)?;
    if path.contains(['*', '<']) {
        return Err(KeyError::OriginPath);
    }
    let path = path.split('/').skip(1).map(parse_step).collect::<Result<Vec<_>, _>>()?;
    Ok(KeyOrigin { fingerprint, path: DerivationPath::from(path) })
}

fn parse_material(text: &str) -> Result<KeyMaterial, KeyError> {
    let bytes = Vec::<u8>::from_hex(text).unwrap_or_default();
    match bytes.len() {
        32 => XOnlyPublicKey::from_str(text).map(KeyMaterial::XOnly).map_err(|_| KeyError::NotAKey),
        33 => PublicKey::from_slice(&bytes).map(KeyMaterial::Compressed).map_err(|_| KeyError::NotAKey),
        65 if bytes.first() == Some(&4) => {
            secp256k1::PublicKey::from_slice(&bytes).map(KeyMaterial::Uncompressed).map_err(|_| KeyError::NotAKey)
        }
        _ => match Xpub::from_str(text) {
            Ok(xpub) => Ok(KeyMaterial::Xpub(xpub)),
            Err(_) if is_private(text) => Err(KeyError::PrivateKey),
            Err(_) => Err(KeyError::NotAKey),
        },
    }
}

/// True if a text is a private key, in any form that a descriptor may have.
fn is_private(text: &str) -> bool {
    const XPRV: [&str; 2] = ["xprv", "tprv"];
    XPRV.iter().any(|prefix| text.starts_with(prefix)) && base58::decode_check(text).is_ok()
        || PrivateKey::from_wif(text).is_ok()
}

impl fmt::Display for KeyExpr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Single(single) => single.fmt(f),
            Self::Musig(musig) => {
                let participants: Vec<_> = musig.participants.iter().map(SingleKey::to_string).collect();
                write!(f, "musig({}){}", participants.join(","), musig.path)
            }
        }
    }
}

impl fmt::Display for SingleKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(origin) = &self.origin {
            let path: String = origin.path.into_iter().map(|child| format!("/{}", text(*child))).collect();
            write!(f, "[{}{path}]", origin.fingerprint)?;
        }
        write!(f, "{}{}", self.key, self.path)
    }
}

impl fmt::Display for KeyMaterial {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Compressed(key) => write!(f, "{key}"),
            Self::Uncompressed(key) => f.write_str(&hex(&key.serialize_uncompressed())),
            Self::XOnly(key) => write!(f, "{key}"),
            Self::Xpub(key) => write!(f, "{key}"),
        }
    }
}
