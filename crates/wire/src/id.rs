//! Identifiers, each a newtype in this one place.
//!
//! Every id that is a hash is 32 bytes, shown as lower-case hex and derived in the place that the protocol names:
//! requests and sessions here (`docs/protocol.md` §6), messages in [`crate::envelope`] (§2). A [`PeerId`] is opaque to
//! this crate: it is the multihash that libp2p uses, bounded and compared by bytes. Only a [`crate::Delegation`] binds
//! it to a signer (§1).

use core::fmt;
use core::str::FromStr;

use motet_core_crypto::Tag;

use crate::base58;
use crate::limits;

static REQUEST: Tag = Tag::new("motet/request/v1");
static SESSION: Tag = Tag::new("motet/session/v1");

/// Why a text or a byte string is no id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum IdError {
    /// The length is outside the bounds of the id.
    #[error("the length {length} is outside {minimum}..={maximum}")]
    Length {
        /// Bytes found.
        length: usize,
        /// Fewest bytes allowed.
        minimum: usize,
        /// Most bytes allowed.
        maximum: usize,
    },
    /// A character that the text form does not use.
    #[error("not a character of this text form")]
    Character,
}

/// Makes a 32-byte id: bytes in, bytes out, hex for people.
macro_rules! id32 {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name([u8; 32]);

        impl $name {
            /// Wraps 32 bytes that are known to be this id.
            pub const fn from_bytes(bytes: [u8; 32]) -> Self {
                Self(bytes)
            }

            /// The 32 bytes.
            pub const fn to_bytes(self) -> [u8; 32] {
                self.0
            }

            /// The 32 bytes, borrowed.
            pub const fn as_bytes(&self) -> &[u8; 32] {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&hex::encode(self.0))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl FromStr for $name {
            type Err = IdError;

            fn from_str(text: &str) -> Result<Self, IdError> {
                let mut bytes = [0; 32];
                hex::decode_to_slice(text, &mut bytes).map_err(|error| match error {
                    hex::FromHexError::InvalidHexCharacter { .. } => IdError::Character,
                    hex::FromHexError::OddLength | hex::FromHexError::InvalidStringLength => {
                        IdError::Length { length: text.len(), minimum: 64, maximum: 64 }
                    }
                })?;
                Ok(Self(bytes))
            }
        }
    };
}

id32! {
    /// A signing request: the hash of everything that its creator asks for (`docs/protocol.md` §6). See
    /// [`crate::SigningRequest::id`].
    RequestId
}
id32! {
    /// One attempt of one request; every attempt has its own session id, so that nothing that is said in one attempt
    /// means anything in another.
    AttemptId
}
id32! {
    /// A message: the digest that its envelope's signature is over, so that a re-signed copy is the same message.
    MessageId
}
id32! {
    /// An advertisement: the [`MessageId`] of the envelope that carried it.
    AdvertisementId
}
id32! {
    /// The hash of the commitments, or of the nonces, that a signer has seen of a round. See [`crate::transcript`].
    TranscriptHash
}

impl RequestId {
    /// The id of the request with these terms: see [`crate::SigningRequest::id`].
    pub(crate) fn of_terms(network: &NetworkId, terms: &[u8]) -> Self {
        Self(REQUEST.hash(&[&network.prefix(), terms]))
    }

    /// The same, from the creator's signer key and the encoded details.
    pub(crate) fn of_terms_in_parts(network: &NetworkId, creator: &[u8; 33], details: &[u8]) -> Self {
        Self(REQUEST.hash(&[&network.prefix(), creator, details]))
    }
}

impl AttemptId {
    /// The session id of one attempt of a request: `tagged_hash("motet/session/v1", request id | attempt BE u32)`.
    pub fn derive(request: &RequestId, attempt: Attempt) -> Self {
        Self(SESSION.hash(&[request.as_bytes(), &attempt.0.to_be_bytes()]))
    }
}

impl From<MessageId> for AdvertisementId {
    fn from(id: MessageId) -> Self {
        Self(id.0)
    }
}

/// A signer's place in the request's list of keys, from 0. This list, in the order in which the creator sent it, is the
/// only index space that Motet has.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct SignerIndex(pub u16);

impl SignerIndex {
    /// The index as an offset into a list.
    pub fn as_usize(self) -> usize {
        usize::from(self.0)
    }
}

impl fmt::Display for SignerIndex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The number of a session's attempt, from 0. Each attempt has fresh nonces (`docs/protocol.md` §7.4).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub struct Attempt(pub u32);

impl Attempt {
    /// The first attempt of a request.
    pub const FIRST: Self = Self(0);

    /// The attempt after this one, or `None` at the end of the number space.
    pub fn next(self) -> Option<Self> {
        self.0.checked_add(1).map(Self)
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The name of a network: 1 to 32 bytes of printable ASCII without spaces. It is hashed into every signed digest, topic
/// and DHT key, so that a message of one network never verifies on another.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct NetworkId(String);

impl NetworkId {
    /// Takes a name.
    ///
    /// # Errors
    ///
    /// [`IdError::Length`] outside 1 to 32 bytes, [`IdError::Character`] for anything but visible ASCII.
    pub fn new(name: &str) -> Result<Self, IdError> {
        if name.is_empty() || name.len() > limits::NETWORK_ID {
            return Err(IdError::Length { length: name.len(), minimum: 1, maximum: limits::NETWORK_ID });
        }
        if !name.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(IdError::Character);
        }
        Ok(Self(name.to_owned()))
    }

    /// The network `main`.
    pub fn main() -> Self {
        Self("main".to_owned())
    }

    /// The network `test`.
    pub fn test() -> Self {
        Self("test".to_owned())
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The name with its length in front (one byte), as it goes into digests: without the length, bytes could be moved
    /// between the end of the name and the beginning of the next part.
    pub(crate) fn prefix(&self) -> Vec<u8> {
        let length = u8::try_from(self.0.len()).unwrap_or(u8::MAX);
        let mut prefix = Vec::with_capacity(1 + self.0.len());
        prefix.push(length);
        prefix.extend_from_slice(self.0.as_bytes());
        prefix
    }
}

impl fmt::Display for NetworkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for NetworkId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NetworkId({})", self.0)
    }
}

impl FromStr for NetworkId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        Self::new(text)
    }
}

/// A libp2p peer: 1 to 64 bytes, opaque here, stored without allocation. Shown in base58 as libp2p shows it.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId {
    // Unused bytes are zero, so that the derived comparisons are comparisons of the id.
    bytes: [u8; limits::PEER_ID],
    length: u8,
}

impl PeerId {
    /// Takes the bytes of a peer id.
    ///
    /// # Errors
    ///
    /// [`IdError::Length`] outside 1 to 64 bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, IdError> {
        let error = IdError::Length { length: bytes.len(), minimum: 1, maximum: limits::PEER_ID };
        let length = u8::try_from(bytes.len()).map_err(|_| error)?;
        let mut padded = [0; limits::PEER_ID];
        let target = padded.get_mut(..bytes.len()).ok_or(error)?;
        if target.is_empty() {
            return Err(error);
        }
        target.copy_from_slice(bytes);
        Ok(Self { bytes: padded, length })
    }

    /// The bytes, 1 to 64 of them.
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..usize::from(self.length)).unwrap_or_default()
    }
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&base58::encode(self.as_bytes()))
    }
}

impl fmt::Debug for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PeerId({self})")
    }
}

impl FromStr for PeerId {
    type Err = IdError;

    fn from_str(text: &str) -> Result<Self, IdError> {
        // 64 bytes are at most 88 base58 digits; anything longer is refused before it costs quadratic time.
        if text.len() > 88 {
            return Err(IdError::Length { length: text.len(), minimum: 1, maximum: 88 });
        }
        Self::from_bytes(&base58::decode(text).ok_or(IdError::Character)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_read_back_what_they_show() {
        let id = RequestId::from_bytes(core::array::from_fn(|i| u8::try_from(i).unwrap()));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert_eq!("00".parse::<RequestId>(), Err(IdError::Length { length: 2, minimum: 64, maximum: 64 }));
        assert_eq!("zz".repeat(32).parse::<RequestId>(), Err(IdError::Character));
    }

    #[test]
    fn a_network_name_is_one_to_thirty_two_visible_bytes() {
        assert_eq!(NetworkId::new("main"), Ok(NetworkId::main()));
        assert!(NetworkId::new(&"n".repeat(32)).is_ok());
        assert!(NetworkId::new(&"n".repeat(33)).is_err());
        assert!(NetworkId::new("").is_err());
        assert_eq!(NetworkId::new("ma in"), Err(IdError::Character));
        assert_eq!(NetworkId::new("m\u{e4}in"), Err(IdError::Character));
    }

    #[test]
    fn a_peer_id_is_bounded_and_shown_in_base58() {
        let bytes = [&[0, 36, 8, 1, 18, 32][..], &[7; 32]].concat();
        let peer = PeerId::from_bytes(&bytes).unwrap();
        assert!(peer.to_string().starts_with("12D3KooW"), "{peer}");
        assert_eq!(peer.to_string().parse(), Ok(peer));
        assert!(PeerId::from_bytes(&[]).is_err());
        assert!(PeerId::from_bytes(&[1; 64]).is_ok());
        assert!(PeerId::from_bytes(&[1; 65]).is_err());
        assert!("1".repeat(89).parse::<PeerId>().is_err());
    }

    #[test]
    fn attempts_of_one_request_are_different_sessions() {
        let request = RequestId::from_bytes([7; 32]);
        assert_ne!(AttemptId::derive(&request, Attempt(0)), AttemptId::derive(&request, Attempt(1)));
    }
}
