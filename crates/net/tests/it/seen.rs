//! The state of a node, as values and as metrics.

use motet_net::{Direction, NetError, Sample};
use motet_wire::NetworkGroup;

use crate::peer::Peer;

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_is_seen_from_both_ends() {
    let mut one = Peer::alone().await;
    let mut two = Peer::at(&one).await;
    one.connected(&two.id()).await;
    two.connected(&one.id()).await;
    for (node, other, direction) in [(&one, &two, Direction::Inbound), (&two, &one, Direction::Outbound)] {
        let [peer] = node.handle.peers().await.unwrap().try_into().unwrap();
        assert_eq!((peer.peer, peer.direction, peer.relayed), (other.id(), direction, false));
        assert_eq!(peer.group, NetworkGroup::Local);
    }
    let two_id = two.id();
    two.handle.stop().await;
    one.disconnected(&two_id).await;
    assert!(one.handle.peers().await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_are_one_text_with_those_of_libp2p_and_of_the_nodes_user() {
    let mut one = Peer::alone().await;
    let two = Peer::at(&one).await;
    one.connected(&two.id()).await;
    one.dht_ready().await;
    two.send(&one.id(), *b"a frame").await;
    one.message_with(b"a frame").await;
    let own = Sample::counter("motet_rejected", "Refused", 3).with("rule", "V-01");
    let text = one.handle.metrics(vec![own]).await.unwrap();
    for line in [
        "motet_connections{group=\"local\",direction=\"in\",relayed=\"false\"} 1\n",
        "motet_dht_state{state=\"ready\"} 1\n",
        "motet_dht_state{state=\"stopped\"} 0\n",
        "motet_dht_server 1\n",
        "motet_streams{direction=\"in\"} 1\n",
        "motet_rejected_total{rule=\"V-01\"} 3\n",
        "motet_queue{queue=\"frames\"} 0\n",
        "# TYPE libp2p_swarm_connections_established counter\n",
        "# TYPE gossipsub_",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    assert_eq!(text.matches("# EOF").count(), 1);
    one.handle.stop().await;
    assert_eq!(one.handle.metrics(Vec::new()).await, Err(NetError::Stopped));
}
