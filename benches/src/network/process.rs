//! Time and memory of a process, as Linux counts them.

use std::time::{Duration, Instant};

use crate::session::group::Failure;

/// Time for which a process may be busy after its start. Hundreds of servers of the DHT never rest all at once: they are measured as they are then.
const PATIENCE: Duration = Duration::from_secs(30);

/// A process of this machine.
#[derive(Debug, Clone)]
pub struct Process(String);

impl Process {
    /// This process.
    pub fn this() -> Self {
        Self("self".to_owned())
    }

    /// The process of this id.
    pub fn of_id(id: u32) -> Self {
        Self(id.to_string())
    }

    /// The processor time of all its threads, in hundredths of a second.
    ///
    /// # Errors
    ///
    /// If it is not there, or this is not Linux.
    pub fn time(&self) -> Result<Duration, Failure> {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.0))?;
        // The name in brackets may have spaces in it; user and system time are the 12th and 13th field after it.
        let (_, fields) = stat.rsplit_once(')').ok_or("no name")?;
        let ticks: u64 = fields.split_whitespace().skip(11).take(2).filter_map(|field| field.parse::<u64>().ok()).sum();
        Ok(Duration::from_millis(ticks * 10))
    }

    /// Its resident memory in bytes.
    ///
    /// # Errors
    ///
    /// If it is not there, or this is not Linux.
    pub fn resident(&self) -> Result<u64, Failure> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.0))?;
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).ok_or("no VmRSS")?;
        let kilobytes: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kilobytes * 1_024)
    }

    /// Waits until it has done what it does after its start, such as to fill its tables: until it uses less than a fifth of a core, and for half a
    /// minute at most.
    ///
    /// # Errors
    ///
    /// If it is not there, or this is not Linux.
    pub async fn quiet(&self) -> Result<(), Failure> {
        self.quiet_within(PATIENCE).await
    }

    /// The same, for so long at most.
    ///
    /// # Errors
    ///
    /// If it is not there, or this is not Linux.
    pub async fn quiet_within(&self, patience: Duration) -> Result<(), Failure> {
        const WINDOW: Duration = Duration::from_millis(500);
        let until = Instant::now() + patience;
        while Instant::now() < until {
            let before = self.time()?;
            tokio::time::sleep(WINDOW).await;
            if self.time()?.saturating_sub(before) < WINDOW / 5 {
                return Ok(());
            }
        }
        Ok(())
    }
}
