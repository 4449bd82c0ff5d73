//! The Unix socket: a file in the data folder that only its owner can open.

use std::fs;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use tokio::net::UnixListener;

use crate::limits;

/// The name of the socket in the data folder.
pub(crate) const FILE: &str = "api.sock";
/// The beginning of the name of the folder in which a socket is made.
const MAKING: &str = ".api-";

/// The socket's file. It is removed when this is dropped.
#[derive(Debug)]
pub(crate) struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // Whoever finds it later finds nobody who listens.
        drop(fs::remove_file(&self.0));
    }
}

/// Listens in a data folder. A socket that another process has left is replaced; the folder's store makes sure that this process is
/// the only one.
pub(crate) fn listen(folder: &Path) -> io::Result<(UnixListener, SocketFile)> {
    let path = folder.join(FILE);
    if let Ok(found) = fs::symlink_metadata(&path)
        && !std::os::unix::fs::FileTypeExt::is_socket(&found.file_type())
    {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "it is there, and no socket"));
    }
    // A new socket may be opened by all until its mode is set: so it is made in a folder of its own, and gets its name afterwards.
    let making = tempfile::Builder::new().prefix(MAKING).tempdir_in(folder)?;
    let made = making.path().join("s");
    if made.as_os_str().as_bytes().len() >= limits::SOCKET_PATH {
        let what = format!(
            "the path of a socket has fewer than {} bytes, and this folder leaves no room",
            limits::SOCKET_PATH
        );
        return Err(io::Error::new(io::ErrorKind::InvalidFilename, what));
    }
    let listener = UnixListener::bind(&made)?;
    fs::set_permissions(&made, fs::Permissions::from_mode(0o600))?;
    fs::rename(&made, &path)?;
    Ok((listener, SocketFile(path)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_socket_is_for_its_owner_replaces_a_dead_one_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(FILE);
        let (dead, file) = listen(folder.path()).unwrap();
        core::mem::forget(file);
        drop(dead);
        let (_listener, file) = listen(folder.path()).unwrap();
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        tokio::net::UnixStream::connect(&path).await.unwrap();
        drop(file);
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[tokio::test]
    async fn a_file_of_another_kind_is_left_alone() {
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join(FILE), "text").unwrap();
        assert_eq!(listen(folder.path()).unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        let deep = folder.path().join("d".repeat(90));
        fs::create_dir(&deep).unwrap();
        assert_eq!(listen(&deep).unwrap_err().kind(), io::ErrorKind::InvalidFilename);
        assert_eq!(fs::read_dir(&deep).unwrap().count(), 0);
    }
}
