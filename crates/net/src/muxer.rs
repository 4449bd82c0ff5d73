//! Streams within a connection over TCP, WebSocket or memory: yamux, with small windows.
//!
//! libp2p's own yamux lets a peer make this node keep 1 GiB for each connection, and does not pass the setting on that
//! says otherwise. This is the same upgrade with that setting: [`limits::STREAMS`] streams, and
//! [`limits::CONNECTION_WINDOW`] bytes for all of them together.

use core::future::{Ready, ready};
use core::pin::Pin;
use core::task::{Context, Poll, Waker};
use std::collections::VecDeque;
use std::io;

use futures::{AsyncRead, AsyncWrite};
use libp2p::core::UpgradeInfo;
use libp2p::core::muxing::{StreamMuxer, StreamMuxerEvent};
use libp2p::core::upgrade::{InboundConnectionUpgrade, OutboundConnectionUpgrade};
use yamux::{Config, Connection, ConnectionError, Mode};

use crate::limits;

/// The upgrade of a connection to yamux.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Yamux;

/// A connection with streams.
pub(crate) struct Muxer<C> {
    connection: Connection<C>,
    /// Streams that came while the connection was polled for something else.
    came: VecDeque<yamux::Stream>,
    waker: Option<Waker>,
}

impl Yamux {
    fn muxer<C: AsyncRead + AsyncWrite + Unpin>(socket: C, mode: Mode) -> Muxer<C> {
        let mut config = Config::default();
        // In this order: the window must have room for the streams.
        config.set_max_num_streams(limits::STREAMS);
        config.set_max_connection_receive_window(Some(limits::CONNECTION_WINDOW));
        Muxer { connection: Connection::new(socket, config, mode), came: VecDeque::new(), waker: None }
    }
}

impl UpgradeInfo for Yamux {
    type Info = &'static str;
    type InfoIter = core::iter::Once<Self::Info>;

    fn protocol_info(&self) -> Self::InfoIter {
        core::iter::once("/yamux/1.0.0")
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> InboundConnectionUpgrade<C> for Yamux {
    type Output = Muxer<C>;
    type Error = io::Error;
    type Future = Ready<io::Result<Muxer<C>>>;

    fn upgrade_inbound(self, socket: C, _: Self::Info) -> Self::Future {
        ready(Ok(Self::muxer(socket, Mode::Server)))
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> OutboundConnectionUpgrade<C> for Yamux {
    type Output = Muxer<C>;
    type Error = io::Error;
    type Future = Ready<io::Result<Muxer<C>>>;

    fn upgrade_outbound(self, socket: C, _: Self::Info) -> Self::Future {
        ready(Ok(Self::muxer(socket, Mode::Client)))
    }
}

fn failed(error: ConnectionError) -> io::Error {
    match error {
        ConnectionError::Io(error) => error,
        error @ (ConnectionError::Decode(_)
        | ConnectionError::NoMoreStreamIds
        | ConnectionError::Closed
        | ConnectionError::TooManyStreams
        | ConnectionError::InvalidWindowUpdate
        | _) => io::Error::other(error),
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> Muxer<C> {
    fn poll_next(&mut self, context: &mut Context<'_>) -> Poll<io::Result<yamux::Stream>> {
        self.connection.poll_next_inbound(context).map(|stream| match stream {
            Some(stream) => stream.map_err(failed),
            None => Err(failed(ConnectionError::Closed)),
        })
    }
}

impl<C: AsyncRead + AsyncWrite + Unpin> StreamMuxer for Muxer<C> {
    type Substream = yamux::Stream;
    type Error = io::Error;

    fn poll_inbound(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<yamux::Stream>> {
        if let Some(stream) = self.came.pop_front() {
            return Poll::Ready(Ok(stream));
        }
        let next = self.poll_next(context);
        if next.is_pending() {
            self.waker = Some(context.waker().clone());
        }
        next
    }

    fn poll_outbound(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<yamux::Stream>> {
        self.connection.poll_new_outbound(context).map_err(failed)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.connection.poll_close(context).map_err(failed)
    }

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<StreamMuxerEvent>> {
        // Yamux makes progress only while it is asked for the next stream.
        match self.poll_next(context) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(Err(error)) => Poll::Ready(Err(error)),
            Poll::Ready(Ok(stream)) => {
                // With more streams that nobody takes, the newest is dropped, which resets it.
                if self.came.len() < limits::STREAMS {
                    self.came.push_back(stream);
                    if let Some(waker) = self.waker.take() {
                        waker.wake();
                    }
                }
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}
