//! Bounds of everything that is read, each with its reason.

/// Longest PSBT in bytes: a transaction of standard weight with all data of its inputs is far below it.
pub const PSBT_BYTES_MAX: usize = 1 << 20;

/// Most entries of one map. A map of an input in a group of 100 signers with 32 leaves has about 6600 nonces and partial signatures.
pub const MAP_ENTRIES_MAX: usize = 10_000;

/// Most participants of one aggregate key in a file.
pub const PARTICIPANTS_MAX: usize = 100;

/// Deepest leaf of a script tree (BIP-341).
pub const TREE_DEPTH_MAX: usize = 128;

/// All coins that will ever be, in satoshi. A larger amount is an error, so that sums of amounts cannot overflow.
pub const MONEY_MAX: u64 = 21_000_000 * 100_000_000;

/// Longest descriptor in characters. A group of 15 signers with 32 leaves of all of them has about 80 KiB.
pub const DESCRIPTOR_BYTES_MAX: usize = 256 << 10;
