//! Every bound of the crate, with its reason.

/// Most entries of a keystore: a person has some keys, and a service one for each group.
pub const ENTRIES: usize = 256;
/// Most bytes of a name: as many as of a signer's nickname.
pub const NAME_BYTES: usize = 64;
/// Most bytes of a secret, its lengths included. The longest that is known is a seed of 24 words with its passphrase.
pub const SECRET_BYTES: usize = 1024;
/// Most bytes of the words of a seed: 24 words of eight letters, with spaces between them.
pub const WORDS_BYTES: usize = 24 * 9 - 1;
/// Most bytes of a passphrase, of a keystore or of a seed: longer than any sentence that a person types.
pub const PASSPHRASE_BYTES: usize = 512;
/// Most bytes of an encrypted file: a header, as many of the longest entries as there may be, and a tag.
pub const FILE_BYTES: usize = HEADER_BYTES + 2 + ENTRIES * (1 + 8 + 1 + NAME_BYTES + 2 + SECRET_BYTES) + TAG_BYTES;
/// Most bytes of the content of a backup: a keystore, a hundred groups, contacts, proofs and results.
pub const BACKUP_BYTES: usize = 32 * 1024 * 1024;
/// Bytes of the header, which is first.
pub const HEADER_BYTES: usize = 61;
/// Bytes of the tag of Poly1305, which is last.
pub const TAG_BYTES: usize = 16;

/// Least memory of argon2id, in KiB: with [`PASSES_LEAST`] the weakest that OWASP recommends (19 MiB, two passes).
pub const MEMORY_LEAST: u32 = 19 * 1024;
/// Most memory of argon2id, in KiB: a file of a stranger costs no more than half a gigabyte.
pub const MEMORY_MOST: u32 = 512 * 1024;
/// Fewest passes of argon2id.
pub const PASSES_LEAST: u32 = 2;
/// Most passes of argon2id: with the most memory they take some seconds.
pub const PASSES_MOST: u32 = 16;
/// Most lanes of argon2id. They are computed one after the other.
pub const LANES_MOST: u32 = 4;
