//! The contacts of a signer's user: names for signers, and their places, in a file of the data folder.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use motet_core_crypto::PublicKey;
use motet_node::Route;
use motet_wire::{Contact, Link, NetworkId};
use serde::{Deserialize, Serialize};

use crate::args::Named;
use crate::exit::Failed;
use crate::files;

/// The file with the contacts.
const FILE: &str = "contacts.json";
/// Most contacts that a file has.
const MOST: usize = 1000;
/// Most bytes of the file: a contact has a name and a link, 1 KB together.
const FILE_BYTES: u64 = 2 * 1024 * 1024;

/// The contacts of one data folder.
#[derive(Debug, Default)]
pub(crate) struct ContactBook(Vec<Entry>);

/// A contact, under the name that its user has given it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) name: String,
    pub(crate) contact: Contact,
    /// True if that signer has this one as a contact, too. Requests to such contacts alone have no proof of work, and a signer that does not
    /// have the requester as a contact drops them.
    pub(crate) is_mutual: bool,
}

/// The form of the file.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    contacts: Vec<StoredEntry>,
}

#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredEntry {
    name: String,
    link: String,
    #[serde(default)]
    mutual: bool,
}

impl ContactBook {
    /// Reads the contacts of a data folder; none if it has no file of them.
    pub(crate) fn read(folder: &Path) -> Result<Self, Failed> {
        let path = folder.join(FILE);
        if path.symlink_metadata().is_err_and(|error| error.kind() == ErrorKind::NotFound) {
            return Ok(Self::default());
        }
        let wrong = |what: &str| {
            Failed::here(format!("{}: {what}", path.display())).hint("restore the file from a copy, or move it away")
        };
        let bytes = files::read_up_to(&path, FILE_BYTES).map_err(|error| wrong(&error.to_string()))?;
        let bytes = bytes.ok_or_else(|| wrong("it is too long to be a list of contacts"))?;
        Self::parse(&bytes).map_err(|what| wrong(&what))
    }

    /// The contacts in the bytes of such a file.
    pub(crate) fn parse(bytes: &[u8]) -> Result<Self, String> {
        let stored: Stored = serde_json::from_slice(bytes).map_err(|error| error.to_string())?;
        let mut book = Self::default();
        for StoredEntry { name, link, mutual } in stored.contacts {
            let contact = match link.parse() {
                Ok(Link::Contact(contact)) => contact,
                Ok(Link::Request(_)) => return Err(format!("the link of {name} is one of a request")),
                Err(error) => return Err(format!("the link of {name}: {error}")),
            };
            book.insert(Entry { name, contact, is_mutual: mutual })?;
        }
        Ok(book)
    }

    /// Changes the contacts of a data folder, with no other process in between.
    pub(crate) fn change<T>(folder: &Path, change: impl FnOnce(&mut Self) -> Result<T, Failed>) -> Result<T, Failed> {
        let unwritten = |error: &dyn core::fmt::Display| {
            Failed::here(format!("cannot write {}: {error}", folder.join(FILE).display()))
                .hint("nothing was changed; choose a folder that this user can write to: --data DIR")
        };
        // The file gets another inode at each write, so the folder has the lock.
        let lock = File::open(folder).map_err(|error| unwritten(&error))?;
        lock.lock().map_err(|error| unwritten(&error))?;
        let mut book = Self::read(folder)?;
        let changed = change(&mut book)?;
        let bytes = book.to_bytes().map_err(|error| unwritten(&error))?;
        files::replace(&folder.join(FILE), &bytes).map_err(|error| unwritten(&error))?;
        Ok(changed)
    }

    fn to_bytes(&self) -> Result<Vec<u8>, String> {
        let entry = |entry: &Entry| {
            let link = Link::Contact(entry.contact.clone()).to_uri().map_err(|error| error.to_string())?;
            Ok(StoredEntry { name: entry.name.clone(), link, mutual: entry.is_mutual })
        };
        let stored = Stored { contacts: self.0.iter().map(entry).collect::<Result<_, String>>()? };
        let mut bytes = serde_json::to_vec_pretty(&stored).map_err(|error| error.to_string())?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Adds a contact. Neither its name nor its key may be there already.
    pub(crate) fn insert(&mut self, entry: Entry) -> Result<(), String> {
        if let Some(known) = self.0.iter().find(|known| known.name == entry.name) {
            return Err(format!("{} is the name of {} already", known.name, known.contact.signer));
        }
        if let Some(known) = self.0.iter().find(|known| known.contact.signer == entry.contact.signer) {
            return Err(format!("{} is a contact already, under the name {}", known.contact.signer, known.name));
        }
        if self.0.len() >= MOST {
            return Err(format!("there are {MOST} contacts already"));
        }
        self.0.push(entry);
        Ok(())
    }

    /// Removes the contact with this name or key.
    pub(crate) fn remove(&mut self, named: &Named) -> Option<Entry> {
        let place = self.0.iter().position(|entry| named.is(&entry.contact.signer, &entry.name))?;
        Some(self.0.remove(place))
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.0
    }

    /// The contact with this name or key.
    pub(crate) fn find(&self, named: &Named) -> Option<&Entry> {
        self.0.iter().find(|entry| named.is(&entry.contact.signer, &entry.name))
    }

    /// A signer as the user names it: the name of a contact stands for its key.
    pub(crate) fn resolve(&self, named: &Named) -> Named {
        self.find(named).map_or_else(|| named.clone(), |entry| Named::Key(entry.contact.signer))
    }

    /// The contacts on a network.
    pub(crate) fn on(&self, network: &NetworkId) -> impl Iterator<Item = &Entry> {
        self.0.iter().filter(move |entry| entry.contact.network == *network)
    }
}

impl Entry {
    /// The place of the contact, as far as its link says one.
    pub(crate) fn route(&self) -> Option<(PublicKey, Route)> {
        let Contact { signer, peer, addresses, .. } = &self.contact;
        let peer = peer.filter(|_| !addresses.is_empty())?;
        Some((*signer, Route { peer, addresses: addresses.clone() }))
    }

    /// The addresses of the contact's node, each with its peer id at the end.
    pub(crate) fn addresses(&self) -> Vec<String> {
        let Some(peer) = &self.contact.peer else { return Vec::new() };
        let known = self.contact.addresses.iter().filter_map(motet_net::address_from_wire);
        known.map(|address| format!("{address}/p2p/{peer}")).collect()
    }
}

/// The file with the contacts of a data folder.
pub(crate) fn path(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

#[cfg(test)]
mod tests {
    use motet_core_crypto::SecretKey;

    use super::*;

    fn entry(name: &str, key: u8) -> Entry {
        let signer = SecretKey::from_bytes(&[key; 32]).unwrap().public_key();
        let contact =
            Contact { network: NetworkId::test(), signer, peer: None, addresses: Vec::new(), name: "own".to_owned() };
        Entry { name: name.to_owned(), contact, is_mutual: key == 7 }
    }

    #[test]
    fn contacts_read_back_as_they_were_and_have_one_name_each() {
        let mut book = ContactBook::default();
        book.insert(entry("bob", 7)).unwrap();
        assert!(book.insert(entry("bob", 8)).unwrap_err().contains("is the name of"));
        assert!(book.insert(entry("bobby", 7)).unwrap_err().contains("under the name bob"));
        let again = ContactBook::parse(&book.to_bytes().unwrap()).unwrap();
        assert_eq!(again.entries(), [entry("bob", 7)]);
        let key = entry("bob", 7).contact.signer;
        assert_eq!(again.resolve(&Named::Nickname("bob".to_owned())), Named::Key(key));
        let other = Named::Nickname("carol".to_owned());
        assert_eq!(again.resolve(&other), other);
        for wrong in ["", "{}", "[]", "{\"contacts\": [{\"name\": \"x\", \"link\": \"motet:mcontact1qq\"}]}"] {
            assert!(ContactBook::parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }
}
