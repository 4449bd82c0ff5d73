//! A file's names for signers and groups of them.

use std::collections::{BTreeMap, BTreeSet};

use motet_core_crypto::PublicKey;

use super::fault::Fault;

/// Names, each of which is defined once.
#[derive(Debug, Default)]
pub(super) struct Names {
    signers: BTreeMap<String, PublicKey>,
    groups: BTreeMap<String, BTreeSet<PublicKey>>,
}

impl Names {
    pub(super) fn new(signers: BTreeMap<String, String>, groups: BTreeMap<String, Vec<String>>) -> Result<Self, Fault> {
        let mut this = Self::default();
        for (name, key) in signers {
            let place = format!("signers, {name:?}");
            usable(&place, &name)?;
            let key = key.parse().map_err(|error| {
                let next = "a signer key is 66 hexadecimal digits; `motet key new` and `motet find` print it";
                Fault::new(&place, format!("{key:?} is no signer key: {error}"), next)
            })?;
            this.signers.insert(name, key);
        }
        for (name, members) in groups {
            let place = format!("groups, {name:?}");
            usable(&place, &name)?;
            if this.signers.contains_key(&name) {
                return Err(Fault::new(place, "a signer has this name, too", "give one of the two another name"));
            }
            let members = members.iter().map(|member| this.signer(&place, member)).collect::<Result<_, _>>()?;
            this.groups.insert(name, members);
        }
        Ok(this)
    }

    /// The signer with this name or key.
    pub(super) fn signer(&self, place: &str, text: &str) -> Result<PublicKey, Fault> {
        self.signers.get(text).copied().or_else(|| text.parse().ok()).ok_or_else(|| {
            let next = "define it under \"signers\", or write the signer's key: 66 hexadecimal digits";
            Fault::new(place, format!("no signer is called {text:?}"), next)
        })
    }

    /// The signers that a list means: names of signers and groups, and keys.
    pub(super) fn keys(&self, place: &str, texts: &[String]) -> Result<BTreeSet<PublicKey>, Fault> {
        let mut keys = BTreeSet::new();
        for text in texts {
            match self.groups.get(text) {
                Some(group) => keys.extend(group),
                None => {
                    keys.insert(self.signer(place, text).map_err(|fault| {
                        let what = format!("no signer or group is called {text:?}");
                        let next =
                            "define it under \"signers\" or \"groups\", or write a signer's key: 66 hexadecimal digits";
                        Fault { what, next: next.to_owned(), ..fault }
                    })?);
                }
            }
        }
        if keys.is_empty() {
            return Err(Fault::new(place, "it names nobody", "name somebody, or leave the field out"));
        }
        Ok(keys)
    }

    /// All signers that have a name.
    pub(super) fn signers(&self) -> impl Iterator<Item = (&str, &PublicKey)> {
        self.signers.iter().map(|(name, key)| (name.as_str(), key))
    }
}

/// Refuses a name that looks like a key: a reader of the file could take it for another signer.
fn usable(place: &str, name: &str) -> Result<(), Fault> {
    if name.is_empty() || name.chars().any(char::is_control) || name.parse::<PublicKey>().is_ok() {
        let what = "a name is neither empty nor a key, and has no control characters";
        return Err(Fault::new(place, what, "choose another name"));
    }
    Ok(())
}
