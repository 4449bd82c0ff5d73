//! Links: `motet:` followed by one bech32m text, for contacts and for requests.
//!
//! The whole content is under the checksum, and in upper case the link consists of characters that a QR code stores in
//! 5.5 bits each: a contact with a peer, a name and two addresses is 218 characters, a code of 49 by 49 squares, and
//! the largest contact still fits into one of 109 by 109. A request of up to 50 KB does not fit into any code, so its
//! link has its id and the peer that has it, from 146 characters on, 41 by 41 squares.
//!
//! A link proves nothing. The user decides whether to believe a contact; a request that is fetched must have the id of
//! the link.

use core::fmt;
use core::str::FromStr;

use motet_core_crypto::PublicKey;

use crate::codec::{self, Bytes, Decode, Encode, List, ParseError, Text};
use crate::id::{NetworkId, PeerId, RequestId};
use crate::limits;
use crate::message::Address;
use crate::text::{self, TextError};

const SCHEME: &str = "motet:";
const CONTACT: &str = "mcontact";
const REQUEST: &str = "mrequest";

/// A link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Link {
    /// A signer to sign with.
    Contact(Contact),
    /// Something to sign.
    Request(RequestLink),
}

/// A signer to sign with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Contact {
    /// The network that the signer is on.
    pub network: NetworkId,
    /// The signer's key.
    pub signer: PublicKey,
    /// The node that served the signer when the link was made.
    pub peer: Option<PeerId>,
    /// Addresses of that node, at most 4.
    pub addresses: Vec<Address>,
    /// The name that the signer gives itself, at most 64 bytes; no node has checked it.
    pub name: String,
}

/// A request to sign: its id, and a node that has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestLink {
    /// The network that the request is on.
    pub network: NetworkId,
    /// The request id: a fetched request must have it.
    pub request: RequestId,
    /// The signer that asks.
    pub creator: PublicKey,
    /// The node that served the creator when the link was made.
    pub peer: Option<PeerId>,
    /// Addresses of that node, at most 4.
    pub addresses: Vec<Address>,
}

impl Link {
    /// The link in upper case: the smallest QR code.
    ///
    /// # Errors
    ///
    /// [`ParseError::Length`] when a part is over its bound.
    pub fn to_qr(&self) -> Result<String, ParseError> {
        self.to_uri().map(|uri| uri.to_ascii_uppercase())
    }

    /// The link.
    ///
    /// # Errors
    ///
    /// [`ParseError::Length`] when a part is over its bound.
    pub fn to_uri(&self) -> Result<String, ParseError> {
        let text = match self {
            Self::Contact(contact) => text::encode(CONTACT, &codec::encode(&RawContact::try_from(contact)?)?),
            Self::Request(request) => text::encode(REQUEST, &codec::encode(&RawRequestLink::try_from(request)?)?),
        };
        Ok(format!("{SCHEME}{text}"))
    }
}

impl FromStr for Link {
    type Err = TextError;

    fn from_str(uri: &str) -> Result<Self, TextError> {
        let (scheme, text) = uri.split_at_checked(SCHEME.len()).ok_or(TextError::Prefix)?;
        if !scheme.eq_ignore_ascii_case(SCHEME) {
            return Err(TextError::Prefix);
        }
        match text::decode(CONTACT, text) {
            Ok(bytes) => RawContact::read(&bytes).map(Self::Contact),
            Err(TextError::Prefix) => RawRequestLink::read(&text::decode(REQUEST, text)?).map(Self::Request),
            Err(error) => Err(error),
        }
    }
}

impl fmt::Display for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.to_uri().map_err(|_| fmt::Error)?)
    }
}

/// The peer and its addresses, in both kinds of link.
#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
struct RawPlace {
    network: Text<{ limits::NETWORK_ID }>,
    peer: Option<Bytes<{ limits::PEER_ID }>>,
    addresses: List<Bytes<{ limits::ADDRESS }>, { limits::LINK_ADDRESSES_MAX }>,
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
struct RawContact {
    signer: [u8; 33],
    place: RawPlace,
    name: Text<{ limits::NICKNAME }>,
}

#[derive(Debug, Clone, PartialEq, Eq, Encode, Decode)]
struct RawRequestLink {
    request: [u8; 32],
    creator: [u8; 33],
    place: RawPlace,
}

impl RawPlace {
    fn new(network: &NetworkId, peer: Option<&PeerId>, addresses: &[Address]) -> Result<Self, ParseError> {
        Ok(Self {
            network: Text::new(network.as_str())?,
            peer: peer.map(|peer| Bytes::new(peer.as_bytes())).transpose()?,
            addresses: List::collect(addresses, |address| Bytes::new(address.as_bytes()))?,
        })
    }

    fn read(self) -> Result<(NetworkId, Option<PeerId>, Vec<Address>), TextError> {
        let peer = self.peer.map(|peer| PeerId::from_bytes(peer.as_slice())).transpose();
        let addresses = self.addresses.as_slice().iter().map(|address| Address::from_bytes(address.as_slice()));
        Ok((
            NetworkId::new(self.network.as_str()).map_err(|_| TextError::Content)?,
            peer.map_err(|_| TextError::Content)?,
            addresses.collect::<Result<_, _>>().map_err(|_| TextError::Content)?,
        ))
    }
}

impl RawContact {
    fn read(bytes: &[u8]) -> Result<Contact, TextError> {
        let raw: Self = codec::decode(bytes).map_err(|_| TextError::Content)?;
        let (network, peer, addresses) = raw.place.read()?;
        let signer = PublicKey::from_bytes(&raw.signer).map_err(|_| TextError::Content)?;
        Ok(Contact { network, signer, peer, addresses, name: raw.name.into_string() })
    }
}

impl TryFrom<&Contact> for RawContact {
    type Error = ParseError;

    fn try_from(contact: &Contact) -> Result<Self, ParseError> {
        Ok(Self {
            signer: contact.signer.to_bytes(),
            place: RawPlace::new(&contact.network, contact.peer.as_ref(), &contact.addresses)?,
            name: Text::new(&contact.name)?,
        })
    }
}

impl RawRequestLink {
    fn read(bytes: &[u8]) -> Result<RequestLink, TextError> {
        let raw: Self = codec::decode(bytes).map_err(|_| TextError::Content)?;
        let (network, peer, addresses) = raw.place.read()?;
        let creator = PublicKey::from_bytes(&raw.creator).map_err(|_| TextError::Content)?;
        Ok(RequestLink { network, request: RequestId::from_bytes(raw.request), creator, peer, addresses })
    }
}

impl TryFrom<&RequestLink> for RawRequestLink {
    type Error = ParseError;

    fn try_from(link: &RequestLink) -> Result<Self, ParseError> {
        Ok(Self {
            request: link.request.to_bytes(),
            creator: link.creator.to_bytes(),
            place: RawPlace::new(&link.network, link.peer.as_ref(), &link.addresses)?,
        })
    }
}
