//! The offers that an application looks for: a node hears of them by gossip for as long as a subscription lasts.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use motet_coordinator::{CommandError, Interest, limits};
use tokio::sync::watch;

/// Number of subscriptions: to all offers, and to those of each transaction type.
#[derive(Debug, Default)]
pub(crate) struct Wanted {
    anything: usize,
    types: BTreeMap<String, usize>,
}

impl Wanted {
    pub(crate) fn interest(&self) -> Interest {
        if self.anything > 0 {
            Interest::Anything
        } else if self.types.is_empty() {
            Interest::Nothing
        } else {
            Interest::Types(self.types.keys().cloned().collect())
        }
    }

    fn add(&mut self, types: Option<&BTreeSet<String>>) {
        match types {
            None => self.anything = self.anything.saturating_add(1),
            Some(types) => {
                for name in types {
                    let count = self.types.entry(name.clone()).or_default();
                    *count = count.saturating_add(1);
                }
            }
        }
    }

    fn remove(&mut self, types: Option<&BTreeSet<String>>) {
        match types {
            None => self.anything = self.anything.saturating_sub(1),
            Some(types) => {
                for name in types {
                    let left = self.types.get(name).copied().unwrap_or_default().saturating_sub(1);
                    if left == 0 {
                        self.types.remove(name);
                    } else {
                        self.types.insert(name.clone(), left);
                    }
                }
            }
        }
    }
}

/// The subscriptions of all clones of a node.
#[derive(Debug, Clone)]
pub(crate) struct Interests(Arc<watch::Sender<Wanted>>);

impl Default for Interests {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(Wanted::default())))
    }
}

impl Interests {
    pub(crate) fn receiver(&self) -> watch::Receiver<Wanted> {
        self.0.subscribe()
    }

    /// Subscribes to the offers of these types, or to all.
    pub(crate) fn subscribe(&self, types: Option<BTreeSet<String>>) -> Result<SignerDiscovery, CommandError> {
        let lengths = 1..=motet_wire::limits::TRANSACTION_TYPE;
        let mut fits = types.iter().flatten().all(|name| lengths.contains(&name.len()));
        self.0.send_if_modified(|wanted| {
            let known = wanted.types.keys();
            let all: BTreeSet<&String> = known.chain(types.iter().flatten()).collect();
            fits = fits && all.len() <= limits::TYPES;
            if fits {
                wanted.add(types.as_ref());
            }
            fits
        });
        if fits {
            Ok(SignerDiscovery { interests: self.clone(), types, lasts: false })
        } else {
            Err(CommandError::TransactionTypes { limit: limits::TYPES })
        }
    }
}

/// A subscription to offers ([`Node::subscribe_to_signer_discovery`](crate::Node::subscribe_to_signer_discovery)). It ends when it is
/// dropped, unless it is kept.
#[derive(Debug)]
#[must_use = "a subscription ends when it is dropped"]
pub struct SignerDiscovery {
    interests: Interests,
    types: Option<BTreeSet<String>>,
    lasts: bool,
}

impl SignerDiscovery {
    /// Lets the subscription last as long as the node.
    pub fn keep(mut self) {
        self.lasts = true;
    }
}

impl Drop for SignerDiscovery {
    fn drop(&mut self) {
        if !self.lasts {
            self.interests.0.send_modify(|wanted| wanted.remove(self.types.as_ref()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn types(names: &[&str]) -> BTreeSet<String> {
        names.iter().map(|name| (*name).to_owned()).collect()
    }

    #[test]
    fn a_type_is_looked_for_until_the_last_subscription_ends() {
        let interests = Interests::default();
        let interest = || interests.0.borrow().interest();
        let first = interests.subscribe(Some(types(&["swap"]))).unwrap();
        let second = interests.subscribe(Some(types(&["swap", "vault"]))).unwrap();
        assert_eq!(interest(), Interest::Types(types(&["swap", "vault"])));
        let all = interests.subscribe(None).unwrap();
        assert_eq!(interest(), Interest::Anything);
        drop((all, second));
        assert_eq!(interest(), Interest::Types(types(&["swap"])));
        drop(first);
        assert_eq!(interest(), Interest::Nothing);
    }

    #[test]
    fn so_many_types_are_looked_for_at_a_time_and_no_impossible_one() {
        let interests = Interests::default();
        let names: Vec<String> = (0..limits::TYPES).map(|number| format!("type {number}")).collect();
        let many = interests.subscribe(Some(names.iter().cloned().collect())).unwrap();
        assert!(interests.subscribe(Some(types(&["one more"]))).is_err());
        assert!(interests.subscribe(Some(types(&["type 1"]))).is_ok());
        drop(many);
        assert!(interests.subscribe(Some(types(&["one more"]))).is_ok());
        for name in [String::new(), "x".repeat(33)] {
            assert!(interests.subscribe(Some([name].into())).is_err());
        }
    }
}
