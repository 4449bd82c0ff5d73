//! The bodies of requests and responses, by subject.

pub(crate) mod application;
pub(crate) mod log;
pub(crate) mod node;
pub(crate) mod question;
pub(crate) mod schema;
pub(crate) mod session;
pub(crate) mod signer;
pub(crate) mod signing;
pub(crate) mod stats;
pub(crate) mod unlock;
pub(crate) mod webhook;
