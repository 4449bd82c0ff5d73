//! A line that a person types at the terminal and nobody sees.
//!
//! The terminal gives each key by itself meanwhile, so that Ctrl-C is a key like others and the terminal is as before in the end,
//! whatever signals the program listens to.

use std::io;
use std::sync::{Mutex, PoisonError};

use rustix::event::{PollFd, PollFlags, poll};
use rustix::io::Errno;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcsetattr};
use zeroize::Zeroizing;

use super::screen::say;

/// Bytes of a line: more than a passphrase may have.
const LINE: usize = 1024;

const CTRL_C: u8 = 3;
const CTRL_D: u8 = 4;
const BACKSPACE: u8 = 8;
const CTRL_U: u8 = 21;
const CTRL_BACKSLASH: u8 = 28;
const DELETE: u8 = 127;

/// The state of the terminal before a question, while one is on the screen.
static BEFORE: Mutex<Option<Termios>> = Mutex::new(None);

/// The person's answer.
pub(crate) enum Hidden {
    /// A line, without its end.
    Line(Zeroizing<String>),
    /// The person has given the question up.
    Cancelled,
    /// There is no input any more.
    Ended,
}

/// Asks on standard error, and reads a line from standard input, which is a terminal. Input from before the question is thrown away.
pub(crate) fn ask(question: &str) -> io::Result<Hidden> {
    hide()?;
    say(question);
    let answer = read();
    show_again();
    say("\n");
    answer
}

/// Lets the terminal show again what is typed, if it does not. The end of the program does this too: a question may be open then.
pub(crate) fn show_again() {
    if let Some(before) = before().take() {
        // If that fails, there is no terminal any more.
        let _ = tcsetattr(rustix::stdio::stdin(), OptionalActions::Flush, &before);
    }
}

fn before() -> std::sync::MutexGuard<'static, Option<Termios>> {
    // The value is whole after every step.
    BEFORE.lock().unwrap_or_else(PoisonError::into_inner)
}

fn hide() -> io::Result<()> {
    let mut kept = before();
    let state = tcgetattr(rustix::stdio::stdin())?;
    let mut hidden = state.clone();
    hidden.local_modes -= LocalModes::ECHO | LocalModes::ECHONL | LocalModes::ICANON | LocalModes::ISIG;
    tcsetattr(rustix::stdio::stdin(), OptionalActions::Flush, &hidden)?;
    kept.get_or_insert(state);
    Ok(())
}

fn read() -> io::Result<Hidden> {
    // Never moved to a larger place, which would leave a copy behind.
    let mut line = Zeroizing::new(Vec::with_capacity(LINE));
    let mut key = Zeroizing::new([0; 1]);
    loop {
        let mut input = [PollFd::from_borrowed_fd(rustix::stdio::stdin(), PollFlags::IN)];
        match poll(&mut input, None) {
            Ok(_) => {}
            // Signals are for those who listen to them.
            Err(Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        match rustix::io::read(rustix::stdio::stdin(), key.as_mut_slice()) {
            Ok(1..) => {}
            Ok(0) | Err(Errno::IO) => return Ok(Hidden::Ended),
            Err(Errno::AGAIN | Errno::INTR) => continue,
            Err(error) => return Err(error.into()),
        }
        let [typed] = *key;
        match typed {
            b'\n' | b'\r' => break,
            CTRL_C | CTRL_BACKSLASH => return Ok(Hidden::Cancelled),
            CTRL_D if line.is_empty() => return Ok(Hidden::Cancelled),
            CTRL_D => break,
            CTRL_U => line.clear(),
            // A character of several bytes goes as a whole.
            BACKSPACE | DELETE => while line.pop().is_some_and(|byte| byte & 0xc0 == 0x80) {},
            _ if line.len() < LINE => line.push(typed),
            _ => return Err(io::Error::other(format!("the line has more than {LINE} bytes"))),
        }
    }
    let text = core::str::from_utf8(&line).map_err(|_| io::Error::other("the line is not UTF-8"))?;
    Ok(Hidden::Line(Zeroizing::new(text.to_owned())))
}
