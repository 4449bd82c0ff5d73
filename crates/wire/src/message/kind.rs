//! The protocol's rules for a kind of message: its row of the table in `docs/protocol.md` §3.
//!
//! Each message's file holds the row of its kind; whatever asks something of a kind reads it here.

use core::fmt;
use core::time::Duration;

use super::Kind;
use crate::limits;
use crate::topic::Topic;
use crate::validate::{Channel, Rate};

/// The rules for all messages of a kind.
#[derive(Debug)]
pub(crate) struct KindSpec {
    /// The largest frame, in bytes.
    pub(crate) frame_limit: usize,
    /// The longest life of a message; `None` for a kind that does not end.
    pub(crate) lifetime: Option<Duration>,
    /// The audience of the message: all nodes, or a session.
    pub(crate) scope: Scope,
    /// The gossip topic of the message; `None` for a kind that is only sent directly, or is in the DHT only.
    pub(crate) topic: Option<Topic>,
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
        Self { frame_limit, lifetime: None, scope, topic: None, channels, author_rate, computation }
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
}

impl Kind {
    /// The number on the wire.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The kind with this number.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }

    /// The largest frame of this kind, in bytes.
    pub const fn frame_limit(self) -> usize {
        self.spec().frame_limit
    }

    /// The longest life of a message of this kind; `None` for the kinds that do not end.
    pub const fn lifetime_limit(self) -> Option<Duration> {
        self.spec().lifetime
    }

    /// The audience of the message: all nodes, or a session.
    pub const fn scope(self) -> Scope {
        self.spec().scope
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
