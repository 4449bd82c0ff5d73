//! The reach of an address, and the addresses that a node offers to others and believes of others (`docs/protocol.md`
//! §9).
//!
//! An address of a private network means another machine in every such network. A node believes one only if it is in
//! that network itself, and offers its own only if it has nothing that reaches further.

#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "multiaddr's protocols grow with each release; the others say nothing about where an address is"
)]

use core::cmp::Reverse;
use core::net::{IpAddr, Ipv4Addr};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, PoisonError, RwLock};

use libp2p::Multiaddr;
use libp2p::multiaddr::Protocol;
use motet_wire::{Address, AddressScope, limits};

use crate::config::Reach;
use crate::peers;
use crate::transport_kind::TransportKind;

/// The addresses that a node tells others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offered {
    /// The addresses, those first that are tried first.
    pub addresses: Vec<Address>,
    /// From how far away they can be reached.
    pub scope: AddressScope,
    /// Number of further addresses that reach as far, and do not fit into an advertisement.
    pub left_out: usize,
}

/// A private network, told from others by the beginning of its addresses.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Network {
    /// The first 16 bits. Home and office networks are a /24 or a few of them.
    V4([u8; 2]),
    /// The range that providers and overlay networks share, 100.64.0.0/10: their addresses are scattered in it.
    Shared,
    /// The first 48 bits: the range of one site.
    V6([u16; 3]),
}

/// The rule that decides whether an address is worth dialling; the same for all that dial. Clones share it.
#[derive(Debug, Clone)]
pub(crate) struct Judge(Arc<RwLock<Judging>>);

#[derive(Debug)]
struct Judging {
    reach: Reach,
    transports: BTreeSet<TransportKind>,
    networks: BTreeSet<Network>,
    /// True if the node itself listens on loopback only.
    alone: bool,
    /// Addresses that the user has named are dialled, wherever they are.
    named: BTreeSet<Multiaddr>,
}

impl Judge {
    pub(crate) fn new(reach: Reach, transports: BTreeSet<TransportKind>) -> Self {
        let judging = Judging { reach, transports, networks: BTreeSet::new(), alone: false, named: BTreeSet::new() };
        Self(Arc::new(RwLock::new(judging)))
    }

    /// The node listens on these addresses now.
    pub(crate) fn listens_on(&self, listening: &[Multiaddr]) {
        // A circuit is where its relay is, which may be anywhere.
        let own: Vec<&Multiaddr> = listening.iter().filter(|address| !is_circuit(address)).collect();
        let mut judging = self.0.write().unwrap_or_else(PoisonError::into_inner);
        judging.networks = own.iter().filter_map(|address| ip(address).and_then(network)).collect();
        judging.alone = !own.is_empty() && own.iter().all(|address| scope(address) == AddressScope::Machine);
    }

    /// The user has named this address.
    pub(crate) fn name(&self, address: &Multiaddr) {
        let mut judging = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if judging.named.len() < crate::limits::WANTED {
            judging.named.insert(place(address));
        }
    }

    /// True if an address that another node has told is worth dialling.
    pub(crate) fn believes(&self, address: &Multiaddr) -> bool {
        let judging = self.0.read().unwrap_or_else(PoisonError::into_inner);
        if !peers::needs(address).is_subset(&judging.transports) {
            return false;
        }
        match (judging.reach, scope(address)) {
            (_, AddressScope::Nowhere) => false,
            (Reach::Local, _) | (Reach::Public, AddressScope::Internet) => true,
            (Reach::Public, AddressScope::Network) => {
                ip(address).and_then(network).is_some_and(|network| judging.networks.contains(&network))
            }
            (Reach::Public, AddressScope::Machine) => judging.alone,
        }
    }

    /// True if an address may be dialled: it is believed, or the user has named it.
    pub(crate) fn lets_dial(&self, address: &Multiaddr) -> bool {
        let named = |judging: &Judging| judging.named.contains(&place(address));
        self.believes(address) || named(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The addresses that a node with these listeners tells others: those that reach furthest, one of each place before the
/// second of any.
pub(crate) fn offered(listening: &[Multiaddr], reach: Reach) -> Offered {
    let furthest = listening.iter().map(scope).max().unwrap_or(AddressScope::Nowhere);
    let mut seen = BTreeMap::<Option<IpAddr>, usize>::new();
    let mut judged: Vec<(Reverse<AddressScope>, usize, &Multiaddr)> = listening
        .iter()
        .map(|address| (Reverse(scope(address)), address))
        .filter(|(scope, _)| scope.0 == furthest || reach == Reach::Local)
        .filter(|(scope, _)| scope.0 != AddressScope::Nowhere)
        .map(|(scope, address)| {
            let before = seen.entry(ip(address)).or_default();
            *before += 1;
            (scope, *before, address)
        })
        .collect();
    judged.sort_by_key(|(scope, before, _)| (*scope, *before));
    let all = judged.len();
    let fits = judged.into_iter().filter_map(|(_, _, address)| Address::from_bytes(&address.to_vec()).ok());
    let addresses: Vec<Address> = fits.take(limits::ADDRESSES_MAX).collect();
    let left_out = all.saturating_sub(addresses.len());
    Offered { addresses, scope: furthest, left_out }
}

/// From how far away an address can be reached. It is where its first part says: behind that, a relay may hand on.
pub(crate) fn scope(address: &Multiaddr) -> AddressScope {
    match address.iter().find(|part| !matches!(part, Protocol::Ip6zone(_))) {
        Some(Protocol::Ip4(_) | Protocol::Ip6(_)) => ip(address).map_or(AddressScope::Nowhere, scope_of_ip),
        Some(Protocol::Dns(name) | Protocol::Dns4(name) | Protocol::Dns6(name) | Protocol::Dnsaddr(name)) => {
            if name == "localhost" || name.ends_with(".localhost") {
                AddressScope::Machine
            } else {
                AddressScope::Internet
            }
        }
        Some(Protocol::Memory(_)) => AddressScope::Machine,
        _ => AddressScope::Nowhere,
    }
}

fn scope_of_ip(ip: IpAddr) -> AddressScope {
    let never = match ip {
        IpAddr::V4(ip) => ip.is_unspecified() || ip.is_multicast() || ip.is_broadcast(),
        IpAddr::V6(ip) => ip.is_unspecified() || ip.is_multicast(),
    };
    match (never, ip.is_loopback(), network(ip)) {
        (true, ..) => AddressScope::Nowhere,
        (_, true, _) => AddressScope::Machine,
        (_, _, Some(_)) => AddressScope::Network,
        (_, _, None) => AddressScope::Internet,
    }
}

/// The private network that an address is in; `None` if it is in none.
fn network(ip: IpAddr) -> Option<Network> {
    match ip {
        IpAddr::V4(ip) => {
            let [first, second, ..] = ip.octets();
            if is_shared(ip) {
                return Some(Network::Shared);
            }
            (ip.is_private() || ip.is_link_local()).then_some(Network::V4([first, second]))
        }
        IpAddr::V6(ip) => {
            let [first, second, third, ..] = ip.segments();
            (ip.is_unique_local() || ip.is_unicast_link_local()).then_some(Network::V6([first, second, third]))
        }
    }
}

fn is_shared(ip: Ipv4Addr) -> bool {
    let [first, second, ..] = ip.octets();
    first == 100 && second & 0b1100_0000 == 0b0100_0000
}

/// The number that an address begins with.
pub(crate) fn ip(address: &Multiaddr) -> Option<IpAddr> {
    match address.iter().find(|part| !matches!(part, Protocol::Ip6zone(_)))? {
        Protocol::Ip4(ip) => Some(IpAddr::V4(ip)),
        Protocol::Ip6(ip) => Some(IpAddr::V6(ip).to_canonical()),
        _ => None,
    }
}

/// True if an address leads through a relay.
pub(crate) fn is_circuit(address: &Multiaddr) -> bool {
    address.iter().any(|part| matches!(part, Protocol::P2pCircuit))
}

/// An address without the peers that are expected there, up to where a relay hands on.
fn place(address: &Multiaddr) -> Multiaddr {
    address
        .iter()
        .take_while(|part| !matches!(part, Protocol::P2pCircuit))
        .filter(|part| !matches!(part, Protocol::P2p(_)))
        .collect()
}

/// True if an address can be reached from its own machine only.
pub fn is_loopback(address: &Multiaddr) -> bool {
    scope(address) == AddressScope::Machine
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(texts: &[&str]) -> Vec<Multiaddr> {
        texts.iter().map(|text| text.parse().unwrap()).collect()
    }

    fn told(offered: &Offered) -> Vec<String> {
        let text = |address: &Address| Multiaddr::try_from(address.as_bytes().to_vec()).unwrap().to_string();
        offered.addresses.iter().map(text).collect()
    }

    fn judge(own: &[&str]) -> Judge {
        let judge = Judge::new(Reach::Public, [TransportKind::Tcp, TransportKind::Quic, TransportKind::Dns].into());
        judge.listens_on(&all(own));
        judge
    }

    #[track_caller]
    fn believes(own: &[&str], other: &str, expected: bool) {
        assert_eq!(judge(own).believes(&other.parse().unwrap()), expected, "{own:?} {other}");
    }

    #[test]
    fn each_address_has_its_scope() {
        for (text, expected) in [
            ("/ip4/127.0.0.2/tcp/1", AddressScope::Machine),
            ("/ip6/::1/tcp/1", AddressScope::Machine),
            ("/ip6/::ffff:127.0.0.1/tcp/1", AddressScope::Machine),
            ("/dns4/localhost/tcp/1", AddressScope::Machine),
            ("/ip4/10.1.2.3/udp/1/quic-v1", AddressScope::Network),
            ("/ip4/172.31.0.1/tcp/1", AddressScope::Network),
            ("/ip4/192.168.7.1/tcp/1", AddressScope::Network),
            ("/ip4/169.254.3.4/tcp/1", AddressScope::Network),
            ("/ip4/100.127.3.4/tcp/1", AddressScope::Network),
            ("/ip6/::ffff:10.0.0.1/tcp/1", AddressScope::Network),
            ("/ip6/fd00:1:2::3/tcp/1", AddressScope::Network),
            ("/ip6/fe80::1/tcp/1", AddressScope::Network),
            ("/ip4/100.128.0.1/tcp/1", AddressScope::Internet),
            ("/ip4/203.0.113.5/tcp/1", AddressScope::Internet),
            ("/ip6/2001:db8::1/tcp/1", AddressScope::Internet),
            ("/dns4/node.example/tcp/1", AddressScope::Internet),
            ("/ip4/0.0.0.0/tcp/1", AddressScope::Nowhere),
            ("/ip6/::/tcp/1", AddressScope::Nowhere),
            ("/ip4/255.255.255.255/tcp/1", AddressScope::Nowhere),
            ("/ip6/ff02::1/tcp/1", AddressScope::Nowhere),
            ("/p2p-circuit", AddressScope::Nowhere),
            ("/memory/1", AddressScope::Machine),
        ] {
            assert_eq!(scope(&text.parse().unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn what_reaches_furthest_is_offered_and_nothing_else() {
        let loopback = "/ip4/127.0.0.1/tcp/1";
        let home = "/ip4/192.168.7.1/tcp/1";
        let far = "/ip4/203.0.113.5/tcp/1";
        for (listening, expected, scope) in [
            (vec![loopback, home, far], vec![far], AddressScope::Internet),
            (vec![loopback, home], vec![home], AddressScope::Network),
            (vec![loopback, "/ip6/::1/tcp/1"], vec![loopback, "/ip6/::1/tcp/1"], AddressScope::Machine),
            (vec![], vec![], AddressScope::Nowhere),
        ] {
            let offered = offered(&all(&listening), Reach::Public);
            assert_eq!(
                (told(&offered), offered.scope, offered.left_out),
                (expected.iter().map(ToString::to_string).collect(), scope, 0)
            );
        }
        let local = offered(&all(&[loopback, home, far]), Reach::Local);
        assert_eq!(told(&local), [far, home, loopback]);
    }

    #[test]
    fn each_place_is_offered_once_before_any_is_offered_twice_and_what_is_cut_is_counted() {
        let tcp: Vec<String> = (1..=6).map(|host| format!("/ip4/203.0.113.{host}/tcp/1")).collect();
        let listening: Vec<String> =
            tcp.iter().flat_map(|tcp| [tcp.clone(), tcp.replace("/tcp/1", "/udp/1/quic-v1")]).collect();
        let texts: Vec<&str> = listening.iter().map(String::as_str).collect();
        let offered = offered(&all(&texts), Reach::Public);
        let told = told(&offered);
        assert_eq!(told[..6], tcp);
        assert_eq!(told.len(), limits::ADDRESSES_MAX);
        assert_eq!(offered.left_out, 4);
    }

    #[test]
    fn private_addresses_are_believed_within_ones_own_network() {
        let home = ["/ip4/127.0.0.1/tcp/1", "/ip4/192.168.7.1/tcp/1", "/ip6/fd00:1:2:3::1/tcp/1"];
        believes(&home, "/ip4/192.168.9.2/tcp/1", true);
        believes(&home, "/ip4/10.0.0.2/tcp/1", false);
        believes(&home, "/ip4/172.17.0.1/tcp/1", false);
        believes(&home, "/ip6/fd00:1:2:4::1/tcp/1", true);
        believes(&home, "/ip6/fd00:1:3::1/tcp/1", false);
        believes(&home, "/ip4/127.0.0.1/tcp/2", false);
        believes(&["/ip4/100.64.0.1/tcp/1"], "/ip4/100.100.1.1/tcp/1", true);
        believes(&["/ip4/203.0.113.5/tcp/1"], "/ip4/192.168.7.2/tcp/1", false);
        // The place of a relay says nothing about the place of this node.
        let circuit = format!("/ip4/192.168.7.1/tcp/1/p2p/{}/p2p-circuit", libp2p::PeerId::random());
        believes(&[&circuit], "/ip4/192.168.7.2/tcp/1", false);
    }

    #[test]
    fn an_address_over_a_transport_that_is_switched_off_is_not_believed() {
        believes(&[], "/dns4/node.example/udp/1/quic-v1", true);
        believes(&[], "/dns4/node.example/tcp/443/wss", false);
        believes(&[], "/memory/1", false);
    }

    #[test]
    fn loopback_is_believed_by_nodes_that_are_there_and_nowhere_else() {
        believes(&["/ip6/::1/tcp/1"], "/ip4/127.0.0.1/tcp/2", true);
        believes(&["/ip6/::1/tcp/1", "/ip4/127.0.0.1/tcp/1"], "/ip6/::1/tcp/2", true);
        believes(&["/ip4/127.0.0.1/tcp/1", "/ip4/203.0.113.5/tcp/1"], "/ip4/127.0.0.1/tcp/2", false);
        believes(&[], "/ip4/127.0.0.1/tcp/2", false);
        believes(&[], "/ip4/203.0.113.5/tcp/1", true);
    }

    #[test]
    fn what_the_user_names_is_dialled_wherever_it_is() {
        let judge = judge(&["/ip4/203.0.113.5/tcp/1"]);
        let (other, peer) = ("/ip4/10.0.0.2/tcp/1", libp2p::PeerId::random());
        assert!(!judge.lets_dial(&other.parse().unwrap()));
        judge.name(&format!("{other}/p2p/{peer}/p2p-circuit/p2p/{peer}").parse().unwrap());
        assert!(judge.lets_dial(&other.parse().unwrap()));
        assert!(judge.lets_dial(&format!("{other}/p2p/{peer}").parse().unwrap()));
        assert!(!judge.lets_dial(&"/ip4/10.0.0.2/tcp/2".parse().unwrap()));
        assert!(!judge.believes(&other.parse().unwrap()), "nor does that make others of its addresses worth a try");
    }
}
