//! The files of the tree: read once, named by their path below the workspace root.

use std::path::Path;

use crate::failure::Failure;

/// A text file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TextFile {
    /// Path below the root, with `/` between its parts.
    pub(crate) path: String,
    /// Its contents.
    pub(crate) text: String,
}

/// Folders that hold no file of ours: build output and what fuzzing leaves behind.
const SKIPPED: [&str; 4] = [".git", "target", "artifacts", "corpus"];

/// All files below `root` that end in one of `extensions`, in the order of their paths.
pub(crate) fn files(root: &Path, extensions: &[&str]) -> Result<Vec<TextFile>, Failure> {
    let mut found = Vec::new();
    collect(root, root, extensions, &mut found)?;
    found.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(found)
}

/// The file at `path` below `root`, or nothing when it is not there.
pub(crate) fn file(root: &Path, path: &str) -> Result<Option<TextFile>, Failure> {
    let full = root.join(path);
    match std::fs::read_to_string(&full) {
        Ok(text) => Ok(Some(TextFile { path: path.to_owned(), text })),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::file(&full, error)),
    }
}

fn collect(root: &Path, folder: &Path, extensions: &[&str], found: &mut Vec<TextFile>) -> Result<(), Failure> {
    for entry in std::fs::read_dir(folder).map_err(|error| Failure::file(folder, error))? {
        let path = entry.map_err(|error| Failure::file(folder, error))?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if path.is_symlink() {
            continue;
        }
        if path.is_dir() {
            // Cargo marks a build folder by this file, whatever its name.
            if !SKIPPED.contains(&name.as_ref()) && !path.join("CACHEDIR.TAG").exists() {
                collect(root, &path, extensions, found)?;
            }
        } else if path.extension().is_some_and(|extension| extensions.iter().any(|wanted| extension == *wanted)) {
            let text = std::fs::read_to_string(&path).map_err(|error| Failure::file(&path, error))?;
            found.push(TextFile { path: below(root, &path), text });
        }
    }
    Ok(())
}

/// The path below the root, with `/` between its parts.
pub(crate) fn below(root: &Path, path: &Path) -> String {
    let parts = path.strip_prefix(root).unwrap_or(path).components();
    parts.map(|part| part.as_os_str().to_string_lossy()).collect::<Vec<_>>().join("/")
}

#[cfg(test)]
pub(crate) mod fixtures {
    //! A small tree in a temporary folder, for the tests of the checks.

    /// Writes the files into a fresh temporary folder.
    pub(crate) fn tree(files: &[(&str, &str)]) -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let full = root.path().join(path);
            std::fs::create_dir_all(full.parent().unwrap()).unwrap();
            std::fs::write(full, text).unwrap();
        }
        root
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn build_output_is_not_ours() {
        let root = fixtures::tree(&[
            ("src/lib.rs", "//! ours"),
            ("src/deep/er.rs", "//! ours"),
            ("notes.txt", "not asked for"),
            ("target/debug/build.rs", "//! cargo's"),
            ("other/CACHEDIR.TAG", ""),
            ("other/build.rs", "//! cargo's"),
        ]);
        let paths: Vec<_> = files(root.path(), &["rs"]).unwrap().into_iter().map(|file| file.path).collect();
        assert_eq!(paths, ["src/deep/er.rs", "src/lib.rs"]);
    }

    #[test]
    fn a_file_that_is_not_there_is_no_error() {
        let root = fixtures::tree(&[]);
        assert_eq!(file(root.path(), "docs/validation.md").unwrap(), None);
    }
}
