//! The meter of each connection: all bytes that the other end sends without being asked, and the work of answering it.
//!
//! It stands below all protocols, so that gossip's control messages, questions to the DHT and protocols that this node does not know are
//! counted like everything else. Streams that the other end has opened count; those that this node has opened carry answers to its own
//! questions. A flood is reported to the event loop, which bans.

use core::pin::Pin;
use core::task::{Context, Poll};
use std::io;
use std::sync::{Arc, Mutex, PoisonError};

use futures::{AsyncRead, AsyncWrite};
use libp2p::PeerId;
use libp2p::core::muxing::{StreamMuxer, StreamMuxerBox, StreamMuxerEvent, SubstreamBox};
use motet_wire::{Bucket, MonotonicMs, Rate};
use tokio::sync::mpsc;
use tokio::time::Instant;

use crate::limits;

/// The kind of a flood.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Flood {
    /// Bytes, streams or questions, whatever they are about.
    #[error("it has sent far too many bytes or questions")]
    Bytes,
    /// Messages of its own, on direct streams.
    #[error("it has sent far too many messages")]
    Frames,
    /// Messages by gossip, which may be of others: they use up nothing that the peer may say itself.
    #[error("it has handed on far too many messages")]
    Gossip,
    /// Records for the DHT.
    #[error("it has put far too many records into the DHT")]
    Puts,
    /// Subscriptions and their ends.
    #[error("it has subscribed to far too many topics, or far too often")]
    Subscriptions,
}

/// The way on which floods are reported.
pub(crate) type Reports = mpsc::Sender<(PeerId, Flood)>;

/// Makes a meter for each connection.
#[derive(Debug, Clone)]
pub(crate) struct Metering {
    pub(crate) rate: Rate,
    pub(crate) reports: Reports,
}

impl Metering {
    /// A connection of a peer, whose inbound streams are counted.
    pub(crate) fn wrap(&self, peer: PeerId, inner: StreamMuxerBox) -> StreamMuxerBox {
        let meter = Meter {
            peer,
            rate: self.rate,
            since: Instant::now(),
            bucket: Mutex::new(Bucket::FULL),
            reports: self.reports.clone(),
        };
        StreamMuxerBox::new(Metered { inner, meter: Arc::new(meter) })
    }
}

/// The bucket of one connection.
#[derive(Debug)]
struct Meter {
    peer: PeerId,
    rate: Rate,
    since: Instant,
    bucket: Mutex<Bucket>,
    reports: Reports,
}

impl Meter {
    fn charge(&self, units: u64) {
        let now = MonotonicMs(u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX));
        let mut bucket = self.bucket.lock().unwrap_or_else(PoisonError::into_inner);
        match bucket.take(self.rate, units, now) {
            Some(after) => *bucket = after,
            None => {
                *bucket = Bucket::FULL;
                // If the queue is full, the next bucketful is reported.
                let _ = self.reports.try_send((self.peer, Flood::Bytes));
            }
        }
    }

    fn charge_read(&self, bytes: usize) {
        self.charge(u64::try_from(bytes).unwrap_or(u64::MAX));
    }

    fn charge_written(&self, bytes: usize) {
        let bytes = u64::try_from(bytes).unwrap_or(u64::MAX);
        self.charge(limits::ANSWER_UNITS.max(bytes / limits::BYTES_WRITTEN_PER_UNIT));
    }
}

struct Metered {
    inner: StreamMuxerBox,
    meter: Arc<Meter>,
}

impl StreamMuxer for Metered {
    type Substream = Counted;
    type Error = io::Error;

    fn poll_inbound(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<Counted>> {
        let opened = Pin::new(&mut self.inner).poll_inbound(context);
        opened.map_ok(|stream| {
            self.meter.charge(limits::ANSWER_UNITS);
            Counted { inner: stream, meter: Some(Arc::clone(&self.meter)) }
        })
    }

    fn poll_outbound(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<Counted>> {
        Pin::new(&mut self.inner).poll_outbound(context).map_ok(|inner| Counted { inner, meter: None })
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_close(context)
    }

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<StreamMuxerEvent>> {
        Pin::new(&mut self.inner).poll(context)
    }
}

/// A stream, counted if the other end has opened it.
struct Counted {
    inner: SubstreamBox,
    meter: Option<Arc<Meter>>,
}

impl Counted {
    fn count(&self, done: &Poll<io::Result<usize>>, charge: impl Fn(&Meter, usize)) {
        if let (Some(meter), Poll::Ready(Ok(bytes))) = (&self.meter, done) {
            charge(meter, *bytes);
        }
    }
}

impl AsyncRead for Counted {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut [u8]) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.inner).poll_read(context, into);
        self.count(&done, Meter::charge_read);
        done
    }

    fn poll_read_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut [io::IoSliceMut<'_>],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.inner).poll_read_vectored(context, into);
        self.count(&done, Meter::charge_read);
        done
    }
}

impl AsyncWrite for Counted {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, from: &[u8]) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.inner).poll_write(context, from);
        self.count(&done, Meter::charge_written);
        done
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        from: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let done = Pin::new(&mut self.inner).poll_write_vectored(context, from);
        self.count(&done, Meter::charge_written);
        done
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(context)
    }

    fn poll_close(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_close(context)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_bucketful_of_a_flood_is_reported_once_and_the_reports_are_bounded() {
        let (reports, mut reported) = mpsc::channel(4);
        let rate = Rate { per_minute: 60, burst: 100_000 };
        let meter =
            Meter { peer: PeerId::random(), rate, since: Instant::now(), bucket: Mutex::new(Bucket::FULL), reports };
        (0..10).for_each(|_| meter.charge_read(10_000));
        assert!(reported.try_recv().is_err(), "it may send so much");
        // Questions with small answers are paid for as well, and the bytes of large ones.
        (0..98).for_each(|_| meter.charge_written(1));
        meter.charge_written(10_000_000);
        assert_eq!(reported.try_recv(), Ok((meter.peer, Flood::Bytes)));
        (0..1_000).for_each(|_| meter.charge_read(100_000));
        assert_eq!(core::iter::from_fn(|| reported.try_recv().ok()).count(), 4);
    }
}
