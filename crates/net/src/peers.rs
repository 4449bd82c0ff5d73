//! Peer ids and addresses, between what travels in messages and what libp2p wants, and who may be believed where.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "multiaddr's protocols grow with each release; unknown ones are somebody else's to judge"
)]

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use motet_wire::Address;

use crate::config::Reach;

/// The bytes of a libp2p peer id as the protocol carries them.
pub(crate) fn to_wire(peer: &PeerId) -> motet_wire::PeerId {
    let bytes = peer.to_bytes();
    #[expect(clippy::expect_used, reason = "libp2p's multihashes have at most 42 bytes, and 64 are allowed")]
    motet_wire::PeerId::from_bytes(&bytes).expect("a libp2p peer id fits")
}

/// A peer id from a message; `None` if libp2p does not know such ids.
pub(crate) fn from_wire(peer: &motet_wire::PeerId) -> Option<PeerId> {
    PeerId::from_bytes(peer.as_bytes()).ok()
}

/// An address from a message; `None` if it is not a multiaddr.
pub(crate) fn address_from_wire(address: &Address) -> Option<Multiaddr> {
    Multiaddr::try_from(address.as_bytes().to_vec()).ok()
}

/// An address as messages carry it; `None` if it is too long.
pub fn address_to_wire(address: &str) -> Option<Address> {
    let address: Multiaddr = address.parse().ok()?;
    Address::from_bytes(&address.to_vec()).ok()
}

/// Whether an address is worth dialling for a node of this reach.
pub(crate) fn is_useful(address: &Multiaddr, reach: Reach) -> bool {
    match reach {
        Reach::Local => true,
        Reach::Public => address.iter().all(|part| match part {
            Protocol::Ip4(ip) => {
                !(ip.is_loopback() || ip.is_private() || ip.is_link_local() || ip.is_unspecified() || ip.is_multicast())
            }
            Protocol::Ip6(ip) => {
                !(ip.is_loopback()
                    || ip.is_unspecified()
                    || ip.is_multicast()
                    || ip.is_unique_local()
                    || ip.is_unicast_link_local())
            }
            _ => true,
        }),
    }
}

/// Splits the peer id off the end of an address.
pub(crate) fn split_peer(address: &Multiaddr) -> Option<(PeerId, Multiaddr)> {
    let mut rest = address.clone();
    match rest.pop() {
        Some(Protocol::P2p(peer)) => Some((peer, rest)),
        _ => None,
    }
}
