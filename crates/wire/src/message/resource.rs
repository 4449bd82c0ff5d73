//! A small signed resource under a name, from application to application (`docs/protocol.md` §9).
//!
//! It lies in the DHT only, for nodes that know its type and its id. Several signers may announce the same name; of
//! each of them, the highest sequence number wins.

use super::raw::{Parts, Raw};
use super::spec::{Channels, KindSpec, Scope};
use crate::codec::{Bytes, Text};
use crate::delegation::{Delegation, RawDelegation};
use crate::limits;
use crate::mirror::mirror;
use crate::subject::Subject;
use crate::time::TimestampMs;
use crate::validate::rule::{Rule, ensure};
use crate::work::{Paid, Purpose, Work};

/// A signer announces a resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceAnnouncement {
    /// The message key that speaks for the signer, and the signer's peer.
    pub delegation: Delegation,
    /// Which application's it is: 1 to 32 visible ASCII characters.
    pub resource_type: String,
    /// Which of that type: 1 to 64 visible ASCII characters.
    pub id: String,
    /// The application's data; at most 4096 bytes.
    pub data: Vec<u8>,
    /// Time at which it was made.
    pub created: TimestampMs,
    /// Time at which it ends: at most 24 hours after `created`.
    pub expires: TimestampMs,
    /// The proof of work over everything else.
    pub work: Work,
}

impl ResourceAnnouncement {
    /// True if resources can have this type and this id: 1 to 32 and 1 to 64 visible ASCII characters.
    pub fn is_name(resource_type: &str, id: &str) -> bool {
        is_word(resource_type, limits::RESOURCE_TYPE) && is_word(id, limits::RESOURCE_ID)
    }
}

/// True for 1 to so many visible ASCII characters: the names that applications give.
pub(super) fn is_word(text: &str, longest: usize) -> bool {
    (1..=longest).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

mirror! {
    RawResourceAnnouncement of ResourceAnnouncement {
        delegation: RawDelegation,
        resource_type: Text<{ limits::RESOURCE_TYPE }>,
        id: Text<{ limits::RESOURCE_ID }>,
        data: Bytes<{ limits::RESOURCE_DATA }>,
        created: u64,
        expires: u64,
        // Last, so that the work covers everything in front of it.
        work: Work,
    }
}

impl Raw for RawResourceAnnouncement {
    const SPEC: KindSpec = KindSpec {
        frame_limit: limits::FRAME_RESOURCE_ANNOUNCEMENT,
        lifetime: Some(limits::RESOURCE_LIFETIME),
        scope: Scope::Announcement,
        channels: Channels::LOOKED_UP,
        author_rate: KindSpec::ANNOUNCEMENTS,
        computation: 2,
    };

    fn parts(&self) -> Parts<'_> {
        Parts {
            subject: Subject::Directory,
            delegation: Some(&self.delegation),
            lifetime: Some((self.created, self.expires)),
            paid: Some(self.paid()),
        }
    }

    fn check(&self) -> Result<(), Rule> {
        ensure(ResourceAnnouncement::is_name(self.resource_type.as_str(), self.id.as_str()), Rule::Fields)
    }
}

impl RawResourceAnnouncement {
    pub(crate) const fn paid(&self) -> Paid<'_> {
        Paid {
            purpose: Purpose::Resource,
            author: &self.delegation.signer,
            created: self.created,
            stamp: Some(self.work),
            before: 0,
            behind: Work::LENGTH,
        }
    }
}
