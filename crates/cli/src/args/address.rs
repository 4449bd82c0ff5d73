//! Multiaddrs on the command line: where this node listens, and where other nodes are.

use motet_net::{Multiaddr, split_peer};
use motet_wire::PeerId;

use super::signers::{self, Named};

/// The protocols that lead to a node, each in the form that this program speaks.
const TRANSPORTS: [&[&str]; 6] = [
    &["tcp"],
    &["udp", "quic-v1"],
    &["tcp", "ws"],
    &["tcp", "wss"],
    &["tcp", "tls", "ws"],
    &["tcp", "tls", "sni", "ws"],
];
/// Those of them that this program listens on. For the others it would need a certificate.
const LISTENS: [&[&str]; 3] = [&["tcp"], &["udp", "quic-v1"], &["tcp", "ws"]];
const HOSTS: [&str; 5] = ["ip4", "ip6", "dns", "dns4", "dns6"];

/// A node that is named by its address and its peer id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PeerAddress {
    /// The address, with the peer id at its end.
    pub(crate) address: Multiaddr,
    /// The peer id.
    pub(crate) peer: PeerId,
}

/// A node of `--peer`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum NamedNode {
    /// By its address.
    Address(PeerAddress),
    /// The node of a contact, by the contact's name or key.
    Contact(Named),
}

/// A node of `--peer`: an address begins with a slash, and all else is a contact.
pub(crate) fn node(text: &str) -> Result<NamedNode, String> {
    if text.is_empty() || text.starts_with('/') {
        return peer(text).map(NamedNode::Address);
    }
    signers::named(text).map(NamedNode::Contact)
}

/// An address of a node, or of a node behind a relay.
fn peer(text: &str) -> Result<PeerAddress, String> {
    let example = "/ip4/203.0.113.7/tcp/4001/p2p/PEER_ID";
    let address = parse(text, example)?;
    let stack: Vec<&str> = address.protocol_stack().collect();
    let Some((peer, _)) = split_peer(text).filter(|_| stack.last() == Some(&"p2p")) else {
        let where_it_is = "the other node's `motet run --json` tells it, as `peer` of `ready`";
        return Err(format!("it has to end in /p2p/ and the peer id of that node; {where_it_is}"));
    };
    let mut hops = stack.split(|protocol| *protocol == "p2p-circuit");
    let reaches = |hop: &[&str]| hop == ["dnsaddr", "p2p"] || hop.split_last().is_some_and(|(_, rest)| is_direct(rest));
    let direct = hops.next().is_some_and(reaches);
    let behind_relay = hops.next().is_none_or(|hop| hop == ["p2p"]);
    if !direct || !behind_relay || hops.next().is_some() {
        return Err(format!("this program cannot connect that way; write TCP, QUIC or WebSocket, such as {example}"));
    }
    if has_port_zero(text) {
        return Err("port 0 is for listening only; write the port at which that node listens".to_owned());
    }
    Ok(PeerAddress { address, peer })
}

/// An address of `--relay`: of a node that is reached directly.
pub(crate) fn relay(text: &str) -> Result<PeerAddress, String> {
    let relay = peer(text)?;
    if relay.address.protocol_stack().any(|protocol| protocol == "p2p-circuit") {
        return Err("a relay cannot be reached through another relay; write its own address".to_owned());
    }
    Ok(relay)
}

/// An address of `--listen`.
pub(crate) fn listen(text: &str) -> Result<Multiaddr, String> {
    let example = "/ip4/0.0.0.0/tcp/4001 or /ip4/0.0.0.0/udp/4001/quic-v1";
    let address = parse(text, example)?;
    let stack: Vec<&str> = address.protocol_stack().collect();
    if stack.contains(&"p2p-circuit") {
        return Err("to be reached through a relay, name the relay with --relay".to_owned());
    }
    if stack.contains(&"p2p") {
        return Err("leave out /p2p/PEER_ID: this node's own peer id is known".to_owned());
    }
    if stack.iter().any(|protocol| matches!(*protocol, "wss" | "tls")) {
        let remedy = "listen on /ws behind a reverse proxy that has one, and name the proxy's address with --external";
        return Err(format!("this program has no certificate for TLS; {remedy}"));
    }
    let listens = stack
        .split_first()
        .is_some_and(|(host, transport)| matches!(*host, "ip4" | "ip6") && LISTENS.contains(&transport));
    if !listens {
        return Err(format!(
            "this program listens at IP addresses on TCP, QUIC and WebSocket (/tcp/PORT/ws), such as {example}"
        ));
    }
    Ok(address)
}

/// An address of `--external`: where others reach this node.
pub(crate) fn external(text: &str) -> Result<Multiaddr, String> {
    let example = "/ip4/203.0.113.7/tcp/4001 or /dns4/node.example/tcp/443/wss";
    let address = parse(text, example)?;
    let stack: Vec<&str> = address.protocol_stack().collect();
    if stack.contains(&"p2p") {
        return Err("leave out /p2p/PEER_ID: this node's own peer id is known".to_owned());
    }
    if !is_direct(&stack) {
        return Err(format!("others cannot connect that way; write TCP, QUIC or WebSocket, such as {example}"));
    }
    if has_port_zero(text) {
        return Err("port 0 is for listening only; write the port at which others reach this node".to_owned());
    }
    Ok(address)
}

fn parse(text: &str, example: &str) -> Result<Multiaddr, String> {
    text.parse().map_err(|_| format!("not a multiaddr such as {example}"))
}

/// True if these protocols are a host and a transport.
fn is_direct(stack: &[&str]) -> bool {
    stack.split_first().is_some_and(|(host, transport)| HOSTS.contains(host) && TRANSPORTS.contains(&transport))
}

fn has_port_zero(text: &str) -> bool {
    ["/tcp/0", "/udp/0"].iter().any(|port| text.ends_with(port) || text.contains(&format!("{port}/")))
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "12D3KooWSahP5pFRCEfaziPEba7urXGeif6T1y8jmodzdFUvzBHj";
    const OTHER: &str = "12D3KooWDpJ7As7BWAwRMfu1VU2WCqNjvq387JEYKDBj4kx6nXTN";

    #[test]
    fn every_address_that_leads_to_a_node_is_taken() {
        for way in [
            "/ip4/203.0.113.7/tcp/4001",
            "/ip6/2001:db8::7/udp/4001/quic-v1",
            "/dns/signer.example/tcp/1",
            "/dns4/signer.example/udp/1/quic-v1",
            "/dns6/signer.example/tcp/65535",
            "/dnsaddr/signer.example",
            "/ip4/203.0.113.7/tcp/4001/ws",
            "/dns4/signer.example/tcp/443/wss",
            "/dns4/signer.example/tcp/443/tls/ws",
        ] {
            let named = peer(&format!("{way}/p2p/{ID}")).unwrap();
            assert_eq!((named.peer.to_string().as_str(), named.address.to_string()), (ID, format!("{way}/p2p/{ID}")));
            assert_eq!(relay(&format!("{way}/p2p/{ID}")), Ok(named));
        }
        let circuit = format!("/ip4/203.0.113.7/tcp/4001/p2p/{ID}/p2p-circuit/p2p/{OTHER}");
        assert_eq!(peer(&circuit).unwrap().peer.to_string(), OTHER);
        assert!(relay(&circuit).is_err());
    }

    #[test]
    fn a_node_is_an_address_or_a_contact() {
        let address = format!("/ip4/203.0.113.7/tcp/4001/p2p/{ID}");
        assert_eq!(node(&address), peer(&address).map(NamedNode::Address));
        assert_eq!(node("alice"), Ok(NamedNode::Contact(Named::Nickname("alice".to_owned()))));
        for wrong in ["", "/alice", " ", "0xf9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9"] {
            assert!(node(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_address_that_leads_nowhere_is_refused() {
        for wrong in [
            format!("/p2p/{ID}"),
            format!("/ip4/203.0.113.7/p2p/{ID}"),
            format!("/ip4/203.0.113.7/udp/4001/p2p/{ID}"),
            format!("/ip4/203.0.113.7/udp/4001/ws/p2p/{ID}"),
            format!("/memory/1/p2p/{ID}"),
            format!("/ip4/203.0.113.7/tcp/0/p2p/{ID}"),
            format!("/ip4/203.0.113.7/tcp/4001/p2p-circuit/p2p/{ID}"),
            format!("/ip4/203.0.113.7/tcp/4001/p2p/{ID}/p2p-circuit"),
            format!("/ip4/203.0.113.7/tcp/4001/p2p/{ID}/p2p/{OTHER}"),
            "/ip4/203.0.113.7/tcp/4001".to_owned(),
            "/ip4/203.0.113.7/tcp/4001/p2p/nobody".to_owned(),
            String::new(),
        ] {
            assert!(peer(&wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_node_listens_at_ip_addresses_on_tcp_quic_and_websocket() {
        for right in
            ["/ip4/0.0.0.0/tcp/0", "/ip6/::/udp/4001/quic-v1", "/ip4/127.0.0.1/tcp/4001", "/ip4/127.0.0.1/tcp/0/ws"]
        {
            assert_eq!(listen(right).unwrap().to_string(), right);
        }
        for wrong in ["/ip4/0.0.0.0", "/ip4/0.0.0.0/udp/1", "/ip4/0.0.0.0/tcp/1/wss", "/dns/localhost/tcp/1", "", "/"] {
            assert!(listen(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn an_external_address_is_one_at_which_others_can_connect() {
        for right in ["/ip4/203.0.113.7/tcp/4001", "/dns4/node.example/tcp/443/wss", "/ip6/2001:db8::7/udp/1/quic-v1"] {
            assert_eq!(external(right).unwrap().to_string(), right);
        }
        let named = format!("/ip4/203.0.113.7/tcp/4001/p2p/{ID}");
        for wrong in
            ["/ip4/203.0.113.7", "/ip4/203.0.113.7/tcp/0", "/ip4/203.0.113.7/tcp/0/ws", &named, "/memory/1", ""]
        {
            assert!(external(wrong).is_err(), "{wrong}");
        }
    }
}
