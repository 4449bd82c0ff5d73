//! Sockets that are opened and say nothing.

use std::net::SocketAddr;

use motet_net::{NetEvent, parse_address};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpSocket;
use tokio::task::JoinSet;

use crate::peer::{Peer, TCP, config};

/// Opens this many silent sockets from an address, and each again whenever it is closed.
async fn besiege(victim: SocketAddr, from: &str, count: usize) -> JoinSet<()> {
    let mut siege = JoinSet::new();
    for _ in 0..count {
        let from: SocketAddr = format!("{from}:0").parse().unwrap();
        let dial = move || async move {
            let socket = TcpSocket::new_v4().unwrap();
            socket.bind(from).unwrap();
            socket.connect(victim).await
        };
        let mut open = dial().await.unwrap();
        siege.spawn(async move {
            loop {
                // What it says itself does not matter; it ends when it has closed.
                while matches!(open.read(&mut [0; 64]).await, Ok(1..)) {}
                if let Ok(again) = dial().await {
                    open = again;
                }
                tokio::task::yield_now().await;
            }
        });
    }
    siege
}

/// An honest node reaches one that is besieged from this address, on its first try.
async fn reaches(from: &str) {
    let victim = Peer::alone().await;
    let port = victim.address.split('/').nth(4).unwrap().parse().unwrap();
    let _siege = besiege(SocketAddr::from(([127, 0, 0, 1], port)), from, 64).await;
    let mut settings = config(TCP);
    settings.bootstrap.push(parse_address(&victim.address).unwrap());
    let mut honest = Peer::start(settings).await;
    while honest.handle.stats().await.unwrap().peers == 0 {
        if let Ok(NetEvent::NamedUnreachable { reason, .. }) = honest.events.try_recv() {
            panic!("crowded out: {reason}");
        }
        tokio::task::yield_now().await;
    }
    honest.send(&victim.id(), *b"and is heard").await;
    let mut victim = victim;
    assert_eq!(&*victim.message_with(b"and is heard").await.bytes, b"and is heard");
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_sockets_of_another_network_do_not_crowd_out_honest_dials() {
    reaches("127.0.0.2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_sockets_of_the_same_address_do_not_crowd_out_honest_dials_either() {
    reaches("127.0.0.1").await;
}
