//! The peers that have a right to a connection: contacts, and members of live sessions.

use motet_wire::PeerId;

use super::Driver;

/// The peers that the network part was told of last.
#[derive(Debug, Default)]
pub(crate) struct Reserved {
    members: Vec<PeerId>,
    /// True if it has to be told again: a contact is at another peer, or there was no room for the last command.
    pub(crate) is_due: bool,
}

impl Driver {
    /// Tells the network part which peers have a right to a connection, if they are others than before.
    pub(crate) fn reserve(&mut self) {
        let is_same = self.engine.peers_in_sessions().eq(&self.reserved.members);
        if is_same && !self.reserved.is_due {
            return;
        }
        self.reserved.members = self.engine.peers_in_sessions().copied().collect();
        let contacts = self.contacts.peers(self.clock.now().wall);
        let peers = self.reserved.members.iter().copied().chain(contacts).collect();
        self.reserved.is_due = self.net.try_reserve(peers).is_err();
    }
}
