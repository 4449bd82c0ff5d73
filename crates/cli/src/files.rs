//! Files as this program opens and makes them: opening one never waits, and a new one is whole or absent.

use std::fs::{self, DirBuilder, File, FileType, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, FileTypeExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};
use rustix::process::Signal;
use tempfile::NamedTempFile;
use tokio::signal::unix::{SignalKind, signal};

/// The beginning of the names that files have before they are whole.
const UNFINISHED: &str = ".motet-";

/// A path does not lead to the content of a file.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenError {
    /// Something else than a file has this name.
    #[error("it is {0}, not a file")]
    NoFile(&'static str),
    /// The system refused.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Turns a limit on the length of files into an error of the write that reaches it, as on a full disk. Without this the
/// system ends the process there, and leaves the half-written file.
pub(crate) fn outlive_limits() -> io::Result<()> {
    signal(SignalKind::from_raw(Signal::XFSZ.as_raw())).map(drop)
}

/// Opens a regular file for reading.
///
/// A pipe would wait for its other end, and to open a device can be an action of its own, so the type is looked at before
/// the path is opened. It is looked at again afterwards, because another file can have got the name in between.
pub(crate) fn open(path: &Path) -> Result<File, OpenError> {
    regular(fs::metadata(path)?.file_type())?;
    let file = File::from(rustix::fs::open(path, READ, Mode::empty()).map_err(io::Error::from)?);
    regular(file.metadata()?.file_type())?;
    Ok(file)
}

const READ: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

fn regular(found: FileType) -> Result<(), OpenError> {
    kind(found).map_or(Ok(()), |kind| Err(OpenError::NoFile(kind)))
}

/// The kind of a thing that has a file's name and is no file; none for a file.
pub(crate) fn kind(found: FileType) -> Option<&'static str> {
    if found.is_file() {
        None
    } else if found.is_dir() {
        Some("a directory")
    } else if found.is_symlink() {
        Some("a link")
    } else if found.is_fifo() {
        Some("a pipe")
    } else if found.is_socket() {
        Some("a socket")
    } else {
        Some("a device")
    }
}

/// Reads a small file; none if it is longer than that.
pub(crate) fn read_up_to(path: &Path, most: u64) -> Result<Option<Vec<u8>>, OpenError> {
    Ok(content(&open(path)?, most)?)
}

/// Reads the rest of a source; `None` if it is longer than that.
pub(crate) fn content(source: impl io::Read, most: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let read = source.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(u64::try_from(read).is_ok_and(|read| read <= most).then_some(bytes))
}

/// The path of something beside a file, under its whole name and an ending.
pub(crate) fn with_ending(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

/// True if a file with this name is not published yet, or never will be because its maker was killed.
pub(crate) fn is_unfinished(name: &Path) -> bool {
    name.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(UNFINISHED.as_bytes()))
}

/// Makes a folder and those above it, as far as they are not there, for their owner alone.
pub(crate) fn make_folder(path: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Writes a file that does not exist yet, for its owner alone. It is there as a whole and durably, or not at all.
pub(crate) fn create(path: &Path, content: &[u8]) -> io::Result<()> {
    publish(draft(path, content)?, path).map(drop)
}

/// Writes a file, in the place of another one if there is one. It holds the old or the new content as a whole.
pub(crate) fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    draft(path, content)?.persist(path).map_err(|refused| refused.error)?;
    sync(folder_of(path))
}

/// Writes a file under a temporary name, in its final folder. Dropping it removes it.
pub(crate) fn draft(path: &Path, content: &[u8]) -> io::Result<NamedTempFile> {
    let new = |path: &Path| OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
    let made = tempfile::Builder::new().prefix(UNFINISHED).make_in(folder_of(path), new)?;
    let mut file = made.as_file();
    file.write_all(content)?;
    file.sync_all()?;
    Ok(made)
}

/// Gives a file its name, unless something has that name.
pub(crate) fn publish(draft: NamedTempFile, path: &Path) -> io::Result<File> {
    // This renames without overwriting, or makes a hard link where the file system cannot do that. Where it can do
    // neither, the file is not made: each other way can leave half of a file, or overwrite one.
    let file = draft.persist_noclobber(path).map_err(|refused| refused.error)?;
    if let Err(error) = sync(folder_of(path)) {
        drop(fs::remove_file(path));
        return Err(error);
    }
    Ok(file)
}

/// Makes the names in a folder as durable as the files.
fn sync(folder: &Path) -> io::Result<()> {
    match File::open(folder)?.sync_all() {
        // Some file systems do not know this for folders.
        Err(error) if error.kind() == io::ErrorKind::InvalidInput => Ok(()),
        synced => synced,
    }
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_is_made_once_for_its_owner_and_nothing_stays_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        create(&path, b"first").unwrap();
        assert_eq!(create(&path, b"second").unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_draft_that_is_not_published_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let unfinished = draft(&folder.path().join("file"), b"text").unwrap();
        assert!(is_unfinished(unfinished.path()));
        drop(unfinished);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn what_is_too_long_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        create(&path, b"four").unwrap();
        assert_eq!(read_up_to(&path, 4).unwrap().unwrap(), b"four");
        assert_eq!(read_up_to(&path, 3).unwrap(), None);
    }
}
