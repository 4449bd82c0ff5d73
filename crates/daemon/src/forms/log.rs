//! The log of a daemon.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The filter of the log.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogFilter {
    /// A level such as `debug`, or parts of the program with levels, as in `MOTET_LOG`; `off` for no log.
    #[schema(example = "motet_coordinator=debug,motet_node=debug")]
    pub filter: String,
}
