//! The tables: what each package may use, and which files may name what.
//!
//! A new dependency or a new place for an old one is a line here, in the same change, with its reason in the change's message.

use super::graph::{Others, PackageRule};
use super::imports::{Gate, ImportRule};

/// What brings I/O and a scheduler with it.
const RUNTIMES: &[&str] = &["tokio", "mio", "libp2p", "async-std", "smol"];

/// From left to right: each package may use only packages above it.
pub(super) const PACKAGES: &[PackageRule] = &[
    PackageRule {
        name: "motet-core-crypto",
        ours: &[],
        others: Others::Only(&["k256", "rand_core", "rayon", "serde", "sha2", "subtle", "thiserror", "zeroize"]),
        never: RUNTIMES,
    },
    PackageRule {
        name: "motet-wire",
        ours: &["motet-core-crypto"],
        others: Others::Only(&["bech32", "bincode", "hex", "rand_core", "thiserror"]),
        never: RUNTIMES,
    },
    PackageRule {
        name: "motet-net",
        ours: &["motet-core-crypto", "motet-wire"],
        others: Others::Only(&["futures", "libp2p", "libp2p-stream", "socket2", "thiserror", "tokio", "tracing"]),
        never: &["clap"],
    },
    PackageRule {
        name: "motet-coordinator",
        ours: &["motet-core-crypto", "motet-wire"],
        others: Others::Only(&["rand_core", "thiserror", "tracing", "zeroize"]),
        never: &["tokio", "mio", "libp2p", "async-std", "smol", "redb", "getrandom"],
    },
    PackageRule {
        name: "motet-node",
        ours: &["motet-core-crypto", "motet-wire", "motet-net", "motet-coordinator"],
        others: Others::Only(&[
            "async-trait",
            "getrandom",
            "rand_core",
            "redb",
            "thiserror",
            "tokio",
            "tokio-stream",
            "tracing",
        ]),
        never: &["clap", "axum"],
    },
    PackageRule {
        name: "motet-cli",
        ours: &["motet-core-crypto", "motet-wire", "motet-net", "motet-node"],
        others: Others::Only(&[
            "async-trait",
            "clap",
            "getrandom",
            "hex",
            "rand_core",
            "rustix",
            "serde",
            "serde_json",
            "tempfile",
            "thiserror",
            "tokio",
            "tracing",
            "tracing-subscriber",
            "zeroize",
        ]),
        never: &[],
    },
    PackageRule { name: "motet-tests", ours: ALL, others: Others::Any, never: &[] },
    PackageRule { name: "motet-benches", ours: ALL, others: Others::Any, never: &[] },
    PackageRule {
        name: "xtask",
        ours: &[],
        others: Others::Only(&["clap", "proc-macro2", "semver", "serde", "serde_json", "spdx", "tempfile", "toml"]),
        never: RUNTIMES,
    },
];

const ALL: &[&str] = &["motet-core-crypto", "motet-wire", "motet-net", "motet-coordinator", "motet-node", "motet-cli"];

const CORE: &str = "crates/core-crypto/src/";
const WIRE: &str = "crates/wire/src/";
const COORDINATOR: &str = "crates/coordinator/src/";

/// The parts that do no I/O and read no clock.
const PURE: &[&str] = &[CORE, WIRE, COORDINATOR];

const TIME: &str = "time is an argument or an input here";
const RANDOM: &str = "randomness is an argument here";
const IO: &str = "no I/O here; bytes are arguments and results";

/// Which files may name what.
pub(super) const IMPORTS: &[ImportRule] = &[
    pure("std::time::Instant", TIME),
    pure("std::time::SystemTime", TIME),
    pure("getrandom", RANDOM),
    pure("rand_core::OsRng", RANDOM),
    pure("std::fs", IO),
    // A failed store says in the system's words why; the kind of an error is a plain value.
    ImportRule {
        path: "std::io",
        within: PURE,
        except: &["crates/coordinator/src/record.rs"],
        gate: Gate::Closed,
        reason: IO,
    },
    pure("std::net::TcpListener", IO),
    pure("std::net::TcpStream", IO),
    pure("std::net::ToSocketAddrs", IO),
    pure("std::net::UdpSocket", IO),
    pure("std::os", IO),
    pure("std::env", IO),
    pure("std::process", IO),
    pure("std::thread", "the caller decides where work runs"),
    pure("tokio", "the engine and all below net know no runtime"),
    ImportRule {
        path: "std",
        within: &[CORE],
        except: &[],
        gate: Gate::Std,
        reason: "this crate is no_std; take it from core or alloc",
    },
    ImportRule {
        path: "sha2",
        within: &[CORE],
        except: &["crates/core-crypto/src/hash.rs"],
        gate: Gate::Closed,
        reason: "hashes are tagged; hash.rs makes them",
    },
    ImportRule {
        path: "bincode",
        within: &["crates/"],
        except: &["crates/wire/src/codec.rs"],
        gate: Gate::Closed,
        reason: "bincode has one home, so that it can be replaced (docs/adr/0002)",
    },
    ImportRule {
        path: "redb",
        within: &["crates/"],
        except: &["crates/node/src/store/redb.rs", "crates/node/src/store/redb/"],
        gate: Gate::Closed,
        reason: "the embedded store has one home behind the Store trait",
    },
    ImportRule {
        path: "std::time::SystemTime",
        within: &["crates/net/", "crates/node/"],
        except: &["crates/node/src/driver/clock.rs"],
        gate: Gate::Closed,
        reason: "wall time is read in the clock.rs of the node alone",
    },
];

const fn pure(path: &'static str, reason: &'static str) -> ImportRule {
    ImportRule { path, within: PURE, except: &[], gate: Gate::Closed, reason }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_package_may_use_only_packages_above_it() {
        for (position, rule) in PACKAGES.iter().enumerate() {
            for used in rule.ours.iter().filter(|used| **used != "motet-cli") {
                let above = PACKAGES.iter().take(position).any(|above| above.name == *used);
                assert!(above, "{} may use {used}, which is not above it", rule.name);
            }
        }
    }

    #[test]
    fn every_rule_says_why() {
        assert!(IMPORTS.iter().all(|rule| !rule.reason.is_empty() && !rule.within.is_empty()));
    }
}
