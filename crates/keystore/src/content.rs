//! The encrypted part of a file: the entries, in the order of their names.
//!
//! A number of entries (two bytes), and for each: kind (one byte), time (eight bytes), length of the name (one byte), name, length of
//! the secret (two bytes), secret. Numbers are little endian. The secret of kind 1 is the 32 bytes of a key, big endian; that of kind 2
//! is the length of the words (two bytes), the words, and the passphrase. Nothing follows the last entry.

use motet_core_crypto::SecretKey;
use zeroize::Zeroizing;

use crate::entry::{Entry, KeyName, Secret, SeedWords, UnknownSecret};
use crate::limits::{ENTRIES, NAME_BYTES, SECRET_BYTES};
use crate::open_error::OpenError;

const SIGNER_KEY: u8 = 1;
const SEED: u8 = 2;

/// The bytes of entries. They never move while they grow, which would leave copies behind.
pub(crate) fn encode(entries: &[Entry]) -> Zeroizing<Vec<u8>> {
    let longest = 1 + 8 + 1 + NAME_BYTES + 2 + SECRET_BYTES;
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 + entries.len() * longest));
    bytes.extend(short(entries.len()));
    for entry in entries {
        let kind = match &entry.secret {
            Secret::SignerKey(_) => SIGNER_KEY,
            Secret::Seed(_) => SEED,
            Secret::Unknown(unknown) => unknown.kind(),
        };
        let name = entry.name.as_str();
        bytes.push(kind);
        bytes.extend(entry.created.to_le_bytes());
        bytes.push(u8::try_from(name.len()).unwrap_or(u8::MAX));
        bytes.extend(name.as_bytes());
        match &entry.secret {
            Secret::SignerKey(key) => {
                bytes.extend(short(32));
                bytes.extend(key.dangerous_to_bytes().iter());
            }
            Secret::Seed(seed) => {
                let (words, passphrase) = (seed.words(), seed.passphrase());
                bytes.extend(short(2 + words.len() + passphrase.len()));
                bytes.extend(short(words.len()));
                bytes.extend(words.as_bytes());
                bytes.extend(passphrase.as_bytes());
            }
            Secret::Unknown(unknown) => {
                bytes.extend(short(unknown.bytes().len()));
                bytes.extend(unknown.bytes());
            }
        }
    }
    bytes
}

/// A length of two bytes. All lengths of a keystore are below: its parts are checked when they are made.
fn short(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap_or(u16::MAX).to_le_bytes()
}

/// Reads entries, strictly: their bytes are those that [`encode`] makes of them.
pub(crate) fn decode(bytes: &[u8]) -> Result<Vec<Entry>, OpenError> {
    let mut reader = Reader(bytes);
    let count = usize::from(reader.short()?);
    if count > ENTRIES {
        return Err(OpenError::Content("it has too many entries"));
    }
    let mut entries: Vec<Entry> = Vec::with_capacity(count);
    for _ in 0..count {
        let [kind] = reader.array()?;
        let created = u64::from_le_bytes(reader.array()?);
        let [length] = reader.array()?;
        let name = core::str::from_utf8(reader.bytes(length.into())?).ok().and_then(|name| name.parse().ok());
        let name: KeyName = name.ok_or(OpenError::Content("an entry has a wrong name"))?;
        if entries.last().is_some_and(|last| last.name >= name) {
            return Err(OpenError::Content("its entries are not in order"));
        }
        let length = reader.short()?.into();
        let secret = secret(kind, reader.bytes(length)?)?;
        entries.push(Entry { name, created, secret });
    }
    if reader.0.is_empty() { Ok(entries) } else { Err(OpenError::Content("something follows its entries")) }
}

fn secret(kind: u8, bytes: &[u8]) -> Result<Secret, OpenError> {
    if bytes.len() > SECRET_BYTES {
        return Err(OpenError::Content("an entry is too long"));
    }
    match kind {
        SIGNER_KEY => {
            let wrong = OpenError::Content("a signer key in it is none");
            let bytes = bytes.try_into().map_err(|_| wrong)?;
            SecretKey::from_bytes(bytes).map(Secret::SignerKey).map_err(|_| wrong)
        }
        SEED => {
            let wrong = OpenError::Content("a seed in it is none");
            let mut reader = Reader(bytes);
            let length = reader.short()?.into();
            let words = core::str::from_utf8(reader.bytes(length)?).map_err(|_| wrong)?;
            let passphrase = core::str::from_utf8(reader.0).map_err(|_| wrong)?;
            let seed = SeedWords::new(words, passphrase).map_err(|_| wrong)?;
            if seed.words() == words { Ok(Secret::Seed(seed)) } else { Err(wrong) }
        }
        _ => Ok(Secret::Unknown(UnknownSecret::new(kind, Zeroizing::new(bytes.to_owned())))),
    }
}

/// The bytes that have not been read.
struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn bytes(&mut self, length: usize) -> Result<&'a [u8], OpenError> {
        let (read, rest) = self.0.split_at_checked(length).ok_or(OpenError::Content("it ends in the middle"))?;
        self.0 = rest;
        Ok(read)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], OpenError> {
        let (read, rest) = self.0.split_first_chunk().ok_or(OpenError::Content("it ends in the middle"))?;
        self.0 = rest;
        Ok(*read)
    }

    fn short(&mut self) -> Result<u16, OpenError> {
        self.array().map(u16::from_le_bytes)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn unknown(name: &str, kind: u8, bytes: &[u8]) -> Entry {
        let secret = Secret::Unknown(UnknownSecret::new(kind, Zeroizing::new(bytes.to_owned())));
        Entry { name: name.parse().unwrap(), created: 7, secret }
    }

    #[test]
    fn the_secret_of_a_later_version_is_kept() {
        let bytes = encode(&[unknown("card", 200, b"later")]);
        let read = decode(&bytes).unwrap();
        assert!(matches!(&read[0].secret, Secret::Unknown(kept) if kept.kind() == 200 && kept.bytes() == b"later"));
        assert_eq!(*encode(&read), *bytes);
    }

    #[test]
    fn wrong_content_is_refused() {
        let refused = |bytes: &[u8]| matches!(decode(bytes), Err(OpenError::Content(_)));
        let (two, again) = (unknown("b", 9, b""), unknown("a", 9, b""));
        assert!(refused(&encode(&[two, again])));
        assert!(refused(&encode(&[unknown("a", 9, b""), unknown("a", 9, b"")])));
        assert!(refused(&encode(&[unknown("a", 9, &[0; SECRET_BYTES + 1])])));
        // A key of zero, a short key, and a seed of one word.
        assert!(refused(&encode(&[unknown("a", SIGNER_KEY, &[0; 32])])));
        assert!(refused(&encode(&[unknown("a", SIGNER_KEY, &[1; 31])])));
        assert!(refused(&encode(&[unknown("a", SEED, b"\x04\0word")])));
        assert!(refused(&encode(&[unknown("a", SEED, b"\xff\0word")])));
        let good = encode(&[unknown("a", 9, b"text")]);
        assert!(decode(&good).is_ok());
        for end in 0..good.len() {
            assert!(refused(&good[..end]), "{end}");
        }
        assert!(refused(&[&good[..], &[0]].concat()));
        assert!(refused(&[0xff, 0xff]));
    }

    proptest! {
        #[test]
        fn what_is_read_is_written_again(bytes in prop::collection::vec(any::<u8>(), 0..200), kinds in prop::collection::vec((0_u8..4, any::<u64>(), "[a-z][a-z0-9_-]{0,9}", prop::collection::vec(any::<u8>(), 0..60)), 0..4)) {
            if let Ok(entries) = decode(&bytes) {
                prop_assert_eq!(&*encode(&entries), &bytes);
            }
            // Bytes that are closer to a content.
            let mut near = short(kinds.len()).to_vec();
            for (kind, created, name, secret) in &kinds {
                near.push(*kind);
                near.extend(created.to_le_bytes());
                near.push(u8::try_from(name.len()).unwrap());
                near.extend(name.as_bytes());
                near.extend(short(secret.len()));
                near.extend(secret);
            }
            if let Ok(entries) = decode(&near) {
                prop_assert_eq!(&*encode(&entries), &near);
            }
        }
    }
}
