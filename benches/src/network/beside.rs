//! Messages, gossip and the DHT of our nodes beside those of bare swarms, in turns.

use std::ops::Range;
use std::time::{Duration, Instant};

use motet_wire::DhtKey;

use super::bare::Bare;
use super::node::{Measured, Part, Sockets, started};
use super::ours::Ours;
use super::process::Process;
use crate::session::group::{Failure, GUARD};

/// Samples that are not counted: streams are opened in them.
const WARM_UP: u64 = 5;

/// Times of one operation of both kinds of nodes.
#[derive(Debug, Clone, Default)]
pub struct Samples {
    /// Of our nodes.
    pub ours: Vec<Duration>,
    /// Of bare swarms.
    pub bare: Vec<Duration>,
    /// Of bare swarms, when they do it at as many places as our nodes do. Empty but for the DHT.
    pub bare_at_all_places: Vec<Duration>,
}

/// Messages from one node to another, each from the order until it has arrived.
///
/// # Errors
///
/// When one is lost.
pub async fn direct(runs: u64) -> Result<Samples, Failure> {
    let mut ours = started::<Ours>(2, Sockets::Tcp, Part::Client).await?;
    let mut bare = started::<Bare>(2, Sockets::Tcp, Part::Client).await?;
    let mut samples = Samples::default();
    for number in 0..runs + WARM_UP {
        let (of_ours, of_bare) = (sent(&mut ours, number).await?, sent(&mut bare, number).await?);
        if number >= WARM_UP {
            samples.ours.push(of_ours);
            samples.bare.push(of_bare);
        }
    }
    Ok(samples)
}

async fn sent<N: Measured>(nodes: &mut [N], number: u64) -> Result<Duration, Failure> {
    let [from, to] = nodes else { return Err("two nodes".into()) };
    let begin = Instant::now();
    from.send(to, number).await?;
    arrived(to, number, begin).await
}

async fn arrived<N: Measured>(node: &mut N, number: u64, begin: Instant) -> Result<Duration, Failure> {
    let arriving = async {
        while let Some(heard) = node.heard().await {
            if heard.number == number {
                return Ok(heard.at.saturating_duration_since(begin));
            }
        }
        Err(Failure::from("a node has stopped"))
    };
    tokio::time::timeout(GUARD, arriving).await.map_err(|_| format!("message {number} is lost"))?
}

/// Messages by gossip, each from the order to publish it until all other nodes have it; another node publishes each time.
///
/// # Errors
///
/// When one is lost.
pub async fn gossip(nodes: usize, runs: u64) -> Result<Samples, Failure> {
    let mut ours = started::<Ours>(nodes, Sockets::Tcp, Part::Client).await?;
    let mut bare = started::<Bare>(nodes, Sockets::Tcp, Part::Client).await?;
    all_listen(&ours).await?;
    all_listen(&bare).await?;
    let mut samples = Samples::default();
    for number in 0..runs + WARM_UP {
        let (of_ours, of_bare) = (published(&mut ours, number).await?, published(&mut bare, number).await?);
        if number >= WARM_UP {
            samples.ours.push(of_ours);
            samples.bare.push(of_bare);
        }
    }
    Ok(samples)
}

/// Waits until each node knows that all its peers listen, and the nodes are at rest.
async fn all_listen<N: Measured>(nodes: &[N]) -> Result<(), Failure> {
    let listening = async {
        for node in nodes {
            loop {
                let counts = node.counts().await?;
                if counts.listening >= counts.connected {
                    break;
                }
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        Ok::<_, Failure>(())
    };
    tokio::time::timeout(GUARD, listening).await.map_err(|_| "not all nodes listen")??;
    Process::this().quiet().await
}

async fn published<N: Measured>(nodes: &mut [N], number: u64) -> Result<Duration, Failure> {
    let publisher = usize::try_from(number)? % nodes.len();
    let begin = Instant::now();
    nodes.get(publisher).ok_or("no node")?.publish(number).await?;
    let mut last = Duration::ZERO;
    for (index, node) in nodes.iter_mut().enumerate() {
        if index != publisher {
            last = last.max(arrived(node, number, begin).await?);
        }
    }
    Ok(last)
}

/// Times of the DHT.
#[derive(Debug, Clone, Default)]
pub struct Records {
    /// From the order to put a record until another node finds it.
    pub puts: Samples,
    /// Of getting it at a third node, with all answers.
    pub gets: Samples,
    /// Of finding it at a fourth node: ours are content when some nodes of two places agree, bare swarms wait for all answers.
    pub finds: Samples,
}

/// Records in the DHT. Our nodes put a record at three places, and look for it at all of them; bare swarms do it with one record, and with three at
/// the same time.
///
/// # Errors
///
/// When one is lost.
pub async fn dht(nodes: usize, runs: u64) -> Result<Records, Failure> {
    let ours = started::<Ours>(nodes, Sockets::Tcp, Part::Server).await?;
    let bare = started::<Bare>(nodes, Sockets::Tcp, Part::Server).await?;
    routed(&ours).await?;
    routed(&bare).await?;
    let mut times = Records::default();
    for number in 0..runs + WARM_UP {
        let records = number * (1 + u64::from(DhtKey::PLACES));
        let of_ours = put_and_got(&ours, records..records + 1).await?;
        let of_bare = put_and_got(&bare, records..records + 1).await?;
        let all_places = records + 1..records + 1 + u64::from(DhtKey::PLACES);
        let at_all = put_and_got(&bare, all_places).await?;
        if number >= WARM_UP {
            for (index, samples) in [&mut times.puts, &mut times.gets, &mut times.finds].into_iter().enumerate() {
                samples.ours.extend(of_ours.get(index));
                samples.bare.extend(of_bare.get(index));
                samples.bare_at_all_places.extend(at_all.get(index));
            }
        }
    }
    Ok(times)
}

/// Waits until each node has half of the others in its table, or as many as fit into its largest bucket.
async fn routed<N: Measured>(nodes: &[N]) -> Result<(), Failure> {
    let wanted = (nodes.len() / 2).min(20);
    let filling = async {
        for node in nodes {
            while node.counts().await?.routed < wanted {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
        Ok::<_, Failure>(())
    };
    tokio::time::timeout(GUARD, filling).await.map_err(|_| "the tables of the DHT stay empty")??;
    Process::this().quiet().await
}

/// The times to put some records, to get them, and to find them.
async fn put_and_got<N: Measured + Sync>(nodes: &[N], records: Range<u64>) -> Result<[Duration; 3], Failure> {
    let first = usize::try_from(records.start)?;
    let at = |offset: usize| nodes.get((first + offset) % nodes.len());
    let (Some(writer), Some(reader)) = (at(0), at(nodes.len() / 3)) else { return Err("no nodes".into()) };
    let (Some(third), Some(fourth)) = (at(nodes.len() / 2), at(nodes.len() * 2 / 3)) else {
        return Err("no nodes".into());
    };
    let begin = Instant::now();
    for record in records.clone() {
        writer.put(record).await?;
    }
    let looking = async {
        while !all_found(reader, records.clone()).await? {}
        Ok::<_, Failure>(())
    };
    tokio::time::timeout(GUARD, looking).await.map_err(|_| format!("record {first} is lost"))??;
    let put = begin.elapsed();
    let begin = Instant::now();
    if !all_got(third, records.clone()).await? {
        return Err(format!("record {first} is not got").into());
    }
    let get = begin.elapsed();
    let begin = Instant::now();
    if !all_found(fourth, records).await? {
        return Err(format!("record {first} is not found").into());
    }
    Ok([put, get, begin.elapsed()])
}

/// Looks for these records at the same time. Returns whether all were found.
async fn all_found<N: Measured + Sync>(node: &N, records: Range<u64>) -> Result<bool, Failure> {
    let answers = futures::future::try_join_all(records.map(|record| node.find(record))).await?;
    Ok(answers.into_iter().all(|found| found))
}

/// Asks for these records at the same time. Returns whether all were found.
async fn all_got<N: Measured + Sync>(node: &N, records: Range<u64>) -> Result<bool, Failure> {
    let answers = futures::future::try_join_all(records.map(|record| node.get(record))).await?;
    Ok(answers.into_iter().all(|found| found))
}
