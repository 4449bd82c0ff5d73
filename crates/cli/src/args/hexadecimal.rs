//! Hexadecimal digits on the command line: their bytes, or the fault of a text that has other characters.

use motet_core_crypto::{Signature, XOnlyPublicKey};

/// The bytes of hexadecimal digits, of any length.
pub(super) fn bytes(text: &str) -> Result<Vec<u8>, String> {
    if has_prefix(text) {
        return Err("leave out the 0x in front".to_owned());
    }
    if let Some((index, character)) = text.chars().enumerate().find(|(_, character)| !character.is_ascii_hexdigit()) {
        return Err(format!("character {} is {character:?}, which is no hexadecimal digit", index + 1));
    }
    hex::decode(text).map_err(|_| format!("{} digits are no whole number of bytes: a byte has two", text.len()))
}

pub(super) fn has_prefix(text: &str) -> bool {
    text.starts_with("0x") || text.starts_with("0X")
}

/// The key of `verify --key`.
pub(crate) fn x_only(text: &str) -> Result<XOnlyPublicKey, String> {
    let form = "write 64 digits: the 32 bytes of an x-only key (BIP-340)";
    let bytes = bytes(text).map_err(|what| format!("{what}; {form}"))?;
    match bytes.as_slice() {
        [2 | 3, x @ ..] if x.len() == 32 => {
            Err("these are 33 bytes; leave out the first two digits, which an x-only key (BIP-340) does not have"
                .to_owned())
        }
        bytes => match bytes.try_into() {
            Ok(x) => XOnlyPublicKey::from_bytes(x).map_err(|_| {
                "no point of the curve has this x, so nobody can have signed with it; compare the digits".to_owned()
            }),
            Err(_) => Err(format!("these are {} bytes; {form}", bytes.len())),
        },
    }
}

/// The signature of `verify --signature`.
pub(crate) fn signature(text: &str) -> Result<Signature, String> {
    let form = "write 128 digits: the 64 bytes of a signature (BIP-340)";
    let bytes = bytes(text).map_err(|what| format!("{what}; {form}"))?;
    let bytes: &[u8; 64] =
        bytes.as_slice().try_into().map_err(|_| format!("these are {} bytes; {form}", bytes.len()))?;
    Ok(Signature::from_bytes(bytes))
}
