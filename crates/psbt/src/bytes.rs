//! Reading and writing of Bitcoin's serialization: fixed-width numbers, and compact sizes in their shortest form.

/// Bytes could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ReadError {
    /// Fewer bytes than announced.
    Truncated,
    /// A compact size that a shorter form could hold.
    NotCanonical,
}

/// Position in bytes that are read from the front.
#[derive(Debug, Clone)]
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    pub(crate) const fn rest(&self) -> &'a [u8] {
        self.rest
    }

    pub(crate) const fn is_empty(&self) -> bool {
        self.rest.is_empty()
    }

    pub(crate) fn take(&mut self, count: usize) -> Result<&'a [u8], ReadError> {
        let (taken, rest) = self.rest.split_at_checked(count).ok_or(ReadError::Truncated)?;
        self.rest = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], ReadError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(ReadError::Truncated)?;
        self.rest = rest;
        Ok(*taken)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, ReadError> {
        self.array().map(|[byte]| byte)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, ReadError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn compact_size(&mut self) -> Result<u64, ReadError> {
        let (size, least) = match self.u8()? {
            0xfd => (u64::from(u16::from_le_bytes(self.array()?)), 0xfd),
            0xfe => (u64::from(self.u32()?), 0x1_0000),
            0xff => (u64::from_le_bytes(self.array()?), 0x1_0000_0000),
            byte => (u64::from(byte), 0),
        };
        if size < least { Err(ReadError::NotCanonical) } else { Ok(size) }
    }

    /// Bytes with their compact size in front.
    pub(crate) fn sized(&mut self) -> Result<&'a [u8], ReadError> {
        let size = self.compact_size()?;
        self.take(usize::try_from(size).map_err(|_| ReadError::Truncated)?)
    }
}

/// Appends a compact size in its shortest form.
pub(crate) fn put_compact_size(out: &mut Vec<u8>, size: u64) {
    if let Ok(byte @ 0..0xfd) = u8::try_from(size) {
        out.push(byte);
    } else if let Ok(size) = u16::try_from(size) {
        out.push(0xfd);
        out.extend(size.to_le_bytes());
    } else if let Ok(size) = u32::try_from(size) {
        out.push(0xfe);
        out.extend(size.to_le_bytes());
    } else {
        out.push(0xff);
        out.extend(size.to_le_bytes());
    }
}

/// Appends bytes with their compact size in front.
pub(crate) fn put_sized(out: &mut Vec<u8>, bytes: &[u8]) {
    put_compact_size(out, bytes.len() as u64);
    out.extend(bytes);
}

/// Bytes as lower-case hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_compact_size_is_read_as_it_was_written() {
        for size in [0, 1, 0xfc, 0xfd, 0xffff, 0x1_0000, 0xffff_ffff, 0x1_0000_0000, u64::MAX] {
            let mut bytes = Vec::new();
            put_compact_size(&mut bytes, size);
            let mut reader = Reader::new(&bytes);
            assert_eq!(reader.compact_size(), Ok(size));
            assert!(reader.is_empty());
        }
    }

    #[test]
    fn a_compact_size_in_a_longer_form_than_needed_is_refused() {
        for bytes in [&b"\xfd\xfc\x00"[..], b"\xfe\xff\xff\x00\x00", b"\xff\xff\xff\xff\xff\x00\x00\x00\x00"] {
            assert_eq!(Reader::new(bytes).compact_size(), Err(ReadError::NotCanonical));
        }
    }
}
