//! The folder of the data that must outlive a node: its store and its network identity.
//!
//! The folder of a signer's node belongs to that signer, whose public key is in the file `signer` there, because two signers with one
//! identity would be one node to all others.

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use motet_core_crypto::PublicKey;
use motet_node::{RedbStore, Store as _, StoreError};
use zeroize::Zeroizing;

use crate::exit::Failed;
use crate::{files, secret_file, signer_key};

/// The file with the public key of the signer.
const SIGNER: &str = "signer";
const IDENTITY: &str = "node.key";
const RECORDS: &str = "records.redb";
/// The file of bans, and of peers that the node has reached. The node makes it, and does without it if it is gone.
pub(crate) const PEERS: &str = "peers";
const ENDING: &str = ".motet";

/// The content of the folder, for as long as the node runs: no other process can use the store meanwhile.
#[derive(Debug)]
pub(crate) struct DataFolder {
    pub(crate) store: RedbStore,
    /// The seed of the node's network identity.
    pub(crate) identity: Zeroizing<[u8; 32]>,
}

impl DataFolder {
    /// Opens a signer's folder, or makes it.
    pub(crate) fn open(folder: &Path, signer: &PublicKey) -> Result<Self, Failed> {
        make(folder)?;
        let binding = folder.join(SIGNER);
        let owner = owner(&binding)?;
        check(folder, owner.as_ref(), signer)?;
        let store = RedbStore::open(&folder.join(RECORDS)).map_err(|error| explain(&error, Some(folder)))?;
        if owner.is_none() {
            let known = store.load().map_err(|error| explain(&error, Some(folder)))?.delegated;
            if !known.iter().any(|(known, _)| known == signer) {
                check(folder, known.first().map(|(known, _)| known), signer)?;
            }
            files::create(&binding, format!("{signer}\n").as_bytes()).map_err(|error| unusable(folder, &error))?;
        }
        let identity = secret_file::read_or_make_identity(&folder.join(IDENTITY))?;
        Ok(Self { store, identity })
    }

    /// Opens the folder of a node without a signer, or makes it.
    pub(crate) fn without_signer(folder: &Path) -> Result<Self, Failed> {
        make(folder)?;
        if let Some(owner) = owner(&folder.join(SIGNER))? {
            let what = format!("the data folder {} belongs to the node of the signer {owner}", folder.display());
            return Err(Failed::here(what).hint("give the node without a signer a folder of its own: --data DIR"));
        }
        let store = RedbStore::open(&folder.join(RECORDS)).map_err(|error| explain(&error, Some(folder)))?;
        let identity = secret_file::read_or_make_identity(&folder.join(IDENTITY))?;
        Ok(Self { store, identity })
    }
}

/// Makes a data folder if it is not there, for its owner alone.
pub(crate) fn make(folder: &Path) -> Result<(), Failed> {
    files::make_folder(folder).map_err(|error| unusable(folder, &error))
}

/// The store in a folder that a node has used, which must not run.
pub(crate) fn records(folder: &Path) -> Result<RedbStore, Failed> {
    let file = folder.join(RECORDS);
    if !file.is_file() {
        let what = format!("there is no {RECORDS} in {}", folder.display());
        return Err(Failed::here(what).hint("name a node's data directory; beside KEY it is called KEY.motet"));
    }
    RedbStore::open(&file).map_err(|error| explain(&error, Some(folder)))
}

/// True if a node has used the folder.
pub(crate) fn has_records(folder: &Path) -> bool {
    folder.join(RECORDS).exists()
}

/// A new store in a folder that has none.
pub(crate) fn new_records(folder: &Path) -> Result<RedbStore, Failed> {
    RedbStore::open(&folder.join(RECORDS)).map_err(|error| explain(&error, Some(folder)))
}

/// The default folder of a signer: beside its key file, under the whole name of that and an ending.
pub(crate) fn beside(key: &Path, signer: &PublicKey) -> Result<PathBuf, Failed> {
    let (folder, earlier) = names(key);
    if folder == earlier || folder.exists() || !earlier.join(IDENTITY).exists() {
        return Ok(folder);
    }
    match owner(&earlier.join(SIGNER))? {
        Some(owner) if owner == *signer => Ok(earlier),
        Some(_) => Ok(folder),
        None => {
            let (folder, earlier) = (folder.display(), earlier.display());
            let what =
                format!("this signer's data folder is {folder} now, and there is {earlier} of an earlier version");
            let hint =
                format!("if it is this signer's, rename it: mv {earlier} {folder}; else name a new one: --data DIR");
            Err(Failed::here(what).hint(hint))
        }
    }
}

/// The folder beside a key, and the one of earlier versions, which put the ending in the place of the key file's extension.
fn names(key: &Path) -> (PathBuf, PathBuf) {
    (files::with_ending(key, ENDING), key.with_extension(ENDING.trim_start_matches('.')))
}

/// The folder that a command line names: itself, or as that of a key; none if it names neither.
pub(crate) fn named(
    data: Option<&Path>,
    key: Option<&Path>,
    keystore: Option<&Path>,
) -> Result<Option<PathBuf>, Failed> {
    match (data, key) {
        (Some(folder), _) => Ok(Some(folder.to_owned())),
        (None, Some(key)) => Ok(Some(of_key(&signer_key::beside(key, keystore)?))),
        (None, None) => Ok(None),
    }
}

/// The folder of the signer with this key file, as far as names tell.
pub(crate) fn of_key(key: &Path) -> PathBuf {
    let (folder, earlier) = names(key);
    if !folder.exists() && earlier.exists() { earlier } else { folder }
}

/// Whose folder it is; none if no signer has used it.
fn owner(binding: &Path) -> Result<Option<PublicKey>, Failed> {
    if fs::symlink_metadata(binding).is_err_and(|error| error.kind() == ErrorKind::NotFound) {
        return Ok(None);
    }
    let name = binding.display();
    let hint = "it says whose data folder this is; if it is this signer's, remove that file";
    let text = files::read_up_to(binding, 128);
    let text = text.map_err(|error| Failed::here(format!("cannot read {name}: {error}")).hint(hint))?;
    let key = text.and_then(|text| String::from_utf8(text).ok()).and_then(|text| text.trim_end().parse().ok());
    key.map(Some).ok_or_else(|| Failed::here(format!("{name} does not hold a signer's public key")).hint(hint))
}

/// Refuses a folder that belongs to another signer.
pub(crate) fn check(folder: &Path, owner: Option<&PublicKey>, signer: &PublicKey) -> Result<(), Failed> {
    match owner {
        Some(owner) if owner != signer => {
            let folder = folder.display();
            let what = format!("the data folder {folder} belongs to the signer {owner}, and this key is {signer}");
            Err(Failed::here(what)
                .hint("name this key's own folder with --data DIR, or the folder's key with --key FILE"))
        }
        Some(_) | None => Ok(()),
    }
}

fn unusable(folder: &Path, error: &io::Error) -> Failed {
    let what = format!("cannot keep this node's records in {}: {error}", folder.display());
    Failed::here(what).hint("choose a folder that this user can write to: --data DIR")
}

/// The reason why a store fails, and the remedy.
pub(crate) fn explain(error: &StoreError, folder: Option<&Path>) -> Failed {
    let what = folder.map_or_else(|| error.to_string(), |folder| format!("{}: {error}", folder.display()));
    let failed = Failed::here(what);
    match error {
        StoreError::InUse => failed.hint("if another motet runs with this folder or its key, stop it first"),
        StoreError::Older => failed.hint(
            "let that version finish its sessions, then move records.redb away: the node forgets the sessions that it was in",
        ),
        StoreError::Newer => failed.hint("use that version, or a newer one"),
        StoreError::Damaged(_) => failed.hint(
            "restore the folder from a copy, or move records.redb away: the node then forgets the sessions that it was in",
        ),
        StoreError::Io { kind: ErrorKind::StorageFull | ErrorKind::QuotaExceeded | ErrorKind::FileTooLarge, .. } => {
            failed.hint("make room there, or choose another place with --data DIR")
        }
        StoreError::Io { kind: ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem, .. } => {
            failed.hint("choose a folder that this user can write to: --data DIR")
        }
        StoreError::Io { .. } | StoreError::Failed(_) | _ => failed,
    }
}
