//! Files as this program opens them: opening one never waits.

use std::fs::{self, File, FileType};
use std::io::{self, Read as _};
use std::os::unix::fs::FileTypeExt as _;
use std::path::Path;

use rustix::fs::{Mode, OFlags};

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

/// Opens a regular file for reading.
///
/// A pipe would wait for its other end, and to open a device can be an action of its own, so the type is looked at before
/// the path is opened. It is looked at again afterwards, because another file can have got the name in between.
fn open(path: &Path) -> Result<File, OpenError> {
    regular(fs::metadata(path)?.file_type())?;
    let file = File::from(rustix::fs::open(path, READ, Mode::empty()).map_err(io::Error::from)?);
    regular(file.metadata()?.file_type())?;
    Ok(file)
}

const READ: OFlags = OFlags::RDONLY.union(OFlags::NONBLOCK).union(OFlags::NOCTTY).union(OFlags::CLOEXEC);

fn regular(found: FileType) -> Result<(), OpenError> {
    kind(found).map_or(Ok(()), |kind| Err(OpenError::NoFile(kind)))
}

/// What has a file's name and is no file; none for a file.
fn kind(found: FileType) -> Option<&'static str> {
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

/// Reads what is left of a source; none if it is longer than that.
pub(crate) fn content(source: impl io::Read, most: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let read = source.take(most.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok(u64::try_from(read).is_ok_and(|read| read <= most).then_some(bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_too_long_is_not_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, b"four").unwrap();
        assert_eq!(read_up_to(&path, 4).unwrap().unwrap(), b"four");
        assert_eq!(read_up_to(&path, 3).unwrap(), None);
    }
}
