//! This machine: the key, the data folder, the store, the disk, and whether a signer runs.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use motet_daemon::Client;
use motet_daemon::api::Status;
use motet_node::Store as _;

use super::finding::Finding;
use crate::args::NodeArgs;
use crate::counted::counted;
use crate::exit::Failed;
use crate::keystore::KeystoreFile;
use crate::running_signer::answering;
use crate::{contact_book, data_folder, signer_key};

/// Room on the disk below which a store may soon not be written.
const FULL: u64 = 16 * 1024 * 1024;
/// Room on the disk that lasts for a while.
const ROOM: u64 = 256 * 1024 * 1024;

/// Looks at this machine. Returns the signer that runs, if one does.
pub(super) async fn look(args: &NodeArgs, findings: &mut Vec<Finding>) -> Option<(Client, Status)> {
    key(args, findings);
    let folder = match data(args) {
        Ok(Some(folder)) => folder,
        Ok(None) => {
            let next = "make a signer with `motet init`, or name one with --key KEY or --data DIR";
            findings.push(Finding::fail("data folder", "no signer is named", next));
            return None;
        }
        Err(failed) => {
            findings.push(Finding::failed("data folder", failed));
            return None;
        }
    };
    findings.push(data_folder_of(&folder));
    findings.push(disk(&folder));
    let running = answering(&folder).await;
    match &running {
        Some((_, status)) => {
            findings.push(Finding::ok("store", "used by the running signer"));
            findings.push(signer(status));
        }
        None => {
            if data_folder::has_records(&folder) {
                findings.push(
                    match data_folder::records(&folder)
                        .and_then(|store| store.load().map_err(|error| data_folder::explain(&error, Some(&folder))))
                    {
                        Ok(stored) => {
                            Finding::ok("store", format!("opens; {} kept", counted(stored.results.len(), "signature")))
                        }
                        Err(failed) => Finding::failed("store", failed),
                    },
                );
            }
            let next = "start it with `motet run`, and leave it running";
            findings.push(Finding::warn("signer", "no signer runs here", next));
        }
    }
    if contact_book::path(&folder).exists() {
        findings.push(match contact_book::ContactBook::read(&folder) {
            Ok(book) => Finding::ok("contacts", counted(book.entries().len(), "contact")),
            Err(failed) => Finding::failed("contacts", failed),
        });
    }
    running
}

/// The key: its file, or the keystore that has it.
fn key(args: &NodeArgs, findings: &mut Vec<Finding>) {
    let Some(key) = &args.key else { return };
    if !signer_key::is_in_keystore(key) {
        findings.push(match signer_key::load(key, &args.keystore) {
            Ok(_) => Finding::warn(
                "key",
                format!("{} is a key file, which is not encrypted", key.display()),
                "bring it into the keystore: motet key import NAME --key-file FILE",
            ),
            Err(failed) => Finding::failed("key", failed),
        });
        return;
    }
    let opened = KeystoreFile::of(&args.keystore).and_then(|file| {
        let shown = file.path().display().to_string();
        if !file.is_there() {
            let failed = Failed::here(format!("there is no keystore {shown}"));
            return Err(failed.hint("make one with `motet init` or `motet key new NAME`"));
        }
        if args.keystore.passphrase_file.is_none() {
            file.check()?;
            return Ok(format!("{shown} is a keystore for its owner alone (not opened: no --passphrase-file)"));
        }
        signer_key::load(key, &args.keystore).map(|_| format!("{} in {shown}", key.display()))
    });
    findings.push(match opened {
        Ok(text) => Finding::ok("key", text),
        Err(failed) => Finding::failed("key", failed),
    });
}

pub(super) fn data(args: &NodeArgs) -> Result<Option<PathBuf>, Failed> {
    data_folder::named(args.data.as_deref(), args.key.as_deref(), args.keystore.keystore.as_deref())
}

fn data_folder_of(folder: &Path) -> Finding {
    let shown = folder.display();
    let there = match folder.metadata() {
        Ok(there) => there,
        Err(error) => {
            return Finding::warn(
                "data folder",
                format!("{shown}: {error}"),
                "`motet run` makes it at its first start",
            );
        }
    };
    let own = rustix::process::geteuid().as_raw();
    if !there.is_dir() || there.uid() != own {
        let next = "name a folder of this user with --data DIR";
        return Finding::fail("data folder", format!("{shown} is no folder of this user"), next);
    }
    if there.permissions().mode() & 0o077 != 0 {
        let next = format!("make it private: chmod 700 {shown}");
        return Finding::fail("data folder", format!("{shown} can be opened by other users"), next);
    }
    Finding::ok("data folder", format!("{shown}, for its owner alone"))
}

fn disk(folder: &Path) -> Finding {
    let there = folder.ancestors().find(|folder| folder.is_dir()).unwrap_or(Path::new("."));
    let room = match rustix::fs::statvfs(there) {
        Ok(disk) => disk.f_bavail.saturating_mul(disk.f_frsize),
        Err(error) => {
            let text = format!("{}: {error}", there.display());
            return Finding::warn("disk", text, "look at the disk by hand");
        }
    };
    let text = format!("{} MB of room for {}", room / (1024 * 1024), folder.display());
    match room {
        ..FULL => Finding::fail("disk", text, "make room: what cannot be written is not signed"),
        FULL..ROOM => Finding::warn("disk", text, "make room soon"),
        ROOM.. => Finding::ok("disk", text),
    }
}

fn signer(status: &Status) -> Finding {
    let text = format!("runs with version {}, for {} s", status.version, status.uptime_ms / 1000);
    let own = env!("CARGO_PKG_VERSION");
    if status.locked {
        return Finding::warn(
            "signer",
            format!("{text}, and is locked: it signs nothing"),
            "unlock it with `motet unlock`",
        );
    }
    if status.version != own {
        let next = "start it again with this version: `motet halt`, then `motet run`";
        return Finding::warn("signer", format!("{text}, and this program is {own}"), next);
    }
    Finding::ok("signer", text)
}

#[cfg(test)]
mod tests {
    use std::fs::Permissions;

    use super::super::finding::State;
    use super::*;

    #[test]
    fn an_open_folder_is_a_failure_and_a_private_one_is_not() {
        let folder = tempfile::tempdir().unwrap();
        for (mode, state) in [(0o755, State::Fail), (0o700, State::Ok)] {
            std::fs::set_permissions(folder.path(), Permissions::from_mode(mode)).unwrap();
            assert_eq!(data_folder_of(folder.path()).state, state, "{mode:o}");
        }
        assert_eq!(data_folder_of(&folder.path().join("none")).state, State::Warn);
        assert_ne!(disk(&folder.path().join("none")).text, "");
    }
}
