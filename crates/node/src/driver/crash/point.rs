//! The places by name, and when a process comes by.

use motet_coordinator::Record;
use motet_wire::{Kind, peek};

use super::Crash;

/// A place at which a node can be made to crash, in the order in which a session comes by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrashPoint {
    /// Before an approval is stored.
    BeforeApproved,
    /// When nonces have been made, before that is stored.
    BeforeIssued,
    /// When it is stored that nonces have been issued, before anything of them leaves.
    AfterIssued,
    /// After this node's join has been sent.
    AfterJoin,
    /// Before this node's nonces are sent.
    BeforeNonces,
    /// After this node's nonces have been sent.
    AfterNonces,
    /// When all nonces are known, before this node signs.
    BeforeSigning,
    /// When this node has signed, before that is stored.
    BeforeSpent,
    /// When this node's partial signatures are stored, before they are sent.
    BeforePartial,
    /// After this node's partial signatures have been sent.
    AfterPartial,
    /// When there are signatures, before it is stored that the session has ended.
    BeforeEnded,
    /// When it is stored that the session has ended, before anybody is told.
    AfterEnded,
}

impl CrashPoint {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::BeforeApproved,
        Self::BeforeIssued,
        Self::AfterIssued,
        Self::AfterJoin,
        Self::BeforeNonces,
        Self::AfterNonces,
        Self::BeforeSigning,
        Self::BeforeSpent,
        Self::BeforePartial,
        Self::AfterPartial,
        Self::BeforeEnded,
        Self::AfterEnded,
    ];

    /// The name, as in `before-partial`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::BeforeApproved => "before-approved",
            Self::BeforeIssued => "before-issued",
            Self::AfterIssued => "after-issued",
            Self::AfterJoin => "after-join",
            Self::BeforeNonces => "before-nonces",
            Self::AfterNonces => "after-nonces",
            Self::BeforeSigning => "before-signing",
            Self::BeforeSpent => "before-spent",
            Self::BeforePartial => "before-partial",
            Self::AfterPartial => "after-partial",
            Self::BeforeEnded => "before-ended",
            Self::AfterEnded => "after-ended",
        }
    }

    /// The place with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|point| point.name() == name)
    }

    /// True if it is before this is stored.
    fn is_before_storing(self, record: &Record) -> bool {
        match self {
            Self::BeforeApproved => matches!(record, Record::Approved { .. }),
            Self::BeforeIssued => matches!(record, Record::Issued { .. }),
            Self::BeforeSpent => matches!(record, Record::Spent { .. }),
            Self::BeforeEnded => matches!(record, Record::Ended { .. }),
            _ => false,
        }
    }

    /// True if it is after this has been stored, and before anything that follows from it.
    fn is_after_storing(self, record: &Record) -> bool {
        match self {
            Self::AfterIssued => matches!(record, Record::Issued { .. }),
            Self::AfterEnded => matches!(record, Record::Ended { .. }),
            _ => false,
        }
    }

    /// True if it is before this is sent.
    fn is_before_sending(self, frame: &[u8]) -> bool {
        let due = match self {
            Self::BeforeNonces => Kind::NonceShare,
            Self::BeforePartial => Kind::PartialSigShare,
            _ => return false,
        };
        peek(frame).is_some_and(|peek| peek.kind == due)
    }

    /// True if it is after this has been sent.
    fn is_after_sending(self, frame: &[u8]) -> bool {
        let due = match self {
            Self::AfterJoin => Kind::ParticipantJoined,
            Self::AfterNonces => Kind::NonceShare,
            Self::AfterPartial => Kind::PartialSigShare,
            _ => return false,
        };
        peek(frame).is_some_and(|peek| peek.kind == due)
    }
}

impl Crash {
    pub(crate) fn before_storing(self, records: &[Record]) {
        self.die_if(|at| records.iter().any(|record| at.is_before_storing(record)));
    }

    pub(crate) fn after_storing(self, records: &[Record]) {
        self.die_if(|at| records.iter().any(|record| at.is_after_storing(record)));
    }

    pub(crate) fn before_signing(self) {
        self.die_if(|at| at == CrashPoint::BeforeSigning);
    }

    pub(crate) fn before_sending(self, frame: &[u8]) {
        self.die_if(|at| at.is_before_sending(frame));
    }

    pub(crate) fn is_after_sending(self, frame: &[u8]) -> bool {
        self.at.is_some_and(|at| at.is_after_sending(frame))
    }

    fn die_if(self, due: impl FnOnce(CrashPoint) -> bool) {
        if self.at.is_some_and(due) {
            self.die();
        }
    }

    /// Ends the process at once, without any clean-up.
    pub(crate) fn die(self) {
        std::process::abort();
    }
}
