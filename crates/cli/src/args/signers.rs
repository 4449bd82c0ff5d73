//! Signers on the command line: the signers that are asked, each named by its key or its nickname, and the nickname of
//! this one.

use core::fmt;

use motet_core_crypto::PublicKey;
use motet_wire::{TextForm, limits};

use super::hexadecimal;

/// The form of a signer's key, for error messages.
const KEY: &str = "a signer's key is 66 hexadecimal digits that begin with 02 or 03, as `motet find` lists them";
/// Fewest hexadecimal digits that are taken for a key rather than for a nickname: a key that lost a few.
const DIGITS: usize = 60;

/// The name of another signer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Named {
    /// By its key, which is certain.
    Key(PublicKey),
    /// By its nickname, which is never empty. Others may have the same.
    Nickname(String),
}

impl Named {
    /// True if this names the signer with this key and this nickname.
    pub(crate) fn is(&self, signer: &PublicKey, nickname: &str) -> bool {
        match self {
            Self::Key(key) => key == signer,
            Self::Nickname(name) => name == nickname,
        }
    }
}

impl fmt::Display for Named {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Key(key) => key.fmt(f),
            Self::Nickname(name) => name.fmt(f),
        }
    }
}

/// A part of the list of `--with`. Spaces around it are not part of a name.
pub(crate) fn named(text: &str) -> Result<Named, String> {
    let text = text.trim();
    if text.is_empty() {
        let hint = "name signers as in --with alice,bob; one without a nickname can only be named by its key";
        return Err(format!("a part of the list is empty; {hint}"));
    }
    match key(text) {
        Some(key) => key.map(Named::Key),
        None => bounded(text).map(|()| Named::Nickname(text.to_owned())),
    }
}

/// The nickname of this signer. Others have to be able to write it into a list.
pub(crate) fn nickname(text: &str) -> Result<String, String> {
    if text.is_empty() {
        return Err(format!("it is empty; a nickname has 1 to {} bytes", limits::NICKNAME));
    }
    bounded(text)?;
    if text.contains(',') {
        return Err("a nickname has no commas: in --with they stand between signers".to_owned());
    }
    if text.trim() != text {
        return Err("a nickname has no spaces at its beginning or end: in --with they are left out".to_owned());
    }
    if key(text).is_some() {
        return Err("it looks like a key, and nobody could tell it from one; choose another nickname".to_owned());
    }
    Ok(text.to_owned())
}

fn bounded(name: &str) -> Result<(), String> {
    let most = limits::NICKNAME;
    let length = name.len();
    if length > most { Err(format!("these are {length} bytes, and a nickname has 1 to {most}")) } else { Ok(()) }
}

/// The key in a text, or the fault of the text; `None` if it does not look like a key.
fn key(text: &str) -> Option<Result<PublicKey, String>> {
    let prefix = PublicKey::PREFIX;
    let is_text_form = text.get(..=prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(&format!("{prefix}1")));
    if is_text_form {
        return Some(PublicKey::from_text(text).map_err(|error| format!("it looks like a key, but {error}; {KEY}")));
    }
    let digits = if hexadecimal::has_prefix(text) { text.get(2..)? } else { text };
    if digits.len() < DIGITS || !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return None;
    }
    let what = if digits.len() != text.len() {
        "leave out the 0x in front".to_owned()
    } else if digits.len() == 64 {
        "these are 64 digits, an x-only key, which is that of two signers; put 02 or 03 in front".to_owned()
    } else if digits.len() != 66 {
        format!("it looks like a key, but has {} digits", digits.len())
    } else {
        match digits.parse() {
            Ok(key) => return Some(Ok(key)),
            Err(_) if digits.starts_with("02") || digits.starts_with("03") => {
                "it looks like a key, but no point of the curve has this x; compare the digits".to_owned()
            }
            Err(_) => "it looks like a key, but does not begin with 02 or 03".to_owned(),
        }
    };
    Some(Err(format!("{what}: {KEY}")))
}

#[cfg(test)]
mod tests {
    use motet_core_crypto::SecretKey;

    use super::*;

    #[test]
    fn a_key_has_each_of_its_two_forms_and_a_nickname_is_all_else() {
        let signer = SecretKey::from_bytes(&[7; 32]).unwrap().public_key();
        for text in [signer.to_string(), signer.to_string().to_uppercase(), signer.to_text(), format!(" {signer} ")] {
            assert_eq!(named(&text), Ok(Named::Key(signer)), "{text}");
        }
        for text in ["alice", "alice b", "02", "0xdecaf", "mkey", "ñandú", &"n".repeat(64), &"0".repeat(59)] {
            assert_eq!(named(text), Ok(Named::Nickname(text.to_owned())));
            assert_eq!(nickname(text).as_deref(), Ok(text));
        }
    }

    #[test]
    fn a_signer_without_a_nickname_has_no_name() {
        let signer = SecretKey::from_bytes(&[7; 32]).unwrap().public_key();
        for text in ["", " ", "\t"] {
            assert!(named(text).is_err());
            assert!(nickname(text).is_err());
        }
        assert!(Named::Key(signer).is(&signer, ""));
        assert!(!Named::Nickname("alice".to_owned()).is(&signer, ""));
    }

    #[test]
    fn a_key_with_any_digit_wrong_or_missing_is_no_nickname() {
        let signer = SecretKey::from_bytes(&[7; 32]).unwrap().public_key().to_string();
        for length in DIGITS..66 {
            assert!(named(&signer[..length]).is_err() && nickname(&signer[..length]).is_err(), "{length}");
        }
        let mut text = SecretKey::from_bytes(&[7; 32]).unwrap().public_key().to_text();
        assert!(text.pop().is_some());
        assert!(named(&text).is_err());
        assert!(named(&format!("{signer}0")).is_err() && named(&format!("0x{signer}")).is_err());
    }
}
