//! The tables: what each package may use, and which files may name what.
//!
//! A new dependency or a new place for an old one is a line here, in the same change, with its reason in the change's message.

use super::graph::PackageRule;
use super::imports::ImportRule;

/// What brings I/O and a scheduler with it.
const RUNTIMES: &str = "tokio mio libp2p async-std smol";
/// The same, and what a driver stores with and gets randomness from.
const DRIVERS: &str = "tokio mio libp2p async-std smol redb getrandom";
/// Features for tests alone: places to die at, and the hooks of the harnesses.
const FOR_TESTS: &str = "feature:failpoints feature:ct-hooks feature:count-operations";

/// From left to right: each package may use only packages above it.
pub(super) const PACKAGES: &[PackageRule] = &[
    package("motet-core-crypto", "", "k256 rand_core rayon serde sha2 subtle thiserror zeroize", RUNTIMES),
    package("motet-wire", "motet-core-crypto", "bech32 bincode hex rand_core serde thiserror", RUNTIMES),
    package(
        "motet-psbt",
        "motet-core-crypto",
        // Types of transactions, script trees, and a list of words. Their libsecp256k1 makes no keys here: curve and signatures are core-crypto's.
        "base64 bip39 bitcoin miniscript rand_core thiserror",
        DRIVERS,
    ),
    package(
        "motet-wallet",
        "motet-core-crypto motet-wire motet-psbt",
        "bip39 bitcoin hex serde thiserror zeroize",
        DRIVERS,
    ),
    package("motet-keystore", "motet-core-crypto", "argon2 chacha20poly1305 rand_core thiserror zeroize", DRIVERS),
    package(
        "motet-net",
        "motet-core-crypto motet-wire",
        "futures libp2p libp2p-stream memory-stats prometheus-client socket2 thiserror tokio tracing yamux",
        "clap",
    ),
    package(
        "motet-coordinator",
        "motet-core-crypto motet-wire",
        // Addresses in events are multiaddrs: that crate reads and writes their text, and does no I/O.
        "hex multiaddr rand_core serde thiserror tracing zeroize",
        DRIVERS,
    ),
    package("motet-testkit", "motet-core-crypto motet-wire motet-coordinator", "rand_chacha rand_core", DRIVERS),
    package(
        "motet-node",
        "motet-core-crypto motet-wire motet-wallet motet-net motet-coordinator",
        "async-trait getrandom rand_core redb serde thiserror tokio tokio-stream tracing",
        "clap axum",
    ),
    package(
        "motet-daemon",
        "motet-core-crypto motet-wire motet-node",
        "async-trait axum base64 bytes futures getrandom hex hmac http-body-util hyper hyper-util rustix serde serde_json serde_urlencoded sha2 \
         subtle tempfile thiserror tokio tokio-io-timeout tokio-rustls tracing utoipa utoipa-axum webpki-roots zeroize",
        "clap",
    ),
    package(
        "motet-cli",
        "motet-core-crypto motet-wire motet-psbt motet-wallet motet-keystore motet-net motet-node motet-daemon",
        // Types of transactions and addresses come from the bitcoin crate, which motet-psbt uses.
        "async-trait bitcoin clap clap_complete clap_mangen getrandom hex qrcode rand_core ratatui rustix serde serde_json strsim tempfile \
         thiserror tokio toml tracing tracing-subscriber zeroize",
        // The program that is shipped.
        FOR_TESTS,
    ),
    PackageRule { name: "motet-tests", ours: ALL, others: None, never: "" },
    PackageRule { name: "motet-benches", ours: ALL, others: None, never: "" },
    package("xtask", "", "anyhow cargo_metadata clap petgraph proc-macro2 regex serde_json walkdir xshell", RUNTIMES),
];

const ALL: &str = "motet-core-crypto motet-wire motet-psbt motet-wallet motet-keystore motet-net motet-coordinator motet-testkit motet-node motet-daemon motet-cli";

const fn package(name: &'static str, ours: &'static str, others: &'static str, never: &'static str) -> PackageRule {
    PackageRule { name, ours, others: Some(others), never }
}

/// The parts that do no I/O and read no clock. What they may use of others ([`PACKAGES`]) has neither, nor a source of
/// randomness; what remains is the standard library.
const PURE: &[&str] = &[
    "crates/core-crypto/src/",
    "crates/wire/src/",
    "crates/psbt/src/",
    "crates/wallet/src/",
    "crates/keystore/src/",
    "crates/coordinator/src/",
    "crates/testkit/src/",
];

const IO: &str = "no I/O here; bytes are arguments and results";

/// Which files may name what. That core-crypto names nothing of `std` without its feature is `cargo xtask no-std`'s to see.
pub(super) const IMPORTS: &[ImportRule] = &[
    rule("std::time::Instant std::time::SystemTime", PURE, &[], "time is an argument or an input here"),
    rule(
        "std::fs std::net::TcpListener std::net::TcpStream std::net::ToSocketAddrs std::net::UdpSocket std::os std::env \
         std::process",
        PURE,
        &[],
        IO,
    ),
    // A failed store says in the system's words why; the kind of an error is a plain value.
    rule("std::io", PURE, &["crates/coordinator/src/record.rs"], IO),
    rule("std::thread", PURE, &[], "the caller decides where work runs"),
    rule("sha2", PURE, &["crates/core-crypto/src/hash.rs"], "hashes are tagged; hash.rs makes them"),
    rule("bincode", PURE, &["crates/wire/src/codec.rs"], "bincode has one home, to be replaced there (docs/adr/0002)"),
    rule(
        "redb",
        &["crates/node/"],
        &[
            "crates/node/src/store/redb.rs",
            "crates/node/src/store/redb/failed.rs",
            "crates/node/src/store/redb/queue.rs",
            "crates/node/src/store/redb/result.rs",
        ],
        "the embedded store has one home behind the Store trait",
    ),
    rule(
        "std::time::SystemTime",
        &["crates/net/", "crates/node/"],
        &["crates/node/src/driver/clock.rs"],
        "wall time is read in the clock.rs of the node alone",
    ),
];

const fn rule(
    paths: &'static str,
    within: &'static [&'static str],
    except: &'static [&'static str],
    reason: &'static str,
) -> ImportRule {
    ImportRule { paths, within, except, reason }
}
