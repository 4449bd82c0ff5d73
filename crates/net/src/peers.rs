//! Conversion of peer ids and addresses between the form in messages and that of libp2p.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "multiaddr's protocols grow with each release; unknown ones are somebody else's to judge"
)]

use std::collections::BTreeSet;

use libp2p::multiaddr::Protocol;
use libp2p::{Multiaddr, PeerId};
use motet_wire::Address;

use crate::transport_kind::TransportKind;

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
    let mut before = None;
    while let Some(part) = parts.next() {
        let spoken = match &part {
            Protocol::Udp(_) => matches!(parts.peek(), Some(Protocol::QuicV1)),
            Protocol::Ws(_) => matches!(before, Some(Protocol::Tcp(_) | Protocol::Tls | Protocol::Sni(_))),
            Protocol::Wss(_) => matches!(before, Some(Protocol::Tcp(_))),
            Protocol::Tls => {
                matches!(before, Some(Protocol::Tcp(_)))
                    && matches!(parts.peek(), Some(Protocol::Ws(_) | Protocol::Sni(_)))
            }
            Protocol::Sni(_) => matches!(before, Some(Protocol::Tls)) && matches!(parts.peek(), Some(Protocol::Ws(_))),
            Protocol::Memory(_) => before.is_none(),
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
        before = Some(part);
    }
    None
}

/// The transports that an address needs, up to where a relay hands on.
pub(crate) fn needs(address: &Multiaddr) -> BTreeSet<TransportKind> {
    let mut needs = BTreeSet::new();
    for part in address.iter().take_while(|part| !matches!(part, Protocol::P2pCircuit)) {
        match part {
            Protocol::Dns(_) | Protocol::Dns4(_) | Protocol::Dns6(_) | Protocol::Dnsaddr(_) => {
                needs.insert(TransportKind::Dns);
            }
            Protocol::Tcp(_) => {
                needs.insert(TransportKind::Tcp);
            }
            Protocol::QuicV1 => {
                needs.insert(TransportKind::Quic);
            }
            Protocol::Ws(_) | Protocol::Wss(_) => {
                needs.remove(&TransportKind::Tcp);
                needs.insert(TransportKind::WebSocket);
            }
            Protocol::Memory(_) => {
                needs.insert(TransportKind::Memory);
            }
            _ => {}
        }
    }
    needs
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
            ("/ip4/203.0.113.7/tcp/4001/ws", None),
            ("/dns4/node.example/tcp/443/wss", None),
            ("/dns4/node.example/tcp/443/tls/ws", None),
            ("/ip4/203.0.113.7/tcp/443/tls/sni/node.example/ws", None),
            ("/memory/7", None),
            ("/ip4/203.0.113.7/ws", Some("/ws")),
            ("/ip4/203.0.113.7/tcp/443/tls", Some("/tls")),
            ("/ip4/203.0.113.7/tcp/443/ws/wss", Some("/wss")),
            ("/ip4/203.0.113.7/udp/4001", Some("/udp")),
            ("/ip4/203.0.113.7/udp/4001/quic", Some("/udp")),
            ("/unix/a", Some("/unix")),
            ("/ip4/203.0.113.7/memory/7", Some("/memory")),
        ] {
            assert_eq!(not_spoken(&text.parse().unwrap()).as_deref(), part, "{text}");
        }
    }

    #[test]
    fn an_address_needs_the_transports_of_its_first_hop() {
        use TransportKind::{Dns, Memory, Quic, Tcp, WebSocket};
        let peer = PeerId::random();
        let circuit = format!("/ip4/203.0.113.7/udp/1/quic-v1/p2p/{peer}/p2p-circuit/p2p/{peer}");
        for (text, expected) in [
            ("/ip4/203.0.113.7/tcp/4001", &[Tcp][..]),
            ("/dns4/node.example/tcp/4001", &[Tcp, Dns]),
            ("/dns4/node.example/tcp/443/wss", &[WebSocket, Dns]),
            ("/ip6/::1/tcp/443/tls/ws", &[WebSocket]),
            (circuit.as_str(), &[Quic]),
            ("/memory/7", &[Memory]),
            ("/dnsaddr/node.example", &[Dns]),
        ] {
            assert_eq!(needs(&text.parse().unwrap()), expected.iter().copied().collect(), "{text}");
        }
    }
}
