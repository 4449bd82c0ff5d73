//! Sockets that are opened and say nothing.

use core::iter;
use core::time::Duration;
use std::io::{ErrorKind, Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};

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
async fn a_handshake_that_comes_byte_by_byte_ends_with_the_time_for_all_of_it() {
    let victim = Peer::alone().await;
    let port: u16 = victim.address.split('/').nth(4).unwrap().parse().unwrap();
    let sent = tokio::task::spawn_blocking(move || {
        let mut socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
        // The wait for an answer is the pause between two bytes.
        socket.set_read_timeout(Some(Duration::from_millis(500))).unwrap();
        // After its greeting, it announces the longest message of the handshake.
        let hello = b"\x13/multistream/1.0.0\n\x07/noise\n".iter().chain(iter::repeat(&0xff));
        for (sent, byte) in hello.enumerate().take(120) {
            let ended = socket.write_all(&[*byte]).is_err()
                || match socket.read(&mut [0; 64]) {
                    Ok(length) => length == 0,
                    Err(error) => !matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut),
                };
            if ended {
                return Some(sent);
            }
        }
        None
    });
    assert!(sent.await.unwrap().is_some(), "a minute later it is still there");
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_sockets_of_another_network_do_not_crowd_out_honest_dials() {
    reaches("127.0.0.2").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_sockets_of_the_same_address_do_not_crowd_out_honest_dials_either() {
    reaches("127.0.0.1").await;
}
