//! The folders of this user for the files of programs (XDG Base Directory Specification).

use std::path::PathBuf;

/// The folder of Motet's data; none if the user has no home.
pub(crate) fn data() -> Option<PathBuf> {
    folder("XDG_DATA_HOME", ".local/share")
}

/// The folder of Motet's configuration; none if the user has no home.
pub(crate) fn config() -> Option<PathBuf> {
    folder("XDG_CONFIG_HOME", ".config")
}

/// The file with the configuration, if the user names no other; none if the user has no home.
pub(crate) fn config_file() -> Option<PathBuf> {
    Some(config()?.join("config.toml"))
}

/// Our folder in the one that a variable names, or in a folder of the user's home. Paths that are not absolute do not count.
fn folder(variable: &str, in_home: &str) -> Option<PathBuf> {
    let absolute = |name: &str| std::env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let folder = absolute(variable).or_else(|| Some(absolute("HOME")?.join(in_home)))?;
    Some(folder.join("motet"))
}
