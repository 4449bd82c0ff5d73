//! The encrypted keystore of this user (`docs/adr/0027`): its file, and how it is read and changed.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use motet_keystore::{Cost, Keystore, OpenError, Passphrase, header};
use motet_node::OsEntropy;

use crate::args::KeystoreArgs;
use crate::exit::{Exit, Failed};
use crate::{files, passphrase, secret_file, user_folders};

/// The file of a keystore.
#[derive(Debug)]
pub(crate) struct KeystoreFile<'a> {
    args: &'a KeystoreArgs,
    path: PathBuf,
}

/// The file that the user names, or that of this user's data.
pub(crate) fn path(named: Option<&Path>) -> Result<PathBuf, Failed> {
    let path = named.map(Path::to_owned).or_else(|| Some(user_folders::data()?.join("keystore")));
    path.ok_or_else(|| {
        Failed::here("there is no place for a keystore: HOME is not set")
            .hint("name one with --keystore FILE, or set MOTET_KEYSTORE")
    })
}

impl<'a> KeystoreFile<'a> {
    /// The file that the user names, or that of this user's data.
    pub(crate) fn of(args: &'a KeystoreArgs) -> Result<Self, Failed> {
        Ok(Self { args, path: path(args.keystore.as_deref())? })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn is_there(&self) -> bool {
        fs::symlink_metadata(&self.path).is_ok()
    }

    /// Reads the keystore, with the passphrase of the user.
    pub(crate) fn open(&self) -> Result<Keystore, Failed> {
        let bytes = self.read()?;
        let passphrase = passphrase::of(&self.path, self.args.passphrase_file.as_deref())?;
        Ok(self.decrypt(&bytes, &passphrase)?.0)
    }

    /// Looks whether the file is a keystore for its owner alone, without opening it.
    pub(crate) fn check(&self) -> Result<(), Failed> {
        self.read().map(drop)
    }

    /// Reads the keystore, with this passphrase.
    pub(crate) fn open_with(&self, passphrase: &Passphrase) -> Result<Keystore, Failed> {
        Ok(self.decrypt(&self.read()?, passphrase)?.0)
    }

    /// Changes the keystore, and makes it if `is_made` and it is not there.
    pub(crate) fn change<T>(
        &self,
        is_made: bool,
        change: impl FnOnce(&mut Keystore) -> Result<T, Failed>,
    ) -> Result<T, Failed> {
        let file = self.args.passphrase_file.as_deref();
        if is_made && !self.is_there() {
            let passphrase = passphrase::of_new(&self.path, file)?;
            let mut keystore = Keystore::new();
            let changed = change(&mut keystore)?;
            let made = files::make_folder(folder_of(&self.path));
            made.and_then(|()| files::create(&self.path, &seal(&keystore, &passphrase, Cost::DEFAULT)?))
                .map_err(|error| self.unwritten(&error))?;
            return Ok(changed);
        }
        // What cannot be opened at all is refused before the question.
        self.read()?;
        let passphrase = passphrase::of(&self.path, file)?;
        self.rewrite(&passphrase, None, change)
    }

    /// Encrypts the keystore with another passphrase.
    pub(crate) fn change_passphrase(&self, new: Option<&Path>) -> Result<(), Failed> {
        let bytes = self.read()?;
        let passphrase = passphrase::of(&self.path, self.args.passphrase_file.as_deref())?;
        // The new one is for the owner of the old one alone.
        self.decrypt(&bytes, &passphrase)?;
        let new = passphrase::another(&self.path, new)?;
        self.rewrite(&passphrase, Some(&new), |_| Ok(()))
    }

    /// Reads, changes and writes the keystore, with no other process in between.
    fn rewrite<T>(
        &self,
        passphrase: &Passphrase,
        new: Option<&Passphrase>,
        change: impl FnOnce(&mut Keystore) -> Result<T, Failed>,
    ) -> Result<T, Failed> {
        // The file itself is replaced, and a link to it stays.
        let path = fs::canonicalize(&self.path).map_err(|error| self.unwritten(&error))?;
        // The file gets another inode at each write, so the folder has the lock.
        let lock = File::open(folder_of(&path)).map_err(|error| self.unwritten(&error))?;
        lock.lock().map_err(|error| self.unwritten(&error))?;
        let (mut keystore, cost) = self.decrypt(&self.read()?, passphrase)?;
        let changed = change(&mut keystore)?;
        let sealed = seal(&keystore, new.unwrap_or(passphrase), cost.at_least(Cost::DEFAULT));
        let written = sealed.and_then(|bytes| files::replace(&path, &bytes));
        written.map_err(|error| self.unwritten(&error))?;
        Ok(changed)
    }

    fn read(&self) -> Result<Vec<u8>, Failed> {
        let bytes = secret_file::read_keystore(&self.path)?;
        if header::is_keystore(&bytes) {
            return Ok(bytes);
        }
        let what = format!("{} is no keystore", self.path.display());
        Err(Failed::here(what).hint("name a file that `motet key new` has made, or restore it from a copy"))
    }

    fn decrypt(&self, bytes: &[u8], passphrase: &Passphrase) -> Result<(Keystore, Cost), Failed> {
        Keystore::open(bytes, passphrase).map_err(|error| {
            let what = format!("{}: {error}", self.path.display());
            match error {
                OpenError::Locked => Failed::new(Exit::Locked, what),
                OpenError::Version { .. } => Failed::here(what).hint("use that version, or a newer one"),
                OpenError::Memory => Failed::here(what),
                OpenError::NoKeystore
                | OpenError::Truncated
                | OpenError::TooLong
                | OpenError::Cost(_)
                | OpenError::Content(_)
                | _ => Failed::here(what).hint("restore it from a copy"),
            }
        })
    }

    fn unwritten(&self, error: &std::io::Error) -> Failed {
        let what = format!("cannot write the keystore {}: {error}", self.path.display());
        Failed::here(what).hint("nothing was changed; mend that, or name another file with --keystore FILE")
    }
}

fn seal(keystore: &Keystore, passphrase: &Passphrase, cost: Cost) -> std::io::Result<Vec<u8>> {
    keystore.seal(passphrase, cost, &mut OsEntropy).map_err(std::io::Error::other)
}

fn folder_of(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}
