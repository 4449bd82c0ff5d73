//! The result of the pipeline: a validated message.

use std::sync::Arc;

use motet_core_crypto::PublicKey;

use super::arrival::Arrival;
use super::channel::Channel;
use super::network_group::NetworkGroup;
use crate::envelope::Head;
use crate::id::{AdvertisementId, MessageId, PeerId};
use crate::message::{Body, Kind, Message};
use crate::time::{MonotonicMs, Now, TimestampMs};

/// A message whose author is known: every rule of the pipeline holds for it.
///
/// Guaranteed: the frame is canonical and within its bounds; the sender signed it on this network; where the message
/// carries a delegation, that is signed by its signer, is for this sender, and was in date; where it is a request, its
/// keys are distinct and the creator is one of them; every key, nonce and partial signature in it has been parsed.
///
/// Not guaranteed, because only a session can know: that the sender is a participant, or speaks for the slot it names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Validated<M = Message> {
    message: M,
    facts: Facts,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Facts {
    kind: Kind,
    sender: PublicKey,
    sequence: u64,
    timestamp: TimestampMs,
    id: MessageId,
    frame: Arc<[u8]>,
    channel: Channel,
    from: PeerId,
    group: NetworkGroup,
    expires: Option<TimestampMs>,
    deadline: Option<MonotonicMs>,
}

impl Validated {
    pub(crate) fn new(
        message: Message,
        sender: PublicKey,
        head: Head,
        id: [u8; 32],
        arrival: Arrival,
        expires: Option<TimestampMs>,
        deadline: Option<MonotonicMs>,
    ) -> Self {
        let facts = Facts {
            kind: message.kind(),
            sender,
            sequence: head.sequence,
            timestamp: TimestampMs(head.timestamp_ms),
            id: MessageId::from_bytes(id),
            frame: arrival.bytes,
            channel: arrival.channel,
            from: arrival.from,
            group: arrival.group,
            expires,
            deadline,
        };
        Self { message, facts }
    }

    /// The message as one of its kind.
    ///
    /// # Errors
    ///
    /// The message itself, when it is of another kind.
    #[expect(clippy::result_large_err, reason = "the error is the argument, handed back")]
    pub fn narrow<M: Body>(self) -> Result<Validated<M>, Self> {
        match M::try_from(self.message) {
            Ok(message) => Ok(Validated { message, facts: self.facts }),
            Err(message) => Err(Self { message, facts: self.facts }),
        }
    }
}

impl<M: Body> Validated<M> {
    /// The message as one of any kind.
    pub fn widen(self) -> Validated {
        Validated { message: self.message.into(), facts: self.facts }
    }
}

impl<M> Validated<M> {
    /// The message.
    pub const fn message(&self) -> &M {
        &self.message
    }

    /// Gives up the proof for the message.
    pub fn into_message(self) -> M {
        self.message
    }

    /// The message key that signed it.
    pub const fn sender(&self) -> &PublicKey {
        &self.facts.sender
    }

    /// The sequence number: the version, of an announcement.
    pub const fn sequence(&self) -> u64 {
        self.facts.sequence
    }

    /// Time at which the message was made, by the sender's claim.
    pub const fn timestamp(&self) -> TimestampMs {
        self.facts.timestamp
    }

    /// The message's id.
    pub const fn id(&self) -> MessageId {
        self.facts.id
    }

    /// The message's id as the id of an advertisement; it is one only if the message is an advertisement.
    pub fn advertisement_id(&self) -> AdvertisementId {
        AdvertisementId::from(self.facts.id)
    }

    /// The frame, to be handed on as it is.
    pub const fn frame(&self) -> &Arc<[u8]> {
        &self.facts.frame
    }

    /// The kind.
    pub const fn kind(&self) -> Kind {
        self.facts.kind
    }

    /// The channel on which it came.
    pub const fn channel(&self) -> Channel {
        self.facts.channel
    }

    /// The peer that delivered it; not the author.
    pub const fn from(&self) -> &PeerId {
        &self.facts.from
    }

    /// The network group of the connection that it came over.
    pub const fn group(&self) -> NetworkGroup {
        self.facts.group
    }

    /// The message's end by the monotonic clock, for kinds that end: counted from receipt, and never later than the
    /// kind allows, whatever the wall clock does.
    pub const fn deadline(&self) -> Option<MonotonicMs> {
        self.facts.deadline
    }

    /// True if it has ended by either clock.
    pub fn is_expired(&self, now: Now) -> bool {
        self.facts.expires.is_some_and(|expires| expires <= now.wall)
            || self.facts.deadline.is_some_and(|deadline| deadline <= now.mono)
    }
}
