//! Named places at which a process can be made to die, to test what a crash leaves behind.
//!
//! Nothing in a running node sets one: a program has to ask for it when it builds the node.

/// A place at which a node can be made to crash.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CrashPoint {
    /// After this node's join has been sent.
    AfterJoin,
    /// Before this node's nonces are sent.
    BeforeNonces,
    /// After this node's nonces have been sent.
    AfterNonces,
    /// When all nonces are known, before this node signs.
    BeforeSigning,
    /// When this node's partial signatures are stored, before they are sent.
    BeforePartial,
    /// After this node's partial signatures have been sent.
    AfterPartial,
}

impl CrashPoint {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::AfterJoin,
        Self::BeforeNonces,
        Self::AfterNonces,
        Self::BeforeSigning,
        Self::BeforePartial,
        Self::AfterPartial,
    ];

    /// The name, as in `before-partial`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::AfterJoin => "after-join",
            Self::BeforeNonces => "before-nonces",
            Self::AfterNonces => "after-nonces",
            Self::BeforeSigning => "before-signing",
            Self::BeforePartial => "before-partial",
            Self::AfterPartial => "after-partial",
        }
    }

    /// The place with this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|point| point.name() == name)
    }
}
