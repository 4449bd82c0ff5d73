//! Broadcasts: to everybody, back to the sender, and on only if they are found good.

use std::sync::Arc;

use motet_net::parse_address;
use motet_wire::{Channel, Topic, Verdict};

use crate::peer::{Peer, TCP, config};

#[tokio::test(flavor = "multi_thread")]
async fn a_broadcast_reaches_everybody_and_its_sender() {
    let mut one = Peer::alone().await;
    let mut two = Peer::at(&one).await;
    let mut three = Peer::at(&one).await;
    for other in [&two, &three] {
        one.connected(&other.id()).await;
    }
    let frame: Arc<[u8]> = (*b"to whom it may concern").into();
    one.handle.publish(Topic::Requests, Arc::clone(&frame)).await.unwrap();
    for other in [&mut two, &mut three] {
        let message = other.message().await;
        assert_eq!(message.bytes, frame);
        assert!(matches!(message.channel, Channel::Gossip | Channel::Direct), "{message:?}");
    }
    let own = one.message().await;
    assert_eq!((&own.from, own.channel, &own.bytes), (&one.id(), Channel::Loopback, &frame));
    assert_eq!(own.token, None);
    // Once: the next that comes back is the next that was published.
    one.handle.publish(Topic::Requests, (*b"next").into()).await.unwrap();
    assert_eq!(&*one.message().await.bytes, b"next");
}

/// One, a node between, and another; neither end has room for a second connection.
async fn chain() -> [Peer; 3] {
    let mut middle = Peer::alone().await;
    let mut ends = Vec::new();
    for _ in 0..2 {
        let mut settings = config(TCP);
        settings.connections = 1;
        settings.bootstrap.push(parse_address(&middle.address).unwrap());
        let mut end = Peer::start(settings).await;
        end.connected(&middle.id()).await;
        middle.connected(&end.id()).await;
        ends.push(end);
    }
    let [one, other] = ends.try_into().unwrap_or_else(|_| panic!("two ends"));
    [one, middle, other]
}

#[tokio::test(flavor = "multi_thread")]
async fn gossip_goes_on_only_with_a_good_verdict() {
    let [one, mut middle, mut other] = chain().await;
    // Every third message is found good. The first ones may come before anybody has subscribed, so some more follow.
    let mut good = Vec::new();
    let mut forwarded = Vec::new();
    for number in 0_u32.. {
        let frame: Arc<[u8]> = number.to_be_bytes().into();
        one.handle.publish(Topic::Sessions, Arc::clone(&frame)).await.unwrap();
        let mut message = middle.message_with(&frame).await;
        while message.channel != Channel::Gossip && number > 0 && !good.is_empty() {
            message = middle.message_with(&frame).await;
        }
        let Some(token) = message.token else {
            // It came directly. As long as gossip has not carried one, it need not carry this one.
            continue;
        };
        assert_eq!(message.from, one.id());
        let verdict = [Verdict::Accept, Verdict::Ignore, Verdict::Reject][usize::try_from(number % 3).unwrap()];
        middle.handle.report(token, verdict).await.unwrap();
        if verdict == Verdict::Accept {
            good.push(frame);
            let message = other.message().await;
            assert_eq!((message.from, message.channel), (middle.id(), Channel::Gossip));
            forwarded.push(message.bytes);
        }
        if good.len() == 3 {
            break;
        }
    }
    assert_eq!(forwarded, good);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_late_is_told_what_was_published_before() {
    let mut one = Peer::alone().await;
    one.handle.publish(Topic::Signers, (*b"is anybody there?").into()).await.unwrap();
    assert_eq!(one.message().await.channel, Channel::Loopback);
    let mut late = Peer::at(&one).await;
    let message = late.message().await;
    assert_eq!((&message.from, &*message.bytes), (&one.id(), &b"is anybody there?"[..]));
}
