//! Members of groups, with keys of their own.

use bitcoin::bip32::{ChildNumber, Xpriv, Xpub};
use bitcoin::secp256k1::Secp256k1;
use bitcoin::{Network, NetworkKind};
use motet_core_crypto::SecretKey;
use motet_wallet::RegisteredGroup;

/// A member with an account key `m/87h/1h/0h`.
pub(crate) struct Person {
    pub(crate) secret: SecretKey,
    pub(crate) text: String,
}

impl Person {
    pub(crate) fn new(number: u8) -> Self {
        let secp = Secp256k1::new();
        let root = Xpriv::new_master(NetworkKind::Test, &[number; 32]).unwrap();
        let path = [87, 1, 0].map(|step| ChildNumber::from_hardened_idx(step).unwrap());
        let account = root.derive_priv(&secp, &path).unwrap();
        let text = format!("[{}/87h/1h/0h]{}", root.fingerprint(&secp), Xpub::from_priv(&secp, &account));
        Self { secret: SecretKey::from_bytes(&account.private_key.secret_bytes()).unwrap(), text }
    }
}

pub(crate) fn people(count: u8) -> Vec<Person> {
    (1..=count).map(Person::new).collect()
}

/// The text of a descriptor in which `{0}`, `{1}`, .. are the keys of people.
pub(crate) fn descriptor(text: &str, people: &[Person]) -> String {
    (0..).zip(people).fold(text.to_owned(), |text, (number, person): (usize, _)| {
        text.replace(&format!("{{{number}}}"), &person.text)
    })
}

/// A registered group on signet, not confirmed.
pub(crate) fn registered(name: &str, text: &str, people: &[Person]) -> RegisteredGroup {
    RegisteredGroup::new(name, Network::Signet, descriptor(text, people).parse().unwrap()).unwrap()
}
