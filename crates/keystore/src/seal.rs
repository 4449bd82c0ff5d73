//! Entries to bytes and back: argon2id makes the key, XChaCha20-Poly1305 encrypts.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use chacha20poly1305::{AeadInOut as _, KeyInit as _, Tag, XChaCha20Poly1305, XNonce};
use rand_core::TryCryptoRng;
use zeroize::{Zeroize as _, Zeroizing};

use crate::content;
use crate::cost::Cost;
use crate::header::{self, BYTES, Header, NONCE, SALT};
use crate::keystore::Keystore;
use crate::limits::{BACKUP_BYTES, FILE_BYTES, TAG_BYTES};
use crate::open_error::OpenError;
use crate::passphrase::Passphrase;

/// The reason why a keystore does not become bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum SealError {
    /// The source of randomness has failed.
    #[error("the source of randomness has failed")]
    Randomness,
    /// There is not enough memory for argon2id.
    #[error("there is not enough memory to encrypt the keystore")]
    Memory,
    /// The cipher has failed. No content is long enough for that.
    #[error("the keystore cannot be encrypted")]
    Cipher,
    /// The content of a backup is too long.
    #[error("a backup has {BACKUP_BYTES} bytes at most")]
    TooLong,
}

impl Keystore {
    /// The bytes of the file: a header with a fresh salt and nonce, the encrypted entries, and the tag. Takes the time and memory of
    /// the cost.
    ///
    /// # Errors
    ///
    /// [`SealError`].
    pub fn seal<R: TryCryptoRng + ?Sized>(
        &self,
        passphrase: &Passphrase,
        cost: Cost,
        rng: &mut R,
    ) -> Result<Vec<u8>, SealError> {
        seal_bytes(&[], &content::encode(self.entries()), passphrase, cost, rng)
    }

    /// Reads the bytes of a file. Everything that can be refused without work is refused first; then it takes the time and memory of
    /// the cost in the header. The second value is that cost, at which the file should at least be written again.
    ///
    /// # Errors
    ///
    /// [`OpenError`].
    pub fn open(bytes: &[u8], passphrase: &Passphrase) -> Result<(Self, Cost), OpenError> {
        let (content, cost) = open_bytes(&[], bytes, FILE_BYTES - BYTES - TAG_BYTES, passphrase)?;
        Ok((Self::of(content::decode(&content)?), cost))
    }
}

/// Header, encrypted content and tag, with a fresh salt and nonce. The mark of the purpose is authenticated, and not among the bytes.
pub(crate) fn seal_bytes<R: TryCryptoRng + ?Sized>(
    purpose: &[u8],
    content: &[u8],
    passphrase: &Passphrase,
    cost: Cost,
    rng: &mut R,
) -> Result<Vec<u8>, SealError> {
    let (mut salt, mut nonce) = ([0; SALT], [0; NONCE]);
    rng.try_fill_bytes(&mut salt).map_err(|_| SealError::Randomness)?;
    rng.try_fill_bytes(&mut nonce).map_err(|_| SealError::Randomness)?;
    let header = Header { cost, salt, nonce };
    let key = derive(passphrase, &header).ok_or(SealError::Memory)?;
    encrypt(&key, &header, purpose, content).ok_or(SealError::Cipher)
}

/// The content of such bytes of the same purpose, of which there are so many at most beside header and tag; and the cost in the header.
pub(crate) fn open_bytes(
    purpose: &[u8],
    bytes: &[u8],
    most: usize,
    passphrase: &Passphrase,
) -> Result<(Zeroizing<Vec<u8>>, Cost), OpenError> {
    let (header, sealed) = split(bytes, most)?;
    let key = derive(passphrase, &header).ok_or(OpenError::Memory)?;
    Ok((decrypt(&key, &header, purpose, sealed)?, header.cost))
}

/// Header and encrypted entries of a file.
fn split(bytes: &[u8], most: usize) -> Result<(Header, &[u8]), OpenError> {
    if !header::is_keystore(bytes) {
        return Err(OpenError::NoKeystore);
    }
    if bytes.len() > most.saturating_add(BYTES + TAG_BYTES) {
        return Err(OpenError::TooLong);
    }
    let (header, sealed) = bytes.split_first_chunk::<BYTES>().ok_or(OpenError::Truncated)?;
    let header = Header::parse(header)?;
    if sealed.len() < TAG_BYTES { Err(OpenError::Truncated) } else { Ok((header, sealed)) }
}

/// The key of a file; none if there is not enough memory. The memory of argon2id is overwritten.
fn derive(passphrase: &Passphrase, header: &Header) -> Option<Zeroizing<[u8; 32]>> {
    let Header { cost, salt, .. } = header;
    let params = Params::new(cost.memory(), cost.passes(), cost.lanes(), Some(32)).ok()?;
    let mut memory = Zeroizing::new(Vec::new());
    memory.try_reserve_exact(params.block_count()).ok()?;
    memory.resize(params.block_count(), Block::new());
    let mut key = Zeroizing::new([0; 32]);
    let argon2 = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    argon2.hash_password_into_with_memory(passphrase.as_bytes(), salt, &mut *key, memory.as_mut_slice()).ok()?;
    Some(key)
}

/// The bytes of a file; none if the cipher fails.
fn encrypt(key: &[u8; 32], header: &Header, purpose: &[u8], content: &[u8]) -> Option<Vec<u8>> {
    let head = header.to_bytes();
    let mut bytes = Vec::with_capacity(head.len() + content.len() + TAG_BYTES);
    bytes.extend(head);
    // The place holds what is secret until it is encrypted, and never moves.
    bytes.extend(content);
    let (_, place) = bytes.split_at_mut(head.len());
    let cipher = XChaCha20Poly1305::new(key.into());
    let tag = cipher.encrypt_inout_detached(&XNonce::from(header.nonce), &[purpose, &head].concat(), place.into()).ok();
    if tag.is_none() {
        bytes.zeroize();
    }
    bytes.extend(tag?);
    Some(bytes)
}

fn decrypt(key: &[u8; 32], header: &Header, purpose: &[u8], sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
    let (sealed, tag) = sealed.split_last_chunk::<TAG_BYTES>().ok_or(OpenError::Truncated)?;
    let mut content = Zeroizing::new(sealed.to_owned());
    let cipher = XChaCha20Poly1305::new(key.into());
    let (nonce, tag) = (XNonce::from(header.nonce), Tag::from(*tag));
    let opened = cipher.decrypt_inout_detached(
        &nonce,
        &[purpose, &header.to_bytes()].concat(),
        content.as_mut_slice().into(),
        &tag,
    );
    opened.map(|()| content).map_err(|_| OpenError::Locked)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cost::CostError;

    const KEY: [u8; 32] = [3; 32];

    fn opened(bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let (header, sealed) = split(bytes, FILE_BYTES)?;
        decrypt(&KEY, &header, &[], sealed)
    }

    /// The key is the same whatever the header says, so that the header's authentication is what refuses.
    #[test]
    fn each_flipped_bit_and_each_missing_byte_is_refused() {
        let header = Header { cost: Cost::DEFAULT, salt: [1; SALT], nonce: [2; NONCE] };
        let good = encrypt(&KEY, &header, &[], b"the entries").unwrap();
        assert_eq!(opened(&good).unwrap().as_slice(), b"the entries");
        for bit in 0..good.len() * 8 {
            let mut bad = good.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            assert!(opened(&bad).is_err(), "bit {bit}");
        }
        for end in 0..good.len() {
            assert!(opened(&good[..end]).is_err(), "{end}");
        }
        assert_eq!(opened(&[&good[..], &[0]].concat()), Err(OpenError::Locked));
        assert_eq!(decrypt(&[4; 32], &header, &[], &good[BYTES..]), Err(OpenError::Locked));
    }

    #[test]
    fn a_file_that_is_refused_without_work_says_why() {
        let header = Header { cost: Cost::LEAST, salt: [1; SALT], nonce: [2; NONCE] };
        let good = encrypt(&KEY, &header, &[], b"").unwrap();
        let told = |bytes: &[u8]| split(bytes, FILE_BYTES - BYTES - TAG_BYTES).map(drop).unwrap_err();
        let with = |place: usize, number: u32| {
            let mut bytes = good.clone();
            bytes[place..place + 4].copy_from_slice(&number.to_le_bytes());
            told(&bytes)
        };
        for found in [0, Cost::LEAST.memory() - 1, 512 * 1024 + 1, u32::MAX] {
            assert_eq!(with(9, found), OpenError::Cost(CostError::Memory { found }));
        }
        for found in [0, 1, 17, u32::MAX] {
            assert_eq!(with(13, found), OpenError::Cost(CostError::Passes { found }));
        }
        for found in [0, 5, u32::MAX] {
            assert_eq!(with(17, found), OpenError::Cost(CostError::Lanes { found }));
        }
        let mut later = good.clone();
        later[8] = 2;
        assert_eq!(told(&later), OpenError::Version { found: 2 });
        assert_eq!(told(b"64 hexadecimal digits"), OpenError::NoKeystore);
        assert_eq!(told(b""), OpenError::NoKeystore);
        assert_eq!(told(&good[..BYTES - 1]), OpenError::Truncated);
        assert_eq!(told(&good[..BYTES + TAG_BYTES - 1]), OpenError::Truncated);
        let mut long = good.clone();
        long.resize(FILE_BYTES + 1, 0);
        assert_eq!(told(&long), OpenError::TooLong);
    }
}
