//! Messages from one node to one other.

use std::sync::Arc;

use motet_wire::{Channel, limits};

use crate::peer::Peer;
use crate::stranger::Stranger;

#[tokio::test(flavor = "multi_thread")]
async fn messages_arrive_whole_and_in_order() {
    let mut one = Peer::alone().await;
    let mut other = Peer::at(&one).await;
    other.connected(&one.id()).await;
    let frames: Vec<Arc<[u8]>> = (0_u32..200)
        .map(|number| number.to_be_bytes().repeat(1 + usize::try_from(number).unwrap() * 7).into())
        .chain([vec![7; limits::FRAME_MAX].into()])
        .collect();
    for frame in &frames {
        other.send(&one.id(), Arc::clone(frame)).await;
    }
    for frame in &frames {
        let message = one.message().await;
        assert_eq!((message.channel, &message.from), (Channel::Direct, &other.id()));
        assert_eq!(message.token, None);
        assert!(message.bytes == *frame, "{} bytes for {}", message.bytes.len(), frame.len());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_lost_when_many_begin_to_speak_at_once() {
    let mut one = Peer::alone().await;
    let mut others = Vec::new();
    for _ in 0..12 {
        let mut other = Peer::at(&one).await;
        other.connected(&one.id()).await;
        others.push(other);
    }
    for other in &others {
        other.send(&one.id(), other.id().as_bytes().to_vec()).await;
    }
    let mut expected: Vec<Vec<u8>> = others.iter().map(|other| other.id().as_bytes().to_vec()).collect();
    let mut heard = Vec::new();
    while heard.len() < others.len() {
        heard.push(one.message().await.bytes.to_vec());
    }
    expected.sort();
    heard.sort();
    assert_eq!(heard, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_to_oneself_goes_nowhere() {
    let mut one = Peer::alone().await;
    one.send(&one.id(), *b"note to self").await;
    let other = Peer::at(&one).await;
    other.send(&one.id(), *b"note").await;
    assert_eq!(&*one.message().await.bytes, b"note");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_that_is_too_long_or_empty_ends_its_stream_and_nothing_else() {
    let mut one = Peer::alone().await;
    let mut stranger = Stranger::at(&one).await;
    let too_long = u32::try_from(limits::FRAME_MAX).unwrap() + 1;
    for length in [too_long, u32::MAX, 0] {
        let mut stream = stranger.stream(&one).await;
        // What comes before is taken.
        stream.write(&framed(b"before")).await;
        assert_eq!(&*one.message().await.bytes, b"before");
        stream.write(&length.to_be_bytes()).await;
        // The announcement alone is refused: nothing is read that could be kept.
        stream.ended().await;
    }
    let mut stream = stranger.stream(&one).await;
    stream.write(&framed(b"after")).await;
    let message = one.message().await;
    assert_eq!((&*message.bytes, message.from), (&b"after"[..], stranger.id()));
}

#[tokio::test(flavor = "multi_thread")]
async fn frames_may_come_in_pieces_and_together() {
    let mut one = Peer::alone().await;
    let mut stranger = Stranger::at(&one).await;
    let mut stream = stranger.stream(&one).await;
    for byte in framed(b"byte by byte") {
        stream.write(&[byte]).await;
    }
    assert_eq!(&*one.message().await.bytes, b"byte by byte");
    stream.write(&[framed(b"two"), framed(b"at once")].concat()).await;
    assert_eq!(&*one.message().await.bytes, b"two");
    assert_eq!(&*one.message().await.bytes, b"at once");
}

#[tokio::test(flavor = "multi_thread")]
async fn half_a_frame_is_no_frame() {
    let mut one = Peer::alone().await;
    let mut stranger = Stranger::at(&one).await;
    let mut stream = stranger.stream(&one).await;
    let half = framed(b"the end of this is missing");
    stream.write(half.split_at(10).0).await;
    stream.close().await;
    stream.ended().await;
    let mut stream = stranger.stream(&one).await;
    stream.write(&framed(b"whole")).await;
    assert_eq!(&*one.message().await.bytes, b"whole");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_oldest_of_too_many_streams_gives_way() {
    let mut one = Peer::alone().await;
    let mut stranger = Stranger::at(&one).await;
    let mut streams = Vec::new();
    for number in 0_u8..5 {
        let mut stream = stranger.stream(&one).await;
        stream.write(&framed(&[number])).await;
        assert_eq!(&*one.message().await.bytes, [number]);
        streams.push(stream);
    }
    streams.remove(0).ended().await;
    for (stream, number) in streams.iter_mut().zip(10_u8..) {
        stream.write(&framed(&[number])).await;
        assert_eq!(&*one.message().await.bytes, [number]);
    }
}

fn framed(frame: &[u8]) -> Vec<u8> {
    [&u32::try_from(frame.len()).unwrap().to_be_bytes(), frame].concat()
}
