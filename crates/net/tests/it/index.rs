//! The index of the DHT under attack: what lies there stays there.

use core::time::Duration;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use motet_wire::DhtKey;

use crate::hostile::Hostile;
use crate::peer::{Peer, entry};

/// A life that is a second or two when it arrives.
const SHORT: Duration = Duration::from_secs(3);

fn key() -> DhtKey {
    DhtKey::from_bytes([7; 32])
}

fn place() -> [u8; 32] {
    key().places().next().unwrap()
}

fn packed(frames: &[Arc<[u8]>]) -> Vec<u8> {
    let length = |frame: &Arc<[u8]>| u32::try_from(frame.len()).unwrap().to_be_bytes();
    frames.iter().flat_map(|frame| [&length(frame)[..], frame].concat()).collect()
}

/// A node that holds what another has put, and a hostile peer of its.
async fn attacked(frames: &[Arc<[u8]>]) -> (Peer, Peer, Hostile) {
    let mut victim = Peer::alone().await;
    let other = Peer::at(&victim).await;
    victim.dht_ready().await;
    for frame in frames {
        other.handle.put(key(), vec![Arc::clone(frame)]).await.unwrap();
    }
    let mut hostile = Hostile::at(&victim).await;
    let mut wanted = frames.to_vec();
    wanted.sort();
    for place in key().places() {
        hostile.wait_for(place, &packed(&wanted)).await;
    }
    (victim, other, hostile)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_put_of_a_stranger_changes_nothing() {
    let frame = entry(1, 1, b"an offer");
    let (_victim, _other, mut hostile) = attacked(&[Arc::clone(&frame)]).await;
    for value in [Vec::new(), packed(&[(*b"no entry").into()]), packed(&[Arc::clone(&frame)])] {
        hostile.put(place(), value, SHORT).await;
    }
    let (value, life) = hostile.get(place()).await.unwrap();
    assert_eq!(value, packed(&[frame]));
    assert!(life.is_none_or(|life| life > Duration::from_secs(60)), "{life:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn empty_puts_into_a_full_bag_cost_no_judgement() {
    let frames: Vec<Arc<[u8]>> = (0..100).map(|author| entry(author, 1, &[author; 300])).collect();
    let (victim, _other, mut hostile) = attacked(&frames).await;
    let before = victim.judged.load(Ordering::Relaxed);
    for _ in 0..200 {
        hostile.put(place(), Vec::new(), SHORT).await;
    }
    // What lies there already is not judged again either.
    hostile.put(place(), packed(&frames), SHORT).await;
    let marker = entry(200, 1, b"a marker");
    hostile.put(place(), packed(&[Arc::clone(&marker)]), SHORT).await;
    let mut wanted = frames.clone();
    wanted.push(marker);
    hostile.wait_for(place(), &packed(&wanted)).await;
    assert_eq!(victim.judged.load(Ordering::Relaxed), before + 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn withdrawals_of_nothing_push_nothing_out() {
    let frame = entry(200, 1, b"an offer");
    let (victim, _other, mut hostile) = attacked(&[Arc::clone(&frame)]).await;
    for author in 0..200 {
        let withdrawal = entry(author, 2, &[&b"withdraws "[..], &1_u64.to_be_bytes(), &[0; 300]].concat()[..18]);
        hostile.put(place(), packed(&[withdrawal]), Duration::from_secs(3_600)).await;
    }
    let marker = entry(201, 1, b"a marker");
    hostile.put(place(), packed(&[Arc::clone(&marker)]), SHORT).await;
    hostile.wait_for(place(), &packed(&[Arc::clone(&frame), marker])).await;
    // The one that it was made for withdraws it, at all its places.
    let withdrawal = entry(200, 2, &[&b"withdraws "[..], &1_u64.to_be_bytes()].concat());
    victim.handle.put(key(), vec![frame, Arc::clone(&withdrawal)]).await.unwrap();
    loop {
        if victim.handle.get(key()).await.unwrap().contains(&withdrawal) {
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_hidden_at_one_place_is_found_at_the_others() {
    let mut one = Peer::alone().await;
    let two = Peer::at(&one).await;
    one.dht_ready().await;
    let mut hostile = Hostile::at(&one).await;
    let frame = entry(1, 1, b"an offer");
    for place in key().places().skip(1) {
        hostile.put(place, packed(&[Arc::clone(&frame)]), Duration::from_secs(3_600)).await;
        hostile.wait_for(place, &packed(&[Arc::clone(&frame)])).await;
    }
    assert!(hostile.get(place()).await.is_none());
    assert_eq!(two.handle.get(key()).await.unwrap(), [frame]);
}
