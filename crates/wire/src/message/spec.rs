//! The protocol's rules for a kind of message: its row of the table in `docs/protocol.md` §3.
//!
//! Each message's file holds the row of its kind; `Kind::spec` finds it.

use core::time::Duration;

use crate::limits;
use crate::validate::channel::Channel;
use crate::validate::rate::Rate;

/// The rules for all messages of a kind.
#[derive(Debug)]
pub(crate) struct KindSpec {
    /// The largest frame, in bytes.
    pub(crate) frame_limit: usize,
    /// The longest life of a message; `None` for a kind that does not end.
    pub(crate) lifetime: Option<Duration>,
    /// The audience of the message: all nodes, a session, or one node.
    pub(crate) scope: Scope,
    /// The channels on which the message may come.
    pub(crate) channels: Channels,
    /// Rate of messages for one author: announcements by its peer, session messages by its message key and session.
    pub(crate) author_rate: Rate,
    /// The cost of handling the message, in signature checks (`docs/protocol.md` §4.1): one for each signature that is
    /// verified, 2 for an aggregation of nonces, 3 for one of signatures.
    pub(crate) computation: u64,
}

impl KindSpec {
    /// Rate of announcements. A node that starts announces all its keys at once.
    pub(crate) const ANNOUNCEMENTS: Rate = Rate { per_minute: 5, burst: limits::KEYS_PER_PEER as u64 };

    /// The rules of a message that goes from one signer of a session to another: its largest frame, the messages of this kind
    /// that an author may send a minute, and the cost of handling one.
    pub(crate) const fn of_session(frame_limit: usize, per_minute: u64, computation: u64) -> Self {
        let author_rate = Rate::per_minute(per_minute);
        let (scope, channels) = (Scope::Session, Channels::DIRECT);
        Self { frame_limit, lifetime: None, scope, channels, author_rate, computation }
    }
}

/// The channels that a kind of message may come on.
#[derive(Debug)]
pub(crate) struct Channels(&'static [Channel]);

impl Channels {
    /// Channels of announcements to all nodes.
    pub(crate) const ANNOUNCED: Self =
        Self(&[Channel::Gossip, Channel::Direct, Channel::Dht, Channel::Sync, Channel::Store]);
    /// Channels of resources of applications: for nodes that ask the DHT for them only.
    pub(crate) const LOOKED_UP: Self = Self(&[Channel::Dht, Channel::Store]);
    /// Of what participants say to each other.
    pub(crate) const DIRECT: Self = Self(&[Channel::Direct, Channel::Sync, Channel::Store]);
    /// Of the exchange that heals: a response inside a response would have no bottom.
    pub(crate) const EXCHANGED: Self = Self(&[Channel::Direct]);

    /// True if a message may come on this channel.
    pub(crate) fn contains(&self, channel: Channel) -> bool {
        self.0.contains(&channel)
    }
}

/// The audience of a kind of message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scope {
    /// All nodes: it carries a time and an expiry, since nothing else orders it.
    Announcement,
    /// The signers of one request: slots order it, and no clock is needed.
    Session,
    /// One node: it carries a time, since nothing else orders it.
    Node,
}
