//! The disk alone: how long one durable write takes where the nodes of a bench have their stores.

use std::fs::File;
use std::io::Write;
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::session::group::Failure;

/// Bytes of one write: a page of a store.
const PAGE: [u8; 4_096] = [1; 4_096];

/// A file in the temporary folder, where the stores of a bench are, too.
#[derive(Debug)]
pub struct Disk {
    file: File,
    _folder: TempDir,
}

impl Disk {
    /// A new file.
    ///
    /// # Errors
    ///
    /// When it cannot be made.
    pub fn new() -> Result<Self, Failure> {
        let folder = tempfile::tempdir()?;
        let file = File::create(folder.path().join("disk"))?;
        Ok(Self { file, _folder: folder })
    }

    /// Time that one page takes to be appended and to be durable.
    ///
    /// # Errors
    ///
    /// When the disk refuses it.
    pub fn sync(&mut self) -> Result<Duration, Failure> {
        let begin = Instant::now();
        self.file.write_all(&PAGE)?;
        self.file.sync_data()?;
        Ok(begin.elapsed())
    }
}
