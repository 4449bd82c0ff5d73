//! Standard input, line by line, as long as a question is on the screen.
//!
//! Only input that is typed while a question is on the screen is an answer to it. So nothing is read ahead, and waiting
//! input is thrown away first. Nothing is read without a question, nor from the background: the system would stop the
//! process for that.

use core::time::Duration;
use std::io::{IsTerminal as _, PipeReader};
use std::os::fd::{AsFd as _, BorrowedFd};
use std::os::unix::fs::FileTypeExt as _;

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::io::Errno;
use rustix::termios::{QueueSelector, tcflush, tcgetpgrp};

/// Bytes of a line: an answer has a word and an id, and a longer line is none.
const LINE: usize = 1024;
/// Bytes that are thrown away at most before a question; no pipe holds more.
const AHEAD: usize = 2 * 1024 * 1024;
/// Pause between two checks of a background process whether it is in the front now.
const GLANCE: Duration = Duration::from_millis(250);

/// The result of waiting for a line.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// A whole line, without its end.
    Line(String),
    /// The process has been brought to the front, and input from now on is for it.
    Front,
    /// The question is over.
    Over,
    /// There is no input any more, and will not be.
    Ended,
}

/// True if an answer is possible: by a person at a terminal, or by a program at the other end of a pipe or socket. A
/// file can only answer ahead, and `/dev/null` never answers.
pub(crate) fn somebody_may_answer() -> bool {
    if std::io::stdin().is_terminal() {
        return true;
    }
    let file = std::io::stdin().as_fd().try_clone_to_owned().map(std::fs::File::from);
    let kind = file.and_then(|file| file.metadata()).map(|metadata| metadata.file_type());
    let state = waiting(stdin(), Duration::ZERO);
    // A pipe whose other end is closed, and in which nothing is left.
    let ended = state.contains(PollFlags::HUP) && !state.contains(PollFlags::IN);
    kind.is_ok_and(|kind| kind.is_fifo() || kind.is_socket()) && !ended
}

/// True if this process runs in the background of its terminal, where it may not read.
pub(super) fn is_in_the_background() -> bool {
    // A terminal that does not control this process has no foreground.
    tcgetpgrp(stdin()).is_ok_and(|front| front != rustix::process::getpgrp())
}

/// The lines that are typed from now on.
#[derive(Debug)]
pub(super) struct Lines {
    terminal: bool,
    /// True if the process has been in the background: input of that time is not for it.
    behind: bool,
    begun: Vec<u8>,
    overlong: bool,
}

impl Lines {
    /// Throws away the input so far.
    pub(super) fn from_now_on() -> Self {
        let mut lines = Self::as_they_come();
        lines.behind = lines.terminal && is_in_the_background();
        if !lines.behind {
            lines.discard();
        }
        lines
    }

    /// Input that was typed and not read counts as a line, too.
    pub(super) fn as_they_come() -> Self {
        Self { terminal: std::io::stdin().is_terminal(), behind: false, begun: Vec::new(), overlong: false }
    }

    fn discard(&mut self) {
        self.begun.clear();
        self.overlong = false;
        if self.terminal {
            // If that fails, there is no terminal any more, and reading says so.
            let _ = tcflush(stdin(), QueueSelector::IFlush);
            return;
        }
        let mut thrown_away = 0;
        let mut chunk = [0; 4096];
        while thrown_away < AHEAD && waiting(stdin(), Duration::ZERO).contains(PollFlags::IN) {
            match rustix::io::read(stdin(), &mut chunk) {
                Ok(read) if read > 0 => thrown_away += read,
                Ok(_) | Err(_) => return,
            }
        }
    }

    /// Waits for the next line, until the question is over.
    pub(super) fn next(&mut self, over: &PipeReader) -> Next {
        loop {
            if let Some(line) = self.taken() {
                return Next::Line(line);
            }
            if self.terminal && is_in_the_background() {
                self.behind = true;
                if !waiting(over.as_fd(), GLANCE).is_empty() {
                    return Next::Over;
                }
                continue;
            }
            if core::mem::take(&mut self.behind) {
                // The input so far was for another program.
                self.discard();
                return Next::Front;
            }
            let mut both = [PollFd::from_borrowed_fd(stdin(), PollFlags::IN), PollFd::new(over, PollFlags::IN)];
            match poll(&mut both, None) {
                Ok(_) | Err(Errno::INTR) => {}
                Err(_) => return Next::Ended,
            }
            let [input, over] = both.map(|one| one.revents());
            if !over.is_empty() {
                return Next::Over;
            }
            let may_read = !self.terminal || !is_in_the_background();
            if !input.is_empty() && may_read && !self.take_in(input) {
                return Next::Ended;
            }
        }
    }

    /// Reads the waiting input. False if no more will come.
    fn take_in(&mut self, state: PollFlags) -> bool {
        let mut chunk = [0; LINE];
        match rustix::io::read(stdin(), &mut chunk) {
            // At a terminal that is still there it is Ctrl-D: a line that says nothing.
            Ok(0) if self.terminal && !state.contains(PollFlags::HUP) => self.begun.push(b'\n'),
            Ok(0) => return false,
            Ok(read) => self.begun.extend(chunk.iter().take(read)),
            Err(Errno::INTR | Errno::AGAIN) => {}
            Err(_) => return false,
        }
        true
    }

    /// The first line of the input that was read.
    fn taken(&mut self) -> Option<String> {
        let Some(end) = self.begun.iter().position(|byte| *byte == b'\n') else {
            if self.begun.len() > LINE {
                self.begun.clear();
                self.overlong = true;
            }
            return None;
        };
        let line: Vec<u8> = self.begun.drain(..=end).collect();
        // The rest of a line that was too long is no line of its own.
        let overlong = core::mem::take(&mut self.overlong) || line.len() > LINE;
        Some(if overlong { String::new() } else { String::from_utf8_lossy(&line).trim().to_owned() })
    }
}

fn stdin() -> BorrowedFd<'static> {
    rustix::stdio::stdin()
}

/// The readiness of the source for reading, within that time.
fn waiting(source: BorrowedFd<'_>, patience: Duration) -> PollFlags {
    let mut one = [PollFd::from_borrowed_fd(source, PollFlags::IN)];
    let found = poll(&mut one, Timespec::try_from(patience).ok().as_ref());
    let [one] = one;
    if found.is_ok() { one.revents() } else { PollFlags::empty() }
}
