//! Phase 2: the items to sign, the signers, and the derived keys (`docs/protocol.md` §3, §6).
//!
//! The list of keys in the order in which the creator sends it is the one index space of a session. Tweaks never
//! travel: an item names a *derivation*, and every node computes the tweak from it, because it is an open question
//! whether tweaks chosen by an adversary leave MuSig2 unforgeable (BIP-327).
//!
//! The request id covers everything that a signer is asked to agree to, the text shown to people included, so that two
//! signers who joined the same request have been shown the same thing.

use std::collections::BTreeSet;
use std::sync::Arc;

use motet_core_crypto::{ChildPath, KeyAggError, PublicKey, TweakError};

use super::options::{RawOptions, RequestOptions};
use super::raw::{Parts, Raw};
use super::spec::{Channels, KindSpec, Scope};
use crate::codec::{self, Absent, Bytes, Decode, DecodeError, Encode, List, ParseError, Text};
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
    /// The aggregate of the signers' child keys, in the order of KeySort (BIP-327), as wallets with a descriptor like
    /// `musig(A/<0;1>/*,B/<0;1>/*)` spend from. Either all items of a request are of this kind, or none is.
    ///
    /// The chain codes are the creator's word: a signer compares them with its own registry before it signs.
    Members {
        /// The way from each listed key to the key that is aggregated.
        paths: MemberPaths,
        /// The tweak of BIP-341 on the aggregate key: absent for none, else with the root of the script tree, of which there may be
        /// none.
        taproot: Option<Option<[u8; 32]>>,
    },
}

impl Derivation {
    /// The way to the keys that are aggregated; none if they are the signers' own.
    pub const fn members(&self) -> Option<&MemberPaths> {
        if let Self::Members { paths, .. } = self { Some(paths) } else { None }
    }
}

/// The way from each signer's key to the child that is aggregated (BIP-32, unhardened).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberPaths {
    /// One chain code for each key of the request, the same for all its items. None for a key that is aggregated as it is listed.
    pub chain_codes: Arc<[Option<[u8; 32]>]>,
    /// 1 to 8 unhardened steps, the same for all keys.
    pub path: Vec<u32>,
}

impl MemberPaths {
    /// The path of one signer; none if its key is aggregated as it is listed.
    pub fn of(&self, signer: SignerIndex) -> Option<ChildPath<'_>> {
        let chain_code = self.chain_codes.get(signer.as_usize())?.as_ref()?;
        Some(ChildPath { chain_code, steps: &self.path })
    }

    /// The keys that are aggregated, in the order of the listed keys.
    pub(super) fn children(&self, keys: &[PublicKey]) -> Result<Vec<PublicKey>, TweakError> {
        let signers = (0..).map(SignerIndex).zip(keys);
        signers.map(|(signer, key)| self.of(signer).map_or(Ok(*key), |path| key.child(path))).collect()
    }
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
    /// keys, items, options, metadata, times and salt, and of the members' chain codes if there are any.
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

/// The body of version 1, and the chain codes of version 2.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct RawSigningRequest {
    pub(crate) creator: RawDelegation,
    pub(crate) details: RawDetails,
    pub(crate) members: Absent<Option<ChainCodes>>,
    pub(crate) work: Option<Work>,
}

/// The chain codes of the listed keys.
pub(crate) type ChainCodes = List<Option<[u8; 32]>, { limits::SIGNERS_MAX }>;

/// The body of version 2.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
pub(crate) struct RawMembersRequest {
    creator: RawDelegation,
    details: RawDetails,
    members: ChainCodes,
    work: Option<Work>,
}

impl From<RawMembersRequest> for RawSigningRequest {
    fn from(body: RawMembersRequest) -> Self {
        let RawMembersRequest { creator, details, members, work } = body;
        Self { creator, details, members: Absent(Some(members)), work }
    }
}

/// The terms of a request without its creator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RawTerms {
    pub(crate) details: RawDetails,
    members: Option<ChainCodes>,
}

impl RawTerms {
    /// Reads the terms of either version: those of version 2 are longer by the chain codes.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, DecodeError> {
        if let Ok(details) = codec::decode(bytes) {
            return Ok(Self { details, members: None });
        }
        let (details, members): (RawDetails, ChainCodes) = codec::decode(bytes)?;
        Ok(Self { details, members: Some(members) })
    }

    /// One of the items; none if there are fewer, or if it is none.
    pub(crate) fn item(&self, position: usize) -> Option<Item> {
        let item = self.details.items.as_slice().get(position).cloned()?;
        item.parse(&KnownKeys::NONE).ok().map(|item| of_members(item, &chain_codes(self.members.as_ref())))
    }
}

/// The chain codes that the items of a request share; none in version 1.
type Shared = Option<Arc<[Option<[u8; 32]>]>>;

fn chain_codes(members: Option<&ChainCodes>) -> Shared {
    members.map(|members| members.as_slice().into())
}

/// An item with the derivation that its path and its taproot tweak have in a request with chain codes.
fn of_members(item: Item, shared: &Shared) -> Item {
    let Some(chain_codes) = shared.clone() else { return item };
    let (path, taproot) = match item.derivation {
        Derivation::None => (Vec::new(), None),
        Derivation::Taproot { merkle_root } => (Vec::new(), Some(merkle_root)),
        Derivation::Bip328 { path } => (path, None),
        Derivation::Bip328Taproot { path, merkle_root } => (path, Some(merkle_root)),
        Derivation::Members { paths, taproot } => (paths.path, taproot),
    };
    Item { derivation: Derivation::Members { paths: MemberPaths { chain_codes, path }, taproot }, ..item }
}

/// The chain codes of all items, which are of one kind.
fn shared_of(items: &[Item]) -> Result<Shared, ParseError> {
    let of = |item: &Item| item.derivation.members().map(|paths| Arc::clone(&paths.chain_codes));
    let shared = items.first().and_then(of);
    if items.iter().all(|item| of(item) == shared) { Ok(shared) } else { Err(ParseError::Length) }
}

/// The terms of version 1.
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

impl RawSigningRequest {
    pub(crate) fn terms(&self) -> Result<Vec<u8>, ParseError> {
        let mut terms = [self.creator.signer.as_slice(), &codec::encode(&self.details)?].concat();
        if let Some(members) = &self.members.0 {
            terms.extend(codec::encode(members)?);
        }
        Ok(terms)
    }

    /// True if the request is of version 2.
    pub(crate) fn is_of_members(&self) -> bool {
        self.members.0.is_some()
    }

    /// The bytes of version 2 if the request is of that version, else of version 1.
    pub(crate) fn encode(&self) -> Result<Vec<u8>, ParseError> {
        let Self { creator, details, members, work } = self.clone();
        match members.0 {
            Some(members) => codec::encode(&RawMembersRequest { creator, details, members, work }),
            None => codec::encode(self),
        }
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
        ensure(possible, Rule::Items)?;
        let derives = |members: &ChainCodes| {
            members.len() == keys.len()
                && members.as_slice().iter().any(Option::is_some)
                && items.iter().all(|item| item.path.len() > 0)
        };
        ensure(self.members.0.as_ref().is_none_or(derives), Rule::Items)
    }
}

impl Mirror<SigningRequest> for RawSigningRequest {
    fn of(message: &SigningRequest) -> Result<Self, ParseError> {
        let shared = shared_of(&message.items)?;
        Ok(Self {
            creator: Mirror::of(&message.creator)?,
            members: Absent(shared.map(|codes| List::new(codes.to_vec())).transpose()?),
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
        let shared = chain_codes(self.members.0.as_ref());
        let items: Vec<Item> = details.items.parse(known)?;
        Ok(SigningRequest {
            creator,
            keys: details.keys.parse(known)?,
            items: items.into_iter().map(|item| of_members(item, &shared)).collect(),
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
            Derivation::Bip328 { path }
            | Derivation::Bip328Taproot { path, .. }
            | Derivation::Members { paths: MemberPaths { path, .. }, .. }
                if path.is_empty() =>
            {
                return Err(ParseError::Length);
            }
            Derivation::Bip328 { path } => (path.as_slice(), None),
            Derivation::Bip328Taproot { path, merkle_root } => (path.as_slice(), Some(*merkle_root)),
            Derivation::Members { paths, taproot } => (paths.path.as_slice(), *taproot),
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
