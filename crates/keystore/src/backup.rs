//! A backup: bytes of the caller under a passphrase, in the format of a keystore, behind a mark of their own.
//!
//! The mark is authenticated with the header, so that a backup never passes for a keystore, nor a keystore for a backup.

use rand_core::TryCryptoRng;
use zeroize::Zeroizing;

use crate::cost::Cost;
use crate::limits::BACKUP_BYTES;
use crate::open_error::OpenError;
use crate::passphrase::Passphrase;
use crate::seal::{self, SealError};

/// The first bytes of every backup.
pub const MAGIC: [u8; 8] = *b"motet-bk";

/// True if bytes begin as a backup does.
#[must_use]
pub fn is_backup(bytes: &[u8]) -> bool {
    bytes.starts_with(&MAGIC)
}

/// Encrypts a content of [`BACKUP_BYTES`] at most. Takes the time and memory of the cost.
///
/// # Errors
///
/// [`SealError`].
pub fn seal<R: TryCryptoRng + ?Sized>(
    content: &[u8],
    passphrase: &Passphrase,
    cost: Cost,
    rng: &mut R,
) -> Result<Vec<u8>, SealError> {
    if content.len() > BACKUP_BYTES {
        return Err(SealError::TooLong);
    }
    let sealed = seal::seal_bytes(&MAGIC, content, passphrase, cost, rng)?;
    Ok([&MAGIC[..], &sealed].concat())
}

/// Decrypts a backup. Everything that can be refused without work is refused first.
///
/// # Errors
///
/// [`OpenError`].
pub fn open(bytes: &[u8], passphrase: &Passphrase) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let sealed = bytes.strip_prefix(&MAGIC).ok_or(OpenError::NoKeystore)?;
    Ok(seal::open_bytes(&MAGIC, sealed, BACKUP_BYTES, passphrase)?.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::keystore::Keystore;

    /// Counts, for tests whose result does not depend on randomness.
    struct Counting(u8);

    impl rand_core::TryRng for Counting {
        type Error = core::convert::Infallible;

        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            Ok(u32::from(self.0))
        }

        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            Ok(u64::from(self.0))
        }

        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
            for byte in bytes {
                self.0 = self.0.wrapping_add(1);
                *byte = self.0;
            }
            Ok(())
        }
    }

    impl TryCryptoRng for Counting {}

    fn passphrase(text: &str) -> Passphrase {
        Passphrase::new(Zeroizing::new(text.to_owned())).unwrap()
    }

    #[test]
    fn a_backup_opens_with_its_passphrase_and_is_no_keystore() {
        let secret = passphrase("correct horse");
        let sealed = seal(b"all of it", &secret, Cost::LEAST, &mut Counting(0)).unwrap();
        assert!(is_backup(&sealed));
        assert_eq!(open(&sealed, &secret).unwrap().as_slice(), b"all of it");
        assert_eq!(open(&sealed, &passphrase("correct house")).unwrap_err(), OpenError::Locked);
        // Neither passes for the other when the mark is taken away or put in front.
        assert_eq!(Keystore::open(&sealed[MAGIC.len()..], &secret).unwrap_err(), OpenError::Locked);
        let keystore = Keystore::new().seal(&secret, Cost::LEAST, &mut Counting(0)).unwrap();
        assert_eq!(open(&[&MAGIC[..], &keystore].concat(), &secret).unwrap_err(), OpenError::Locked);
        for end in [0, 7, 8, 30, sealed.len() - 1] {
            assert!(open(&sealed[..end], &secret).is_err(), "{end}");
        }
    }
}
