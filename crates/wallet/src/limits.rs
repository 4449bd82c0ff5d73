//! Every bound of the crate, with its reason.

/// Most bytes of a group's file. The longest descriptor with names of all members is far below.
pub const GROUP_FILE_BYTES: usize = 64 * 1024;
/// Most groups of a registry: each request is compared with the groups of its keys.
pub const GROUPS: usize = 256;
/// Most bytes of a name, of a group or of a member: it stands in one line of a screen.
pub const NAME_BYTES: usize = 64;
/// Most device registrations of a group: some for each of 100 members.
pub const DEVICES: usize = 256;
/// Addresses of each branch among which the group's own inputs and outputs are looked for, besides those that a PSBT points to. An
/// honest creator searches at least as many, so that a request which hides one of them is a lie.
pub const LOOKAHEAD: u32 = 100;
/// An index from which on an address of the group is unusual: other wallets do not find it by themselves.
pub const FAR_INDEX: u32 = 1000;
