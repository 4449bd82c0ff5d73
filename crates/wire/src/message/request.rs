//! Phase 2: the items to sign, the signers, and the derived keys (`docs/protocol.md` §3, §6).
//!
//! The list of keys in the order in which the creator sends it is the one index space of a session. Tweaks never
//! travel: an item names a *derivation*, and every node computes the tweak from it, because it is an open question
//! whether tweaks chosen by an adversary leave MuSig2 unforgeable (BIP-327).
//!
//! The request id covers everything that a signer is asked to agree to, the text shown to people included, so that two
//! signers who joined the same request have been shown the same thing.

use std::collections::BTreeSet;

use motet_core_crypto::{KeyAggContext, KeyAggError, PublicKey, TweakError, XOnlyPublicKey};

use super::raw::{Parts, Raw};
use super::spec::{Channels, KindSpec, Scope};
use crate::codec::{self, Bytes, Code, Decode, Encode, List, ParseError, Text};
use crate::delegation::{Delegation, RawDelegation};
use crate::id::{NetworkId, RequestId, SignerIndex};
use crate::limits;
use crate::mirror::KnownKeys;
use crate::mirror::{Mirror, mirror};
use crate::subject::Subject;
use crate::time::TimestampMs;
use crate::validate::rule::{Rule, ensure};
use crate::work::{Paid, Purpose, Work};

/// Signers are asked to sign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SigningRequest {
    /// The creator's delegation; the creator is one of the listed signers.
    pub creator: Delegation,
    /// The signers, 2 to 100 distinct keys; the order is the index space.
    pub keys: Vec<PublicKey>,
    /// The items to sign, 1 to 64.
    pub items: Vec<Item>,
    /// The options of the session.
    pub options: RequestOptions,
    /// Texts for people. The request id covers them, but nothing ties them to the items' messages.
    pub metadata: RequestMetadata,
    /// Time at which it was made.
    pub created: TimestampMs,
    /// Until when signers may join: at most 2 hours after `created`.
    pub expires: TimestampMs,
    /// Makes two requests for the same thing two requests.
    pub salt: [u8; 16],
    /// Proof of work over the request id, for signers that do not have the creator as a contact.
    pub work: Option<Work>,
}

/// One message to sign under one derived key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    /// The message exactly as BIP-340 signs it, 1 byte to 16 KB; 32 bytes if it is a signature hash.
    pub message: Vec<u8>,
    /// The derivation of the verifying key from the aggregate key.
    pub derivation: Derivation,
}

/// The derivation of an item's verifying key from the aggregate of the listed keys.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Derivation {
    /// The aggregate key itself.
    None,
    /// The Taproot output key of BIP-341 with the aggregate key as internal key.
    Taproot {
        /// The root of the script tree; `None` commits to there being none, as BIP-86 does.
        merkle_root: Option<[u8; 32]>,
    },
    /// The child key of the aggregate key's BIP-328 extended key.
    Bip328 {
        /// 1 to 8 unhardened steps.
        path: Vec<u32>,
    },
    /// The Taproot output key of BIP-341 with a BIP-328 child key as internal key, as wallets with a `musig()`
    /// descriptor spend from.
    Bip328Taproot {
        /// 1 to 8 unhardened steps.
        path: Vec<u32>,
        /// The root of the script tree; `None` commits to there being none.
        merkle_root: Option<[u8; 32]>,
    },
}

/// The options of a request's session.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RequestOptions {
    /// Switch for round 0, commitments to nonces.
    pub commitments: Commitments,
    /// The election of the coordinator.
    pub election: Election,
    /// The paths of round messages.
    pub topology: Topology,
}

/// Switch for round 0 (`docs/protocol.md` §7).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Commitments {
    /// Nonces are revealed only when all commitments are known.
    #[default]
    On,
    /// Nonces are sent at once.
    Off,
}

/// The order in which signers take the coordinator's part; a pure function of the request (`docs/protocol.md` §8).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum Election {
    /// The creator, then the others in the order of the request.
    Creator,
    /// The smallest key first.
    #[default]
    Lexicographic,
    /// By the hash of the request id and each key.
    HashBased,
    /// The first key of the request first.
    First,
    /// The last key of the request first.
    Last,
}

/// The paths of round messages.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Topology {
    /// Every participant sends to every other: the fewest delays.
    #[default]
    Mesh,
    /// Every participant sends to the coordinator, which hands on: n messages instead of n squared, one more delay.
    Star,
}

/// Texts about a request, for people only: [`Item::message`] is signed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RequestMetadata {
    /// At most 1024 bytes.
    pub description: String,
    /// The transaction, in the coin's own serialisation, at most 32 KB; empty for anything else.
    pub transaction: Vec<u8>,
    /// The amount at stake, in the smallest unit of the coin.
    pub amount: Option<u64>,
    /// At most 32 bytes, to be compared with [`crate::Criteria::transaction_types`]; empty if unstated.
    pub transaction_type: String,
}

/// The reason why the key of an item cannot be computed: the request names a key that does not exist, which blames no
/// signer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ItemError {
    /// The listed keys do not aggregate.
    #[error("the keys do not aggregate")]
    Keys(#[source] KeyAggError),
    /// The derivation has no key.
    #[error("the derivation has no key")]
    Derivation(#[source] TweakError),
}

impl Item {
    /// The key aggregation context under which this item is signed, computed locally from the listed keys.
    ///
    /// # Errors
    ///
    /// [`ItemError`], with negligible probability unless the keys were chosen to cancel each other out.
    pub fn key_context(&self, keys: &[PublicKey]) -> Result<KeyAggContext, ItemError> {
        let context = KeyAggContext::new(keys).map_err(ItemError::Keys)?;
        match &self.derivation {
            Derivation::None => Ok(context),
            Derivation::Taproot { merkle_root } => context.with_taproot(merkle_root.as_ref()),
            Derivation::Bip328 { path } => context.with_bip328_path(path),
            Derivation::Bip328Taproot { path, merkle_root } => {
                context.with_bip328_path(path).and_then(|context| context.with_taproot(merkle_root.as_ref()))
            }
        }
        .map_err(ItemError::Derivation)
    }

    /// The x-only key under which this item's signature will verify.
    ///
    /// # Errors
    ///
    /// As [`Item::key_context`].
    pub fn verification_key(&self, keys: &[PublicKey]) -> Result<XOnlyPublicKey, ItemError> {
        self.key_context(keys).map(|context| context.aggregate_key())
    }
}

impl SigningRequest {
    /// The request id: `tagged_hash("motet/request/v1", network | terms)`, with the network's length in front of it.
    ///
    /// # Errors
    ///
    /// [`ParseError`] when a part of the request is over its bound, so that it has no bytes.
    pub fn id(&self, network: &NetworkId) -> Result<RequestId, ParseError> {
        Ok(RequestId::of_terms(network, &self.terms()?))
    }

    /// The bytes whose hash is the request id: the creator's signer key (33 bytes), then the canonical encoding of
    /// keys, items, options, metadata, times and salt.
    ///
    /// The creator's delegation and the proof of work are not part of it, since both change when a request is sent again.
    ///
    /// # Errors
    ///
    /// As [`SigningRequest::id`].
    pub fn terms(&self) -> Result<Vec<u8>, ParseError> {
        let raw = RawSigningRequest::of(self)?;
        raw.terms()
    }

    /// The place of a key in the request.
    pub fn index_of(&self, key: &PublicKey) -> Option<SignerIndex> {
        let position = self.keys.iter().position(|listed| listed == key)?;
        u16::try_from(position).ok().map(SignerIndex)
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct RawSigningRequest {
    pub(crate) creator: RawDelegation,
    pub(crate) details: RawDetails,
    pub(crate) work: Option<Work>,
}

/// The parts that the request id covers, besides the creator's signer key.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct RawDetails {
    pub(crate) keys: List<[u8; 33], { limits::SIGNERS_MAX }>,
    pub(crate) items: List<RawItem, { limits::ITEMS_MAX }>,
    pub(crate) options: RawOptions,
    metadata: RawRequestMetadata,
    pub(crate) created: u64,
    pub(crate) expires: u64,
    salt: [u8; 16],
}

mirror! {
    RawRequestMetadata of RequestMetadata {
        description: Text<{ limits::REQUEST_DESCRIPTION }>,
        transaction: Bytes<{ limits::TRANSACTION }>,
        amount: Option<u64>,
        transaction_type: Text<{ limits::TRANSACTION_TYPE }>,
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct RawItem {
    pub(crate) message: Bytes<{ limits::ITEM_MESSAGE }>,
    /// Empty for a derivation without BIP-328.
    pub(crate) path: List<u32, { limits::PATH_MAX }>,
    /// Absent for a derivation without BIP-341; the inner one is the merkle root.
    taproot: Option<Option<[u8; 32]>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Encode, Decode)]
pub(crate) struct RawOptions {
    commitments: Code<1>,
    election: Code<4>,
    topology: Code<1>,
}

impl RawOptions {
    /// True if nonces are committed to.
    pub(crate) const fn commits(self) -> bool {
        self.commitments.0 == 1
    }
}

impl RawSigningRequest {
    pub(crate) fn terms(&self) -> Result<Vec<u8>, ParseError> {
        Ok([self.creator.signer.as_slice(), &codec::encode(&self.details)?].concat())
    }

    pub(crate) fn paid(&self) -> Paid<'_> {
        Paid {
            purpose: Purpose::Request,
            author: &self.creator.signer,
            created: self.details.created,
            stamp: self.work,
            before: self.creator.encoded_length(),
            // One byte says whether there is a stamp.
            behind: 1 + self.work.map_or(0, |_| Work::LENGTH),
        }
    }
}

impl Raw for RawSigningRequest {
    const SPEC: KindSpec = KindSpec {
        frame_limit: limits::FRAME_SIGNING_REQUEST,
        lifetime: Some(limits::REQUEST_LIFETIME),
        scope: Scope::Announcement,
        channels: Channels::ANNOUNCED,
        author_rate: KindSpec::ANNOUNCEMENTS,
        computation: 2,
    };

    fn parts(&self) -> Parts<'_> {
        Parts {
            subject: Subject::NewRequest,
            delegation: Some(&self.creator),
            lifetime: Some((self.details.created, self.details.expires)),
            paid: Some(self.paid()),
        }
    }

    fn check(&self) -> Result<(), Rule> {
        let keys = self.details.keys.as_slice();
        ensure(keys.len() >= limits::SIGNERS_MIN, Rule::Keys)?;
        let distinct: BTreeSet<&[u8; 33]> = keys.iter().collect();
        ensure(distinct.len() == keys.len(), Rule::Keys)?;
        ensure(distinct.contains(&self.creator.signer), Rule::Creator)?;
        let items = self.details.items.as_slice();
        ensure(!items.is_empty(), Rule::Items)?;
        let unhardened = |step: &u32| *step < 1 << 31;
        let possible =
            items.iter().all(|item| !item.message.as_slice().is_empty() && item.path.as_slice().iter().all(unhardened));
        ensure(possible, Rule::Items)
    }
}

impl Mirror<SigningRequest> for RawSigningRequest {
    fn of(message: &SigningRequest) -> Result<Self, ParseError> {
        Ok(Self {
            creator: Mirror::of(&message.creator)?,
            details: RawDetails {
                keys: Mirror::of(&message.keys)?,
                items: Mirror::of(&message.items)?,
                options: Mirror::of(&message.options)?,
                metadata: Mirror::of(&message.metadata)?,
                created: message.created.0,
                expires: message.expires.0,
                salt: message.salt,
            },
            work: message.work,
        })
    }

    fn parse(self, known: &KnownKeys) -> Result<SigningRequest, ParseError> {
        let creator = self.creator.parse(known)?;
        let details = self.details;
        Ok(SigningRequest {
            creator,
            keys: details.keys.parse(known)?,
            items: details.items.parse(known)?,
            options: details.options.parse(known)?,
            metadata: details.metadata.parse(known)?,
            created: TimestampMs(details.created),
            expires: TimestampMs(details.expires),
            salt: details.salt,
            work: self.work,
        })
    }
}

impl Mirror<Item> for RawItem {
    fn of(item: &Item) -> Result<Self, ParseError> {
        let (path, taproot) = match &item.derivation {
            Derivation::None => (&[][..], None),
            Derivation::Taproot { merkle_root } => (&[][..], Some(*merkle_root)),
            // An empty path would read back as no path at all: such an item has no bytes.
            Derivation::Bip328 { path } | Derivation::Bip328Taproot { path, .. } if path.is_empty() => {
                return Err(ParseError::Length);
            }
            Derivation::Bip328 { path } => (path.as_slice(), None),
            Derivation::Bip328Taproot { path, merkle_root } => (path.as_slice(), Some(*merkle_root)),
        };
        Ok(Self { message: Bytes::new(&item.message)?, path: List::new(path.to_vec())?, taproot })
    }

    fn parse(self, _: &KnownKeys) -> Result<Item, ParseError> {
        let path = self.path.into_vec();
        let derivation = match (path.is_empty(), self.taproot) {
            (true, None) => Derivation::None,
            (true, Some(merkle_root)) => Derivation::Taproot { merkle_root },
            (false, None) => Derivation::Bip328 { path },
            (false, Some(merkle_root)) => Derivation::Bip328Taproot { path, merkle_root },
        };
        Ok(Item { message: self.message.into_vec(), derivation })
    }
}

impl Mirror<RequestOptions> for RawOptions {
    fn of(options: &RequestOptions) -> Result<Self, ParseError> {
        Ok(Self {
            commitments: Code(match options.commitments {
                Commitments::Off => 0,
                Commitments::On => 1,
            }),
            election: Code(match options.election {
                Election::Creator => 0,
                Election::Lexicographic => 1,
                Election::HashBased => 2,
                Election::First => 3,
                Election::Last => 4,
            }),
            topology: Code(match options.topology {
                Topology::Mesh => 0,
                Topology::Star => 1,
            }),
        })
    }

    fn parse(self, _: &KnownKeys) -> Result<RequestOptions, ParseError> {
        Ok(RequestOptions {
            commitments: match self.commitments.0 {
                0 => Commitments::Off,
                1 => Commitments::On,
                _ => return Err(ParseError::Code),
            },
            election: match self.election.0 {
                0 => Election::Creator,
                1 => Election::Lexicographic,
                2 => Election::HashBased,
                3 => Election::First,
                4 => Election::Last,
                _ => return Err(ParseError::Code),
            },
            topology: match self.topology.0 {
                0 => Topology::Mesh,
                1 => Topology::Star,
                _ => return Err(ParseError::Code),
            },
        })
    }
}
