//! Messages on the command line: to sign, and to verify a signature of.

use motet_wire::limits;

use super::hexadecimal;
use crate::exit::Failed;

/// The bytes of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message(Vec<u8>);

/// Longest message of a demonstration: a request with the most items that it can have holds as many of them.
const DEMO_MESSAGE: usize = 512;

impl Message {
    /// A text to sign.
    pub(crate) fn to_sign(text: &str) -> Result<Self, String> {
        Self::bounded(text.as_bytes().to_vec())
    }

    /// Hexadecimal digits to sign.
    pub(crate) fn to_sign_hex(digits: &str) -> Result<Self, String> {
        Self::bounded(hexadecimal::bytes(digits)?)
    }

    /// The content of a file to sign.
    pub(crate) fn of_file(content: Vec<u8>) -> Result<Self, String> {
        Self::bounded(content)
    }

    /// The bytes that are signed.
    pub(crate) fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// A text to verify. BIP-340 has messages of any length, none included.
    #[expect(clippy::unnecessary_wraps, reason = "parsers of arguments have this form")]
    pub(crate) fn to_verify(text: &str) -> Result<Self, String> {
        Ok(Self(text.as_bytes().to_vec()))
    }

    /// Hexadecimal digits to verify.
    pub(crate) fn to_verify_hex(digits: &str) -> Result<Self, String> {
        hexadecimal::bytes(digits).map(Self)
    }

    /// True if these bytes are as long as a hash.
    pub(crate) const fn may_be_hash(&self) -> bool {
        self.0.len() == 32
    }

    fn bounded(bytes: Vec<u8>) -> Result<Self, String> {
        within(bytes.len(), limits::ITEM_MESSAGE)?;
        Ok(Self(bytes))
    }
}

/// A text for a demonstration.
pub(crate) fn for_demo(text: &str) -> Result<String, String> {
    within(text.len(), DEMO_MESSAGE)?;
    Ok(text.to_owned())
}

fn within(length: usize, most: usize) -> Result<(), String> {
    match length {
        0 => Err(format!("there is nothing to sign; a message has 1 to {most} bytes")),
        length if length <= most => Ok(()),
        length => Err(format!("these are {length} bytes, and a message has 1 to {most}; sign a hash of it instead")),
    }
}

/// The message that is given either as text or as hexadecimal digits.
pub(crate) fn message(text: Option<&Message>, digits: Option<&Message>) -> Result<Vec<u8>, Failed> {
    let message = text.or(digits).ok_or_else(|| Failed::usage("a message is needed: --message or --message-hex"))?;
    Ok(message.0.clone())
}
