//! The peers that have a right to a connection: contacts, and members of live sessions.

/// The state in which the network part was told of them last.
#[derive(Debug, Default)]
pub(crate) struct Reserved {
    /// The engine's count of changes at that time.
    pub(crate) told: u64,
    /// True if it has to be told again: a contact is at another peer, or there was no room for the last command.
    pub(crate) is_due: bool,
}
