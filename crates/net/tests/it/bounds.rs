//! Queues have an end: who is too fast waits or loses, and nobody's memory grows.

use std::sync::Arc;

use motet_net::NetEvent;

use crate::peer::Peer;

/// Far more than all queues and windows together hold; whoever takes this many without a word has no bound.
const MANY: u64 = 100_000;

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_listen_slows_the_sender_down() {
    let mut slow = Peer::alone().await;
    let mut fast = Peer::at(&slow).await;
    fast.connected(&slow.id()).await;
    let payload = [0; 4096];
    let mut number = 0_u64;
    let mut taken = Vec::new();
    // As long as nobody takes its events, the node stops reading at some point, and the sender's outbox is full.
    let sent = loop {
        assert!(number < MANY, "nothing is bounded");
        let before = fast.handle.stats().await.unwrap();
        fast.send(&slow.id(), [&number.to_be_bytes()[..], &payload].concat()).await;
        let after = fast.handle.stats().await.unwrap();
        if after.dropped > before.dropped {
            break after.sent;
        }
        taken.push(number);
        number += 1;
    };
    assert_eq!(u64::try_from(taken.len()).unwrap(), sent);
    // The slow node is not hung: it answers, and does what it is told.
    slow.send(&fast.id(), *b"slow, but here").await;
    assert_eq!(&*fast.message_with(b"slow, but here").await.bytes, b"slow, but here");
    // What was taken arrives, all of it and in order, now that somebody listens.
    for number in taken {
        let message = slow.message().await;
        assert_eq!(message.bytes.get(..8), Some(&number.to_be_bytes()[..]));
    }
    // And there is room again.
    fast.send(&slow.id(), *b"room").await;
    assert_eq!(&*slow.message().await.bytes, b"room");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_broadcasts_is_cut_off() {
    let mut slow = Peer::alone().await;
    let mut fast = Peer::at(&slow).await;
    fast.connected(&slow.id()).await;
    let mut number = 0_u64;
    while slow.handle.stats().await.unwrap().dropped == 0 && fast.handle.stats().await.unwrap().dropped == 0 {
        assert!(number < MANY, "nothing is bounded");
        fast.publish(number.to_be_bytes()).await;
        number += 1;
    }
    // The flooded node still hears what comes when it listens again.
    let last: Arc<[u8]> = (*b"the last").into();
    let mut heard = false;
    while !heard {
        fast.publish(Arc::clone(&last)).await;
        while fast.events.try_recv().is_ok() {}
        while let Some(event) = slow.next("the last").await {
            if matches!(&event, NetEvent::Received { bytes, .. } if *bytes == last) {
                heard = true;
            }
            if slow.events.is_empty() {
                break;
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_broadcasts_hides_no_event_about_the_node() {
    let mut slow = Peer::alone().await;
    let mut fast = Peer::at(&slow).await;
    fast.connected(&slow.id()).await;
    let mut number = 0_u64;
    while slow.handle.stats().await.unwrap().dropped == 0 {
        assert!(number < MANY, "nothing is bounded");
        fast.publish(number.to_be_bytes()).await;
        while fast.events.try_recv().is_ok() {}
        number += 1;
    }
    let mut third = Peer::at(&slow).await;
    third.connected(&slow.id()).await;
    // Until it is connected there, too.
    while slow.handle.stats().await.unwrap().peers < 2 {}
    slow.connected(&third.id()).await;
}
