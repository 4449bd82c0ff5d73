//! Messages of applications between nodes: real sockets on loopback, all in this process.

use std::sync::Arc;
use std::time::Duration;

use motet_core_crypto::{PublicKey, SecretKey, schnorr};
use motet_net::{Keypair, Multiaddr, Net, NetConfig, NetEvent, NetHandle, parse_address};
use motet_node::event::Event;
use motet_node::policy::ApproveAll;
use motet_node::{
    ApplicationMessages, CallError, CommandError, Config, Events, LocalSigner, LostMessages, MemoryStore, Node,
    OsEntropy, ReceivedMessage, Recipient, Route, limits,
};
use motet_wire::{
    ApplicationMessage, Criteria, Delegation, Difficulty, HashWork, NetworkId, PeerId, SignerMetadata, TimestampMs,
    seal,
};

use crate::members::NoEntries;

const HOUR: Duration = Duration::from_secs(3600);

fn name() -> NetworkId {
    NetworkId::new("applications").unwrap()
}

async fn node() -> (Node, Events, PublicKey) {
    let key = SecretKey::generate(&mut OsEntropy).unwrap();
    let signer = key.public_key();
    let work = HashWork { floor: Difficulty(0), ceiling: Difficulty(0) };
    let node = Node::builder(NetConfig::local(name(), Keypair::generate())).store(MemoryStore::default()).work(work);
    let node = node.policy(ApproveAll).config(Config::default().difficulty(Difficulty(0)));
    let (node, events) = node.signer(LocalSigner::new(key, OsEntropy)).start().await.unwrap();
    (node, events, signer)
}

async fn address(node: &Node, events: &mut Events) -> Multiaddr {
    loop {
        if let Event::Listening { address } = events.next().await.unwrap().unwrap() {
            break parse_address(&format!("{address}/p2p/{}", node.peer_id())).unwrap();
        }
    }
}

/// A peer that makes and sends frames by itself, connected to a node.
struct Peer {
    net: NetHandle,
    signer: SecretKey,
    message_key: SecretKey,
    sequence: u64,
}

impl Peer {
    async fn connected_to(address: Multiaddr) -> Self {
        let (net, mut events) = Net::start(NetConfig::local(name(), Keypair::generate()), Arc::new(NoEntries)).unwrap();
        net.dial(address).await.unwrap();
        while !matches!(events.recv().await.unwrap(), NetEvent::PeerConnected { .. }) {}
        tokio::spawn(async move { while events.recv().await.is_some() {} });
        let [signer, message_key] = [(); 2].map(|()| SecretKey::generate(&mut OsEntropy).unwrap());
        Self { net, signer, message_key, sequence: 0 }
    }

    /// A frame for a peer, and for one of its signers.
    fn frame(&mut self, peer: PeerId, signer: Option<PublicKey>, data: &[u8]) -> Arc<[u8]> {
        let now = motet_node::Clock::start().now().wall;
        let (own, speaks) = (self.signer.public_key(), self.message_key.public_key());
        let not_after = TimestampMs(now.0 + 3_600_000);
        let digest = Delegation::digest(&name(), &own, &speaks, self.net.peer_id(), not_after);
        let signature = schnorr::sign(&self.signer, &digest, &[0; 32]).unwrap();
        let delegation =
            Delegation { signer: own, message_key: speaks, peer: *self.net.peer_id(), not_after, signature };
        let (application, data) = ("chat".to_owned(), data.to_vec());
        let message = ApplicationMessage { delegation, peer, signer, application, data };
        self.sequence += 1;
        seal(&name(), &self.message_key, self.sequence, now, &message.into(), &[0; 32]).unwrap().frame
    }

    async fn send(&self, to: &Node, frame: &Arc<[u8]>) {
        self.net.send(*to.peer_id(), Vec::new(), Arc::clone(frame)).await.unwrap();
    }
}

async fn next(messages: &mut ApplicationMessages) -> ReceivedMessage {
    messages.next().await.unwrap().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_reaches_the_application_of_a_signer_and_the_answer_its_node() {
    let (anna, mut heard, anna_key) = node().await;
    let (ben, mut events, ben_key) = node().await;
    let mut at_ben = ben.application_messages("chat").unwrap();
    let mut at_anna = anna.application_messages("chat").unwrap();
    let other = anna.application_messages("other").unwrap();

    // Nobody knows where Ben's signer is: it is looked for, and not found.
    let said = anna.send_application_message(anna_key, Recipient::Signer(ben_key), "chat", b"lunch?".to_vec()).await;
    assert_eq!(said, Err(CallError::Command(CommandError::UnknownRecipient(ben_key))));

    anna.subscribe_to_all_signers().unwrap().keep();
    ben.connect(address(&anna, &mut heard).await).await.unwrap();
    ben.advertise_signer(ben_key, Criteria::ANY, SignerMetadata::default(), HOUR).await.unwrap();
    while !matches!(heard.next().await.unwrap().unwrap(), Event::SignerDiscovered(_)) {}
    let to = Recipient::Signer(ben_key);
    let id = anna.send_application_message(anna_key, to, "chat", b"lunch?".to_vec()).await.unwrap();
    let asked = next(&mut at_ben).await;
    assert_eq!((asked.id, asked.from, asked.peer, asked.to), (id, anna_key, *anna.peer_id(), Some(ben_key)));
    assert_eq!(asked.data, b"lunch?");

    let back = Recipient::Node(Route { peer: asked.peer, addresses: Vec::new() });
    ben.send_application_message(ben_key, back, "chat", b"at noon".to_vec()).await.unwrap();
    let answer = next(&mut at_anna).await;
    assert_eq!((answer.from, answer.to, &*answer.data), (ben_key, None, &b"at noon"[..]));
    drop(other);

    // Streams end with their node, and none begins after that.
    anna.stop().await;
    assert_eq!(at_anna.next().await, None);
    assert_eq!(anna.application_messages("chat").unwrap_err(), CallError::Stopped);
    ben.stop().await;
    while events.next().await.is_some() {}
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_for_another_node_or_signer_or_comes_twice_is_not_heard() {
    let (ben, mut events, ben_key) = node().await;
    let mut heard = ben.application_messages("chat").unwrap();
    let mut mallory = Peer::connected_to(address(&ben, &mut events).await).await;
    let stranger = SecretKey::generate(&mut OsEntropy).unwrap().public_key();
    let for_another = mallory.frame(*mallory.net.peer_id(), None, b"for Mallory");
    let for_nobody = mallory.frame(*ben.peer_id(), Some(stranger), b"for a signer elsewhere");
    let sound = mallory.frame(*ben.peer_id(), Some(ben_key), b"for Ben's signer");
    let last = mallory.frame(*ben.peer_id(), None, b"for Ben");
    for frame in [&for_another, &for_nobody, &sound, &sound, &last] {
        mallory.send(&ben, frame).await;
    }
    let (first, second) = (next(&mut heard).await, next(&mut heard).await);
    assert_eq!((&*first.data, first.to), (&b"for Ben's signer"[..], Some(ben_key)));
    assert_eq!((&*second.data, second.to), (&b"for Ben"[..], None));
    assert_eq!((first.from, first.peer), (mallory.signer.public_key(), *mallory.net.peer_id()));
    ben.stop().await;
    assert_eq!(heard.next().await, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_application_loses_the_oldest_messages_and_is_told_and_no_event_is_lost_for_it() {
    let (ben, mut events, _) = node().await;
    let at = address(&ben, &mut events).await;
    let mut slow = ben.application_messages("chat").unwrap();
    let mut quick = ben.application_messages("chat").unwrap();
    // Each node has a rate: these are more than a queue holds, together.
    let senders = limits::APPLICATION_MESSAGES / 16 + 1;
    for _ in 0..senders {
        let mut sender = Peer::connected_to(at.clone()).await;
        for number in 0..16 {
            let frame = sender.frame(*ben.peer_id(), None, &[number]);
            sender.send(&ben, &frame).await;
            assert_eq!(next(&mut quick).await.data, [number]);
        }
    }
    assert_eq!(slow.next().await, Some(Err(LostMessages(16))));
    for _ in 0..limits::APPLICATION_MESSAGES {
        next(&mut slow).await;
    }
    ben.stop().await;
    assert_eq!(slow.next().await, None);
    let mut connected = 0;
    while let Some(event) = events.next().await {
        connected += usize::from(matches!(event.unwrap(), Event::PeerConnected { .. }));
    }
    assert_eq!(connected, senders);
}

#[tokio::test(flavor = "multi_thread")]
async fn only_so_many_applications_listen_and_a_name_is_free_when_nobody_does() {
    let (ben, ..) = node().await;
    for name in ["", "a chat", &*"a".repeat(33)] {
        assert_eq!(ben.application_messages(name).unwrap_err(), CallError::Command(CommandError::ApplicationName));
    }
    let listening: Vec<_> =
        (0..limits::APPLICATIONS).map(|number| ben.application_messages(&format!("a{number}")).unwrap()).collect();
    let error = CallError::TooManyApplications { limit: limits::APPLICATIONS };
    assert_eq!(ben.application_messages("more").unwrap_err(), error);
    let again = ben.application_messages("a0").unwrap();
    drop(listening);
    ben.application_messages("more").unwrap();
    drop(again);
    ben.stop().await;
}
