//! Text forms for people, to be read aloud, pasted and scanned.
//!
//! All forms are bech32m (BIP-350): lower case or upper case but never mixed, no characters that look alike, and a
//! checksum that finds up to four wrong characters in up to 1,023 and misses one in 2^30 of all other errors. The
//! prefix names the type, so that a request id cannot be pasted in the place of a key. A value has one text; another
//! text that decodes to the same value (by its padding bits) is refused.
//!
//! | prefix | what | characters |
//! |---|---|---|
//! | `mkey1` | a signer's or a message's public key, 33 bytes | 64 |
//! | `mreq1` | a request id, 32 bytes | 63 |
//! | `mses1` | a session id, 32 bytes | 63 |
//! | `madv1` | an advertisement's id, 32 bytes | 63 |
//! | `moffer1` | an advertisement itself: its frame, signature included | about 900 |
//!
//! See [`crate::uri`] for contacts and requests as links.

use bech32::primitives::checksum::{Checksum, PackedFe32};
use bech32::primitives::decode::CheckedHrpstring;
use bech32::{Bech32m, Hrp};
use motet_core_crypto::PublicKey;

use crate::envelope;
use crate::id::{AdvertisementId, AttemptId, RequestId};
use crate::message::Kind;

/// The reason why a text is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TextError {
    /// It is no bech32m: a wrong character, mixed case, or a checksum that does not fit.
    #[error("a character is wrong or missing")]
    Checksum,
    /// It is something else.
    #[error("this is not what is asked for here: the prefix differs")]
    Prefix,
    /// The checksum fits, and the content is not of the type of the prefix.
    #[error("the text holds no such value")]
    Content,
    /// It is longer than such a text can be.
    #[error("the text is too long")]
    Length,
}

/// A value that people can be shown.
pub trait TextForm: Sized {
    /// The beginning of its text, in front of the `1`.
    const PREFIX: &'static str;

    /// The text, in lower case.
    fn to_text(&self) -> String;

    /// Reads the text, in lower or upper case.
    ///
    /// # Errors
    ///
    /// [`TextError`].
    fn from_text(text: &str) -> Result<Self, TextError>;
}

impl TextForm for PublicKey {
    const PREFIX: &'static str = "mkey";

    fn to_text(&self) -> String {
        encode(Self::PREFIX, &self.to_bytes())
    }

    fn from_text(text: &str) -> Result<Self, TextError> {
        Self::from_slice(&decode(Self::PREFIX, text)?).map_err(|_| TextError::Content)
    }
}

/// Gives a 32-byte id its text.
macro_rules! id_text {
    ($($name:ident $prefix:literal),* $(,)?) => {$(
        impl TextForm for $name {
            const PREFIX: &'static str = $prefix;

            fn to_text(&self) -> String {
                encode(Self::PREFIX, self.as_bytes())
            }

            fn from_text(text: &str) -> Result<Self, TextError> {
                let bytes = decode(Self::PREFIX, text)?;
                bytes.as_slice().try_into().map(Self::from_bytes).map_err(|_| TextError::Content)
            }
        }
    )*};
}

id_text!(RequestId "mreq", AttemptId "mses", AdvertisementId "madv");

/// An advertisement as text: the whole signed frame, to be pasted into a chat or printed.
///
/// Reading one proves nothing: the frame goes through the pipeline like any other, as [`crate::Channel::Sync`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer(Vec<u8>);

impl Offer {
    /// Takes the frame of an advertisement; `None` for a frame of anything else, or one that is too long.
    pub fn new(frame: &[u8]) -> Option<Self> {
        let kind = envelope::peek(frame)?.kind;
        (kind == Kind::SignerAdvertisement && frame.len() <= kind.frame_limit()).then(|| Self(frame.to_vec()))
    }

    /// The frame.
    pub fn frame(&self) -> &[u8] {
        &self.0
    }
}

impl TextForm for Offer {
    const PREFIX: &'static str = "moffer";

    fn to_text(&self) -> String {
        encode(Self::PREFIX, &self.0)
    }

    fn from_text(text: &str) -> Result<Self, TextError> {
        Self::new(&decode(Self::PREFIX, text)?).ok_or(TextError::Content)
    }
}

/// Longest text that is looked at: the largest advertisement, five bits a character.
const LONGEST: usize = 16 + crate::limits::FRAME_SIGNER_ADVERTISEMENT * 8 / 5 + 8;

/// Bech32m without the limit of 1,023 characters. Beyond it, its guarantee about few errors ends, and a random error is
/// missed once in 2^30. Values of that length are signed besides.
enum LongBech32m {}

impl Checksum for LongBech32m {
    type MidstateRepr = <Bech32m as Checksum>::MidstateRepr;
    type CorrectionField = <Bech32m as Checksum>::CorrectionField;

    const ROOT_GENERATOR: Self::CorrectionField = Bech32m::ROOT_GENERATOR;
    const ROOT_EXPONENTS: core::ops::RangeInclusive<usize> = Bech32m::ROOT_EXPONENTS;
    const CODE_LENGTH: usize = LONGEST;
    const CHECKSUM_LENGTH: usize = Bech32m::CHECKSUM_LENGTH;
    const GENERATOR_SH: [Self::MidstateRepr; 5] = Bech32m::GENERATOR_SH;
    const TARGET_RESIDUE: Self::MidstateRepr = Bech32m::TARGET_RESIDUE;
}

const _: () = assert!(<LongBech32m as Checksum>::MidstateRepr::WIDTH >= LongBech32m::CHECKSUM_LENGTH);

/// Encodes bytes under a prefix. The prefixes are constants and the lengths bounded, so it cannot fail; should it, the
/// empty text decodes as nothing.
pub(crate) fn encode(prefix: &str, bytes: &[u8]) -> String {
    let text = Hrp::parse(prefix).ok().map(|prefix| bech32::encode_lower::<LongBech32m>(prefix, bytes));
    text.and_then(Result::ok).unwrap_or_default()
}

/// Decodes the one text that these bytes have under this prefix.
pub(crate) fn decode(prefix: &str, text: &str) -> Result<Vec<u8>, TextError> {
    if text.len() > LONGEST {
        return Err(TextError::Length);
    }
    let checked = CheckedHrpstring::new::<LongBech32m>(text).map_err(|_| TextError::Checksum)?;
    if !checked.hrp().as_str().eq_ignore_ascii_case(prefix) {
        return Err(TextError::Prefix);
    }
    let bytes: Vec<u8> = checked.byte_iter().collect();
    if encode(prefix, &bytes).eq_ignore_ascii_case(text) { Ok(bytes) } else { Err(TextError::Content) }
}
