//! The files of the tree: read once, named by their path below the workspace root.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use walkdir::{DirEntry, WalkDir};

/// A text file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TextFile {
    /// Path below the root.
    pub(crate) path: String,
    /// Its contents.
    pub(crate) text: String,
}

impl TextFile {
    pub(crate) fn new(path: impl Into<String>, text: impl Into<String>) -> Self {
        Self { path: path.into(), text: text.into() }
    }
}

/// Folders that hold no file of ours: build output and what fuzzing leaves behind.
const SKIPPED: [&str; 4] = [".git", "target", "artifacts", "corpus"];

/// The paths of all files of ours below `root`.
pub(crate) fn paths(root: &Path) -> Result<Vec<PathBuf>> {
    let ours = |entry: &DirEntry| {
        let skipped = SKIPPED.iter().any(|name| entry.file_name() == *name) && entry.depth() > 0;
        // Cargo marks a build folder by this file, whatever its name.
        !skipped && !entry.path().join("CACHEDIR.TAG").exists()
    };
    let mut found = Vec::new();
    for entry in WalkDir::new(root).sort_by_file_name().into_iter().filter_entry(ours) {
        let entry = entry?;
        found.extend(
            entry.file_type().is_file().then(|| entry.path().strip_prefix(root).map(Path::to_owned)).transpose()?,
        );
    }
    Ok(found)
}

/// All files below `root` that end in one of `extensions`, in the order of their paths.
pub(crate) fn files(root: &Path, extensions: &[&str]) -> Result<Vec<TextFile>> {
    let wanted = |path: &PathBuf| extensions.iter().any(|wanted| path.extension().is_some_and(|is| is == *wanted));
    let read = |path: PathBuf| {
        let text = std::fs::read_to_string(root.join(&path)).with_context(|| path.display().to_string())?;
        Ok(TextFile::new(path.to_string_lossy(), text))
    };
    paths(root)?.into_iter().filter(wanted).map(read).collect()
}

#[cfg(test)]
pub(crate) mod fixtures {
    //! A small tree in a temporary folder, for the tests of the checks.

    /// Writes the files into a fresh temporary folder, in which the shell then is.
    pub(crate) fn tree(files: &[(&str, &str)]) -> (xshell::Shell, xshell::TempDir) {
        let sh = xshell::Shell::new().unwrap();
        let root = sh.create_temp_dir().unwrap();
        sh.change_dir(root.path());
        files.iter().for_each(|(path, text)| sh.write_file(path, text).unwrap());
        (sh, root)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn build_output_is_not_ours() {
        let ours = ["notes.txt", "src/deep/er.rs", "src/lib.rs"];
        let others = ["target/debug/build.rs", "other/CACHEDIR.TAG", "other/build.rs", ".git/x.rs"];
        let all: Vec<_> = ours.iter().chain(&others).map(|path| (*path, "//! a file")).collect();
        let (_sh, root) = fixtures::tree(&all);
        assert_eq!(paths(root.path()).unwrap(), ours.map(PathBuf::from));
        let rust: Vec<_> = files(root.path(), &["rs"]).unwrap().into_iter().map(|file| file.path).collect();
        assert_eq!(rust, ours[1..]);
    }
}
