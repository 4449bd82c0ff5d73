//! Secrets in every form in which they might come to light, and the search for them.

use std::collections::BTreeMap;

/// One form of one secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Found {
    /// Which secret.
    pub(crate) name: String,
    /// In which form.
    pub(crate) form: &'static str,
}

/// Forms by their first four bytes: a haystack is read once, however many there are.
#[derive(Default)]
pub(crate) struct Needles {
    forms: BTreeMap<[u8; 4], Vec<(Vec<u8>, Found)>>,
    first: Vec<bool>,
}

impl Needles {
    /// Adds a secret of 32 bytes: forwards and backwards, whole and in halves.
    pub(crate) fn add(&mut self, name: &str, secret: &[u8]) {
        assert_eq!(secret.len(), 32);
        let backwards: Vec<u8> = secret.iter().rev().copied().collect();
        for (bytes, reversed) in [(secret, false), (&backwards, true)] {
            let name = if reversed { format!("{name}, reversed") } else { name.to_owned() };
            self.insert(&name, "base58", base58(bytes).into_bytes());
            for limb in bytes.as_chunks::<8>().0 {
                self.insert(&name, "a limb, decimal", u64::from_be_bytes(*limb).to_string().into_bytes());
            }
            for half in bytes.chunks(16) {
                self.insert(&name, "raw", half.to_vec());
                let lower: String = half.iter().map(|byte| format!("{byte:02x}")).collect();
                self.insert(&name, "upper-case hex", lower.to_uppercase().into_bytes());
                self.insert(&name, "lower-case hex", lower.into_bytes());
                let list = format!("{half:?}");
                self.insert(&name, "list of decimals", list.as_bytes()[1..list.len() - 1].to_vec());
                let list = format!("{half:02x?}");
                self.insert(&name, "list of hex", list.as_bytes()[1..list.len() - 1].to_vec());
                let lines: Vec<String> = half.iter().map(|byte| format!("{byte},")).collect();
                self.insert(&name, "decimals, one a line", lines.join("\n    ").into_bytes());
                for before in 0..3 {
                    let text = base64_within(half, before);
                    let url = text.replace('+', "-").replace('/', "_");
                    self.insert(&name, "base64", text.into_bytes());
                    self.insert(&name, "base64url", url.into_bytes());
                }
            }
        }
    }

    fn insert(&mut self, name: &str, form: &'static str, bytes: Vec<u8>) {
        let key: [u8; 4] = bytes[..4].try_into().unwrap();
        self.first.resize(1 << 16, false);
        self.first[usize::from(u16::from_be_bytes([key[0], key[1]]))] = true;
        let forms = self.forms.entry(key).or_default();
        if forms.iter().all(|(known, _)| *known != bytes) {
            forms.push((bytes, Found { name: name.to_owned(), form }));
        }
    }

    /// What of it is in these bytes.
    pub(crate) fn search(&self, haystack: &[u8]) -> Vec<Found> {
        let mut found = Vec::new();
        for (position, start) in haystack.array_windows::<4>().enumerate() {
            if !self.first[usize::from(u16::from_be_bytes([start[0], start[1]]))] {
                continue;
            }
            for (form, what) in self.forms.get(start).into_iter().flatten() {
                if haystack[position..].starts_with(form) && !found.contains(what) {
                    found.push(what.clone());
                }
            }
        }
        found
    }
}

fn base58(bytes: &[u8]) -> String {
    const DIGITS: &[u8] = b"123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
    let mut digits: Vec<u32> = Vec::new();
    for byte in bytes {
        let mut carry = u32::from(*byte);
        for digit in &mut digits {
            carry += *digit << 8;
            *digit = carry % 58;
            carry /= 58;
        }
        while carry > 0 {
            digits.push(carry % 58);
            carry /= 58;
        }
    }
    let zeros = bytes.iter().take_while(|byte| **byte == 0).map(|_| '1');
    zeros.chain(digits.iter().rev().map(|digit| char::from(DIGITS[*digit as usize]))).collect()
}

/// The characters of base64 that these bytes alone decide, when so many bytes stand before them.
fn base64_within(bytes: &[u8], before: usize) -> String {
    const DIGITS: &[u8] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let bits: Vec<u8> = bytes.iter().flat_map(|byte| (0..8).rev().map(move |bit| byte >> bit & 1)).collect();
    let skipped = (6 - before * 8 % 6) % 6;
    let sextets = bits[skipped..].as_chunks::<6>().0.iter();
    sextets.map(|bits| char::from(DIGITS[bits.iter().fold(0, |sum, bit| sum << 1 | usize::from(*bit))])).collect()
}

/// Each form of a secret is found in the middle of other bytes, so that not finding one means something.
#[test]
fn every_form_is_found() {
    let secret: Vec<u8> = (0..32u8).map(|byte| byte.wrapping_mul(37).wrapping_add(201)).collect();
    let mut needles = Needles::default();
    needles.add("planted", &secret);
    let hex: String = secret.iter().map(|byte| format!("{byte:02x}")).collect();
    let reversed: Vec<u8> = secret.iter().rev().copied().collect();
    let limbs: Vec<u64> = reversed.as_chunks::<8>().0.iter().map(|limb| u64::from_be_bytes(*limb)).collect();
    let planted: [(&str, Vec<u8>); 9] = [
        ("raw", secret.clone()),
        ("lower-case hex", hex.clone().into_bytes()),
        ("upper-case hex", hex.to_uppercase().into_bytes()),
        ("list of decimals", format!("{secret:?}").into_bytes()),
        ("list of hex", format!("{secret:02x?}").into_bytes()),
        ("decimals, one a line", format!("{secret:#?}").into_bytes()),
        ("raw", reversed.clone()),
        ("list of decimals", format!("{reversed:?}").into_bytes()),
        ("a limb, decimal", format!("Scalar({limbs:?})").into_bytes()),
    ];
    for (form, bytes) in planted {
        let haystack = [b"something before ".as_slice(), &bytes, b" and after"].concat();
        assert!(needles.search(&haystack).iter().any(|found| found.form == form), "{form}");
    }
    // Of what others have encoded: `printf ... | base64`, and base58 of the 32 bytes.
    let mut known = Needles::default();
    known.add("known", b"0123456789abcdefghijklmnopqrstuv");
    for text in [
        "MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3BxcnN0dXY=",
        "eDAxMjM0NTY3ODlhYmNkZWZnaGlqa2xtbm9wcXJzdHV2",
        "eHgwMTIzNDU2Nzg5YWJjZGVmZ2hpamtsbW5vcHFyc3R1dg==",
    ] {
        assert!(known.search(text.as_bytes()).iter().any(|found| found.form == "base64"), "{text}");
    }
    assert_eq!(base58(b"Hello World!"), "2NEpo7TZRRrLZSi2U");
    assert_eq!(base58(&[0, 0, 0x28, 0x7f, 0xb4, 0xcd]), "11233QC4");
    assert!(needles.search(&[0; 4096]).is_empty());
}
