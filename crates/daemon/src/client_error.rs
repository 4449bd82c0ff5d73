//! The failures of a call, as its caller sees them.

use std::io;

use crate::error::Problem;

/// A call has failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// No daemon answers there.
    #[error("no motet runs with {place}: {error}")]
    NotRunning {
        /// The folder or the address.
        place: String,
        /// The words of the system.
        error: io::Error,
    },
    /// The daemon has refused the call.
    #[error("{}", .problem.message)]
    Refused {
        /// The status of HTTP.
        status: u16,
        /// The error.
        problem: Problem,
    },
    /// The connection has broken.
    #[error("the connection to the daemon has broken: {0}")]
    Broken(String),
    /// The answer is none of this API.
    #[error("the answer is none of this API: {0}")]
    Strange(String),
    /// No answer has come in time.
    #[error("no answer came in time")]
    Silent,
}

/// The failure of a connection.
pub(crate) fn broken(error: hyper::Error) -> ClientError {
    ClientError::Broken(error.to_string())
}
