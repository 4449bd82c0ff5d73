//! Merged files between the two rounds: named by a line on standard input, or watched for.

use core::time::Duration;
use std::fs;
use std::path::{Path, PathBuf};

use crate::exit::{Exit, Failed};
use crate::output::note;
use crate::prompt::Typed;
use crate::psbt_file::PsbtFile;

/// Pause between two looks at a file that is awaited.
const PAUSE: Duration = Duration::from_millis(250);
/// Files that are refused before the command gives up: the person does not read why.
const REFUSED: usize = 20;

/// The way in which merged files come.
pub(super) enum Merged {
    /// A file that will be there.
    Watched {
        path: PathBuf,
        /// Length and time of the file that was refused last.
        refused: Option<Seen>,
    },
    /// Lines on standard input.
    Typed { lines: Typed, refused: usize },
}

/// Length and time of change of a file. A file that still grows has others at the next look.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) struct Seen {
    length: u64,
    changed: Option<std::time::SystemTime>,
}

impl Merged {
    pub(super) fn new(then: Option<&Path>) -> Self {
        match then {
            Some(path) => {
                note(&format!("waits for the merged file {}; end it with Ctrl-C", path.display()));
                Self::Watched { path: path.to_owned(), refused: None }
            }
            None => Self::Typed { lines: Typed::new(), refused: 0 },
        }
    }

    /// The next file, and its PSBT if it has one. None if there will be no more.
    pub(super) fn next(&mut self) -> Option<(PathBuf, Result<PsbtFile, Failed>)> {
        let path = match self {
            Self::Typed { lines, .. } => loop {
                note("now type the path of the merged file:");
                let line = lines.next()?;
                if !line.is_empty() {
                    break PathBuf::from(line);
                }
            },
            Self::Watched { path, refused } => {
                *refused = Some(settled(path, *refused));
                path.clone()
            }
        };
        let read = PsbtFile::read(&path);
        Some((path, read))
    }

    /// True if another file may come after a refused one.
    ///
    /// A person may have named a wrong file. A watched file may not be whole or complete yet. One that a member has changed stays
    /// wrong, so that waiting would not help.
    pub(super) fn goes_on_after(&mut self, failed: &Failed, was_read: bool) -> bool {
        match self {
            Self::Typed { refused, .. } => {
                *refused += 1;
                *refused < REFUSED
            }
            Self::Watched { .. } => !was_read || failed.exit == Exit::Incomplete,
        }
    }
}

/// Waits until a file is there that no other one was refused as, and that has stopped growing.
fn settled(path: &Path, refused: Option<Seen>) -> Seen {
    let look = || {
        let found = fs::metadata(path).ok()?;
        Some(Seen { length: found.len(), changed: found.modified().ok() })
    };
    let mut last = None;
    loop {
        let found = look();
        match found {
            Some(seen) if found == last && found != refused && seen.length > 0 => return seen,
            _ => {}
        }
        last = found;
        std::thread::sleep(PAUSE);
    }
}
