//! Direct messages: one long-lived stream to each peer that is spoken to, and one from each that speaks
//! (`docs/protocol.md` §5).
//!
//! The accepting node sends one byte, [`ACCEPTED`]; the other node sends nothing before that, since a stream that the
//! peer did not accept ends without an error. A frame on a stream is its length (`u32`, big endian) and its bytes. The
//! length is checked before memory is allocated, and the buffer grows with the bytes that really arrive.

use std::sync::Arc;

use futures::{AsyncReadExt as _, AsyncWriteExt as _};
use libp2p::{PeerId, Stream, StreamProtocol};
use libp2p_stream::Control;
use motet_wire::{Channel, NetworkGroup, limits as wire};
use tokio::sync::mpsc;

use crate::event::NetEvent;
use crate::frames;
use crate::limits;
use crate::peers;
use crate::quoted::Quoted;

/// The first byte of the node that accepts a stream.
const ACCEPTED: u8 = 1;

/// Reads frames until the stream ends or breaks a rule.
pub(crate) async fn read(peer: PeerId, group: NetworkGroup, mut stream: Stream, events: mpsc::Sender<NetEvent>) {
    let from = peers::to_wire(&peer);
    if stream.write_all(&[ACCEPTED]).await.is_err() || stream.flush().await.is_err() {
        return;
    }
    while let Some(frame) = read_frame(&mut stream).await {
        frames::log("received", Some(&from), &frame);
        let event = NetEvent::Received { from, channel: Channel::Direct, group, bytes: frame, token: None };
        // This wait slows a fast sender down.
        if events.send(event).await.is_err() {
            break;
        }
    }
    tracing::debug!(%peer, "a direct stream has ended");
}

async fn read_frame(stream: &mut Stream) -> Option<Arc<[u8]>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length).await.ok()?;
    let length = usize::try_from(u32::from_be_bytes(length)).ok()?;
    if length == 0 || length > wire::FRAME_MAX {
        return None;
    }
    tokio::time::timeout(limits::FRAME_TIME, read_bytes(stream, length)).await.ok()?
}

async fn read_bytes(stream: &mut Stream, length: usize) -> Option<Arc<[u8]>> {
    let mut frame = Vec::new();
    while frame.len() < length {
        let begin = frame.len();
        frame.resize(length.min(begin + limits::READ_STEP), 0);
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
    while let Ok(1..) =
        tokio::time::timeout(limits::WRITER_IDLE, outbox.recv_many(&mut frames, limits::FRAMES_AT_ONCE)).await
    {
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
        drop(tokio::time::timeout(limits::FAREWELL, finish(stream)).await);
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
        None => tokio::time::timeout(limits::OPEN_TIME, open(peer, protocol, control)).await??,
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
