//! The end of a node.

use std::sync::Arc;

use motet_net::{NetError, NetEvent, parse_address};
use motet_wire::{DhtKey, NetworkId, RequestId};

use crate::peer::{Peer, config, topic};

/// Everything that is still told, until the node has ended.
async fn rest(node: &mut Peer) -> Vec<NetEvent> {
    let mut told = Vec::new();
    while let Some(event) = node.next("the end").await {
        told.push(event);
    }
    told
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stopped_node_ends_and_says_so() {
    let mut one = Peer::alone().await;
    let mut other = Peer::at(&one).await;
    one.connected(&other.id()).await;
    other.connected(&one.id()).await;
    // Streams in both directions are open.
    one.send(&other.id(), *b"open").await;
    other.message().await;
    other.send(&one.id(), *b"open").await;
    one.message().await;
    one.handle.stop().await;
    rest(&mut one).await;
    other.disconnected(&one.id()).await;

    let handle = &one.handle;
    let key = DhtKey::request(&NetworkId::test(), &RequestId::from_bytes([0; 32]));
    assert_eq!(handle.publish(vec![topic()], (*b"x").into()).await, Err(NetError::Stopped));
    assert_eq!(handle.send(other.id(), Vec::new(), (*b"x").into()).await, Err(NetError::Stopped));
    assert_eq!(handle.put(key, vec![(*b"x").into()]).await, Err(NetError::Stopped));
    assert_eq!(handle.get(key).await, Err(NetError::Stopped));
    assert_eq!(handle.dial(parse_address(&other.address).unwrap()).await, Err(NetError::Stopped));
    assert_eq!(handle.stats().await, Err(NetError::Stopped));
    // Once more does no harm.
    handle.stop().await;

    // The other goes on.
    let mut third = Peer::at(&other).await;
    other.connected(&third.id()).await;
    other.send(&third.id(), *b"go on").await;
    assert_eq!(&*third.message_with(b"go on").await.bytes, b"go on");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_address_of_a_stopped_node_is_free() {
    let mut one = Peer::alone().await;
    let (_, address) = motet_net::split_peer(&one.address).unwrap();
    one.handle.stop().await;
    rest(&mut one).await;
    let mut settings = config(&address);
    settings.listen = vec![parse_address(&address).unwrap()];
    let again = Peer::start(settings).await;
    assert!(again.address.starts_with(&address), "{} {address}", again.address);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_nobody_holds_ends() {
    let one = Peer::alone().await;
    let mut other = Peer::at(&one).await;
    other.connected(&one.id()).await;
    let Peer { handle, events, .. } = one;
    drop(handle.clone());
    drop(handle);
    // Only its events are still held.
    let mut one = Peer::of(other.handle.clone(), events);
    rest(&mut one).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_nobody_listens_to_ends() {
    let one = Peer::alone().await;
    let mut other = Peer::at(&one).await;
    other.connected(&one.id()).await;
    let Peer { handle, events, .. } = one;
    drop(events);
    other.disconnected(handle.peer_id()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_under_way_ends_with_the_node() {
    let one = Peer::alone().await;
    let handle = one.handle.clone();
    let key = DhtKey::request(&NetworkId::test(), &RequestId::from_bytes([0; 32]));
    let (asked, ()) = tokio::join!(async move { handle.get(key).await }, one.handle.stop());
    // Nobody else is there: it has found nothing, or been told that the node has stopped. It does not hang.
    assert!(matches!(asked, Ok(ref found) if found.is_empty()) || asked == Err(NetError::Stopped));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_none_is_refused() {
    let one = Peer::alone().await;
    let elsewhere = "/ip4/127.0.0.1/sctp/1".parse().unwrap();
    assert!(matches!(one.handle.dial(elsewhere).await, Err(NetError::Transport { .. })));
    assert_eq!(parse_address("over there").unwrap_err(), NetError::Address("over there".to_owned()));
    let mut settings = config(crate::peer::TCP);
    settings.listen = vec!["/ip4/127.0.0.1/sctp/1".parse().unwrap()];
    let refused = motet_net::Net::start(settings, Arc::new(crate::peer::Plain::default())).map(drop);
    assert!(matches!(refused, Err(NetError::Listen { .. })), "{refused:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_sent_before_the_end_arrives() {
    for _ in 0..20 {
        let mut one = Peer::alone().await;
        let mut other = Peer::at(&one).await;
        other.connected(&one.id()).await;
        for number in 0..20_u8 {
            other.send(&one.id(), vec![number; 1 + usize::from(number)]).await;
        }
        other.handle.stop().await;
        for number in 0..20_u8 {
            assert_eq!(one.message().await.bytes[..], vec![number; 1 + usize::from(number)]);
        }
    }
}
