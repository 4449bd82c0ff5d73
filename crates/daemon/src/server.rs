//! Listeners and connections: bounded in number, in time and in size.

use std::io;
use std::sync::Arc;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, UnixListener};
use tokio::sync::{Semaphore, watch};
use tokio_io_timeout::TimeoutStream;

use crate::guard::{Way, guard};
use crate::limits;

/// The answer to a connection that has no place, written as it is. It must fit into the buffer of a new socket.
const CROWDED: &[u8] = b"HTTP/1.1 503 Service Unavailable\r\ncontent-type: application/json\r\nconnection: close\r\n\
content-length: 108\r\n\r\n\
{\"error\":{\"code\":\"too_many_connections\",\"message\":\"too many connections are open\",\"hint\":\"close one first\"}}";

/// A socket that takes connections.
#[derive(Debug)]
pub(crate) enum Listener {
    Unix(UnixListener),
    Tcp(TcpListener),
}

/// A connection.
enum Arrived {
    Unix(tokio::net::UnixStream),
    Tcp(tokio::net::TcpStream),
}

impl Listener {
    const fn places(&self) -> usize {
        match self {
            Self::Unix(_) => limits::CONNECTIONS,
            Self::Tcp(_) => limits::CONNECTIONS_TCP,
        }
    }

    async fn accept(&self) -> io::Result<Arrived> {
        Ok(match self {
            Self::Unix(listener) => Arrived::Unix(listener.accept().await?.0),
            Self::Tcp(listener) => Arrived::Tcp(listener.accept().await?.0),
        })
    }
}

/// Takes connections until the daemon stops. Each is a task of its own.
pub(crate) async fn serve(listener: Listener, way: Way, router: Router, mut stop: watch::Receiver<bool>) {
    let router =
        router.layer(middleware::from_fn(move |request: Request, next: Next| guard(way.clone(), request, next)));
    let places = Arc::new(Semaphore::new(listener.places()));
    loop {
        let arrived = tokio::select! {
            arrived = listener.accept() => arrived,
            () = stopped(&mut stop) => return,
        };
        let arrived = match arrived {
            Ok(arrived) => arrived,
            Err(error) => {
                // Too many files are open in this process: another connection has to end first.
                tracing::warn!(%error, "the API cannot take a connection");
                tokio::time::sleep(core::time::Duration::from_millis(100)).await;
                continue;
            }
        };
        let Ok(place) = Arc::clone(&places).try_acquire_owned() else {
            refuse(&arrived);
            continue;
        };
        let (router, stop) = (router.clone(), stop.clone());
        tokio::spawn(async move {
            match arrived {
                Arrived::Unix(stream) if is_own(&stream) => speak(stream, router, stop).await,
                Arrived::Unix(_) => tracing::warn!("another user has opened the API's socket"),
                Arrived::Tcp(stream) => speak(stream, router, stop).await,
            }
            drop(place);
        });
    }
}

/// Waits until the daemon stops, or is gone.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    drop(stop.wait_for(|stop| *stop).await);
}

/// True if the other end is of this user, or of root. Some systems do not ask for the mode of a socket's file.
fn is_own(stream: &tokio::net::UnixStream) -> bool {
    let own = rustix::process::geteuid().as_raw();
    stream.peer_cred().is_ok_and(|peer| peer.uid() == own || peer.uid() == 0)
}

/// Says that there is no place, without waiting for the other end.
fn refuse(arrived: &Arrived) {
    // One that cannot hear it finds its connection closed.
    drop(match arrived {
        Arrived::Unix(stream) => stream.try_write(CROWDED),
        Arrived::Tcp(stream) => stream.try_write(CROWDED),
    });
}

/// Serves one connection to its end.
async fn speak(stream: impl AsyncRead + AsyncWrite, router: Router, mut stop: watch::Receiver<bool>) {
    let mut stream = TimeoutStream::new(stream);
    stream.set_write_timeout(Some(limits::WRITE_PATIENCE));
    let service = TowerToHyperService::new(router);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(limits::HEAD_PATIENCE);
    http.max_buf_size(limits::HEAD).max_headers(limits::HEADERS);
    let stream = core::pin::pin!(stream);
    let mut connection = core::pin::pin!(http.serve_connection(TokioIo::new(stream), service));
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = stopped(&mut stop) => {
            connection.as_mut().graceful_shutdown();
            match tokio::time::timeout(limits::FAREWELL, connection).await {
                Ok(ended) => ended,
                Err(_) => return,
            }
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection to the API has ended");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_refusal_is_a_whole_response() {
        let text = core::str::from_utf8(CROWDED).unwrap();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("content-length: {}", body.len())), "{}", body.len());
        let body: crate::error::ErrorBody = serde_json::from_str(body).unwrap();
        assert_eq!(body.error.code, "too_many_connections");
    }
}
