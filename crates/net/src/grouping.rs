//! The rule that says which addresses belong together: identities cost nothing, addresses are paid for by the /24 and the /48.

use core::net::IpAddr;

use libp2p::Multiaddr;
use libp2p::core::ConnectedPoint;
use motet_wire::{AddressScope, NetworkGroup};

use crate::config::{LocalGroups, NetConfig, Reach};
use crate::reach;

/// The rule of one node.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Grouping {
    pub(crate) reach: Reach,
    pub(crate) local: LocalGroups,
}

impl Grouping {
    /// The rule by which messages are counted.
    pub(crate) const fn of_messages(config: &NetConfig) -> Self {
        Self { reach: config.reach, local: config.guard.local_groups }
    }

    /// The rule by which connections are counted, and peers are chosen: a private network is no group, since its addresses are no stranger's to
    /// buy, and all nodes of an office may be in one.
    pub(crate) const fn of_places(config: &NetConfig) -> Self {
        Self { reach: Reach::Local, local: config.guard.local_groups }
    }

    /// The network group that an address is in.
    pub(crate) fn of(self, address: &Multiaddr) -> NetworkGroup {
        match reach::ip(address) {
            Some(ip) => self.of_ip(ip, reach::scope(address)),
            None if reach::scope(address) == AddressScope::Machine => NetworkGroup::Local,
            None => NetworkGroup::Unseen,
        }
    }

    fn of_ip(self, ip: IpAddr, scope: AddressScope) -> NetworkGroup {
        match (scope, ip.to_canonical()) {
            (AddressScope::Machine, IpAddr::V4(ip)) if self.local == LocalGroups::Counted => {
                let [a, b, c, _] = ip.octets();
                NetworkGroup::V4([a, b, c])
            }
            (AddressScope::Network, _) if self.reach == Reach::Local && self.local == LocalGroups::Free => {
                NetworkGroup::Local
            }
            (_, ip) => NetworkGroup::of(ip),
        }
    }

    /// The network group of a connection's other end. A connection through a relay comes from where the relay is: that much its maker
    /// has paid for.
    pub(crate) fn of_connection(self, endpoint: &ConnectedPoint) -> NetworkGroup {
        match endpoint {
            ConnectedPoint::Listener { local_addr, .. } if endpoint.is_relayed() => self.of(local_addr),
            ConnectedPoint::Listener { .. } | ConnectedPoint::Dialer { .. } => self.of(endpoint.get_remote_address()),
        }
    }
}

#[cfg(test)]
mod tests {
    use libp2p::core::Endpoint;
    use libp2p::core::transport::PortUse;

    use super::*;

    #[test]
    fn a_connection_is_of_the_network_that_its_other_end_is_in() {
        let listener = |local: &str, from: &str| ConnectedPoint::Listener {
            local_addr: local.parse().unwrap(),
            send_back_addr: from.parse().unwrap(),
        };
        let dialer = |address: &str| ConnectedPoint::Dialer {
            address: address.parse().unwrap(),
            role_override: Endpoint::Dialer,
            port_use: PortUse::New,
        };
        let here = "/ip4/198.51.100.1/tcp/1";
        let peer = libp2p::PeerId::random();
        let relay = format!("/ip4/192.0.2.9/tcp/1/p2p/{peer}/p2p-circuit");
        let v4 = NetworkGroup::V4;
        for (endpoint, public, local) in [
            (listener(here, "/ip4/203.0.113.7/tcp/2"), v4([203, 0, 113]), v4([203, 0, 113])),
            (dialer("/ip4/203.0.113.8/udp/2/quic-v1"), v4([203, 0, 113]), v4([203, 0, 113])),
            (
                listener(here, "/ip6/2001:db8:1:2::3/tcp/2"),
                NetworkGroup::V6([0x20, 1, 0x0d, 0xb8, 0, 1]),
                NetworkGroup::V6([0x20, 1, 0x0d, 0xb8, 0, 1]),
            ),
            (listener(here, "/ip4/192.168.1.2/tcp/2"), v4([192, 168, 1]), NetworkGroup::Local),
            (listener(here, "/ip4/127.0.0.1/tcp/2"), NetworkGroup::Local, NetworkGroup::Local),
            (dialer("/dns4/localhost/tcp/2"), NetworkGroup::Local, NetworkGroup::Local),
            (dialer("/dns4/node.example/tcp/2"), NetworkGroup::Unseen, NetworkGroup::Unseen),
            // A peer behind a relay has an address at the relay only.
            (listener(&relay, &format!("/p2p/{peer}")), v4([192, 0, 2]), v4([192, 0, 2])),
            (dialer(&format!("{relay}/p2p/{peer}")), v4([192, 0, 2]), v4([192, 0, 2])),
        ] {
            let group = |reach| Grouping { reach, local: LocalGroups::Free }.of_connection(&endpoint);
            assert_eq!((group(Reach::Public), group(Reach::Local)), (public, local), "{endpoint:?}");
        }
    }

    #[test]
    fn addresses_of_this_machine_are_groups_only_if_that_is_asked_for() {
        let group = |reach, local, text: &str| Grouping { reach, local }.of(&text.parse().unwrap());
        let v4 = NetworkGroup::V4;
        for (text, local, public, counted) in [
            ("/ip4/127.0.0.1/tcp/1", NetworkGroup::Local, NetworkGroup::Local, v4([127, 0, 0])),
            ("/ip4/127.3.2.1/udp/1/quic-v1", NetworkGroup::Local, NetworkGroup::Local, v4([127, 3, 2])),
            ("/ip4/10.1.2.3/tcp/1", NetworkGroup::Local, v4([10, 1, 2]), v4([10, 1, 2])),
            ("/ip4/203.0.113.9/tcp/1", v4([203, 0, 113]), v4([203, 0, 113]), v4([203, 0, 113])),
            ("/ip6/::1/tcp/1", NetworkGroup::Local, NetworkGroup::Local, NetworkGroup::Local),
            ("/dns4/localhost/tcp/1", NetworkGroup::Local, NetworkGroup::Local, NetworkGroup::Local),
            ("/dns4/node.example/tcp/1", NetworkGroup::Unseen, NetworkGroup::Unseen, NetworkGroup::Unseen),
        ] {
            assert_eq!(group(Reach::Local, LocalGroups::Free, text), local, "{text}");
            assert_eq!(group(Reach::Public, LocalGroups::Free, text), public, "{text}");
            assert_eq!(group(Reach::Local, LocalGroups::Counted, text), counted, "{text}");
        }
    }
}
