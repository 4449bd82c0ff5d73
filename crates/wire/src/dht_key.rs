//! Keys of the DHT (`docs/protocol.md` §9).
//!
//! A key is `tagged_hash("motet/dht/v1", network | path)`, where the path is text, as in `signer/02ab…`; writer and
//! reader make it in this one place. Hashing spreads the keys over the DHT and keeps networks apart.
//!
//! A record lies at three *places*, `tagged_hash("motet/dht-place/v2", key | number u8)`: peer ids that were searched for
//! until they are next to one place are far from the others.
//!
//! Entries that must be enumerable are in *bags*: `index/<index>/<depth>/<shard>`. The shard of a signer is the first
//! `depth` bits of the hash of its key, so that an index can grow by getting deeper.

use core::fmt;

use motet_core_crypto::{PublicKey, Tag};

use crate::id::{NetworkId, RequestId};

static SHARD: Tag = Tag::new("motet/shard/v1");
static DHT: Tag = Tag::new("motet/dht/v1");
static PLACE: Tag = Tag::new("motet/dht-place/v2");

/// A key of the DHT: 32 bytes.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DhtKey([u8; 32]);

/// An enumeration that the DHT can answer.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Index {
    /// All signers.
    Signers,
    /// The signers of one transaction type.
    SignersOfType(String),
    /// The requests that one signer is asked by.
    RequestsFor(PublicKey),
}

/// One of the `2^depth` bags of an index.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Shard {
    /// Number of bits of the signer's hash that choose the bag: 0 to 16.
    depth: u8,
    /// Those bits.
    number: u16,
}

impl Shard {
    /// The deepest.
    pub const MAX_DEPTH: u8 = 16;
    /// Bits by which an index gets deeper at a time: each bag has 16 below it.
    pub const STEP: u8 = 4;

    /// The shard at this depth that a signer's entries lie in. A depth above 16 counts as 16.
    pub fn of(signer: &PublicKey, depth: u8) -> Self {
        Self::of_bytes(&signer.to_bytes(), depth)
    }

    /// The same of a signer whose point has not been parsed.
    pub(crate) fn of_bytes(signer: &[u8; 33], depth: u8) -> Self {
        let depth = depth.min(Self::MAX_DEPTH);
        let [first, second, ..] = SHARD.hash(&[signer]);
        let bits = u32::from(u16::from_be_bytes([first, second]));
        let number = u16::try_from(bits >> (16 - u32::from(depth))).unwrap_or_default();
        Self { depth, number }
    }

    /// All shards at this depth.
    pub fn all(depth: u8) -> impl Iterator<Item = Self> {
        let depth = depth.min(Self::MAX_DEPTH);
        (0..1u32 << depth).filter_map(move |number| u16::try_from(number).ok().map(|number| Self { depth, number }))
    }

    /// The shards one step deeper that the entries of this one lie in as well; none below the deepest.
    pub fn below(self) -> impl Iterator<Item = Self> {
        let depth = self.depth.saturating_add(Self::STEP);
        let first = u32::from(self.number) << Self::STEP;
        let count = if depth <= Self::MAX_DEPTH { 1 << Self::STEP } else { 0 };
        (first..first + count).filter_map(move |number| u16::try_from(number).ok().map(|number| Self { depth, number }))
    }

    /// Number of bits that choose the bag.
    pub const fn depth(self) -> u8 {
        self.depth
    }

    /// Which bag it is.
    pub const fn number(self) -> u16 {
        self.number
    }
}

impl Index {
    /// The depths at which the index has bags, the first one first: 16 bags of signers, and one of a signer's requests.
    pub fn depths(&self) -> impl Iterator<Item = u8> + use<> {
        let first = match self {
            Self::Signers | Self::SignersOfType(_) => Shard::STEP,
            Self::RequestsFor(_) => 0,
        };
        (first..=Shard::MAX_DEPTH).step_by(usize::from(Shard::STEP))
    }

    /// The shards at the first depth.
    pub fn shards(&self) -> impl Iterator<Item = Shard> + use<> {
        Shard::all(self.depths().next().unwrap_or_default())
    }
}

impl DhtKey {
    /// Number of places at which a record lies.
    pub const PLACES: u8 = 3;

    /// The key of a signer's advertisement.
    pub fn signer(network: &NetworkId, signer: &PublicKey) -> Self {
        Self::of_path(network, &format!("signer/{}", hex::encode(signer.to_bytes())))
    }

    /// The key of a request.
    pub fn request(network: &NetworkId, request: &RequestId) -> Self {
        Self::of_path(network, &format!("request/{request}"))
    }

    /// The key of an application's resource.
    ///
    /// The parts are hashed with their lengths, so that no type and id can be cut in another place.
    pub fn resource(network: &NetworkId, resource_type: &str, id: &str) -> Self {
        Self::of_path(network, &format!("resource/{}:{resource_type}/{}:{id}", resource_type.len(), id.len()))
    }

    /// The key of a bag of an index.
    pub fn bag(network: &NetworkId, index: &Index, shard: Shard) -> Self {
        Self::of_path(network, &format!("index/{index}/{}/{}", shard.depth, shard.number))
    }

    /// The places of the record in the DHT.
    pub fn places(self) -> impl Iterator<Item = [u8; 32]> {
        (0..Self::PLACES).map(move |number| PLACE.hash(&[&self.0, &[number]]))
    }

    /// Wraps 32 bytes that came from the DHT.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The 32 bytes.
    pub const fn to_bytes(self) -> [u8; 32] {
        self.0
    }

    fn of_path(network: &NetworkId, path: &str) -> Self {
        Self(DHT.hash(&[&network.prefix(), path.as_bytes()]))
    }
}

impl fmt::Display for DhtKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for DhtKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DhtKey({self})")
    }
}

impl fmt::Display for Index {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Signers => f.write_str("signers/all"),
            Self::SignersOfType(name) => write!(f, "signers/type/{}:{name}", name.len()),
            Self::RequestsFor(signer) => write!(f, "requests/for/{}", hex::encode(signer.to_bytes())),
        }
    }
}
