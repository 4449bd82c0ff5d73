//! A node of `motet-net`, whose user believes everything.

use std::sync::Arc;
use std::time::{Duration, Instant};

use libp2p::Multiaddr;
use motet_core_crypto::tagged_hash;
use motet_net::{DhtMode, Entry, EntryPolicy, Guard, Net, NetConfig, NetEvent, NetHandle, Price, parse_address};
use motet_wire::{DhtKey, NetworkId, Rate, Topic, Verdict};
use tokio::sync::mpsc;

use super::node::{Counts, Heard, Measured, Part, Sockets, bytes, number};
use crate::session::group::{Failure, GUARD};

/// Every entry is paid for, and each is its own author.
#[derive(Debug, Clone, Copy)]
pub struct Anything;

impl EntryPolicy for Anything {
    fn entry(&self, _: &[u8; 32], frame: &[u8]) -> Option<Entry> {
        let id = tagged_hash("motet-benches/entry", &[frame]);
        let mut author = [2; 33];
        author.iter_mut().zip(id).for_each(|(to, from)| *to = from);
        Some(Entry { author, name: id, version: 0, id, price: Price::Paid(0), life: Duration::from_secs(3_600) })
    }
}

/// The network of these nodes.
pub fn network() -> Result<NetworkId, Failure> {
    Ok(NetworkId::new("bench-net")?)
}

/// The configuration of a node that others may tell more than strangers may, and that neither chooses peers by itself nor closes connections that nobody
/// needs: bare swarms have no limits, and the topology is to be the same.
///
/// # Errors
///
/// None.
pub fn config(sockets: Sockets, part: Part, at: &[Multiaddr]) -> Result<NetConfig, Failure> {
    let mut config = sockets.config(network()?);
    config.bootstrap = at.to_vec();
    config.dht = match part {
        Part::Server => DhtMode::Server,
        Part::Client => DhtMode::Client,
    };
    let much = Rate { per_minute: 60_000_000, burst: 1_000_000 };
    config.guard = Guard { outbound: 0, target: usize::MAX, frames: much, puts: much, ..Guard::default() };
    Ok(config)
}

/// The address of a node that has been started, with its peer id, as soon as it listens.
pub(super) async fn address(handle: &NetHandle, events: &mut mpsc::Receiver<NetEvent>) -> Result<Multiaddr, Failure> {
    let listening = async {
        loop {
            match events.recv().await {
                Some(NetEvent::Listening { address }) => return Some(address),
                Some(_) => {}
                None => return None,
            }
        }
    };
    let address = tokio::time::timeout(GUARD, listening).await?.ok_or("a node stopped at once")?;
    Ok(parse_address(&format!("{address}/p2p/{}", handle.peer_id()))?)
}

/// A running node.
#[derive(Debug)]
pub struct Ours {
    handle: NetHandle,
    address: Multiaddr,
    heard: mpsc::Receiver<Heard>,
}

impl Measured for Ours {
    async fn start(sockets: Sockets, part: Part, at: &[Multiaddr]) -> Result<Self, Failure> {
        let (handle, mut events) = Net::start(config(sockets, part, at)?, Arc::new(Anything))?;
        handle.subscribe([Topic::AllOffers].into()).await?;
        let address = address(&handle, &mut events).await?;
        let (heard_in, heard) = mpsc::channel(4_096);
        let reporting = handle.clone();
        tokio::spawn(async move {
            while let Some(event) = events.recv().await {
                let NetEvent::Received { bytes, token, .. } = event else { continue };
                let at = Instant::now();
                if let Some(token) = token
                    && reporting.report(token, Verdict::Accept).await.is_err()
                {
                    break;
                }
                if let Some(number) = number(&bytes)
                    && heard_in.send(Heard { number, at }).await.is_err()
                {
                    break;
                }
            }
        });
        Ok(Self { handle, address, heard })
    }

    fn address(&self) -> &Multiaddr {
        &self.address
    }

    async fn send(&self, to: &Self, number: u64) -> Result<(), Failure> {
        Ok(self.handle.send(*to.handle.peer_id(), Vec::new(), bytes(number).into()).await?)
    }

    async fn publish(&self, number: u64) -> Result<(), Failure> {
        Ok(self.handle.publish(vec![Topic::AllOffers], bytes(number).into()).await?)
    }

    async fn put(&self, number: u64) -> Result<(), Failure> {
        Ok(self.handle.put(key(number)?, vec![bytes(number).into()]).await?)
    }

    async fn get(&self, number: u64) -> Result<bool, Failure> {
        Ok(!self.handle.get(key(number)?).await?.is_empty())
    }

    async fn find(&self, number: u64) -> Result<bool, Failure> {
        Ok(!self.handle.find(key(number)?).await?.is_empty())
    }

    async fn heard(&mut self) -> Option<Heard> {
        self.heard.recv().await
    }

    async fn counts(&self) -> Result<Counts, Failure> {
        let connected = self.handle.stats().await?.peers;
        let routed = self.handle.dht_stats().await?.peers;
        let metrics = self.handle.metrics(Vec::new()).await?;
        let listening = metrics
            .lines()
            .find_map(|line| line.strip_prefix("gossipsub_topic_peers_counts{")?.rsplit_once(' ')?.1.parse().ok());
        Ok(Counts { connected, listening: listening.unwrap_or_default(), routed })
    }
}

fn key(number: u64) -> Result<DhtKey, Failure> {
    Ok(DhtKey::resource(&network()?, "bench", &number.to_string()))
}
