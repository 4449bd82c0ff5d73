//! The service manager that has started this program, if one has: it hears that the program is ready, alive, or about to end
//! (`sd_notify` of systemd).

use core::time::Duration;
use std::ffi::OsStr;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// The variable with the socket of the manager.
const SOCKET: &str = "NOTIFY_SOCKET";
/// The variable with the microseconds after which a silent program counts as hung.
const WATCHDOG: &str = "WATCHDOG_USEC";
/// The variable with the process that is watched, if it is one alone.
const WATCHED: &str = "WATCHDOG_PID";

/// The program is ready.
pub(crate) const READY: &str = "READY=1";
/// The program is alive.
pub(crate) const ALIVE: &str = "WATCHDOG=1";
/// The program is about to end.
pub(crate) const STOPPING: &str = "STOPPING=1";

/// The service manager of this process.
#[derive(Debug, Default)]
pub(crate) struct ServiceManager {
    socket: Option<UnixDatagram>,
    patience: Option<Duration>,
}

impl ServiceManager {
    /// The manager that the environment names.
    pub(crate) fn of_environment() -> Self {
        let variable = |name| std::env::var_os(name).filter(|value| !value.is_empty());
        let number = |name| variable(name)?.to_str()?.parse::<u64>().ok();
        let socket = variable(SOCKET).and_then(|name| connect(&name).ok());
        let is_watched = variable(WATCHED).is_none() || number(WATCHED) == Some(u64::from(std::process::id()));
        let patience = number(WATCHDOG).filter(|time| is_watched && *time > 0).map(Duration::from_micros);
        Self { socket, patience }
    }

    /// Tells the manager something. One that does not listen is not waited for.
    pub(crate) fn tell(&self, what: &str) {
        if let Some(socket) = &self.socket {
            // The manager's socket may be gone, and the program serves its user all the same.
            drop(socket.send(what.as_bytes()));
        }
    }

    /// The pause between two signs of life, half of the manager's patience; none if it has no watchdog.
    pub(crate) fn rhythm(&self) -> Option<Duration> {
        self.socket.as_ref()?;
        Some((self.patience? / 2).max(Duration::from_millis(1)))
    }
}

/// A socket that sends to this one: a path, or after `@` a name without a file.
fn connect(name: &OsStr) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.set_nonblocking(true)?;
    match name.as_bytes().split_first() {
        Some((b'@', abstract_name)) => socket.connect_addr(&in_no_folder(abstract_name)?)?,
        _ => socket.connect(name)?,
    }
    Ok(socket)
}

#[cfg(target_os = "linux")]
fn in_no_folder(name: &[u8]) -> io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt as _;
    SocketAddr::from_abstract_name(name)
}

#[cfg(not(target_os = "linux"))]
fn in_no_folder(_: &[u8]) -> io::Result<SocketAddr> {
    Err(io::ErrorKind::Unsupported.into())
}
