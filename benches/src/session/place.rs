//! Where a node runs: with all others on the runtime of the bench, or on one of its own, as in a process of its own.
//!
//! On one runtime, two nodes that talk in turns are run in turns, by one thread, and each waits for the other's
//! housekeeping: that is what a server with many nodes does. Whoever signs with others has a machine, and the latency of
//! a session is measured so.

use std::future::Future;

use tokio::runtime::{Builder, Handle, Runtime};

use super::group::Failure;

/// Whether nodes share a runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Runtimes {
    /// They do.
    Shared,
    /// Each has its own, with as many threads as the machine has cores, as the daemon has.
    OneEach,
}

/// The runtime of one node.
#[derive(Debug)]
pub struct Place {
    handle: Handle,
    own: Option<Runtime>,
}

impl Place {
    /// A place to run, called on the runtime of the bench.
    ///
    /// # Errors
    ///
    /// What the operating system says about new threads.
    pub fn new(runtimes: Runtimes) -> Result<Self, Failure> {
        match runtimes {
            Runtimes::Shared => Ok(Self { handle: Handle::current(), own: None }),
            Runtimes::OneEach => {
                let own = Builder::new_multi_thread().enable_all().build()?;
                Ok(Self { handle: own.handle().clone(), own: Some(own) })
            }
        }
    }

    /// Runs something here, and waits for what comes of it.
    ///
    /// # Errors
    ///
    /// When it panics.
    pub async fn run<T: Send + 'static>(&self, work: impl Future<Output = T> + Send + 'static) -> Result<T, Failure> {
        Ok(self.handle.spawn(work).await?)
    }

    /// Runs something here.
    pub fn spawn(&self, work: impl Future<Output = ()> + Send + 'static) {
        drop(self.handle.spawn(work));
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        if let Some(own) = self.own.take() {
            own.shutdown_background();
        }
    }
}
