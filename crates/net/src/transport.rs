//! The transports of a node, put together as its configuration says.

use futures::{AsyncRead, AsyncWrite};
use libp2p::core::muxing::StreamMuxerBox;
use libp2p::core::transport::{Boxed, MemoryTransport};
use libp2p::core::{Transport, upgrade};
use libp2p::identity::Keypair;
use libp2p::{PeerId, dns, quic, websocket};

use crate::config::NetConfig;
use crate::doorway::Doorway;
use crate::handshake::{Handshake, Met};
use crate::limits;
use crate::meter::Metering;
use crate::muxer::Yamux;
use crate::reach::Judge;
use crate::relay_only::Gate;
use crate::tcp_sockets::TcpSockets;
use crate::transport_kind::TransportKind;

type Connections = Boxed<(PeerId, StreamMuxerBox)>;

/// The transports of a node, behind its gate and its doorway.
pub(crate) fn of_node(
    keys: &Keypair,
    config: &NetConfig,
    judge: &Judge,
    met: &Met,
    metering: Metering,
) -> Result<Doorway, Box<dyn std::error::Error + Send + Sync>> {
    let handshake = Handshake::new(keys, met.clone())?;
    let is_on = |kind| config.transports.contains(&kind);
    let mut plain: Option<Connections> = None;
    if is_on(TransportKind::Tcp) {
        plain = Some(with_streams(TcpSockets::new(), handshake.clone()));
    }
    if is_on(TransportKind::Quic) {
        let quic = quic::tokio::Transport::new(quic_config(keys));
        let quic = quic.map(|(peer, connection), _| (peer, StreamMuxerBox::new(connection))).boxed();
        plain = Some(beside(plain, quic));
    }
    let mut all = match plain {
        Some(plain) if is_on(TransportKind::Dns) => Some(dns::tokio::Transport::system(plain)?.boxed()),
        plain => plain,
    };
    if is_on(TransportKind::WebSocket) {
        let trust = trust(&config.certificates)?;
        // WebSocket takes names before they are resolved, because a certificate is of a name.
        let web = if is_on(TransportKind::Dns) {
            with_streams(web(dns::tokio::Transport::system(TcpSockets::new())?, trust), handshake.clone())
        } else {
            with_streams(web(TcpSockets::new(), trust), handshake.clone())
        };
        all = Some(beside(Some(web), all.unwrap_or_else(nothing)));
    }
    if is_on(TransportKind::Memory) {
        all = Some(beside(all, with_streams(MemoryTransport::default(), handshake)));
    }
    let gate = Gate::new(all.unwrap_or_else(nothing), config.exposure, &config.relays, judge.clone());
    let metered = gate.map(move |(peer, muxer), _| (peer, metering.wrap(peer, muxer)));
    Ok(Doorway::new(metered.boxed()))
}

/// QUIC with windows like those of yamux.
fn quic_config(keys: &Keypair) -> quic::Config {
    let mut config = quic::Config::new(keys);
    config.max_concurrent_stream_limit = u32::try_from(limits::STREAMS).unwrap_or(u32::MAX);
    config.max_stream_data = limits::STREAM_WINDOW;
    config.max_connection_data = u32::try_from(limits::CONNECTION_WINDOW).unwrap_or(u32::MAX);
    config
}

/// Trust in the public authorities of certificates, and in these.
fn trust(certificates: &[Vec<u8>]) -> Result<websocket::tls::Config, websocket::tls::Error> {
    let mut trust = websocket::tls::Config::builder();
    for certificate in certificates {
        trust.add_trust(&websocket::tls::Certificate::new(certificate.clone()))?;
    }
    Ok(trust.finish())
}

fn web<T>(sockets: T, trust: websocket::tls::Config) -> websocket::Config<T>
where
    T: Transport + Send + Unpin + 'static,
    T::Error: Send + 'static,
    T::Dial: Send + 'static,
    T::ListenerUpgrade: Send + 'static,
    T::Output: AsyncRead + AsyncWrite + Send + Unpin + 'static,
{
    let mut web = websocket::Config::new(sockets);
    web.set_max_data_size(limits::WEBSOCKET_DATA);
    web.set_tls_config(trust);
    web
}

/// Sockets with a handshake that shows both identities, and with streams.
fn with_streams<T>(sockets: T, handshake: Handshake) -> Connections
where
    T: Transport + Send + Unpin + 'static,
    T::Output: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    T::Error: Send + Sync + 'static,
    T::Dial: Send + 'static,
    T::ListenerUpgrade: Send + 'static,
{
    sockets
        .upgrade(upgrade::Version::V1Lazy)
        .authenticate(handshake)
        .multiplex(Yamux)
        .map(|(peer, muxer), _| (peer, StreamMuxerBox::new(muxer)))
        .boxed()
}

/// Two transports: the second is asked where the first does not know an address.
fn beside(first: Option<Connections>, second: Connections) -> Connections {
    match first {
        Some(first) => first.or_transport(second).map(|either, _| either.into_inner()).boxed(),
        None => second,
    }
}

/// The transport that knows no address.
fn nothing() -> Connections {
    libp2p::core::transport::dummy::DummyTransport::<(PeerId, StreamMuxerBox)>::new().boxed()
}
