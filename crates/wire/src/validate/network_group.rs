//! The network of a connection's other end.

use core::fmt;
use std::net::IpAddr;

use super::generations::Key;

/// The network of a connection's other end: addresses are cheap by the /24 (IPv4) and /48 (IPv6), not by the peer id.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum NetworkGroup {
    /// The /24 of an IPv4 address.
    V4([u8; 3]),
    /// The /48 of an IPv6 address.
    V6([u8; 6]),
    /// This machine, or in local mode a private network: not limited as a group.
    Local,
    /// A connection whose address this node has not seen, since it was made to a name. All these are one group.
    Unseen,
}

impl NetworkGroup {
    /// The group of an address. Loopback is [`NetworkGroup::Local`]; in local mode the caller maps private ranges to
    /// that as well.
    pub fn of(address: IpAddr) -> Self {
        let canonical = address.to_canonical();
        if canonical.is_loopback() {
            return Self::Local;
        }
        match canonical {
            IpAddr::V4(address) => {
                let [a, b, c, _] = address.octets();
                Self::V4([a, b, c])
            }
            IpAddr::V6(address) => {
                let [a, b, c, d, e, f, ..] = address.octets();
                Self::V6([a, b, c, d, e, f])
            }
        }
    }

    pub(super) fn key(self) -> Option<Key> {
        let mut key = [0; 16];
        let (mark, octets) = match &self {
            Self::V4(octets) => (4, octets.as_slice()),
            Self::V6(octets) => (6, octets.as_slice()),
            Self::Unseen => (1, [].as_slice()),
            Self::Local => return None,
        };
        let values = core::iter::once(&mark).chain(octets);
        key.iter_mut().zip(values).for_each(|(to, from)| *to = *from);
        Some(key)
    }
}

impl fmt::Display for NetworkGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::V4([a, b, c]) => write!(f, "{a}.{b}.{c}.0/24"),
            Self::V6([a, b, c, d, e, g]) => {
                let segment = |high: &u8, low: &u8| u16::from_be_bytes([*high, *low]);
                write!(f, "{:x}:{:x}:{:x}::/48", segment(a, b), segment(c, d), segment(e, g))
            }
            Self::Local => f.write_str("local"),
            Self::Unseen => f.write_str("unseen"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_shown_as_the_range_of_its_addresses() {
        for (address, shown) in
            [("203.0.113.7", "203.0.113.0/24"), ("2001:db8:0:1::1", "2001:db8:0::/48"), ("127.0.0.1", "local")]
        {
            assert_eq!(NetworkGroup::of(address.parse().unwrap()).to_string(), shown);
        }
        assert_eq!(NetworkGroup::Unseen.to_string(), "unseen");
    }
}
