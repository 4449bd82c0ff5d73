//! Reasons for which a text is not a descriptor. None of them repeats a private key.

use miniscript::descriptor::checksum;

/// The reason why a key expression was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum KeyError {
    /// No key where one must be.
    #[error("the key is missing")]
    Missing,
    /// The origin in brackets is not closed, or brackets stand in another place.
    #[error("the key's origin must stand once, in brackets before the key")]
    OriginBrackets,
    /// The fingerprint is not eight hexadecimal digits.
    #[error("the fingerprint of an origin must be 8 hexadecimal digits")]
    Fingerprint,
    /// A step of a path is not a number below 2^31, perhaps with `h` or `'` after it.
    #[error("a step of a path must be a number below 2147483648, and may have h or ' after it")]
    Step,
    /// A wildcard or multipath step in an origin.
    #[error("an origin has neither wildcard nor multipath steps")]
    OriginPath,
    /// `*` is not the last step.
    #[error("the wildcard * must be the last step of a path")]
    Wildcard,
    /// A multipath step that is not `<a;b;..>` with two or more steps.
    #[error("a multipath step must be written <a;b>, with at least two steps")]
    Multipath,
    /// More than one multipath step in a key expression.
    #[error("a key has more than one multipath step")]
    SecondMultipath,
    /// More steps than an extended key can be derived by.
    #[error("the path has more steps than extended keys can have: their depth is at most 255")]
    TooDeep,
    /// A private key.
    #[error("this is a private key; use the public one here, and treat the private one as known to others")]
    PrivateKey,
    /// The text is no key.
    #[error("not a public key: neither 66, 64 or 130 hexadecimal digits nor an extended public key")]
    NotAKey,
    /// A path after a key that is not extended.
    #[error("a path after a key that is not an extended public key")]
    PathOfPlainKey,
    /// An uncompressed key where BIP-386 forbids it.
    #[error("an uncompressed key; Taproot has none")]
    Uncompressed,
    /// An x-only key as a participant, or outside of Taproot.
    #[error("an x-only key of 64 hexadecimal digits; it cannot be used here, because its sign is unknown")]
    XOnly,
    /// `musig()` inside of `musig()`.
    #[error("musig() inside of musig()")]
    NestedMusig,
    /// `musig()` that is not closed, or is followed by something else than a path.
    #[error("musig() must be closed, and followed by nothing but a path")]
    MusigSyntax,
    /// More participants than allowed.
    #[error("musig() has more than 100 participants")]
    TooManyParticipants,
    /// Steps after `musig()` whose participants are not all extended keys.
    #[error("a path after musig() requires that all participants are extended public keys")]
    MusigNeedsXpubs,
    /// Steps after `musig()` that has participants with a wildcard.
    #[error("participants have a wildcard, and musig() has a path after it")]
    RangedTwice,
    /// Steps after `musig()` that has participants with multipath steps.
    #[error("participants have multipath steps, and musig() has some after it")]
    MultipathTwice,
    /// A hardened step after `musig()`.
    #[error("a hardened step after musig(): an aggregate key has no private key to derive it with")]
    HardenedMusig,
}

/// The reason why a text is not a descriptor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DescriptorError {
    /// The text is too long.
    #[error("{found} characters are too many for a descriptor")]
    TooLong {
        /// The number of characters.
        found: usize,
    },
    /// A character that no descriptor has.
    #[error("character {position}: a descriptor consists of printable ASCII characters")]
    Character {
        /// The position of the character, from zero.
        position: usize,
    },
    /// A checksum of another length than 8.
    #[error("the checksum after # has {found} characters instead of 8")]
    ChecksumLength {
        /// The number of characters found.
        found: usize,
    },
    /// The checksum is not the one of the text.
    #[error("the checksum is wrong: the descriptor was changed or mistyped")]
    Checksum,
    /// The text is not built of functions, brackets and commas as it must be.
    #[error("character {position}: {expected} expected")]
    Syntax {
        /// The position, from zero.
        position: usize,
        /// The text that should stand there.
        expected: &'static str,
    },
    /// A key expression that is refused.
    #[error("key {number}: {problem}")]
    Key {
        /// The number of the key in the descriptor, from zero.
        number: usize,
        /// The reason.
        problem: KeyError,
    },
    /// `musig()` where BIP-390 does not allow it.
    #[error("musig() is allowed inside of tr() and rawtr() only, and not as a script of its own")]
    MusigPlace,
    /// `tr()` or `rawtr()` inside of another function.
    #[error("tr() and rawtr() must be the outermost function")]
    NestedTaproot,
    /// Multipath steps with different numbers of elements.
    #[error("multipath steps with {first} and with {second} elements; all must have the same number")]
    Branches {
        /// One of the numbers.
        first: usize,
        /// The other one.
        second: usize,
    },
    /// The script tree is refused, in the words of the miniscript library. Keys are given as numbers.
    #[error("the scripts are refused: {0}")]
    Tree(String),
}

impl From<checksum::Error> for DescriptorError {
    fn from(error: checksum::Error) -> Self {
        match error {
            checksum::Error::InvalidCharacter { pos, .. } => Self::Character { position: pos },
            checksum::Error::InvalidChecksumLength { actual, .. } => Self::ChecksumLength { found: actual },
            checksum::Error::InvalidChecksum { .. } => Self::Checksum,
        }
    }
}
