//! The groups that a wallet knows. A signer signs transactions of these groups and no others.

use std::collections::{BTreeMap, BTreeSet};

use motet_core_crypto::PublicKey;
use motet_psbt::{GroupId, PathId};

use crate::group::{RegisteredGroup, SigningSet};
use crate::limits::GROUPS;

/// The reason why a group was not added to a registry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// The group is there already.
    #[error("the group is registered already, under the name {name:?}")]
    Known {
        /// Its name.
        name: String,
    },
    /// Another group has the name.
    #[error("another group has the name {name:?}; choose a different one")]
    NameTaken {
        /// The name.
        name: String,
    },
    /// There is no such group to be replaced.
    #[error("there is no such group")]
    Unknown,
    /// There are too many groups.
    #[error("a registry has at most {GROUPS} groups")]
    Full,
}

/// Groups by identity, by name, and by the keys of their spend paths.
#[derive(Debug, Clone, Default)]
pub struct Registry {
    groups: BTreeMap<GroupId, RegisteredGroup>,
    names: BTreeMap<String, GroupId>,
    /// Spend paths by their sorted keys, so that a request finds its group without any arithmetic.
    paths: BTreeMap<Vec<PublicKey>, Vec<(GroupId, PathId)>>,
    /// The groups of each key: those of descriptors, and those that sign over the network.
    members: BTreeMap<PublicKey, BTreeSet<GroupId>>,
}

impl Registry {
    /// A registry without groups.
    pub const fn new() -> Self {
        Self { groups: BTreeMap::new(), names: BTreeMap::new(), paths: BTreeMap::new(), members: BTreeMap::new() }
    }

    /// Adds a group.
    ///
    /// # Errors
    ///
    /// [`RegistryError`].
    pub fn add(&mut self, group: RegisteredGroup) -> Result<GroupId, RegistryError> {
        let id = group.id();
        if let Some(known) = self.groups.get(&id) {
            return Err(RegistryError::Known { name: known.name().to_owned() });
        }
        if self.groups.len() >= GROUPS {
            return Err(RegistryError::Full);
        }
        self.check_name(&group)?;
        for path in group.group().spend_paths() {
            if let Ok(SigningSet { keys, .. }) = SigningSet::new(group.group(), &path) {
                keys.iter().for_each(|key| self.add_member(*key, id));
                self.paths.entry(keys).or_default().push((id, path.id));
            }
        }
        for key in group.member_keys().into_iter().flatten() {
            self.add_member(key, id);
        }
        self.names.insert(group.name().to_owned(), id);
        self.groups.insert(id, group);
        Ok(id)
    }

    /// Replaces what is noted about a group: its names, devices and confirmation.
    ///
    /// # Errors
    ///
    /// [`RegistryError`].
    pub fn replace(&mut self, group: RegisteredGroup) -> Result<(), RegistryError> {
        let id = group.id();
        let old = self.groups.get(&id).ok_or(RegistryError::Unknown)?;
        self.check_name(&group)?;
        self.names.remove(old.name());
        self.names.insert(group.name().to_owned(), id);
        // The identity is a hash of the descriptor, so the keys of its spend paths are the same.
        self.groups.insert(id, group);
        Ok(())
    }

    /// Removes a group.
    pub fn remove(&mut self, id: GroupId) -> Option<RegisteredGroup> {
        let group = self.groups.remove(&id)?;
        self.names.remove(group.name());
        self.paths.retain(|_, paths| {
            paths.retain(|(group, _)| *group != id);
            !paths.is_empty()
        });
        self.members.retain(|_, groups| {
            groups.remove(&id);
            !groups.is_empty()
        });
        Some(group)
    }

    /// A group by its identity.
    pub fn get(&self, id: GroupId) -> Option<&RegisteredGroup> {
        self.groups.get(&id)
    }

    /// A group by its name.
    pub fn by_name(&self, name: &str) -> Option<&RegisteredGroup> {
        self.names.get(name).and_then(|id| self.get(*id))
    }

    /// All groups in the order of their names.
    pub fn groups(&self) -> impl Iterator<Item = &RegisteredGroup> {
        self.names.values().filter_map(|id| self.get(*id))
    }

    /// The spend paths that exactly these keys sign, in all groups. The keys are sorted.
    ///
    /// Only spend paths that can be signed over the network are found.
    pub fn by_keys(&self, keys: &[PublicKey]) -> impl Iterator<Item = (&RegisteredGroup, PathId)> {
        let paths = self.paths.get(keys).map(Vec::as_slice).unwrap_or_default();
        paths.iter().filter_map(|(id, path)| Some((self.get(*id)?, *path)))
    }

    /// True if a key is one of a registered group, so that it signs nothing but transactions of that group.
    pub fn has_member(&self, key: &PublicKey) -> bool {
        self.members.contains_key(key)
    }

    /// The other groups that have a key of this group in their descriptors, in the order of their names, each with the numbers of the
    /// group's members whose keys these are. A key in two groups shows on the chain that they belong together, once both have spent.
    pub fn sharing(&self, group: &RegisteredGroup) -> Vec<(&RegisteredGroup, Vec<usize>)> {
        let shared = |other: &RegisteredGroup| {
            let others: BTreeSet<PublicKey> = other.member_keys().into_iter().flatten().collect();
            let own = group.member_keys().into_iter().enumerate();
            own.filter(|(_, key)| key.is_some_and(|key| others.contains(&key))).map(|(number, _)| number).collect()
        };
        let others = self.groups().filter(|other| other.id() != group.id());
        others.map(|other| (other, shared(other))).filter(|(_, shared): &(_, Vec<usize>)| !shared.is_empty()).collect()
    }

    /// The number of groups.
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// True if there are no groups.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    fn add_member(&mut self, key: PublicKey, group: GroupId) {
        self.members.entry(key).or_default().insert(group);
    }

    /// Checks that no other group has a group's name.
    fn check_name(&self, group: &RegisteredGroup) -> Result<(), RegistryError> {
        match self.names.get(group.name()) {
            Some(id) if *id != group.id() => Err(RegistryError::NameTaken { name: group.name().to_owned() }),
            Some(_) | None => Ok(()),
        }
    }
}
