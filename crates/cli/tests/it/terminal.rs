//! A terminal with a process at it: a real pseudo-terminal, typed at and read like a person's.
//!
//! Nothing sleeps: what is typed has been taken in when the terminal echoes it, and whoever waits, waits for a line.

use std::fs::File;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, ExitStatus};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};

use rustix::fs::{Mode, OFlags};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};
use rustix::termios::{Winsize, tcsetwinsize};

use crate::process::GUARD;

/// A process at a terminal. It is killed when it goes out of scope.
pub(crate) struct Terminal {
    keyboard: File,
    child: Child,
    shown: Receiver<Vec<u8>>,
    /// Bytes of a character that is not whole yet.
    begun: Vec<u8>,
    all: String,
    /// How much of it has been looked at.
    seen: usize,
}

impl Terminal {
    /// Starts this at a terminal of its own: input, output and errors.
    pub(crate) fn start(mut command: Command) -> Self {
        let keyboard = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY | OpenptFlags::CLOEXEC).unwrap();
        set_size(&keyboard, 100, 40);
        grantpt(&keyboard).unwrap();
        unlockpt(&keyboard).unwrap();
        let name = ptsname(&keyboard, Vec::new()).unwrap();
        let terminal: OwnedFd =
            rustix::fs::open(name, OFlags::RDWR | OFlags::NOCTTY | OFlags::CLOEXEC, Mode::empty()).unwrap();
        command.stdin(terminal.try_clone().unwrap()).stdout(terminal.try_clone().unwrap()).stderr(terminal);
        let child = command.spawn().unwrap();
        // This process must not keep the terminal open, or its end would not be seen.
        drop(command);
        let keyboard = File::from(keyboard);
        let mut screen = keyboard.try_clone().unwrap();
        let (shows, shown) = channel();
        std::thread::spawn(move || {
            let mut chunk = [0; 4096];
            // Reading fails when nobody has the terminal open any more; the receiver may have gone with its test.
            while let Ok(read @ 1..) = screen.read(&mut chunk) {
                if shows.send(chunk[..read].to_vec()).is_err() {
                    break;
                }
            }
        });
        Self { keyboard, child, shown, begun: Vec::new(), all: String::new(), seen: 0 }
    }

    /// Gives the terminal a size, and tells the process so.
    pub(crate) fn resize(&self, columns: u16, rows: u16) {
        set_size(&self.keyboard, columns, rows);
        self.signal("WINCH");
    }

    /// Waits for this text, after everything that was waited for before. The rest of its line, with what stands before it.
    pub(crate) fn shows(&mut self, text: &str) -> String {
        loop {
            let fresh = &self.all[self.seen..];
            if let Some(begin) = fresh.find(text)
                && let Some(end) = fresh[begin + text.len()..].find('\n')
            {
                let start = fresh[..begin].rfind('\n').map_or(0, |before| before + 1);
                let end = begin + text.len() + end;
                let line = fresh[start..end].trim_end().to_owned();
                self.seen += end + 1;
                return line;
            }
            assert!(self.more(text), "ended without {text:?}\n{}", self.all);
        }
    }

    /// Waits for this question, after which no line ends.
    pub(crate) fn prompts(&mut self, text: &str) {
        while !self.all[self.seen..].contains(text) {
            assert!(self.more(text), "ended without {text:?}\n{}", self.all);
        }
        self.seen = self.all.len();
    }

    /// Types this, which is not echoed.
    pub(crate) fn types_hidden(&mut self, text: &str) {
        self.keyboard.write_all(text.as_bytes()).unwrap();
    }

    /// True if the terminal echoes what is typed.
    pub(crate) fn echoes(&self) -> bool {
        rustix::termios::tcgetattr(&self.keyboard).unwrap().local_modes.contains(rustix::termios::LocalModes::ECHO)
    }

    /// Types this, and waits until the terminal has taken it in.
    pub(crate) fn types(&mut self, text: &str) {
        let mut from = self.all.len();
        self.keyboard.write_all(text.as_bytes()).unwrap();
        for line in text.split_inclusive('\n') {
            let echo = line.replace('\n', "\r\n");
            let found = loop {
                if let Some(found) = self.all[from..].find(&echo) {
                    break found;
                }
                assert!(self.more(text), "ended without the echo of {text:?}\n{}", self.all);
            };
            from += found + echo.len();
        }
    }

    /// Presses a key that is not echoed.
    pub(crate) fn presses(&mut self, key: u8) {
        self.keyboard.write_all(&[key]).unwrap();
    }

    /// Waits for the question about a request. What it says to type.
    pub(crate) fn is_asked(&mut self) -> String {
        let line = self.shows("to sign, type: yes ");
        line.split("yes ").nth(1).unwrap().split_whitespace().next().unwrap().to_owned()
    }

    /// Sends it a signal by name, such as `INT`.
    pub(crate) fn signal(&self, name: &str) {
        let sent = Command::new("kill").arg(format!("-{name}")).arg(self.child.id().to_string()).status().unwrap();
        assert!(sent.success());
    }

    /// Waits for its end, and returns everything that was shown.
    pub(crate) fn wait(mut self) -> (ExitStatus, String) {
        while self.more("the end") {}
        let status = self.child.wait().unwrap();
        assert!(!self.all.contains("panicked"), "{}", self.all);
        (status, core::mem::take(&mut self.all))
    }

    /// Takes in what is shown next; false at the end.
    fn more(&mut self, wanted: &str) -> bool {
        match self.shown.recv_timeout(GUARD) {
            Ok(bytes) => {
                self.begun.extend(bytes);
                let whole = match std::str::from_utf8(&self.begun) {
                    Ok(text) => text.len(),
                    Err(error) => error.valid_up_to(),
                };
                self.all.push_str(std::str::from_utf8(&self.begun[..whole]).unwrap());
                self.begun.drain(..whole);
                true
            }
            Err(RecvTimeoutError::Disconnected) => false,
            Err(RecvTimeoutError::Timeout) => panic!("waited for {wanted:?} and nothing came\n{}", self.all),
        }
    }
}

fn set_size(terminal: &impl std::os::fd::AsFd, columns: u16, rows: u16) {
    let size = Winsize { ws_row: rows, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0 };
    tcsetwinsize(terminal, size).unwrap();
}

impl Drop for Terminal {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
