//! What applications announce under a name, and find again: in engines, and over real sockets on loopback.

use std::sync::Arc;
use std::time::Duration;

use motet_coordinator::event::{Event, Resource};
use motet_coordinator::{Command, CommandError, CommandId, Config, Effect, Input, Reply, ResourceSpec};
use motet_core_crypto::{SecretKey, schnorr};
use motet_net::{Entry, EntryPolicy, Keypair, Net, NetConfig, NetHandle, Price, parse_address};
use motet_node::{CallError, Events, Node, OsEntropy, limits};
use motet_testkit::Cluster;
use motet_wire::work::Free;
use motet_wire::{
    Arrival, Channel, Delegation, DhtKey, Kind, MessageId, MonotonicMs, NetworkId, Now, ResourceAnnouncement,
    TimestampMs, ValidatorLimits, Work, peek, seal,
};

use crate::kit::{clock, cluster_of, find_in_dht, frames};
use crate::real::real_node;

const HOUR: Duration = Duration::from_secs(3600);

fn announce(cluster: &mut Cluster, node: usize, id: &str, data: &[u8]) -> Result<MessageId, CommandError> {
    announce_for(cluster, node, id, data, 24 * HOUR)
}

fn announce_for(
    cluster: &mut Cluster,
    node: usize,
    id: &str,
    data: &[u8],
    lifetime: Duration,
) -> Result<MessageId, CommandError> {
    let signer = cluster.key(node);
    let (resource_type, id, data) = ("relay".to_owned(), id.to_owned(), data.to_vec());
    let offered = ResourceSpec { signer, resource_type, id, data, lifetime };
    match cluster.command(node, Command::AnnounceResource(offered))? {
        Reply::ResourceAnnounced(message) => Ok(message),
        other => panic!("{other:?}"),
    }
}

fn resources(cluster: &mut Cluster, node: usize, command: Command) -> Vec<Resource> {
    match cluster.command(node, command).unwrap() {
        Reply::Resources(found) => found,
        other => panic!("{other:?}"),
    }
}

fn find(cluster: &mut Cluster, node: usize, id: &str) -> Vec<Vec<u8>> {
    let wanted = Command::FindResources { resource_type: "relay".to_owned(), id: id.to_owned() };
    resources(cluster, node, wanted).into_iter().map(|found| found.announcement.data).collect()
}

fn announced(cluster: &Cluster, node: usize) -> Vec<MessageId> {
    let events = cluster.node(node).events().iter();
    events
        .filter_map(|event| if let Event::ResourceAnnounced(resource) = event { Some(resource.message) } else { None })
        .collect()
}

/// The frames of resources that have been put into the DHT.
fn published(cluster: &Cluster) -> Vec<Arc<[u8]>> {
    let is_resource = |frame: &Arc<[u8]>| peek(frame).unwrap().kind == Kind::ResourceAnnouncement;
    frames(cluster).into_iter().filter(is_resource).collect()
}

#[test]
fn what_is_announced_is_told_once_and_known_here_and_goes_to_the_dht_alone() {
    let mut cluster = cluster_of(2, 1, &Config::default());
    let message = announce(&mut cluster, 0, "anna/1", b"here").unwrap();
    cluster.settle();
    assert_eq!(announced(&cluster, 0), [message]);
    assert!(cluster.node(1).events().is_empty());
    assert_eq!((find(&mut cluster, 0, "anna/1"), find(&mut cluster, 0, "anna/2")), (vec![b"here".to_vec()], vec![]));
    assert_eq!(published(&cluster).len(), 1);
    assert!(find(&mut cluster, 1, "anna/1").is_empty());
    // The other one finds it; that is no news of its own.
    let frame = published(&cluster).remove(0);
    find_in_dht(&mut cluster, 1, &frame);
    assert_eq!(find(&mut cluster, 1, "anna/1"), [b"here".to_vec()]);
    assert_eq!(resources(&mut cluster, 1, Command::Resources)[0].message, message);
    assert!(cluster.node(1).events().is_empty());
}

#[test]
fn a_name_that_is_announced_again_says_the_newest_whatever_comes_last() {
    let mut cluster = cluster_of(2, 2, &Config::default());
    announce(&mut cluster, 0, "anna/1", b"old").unwrap();
    cluster.jump(Duration::from_millis(10));
    announce(&mut cluster, 0, "anna/1", b"new").unwrap();
    let frames = published(&cluster);
    for frame in [&frames[1], &frames[0]] {
        find_in_dht(&mut cluster, 1, frame);
        find_in_dht(&mut cluster, 0, frame);
    }
    for node in [0, 1] {
        assert_eq!(find(&mut cluster, node, "anna/1"), [b"new".to_vec()]);
    }
    // Under one name, each signer has its own.
    announce(&mut cluster, 1, "anna/1", b"another's").unwrap();
    assert_eq!(find(&mut cluster, 1, "anna/1").len(), 2);
}

#[test]
fn stamps_may_be_found_in_another_order_than_they_are_looked_for() {
    let mut cluster = cluster_of(1, 8, &Config::default());
    let signer = cluster.key(0);
    let engine = cluster.node_mut(0).engine_mut();
    let now = |later| Now { wall: TimestampMs(1_800_000_000_000 + later), mono: MonotonicMs(1_000_000 + later) };
    let mut jobs = Vec::new();
    for (number, data) in [(1, b"old"), (2, b"new")] {
        let (resource_type, id) = ("relay".to_owned(), "anna/1".to_owned());
        let offered = ResourceSpec { signer, resource_type, id, data: data.to_vec(), lifetime: HOUR };
        let input = Input::Command(CommandId(1_000 + number), Command::AnnounceResource(offered));
        let effects = engine.handle(now(number), input, &mut OsEntropy).effects;
        jobs.extend(
            effects.into_iter().filter_map(|effect| if let Effect::Compute(job) = effect { Some(job) } else { None }),
        );
    }
    let mut replies = Vec::new();
    for job in jobs.into_iter().rev() {
        let outcome = job.run(&mut OsEntropy);
        let actions = engine.handle(now(3), Input::Computed(outcome), &mut OsEntropy).effects;
        let published = actions.iter().filter(|action| matches!(action, Effect::Publish { .. })).count();
        for action in actions {
            if let Effect::Reply(_, Ok(Reply::ResourceAnnounced(message))) = action {
                replies.push((published, message));
            }
        }
    }
    // Only the newer one goes out, and both callers are told that it is the one that counts.
    let [(1, newer), (0, older)] = replies.as_slice() else { panic!("{replies:?}") };
    assert_eq!(newer, older);
    assert_eq!(find(&mut cluster, 0, "anna/1"), [b"new".to_vec()]);
}

#[test]
fn a_resource_is_announced_anew_before_it_lapses_and_nobody_is_told_again() {
    let mut cluster = cluster_of(1, 3, &Config::default());
    announce_for(&mut cluster, 0, "short", b"1", Duration::from_secs(60)).unwrap();
    let mut last = peek(&published(&cluster)[0]).unwrap();
    for renewals in 1..=5 {
        let before = clock(&cluster);
        cluster.sleep();
        assert_eq!(clock(&cluster) - before, 30_000, "half its life");
        let frames = published(&cluster);
        assert_eq!(frames.len(), 1 + renewals);
        let renewed = peek(&frames[renewals]).unwrap();
        assert!(renewed.sequence > last.sequence && renewed.timestamp > last.timestamp);
        assert_eq!(find(&mut cluster, 0, "short"), [b"1".to_vec()]);
        last = renewed;
    }
    assert_eq!(announced(&cluster, 0).len(), 1);
}

#[test]
fn a_long_life_is_renewed_as_often_as_the_dht_forgets() {
    let mut cluster = cluster_of(1, 4, &Config::default());
    announce(&mut cluster, 0, "long", b"1").unwrap();
    cluster.sleep();
    assert_eq!(clock(&cluster), 3_600_000);
    assert_eq!(published(&cluster).len(), 2);
}

#[test]
fn what_was_found_is_forgotten_when_it_has_lapsed() {
    let mut cluster = cluster_of(2, 5, &Config::default());
    announce_for(&mut cluster, 0, "anna/1", b"here", Duration::from_secs(60)).unwrap();
    let frame = published(&cluster).remove(0);
    find_in_dht(&mut cluster, 1, &frame);
    cluster.jump(Duration::from_millis(59_999));
    cluster.sleep_of(&[1]);
    assert_eq!(clock(&cluster), 60_000);
    assert!(find(&mut cluster, 1, "anna/1").is_empty());
}

#[test]
fn a_node_announces_so_many_resources_and_keeps_them_whatever_it_finds() {
    let mut cluster = cluster_of(11, 6, &Config::default());
    for number in 0..limits::OWN_RESOURCES {
        announce(&mut cluster, 0, &format!("own/{number}"), b"first").unwrap();
    }
    let limit = limits::OWN_RESOURCES;
    assert_eq!(limit, 100);
    assert_eq!(announce(&mut cluster, 0, "one-more", b""), Err(CommandError::TooManyResources { limit }));
    // A name that is in use may say something else.
    announce(&mut cluster, 0, "own/7", b"second").unwrap();
    assert_eq!(announced(&cluster, 0).len(), limit + 1);
    // Others' take the places of others' only, though these live longer than the node's own.
    cluster.jump(Duration::from_millis(60_000));
    for node in 1..=10 {
        for number in 0..limit {
            announce(&mut cluster, node, &format!("other/{number}"), b"").unwrap();
            let frame = published(&cluster).pop().unwrap();
            find_in_dht(&mut cluster, 0, &frame);
        }
    }
    let known = resources(&mut cluster, 0, Command::Resources);
    assert_eq!(known.len(), limits::RESOURCES);
    assert_eq!(known.iter().filter(|known| known.announcement.id.starts_with("own/")).count(), limit);
}

#[test]
fn what_everybody_would_refuse_is_refused_in_words() {
    let mut cluster = cluster_of(1, 7, &Config::default());
    for id in ["", "two words", "\u{fc}", &"x".repeat(65)] {
        assert_eq!(announce(&mut cluster, 0, id, b""), Err(CommandError::ResourceName));
    }
    let length = 4097;
    assert_eq!(
        announce(&mut cluster, 0, "x", &vec![0; length]),
        Err(CommandError::ResourceData { length, limit: 4096 })
    );
    let (least, most) = (Duration::from_secs(60), 24 * HOUR);
    for lifetime in [Duration::ZERO, least - Duration::from_nanos(1), most + Duration::from_nanos(1), Duration::MAX] {
        let refused = announce_for(&mut cluster, 0, "x", b"", lifetime);
        assert_eq!(refused, Err(CommandError::ResourceLifetime { least, most }));
    }
    let stranger = SecretKey::generate(&mut OsEntropy).unwrap().public_key();
    let (resource_type, id) = ("relay".to_owned(), "x".to_owned());
    let offered = ResourceSpec { signer: stranger, resource_type, id, data: Vec::new(), lifetime: HOUR };
    let refused = cluster.command(0, Command::AnnounceResource(offered));
    assert!(matches!(refused, Err(CommandError::UnknownSigner(signer)) if signer == stranger));
    assert!(published(&cluster).is_empty() && announced(&cluster, 0).is_empty());
    // At the bounds it goes out.
    announce_for(&mut cluster, 0, &"~".repeat(64), &[0; 4096], most).unwrap();
    announce_for(&mut cluster, 0, "x", b"", least).unwrap();
}

fn example() -> NetworkId {
    NetworkId::new("resources").unwrap()
}

async fn dht_ready(events: &mut Events) {
    while !matches!(events.next().await.unwrap().unwrap(), Event::DhtReady) {}
}

/// Asks until so many are found: entries travel from node to node without telling anybody when they are there.
async fn discover(handle: &Node, id: &str, count: usize) -> Vec<Resource> {
    loop {
        let found = handle.discover_resource("relay", id).await.unwrap();
        assert!(found.len() <= count, "{found:?}");
        if found.len() == count {
            return found;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_one_node_announces_another_discovers() {
    let (anna, mut heard, key, address) = real_node(example()).await;
    let (ben, mut events, ben_key, _) = real_node(example()).await;
    ben.connect(parse_address(&address).unwrap()).await.unwrap();
    dht_ready(&mut events).await;
    dht_ready(&mut heard).await;
    let message = anna.announce_resource(key, "relay", "eu/1", b"here".to_vec(), HOUR).await.unwrap();
    let told = loop {
        if let Event::ResourceAnnounced(resource) = heard.next().await.unwrap().unwrap() {
            break resource;
        }
    };
    assert_eq!((told.message, told.announcement.data.as_slice()), (message, b"here".as_slice()));
    assert!(ben.local_resources().await.unwrap().is_empty());
    let found = discover(&ben, "eu/1", 1).await;
    assert_eq!(found, std::slice::from_ref(&told));
    assert_eq!(found[0].announcement.delegation.signer, key);
    assert_eq!(ben.local_resources().await.unwrap(), found);
    // Who comes later finds both, under the one name; and they are still known when nobody can be asked.
    ben.announce_resource(ben_key, "relay", "eu/1", b"there".to_vec(), HOUR).await.unwrap();
    let (late, mut met, ..) = real_node(example()).await;
    late.connect(parse_address(&address).unwrap()).await.unwrap();
    dht_ready(&mut met).await;
    let both = discover(&late, "eu/1", 2).await;
    assert!(late.discover_resource("relay", "eu/2").await.unwrap().is_empty());
    for handle in [anna, ben] {
        handle.stop().await;
    }
    assert_eq!(late.local_resources().await.unwrap(), both);
    let refused = late.discover_resource("relay", "eu 1").await;
    assert_eq!(refused, Err(CallError::Command(CommandError::ResourceName)));
    late.stop().await;
}

/// Holds whatever it is given.
struct Anything;

impl EntryPolicy for Anything {
    fn entry(&self, _: &[u8; 32], frame: &[u8]) -> Option<Entry> {
        let mut author = [0; 33];
        author[..32].copy_from_slice(&motet_core_crypto::tagged_hash("test", &[frame]));
        let life = Duration::from_secs(60);
        Some(Entry { author, name: [0; 32], version: 0, id: [0; 32], price: Price::Paid(0), life })
    }
}

/// A resource of a new signer, made and ended so many milliseconds from now.
fn resource(id: &str, made: i64, ends: i64) -> Arc<[u8]> {
    let [signer, message_key] = [(); 2].map(|()| SecretKey::generate(&mut OsEntropy).unwrap());
    let wall = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    let at = |offset: i64| TimestampMs(u64::try_from(wall.as_millis()).unwrap().saturating_add_signed(offset));
    let peer = Keypair::generate().peer_id();
    let (key, speaks, until) = (signer.public_key(), message_key.public_key(), at(HOUR.as_millis() as i64));
    let digest = Delegation::digest(&example(), &key, &speaks, &peer, until);
    let signature = schnorr::sign(&signer, &digest, &[0; 32]).unwrap();
    let delegation = Delegation { signer: key, message_key: speaks, peer, not_after: until, signature };
    let announcement = ResourceAnnouncement {
        delegation,
        resource_type: "relay".to_owned(),
        id: id.to_owned(),
        data: b"from a stranger".to_vec(),
        created: at(made),
        expires: at(ends),
        work: Work::default(),
    };
    seal(&example(), &message_key, 1, at(made), &announcement.into(), &[0; 32]).unwrap().frame
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_forged_or_expired_or_lies_under_another_name_is_neither_stored_nor_returned() {
    let (anna, mut heard, _, address) = real_node(example()).await;
    let (ben, mut events, ..) = real_node(example()).await;
    let net = NetConfig::local(example(), Keypair::generate());
    let (mallory, mut happens): (NetHandle, _) = Net::start(net, Arc::new(Anything)).unwrap();
    tokio::spawn(async move { while happens.recv().await.is_some() {} });
    mallory.dial(parse_address(&address).unwrap()).await.unwrap();
    ben.connect(parse_address(&address).unwrap()).await.unwrap();
    dht_ready(&mut heard).await;
    dht_ready(&mut events).await;

    let minute = 60_000;
    let mut forged = resource("eu/1", -minute, minute).to_vec();
    let end = forged.len();
    forged[end - 1] ^= 1;
    let bad = [forged.into(), resource("eu/1", -3 * minute, -minute), resource("eu/2", -minute, minute)];
    let good = resource("eu/1", -minute, minute);
    let key = DhtKey::resource(&example(), "relay", "eu/1");
    for frame in bad.iter().chain([&good]) {
        mallory.put(key, vec![Arc::clone(frame)]).await.unwrap();
    }
    // All of them lie where Mallory is asked, the good one with the others.
    while mallory.get(key).await.unwrap().len() < 4 {}
    let arrival = Arrival::new(Arc::clone(&good), Channel::Dht, *anna.peer_id());
    let mut validator = motet_wire::Validator::with_work(example(), ValidatorLimits::default(), Arc::new(Free));
    let now = motet_node::Clock::start().now();
    let sound = validator.validate(arrival, now).unwrap();
    for node in [&anna, &ben] {
        let found = discover(node, "eu/1", 1).await;
        assert_eq!(found[0].message, sound.id());
        assert_eq!(node.local_resources().await.unwrap(), found);
        assert!(node.discover_resource("relay", "eu/2").await.unwrap().is_empty());
        // What lies there is one record with one frame, or nothing yet.
        let stored = node.dht_stats().await.unwrap();
        assert!(stored.bytes == stored.records * (4 + good.len()), "{stored:?}");
    }
    for node in [anna, ben] {
        node.stop().await;
    }
    mallory.stop().await;
}
