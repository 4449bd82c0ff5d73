//! A toy in the place of tagged hashes: multiplications that mix, a tenth of the work, and no match for anybody who looks
//! for collisions. Nobody here does: what hostile peers forge is forged from what they know, not from broken hashes.

use sha2::{Digest, Sha256};
use zeroize::Zeroizing;

/// A tag that is known at compile time.
#[derive(Clone, Copy)]
pub(crate) struct Tag(&'static str);

impl Tag {
    pub(crate) const fn new(name: &'static str) -> Self {
        Self(name)
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

    #[must_use]
    pub(crate) fn chain(mut self, bytes: &[u8]) -> Self {
        self.update(bytes);
        self
    }

    pub(crate) fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let at = self.length % BLOCK;
            let room = self.block.get_mut(at..).unwrap_or_default();
            let (now, later) = bytes.split_at(room.len().min(bytes.len()));
            room.iter_mut().zip(now).for_each(|(to, from)| *to = *from);
            self.length += now.len();
            bytes = later;
            if self.length % BLOCK == 0 {
                self.absorb();
            }
        }
    }

    fn absorb(&mut self) {
        let (words, _) = self.block.as_chunks::<8>();
        let [a, b, c, d] = self.lanes;
        let [a, b, c, d] = match words {
            [w, x, y, z] => [
                a ^ u64::from_le_bytes(*w),
                b ^ u64::from_le_bytes(*x),
                c ^ u64::from_le_bytes(*y),
                d ^ u64::from_le_bytes(*z),
            ],
            _ => [a, b, c, d],
        };
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
        self.block.iter_mut().skip(at).for_each(|byte| *byte = 0);
        self.absorb();
        self.block = [0; BLOCK];
        let length = (self.length as u64).to_le_bytes();
        self.block.iter_mut().zip(length).for_each(|(to, from)| *to = from);
        for _ in 0..4 {
            self.absorb();
        }
        let mut hash = [0; 32];
        let bytes = self.lanes.iter().flat_map(|lane| lane.to_le_bytes());
        hash.iter_mut().zip(bytes).for_each(|(to, from)| *to = from);
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
