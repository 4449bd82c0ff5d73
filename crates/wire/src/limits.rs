//! Every bound of the format, with its reason. Sizes are bytes unless the name says otherwise.
//!
//! These are part of the format: two nodes with different bounds would disagree about the validity of a message
//! (`docs/protocol.md` §3). The rates, budgets and memory sizes that a node may choose for itself are in
//! [`crate::validate::ValidatorLimits`].

use core::time::Duration;

/// The version of the format: the first byte of a frame.
pub const VERSION: u8 = 1;
/// The version of a SigningRequest whose signers derive their keys before these are aggregated. All other messages are of version 1. A
/// node that knows version 1 alone ignores such a request, and blames nobody.
pub const VERSION_MEMBERS: u8 = 2;

/// A network's name: it is hashed everywhere and typed by people.
pub const NETWORK_ID: usize = 32;
/// A peer id: libp2p's ed25519 ids have 38 bytes, its largest multihash 42; 64 leaves room for a longer hash.
pub const PEER_ID: usize = 64;

/// Fewest signers: with one there is nothing to coordinate.
pub const SIGNERS_MIN: usize = 2;
/// Most signers: round messages grow with the square of their number. Nodes accept 15 unless told otherwise.
pub const SIGNERS_MAX: usize = 100;
/// Most items that one request signs at once: a transaction with 64 inputs.
pub const ITEMS_MAX: usize = 64;
/// Longest message of an item.
pub const ITEM_MESSAGE: usize = 16 * 1024;
/// Deepest derivation path of an item (BIP-328 leaves the depth open; wallets use 2).
pub const PATH_MAX: usize = 8;
/// Longest transaction carried for display with a request.
pub const TRANSACTION: usize = 32 * 1024;
/// Longest description of a request: a screenful.
pub const REQUEST_DESCRIPTION: usize = 1024;

/// Most addresses of an advertisement: two transports, two address families, a relay and some spare.
pub const ADDRESSES_MAX: usize = 8;
/// Longest binary multiaddr: a relayed address with two peer ids fits.
pub const ADDRESS: usize = 128;
/// Most addresses in a link: the more there are, the harder is the code to scan.
pub const LINK_ADDRESSES_MAX: usize = 4;
/// Most transaction types that a signer can name.
pub const TRANSACTION_TYPES_MAX: usize = 16;
/// Longest name of a transaction type.
pub const TRANSACTION_TYPE: usize = 32;
/// Longest nickname.
pub const NICKNAME: usize = 64;
/// Longest description of a signer.
pub const SIGNER_DESCRIPTION: usize = 256;
/// Longest reason given for a withdrawal, a refusal or an abort.
pub const REASON: usize = 256;
/// Longest type of a resource: the name of an application.
pub const RESOURCE_TYPE: usize = 32;
/// Longest id of a resource: 32 bytes in hex.
pub const RESOURCE_ID: usize = 64;
/// Most data of a resource: longer data lies elsewhere, and the resource names the place.
pub const RESOURCE_DATA: usize = 4 * 1024;
/// Longest name of an application.
pub const APPLICATION: usize = 32;
/// Most data of an application's message: a small PSBT, or the place of something larger.
pub const APPLICATION_DATA: usize = 4 * 1024;
/// Longest evidence inside an abort: the largest request, one item's nonces of 100 signers, and three envelopes.
pub const EVIDENCE: usize = 62 * 1024;
/// Most frames in one SyncResponse: all joins, commitments, nonces and partial signatures of 100 signers, and the
/// request, the readiness and the outcome.
pub const SYNC_FRAMES_MAX: usize = 4 * SIGNERS_MAX + 3;

/// A frame without its body: version, kind, sender, sequence, timestamp, length of the body, signature.
pub const FRAME_OVERHEAD: usize = 1 + 1 + 33 + 8 + 8 + 4 + 64;
/// Largest SignerAdvertisement.
pub const FRAME_SIGNER_ADVERTISEMENT: usize = 10 * 1024;
/// Largest SigningRequest.
pub const FRAME_SIGNING_REQUEST: usize = 50 * 1024;
/// Largest message of a kind that carries only fixed fields and a short text.
pub const FRAME_SMALL: usize = 1024;
/// Largest SessionReady: 100 joins of at most 392 bytes.
pub const FRAME_SESSION_READY: usize = 40 * 1024;
/// Largest NonceShare: 66 bytes an item.
pub const FRAME_NONCE_SHARE: usize = 1024 + 66 * ITEMS_MAX;
/// Largest PartialSigShare: 32 bytes an item.
pub const FRAME_PARTIAL_SIG_SHARE: usize = 512 + 32 * ITEMS_MAX;
/// Largest SignatureFinalized: 64 bytes an item.
pub const FRAME_SIGNATURE_FINALIZED: usize = 512 + 64 * ITEMS_MAX;
/// Largest SessionAbort: the largest evidence fits.
pub const FRAME_SESSION_ABORT: usize = 64 * 1024;
/// Largest SyncResponse.
pub const FRAME_SYNC_RESPONSE: usize = 256 * 1024;
/// Largest ResourceAnnouncement: a bag of the DHT holds several.
pub const FRAME_RESOURCE_ANNOUNCEMENT: usize = 6 * 1024;
/// Largest ApplicationMessage.
pub const FRAME_APPLICATION_MESSAGE: usize = 5 * 1024;
/// Largest frame of all: the memory that a transport may allocate for one message before it knows its kind.
pub const FRAME_MAX: usize = FRAME_SYNC_RESPONSE;

/// Longest validity of a delegation: a stolen message key is worth a day.
pub const DELEGATION_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// Longest life of an advertisement.
pub const ADVERTISEMENT_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// Longest life of a resource, unless it is announced anew.
pub const RESOURCE_LIFETIME: Duration = Duration::from_secs(24 * 60 * 60);
/// Longest life of a request, and of the session that it becomes.
pub const REQUEST_LIFETIME: Duration = Duration::from_secs(2 * 60 * 60);
/// Largest difference between an announcement's timestamp and our clock, either way.
pub const CLOCK_SKEW: Duration = Duration::from_secs(5 * 60);
/// Length of a proof-of-work epoch: a stamp of one epoch cannot be stocked for a later one.
pub const WORK_EPOCH: Duration = Duration::from_secs(10 * 60);
/// Advertisements of one signer that are taken at once; on average it is one a minute. A node that is started anew says where it is now, and may be started
/// twice.
pub const ADVERTISEMENTS_AT_ONCE: u32 = 3;
/// Keys that one peer may serve (`docs/protocol.md` §1).
pub const KEYS_PER_PEER: u32 = 10;
