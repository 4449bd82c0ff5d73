//! The path of the demonstration as a library user walks it: real sockets, real stores, several strangers.

use core::time::Duration;
use std::sync::Arc;

use motet_core_crypto::{PublicKey, SecretKey, schnorr};
use motet_net::{Keypair, NetConfig, parse_address};
use motet_node::event::{Completed, Event};
use motet_node::policy::ApproveAll;
use motet_node::{
    Config, Events, LocalSigner, MemoryStore, Node, OsEntropy, RedbStore, SignerQuery, SigningRequestSpec, Store,
};
use motet_wire::work::Free;
use motet_wire::{
    Channel, Criteria, Derivation, Difficulty, Item, NetworkId, RequestMetadata, RequestOptions, SignerMetadata,
};

/// A hang guard: nothing here is timed, but nothing may hang for ever either.
const GUARD: Duration = Duration::from_secs(120);

struct Voice {
    signer: PublicKey,
    handle: Node,
    events: Events,
    heard: Vec<Event>,
}

impl Voice {
    async fn start(bootstrap: Option<&str>, store: Arc<dyn Store>) -> (Self, String) {
        let mut net = NetConfig::local(NetworkId::test(), Keypair::generate());
        net.bootstrap.extend(bootstrap.map(|address| parse_address(address).unwrap()));
        let key = SecretKey::generate(&mut OsEntropy).unwrap();
        let signer = key.public_key();
        let node = Node::builder(net)
            .store(store)
            .policy(ApproveAll)
            .signer(LocalSigner::new(key, OsEntropy))
            .config(Config::default().difficulty(Difficulty(0)))
            .work(Free);
        let (handle, events) = node.start().await.unwrap();
        handle.subscribe_to_signer_discovery(["swap"]).unwrap().keep();
        let mut voice = Self { signer, handle, events, heard: Vec::new() };
        let listening = voice.wait(|event| matches!(event, Event::Listening { .. })).await;
        let Event::Listening { address } = listening else { panic!("not an address") };
        let address = format!("{address}/p2p/{}", voice.handle.peer_id());
        (voice, address)
    }

    /// The next event of a kind. All others are kept.
    async fn wait(&mut self, wanted: impl Fn(&Event) -> bool) -> Event {
        let waiting = async {
            loop {
                let event = self.events.next().await.expect("the node runs").expect("no event is lost");
                self.heard.push(event.clone());
                if wanted(&event) {
                    return event;
                }
            }
        };
        tokio::time::timeout(GUARD, waiting).await.expect("the event came")
    }

    async fn has_heard(&mut self, wanted: impl Fn(&Event) -> bool) {
        if !self.heard.iter().any(&wanted) {
            self.wait(wanted).await;
        }
    }

    fn count(&self, name: &str) -> usize {
        let is_it = |event: &&Event| format!("{event:?}").split(|c: char| !c.is_alphanumeric()).next() == Some(name);
        self.heard.iter().filter(is_it).count()
    }
}

async fn strangers(count: usize, store: impl Fn(usize) -> Arc<dyn Store>) -> Vec<Voice> {
    let (first, address) = Voice::start(None, store(0)).await;
    let mut voices = vec![first];
    for index in 1..count {
        voices.push(Voice::start(Some(&address), store(index)).await.0);
    }
    for voice in &mut voices {
        voice.has_heard(|event| matches!(event, Event::DhtReady)).await;
    }
    for voice in &mut voices {
        let criteria = Criteria { transaction_types: vec!["swap".to_owned()], ..Criteria::ANY };
        let lifetime = Duration::from_secs(600);
        voice.handle.advertise_signer(voice.signer, criteria, SignerMetadata::default(), lifetime).await.unwrap();
    }
    let signers: Vec<PublicKey> = voices.iter().map(|voice| voice.signer).collect();
    for voice in &mut voices {
        for signer in &signers {
            voice
                .has_heard(|event| match event {
                    Event::SignerAdvertised(found) | Event::SignerDiscovered(found) => {
                        found.advertisement.delegation.signer == *signer
                    }
                    _ => false,
                })
                .await;
        }
    }
    voices
}

async fn sign(voices: &mut [Voice], items: Vec<Item>) -> Vec<Completed> {
    let wishes = SignerQuery { transaction_type: Some("swap".to_owned()), ..SignerQuery::default() };
    let found = voices[0].handle.find_available_signers(wishes).await.unwrap();
    assert_eq!(found.len(), voices.len());
    let keys: Vec<PublicKey> = found.iter().map(|offer| offer.delegation.signer).collect();
    let announcement = SigningRequestSpec {
        creator: voices[0].signer,
        keys: keys.clone(),
        items: items.clone(),
        options: RequestOptions::default(),
        metadata: RequestMetadata::default(),
        lifetime: Duration::from_secs(60),
    };
    let (_, promised) = voices[0].handle.announce_signing_request(announcement).await.unwrap();
    let mut results = Vec::new();
    for voice in voices {
        let Event::SessionComplete(done) =
            voice.wait(|event| matches!(event, Event::SessionComplete(_) | Event::SessionAborted(_))).await
        else {
            panic!("the session was aborted");
        };
        for ((signed, item), key) in done.items.iter().zip(&items).zip(&promised) {
            assert_eq!(signed.aggregate_key, *key);
            assert_eq!(*key, item.verification_key(&keys).unwrap());
            schnorr::verify(key, &item.message, &signed.signature).unwrap();
        }
        assert_eq!(done.items.len(), items.len());
        results.push(done);
    }
    results
}

fn items(count: u8) -> Vec<Item> {
    (0..count)
        .map(|index| Item { message: vec![index; 32], derivation: Derivation::Taproot { merkle_root: None } })
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_find_each_other_and_every_event_comes_exactly_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut voices =
        strangers(3, |index| Arc::new(RedbStore::open(&folder.path().join(format!("{index}.redb"))).unwrap())).await;
    let results = sign(&mut voices, items(2)).await;
    assert!(results.windows(2).all(|pair| pair[0].items == pair[1].items));
    for (index, voice) in voices.iter().enumerate() {
        for (name, times) in [
            ("SignerAdvertised", 1),
            ("SignerDiscovered", 2),
            ("SigningRequestCreated", usize::from(index == 0)),
            ("SigningRequestReceived", usize::from(index != 0)),
            ("SigningRequestJoined", 1),
            ("ParticipantJoined", 3),
            ("CoordinatorElected", 1),
            ("SessionReady", 1),
            ("SessionNonceCommitmentsComplete", 1),
            ("NonceReceived", 3),
            ("SessionNoncesComplete", 1),
            ("PartialSigReceived", 3),
            ("SessionPartialSigsComplete", 1),
            ("SessionComplete", 1),
            ("SessionAborted", 0),
            ("SessionTimeout", 0),
            ("SessionError", 0),
        ] {
            assert_eq!(voice.count(name), times, "{name} on node {index}: {:?}", voice.heard);
        }
        // What it says itself, it is told of like what others say.
        let own = voice.heard.iter().any(|event| match event {
            Event::SignerAdvertised(known) => known.channel == Channel::Own,
            Event::SigningRequestJoined(joined) => joined.channel == Channel::Own,
            Event::NonceReceived(by) | Event::PartialSigReceived(by) => by.channel == Channel::Own,
            _ => false,
        });
        assert!(own);
    }
    for voice in &voices {
        voice.handle.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_strangers_sign_again_and_again() {
    let mut voices = strangers(2, |_| Arc::new(MemoryStore::default())).await;
    for round in 1..=5 {
        sign(&mut voices, items(round)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_heard_no_gossip_finds_signers_in_the_dht() {
    let voices = strangers(3, |_| Arc::new(MemoryStore::default())).await;
    let stats = voices[1].handle.stats().await.unwrap();
    let address = format!("{}/p2p/{}", stats.listening[0], voices[1].handle.peer_id());
    let (mut late, _) = Voice::start(Some(&address), Arc::new(MemoryStore::default())).await;
    late.has_heard(|event| matches!(event, Event::DhtReady)).await;
    let wishes = SignerQuery { transaction_type: Some("swap".to_owned()), ..SignerQuery::default() };
    let searching = async {
        loop {
            let found = late.handle.find_available_signers(wishes.clone()).await.unwrap();
            if found.len() == 3 {
                return;
            }
        }
    };
    tokio::time::timeout(GUARD, searching).await.expect("all signers are found");
    for voice in voices {
        voice.handle.stop().await;
    }
}
