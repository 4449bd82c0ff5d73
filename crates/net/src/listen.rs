//! A test whether an address is free to listen on.
//!
//! libp2p lets several sockets share a TCP port (`SO_REUSEPORT`), so that it can dial from its listening port. With
//! that, a second program on a port is no error: the system divides the connections between the two. So the address is
//! first bound once without sharing.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "multiaddr's protocols grow with each release; what has no port cannot be taken"
)]

use core::net::{IpAddr, SocketAddr};
use std::collections::BTreeSet;
use std::io;

use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;
use socket2::{Domain, Protocol as Carrier, Socket, Type};

use crate::error::Refused;
use crate::peers;
use crate::transport_kind::TransportKind;
use crate::words;

/// The addresses that another program has, or that this machine or this user may not listen on.
pub(crate) fn refused(addresses: &[Multiaddr], transports: &BTreeSet<TransportKind>) -> Vec<Refused> {
    let reason = |address: &Multiaddr| {
        if !peers::needs(address).is_subset(transports) {
            return Some("this node does not speak over that transport".to_owned());
        }
        if address.iter().any(|part| matches!(part, Protocol::Tls | Protocol::Wss(_))) {
            let remedy =
                "listen on /ws behind a reverse proxy that has one, and name the proxy's address as an external one";
            return Some(format!("this program has no certificate for TLS; {remedy}"));
        }
        let (socket, kind) = socket_of(address)?;
        let error = try_to_bind(socket, kind).err()?;
        Some(words::of_listening(&error, Some(socket.port())))
    };
    let refused = |address: &Multiaddr| Some(Refused { address: address.to_string(), reason: reason(address)? });
    addresses.iter().filter_map(refused).collect()
}

/// The port of an address, if it names one.
pub(crate) fn port(address: &Multiaddr) -> Option<u16> {
    address.iter().find_map(|part| match part {
        Protocol::Tcp(port) | Protocol::Udp(port) => Some(port),
        _ => None,
    })
}

fn socket_of(address: &Multiaddr) -> Option<(SocketAddr, Type)> {
    let mut parts = address.iter();
    let ip = match parts.next()? {
        Protocol::Ip4(ip) => IpAddr::V4(ip),
        Protocol::Ip6(ip) => IpAddr::V6(ip),
        _ => return None,
    };
    match parts.next()? {
        Protocol::Tcp(port) => Some((SocketAddr::new(ip, port), Type::STREAM)),
        Protocol::Udp(port) => Some((SocketAddr::new(ip, port), Type::DGRAM)),
        _ => None,
    }
}

fn try_to_bind(address: SocketAddr, kind: Type) -> io::Result<()> {
    let carrier = if kind == Type::STREAM { Carrier::TCP } else { Carrier::UDP };
    let socket = Socket::new(Domain::for_address(address), kind, Some(carrier))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    // Connections of an earlier process may still be ending on this port. On Unix this lets them be, and nothing else; on
    // Windows it would let a listener be, too.
    if kind == Type::STREAM && cfg!(unix) {
        socket.set_reuse_address(true)?;
    }
    socket.bind(&address.into())
}
