//! Ctrl-C and the system's request to end, remembered from the moment on at which somebody listens.

use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::exit::{Exit, Failed};

/// Interrupts that nobody has looked at yet.
pub(crate) struct Interrupts {
    interrupt: Signal,
    terminate: Signal,
}

impl Interrupts {
    /// From here on, interrupts do not end the program by themselves.
    pub(crate) fn listen() -> Result<Self, Failed> {
        let listen = |kind| signal(kind).map_err(Failed::here);
        Ok(Self { interrupt: listen(SignalKind::interrupt())?, terminate: listen(SignalKind::terminate())? })
    }

    /// Waits for one.
    pub(crate) async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }

    /// Gives work up at an interrupt, whatever it is doing; what it holds is tidied up as it is dropped.
    pub(crate) async fn unless<T>(&mut self, work: impl Future<Output = Result<T, Failed>>) -> Result<T, Failed> {
        tokio::select! {
            done = work => done,
            () = self.next() => Err(Self::cancelled()),
        }
    }

    /// What a command that was interrupted says.
    pub(crate) fn cancelled() -> Failed {
        Failed::new(Exit::Cancelled, "cancelled")
    }
}
