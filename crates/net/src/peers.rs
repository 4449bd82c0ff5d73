//! Conversion of peer ids and addresses between the form in messages and that of libp2p.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "multiaddr's protocols grow with each release; unknown ones are somebody else's to judge"
)]

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use motet_wire::Address;

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
pub fn address_from_wire(address: &Address) -> Option<Multiaddr> {
    Multiaddr::try_from(address.as_bytes().to_vec()).ok()
}

/// An address as messages carry it; `None` if it is too long.
pub fn address_to_wire(address: &str) -> Option<Address> {
    let address: Multiaddr = address.parse().ok()?;
    Address::from_bytes(&address.to_vec()).ok()
}

/// The first part of an address that nodes do not speak over; `None` if there is none.
pub(crate) fn not_spoken(address: &Multiaddr) -> Option<String> {
    let mut parts = address.iter().peekable();
    while let Some(part) = parts.next() {
        let spoken = match &part {
            Protocol::Udp(_) => matches!(parts.peek(), Some(Protocol::QuicV1)),
            Protocol::QuicV1
            | Protocol::Ip4(_)
            | Protocol::Ip6(_)
            | Protocol::Ip6zone(_)
            | Protocol::Dns(_)
            | Protocol::Dns4(_)
            | Protocol::Dns6(_)
            | Protocol::Dnsaddr(_)
            | Protocol::Tcp(_)
            | Protocol::P2p(_)
            | Protocol::P2pCircuit => true,
            _ => false,
        };
        if !spoken {
            return Some(name_of(&part.to_string()));
        }
    }
    None
}

/// A part of an address without its value.
fn name_of(part: &str) -> String {
    let name: Vec<&str> = part.split('/').take(2).collect();
    name.join("/")
}

/// Splits the peer id off the end of an address.
pub(crate) fn split_peer(address: &Multiaddr) -> Option<(PeerId, Multiaddr)> {
    let mut rest = address.clone();
    match rest.pop() {
        Some(Protocol::P2p(peer)) => Some((peer, rest)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_other_transports_are_told_apart_by_their_part() {
        let peer = PeerId::random();
        let circuit = format!("/ip4/203.0.113.7/tcp/1/p2p/{peer}/p2p-circuit/p2p/{peer}");
        for (text, part) in [
            ("/ip4/203.0.113.7/tcp/4001", None),
            ("/ip6/::1/udp/4001/quic-v1", None),
            ("/dnsaddr/node.example", None),
            (circuit.as_str(), None),
            ("/ip4/203.0.113.7/tcp/4001/ws", Some("/ws")),
            ("/dns4/node.example/tcp/443/wss", Some("/wss")),
            ("/ip4/203.0.113.7/udp/4001", Some("/udp")),
            ("/ip4/203.0.113.7/udp/4001/quic", Some("/udp")),
            ("/unix/a", Some("/unix")),
            ("/memory/7", Some("/memory")),
        ] {
            assert_eq!(not_spoken(&text.parse().unwrap()).as_deref(), part, "{text}");
        }
    }
}
