//! The transports that a node may speak.

/// A transport. An address may need several: `/dns4/node.example/tcp/443/wss` needs WebSocket and DNS.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum TransportKind {
    /// Bare TCP, with noise and yamux.
    Tcp,
    /// QUIC, over UDP.
    Quic,
    /// WebSocket over TCP (`/ws`), and over TLS (`/wss`, `/tls/ws`). A node dials both, and listens on the first; for the second, a
    /// reverse proxy that has a certificate stands before it.
    WebSocket,
    /// Names in addresses: they are resolved by the system's resolver.
    Dns,
    /// Channels within this process, for tests.
    Memory,
}
