//! Exit codes. They are an interface: scripts rely on them, and they are listed in `docs/operations.md`.

use core::fmt;
use std::process::ExitCode;

use crate::text::escaped;

/// The exit code of a command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// 0: the command has succeeded.
    Success,
    /// 1: this machine failed: a file, the store, the network.
    Failure,
    /// 2: the command line is wrong.
    Usage,
    /// 3: a signer that was asked for was not found.
    NotFound,
    /// 4: a signature does not verify.
    Invalid,
    /// 5: the session failed, and the message names the faulty or awaited signer.
    Session,
    /// 6: the user of this node declined or gave up.
    Cancelled,
    /// 7: a PSBT or a group is refused: it is malformed, contradicts another one, or was changed between the rounds.
    Refused,
    /// 8: nonces or signatures are missing.
    Incomplete,
    /// 9: keys are locked: a keystore does not open, or the running signer is locked.
    Locked,
    /// 10: the rules of this node declined.
    Policy,
    /// 11: no node is reached: none of those that were named, or none by the running signer.
    NoPeers,
    /// 12: two processes speak for one signer, so that going on could use a nonce twice.
    NonceSafety,
    /// 130: the command was interrupted, as shells say it of Ctrl-C.
    Interrupted,
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(match exit {
            Exit::Success => 0,
            Exit::Failure => 1,
            // The parser of arguments ends with the same code by itself.
            Exit::Usage => 2,
            Exit::NotFound => 3,
            Exit::Invalid => 4,
            Exit::Session => 5,
            Exit::Cancelled => 6,
            Exit::Refused => 7,
            Exit::Incomplete => 8,
            Exit::Locked => 9,
            Exit::Policy => 10,
            Exit::NoPeers => 11,
            Exit::NonceSafety => 12,
            Exit::Interrupted => 130,
        })
    }
}

/// An error that ends a command: the failure, and the next step for the user.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) exit: Exit,
    pub(crate) what: String,
    pub(crate) next: Option<String>,
}

impl Failed {
    /// This machine's failure.
    pub(crate) fn here(error: impl fmt::Display) -> Self {
        Self::new(Exit::Failure, error)
    }

    /// A wrong command line that only a look at the values shows.
    pub(crate) fn usage(error: impl fmt::Display) -> Self {
        Self::new(Exit::Usage, error)
    }

    pub(crate) fn new(exit: Exit, what: impl fmt::Display) -> Self {
        Self { exit, what: what.to_string(), next: None }
    }

    /// The same failure where the rules of this node decided, and nobody was asked.
    pub(crate) fn by_rules(self) -> Self {
        let exit = if self.exit == Exit::Cancelled { Exit::Policy } else { self.exit };
        Self { exit, ..self }
    }

    pub(crate) fn hint(self, next: impl Into<String>) -> Self {
        Self { next: Some(next.into()), ..self }
    }
}

impl fmt::Display for Failed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Errors may contain texts of peers and files.
        write!(f, "{}", escaped(&self.what))?;
        // A hint may have several lines of our own; texts of others in it are in one line already.
        self.next.iter().flat_map(|next| next.lines()).try_for_each(|line| write!(f, "\n  {}", escaped(line)))
    }
}
