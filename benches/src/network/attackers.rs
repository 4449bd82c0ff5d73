//! Attackers in a process of their own: on other machines they would not take the processor from those that they attack, so theirs has the lowest priority.

use std::io::Write as _;
use std::net::Ipv4Addr;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use libp2p::multiaddr::Protocol;
use motet_net::{Guard, Keypair, Multiaddr, Net, NetConfig, Switch, parse_address};
use motet_wire::{NetworkId, PeerId};
use tokio::task::JoinSet;

use super::member::NETWORK;
use super::ours::Anything;
use crate::session::group::Failure;

/// A process in which [`attack`] runs: this program again, with the argument `--returning-to`.
#[derive(Debug)]
pub struct Attackers(Option<Child>);

impl Attackers {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// If there is no program `nice`.
    pub fn start(victim: &Multiaddr, count: u8, networks: u8, lasting: Duration) -> Result<Self, Failure> {
        let numbers = [u64::from(count), u64::from(networks), lasting.as_secs()].map(|number| number.to_string());
        let [count, networks, seconds] = &numbers;
        let child = Command::new("nice")
            .args(["-n", "19"])
            .arg(std::env::current_exe()?)
            .args(["--returning-to", &victim.to_string(), "--attackers", count, "--networks", networks])
            .args(["--seconds", seconds])
            .stdout(Stdio::piped())
            .spawn()?;
        Ok(Self(Some(child)))
    }

    /// Waits for the end of the attack. Returns the number of identities that were used.
    ///
    /// # Errors
    ///
    /// If the process has failed.
    pub fn ended(mut self) -> Result<u64, Failure> {
        let output = self.0.take().ok_or("no process")?.wait_with_output()?;
        Ok(String::from_utf8(output.stdout)?.trim().parse()?)
    }
}

impl Drop for Attackers {
    fn drop(&mut self) {
        if let Some(child) = &mut self.0 {
            // It may have ended by itself.
            child.kill().ok();
            child.wait().ok();
        }
    }
}

/// The id of the node at an address.
pub(super) fn id_of(address: &Multiaddr) -> Result<PeerId, Failure> {
    let Some(Protocol::P2p(peer)) = address.iter().last() else { return Err("no peer id".into()) };
    Ok(PeerId::from_bytes(&peer.to_bytes())?)
}

/// A frame of this protocol's version, of a kind that does not exist.
pub(super) fn junk(number: u64) -> Arc<[u8]> {
    let mut frame = vec![0; 200];
    frame.iter_mut().zip([1, 99].into_iter().chain(number.to_be_bytes())).for_each(|(to, from)| *to = from);
    frame.into()
}

/// Attacks a node from so many addresses of so many networks, and prints the number of identities that were used.
///
/// # Errors
///
/// If the address is none.
pub async fn attack(victim: &str, count: u8, networks: u8, lasting: Duration) -> Result<(), Failure> {
    let address = parse_address(victim)?;
    let (to, until) = (id_of(&address)?, Instant::now() + lasting);
    let mut attacks = JoinSet::new();
    for number in 0..count {
        let from = Ipv4Addr::new(127, 0, 10 + number % networks.max(1), 1 + number);
        let address = address.clone();
        attacks.spawn(async move { returning(&address, to, from, until).await.unwrap_or_default() });
    }
    let mut identities = 0;
    while let Some(count) = attacks.join_next().await {
        identities += count?;
    }
    Ok(writeln!(std::io::stdout(), "{identities}")?)
}

/// Connects, floods until it is cut off, and does it again. Returns the number of identities.
async fn returning(victim: &Multiaddr, to: PeerId, from: Ipv4Addr, until: Instant) -> Result<u64, Failure> {
    let mut identities = 0;
    while Instant::now() < until {
        let mut config = NetConfig::local(NetworkId::new(NETWORK)?, Keypair::generate());
        config.listen = vec![Multiaddr::from(from).with(Protocol::Tcp(0))];
        (config.guard, config.bootstrap, config.gossip) = (Guard::off(), vec![victim.clone()], Switch::Off);
        let (net, mut events) = Net::start(config, Arc::new(Anything))?;
        tokio::spawn(async move { while events.recv().await.is_some() {} });
        identities += 1;
        let begin = Instant::now();
        // One that is not let in tries it for half a second; one that is let in sends until it is cut off.
        while Instant::now() < until {
            if net.stats().await?.peers == 0 {
                if begin.elapsed() > Duration::from_millis(500) {
                    break;
                }
            } else {
                for number in 0..64 {
                    net.send(to, Vec::new(), junk(number)).await?;
                }
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        net.stop().await;
    }
    Ok(identities)
}
