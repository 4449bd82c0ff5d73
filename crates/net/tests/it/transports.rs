//! The transports: each carries frames, and each can be switched off.

use std::collections::BTreeSet;
use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use motet_net::{
    DhtMode, Keypair, Net, NetConfig, NetError, NetEvent, Reach, Refused, TransportKind, address_from_wire,
    parse_address,
};
use motet_wire::{AddressScope, NetworkId};
use tokio_rustls::{TlsAcceptor, rustls};

use crate::peer::{Peer, Plain, QUIC, TCP, config};

const WEB: &str = "/ip4/127.0.0.1/tcp/0/ws";

async fn talk(mut one: Peer, address: &str, mut other: Peer) -> String {
    one.handle.dial(parse_address(address).unwrap()).await.unwrap();
    let seen = one.connected(&other.id()).await;
    one.send(&other.id(), *b"there").await;
    other.message_with(b"there").await;
    other.send(&one.id(), *b"and back").await;
    one.message_with(b"and back").await;
    seen
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_talk_over_each_transport() {
    for listen in [TCP, QUIC, WEB] {
        let other = Peer::start(config(listen)).await;
        let address = other.address.clone();
        assert_eq!(address.contains("/ws"), listen == WEB, "{address}");
        let seen = talk(Peer::alone().await, &address, other).await;
        assert!(address.starts_with(&seen), "{seen}");
    }
    let memory = || NetConfig::memory(NetworkId::test(), Keypair::generate());
    let other = Peer::start(memory()).await;
    let address = other.address.clone();
    talk(Peer::start(memory()).await, &address, other).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transport_that_is_switched_off_is_neither_listened_on_nor_dialled() {
    let only = |kind, listen: &str| {
        let mut config = config(listen);
        config.transports = [kind].into();
        config
    };
    for (listen, kind) in [(TCP, TransportKind::Quic), (QUIC, TransportKind::WebSocket), (WEB, TransportKind::Tcp)] {
        let refused = Net::start(only(kind, listen), Arc::new(Plain::default())).unwrap_err();
        let reason = "this node does not speak over that transport".to_owned();
        assert_eq!(refused, NetError::Listen(vec![Refused { address: listen.to_owned(), reason }]));
    }
    let quic = Peer::start(config(QUIC)).await;
    let mut settings = only(TransportKind::Tcp, TCP);
    settings.bootstrap.push(parse_address(&quic.address).unwrap());
    let mut node = Peer::start(settings).await;
    let reason = node.wait("NamedUnreachable", |event| match event {
        NetEvent::NamedUnreachable { reason, .. } => Some(reason),
        _ => None,
    });
    assert_eq!(reason.await, "the address cannot be used from here");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_listener_for_websocket_works_behind_a_proxy_and_tells_the_address_of_the_proxy() {
    let outside = "/dns4/node.example/tcp/443/wss";
    let mut settings = config(WEB);
    settings.reach = Reach::Public;
    settings.external.push(parse_address(outside).unwrap());
    let mut node = Peer::start(settings).await;
    let offered = node.wait("addresses", |event| match event {
        NetEvent::AddressesChanged { offered, settled: true } => Some(offered),
        _ => None,
    });
    let offered = offered.await;
    let told: Vec<String> =
        offered.addresses.iter().map(|address| address_from_wire(address).unwrap().to_string()).collect();
    assert_eq!((told, offered.scope), (vec![outside.to_owned()], AddressScope::Internet));

    // A proxy that hands bytes on, as one that has taken TLS off does.
    let port = node.address.split('/').nth(4).unwrap().parse::<u16>().unwrap();
    let proxy = TcpListener::bind("127.0.0.1:0").unwrap();
    let public = format!("/ip4/127.0.0.1/tcp/{}/ws/p2p/{}", proxy.local_addr().unwrap().port(), node.id());
    std::thread::spawn(move || {
        for client in proxy.incoming() {
            let (client, server) = (client.unwrap(), TcpStream::connect(("127.0.0.1", port)).unwrap());
            for (mut from, mut to) in [(client.try_clone().unwrap(), server.try_clone().unwrap()), (server, client)] {
                std::thread::spawn(move || std::io::copy(&mut from, &mut to));
            }
        }
    });
    talk(Peer::alone().await, &public, node).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn websocket_over_tls_is_dialled_with_the_name_that_the_address_has() {
    let server = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = server.local_addr().unwrap().port();
    let node = Peer::alone().await;
    let address = format!("/dns4/localhost/tcp/{port}/wss/p2p/{}", Peer::alone().await.id());
    node.handle.dial(parse_address(&address).unwrap()).await.unwrap();
    let hello = tokio::task::spawn_blocking(move || {
        let (mut client, _) = server.accept().unwrap();
        let mut hello = [0; 512];
        let length = client.read(&mut hello).unwrap();
        // No server of TLS says this.
        client.write_all(b"no").unwrap();
        hello[..length].to_vec()
    });
    let hello = hello.await.unwrap();
    assert_eq!(hello.first(), Some(&22), "a handshake of TLS");
    assert!(hello.windows(9).any(|bytes| bytes == b"localhost"));
}

/// A reverse proxy that takes TLS off, and hands the rest on to a port of this machine. Returns its port and its certificate.
async fn reverse_proxy(port: u16) -> (u16, Vec<u8>) {
    let rcgen::CertifiedKey { cert, key_pair } = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(key_pair.serialize_der()).unwrap();
    let server = rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![cert.der().clone()], key)
        .unwrap();
    let (acceptor, proxy) =
        (TlsAcceptor::from(Arc::new(server)), tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap());
    let outside = proxy.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((client, _)) = proxy.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                // A client that does not trust the certificate hangs up.
                let Ok(mut client) = acceptor.accept(client).await else { return };
                let mut server = tokio::net::TcpStream::connect(("127.0.0.1", port)).await.unwrap();
                // The nodes end it.
                let _ = tokio::io::copy_bidirectional(&mut client, &mut server).await;
            });
        }
    });
    (outside, cert.der().to_vec())
}

#[tokio::test(flavor = "multi_thread")]
async fn nodes_talk_over_tls_through_a_reverse_proxy_whose_certificate_is_trusted() {
    let node = Peer::start(config(WEB)).await;
    let port = node.address.split('/').nth(4).unwrap().parse().unwrap();
    let (outside, certificate) = reverse_proxy(port).await;
    let address = format!("/dns4/localhost/tcp/{outside}/wss/p2p/{}", node.id());

    let mut settings = config(TCP);
    settings.bootstrap.push(parse_address(&address).unwrap());
    let mut stranger = Peer::start(settings).await;
    let refused = stranger.wait("NamedUnreachable", |event| match event {
        NetEvent::NamedUnreachable { reason, .. } => Some(reason),
        _ => None,
    });
    let refused = refused.await;
    assert!(refused.contains("ertificate"), "{refused}");

    let mut settings = config(TCP);
    settings.certificates.push(certificate);
    let seen = talk(Peer::start(settings).await, &address, node).await;
    assert!(seen.contains("/wss"), "{seen}");
}

#[tokio::test]
async fn a_certificate_that_is_none_is_refused() {
    let mut settings = config(WEB);
    settings.certificates.push(b"no certificate".to_vec());
    assert!(matches!(Net::start(settings, Arc::new(Plain::default())), Err(NetError::Setup(_))));
}

#[test]
fn a_listener_that_would_need_a_certificate_is_refused_with_the_remedy() {
    for listen in ["/ip4/127.0.0.1/tcp/0/wss", "/ip4/127.0.0.1/tcp/0/tls/ws"] {
        let NetError::Listen(refused) = Net::start(config(listen), Arc::new(Plain::default())).unwrap_err() else {
            panic!("another error");
        };
        assert!(refused[0].reason.contains("reverse proxy"), "{refused:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn two_hundred_nodes_fit_into_one_process() {
    const NODES: usize = 200;
    let settings = || {
        let mut config = NetConfig::memory(NetworkId::test(), Keypair::generate());
        // They shall not all dial each other.
        config.dht = DhtMode::Client;
        config
    };
    let mut nodes: Vec<Peer> = Vec::new();
    for number in 0..NODES {
        let mut config = settings();
        if let Some(parent) = number.checked_sub(1).map(|before| &nodes[before / 2]) {
            config.bootstrap.push(parse_address(&parent.address).unwrap());
        }
        nodes.push(Peer::start(config).await);
    }
    for number in 1..NODES {
        let parent = nodes[(number - 1) / 2].id();
        nodes[number].handle.send(parent, Vec::new(), Arc::from(number.to_be_bytes())).await.unwrap();
    }
    for (number, node) in nodes.iter_mut().enumerate() {
        let mut children: BTreeSet<usize> = [2 * number + 1, 2 * number + 2].into();
        children.retain(|child| *child < NODES);
        while !children.is_empty() {
            let message = node.message().await;
            children.remove(&usize::from_be_bytes(*message.bytes.first_chunk().unwrap()));
        }
    }
}
