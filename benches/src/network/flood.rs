//! Floods against a node with its defence on and off: its time, its memory, and honest nodes meanwhile.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use libp2p::multiaddr::Protocol;
use motet_net::{Guard, Keypair, Multiaddr, Net, NetConfig, NetEvent, NetHandle};
use motet_node::CatchUp;
use motet_wire::{Commitments, NetworkId, Topic, ValidatorLimits};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpSocket;
use tokio::task::JoinSet;

use super::attackers::{Attackers, id_of, junk};
use super::member::{Member, NETWORK};
use super::node::Sockets;
use super::ours::Anything;
use super::victim::{Defence, Victim};
use crate::session::group::{Failure, GUARD};
use crate::session::request;

/// The beginning of a flood that is left out, as a part of its duration: in it, an attacker uses up its share.
const BEGINNING: u32 = 4;

/// The victim in a flood.
#[derive(Debug, Clone, Copy)]
pub struct Suffered {
    /// Its processor time after the beginning of the flood, as a share of one core.
    pub core: f64,
    /// Growth of its memory from before the flood to its end, in bytes.
    pub grown: u64,
    /// Frames or sockets that the attackers have sent or opened a second, all in all.
    pub a_second: f64,
    /// Frames that the victim has looked at.
    pub frames: u64,
    /// Frames that it looks at in a second of processor time.
    pub frames_a_core: f64,
}

/// Lets a flood run and watches the victim. The flood returns the number of things that it has sent.
async fn watched<F: Future<Output = Result<u64, Failure>>>(
    victim: &mut Victim,
    lasting: Duration,
    flood: F,
) -> Result<Suffered, Failure> {
    let resident = victim.process.resident()?;
    let process = victim.process.clone();
    let watching = async {
        tokio::time::sleep(lasting / BEGINNING).await;
        let (begin, time) = (Instant::now(), process.time()?);
        tokio::time::sleep(lasting.saturating_sub(lasting / BEGINNING)).await;
        let share = process.time()?.saturating_sub(time).as_secs_f64() / begin.elapsed().as_secs_f64();
        Ok::<_, Failure>((share, process.resident()?))
    };
    let (before, begin) = (process.time()?, Instant::now());
    let frames_before = victim.frames()?;
    let (watched, sent) = tokio::join!(watching, flood);
    let (core, resident_after) = watched?;
    let a_second = sent? as f64 / begin.elapsed().as_secs_f64();
    let frames = victim.frames()?.saturating_sub(frames_before);
    let worked = process.time()?.saturating_sub(before).as_secs_f64();
    let grown = resident_after.saturating_sub(resident);
    Ok(Suffered { core, grown, a_second, frames, frames_a_core: frames as f64 / worked.max(0.01) })
}

/// A hostile node of this address, which is not limited itself, and connected with the victim.
async fn hostile(victim: &Victim, from: Ipv4Addr) -> Result<NetHandle, Failure> {
    let mut config = NetConfig::local(NetworkId::new(NETWORK)?, Keypair::generate());
    config.listen = vec![Multiaddr::from(from).with(Protocol::Tcp(0))];
    (config.guard, config.bootstrap) = (Guard::off(), vec![victim.address.clone()]);
    let (net, mut events) = Net::start(config, Arc::new(Anything))?;
    tokio::spawn(async move { while events.recv().await.is_some() {} });
    Ok(net)
}

async fn connected(net: &NetHandle) -> Result<(), Failure> {
    let connecting = async {
        while net.stats().await?.peers == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok::<_, Failure>(())
    };
    tokio::time::timeout(GUARD, connecting).await.map_err(|_| "an attacker is not let in")?
}

/// One attacker that publishes so many junk messages a second by gossip.
///
/// # Errors
///
/// Errors of the network.
pub async fn junk_gossip(defence: Defence, a_second: u64, lasting: Duration) -> Result<Suffered, Failure> {
    let mut victim = Victim::start(defence)?;
    let attacker = hostile(&victim, Ipv4Addr::new(127, 0, 9, 1)).await?;
    connected(&attacker).await?;
    // Gossip begins when the attacker has heard of the victim's topics.
    tokio::time::sleep(Duration::from_secs(1)).await;
    let flood = async {
        let (begin, mut sent) = (Instant::now(), 0);
        while begin.elapsed() < lasting {
            while sent < (begin.elapsed().as_secs_f64() * a_second as f64) as u64 {
                attacker.publish(vec![Topic::AllOffers], junk(sent)).await?;
                sent += 1;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        Ok(sent)
    };
    let suffered = watched(&mut victim, lasting, flood).await?;
    attacker.stop().await;
    Ok(suffered)
}

/// One attacker that sends junk directly, as fast as it can.
///
/// # Errors
///
/// Errors of the network.
pub async fn junk_direct(defence: Defence, lasting: Duration) -> Result<Suffered, Failure> {
    let mut victim = Victim::start(defence)?;
    let attacker = hostile(&victim, Ipv4Addr::new(127, 0, 9, 1)).await?;
    connected(&attacker).await?;
    let to = id_of(&victim.address)?;
    let flood = async {
        let (begin, mut sent) = (Instant::now(), 0);
        while begin.elapsed() < lasting {
            for _ in 0..64 {
                attacker.send(to, Vec::new(), junk(sent)).await?;
                sent += 1;
            }
            tokio::task::yield_now().await;
        }
        Ok(sent)
    };
    let suffered = watched(&mut victim, lasting, flood).await?;
    attacker.stop().await;
    Ok(suffered)
}

/// Honest sessions with the victim: durations before the attack, and while it lasts.
#[derive(Debug, Clone)]
pub struct Sessions {
    /// Before.
    pub calm: Vec<Duration>,
    /// Meanwhile.
    pub attacked: Vec<Duration>,
    /// Those that failed.
    pub failed: usize,
}

/// Attackers in a process of their own that send junk until they are cut off, and come back at once with another identity: so many, of so many
/// networks. Meanwhile honest nodes sign with the victim.
///
/// # Errors
///
/// Errors of the network.
pub async fn reconnecting(
    defence: Defence,
    attackers: u8,
    networks: u8,
    lasting: Duration,
) -> Result<(Suffered, Sessions), Failure> {
    const SESSIONS: u64 = 5;
    let mut victim = Victim::start(defence)?;
    let mut honest = Vec::new();
    for _ in 0..2 {
        let mut net = NetConfig::local(NetworkId::new(NETWORK)?, Keypair::generate());
        (net.listen, net.bootstrap) = (vec![Sockets::Tcp.listen()], vec![victim.address.clone()]);
        let member = Member::of(net, CatchUp::On, ValidatorLimits::default()).await?;
        member.node.subscribe_to_all_signers()?.keep();
        member.connected(1).await?;
        member.offer().await?;
        honest.push(member);
    }
    let mut sessions = Sessions { calm: Vec::new(), attacked: Vec::new(), failed: 0 };
    for number in 0..2 * SESSIONS {
        sessions.calm.extend(signed(&honest, number).await?);
    }
    let attackers = Attackers::start(&victim.address, attackers, networks, lasting)?;
    let flood = async { tokio::task::spawn_blocking(move || attackers.ended()).await? };
    let signing = async {
        tokio::time::sleep(lasting / BEGINNING).await;
        for number in 2 * SESSIONS..4 * SESSIONS {
            match signed(&honest, number).await? {
                Some(time) => sessions.attacked.push(time),
                None => sessions.failed += 1,
            }
        }
        Ok::<_, Failure>(())
    };
    let (suffered, signing) = tokio::join!(watched(&mut victim, lasting, flood), signing);
    signing?;
    for member in honest {
        member.node.stop().await;
    }
    Ok((suffered?, sessions))
}

/// One session of all signers that the honest nodes know, and its duration; `None` if it is not signed in ten seconds.
async fn signed(honest: &[Member], number: u64) -> Result<Option<Duration>, Failure> {
    let creator = honest.get(usize::try_from(number)? % honest.len()).ok_or("no node")?;
    let knowing = async {
        loop {
            let known = creator.node.find_known_signers(motet_node::SignerQuery::default()).await?;
            if known.len() > honest.len() {
                return Ok::<_, Failure>(known);
            }
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    let known = tokio::time::timeout(GUARD, knowing).await.map_err(|_| "the signers do not find each other")??;
    let keys = known.iter().map(|offer| offer.delegation.signer).collect();
    let begin = Instant::now();
    let spec = request(keys, creator.signer, Commitments::On, number);
    let (request, _) = creator.node.announce_signing_request(spec).await?;
    while creator.node.final_signatures(request).await?.is_none() {
        if begin.elapsed() > Duration::from_secs(10) {
            return Ok(None);
        }
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    Ok(Some(begin.elapsed()))
}

/// Dials of honest nodes.
#[derive(Debug, Clone)]
pub struct Dials {
    /// Durations from the start of a node until it is connected, tries in vain included.
    pub times: Vec<Duration>,
    /// The reasons of tries in vain, as the nodes tell them.
    pub reasons: Vec<String>,
}

/// Silent sockets of a few networks, each opened again when it is closed, while honest nodes dial.
///
/// # Errors
///
/// Errors of the network.
pub async fn silent_sockets(defence: Defence, sockets: usize, lasting: Duration) -> Result<(Suffered, Dials), Failure> {
    let mut victim = Victim::start(defence)?;
    let port = victim.address.iter().find_map(|part| if let Protocol::Tcp(port) = part { Some(port) } else { None });
    let at = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port.ok_or("no port")?);
    let until = Instant::now() + lasting;
    let mut siege = JoinSet::new();
    for number in 0..sockets {
        let from = Ipv4Addr::new(127, 0, 20 + u8::try_from(number % 4)?, 1 + u8::try_from(number % 200)?);
        siege.spawn(async move { silent(at, from, until).await });
    }
    let flood = async {
        let mut opened = 0;
        while let Some(count) = siege.join_next().await {
            opened += count?;
        }
        Ok(opened)
    };
    let address = victim.address.clone();
    let refusals: Arc<Mutex<Vec<String>>> = Arc::default();
    let dialling = async {
        tokio::time::sleep(lasting / BEGINNING).await;
        let mut times = Vec::new();
        while Instant::now() < until {
            let mut net = NetConfig::local(NetworkId::new(NETWORK)?, Keypair::generate());
            (net.listen, net.bootstrap) = (vec![Sockets::Tcp.listen()], vec![address.clone()]);
            let begin = Instant::now();
            let (net, mut events) = Net::start(net, Arc::new(Anything))?;
            let refused = Arc::clone(&refusals);
            tokio::spawn(async move {
                while let Some(event) = events.recv().await {
                    if let NetEvent::NamedUnreachable { reason, .. } = event {
                        refused.lock().unwrap_or_else(PoisonError::into_inner).push(reason);
                    }
                }
            });
            connected(&net).await?;
            times.push(begin.elapsed());
            net.stop().await;
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
        Ok::<_, Failure>(times)
    };
    let (suffered, times) = tokio::join!(watched(&mut victim, lasting, flood), dialling);
    let reasons = refusals.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok((suffered?, Dials { times: times?, reasons }))
}

/// A socket that says nothing, opened again when it is closed. Returns the number of times.
async fn silent(at: SocketAddr, from: Ipv4Addr, until: Instant) -> u64 {
    let mut opened = 0;
    while Instant::now() < until {
        let dial = async {
            let socket = TcpSocket::new_v4()?;
            socket.bind(SocketAddr::new(IpAddr::V4(from), 0))?;
            socket.connect(at).await
        };
        if let Ok(Ok(mut open)) = tokio::time::timeout(Duration::from_secs(1), dial).await {
            opened += 1;
            let closed = async { while matches!(open.read(&mut [0; 64]).await, Ok(1..)) {} };
            tokio::time::timeout(until.saturating_duration_since(Instant::now()), closed).await.ok();
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    opened
}
