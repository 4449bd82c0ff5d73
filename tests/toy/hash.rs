//! A toy in the place of tagged hashes: multiplications that mix, a tenth of the work, and no match for anybody who looks
//! for collisions. Nobody here does: what hostile peers forge is forged from what they know, not from broken hashes.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// A tag that is known at compile time.
#[derive(Debug, Clone, Copy)]
pub struct Tag(&'static str);

impl Tag {
    /// A tag.
    pub const fn new(name: &'static str) -> Self {
        Self(name)
    }

    /// The hash of the concatenation of `parts`.
    pub fn hash(&self, parts: &[&[u8]]) -> [u8; 32] {
        parts.iter().fold(TaggedHash::new(self), |hash, part| hash.chain(part)).finish()
    }
}

const START: [u64; 4] = [0x243f_6a88_85a3_08d3, 0x1319_8a2e_0370_7344, 0xa409_3822_299f_31d0, 0x082e_fa98_ec4e_6c89];
const BLOCK: usize = 32;

/// A hash in the making.
#[derive(Clone)]
pub(crate) struct TaggedHash {
    lanes: [u64; 4],
    block: [u8; BLOCK],
    length: usize,
}

fn mixed(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    (product >> 64) as u64 ^ product as u64
}

impl TaggedHash {
    pub(crate) fn new(tag: &Tag) -> Self {
        Self::with_tag(tag.0.as_bytes())
    }

    fn with_tag(tag: &[u8]) -> Self {
        let hash = Self { lanes: START, block: [0; BLOCK], length: 0 };
        hash.chain(&[u8::try_from(tag.len()).unwrap_or(0)]).chain(tag)
    }

    #[inline]
    #[must_use]
    pub(crate) fn chain(mut self, bytes: &[u8]) -> Self {
        self.update(bytes);
        self
    }

    #[inline]
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        let at = self.length % BLOCK;
        self.length += bytes.len();
        let mut rest = bytes;
        if at > 0 {
            let room = self.block.get_mut(at..).unwrap_or_default();
            let (now, later) = bytes.split_at(room.len().min(bytes.len()));
            let whole = now.len() == room.len();
            if let Some(room) = room.get_mut(..now.len()) {
                room.copy_from_slice(now);
            }
            if !whole {
                return;
            }
            self.absorb(&{ self.block });
            rest = later;
        }
        let (blocks, tail) = rest.as_chunks::<BLOCK>();
        for block in blocks {
            self.absorb(block);
        }
        if let Some(start) = self.block.get_mut(..tail.len()) {
            start.copy_from_slice(tail);
        }
    }

    #[inline]
    fn absorb(&mut self, block: &[u8; BLOCK]) {
        let (words, _) = block.as_chunks::<8>();
        let words = match words {
            [w, x, y, z] => [w, x, y, z].map(|word| u64::from_le_bytes(*word)),
            _ => [0; 4],
        };
        self.mix(words);
    }

    #[inline]
    fn mix(&mut self, [w, x, y, z]: [u64; 4]) {
        let [a, b, c, d] = self.lanes;
        let [a, b, c, d] = [a ^ w, b ^ x, c ^ y, d ^ z];
        let [p, q, r, s] = START;
        // Each lane is multiplied with another, and what it was is kept, so that a factor of zero loses nothing.
        self.lanes = [
            b ^ mixed(a ^ q, c.rotate_left(23) ^ s),
            c ^ mixed(b ^ r, d.rotate_left(29) ^ p),
            d ^ mixed(c ^ s, a.rotate_left(31) ^ q),
            a ^ mixed(d ^ p, b.rotate_left(37) ^ r),
        ];
    }

    pub(crate) fn finish(mut self) -> [u8; 32] {
        let at = self.length % BLOCK;
        if let Some(unused) = self.block.get_mut(at..) {
            unused.fill(0);
        }
        self.absorb(&{ self.block });
        for round in 0..3 {
            self.mix([self.length as u64, round, 0, 0]);
        }
        let [a, b, c, d] = self.lanes.map(u64::to_le_bytes);
        let mut hash = [0; 32];
        let (words, _) = hash.as_chunks_mut::<8>();
        words.iter_mut().zip([a, b, c, d]).for_each(|(to, from)| *to = from);
        hash
    }

    pub(crate) fn finish_secret(self) -> Zeroizing<[u8; 32]> {
        Zeroizing::new(self.finish())
    }
}

pub fn tagged_hash(tag: &str, parts: &[&[u8]]) -> [u8; 32] {
    parts.iter().fold(TaggedHash::with_tag(tag.as_bytes()), |hash, part| hash.chain(part)).finish()
}

pub(crate) fn hmac_sha512(key: &[u8; 32], message: &[&[u8]]) -> [u8; 64] {
    let half = |which: &'static str| {
        let begun = TaggedHash::with_tag(which.as_bytes()).chain(key);
        message.iter().fold(begun, |hash, part| hash.chain(part)).finish()
    };
    let mut both = [0; 64];
    let bytes = half("left").into_iter().chain(half("right"));
    both.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
    both
}

pub(crate) fn checksum(bytes: &[u8]) -> [u8; 4] {
    let [first, second, third, fourth, ..] = <[u8; 32]>::from(Sha256::digest(Sha256::digest(bytes)));
    [first, second, third, fourth]
}
