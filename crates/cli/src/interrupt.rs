//! Ctrl-C, the system's request to end and the end of the terminal, remembered from the moment on at which the program
//! listens.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::{Exit, Failed};

/// Interrupts that are not handled yet.
pub(crate) struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
    /// `None` if the parent wants the program to outlive the terminal, as `nohup` does.
    hangup: Option<Signal>,
}

impl Interrupts {
    /// From here on, interrupts do not end the program by themselves.
    pub(crate) fn listen() -> Result<Self, Failed> {
        let listen = |kind| signal(kind).map_err(Failed::here);
        let hangup = if is_ignored(SignalKind::hangup()) { None } else { Some(listen(SignalKind::hangup())?) };
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())?, hangup })
    }

    /// Waits for one.
    pub(crate) async fn next(&mut self) {
        let hangup = async {
            match &mut self.hangup {
                Some(hangup) => hangup.recv().await,
                None => core::future::pending().await,
            }
        };
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
            _ = hangup => {}
        }
    }

    /// Drops the work at an interrupt, at any point; the values that it holds tidy up as they are dropped.
    pub(crate) async fn unless<T>(&mut self, work: impl Future<Output = Result<T, Failed>>) -> Result<T, Failed> {
        tokio::select! {
            done = work => done,
            () = self.next() => Err(Self::cancelled()),
        }
    }

    /// The failure of a command that was interrupted.
    pub(crate) fn cancelled() -> Failed {
        Failed::new(Exit::Interrupted, "interrupted")
    }
}

/// True if this process ignores a signal. Linux tells it; elsewhere, no signal counts as ignored.
fn is_ignored(kind: SignalKind) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|digits| u64::from_str_radix(digits.trim(), 16).ok()).unwrap_or(0);
    // The lowest bit is signal 1.
    let place = u32::try_from(kind.as_raw_value()).ok().and_then(|number| number.checked_sub(1));
    place.and_then(|place| mask.checked_shr(place)).is_some_and(|rest| rest & 1 == 1)
}
