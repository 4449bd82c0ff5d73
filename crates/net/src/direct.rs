//! Direct messages: one long-lived stream to each peer that is spoken to, and one from each that speaks
//! (`docs/protocol.md` §5).
//!
//! The accepting node sends one byte, [`ACCEPTED`]; the other node sends nothing before that, since a stream that the
//! peer did not accept ends without an error. A frame on a stream is its length (`u32`, big endian) and its bytes. The
//! length is checked before memory is allocated, and the buffer grows with the bytes that really arrive.

use core::time::Duration;
use std::sync::Arc;

use futures::{AsyncRead, AsyncReadExt as _, AsyncWriteExt as _};
use libp2p::{PeerId, Stream, StreamProtocol};
use libp2p_stream::Control;
use motet_wire::{Channel, NetworkGroup, limits as wire};
use tokio::sync::mpsc;
use tokio::time::timeout;

use crate::event::NetEvent;
use crate::frames;
use crate::limits;
use crate::meter::{Flood, Reports};
use crate::partial_frames::{PartialFrames, Room};
use crate::peer_table::PeerTable;
use crate::peers;
use crate::quoted::Quoted;

/// The first byte of the node that accepts a stream.
const ACCEPTED: u8 = 1;

/// The destinations of frames that are read, and of reports about them.
#[derive(Debug, Clone)]
pub(crate) struct Readers {
    pub(crate) events: mpsc::Sender<NetEvent>,
    pub(crate) floods: Reports,
    pub(crate) partial: PartialFrames,
    pub(crate) peers: PeerTable,
}

/// Reads frames until the stream ends or breaks a rule. A stream on which nothing comes for a time ends as well: a writer without frames closes
/// its stream, too.
pub(crate) async fn read(peer: PeerId, group: NetworkGroup, mut stream: Stream, readers: Readers) {
    let from = peers::to_wire(&peer);
    if stream.write_all(&[ACCEPTED]).await.is_err() || stream.flush().await.is_err() {
        return;
    }
    // A stream is opened for a frame.
    let mut patience = limits::FRAME_TIME;
    while let Some(frame) = read_frame(&mut stream, group, &readers.partial, (patience, limits::FRAME_TIME)).await {
        patience = limits::READER_IDLE;
        // Before it waits for its place: what is dropped for lack of room counts as well.
        if !readers.peers.charge(&peer, Flood::Frames, 1) && readers.floods.send((peer, Flood::Frames)).await.is_err() {
            break;
        }
        frames::log("received", Some(&from), &frame);
        let event =
            NetEvent::Received { from, channel: Channel::Direct, topic: None, group, bytes: frame, token: None };
        // This wait slows a fast sender down.
        if readers.events.send(event).await.is_err() {
            break;
        }
    }
    tracing::debug!(%peer, "a direct stream has ended");
}

/// Reads a frame that begins within `patience` and is there within `whole` from its length on.
async fn read_frame(
    stream: &mut (impl AsyncRead + Unpin),
    group: NetworkGroup,
    partial: &PartialFrames,
    (patience, whole): (Duration, Duration),
) -> Option<Arc<[u8]>> {
    let mut length = [0; 4];
    timeout(patience, stream.read_exact(&mut length)).await.ok()?.ok()?;
    let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
    if length == 0 || length > wire::FRAME_MAX {
        return None;
    }
    let (room, given_up) = partial.begin(group);
    tokio::select! {
        frame = timeout(whole, read_bytes(stream, length, &room)) => frame.ok()?,
        _ = given_up => None,
    }
}

async fn read_bytes(stream: &mut (impl AsyncRead + Unpin), length: usize, room: &Room) -> Option<Arc<[u8]>> {
    let mut frame = Vec::new();
    while frame.len() < length {
        let begin = frame.len();
        let end = length.min(begin + limits::READ_STEP);
        room.grow(end - begin);
        frame.resize(end, 0);
        stream.read_exact(frame.get_mut(begin..)?).await.ok()?;
    }
    Some(frame.into())
}

/// Writes the frames of the outbox, over as many streams as it takes. Ends when the outbox was empty for a while, or is
/// closed.
pub(crate) async fn write(
    peer: PeerId,
    protocol: StreamProtocol,
    mut control: Control,
    mut outbox: mpsc::Receiver<Arc<[u8]>>,
) {
    let mut stream = None;
    let mut frames = Vec::new();
    // Frames that wait are written together.
    while let Ok(1..) = timeout(limits::WRITER_IDLE, outbox.recv_many(&mut frames, limits::FRAMES_AT_ONCE)).await {
        let bytes = packed(&frames);
        frames.clear();
        let mut pause = limits::SEND_PAUSE;
        for attempt in 1..=limits::SEND_ATTEMPTS {
            match send(peer, &protocol, &mut control, &mut stream, &bytes).await {
                Ok(()) => break,
                Err(error) => tracing::debug!(%peer, attempt, error = ?Quoted(error), "a direct message was not sent"),
            }
            stream = None;
            tokio::time::sleep(pause).await;
            pause *= 2;
        }
    }
    if let Some(stream) = stream {
        // A peer that does not end its side has gone, or is slow. The frames that it has not read are lost then.
        drop(timeout(limits::FAREWELL, finish(stream)).await);
    }
}

/// Ends a stream, and waits until the peer has read all of it: it ends its side then.
async fn finish(mut stream: Stream) {
    if stream.close().await.is_ok() {
        let mut rest = [0];
        drop(stream.read(&mut rest).await);
    }
}

/// Frames as they are on a stream. None is longer than a frame may be, so none is left out.
fn packed(frames: &[Arc<[u8]>]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(frames.iter().map(|frame| 4 + frame.len()).sum());
    for frame in frames {
        if let Ok(length) = u32::try_from(frame.len()) {
            bytes.extend_from_slice(&length.to_be_bytes());
            bytes.extend_from_slice(frame);
        }
    }
    bytes
}

async fn send(
    peer: PeerId,
    protocol: &StreamProtocol,
    control: &mut Control,
    stream: &mut Option<Stream>,
    bytes: &[u8],
) -> std::io::Result<()> {
    let open = match stream.take() {
        Some(open) => open,
        None => timeout(limits::OPEN_TIME, open(peer, protocol, control)).await??,
    };
    let open = stream.insert(open);
    open.write_all(bytes).await?;
    open.flush().await
}

/// Opens a stream, and waits until the peer has taken it in.
async fn open(peer: PeerId, protocol: &StreamProtocol, control: &mut Control) -> std::io::Result<Stream> {
    let mut stream = control.open_stream(peer, protocol.clone()).await.map_err(std::io::Error::other)?;
    let mut answer = [0];
    stream.read_exact(&mut answer).await?;
    if answer == [ACCEPTED] { Ok(stream) } else { Err(std::io::ErrorKind::InvalidData.into()) }
}

#[cfg(test)]
mod tests {
    use std::io;

    use futures::{StreamExt as _, TryStreamExt as _, stream};

    use super::*;

    const TIMES: (Duration, Duration) = (limits::FRAME_TIME, limits::FRAME_TIME);

    /// A stream on which these bytes come one by one, each a millisecond after the one before.
    fn slow(bytes: Vec<u8>) -> impl AsyncRead + Unpin {
        let slowly = stream::unfold(bytes.into_iter(), |mut bytes| async {
            tokio::time::sleep(Duration::from_millis(1)).await;
            bytes.next().map(|byte| (io::Result::Ok(vec![byte]), bytes))
        });
        slowly.boxed().into_async_read()
    }

    #[tokio::test]
    async fn bytes_that_come_one_by_one_do_not_prolong_the_time_for_a_frame_or_its_length() {
        let partial = PartialFrames::default();
        let frame = |length: u16| {
            let mut bytes = u32::from(length).to_be_bytes().to_vec();
            bytes.resize(4 + usize::from(length), 7);
            bytes
        };
        let second = Duration::from_secs(1);
        // Catch-up's pages and session messages are frames of the same streams. These bytes take ten seconds, and the last
        // of them is not waited for.
        let whole = (limits::FRAME_TIME, second / 50);
        assert_eq!(read_frame(&mut slow(frame(10_000)), NetworkGroup::Local, &partial, whole).await, None);
        let length = (second / 500, limits::FRAME_TIME);
        assert_eq!(read_frame(&mut slow(frame(1)), NetworkGroup::Local, &partial, length).await, None);
        assert!(read_frame(&mut slow(frame(3)), NetworkGroup::Local, &partial, TIMES).await.is_some());
    }

    /// A stream on which these bytes come, and nothing after them.
    fn stalled(bytes: Vec<u8>) -> impl AsyncRead + Unpin {
        stream::iter([Ok(bytes)]).chain(stream::pending::<io::Result<Vec<u8>>>()).into_async_read()
    }

    #[tokio::test]
    async fn a_stream_on_which_nothing_comes_is_not_read_for_ever() {
        let partial = PartialFrames::default();
        let mut silent = stalled(Vec::new());
        let times = (Duration::ZERO, limits::FRAME_TIME);
        assert_eq!(read_frame(&mut silent, NetworkGroup::Local, &partial, times).await, None);
        let mut open = stalled([&[0, 0, 0, 2][..], b"ab", &[0, 0, 0, 3], b"cd"].concat());
        let first = read_frame(&mut open, NetworkGroup::Local, &partial, TIMES).await;
        assert_eq!(first.as_deref(), Some(&b"ab"[..]));
    }

    #[tokio::test]
    async fn a_half_frame_is_given_up_when_there_is_no_room_for_others() {
        let partial = PartialFrames::default();
        let begun = [&[0, 0, 0x40, 0][..], &[7; 100]].concat();
        let mut slow = stalled(begun);
        let others = async {
            let mut held = Vec::new();
            for _ in 0..=limits::PARTIAL_BYTES / limits::READ_STEP {
                let (room, given_up) = partial.begin(NetworkGroup::Local);
                room.grow(limits::READ_STEP);
                held.push((room, given_up));
            }
            core::future::pending::<()>().await;
        };
        tokio::select! {
            biased;
            frame = read_frame(&mut slow, NetworkGroup::Local, &partial, TIMES) => assert_eq!(frame, None),
            () = others => {}
        }
    }
}
