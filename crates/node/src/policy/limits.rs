//! Every bound of the policies, with its reason.

/// Rules of one policy. People write them; more than this came out of a program, and belongs into a [`super::Policy`].
pub const RULES: usize = 256;
/// Bytes of a rule's name: it stands in one line of an explanation.
pub const RULE_NAME: usize = 64;
/// Approvals that one rate may allow for a period: that many times are kept for each requester.
pub const RATE: u32 = 1024;
/// Approvals remembered for all requesters, half a megabyte. When one does not fit, no rate holds until it would have
/// been forgotten.
pub const APPROVALS: usize = 65_536;
