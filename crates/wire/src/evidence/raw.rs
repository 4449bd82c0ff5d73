//! Evidence as bytes: the number of the charge, then its parts.

use super::Evidence;
use crate::codec::{self, Bytes, Decode, DecodeError, Encode, List, ParseError};
use crate::limits;

type Small = Bytes<{ limits::FRAME_SMALL }>;
type Nonces = Bytes<{ limits::FRAME_NONCE_SHARE }>;
type Partials = Bytes<{ limits::FRAME_PARTIAL_SIG_SHARE }>;
type Large = Bytes<{ limits::FRAME_SIGNING_REQUEST }>;
/// A frame that carries a delegation: an advertisement is the longest that is worth carrying for that.
type Binding = Bytes<{ limits::FRAME_SIGNER_ADVERTISEMENT }>;
/// Equivocation is possible about nonces, so the frames are as long as those.
type Statement = Bytes<{ limits::FRAME_NONCE_SHARE }>;

impl Evidence {
    /// The canonical encoding.
    ///
    /// # Errors
    ///
    /// [`ParseError::Length`] when a part is over its bound, which no frame that was validated is.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ParseError> {
        let bytes = RawEvidence::try_from(self)?.encode()?;
        if bytes.len() > limits::EVIDENCE { Err(ParseError::Length) } else { Ok(bytes) }
    }

    /// Reads the canonical encoding. That the evidence convicts is for [`Evidence::verify`] to say.
    ///
    /// # Errors
    ///
    /// [`DecodeError`] for anything but the canonical encoding of some evidence.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, DecodeError> {
        if bytes.len() > limits::EVIDENCE {
            return Err(DecodeError::Malformed);
        }
        RawEvidence::decode(bytes).map(RawEvidence::parse)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum RawEvidence {
    Equivocation(RawEquivocation),
    BadOpening(RawBadOpening),
    BadPartialSignature(RawBadPartialSignature),
    Malformed(RawMalformed),
    AgainstTerms(RawAgainstTerms),
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
struct RawEquivocation {
    join: Small,
    first: Statement,
    second: Statement,
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
struct RawBadOpening {
    join: Small,
    commit: Option<Small>,
    nonces: Nonces,
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
struct RawBadPartialSignature {
    join: Small,
    terms: Large,
    partials: Partials,
    item: u16,
    item_nonces: List<[u8; 66], { limits::SIGNERS_MAX }>,
    other_items: List<[u8; 32], { limits::ITEMS_MAX - 1 }>,
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
struct RawMalformed {
    binding: Binding,
    frame: Large,
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
struct RawAgainstTerms {
    join: Small,
    terms: Large,
    share: Option<Statement>,
}

impl RawEvidence {
    fn encode(&self) -> Result<Vec<u8>, ParseError> {
        let (charge, parts) = match self {
            Self::Equivocation(raw) => (1, codec::encode(raw)?),
            Self::BadOpening(raw) => (2, codec::encode(raw)?),
            Self::BadPartialSignature(raw) => (3, codec::encode(raw)?),
            Self::Malformed(raw) => (4, codec::encode(raw)?),
            Self::AgainstTerms(raw) => (5, codec::encode(raw)?),
        };
        Ok([&[charge], parts.as_slice()].concat())
    }

    fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        match bytes.split_first() {
            Some((1, parts)) => codec::decode(parts).map(Self::Equivocation),
            Some((2, parts)) => codec::decode(parts).map(Self::BadOpening),
            Some((3, parts)) => codec::decode(parts).map(Self::BadPartialSignature),
            Some((4, parts)) => codec::decode(parts).map(Self::Malformed),
            Some((5, parts)) => codec::decode(parts).map(Self::AgainstTerms),
            _ => Err(DecodeError::Malformed),
        }
    }

    fn parse(self) -> Evidence {
        match self {
            Self::Equivocation(raw) => Evidence::Equivocation {
                join: raw.join.into_vec(),
                first: raw.first.into_vec(),
                second: raw.second.into_vec(),
            },
            Self::BadOpening(raw) => Evidence::BadOpening {
                join: raw.join.into_vec(),
                commit: raw.commit.map(Small::into_vec),
                nonces: raw.nonces.into_vec(),
            },
            Self::BadPartialSignature(raw) => Evidence::BadPartialSignature {
                join: raw.join.into_vec(),
                terms: raw.terms.into_vec(),
                partials: raw.partials.into_vec(),
                item: raw.item,
                item_nonces: raw.item_nonces.into_vec(),
                other_items: raw.other_items.into_vec(),
            },
            Self::Malformed(raw) => {
                Evidence::Malformed { binding: raw.binding.into_vec(), frame: raw.frame.into_vec() }
            }
            Self::AgainstTerms(raw) => Evidence::AgainstTerms {
                join: raw.join.into_vec(),
                terms: raw.terms.into_vec(),
                share: raw.share.map(Statement::into_vec),
            },
        }
    }
}

impl TryFrom<&Evidence> for RawEvidence {
    type Error = ParseError;

    fn try_from(evidence: &Evidence) -> Result<Self, ParseError> {
        Ok(match evidence {
            Evidence::Equivocation { join, first, second } => Self::Equivocation(RawEquivocation {
                join: Bytes::new(join)?,
                first: Bytes::new(first)?,
                second: Bytes::new(second)?,
            }),
            Evidence::BadOpening { join, commit, nonces } => Self::BadOpening(RawBadOpening {
                join: Bytes::new(join)?,
                commit: commit.as_deref().map(Bytes::new).transpose()?,
                nonces: Bytes::new(nonces)?,
            }),
            Evidence::BadPartialSignature { join, terms, partials, item, item_nonces, other_items } => {
                Self::BadPartialSignature(RawBadPartialSignature {
                    join: Bytes::new(join)?,
                    terms: Bytes::new(terms)?,
                    partials: Bytes::new(partials)?,
                    item: *item,
                    item_nonces: List::new(item_nonces.clone())?,
                    other_items: List::new(other_items.clone())?,
                })
            }
            Evidence::Malformed { binding, frame } => {
                Self::Malformed(RawMalformed { binding: Bytes::new(binding)?, frame: Bytes::new(frame)? })
            }
            Evidence::AgainstTerms { join, terms, share } => Self::AgainstTerms(RawAgainstTerms {
                join: Bytes::new(join)?,
                terms: Bytes::new(terms)?,
                share: share.as_deref().map(Bytes::new).transpose()?,
            }),
        })
    }
}
