//! Broadcasts: to everybody else, and on only if they are found good.

use std::sync::Arc;

use motet_net::parse_address;
use motet_wire::{Channel, Topic, Verdict};

use crate::peer::{Message, Peer, TCP, config, topic};

#[tokio::test(flavor = "multi_thread")]
async fn a_broadcast_reaches_everybody_but_its_sender() {
    let mut one = Peer::alone().await;
    let mut two = Peer::at(&one).await;
    let mut three = Peer::at(&one).await;
    one.all_connected(&[&two, &three]).await;
    let frame: Arc<[u8]> = (*b"to whom it may concern").into();
    one.publish(Arc::clone(&frame)).await;
    for other in [&mut two, &mut three] {
        let message = other.message().await;
        assert_eq!(message.bytes, frame);
        assert!(matches!(message.channel, Channel::Gossip | Channel::Direct), "{message:?}");
    }
    // The first message that its sender gets is one of another.
    two.send(&one.id(), *b"it concerns me").await;
    assert_eq!(one.message().await.from, two.id());
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

/// The copy of this frame that came by gossip.
async fn gossiped(node: &mut Peer, frame: &[u8]) -> Message {
    loop {
        let message = node.message_with(frame).await;
        if message.channel == Channel::Gossip {
            return message;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn gossip_goes_on_only_with_a_good_verdict() {
    let [one, mut middle, mut other] = chain().await;
    // Until gossip has found its ways, which it tells nobody, everything is found good.
    let mut found = false;
    let mut number = 0_u32;
    while !found {
        let frame: Arc<[u8]> = [&b"a trial"[..], &number.to_be_bytes()].concat().into();
        one.publish(Arc::clone(&frame)).await;
        let mut message = middle.message_with(&frame).await;
        // What is published before there is a subscription comes directly, and by no other way.
        if let Some(token) = message.token.take() {
            middle.handle.report(token, Verdict::Accept).await.unwrap();
        }
        let marker = [&b"so far"[..], &number.to_be_bytes()].concat();
        middle.send(&other.id(), marker.as_slice()).await;
        loop {
            let message = other.message().await;
            found = found || message.channel == Channel::Gossip;
            if *message.bytes == *marker {
                break;
            }
        }
        number += 1;
    }

    let verdicts = [Verdict::Reject, Verdict::Accept, Verdict::Ignore].repeat(3);
    let mut good: Vec<Arc<[u8]>> = Vec::new();
    for (number, verdict) in (0_u8..).zip(verdicts).chain([(100, Verdict::Accept)]) {
        let frame: Arc<[u8]> = [number].into();
        one.publish(Arc::clone(&frame)).await;
        let message = gossiped(&mut middle, &frame).await;
        assert_eq!(message.from, one.id());
        middle.handle.report(message.token.unwrap(), verdict).await.unwrap();
        if verdict == Verdict::Accept {
            good.push(frame);
        }
    }
    let mut passed_on = Vec::new();
    while passed_on.last() != good.last() {
        let message = other.message().await;
        if message.bytes.len() == 1 {
            assert_eq!((message.from, message.channel), (middle.id(), Channel::Gossip));
            passed_on.push(message.bytes);
        }
    }
    assert_eq!(passed_on, good);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_late_is_told_what_was_published_before() {
    let one = Peer::alone().await;
    one.publish(*b"is anybody there?").await;
    assert_eq!(one.handle.stats().await.unwrap().published, 1);
    let mut late = Peer::at(&one).await;
    let message = late.message().await;
    assert_eq!((&message.from, &*message.bytes), (&one.id(), &b"is anybody there?"[..]));
}

#[tokio::test(flavor = "multi_thread")]
async fn subscribers_of_a_topic_hear_what_is_published_and_no_others_do() {
    // Its publisher need not subscribe itself.
    let mut publisher = Peer::start_on(config(TCP), &[]).await;
    let at_publisher = || {
        let mut settings = config(TCP);
        settings.bootstrap.push(parse_address(&publisher.address).unwrap());
        settings
    };
    let mut subscriber = Peer::start(at_publisher()).await;
    let mut bystander = Peer::start_on(at_publisher(), &[Topic::Requests(3)]).await;
    publisher.all_connected(&[&subscriber, &bystander]).await;
    publisher.publish(*b"an offer").await;
    assert_eq!(subscriber.message().await.bytes[..], b"an offer"[..]);
    publisher.send(&bystander.id(), *b"nothing for you").await;
    assert_eq!(bystander.message().await.bytes[..], b"nothing for you"[..]);
    // What is published on several topics comes once to a subscriber of one of them.
    publisher.handle.publish(vec![topic(), Topic::Requests(3)], (*b"for both").into()).await.unwrap();
    for node in [&mut subscriber, &mut bystander] {
        assert_eq!(node.message().await.bytes[..], b"for both"[..]);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_subscription_that_has_ended_brings_nothing_more() {
    let mut publisher = Peer::alone().await;
    let mut other = Peer::at(&publisher).await;
    publisher.connected(&other.id()).await;
    publisher.publish(*b"before").await;
    assert_eq!(other.message().await.bytes[..], b"before"[..]);
    other.handle.subscribe([].into()).await.unwrap();
    // As soon as the publisher knows, and at the latest when its own subscriptions have ended, nothing comes.
    let mut number = 0_u32;
    loop {
        number += 1;
        publisher.publish([&b"after"[..], &number.to_be_bytes()].concat()).await;
        publisher.send(&other.id(), number.to_be_bytes()).await;
        let mut came = 0;
        while other.message().await.bytes[..] != number.to_be_bytes() {
            came += 1;
        }
        if came == 0 {
            return;
        }
    }
}
