//! Twelve words of a hash, of the English list of BIP-39.

/// The words of the first 132 bits, eleven bits each. There is no checksum, so they are seldom a valid seed of a wallet.
pub(super) fn words(hash: &[u8; 32]) -> [&'static str; 12] {
    let list = bip39::Language::English.word_list();
    std::array::from_fn(|word| {
        let number = (0..11).fold(0, |number, bit| {
            let place = word * 11 + bit;
            let byte = hash.get(place / 8).copied().unwrap_or_default();
            number << 1 | usize::from(byte >> (7 - place % 8) & 1)
        });
        list.get(number).copied().unwrap_or_default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_word_is_eleven_bits_of_the_hash() {
        let mut hash = [0; 32];
        assert_eq!(words(&hash), ["abandon"; 12]);
        // Bit 10 is the last of the first word, bit 11 the first of the second.
        hash[1] = 0b0011_0000;
        assert_eq!(words(&hash)[..3], ["ability", "length", "abandon"]);
        assert_eq!(words(&[0xff; 32]), ["zoo"; 12]);
    }
}
