//! Signers by name, for people.

use std::collections::BTreeMap;

use motet_core_crypto::PublicKey;
use motet_node::event::AbortCause;

use crate::text::{self, printable};

/// The names of signers that a command has learned so far.
#[derive(Debug, Default)]
pub(crate) struct Names(BTreeMap<PublicKey, String>);

impl Names {
    /// Learns the nickname of a signer.
    pub(crate) fn learn(&mut self, signer: PublicKey, name: &str) {
        if !name.is_empty() {
            self.0.insert(signer, name.to_owned());
        }
    }

    /// A signer for people: its nickname and the beginning of its key.
    pub(crate) fn name(&self, signer: &PublicKey) -> String {
        let key = signer.to_string();
        let short = key.get(..12).unwrap_or(&key);
        self.0.get(signer).map_or_else(|| format!("{short}…"), |name| format!("{} ({short}…)", text::nickname(name)))
    }

    /// Several signers for people, with commas between them.
    pub(crate) fn list(&self, signers: &[PublicKey]) -> String {
        signers.iter().map(|signer| self.name(signer)).collect::<Vec<_>>().join(", ")
    }

    /// The reason of a session's end, the signer at fault, and the next step.
    pub(crate) fn cause(&self, cause: &AbortCause) -> String {
        cause.explain(|signer| self.name(signer), printable)
    }
}
