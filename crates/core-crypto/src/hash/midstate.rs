//! SHA-256 up to the end of a tag, computed by the compiler: a tagged hash then costs two blocks less.
//!
//! Only the first two hashes of every tagged hash come from here, and a test compares each with sha2's.

/// The serialized form of a `Sha256` after one block: state, number of blocks, empty buffer (sha2's `SerializableState`).
pub(crate) const SERIALIZED: usize = 32 + 8 + 64;

const START: [u32; 8] =
    [0x6a09_e667, 0xbb67_ae85, 0x3c6e_f372, 0xa54f_f53a, 0x510e_527f, 0x9b05_688c, 0x1f83_d9ab, 0x5be0_cd19];

const ROUNDS: [u32; 64] = [
    0x428a_2f98,
    0x7137_4491,
    0xb5c0_fbcf,
    0xe9b5_dba5,
    0x3956_c25b,
    0x59f1_11f1,
    0x923f_82a4,
    0xab1c_5ed5,
    0xd807_aa98,
    0x1283_5b01,
    0x2431_85be,
    0x550c_7dc3,
    0x72be_5d74,
    0x80de_b1fe,
    0x9bdc_06a7,
    0xc19b_f174,
    0xe49b_69c1,
    0xefbe_4786,
    0x0fc1_9dc6,
    0x240c_a1cc,
    0x2de9_2c6f,
    0x4a74_84aa,
    0x5cb0_a9dc,
    0x76f9_88da,
    0x983e_5152,
    0xa831_c66d,
    0xb003_27c8,
    0xbf59_7fc7,
    0xc6e0_0bf3,
    0xd5a7_9147,
    0x06ca_6351,
    0x1429_2967,
    0x27b7_0a85,
    0x2e1b_2138,
    0x4d2c_6dfc,
    0x5338_0d13,
    0x650a_7354,
    0x766a_0abb,
    0x81c2_c92e,
    0x9272_2c85,
    0xa2bf_e8a1,
    0xa81a_664b,
    0xc24b_8b70,
    0xc76c_51a3,
    0xd192_e819,
    0xd699_0624,
    0xf40e_3585,
    0x106a_a070,
    0x19a4_c116,
    0x1e37_6c08,
    0x2748_774c,
    0x34b0_bcb5,
    0x391c_0cb3,
    0x4ed8_aa4a,
    0x5b9c_ca4f,
    0x682e_6ff3,
    0x748f_82ee,
    0x78a5_636f,
    0x84c8_7814,
    0x8cc7_0208,
    0x90be_fffa,
    0xa450_6ceb,
    0xbef9_a3f7,
    0xc671_78f2,
];

/// The serialized state after `SHA-256(tag) | SHA-256(tag)`, which is one block.
#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, where a wrong index does not compile")]
pub(crate) const fn after_tag(tag: &[u8]) -> [u8; SERIALIZED] {
    let digest = short_digest(tag);
    let mut block = [0; 64];
    let mut at = 0;
    while at < 64 {
        block[at] = digest[at % 32];
        at += 1;
    }
    let state = compress(START, &block);
    let mut serialized = [0; SERIALIZED];
    let mut at = 0;
    while at < 32 {
        serialized[at] = state[at / 4].to_le_bytes()[at % 4];
        at += 1;
    }
    serialized[32] = 1;
    serialized
}

/// SHA-256 of what fits into one block with its padding: 55 bytes.
#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, where a wrong index does not compile")]
const fn short_digest(message: &[u8]) -> [u8; 32] {
    assert!(message.len() <= 55, "a tag is at most 55 bytes long");
    let mut block = [0; 64];
    let mut at = 0;
    while at < message.len() {
        block[at] = message[at];
        at += 1;
    }
    block[at] = 0x80;
    let bits = (message.len() as u64 * 8).to_be_bytes();
    block[62] = bits[6];
    block[63] = bits[7];
    let state = compress(START, &block);
    let mut digest = [0; 32];
    let mut at = 0;
    while at < 32 {
        digest[at] = state[at / 4].to_be_bytes()[at % 4];
        at += 1;
    }
    digest
}

/// The compression function (FIPS 180-4, 6.2.2).
#[expect(clippy::indexing_slicing, reason = "evaluated by the compiler, where a wrong index does not compile")]
const fn compress(state: [u32; 8], block: &[u8; 64]) -> [u32; 8] {
    let mut w = [0u32; 64];
    let mut t = 0;
    while t < 64 {
        w[t] = if t < 16 {
            u32::from_be_bytes([block[4 * t], block[4 * t + 1], block[4 * t + 2], block[4 * t + 3]])
        } else {
            let (early, late) = (w[t - 15], w[t - 2]);
            let s0 = early.rotate_right(7) ^ early.rotate_right(18) ^ (early >> 3);
            let s1 = late.rotate_right(17) ^ late.rotate_right(19) ^ (late >> 10);
            w[t - 16].wrapping_add(s0).wrapping_add(w[t - 7]).wrapping_add(s1)
        };
        t += 1;
    }
    let [mut a, mut b, mut c, mut d, mut e, mut f, mut g, mut h] = state;
    let mut t = 0;
    while t < 64 {
        let s1 = e.rotate_right(6) ^ e.rotate_right(11) ^ e.rotate_right(25);
        let choice = (e & f) ^ (!e & g);
        let t1 = h.wrapping_add(s1).wrapping_add(choice).wrapping_add(ROUNDS[t]).wrapping_add(w[t]);
        let s0 = a.rotate_right(2) ^ a.rotate_right(13) ^ a.rotate_right(22);
        let t2 = s0.wrapping_add((a & b) ^ (a & c) ^ (b & c));
        (h, g, f, e, d, c, b, a) = (g, f, e, d.wrapping_add(t1), c, b, a, t1.wrapping_add(t2));
        t += 1;
    }
    let mut out = state;
    let worked = [a, b, c, d, e, f, g, h];
    let mut at = 0;
    while at < 8 {
        out[at] = out[at].wrapping_add(worked[at]);
        at += 1;
    }
    out
}
