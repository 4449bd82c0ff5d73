//! Extended secret keys (BIP-32). They are neither cloned nor printed, and are overwritten when dropped.

use bitcoin::NetworkKind;
use bitcoin::bip32::{ChainCode, ChildNumber, Fingerprint, Xpub};
use bitcoin::hashes::{Hash as _, HashEngine as _, Hmac, HmacEngine, hash160, sha512};
use motet_core_crypto::{InvalidSecretKey, SecretKey};
use zeroize::Zeroizing;

/// A secret key with its chain code and its place in the tree of keys.
pub(super) struct ExtendedSecret {
    key: SecretKey,
    chain_code: Zeroizing<[u8; 32]>,
    depth: u8,
    parent: Fingerprint,
    child: ChildNumber,
}

impl ExtendedSecret {
    /// The root of a seed.
    pub(super) fn root(seed: &[u8]) -> Result<Self, InvalidSecretKey> {
        let hash = hmac(b"Bitcoin seed", &[seed]);
        let (key, chain_code) = halves(&hash);
        Ok(Self {
            key: SecretKey::from_bytes(&key)?,
            chain_code,
            depth: 0,
            parent: Fingerprint::default(),
            child: ChildNumber::Normal { index: 0 },
        })
    }

    /// A child, hardened or not.
    pub(super) fn child(&self, child: ChildNumber) -> Result<Self, InvalidSecretKey> {
        let number = u32::from(child).to_be_bytes();
        let hash = if child.is_hardened() {
            hmac(&*self.chain_code, &[&[0], &*self.key.dangerous_to_bytes(), &number])
        } else {
            hmac(&*self.chain_code, &[&self.key.public_key().to_bytes(), &number])
        };
        let (tweak, chain_code) = halves(&hash);
        Ok(Self {
            key: self.key.plus(&tweak)?,
            chain_code,
            depth: self.depth.checked_add(1).ok_or(InvalidSecretKey)?,
            parent: self.fingerprint(),
            child,
        })
    }

    /// The descendant at the end of a path; none if the path is empty.
    pub(super) fn descendant(&self, path: &[ChildNumber]) -> Result<Option<Self>, InvalidSecretKey> {
        let mut found = None;
        for child in path {
            found = Some(found.as_ref().unwrap_or(self).child(*child)?);
        }
        Ok(found)
    }

    pub(super) const fn key(&self) -> &SecretKey {
        &self.key
    }

    pub(super) fn into_key(self) -> SecretKey {
        self.key
    }

    /// The first four bytes of the public key's hash160.
    pub(super) fn fingerprint(&self) -> Fingerprint {
        let hash = hash160::Hash::hash(&self.key.public_key().to_bytes()).to_byte_array();
        Fingerprint::from(*hash.first_chunk::<4>().unwrap_or(&[0; 4]))
    }

    /// The extended public key. None if libsecp256k1 refuses the public key, which is a point of the curve.
    pub(super) fn public(&self, network: NetworkKind) -> Option<Xpub> {
        Some(Xpub {
            network,
            depth: self.depth,
            parent_fingerprint: self.parent,
            child_number: self.child,
            public_key: bitcoin::secp256k1::PublicKey::from_slice(&self.key.public_key().to_bytes()).ok()?,
            chain_code: ChainCode::from(*self.chain_code),
        })
    }
}

fn hmac(key: &[u8], parts: &[&[u8]]) -> Zeroizing<[u8; 64]> {
    let mut engine = HmacEngine::<sha512::Hash>::new(key);
    parts.iter().for_each(|part| engine.input(part));
    Zeroizing::new(Hmac::from_engine(engine).to_byte_array())
}

/// The two halves of a hash: a key or its tweak, and a chain code.
fn halves(hash: &[u8; 64]) -> (Zeroizing<[u8; 32]>, Zeroizing<[u8; 32]>) {
    let mut halves = (Zeroizing::new([0; 32]), Zeroizing::new([0; 32]));
    let (left, right) = hash.split_at(32);
    halves.0.iter_mut().zip(left).for_each(|(to, from)| *to = *from);
    halves.1.iter_mut().zip(right).for_each(|(to, from)| *to = *from);
    halves
}
