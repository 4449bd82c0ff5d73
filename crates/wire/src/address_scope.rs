//! The reach of an address.

/// From how far away an address can be reached. The later reaches further.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize), serde(rename_all = "snake_case"))]
pub enum AddressScope {
    /// Not at all: there is no address.
    Nowhere,
    /// From the same machine: loopback.
    Machine,
    /// From the same private network.
    Network,
    /// From everywhere.
    Internet,
}
