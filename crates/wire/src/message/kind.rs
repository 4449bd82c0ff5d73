//! The kinds of messages, by name and by number.

use core::fmt;

use crate::limits;

/// Makes [`Kind`] from the names of the messages and their numbers on the wire.
macro_rules! kinds {
    ($($name:ident = $code:literal,)*) => {
        /// The kind of a message: the second byte of its frame.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[repr(u8)]
        pub enum Kind {
            $(#[doc = concat!("[`", stringify!($name), "`](crate::", stringify!($name), ").")] $name = $code,)*
        }

        impl Kind {
            /// All kinds, in the order of their numbers.
            pub const ALL: [Self; [$($code),*].len()] = [$(Self::$name),*];

            /// The name as the protocol writes it.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                }
            }
        }
    };
}

kinds! {
    SignerAdvertisement = 1,
    SignerUnavailable = 2,
    SigningRequest = 3,
    ParticipantJoined = 4,
    ParticipantDeclined = 5,
    SessionReady = 6,
    NonceCommit = 7,
    NonceShare = 8,
    PartialSigShare = 9,
    SignatureFinalized = 10,
    SessionAbort = 11,
    SyncRequest = 12,
    SyncResponse = 13,
    ResourceAnnouncement = 14,
    ApplicationMessage = 15,
}

impl Kind {
    /// The number on the wire.
    pub const fn code(self) -> u8 {
        self as u8
    }

    /// The kind of a frame that begins with these two bytes; none if the version has no such kind, or is not known.
    pub(crate) fn of_frame(version: u8, code: u8) -> Option<Self> {
        let kind = Self::from_code(code)?;
        let is_known = match version {
            limits::VERSION => true,
            limits::VERSION_MEMBERS => kind == Self::SigningRequest,
            _ => false,
        };
        is_known.then_some(kind)
    }

    /// The kind with this number.
    pub fn from_code(code: u8) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.code() == code)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}
