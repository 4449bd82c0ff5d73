//! The folder of the registered groups: a file for each, named by the group's identity.
//!
//! A file is the text of [`RegisteredGroup`], with a checksum over all of it. It holds no secret, and is readable by its owner
//! alone: the keys of a group reveal all its addresses.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::SystemTime;

use motet_node::GroupSource;
use motet_psbt::GroupId;
use motet_wallet::limits::GROUP_FILE_BYTES;
use motet_wallet::{RegisteredGroup, Registry, RegistryError};

use crate::args::GroupsArgs;
use crate::exit::{Exit, Failed};
use crate::{files, user_folders};

/// The ending of the files.
const ENDING: &str = "group";

/// The registered groups, and where they are kept.
#[derive(Debug)]
pub(crate) struct GroupFolder {
    /// None if the user has no home and names no folder.
    folder: Option<PathBuf>,
    pub(crate) registry: Registry,
}

impl GroupFolder {
    /// Reads all groups. A folder that is not there has none.
    pub(crate) fn open(args: &GroupsArgs) -> Result<Self, Failed> {
        let mut registry = Registry::new();
        let Some(folder) = folder(args) else {
            return Ok(Self { folder: None, registry });
        };
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Self { folder: Some(folder), registry }),
            Err(error) => return Err(unusable(&folder, &error)),
        };
        for entry in entries {
            let path = entry.map_err(|error| unusable(&folder, &error))?.path();
            if path.extension().is_some_and(|ending| ending == ENDING) && !files::is_unfinished(&path) {
                let group = read(&path)?;
                registry.add(group).map_err(|error| {
                    Failed::here(format!("{}: {error}", path.display()))
                        .hint("remove the file of one of the two groups")
                })?;
            }
        }
        Ok(Self { folder: Some(folder), registry })
    }

    /// The place of the groups.
    pub(crate) fn place(args: &GroupsArgs) -> Result<PathBuf, Failed> {
        folder(args).ok_or_else(|| {
            Failed::here("there is no place for groups: HOME is not set").hint("name one with --groups DIR")
        })
    }

    /// The files of the registered groups, in the order of their names.
    pub(crate) fn files(args: &GroupsArgs) -> Result<Vec<PathBuf>, Failed> {
        let Some(folder) = folder(args).filter(|folder| folder.is_dir()) else { return Ok(Vec::new()) };
        let unread = |error: std::io::Error| Failed::here(format!("cannot read {}: {error}", folder.display()));
        let mut found = Vec::new();
        for entry in fs::read_dir(&folder).map_err(unread)? {
            let path = entry.map_err(unread)?.path();
            if path.extension().is_some_and(|ending| ending == ENDING) && !files::is_unfinished(&path) {
                found.push(path);
            }
        }
        found.sort();
        Ok(found)
    }

    /// The groups of a running node, which takes up what other commands change in the folder.
    pub(crate) fn source(args: &GroupsArgs) -> FolderSource {
        FolderSource { args: args.clone(), seen: Mutex::new(None) }
    }

    /// A group by its name.
    pub(crate) fn group(&self, name: &str) -> Result<&RegisteredGroup, Failed> {
        self.registry.by_name(name).ok_or_else(|| {
            let names: Vec<_> = self.registry.groups().map(RegisteredGroup::name).collect();
            let failed = Failed::usage(format!("no group with the name {name} is registered"));
            failed.hint(if names.is_empty() {
                "make one with `motet group new`, or register one with `motet group import`".to_owned()
            } else {
                format!("registered are {}", names.join(", "))
            })
        })
    }

    /// Registers a group.
    pub(crate) fn add(&mut self, group: RegisteredGroup) -> Result<GroupId, Failed> {
        let text = group.to_text();
        let id = self.registry.add(group).map_err(|error| refused(&error))?;
        let folder = self.folder()?;
        files::make_folder(folder).map_err(|error| unusable(folder, &error))?;
        files::create(&file(folder, id), text.as_bytes()).map_err(|error| unusable(folder, &error))?;
        Ok(id)
    }

    /// Writes what has changed about a group.
    pub(crate) fn replace(&mut self, group: RegisteredGroup) -> Result<(), Failed> {
        let (id, text) = (group.id(), group.to_text());
        self.registry.replace(group).map_err(|error| refused(&error))?;
        let folder = self.folder()?;
        files::replace(&file(folder, id), text.as_bytes()).map_err(|error| unusable(folder, &error))
    }

    fn folder(&self) -> Result<&Path, Failed> {
        self.folder.as_deref().ok_or_else(|| {
            Failed::here("there is no folder for the registered groups: HOME is not set")
                .hint("name one with --groups DIR, or set MOTET_GROUPS")
        })
    }
}

/// The files of the folder as a node has read them last: they are replaced as a whole, so that a changed one is another file.
type Listing = BTreeSet<(PathBuf, u64, Option<SystemTime>)>;

/// The folder as a source of groups for a running node.
#[derive(Debug)]
pub(crate) struct FolderSource {
    args: GroupsArgs,
    seen: Mutex<Option<Listing>>,
}

impl GroupSource for FolderSource {
    fn refresh(&self, registry: &RwLock<Registry>) {
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let listing = folder(&self.args).map_or_else(Listing::new, |folder| list(&folder));
        if seen.as_ref() == Some(&listing) {
            return;
        }
        match GroupFolder::open(&self.args) {
            Ok(read) => *registry.write().unwrap_or_else(PoisonError::into_inner) = read.registry,
            Err(failed) => {
                tracing::warn!(error = %failed.what, "the groups stay as they were: the folder cannot be read")
            }
        }
        *seen = Some(listing);
    }
}

/// The files of a folder, without reading them. A folder that is not there has none.
fn list(folder: &Path) -> Listing {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let listed = entries.filter_map(|entry| {
        let found = entry.metadata().ok()?;
        Some((entry.path(), found.ino(), found.modified().ok()))
    });
    listed.collect()
}

fn file(folder: &Path, id: GroupId) -> PathBuf {
    folder.join(format!("{}.{ENDING}", hex::encode(id.to_bytes())))
}

fn refused(error: &RegistryError) -> Failed {
    let failed = Failed::new(Exit::Refused, error);
    let is_taken = matches!(error, RegistryError::NameTaken { .. });
    if is_taken { failed.hint("choose another name for the group") } else { failed }
}

fn read(path: &Path) -> Result<RegisteredGroup, Failed> {
    let name = path.display();
    let text = files::read_up_to(path, GROUP_FILE_BYTES as u64);
    let text = text.map_err(|error| Failed::here(format!("cannot read the group in {name}: {error}")))?;
    let text = text.and_then(|text| String::from_utf8(text).ok()).unwrap_or_default();
    RegisteredGroup::restore(&text).map_err(|error| {
        Failed::here(format!("{name} is damaged: {error}"))
            .hint("move it away, and restore the group from its backup, or import it again from another member")
    })
}

/// The folder that the user names, or that of this user's groups.
fn folder(args: &GroupsArgs) -> Option<PathBuf> {
    args.groups.clone().or_else(|| Some(user_folders::data()?.join("groups")))
}

fn unusable(folder: &Path, error: &std::io::Error) -> Failed {
    Failed::here(format!("cannot keep groups in {}: {error}", folder.display()))
        .hint("choose a folder that this user can write to: --groups DIR")
}
