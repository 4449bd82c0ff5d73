//! What a session is in the logs: every line about it stands in its span, and the span says where the session is.

use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use motet_coordinator::event::{Event, Phase};
use motet_coordinator::{Command, Config, SigningRequestSpec};
use motet_core_crypto::SecretKey;
use motet_net::{Keypair, NetConfig, parse_address};
use motet_node::policy::ApproveAll;
use motet_node::{LocalSigner, MemoryStore, Node, OsEntropy};
use motet_wire::{Criteria, Derivation, Item, NetworkId, RequestMetadata, RequestOptions, SignerMetadata};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::{self, DefaultGuard, NoSubscriber};
use tracing::{Dispatch, Subscriber};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt as _};
use tracing_subscriber::registry::LookupSpan;

use crate::kit::{announce, cluster_of};

type Fields = BTreeMap<String, String>;

/// A line of the log: its own fields, and those of the session's span that it stands in, as they were then.
#[derive(Debug, Clone)]
struct Line {
    target: String,
    own: Fields,
    session: Option<Fields>,
}

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<Line>>>);

/// A second subscriber, which wants no line and stays. As long as a process has one subscriber alone, `tracing` asks only the
/// thread that is the first to reach a log line whether the line is wanted, and keeps the answer for all threads. That thread
/// may run another test, which has no subscriber.
static SECOND: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(NoSubscriber::default()));

impl Lines {
    /// Collects what this thread logs, as long as the guard lives.
    fn of_this_thread() -> (Self, DefaultGuard) {
        LazyLock::force(&SECOND);
        let lines = Self::default();
        let guard = subscriber::set_default(tracing_subscriber::registry().with(lines.clone()));
        (lines, guard)
    }

    fn all(&self) -> Vec<Line> {
        self.0.lock().unwrap().clone()
    }
}

struct Into<'a>(&'a mut Fields);

impl Visit for Into<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name().to_owned(), value.to_owned());
    }
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Lines {
    fn on_new_span(&self, attributes: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        let mut fields = Fields::new();
        attributes.record(&mut Into(&mut fields));
        context.span(id).unwrap().extensions_mut().insert(fields);
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        let span = context.span(id).unwrap();
        values.record(&mut Into(span.extensions_mut().get_mut::<Fields>().unwrap()));
    }

    fn on_event(&self, event: &tracing::Event<'_>, context: Context<'_, S>) {
        let mut own = Fields::new();
        event.record(&mut Into(&mut own));
        let spans = context.event_scope(event).into_iter().flatten();
        let mut sessions: Vec<Fields> = spans
            .filter(|span| span.name() == "session")
            .map(|span| span.extensions().get::<Fields>().unwrap().clone())
            .collect();
        assert!(sessions.len() <= 1, "a session's span lies in another's: {sessions:?}");
        let target = event.metadata().target().to_owned();
        self.0.lock().unwrap().push(Line { target, own, session: sessions.pop() });
    }
}

fn item() -> Item {
    Item { message: vec![7; 32], derivation: Derivation::None }
}

#[test]
fn the_span_of_a_session_says_where_it_is() {
    let (lines, _guard) = Lines::of_this_thread();
    let mut cluster = cluster_of(3, 1, &Config::default());
    cluster.advertise_all();
    cluster.network().cut(2);
    let request = announce(&mut cluster, vec![item()], RequestOptions::default());
    cluster.settle();
    // The others ask each other for what is missing, and log that.
    cluster.sleep();
    cluster.settle();
    let silent = cluster.key(2).to_string();
    let session = lines.all().pop().unwrap().session.unwrap();
    assert_eq!(session["request"], request.to_string());
    assert_eq!(session["phase"], "Joining");
    assert_eq!(session["attempt"], "0");
    assert_eq!(session["awaiting"], format!("2:{}", &silent[..8]));
    // It comes late, but it comes: the others hand it what it has missed.
    cluster.network().reconnect(2);
    for _ in 0..20 {
        cluster.sleep();
        cluster.settle();
    }
    assert!(
        cluster.nodes().iter().all(|node| node.events().iter().any(|event| matches!(event, Event::SessionComplete(_))))
    );
    let phases: Vec<String> = lines
        .all()
        .into_iter()
        .filter(|line| line.own.get("message").is_some_and(|message| message == "phase changed"))
        .map(|line| line.session.unwrap()["phase"].clone())
        .collect();
    for phase in [Phase::Joining, Phase::Nonces, Phase::Partials, Phase::Complete] {
        let times = phases.iter().filter(|name| **name == format!("{phase:?}")).count();
        assert_eq!(times, 3, "{phase}: once for each node, of {phases:?}");
    }
}

#[test]
fn two_sessions_at_once_have_a_span_each_and_another_attempt_shows() {
    let (lines, _guard) = Lines::of_this_thread();
    let mut cluster = cluster_of(2, 2, &Config::default());
    cluster.advertise_all();
    let first = announce(&mut cluster, vec![item()], RequestOptions::default());
    let second = announce(&mut cluster, vec![item()], RequestOptions::default());
    cluster.deliver_until(0, first, Phase::Nonces);
    cluster.command(0, Command::Retry { request: first, replace: Vec::new() }).unwrap();
    cluster.settle();
    let spans = |attempt: &str| -> Vec<String> {
        let spans = lines.all().into_iter().filter_map(|line| line.session);
        let mut requests: Vec<String> =
            spans.filter(|span| span["attempt"] == attempt).map(|span| span["request"].clone()).collect();
        requests.sort();
        requests.dedup();
        requests
    };
    let mut both = vec![first.to_string(), second.to_string()];
    both.sort();
    assert_eq!(spans("0"), both);
    assert_eq!(spans("1"), [first.to_string()]);
}

/// On one thread, so that the subscriber of this test hears the driver's tasks, and nothing else.
#[tokio::test]
async fn what_the_driver_logs_of_a_session_stands_in_its_span() {
    let (lines, _guard) = Lines::of_this_thread();
    let network = NetworkId::new("trace").unwrap();
    let mut nodes = Vec::new();
    for _ in 0..2 {
        let key = SecretKey::generate(&mut OsEntropy).unwrap();
        let signer = key.public_key();
        let net = NetConfig::local(network.clone(), Keypair::generate());
        let node = Node::builder(net).store(MemoryStore::default()).policy(ApproveAll);
        let (handle, mut events) = node.signer(LocalSigner::new(key, OsEntropy)).start().await.unwrap();
        let address = loop {
            if let Event::Listening { address } = events.next().await.unwrap().unwrap() {
                break format!("{address}/p2p/{}", handle.peer_id());
            }
        };
        nodes.push((handle, events, signer, address));
    }
    nodes[1].0.connect(parse_address(&nodes[0].3).unwrap()).await.unwrap();
    let hour = Duration::from_secs(3600);
    for (handle, _, signer, _) in &nodes {
        handle.advertise_signer(*signer, Criteria::ANY, SignerMetadata::default(), hour).await.unwrap();
    }
    let announcement = SigningRequestSpec {
        creator: nodes[0].2,
        keys: nodes.iter().map(|node| node.2).collect(),
        items: vec![item()],
        options: RequestOptions::default(),
        metadata: RequestMetadata::default(),
        lifetime: hour,
    };
    let (request, _) = nodes[0].0.announce_signing_request(announcement).await.unwrap();
    for (_, events, ..) in &mut nodes {
        while !matches!(events.next().await.unwrap().unwrap(), Event::SessionComplete(_)) {}
    }
    nodes[0].0.close_session(request).await.unwrap();
    while !matches!(nodes[0].1.next().await.unwrap().unwrap(), Event::SessionClosed { .. }) {}
    for (handle, ..) in &nodes {
        handle.stop().await;
    }
    let of_session = |line: &&Line| line.target == "motet_node::driver::log" && line.session.is_some();
    let all = lines.all();
    let logged: Vec<&String> = all.iter().filter(of_session).map(|line| &line.own["event"]).collect();
    for name in ["SigningRequestCreated", "SigningRequestReceived", "SessionReady", "SessionComplete", "SessionClosed"]
    {
        assert!(logged.iter().any(|event| *event == name), "{name} is not among {logged:?}");
    }
    let decided = all.iter().find(|line| line.own.get("message").is_some_and(|text| text == "the policy has decided"));
    assert_eq!(decided.unwrap().session.as_ref().unwrap()["request"], request.to_string());
    for line in all.iter().filter(|line| line.target == "motet_node::driver::log") {
        let network_event =
            ["SignerAdvertised", "SignerDiscovered", "Listening", "PeerConnected", "PeerDisconnected", "DhtReady"]
                .contains(&line.own["event"].as_str());
        assert_eq!(line.session.is_none(), network_event, "{line:?}");
    }
}
