//! The folder in which nodes with `--dev` of one user find each other on one machine, because multicast is not
//! reliable. It has a note from each node, with the node's address.
//!
//! A node holds the lock of its note for as long as it lives, so a note whose lock is free is of a node that was killed.

use core::time::Duration;
use std::fs::{self, DirBuilder, File, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use motet_node::{Node, parse_address};

use crate::exit::Failed;
use crate::files;
use crate::output::note;

/// The folder's name.
const NAME: &str = "motet-dev";
/// Notes that are looked at.
const NOTES: usize = 256;
/// Bytes of a note: a few addresses.
const NOTE: u64 = 4096;
/// Addresses of a note that are dialled.
const ADDRESSES: usize = 4;

/// The folder, and this node's note in it.
pub(crate) struct MeetingPlace {
    folder: PathBuf,
    own: PathBuf,
    /// Holds the lock.
    _note: File,
}

impl MeetingPlace {
    /// Leaves a note for the others. Without one, a node is still found by multicast, and finds the others by it.
    pub(crate) async fn enter(handle: &Node) -> Result<Option<Self>, Failed> {
        let mut listening = handle.stats().await.map_err(Failed::here)?.listening;
        while listening.is_empty() {
            tokio::time::sleep(Duration::from_millis(5)).await;
            listening = handle.stats().await.map_err(Failed::here)?.listening;
        }
        let peer = handle.peer_id();
        let addresses: Vec<String> = listening.iter().map(|address| format!("{address}/p2p/{peer}")).collect();
        let entered = folder().and_then(|folder| {
            let own = folder.join(peer.to_string());
            let note = leave(&own, &addresses.join("\n")).map_err(|error| refusal(&own, &error))?;
            Ok(Self { folder, own, _note: note })
        });
        match entered {
            Ok(place) => {
                place.greet(handle).await;
                Ok(Some(place))
            }
            Err(refusal) => {
                note(&format!("{refusal}; nodes with --dev find this one by multicast alone"));
                Ok(None)
            }
        }
    }

    /// Connects to all nodes that are here.
    pub(crate) async fn greet(&self, handle: &Node) {
        for note in notes(&self.folder, &self.own) {
            for address in note.lines().take(ADDRESSES) {
                // The node of the note may have gone since; then there is none to connect to.
                if let Ok(address) = parse_address(address) {
                    drop(handle.connect(address).await);
                }
            }
        }
    }
}

impl Drop for MeetingPlace {
    fn drop(&mut self) {
        drop(fs::remove_file(&self.own));
    }
}

/// The folder, which only this user may write to: notes of other users could lead this user's nodes anywhere.
fn folder() -> Result<PathBuf, String> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    if let Some(runtime) = runtime.filter(|runtime| runtime.is_absolute())
        && let Ok(folder) = own_folder(runtime.join(NAME))
    {
        return Ok(folder);
    }
    own_folder(std::env::temp_dir().join(format!("{NAME}-{}", rustix::process::geteuid().as_raw())))
}

fn own_folder(folder: PathBuf) -> Result<PathBuf, String> {
    match DirBuilder::new().mode(0o700).create(&folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(refusal(&folder, &error)),
        Ok(()) | Err(_) => {}
    }
    let found = fs::symlink_metadata(&folder).map_err(|error| refusal(&folder, &error))?;
    if !found.is_dir() {
        Err(refusal(&folder, &"it is not a directory"))
    } else if found.uid() != rustix::process::geteuid().as_raw() {
        Err(refusal(&folder, &"it belongs to another user"))
    } else if found.mode() & 0o077 != 0 {
        Err(refusal(&folder, &"other users can use it"))
    } else {
        Ok(folder)
    }
}

fn refusal(path: &Path, why: &dyn core::fmt::Display) -> String {
    format!("cannot use {}: {why}", path.display())
}

fn leave(path: &Path, text: &str) -> io::Result<File> {
    let draft = files::draft(path, text.as_bytes())?;
    draft.as_file().try_lock()?;
    files::publish(draft, path)
}

/// The notes of the others. Those of nodes that were killed are removed.
fn notes(folder: &Path, own: &Path) -> Vec<String> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let paths = entries.filter_map(|entry| Some(entry.ok()?.path()));
    paths.filter(|path| path != own && !files::is_unfinished(path)).take(NOTES).filter_map(|path| read(&path)).collect()
}

/// A note whose node lives.
fn read(path: &Path) -> Option<String> {
    let file = files::open(path).ok()?;
    // Several may look at the same time, and none of them is to take another for the note's node.
    match file.try_lock_shared() {
        Ok(()) => {
            drop(fs::remove_file(path));
            None
        }
        // Where files cannot be locked, a note may be of a node that runs or of one that was killed.
        Err(TryLockError::WouldBlock | TryLockError::Error(_)) => {
            String::from_utf8(files::content(file, NOTE).ok()??).ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn the_note_of_a_node_that_lives_is_read_and_that_of_a_dead_one_removed() {
        let folder = tempfile::tempdir().unwrap();
        let [own, other, long] = ["own", "other", "long"].map(|name| folder.path().join(name));
        let living = leave(&other, "here").unwrap();
        let _own = leave(&own, "this one").unwrap();
        let _long = leave(&long, &"a".repeat(5000)).unwrap();
        fs::create_dir(folder.path().join("directory")).unwrap();
        assert_eq!(notes(folder.path(), &own), ["here"]);
        assert_eq!(notes(folder.path(), &own), ["here"], "nobody who looks is in the way of the next");
        drop(living);
        assert_eq!(notes(folder.path(), &own), Vec::<String>::new());
        assert!(!other.exists() && own.exists() && long.exists());
    }

    #[test]
    fn a_folder_that_others_can_use_or_a_link_is_no_meeting_place() {
        let place = tempfile::tempdir().unwrap();
        let folder = own_folder(place.path().join("folder")).unwrap();
        assert_eq!(own_folder(folder.clone()), Ok(folder.clone()));
        let link = place.path().join("link");
        std::os::unix::fs::symlink(&folder, &link).unwrap();
        assert!(own_folder(link).unwrap_err().contains("not a directory"));
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o777)).unwrap();
        assert!(own_folder(folder).unwrap_err().contains("other users"));
        assert!(own_folder(place.path().join("none/folder")).is_err());
    }
}
