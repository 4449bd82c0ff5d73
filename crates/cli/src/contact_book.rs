//! The contacts of a signer's user: names for signers, and their places, in a file of the data folder.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use motet_core_crypto::PublicKey;
use motet_net::{Multiaddr, parse_address};
use motet_node::Route;
use motet_wire::{Contact, Link, NetworkId};
use serde::{Deserialize, Serialize};

use crate::args::{Named, NamedNode};
use crate::exit::Failed;
use crate::files;
use crate::text::printable;

/// The file with the contacts.
const FILE: &str = "contacts.json";
/// Most contacts that a file has.
const MOST: usize = 1000;
/// Fewest digits of a key that stand for the contact with it: no word is taken for the beginning of a key by chance.
const BEGINNING: usize = 8;
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
        let signer = self.find(named)?.contact.signer;
        let place = self.0.iter().position(|entry| entry.contact.signer == signer)?;
        Some(self.0.remove(place))
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        &self.0
    }

    /// The contact with this name or key, or the only one whose key begins like this.
    pub(crate) fn find(&self, named: &Named) -> Option<&Entry> {
        let exact = self.0.iter().find(|entry| named.is(&entry.contact.signer, &entry.name));
        exact.or_else(|| {
            let Named::Nickname(text) = named else { return None };
            let beginning = text.to_lowercase();
            let is_long_enough = beginning.len() >= BEGINNING && beginning.bytes().all(|byte| byte.is_ascii_hexdigit());
            let begins = |entry: &&Entry| is_long_enough && entry.contact.signer.to_string().starts_with(&beginning);
            let mut matching = self.0.iter().filter(begins);
            matching.next().filter(|_| matching.next().is_none())
        })
    }

    /// The addresses of the nodes that `--peer` names, on this network.
    pub(crate) fn addresses(&self, nodes: &[NamedNode], network: &NetworkId) -> Result<Vec<Multiaddr>, Failed> {
        let mut addresses = Vec::new();
        for node in nodes {
            match node {
                NamedNode::Address(named) => addresses.push(named.address.clone()),
                NamedNode::Contact(named) => addresses.extend(self.places(named, network)?),
            }
        }
        Ok(addresses)
    }

    /// The addresses of a contact's node.
    fn places(&self, named: &Named, network: &NetworkId) -> Result<Vec<Multiaddr>, Failed> {
        let form =
            "write a multiaddr such as /ip4/203.0.113.7/tcp/4001/p2p/PEER_ID, or a contact of `motet contact list`";
        let name = printable(&named.to_string());
        let wrong = |what: &str| Failed::usage(format!("--peer: {name} {what}")).hint(form);
        let entry =
            self.find(named).ok_or_else(|| wrong("is not a multiaddr, and no contact here has this name or key"))?;
        if entry.contact.network != *network {
            return Err(wrong(&format!("is a contact on the network {}, and not on {network}", entry.contact.network)));
        }
        let known: Vec<Multiaddr> =
            entry.addresses().iter().filter_map(|address| parse_address(address).ok()).collect();
        if known.is_empty() { Err(wrong("is a contact without an address")) } else { Ok(known) }
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
        let beginning = |digits: usize| Named::Nickname(key.to_string()[..digits].to_owned());
        assert_eq!(again.resolve(&beginning(8)), Named::Key(key));
        assert_eq!(again.resolve(&beginning(7)), beginning(7));
        for wrong in ["", "{}", "[]", "{\"contacts\": [{\"name\": \"x\", \"link\": \"motet:mcontact1qq\"}]}"] {
            assert!(ContactBook::parse(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_contact_stands_for_the_node_at_its_addresses() {
        let id = "12D3KooWSahP5pFRCEfaziPEba7urXGeif6T1y8jmodzdFUvzBHj";
        let mut bob = entry("bob", 7);
        bob.contact.peer = Some(id.parse().unwrap());
        bob.contact.addresses = ["/ip4/192.0.2.1/tcp/1", "/ip4/192.0.2.1/udp/1/quic-v1"]
            .map(|address| motet_net::address_to_wire(address).unwrap())
            .to_vec();
        let key = bob.contact.signer;
        let mut book = ContactBook::default();
        book.insert(bob).unwrap();
        book.insert(entry("carol", 8)).unwrap();
        let addresses = |named: Named, network: &NetworkId| book.addresses(&[NamedNode::Contact(named)], network);
        let expected = [format!("/ip4/192.0.2.1/tcp/1/p2p/{id}"), format!("/ip4/192.0.2.1/udp/1/quic-v1/p2p/{id}")];
        for named in [Named::Nickname("bob".to_owned()), Named::Key(key)] {
            let found = addresses(named, &NetworkId::test()).unwrap();
            assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), expected);
        }
        let elsewhere = NetworkId::new("elsewhere").unwrap();
        for (name, network, words) in [
            ("bob", &elsewhere, "and not on elsewhere"),
            ("carol", &NetworkId::test(), "without an address"),
            ("dave", &NetworkId::test(), "no contact here has this name"),
        ] {
            let failed = addresses(Named::Nickname(name.to_owned()), network).unwrap_err();
            assert!(failed.what.contains(words), "{}", failed.what);
        }
    }
}
