//! The network: ports, nodes that were named, peers, the DHT, reachability, the variety of peers, clocks.

use core::time::Duration;

use motet_daemon::api::Status;
use motet_daemon::{Client, Cursor};
use motet_net::Keypair;
use motet_node::event::Event;
use motet_node::{DhtStats, Node, Stats};

use super::finding::Finding;
use super::local;
use crate::args::DoctorArgs;
use crate::contact_book::ContactBook;
use crate::counted::counted;
use crate::exit::Failed;
use crate::peer_node::{explain, public_net};
use crate::timeline::Told;

/// Pause between two looks at a node that has just started.
const PAUSE: Duration = Duration::from_millis(250);
/// Time limit for the events that a running signer has told so far.
const READING: Duration = Duration::from_secs(10);

/// A node's own view of its place in the network.
struct View {
    connections: motet_daemon::api::Connections,
    dht: motet_daemon::api::Dht,
    /// Clocks of peers that differ too much: by how many seconds.
    clocks: Vec<i64>,
    /// Addresses that cannot be listened on, and why.
    unheard: Vec<String>,
}

/// Looks at the network through the signer that runs, or through a node without a signer that lives as long as this look.
pub(super) async fn look(args: &DoctorArgs, running: Option<(Client, Status)>, findings: &mut Vec<Finding>) {
    let view = match running {
        Some((client, status)) => of_signer(&client, status).await,
        None => match of_own_node(args).await {
            Ok(view) => view,
            Err(failed) => {
                findings.push(Finding::failed("ports", failed));
                return;
            }
        },
    };
    judge(&view, findings);
}

async fn of_signer(client: &Client, status: Status) -> View {
    let clocks = tokio::time::timeout(READING, told_clocks(client, status.cursor)).await.unwrap_or_default();
    View { connections: status.connections, dht: status.dht, clocks, unheard: Vec::new() }
}

/// The clocks that the signer has told of since its start, as far as its journal goes back.
async fn told_clocks(client: &Client, end: Cursor) -> Vec<i64> {
    let mut clocks = Vec::new();
    let (run, last) =
        end.to_string().split_once('-').map(|(run, last)| (run.to_owned(), last.to_owned())).unwrap_or_default();
    let last: u64 = last.parse().unwrap_or(0);
    let Ok(first) = format!("{run}-0").parse() else { return clocks };
    let Ok(mut events) = client.watch(Some(first), None).await else { return clocks };
    while let Some(Ok(told)) = events.next().await {
        if let Ok(object) = serde_json::from_str(&told.data)
            && let Told::ClocksDiffer { seconds, .. } = Told::read(&object)
        {
            clocks.push(seconds);
        }
        let number = told.id.rsplit_once('-').and_then(|(_, number)| number.parse::<u64>().ok());
        if number.is_none_or(|number| number >= last) {
            break;
        }
    }
    clocks
}

async fn of_own_node(args: &DoctorArgs) -> Result<View, Failed> {
    let folder = local::data(&args.node)?;
    let book = folder.as_deref().map(ContactBook::read).transpose()?.unwrap_or_default();
    let net = public_net(&args.node.network, Keypair::generate(), &args.node.net, &book)?;
    let (node, mut events) = Node::builder(net).start().await.map_err(|error| explain(&error))?;
    let (mut clocks, mut unheard) = (Vec::new(), Vec::new());
    let hear = async {
        let mut rhythm = tokio::time::interval(PAUSE);
        loop {
            tokio::select! {
                event = events.next() => match event {
                    Some(Ok(Event::ClocksDiffer { seconds, .. })) => clocks.push(seconds),
                    Some(Ok(Event::ListeningEnded { address, reason })) => unheard.push(format!("{address}: {reason}")),
                    Some(_) => {}
                    None => break,
                },
                _ = rhythm.tick() => {
                    // All that can be known is known.
                    if let Ok(stats) = node.stats().await
                        && stats.peers > 0
                        && !matches!(motet_daemon::api::Connections::from(stats).reachability.as_str(), "unknown")
                    {
                        break;
                    }
                }
            }
        }
    };
    drop(tokio::time::timeout(args.timeout, hear).await);
    let seen = async { Ok::<(Stats, DhtStats), motet_node::CallError>((node.stats().await?, node.dht_stats().await?)) };
    let seen = seen.await.map_err(Failed::here);
    node.stop().await;
    let (stats, dht) = seen?;
    Ok(View { connections: stats.into(), dht: dht.into(), clocks, unheard })
}

fn judge(view: &View, findings: &mut Vec<Finding>) {
    let View { connections, dht, clocks, unheard } = view;
    let listening = &connections.listening;
    findings.push(if !unheard.is_empty() {
        Finding::fail(
            "ports",
            format!("cannot listen on {}", unheard.join("; ")),
            "choose another with --listen MULTIADDR",
        )
    } else if listening.is_empty() {
        Finding::warn(
            "ports",
            "listens nowhere",
            "name an address with --listen, unless it is to be reached through relays alone",
        )
    } else {
        Finding::ok("ports", format!("listens on {}", listening.join(", ")))
    });
    for named in &connections.named {
        let reason = named.reason.clone().unwrap_or_else(|| "no answer yet".to_owned());
        findings.push(if named.contact == "connected" {
            Finding::ok("named node", format!("{} is connected", named.address))
        } else {
            let next = "check that it runs, and that its address and the id at its end are right";
            Finding::fail("named node", format!("{}: {reason}", named.address), next)
        });
    }
    findings.push(if connections.peers == 0 {
        Finding::fail(
            "peers",
            "connected with nobody",
            "name a node that runs with --peer, or a contact's link: motet contact add LINK",
        )
    } else {
        let (peers, inbound) = (connections.peers, connections.inbound);
        Finding::ok("peers", format!("{peers} connected, {inbound} of them by themselves"))
    });
    findings.push(match dht.state.as_str() {
        "ready" => Finding::ok("DHT", format!("ready, with {} peers", dht.peers)),
        "stopped" => {
            Finding::warn("DHT", "switched off", "others are found among the peers of this node alone; see --dht")
        }
        state => Finding::warn(
            "DHT",
            format!("{state}, with {} peers", dht.peers),
            "it needs a peer that serves it; wait, or name one with --peer",
        ),
    });
    findings.push(match connections.reachability.as_str() {
        "public" => Finding::ok("reachability", "others can call this node (AutoNAT)"),
        "private" => Finding::warn(
            "reachability",
            "others cannot call this node (AutoNAT): it is reached through relays",
            "forward a port, and tell others with --external, or name a relay with --relay",
        ),
        _ => Finding::warn(
            "reachability",
            "not known yet: no peer has tested it",
            "look again when the signer has run for a minute",
        ),
    });
    if connections.diversity_fell {
        let text = format!(
            "the peers that it has chosen are in {} networks now, fewer than half of before: it may be cut off",
            connections.networks
        );
        findings.push(Finding::fail(
            "diversity",
            text,
            "name a node that you trust with --peer, and compare what others see",
        ));
    } else {
        findings
            .push(Finding::ok("diversity", format!("chosen peers in {}", counted(connections.networks, "network"))));
    }
    findings.push(match clocks.iter().max_by_key(|seconds| seconds.unsigned_abs()) {
        None => Finding::ok("clock", "no peer has another time"),
        // One peer may be wrong; several that agree are not.
        Some(seconds) if clocks.len() == 1 => Finding::warn(
            "clock",
            format!("differs by {seconds} s from that of one peer"),
            "compare it with a clock that you trust",
        ),
        Some(seconds) => Finding::fail(
            "clock",
            format!("differs by up to {seconds} s from those of {} peers", clocks.len()),
            "set this machine's clock, for instance by NTP",
        ),
    });
}

#[cfg(test)]
mod tests {
    use motet_daemon::api::{Connections, Dht, NamedPeer};

    use super::super::finding::State;
    use super::*;

    fn view() -> View {
        let connections = Connections {
            peers: 2,
            inbound: 1,
            outbound: 1,
            networks: 2,
            diversity_fell: false,
            blocked: 0,
            reachability: "public".to_owned(),
            listening: vec!["/ip4/203.0.113.7/tcp/1".to_owned()],
            named: Vec::new(),
        };
        let dht = Dht { state: "ready".to_owned(), server: true, peers: 2, records: 0, bytes: 0, queries: 0 };
        View { connections, dht, clocks: Vec::new(), unheard: Vec::new() }
    }

    fn states(view: &View) -> Vec<(&'static str, State)> {
        let mut findings = Vec::new();
        judge(view, &mut findings);
        findings
            .iter()
            .filter(|finding| finding.state != State::Ok)
            .map(|finding| (finding.check, finding.state))
            .collect()
    }

    #[test]
    fn each_fault_is_seen_by_itself() {
        assert_eq!(states(&view()), []);
        let fault = |change: fn(&mut View)| {
            let mut view = view();
            change(&mut view);
            states(&view)
        };
        assert_eq!(fault(|view| view.connections.peers = 0), [("peers", State::Fail)]);
        assert_eq!(fault(|view| view.connections.diversity_fell = true), [("diversity", State::Fail)]);
        assert_eq!(fault(|view| view.connections.reachability = "private".to_owned()), [("reachability", State::Warn)]);
        assert_eq!(fault(|view| view.dht.state = "bootstrapping".to_owned()), [("DHT", State::Warn)]);
        assert_eq!(fault(|view| view.unheard = vec!["x".to_owned()]), [("ports", State::Fail)]);
        assert_eq!(fault(|view| view.clocks = vec![-400]), [("clock", State::Warn)]);
        assert_eq!(fault(|view| view.clocks = vec![-400, -401]), [("clock", State::Fail)]);
        let named = |contact: &str| NamedPeer { address: "a".to_owned(), contact: contact.to_owned(), reason: None };
        let mut one = view();
        one.connections.named = vec![named("failed"), named("connected")];
        assert_eq!(states(&one), [("named node", State::Fail)]);
    }
}
