//! Privacy options: what they hide, what they cost, and that nobody is punished for them.

use std::sync::Arc;
use std::time::Duration;

use motet_coordinator::event::Event;
use motet_coordinator::{Config, Privacy};
use motet_testkit::Cluster;
use motet_wire::work::Free;
use motet_wire::{
    Arrival, Channel, Derivation, Item, Kind, Message, MonotonicMs, NetworkId, Now, RequestOptions, Rule, TimestampMs,
    Validator, ValidatorLimits, peek,
};

use crate::kit::{announce, clock, cluster_of, frames};

fn item() -> Item {
    Item { message: vec![7; 32], derivation: Derivation::None }
}

/// The times by which nodes have held frames back.
fn holds(cluster: &Cluster) -> Vec<Duration> {
    cluster.nodes().iter().flat_map(|node| node.holds()).copied().collect()
}

fn completed(cluster: &Cluster) -> usize {
    let complete = |event: &&Event| matches!(event, Event::SessionComplete(_));
    cluster.nodes().iter().flat_map(|node| node.events()).filter(complete).count()
}

#[test]
fn nothing_is_held_back_and_nothing_is_made_up_unless_it_is_wanted() {
    let mut cluster = cluster_of(2, 1, &Config::default());
    cluster.advertise_all();
    announce(&mut cluster, vec![item()], RequestOptions::default());
    cluster.settle();
    assert_eq!(completed(&cluster), 2);
    assert!(holds(&cluster).is_empty());
    assert!(frames(&cluster).iter().all(|frame| peek(frame).unwrap().kind != Kind::SyncResponse));
}

#[test]
fn delays_are_drawn_at_random_up_to_what_is_wanted() {
    let most = Duration::from_millis(800);
    let config = Config::default().privacy(Privacy { delay: most, cover: None });
    let mut cluster = cluster_of(3, 2, &config);
    cluster.advertise_all();
    for _ in 0..20 {
        announce(&mut cluster, vec![item()], RequestOptions::default());
        cluster.settle();
        // Others hear no more than five requests a minute.
        cluster.jump(Duration::from_millis(13_000));
    }
    assert_eq!(completed(&cluster), 60);
    let mut holds = holds(&cluster);
    holds.sort();
    holds.dedup();
    assert!(holds.len() > 100, "{} different delays", holds.len());
    assert!(holds.iter().all(|hold| *hold <= most));
    assert!(holds.iter().any(|hold| *hold > most / 2) && holds.iter().any(|hold| *hold < most / 4));
}

#[test]
fn a_delay_leaves_time_for_what_is_to_be_done() {
    let wanted = Privacy { delay: Duration::from_secs(3600), cover: None };
    // Without any time limit near, it is 5 s.
    let mut cluster = cluster_of(2, 3, &Config::default().privacy(wanted));
    for _ in 0..50 {
        cluster.advertise_all();
        cluster.jump(Duration::from_millis(120_000));
    }
    assert!(holds(&cluster).iter().max().unwrap() > &Duration::from_secs(4));
    assert!(holds(&cluster).iter().all(|hold| *hold <= Duration::from_secs(5)));
    // A node whose rounds are short waits an eighth of one.
    let short = Config::default().round_timeout(Duration::from_secs(2)).privacy(wanted);
    let mut cluster = cluster_of(2, 4, &short);
    cluster.advertise_all();
    announce(&mut cluster, vec![item()], RequestOptions::default());
    cluster.settle();
    assert!(holds(&cluster).iter().all(|hold| *hold <= Duration::from_millis(250)));
    // The closer the end of a session's phase, the less: here a request has a second left of its minute.
    let mut cluster = cluster_of(2, 5, &Config::default().privacy(wanted));
    cluster.advertise_all();
    cluster.network().cut(1);
    let request = announce(&mut cluster, vec![item()], RequestOptions::default());
    cluster.settle();
    let left = cluster.status(0, request).unwrap().phase_ends_in.unwrap();
    cluster.jump(left - Duration::from_secs(1));
    let before = cluster.node(0).holds().len();
    cluster.advertise(0).unwrap();
    let holds = &cluster.node(0).holds()[before..];
    assert!(!holds.is_empty());
    assert!(holds.iter().all(|hold| *hold <= Duration::from_millis(250)), "{holds:?}");
}

#[test]
fn cover_costs_its_receiver_one_check_and_nobody_a_penalty() {
    let every = Duration::from_secs(10);
    let config = Config::default().privacy(Privacy { delay: Duration::ZERO, cover: Some(every) });
    let mut cluster = cluster_of(3, 6, &config);
    cluster.advertise_all();
    cluster.forget_sent();
    let before: Vec<usize> = cluster.nodes().iter().map(|node| node.events().len()).collect();
    let start = clock(&cluster);
    while clock(&cluster) < start + 600_000 {
        cluster.sleep();
        cluster.settle();
    }
    // Three nodes, ten minutes, six a minute each: 180 on average, at random.
    let frames = frames(&cluster);
    assert!((100..300).contains(&frames.len()), "{} frames", frames.len());
    let now = Now { wall: TimestampMs(1_800_000_000_000), mono: MonotonicMs(0) };
    let mut lengths = Vec::new();
    for (number, frame) in frames.iter().enumerate() {
        lengths.push(frame.len());
        assert!((240..=720).contains(&frame.len()), "{} bytes", frame.len());
        // For a stranger's pipeline it is a message like any other.
        let mut validator = Validator::with_work(NetworkId::test(), ValidatorLimits::default(), Arc::new(Free));
        let arrival = Arrival::new(Arc::clone(frame), Channel::Direct, cluster.node(0).peer());
        let message = validator.validate(arrival, now).unwrap();
        assert!(matches!(message.message(), Message::SyncResponse(_)), "frame {number}");
        assert!(validator.counts().iter().all(|(_, count): &(Rule, u64)| *count == 0));
    }
    lengths.sort();
    lengths.dedup();
    assert!(lengths.len() > 50, "{} different lengths", lengths.len());
    // Nobody hears of it, and nothing is left of it.
    let after: Vec<usize> = cluster.nodes().iter().map(|node| node.events().len()).collect();
    assert_eq!(before, after);
    for node in cluster.nodes() {
        let kept: usize =
            cluster.nodes().iter().map(|other| node.engine().early_messages_of(&other.signers()[0].public_key())).sum();
        assert_eq!(kept + node.engine().active_sessions(), 0);
    }
}

#[test]
fn sessions_go_on_among_cover_and_delays() {
    let privacy = Privacy { delay: Duration::from_secs(1), cover: Some(Duration::from_secs(1)) };
    let mut cluster = cluster_of(3, 7, &Config::default().privacy(privacy));
    cluster.advertise_all();
    cluster.network().set_shuffled(true);
    for _ in 0..10 {
        announce(&mut cluster, vec![item()], RequestOptions::default());
        for _ in 0..20 {
            cluster.sleep();
            cluster.settle();
        }
    }
    assert_eq!(completed(&cluster), 30);
}
