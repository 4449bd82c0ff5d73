//! The content of a backup: files by their place, proofs and signatures.
//!
//! It has no nonce, no session, no partial signature and no identity in the network, and that keeps a restored signer harmless. A
//! restored signer begins as a new node with the old key, whose first nonces are fresh; so no backup, however old, can make it use one twice.

use motet_node::event::Completed;
use serde::{Deserialize, Serialize};
use zeroize::{Zeroize as _, Zeroizing};

use crate::exit::{Exit, Failed};

/// The version of the form.
const VERSION: u32 = 1;

/// The place of a saved file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Place {
    /// The encrypted keystore.
    Keystore,
    /// A key file that is not encrypted by itself.
    KeyFile,
    /// A registered group.
    Group,
    /// The configuration.
    Config,
    /// A file of rules.
    Rules,
    /// The contacts in the data folder.
    Contacts,
}

/// A file, by its place and name. Its content is overwritten when dropped.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Saved {
    pub(crate) place: Place,
    /// The name of the file without folders.
    pub(crate) name: String,
    #[serde(with = "hex::serde")]
    pub(crate) content: Vec<u8>,
}

impl Drop for Saved {
    fn drop(&mut self) {
        self.content.zeroize();
    }
}

/// All that is saved.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Backup {
    version: u32,
    /// The signer's key, as `--key` names it: the name of an entry or of a file.
    pub(crate) key: String,
    pub(crate) files: Vec<Saved>,
    /// Proofs of misbehaviour, as hexadecimal digits.
    pub(crate) proofs: Vec<String>,
    /// Signatures that had not been noted.
    pub(crate) results: Vec<Completed>,
}

impl Backup {
    pub(crate) const fn new(key: String, files: Vec<Saved>, proofs: Vec<String>, results: Vec<Completed>) -> Self {
        Self { version: VERSION, key, files, proofs, results }
    }

    pub(crate) fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, Failed> {
        serde_json::to_vec(self).map(Zeroizing::new).map_err(Failed::here)
    }

    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, Failed> {
        #[derive(Deserialize)]
        struct Version {
            version: u32,
        }
        let wrong =
            |error: &dyn core::fmt::Display| Failed::new(Exit::Refused, format!("this backup is damaged: {error}"));
        let Version { version } = serde_json::from_slice(bytes).map_err(|error| wrong(&error))?;
        if version != VERSION {
            let failed = Failed::new(
                Exit::Refused,
                format!("this backup has the form {version}, and this version reads {VERSION}"),
            );
            return Err(failed.hint("restore it with the version that made it, or a newer one"));
        }
        let backup: Self = serde_json::from_slice(bytes).map_err(|error| wrong(&error))?;
        for name in backup.files.iter().map(|saved| &saved.name).chain([&backup.key]) {
            if name.is_empty() || name.starts_with('.') || name.contains(['/', '\0']) {
                return Err(wrong(&format!("{name:?} is no name of a file")));
            }
        }
        Ok(backup)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_lead_elsewhere_and_other_forms_are_refused() {
        let saved = |name: &str| {
            let saved = Saved { place: Place::Group, name: name.to_owned(), content: vec![7] };
            Backup::new("alice".to_owned(), vec![saved], Vec::new(), Vec::new())
        };
        let again = Backup::parse(&saved("treasury.group").to_bytes().unwrap()).unwrap();
        assert_eq!((again.files[0].place, again.files[0].content.as_slice()), (Place::Group, &[7][..]));
        for name in ["", "..", "../x", "/etc/passwd", "a/b", ".ssh"] {
            assert_eq!(Backup::parse(&saved(name).to_bytes().unwrap()).err().unwrap().exit, Exit::Refused, "{name}");
        }
        let later = String::from_utf8(saved("x").to_bytes().unwrap().to_vec())
            .unwrap()
            .replace("\"version\":1", "\"version\":2");
        assert!(Backup::parse(later.as_bytes()).err().unwrap().what.contains("form 2"));
    }
}
