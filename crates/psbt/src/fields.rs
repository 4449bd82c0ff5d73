//! Fields of a PSBT as values: each is read from the key data and the value of an entry, and written back to the same bytes.
//!
//! Only the fields that a Taproot signer needs have a type here: BIP-371 (Taproot) and BIP-373 (MuSig2). A type holds parsed
//! points and lengths, and says nothing about the transaction: whether a field is true is another question than whether it is well made.

mod musig;
mod origin;
mod sighash;
mod taproot;

pub use musig::{MusigPartialSig, MusigParticipants, MusigPubNonce, SigningKey};
pub use origin::{KeyOrigin, TapOrigin};
pub use sighash::{SighashError, SighashType};
pub use taproot::{LeafScript, TapScriptSig, TapSignature, TapTree, TreeLeaf};
