//! A message from one application to another, through the nodes of their signers (`docs/protocol.md` §9).
//!
//! It goes directly to one node, and nothing of it is kept, handed on or answered by the nodes. It names the node that it is for, so that
//! this node cannot pass it on as if it were for another.

use motet_core_crypto::PublicKey;

use super::raw::{Parts, Raw};
use super::resource::is_word;
use super::spec::{Channels, KindSpec, Scope};
use crate::codec::{Bytes, Text};
use crate::delegation::{Delegation, RawDelegation};
use crate::id::PeerId;
use crate::limits;
use crate::mirror::mirror;
use crate::subject::Subject;
use crate::validate::rate::Rate;
use crate::validate::rule::{Rule, ensure};

/// A signer's application says something to the application of another node.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApplicationMessage {
    /// The message key that speaks for the signer, and the signer's peer.
    pub delegation: Delegation,
    /// The peer that the message is for.
    pub peer: PeerId,
    /// The signer that the message is for; `None` for one to the node, whichever signers it serves.
    pub signer: Option<PublicKey>,
    /// The name of the application: 1 to 32 visible ASCII characters.
    pub application: String,
    /// The application's data; at most 4096 bytes.
    pub data: Vec<u8>,
}

impl ApplicationMessage {
    /// Messages of one node that another node takes from it, unless it knows it better.
    pub const RATE: Rate = Rate { per_minute: 60, burst: 20 };

    /// True if applications can have this name: 1 to 32 visible ASCII characters.
    pub fn is_name(application: &str) -> bool {
        is_word(application, limits::APPLICATION)
    }
}

mirror! {
    RawApplicationMessage of ApplicationMessage {
        delegation: RawDelegation,
        peer: Bytes<{ limits::PEER_ID }>,
        signer: Option<[u8; 33]>,
        application: Text<{ limits::APPLICATION }>,
        data: Bytes<{ limits::APPLICATION_DATA }>,
    }
}

impl Raw for RawApplicationMessage {
    // The clock and the memory of seen messages keep it from coming twice: it needs no end of its own.
    const SPEC: KindSpec = KindSpec {
        frame_limit: limits::FRAME_APPLICATION_MESSAGE,
        lifetime: None,
        scope: Scope::Node,
        channels: Channels::EXCHANGED,
        author_rate: ApplicationMessage::RATE,
        computation: 2,
    };

    fn parts(&self) -> Parts<'_> {
        Parts { delegation: Some(&self.delegation), ..Parts::about(Subject::Application) }
    }

    fn check(&self) -> Result<(), Rule> {
        ensure(ApplicationMessage::is_name(self.application.as_str()), Rule::Fields)?;
        ensure(PeerId::from_bytes(self.peer.as_slice()).is_ok(), Rule::Fields)
    }
}
