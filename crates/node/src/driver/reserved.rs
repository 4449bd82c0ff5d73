//! The peers that have a right to a connection: contacts, and members of live sessions.

use motet_wire::PeerId;

/// The peers that the network part was told of last.
#[derive(Debug, Default)]
pub(crate) struct Reserved {
    members: Vec<PeerId>,
    /// True if it has to be told again: a contact is at another peer, or there was no room for the last command.
    pub(crate) is_due: bool,
}

impl Reserved {
    /// True if the network part knows these members, and nothing is due.
    pub(crate) fn is_current<'a>(&self, members: impl Iterator<Item = &'a PeerId>) -> bool {
        !self.is_due && members.eq(&self.members)
    }

    /// Takes these members for those that the network part knows, and returns them.
    pub(crate) fn renew<'a>(&mut self, members: impl Iterator<Item = &'a PeerId>) -> impl Iterator<Item = PeerId> {
        self.members = members.copied().collect();
        self.members.iter().copied()
    }
}
