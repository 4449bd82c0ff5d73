//! Bare messages: libp2p swarms that speak nothing but one stream protocol, over the same transport as our nodes.
//!
//! Each has one open stream to each other one. In a round, the first sends a message to all; whoever has it sends one
//! to all; whoever has everybody's sends the next to all; and so on, as the phases of a session do. Between two it is a
//! chain of single messages, one way each.

use std::sync::Arc;
use std::time::{Duration, Instant};

use futures::{AsyncReadExt as _, AsyncWriteExt as _, StreamExt as _};
use libp2p::core::upgrade;
use libp2p::swarm::SwarmEvent;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::{Multiaddr, PeerId, Stream, StreamProtocol, Swarm, SwarmBuilder, noise, tcp, yamux};
use tokio::sync::{broadcast, mpsc};

use crate::session::group::{Failure, GUARD};
use crate::session::place::{Place, Runtimes};

/// The length of every message: that of most of ours.
const LENGTH: usize = 300;

/// The time that one attempt to open a stream may take.
const ATTEMPT: Duration = Duration::from_secs(2);

/// Swarms that are connected with each other.
#[derive(Debug)]
pub struct Bare {
    places: Vec<Place>,
    start: broadcast::Sender<u8>,
    done: mpsc::Receiver<(Role, Instant, Instant)>,
}

impl Bare {
    /// Connects `count` swarms on loopback, with a stream in each direction between any two.
    ///
    /// # Errors
    ///
    /// What libp2p says.
    pub async fn start(count: usize, runtimes: Runtimes) -> Result<Self, Failure> {
        let protocol = StreamProtocol::new("/motet-benches/bare/1");
        let (start, _) = broadcast::channel(4);
        let (done_in, done) = mpsc::channel(count);
        let mut swarms = Vec::new();
        let mut places = Vec::new();
        for _ in 0..count {
            let place = Place::new(runtimes)?;
            swarms.push(place.run(listening()).await??);
            places.push(place);
        }
        let addresses: Vec<(PeerId, Multiaddr)> =
            swarms.iter().map(|(swarm, address)| (*swarm.local_peer_id(), address.clone())).collect();
        let mut controls = Vec::new();
        let mut inboxes = Vec::new();
        for (index, (mut swarm, _)) in swarms.into_iter().enumerate() {
            let earlier: Vec<(PeerId, Multiaddr)> = addresses.iter().take(index).cloned().collect();
            for (peer, address) in &earlier {
                swarm.dial(dial(*peer, address.clone()))?;
            }
            let mut control = swarm.behaviour().new_control();
            let mut incoming = control.accept(protocol.clone())?;
            let (heard, inbox) = mpsc::channel::<u8>(1_024);
            let Some(place) = places.get(index) else { continue };
            place.spawn(async move {
                loop {
                    tokio::select! {
                        event = swarm.select_next_some() => {
                            if let SwarmEvent::OutgoingConnectionError { peer_id: Some(lost), .. } = event
                                && let Some((peer, address)) = earlier.iter().find(|(peer, _)| *peer == lost)
                            {
                                // The streams are opened within a bound of time: it ends this too.
                                let _ = swarm.dial(dial(*peer, address.clone()));
                            }
                        }
                        Some((_, stream)) = incoming.next() => {
                            tokio::spawn(read(stream, heard.clone()));
                        }
                    }
                }
            });
            controls.push(control);
            inboxes.push(inbox);
        }
        for (index, ((mut control, inbox), place)) in controls.into_iter().zip(inboxes).zip(&places).enumerate() {
            let mut streams = Vec::new();
            for (other, (peer, _)) in addresses.iter().enumerate() {
                if other != index {
                    let opening = tokio::time::timeout(GUARD, open(&mut control, *peer, &protocol)).await;
                    streams.push(opening.map_err(|_| format!("bare swarm {index} has no stream to swarm {other}"))?);
                }
            }
            let role = if index == 0 { Role::First } else { Role::Other };
            let playing = play(role, streams, inbox, start.subscribe(), done_in.clone());
            place.spawn(async move {
                let _ = playing.await;
            });
        }
        Ok(Self { places, start, done })
    }

    /// One round of so many phases: how long until everybody has the last message of everybody.
    ///
    /// # Errors
    ///
    /// When a message is lost.
    pub async fn round(&mut self, phases: u8) -> Result<Duration, Failure> {
        self.start.send(phases)?;
        let mut times = Vec::new();
        for _ in &self.places {
            let done = tokio::time::timeout(GUARD, self.done.recv()).await;
            let done = done.map_err(|_| "a bare swarm has not heard from all others")?;
            times.push(done.ok_or("a swarm has stopped")?);
        }
        let begin = times.iter().find(|(role, ..)| *role == Role::First).map(|(_, begin, _)| *begin);
        let end = times.iter().map(|(.., end)| *end).max();
        Ok(end.zip(begin).map_or(Duration::ZERO, |(end, begin)| end.saturating_duration_since(begin)))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Role {
    First,
    Other,
}

/// A swarm that listens, and where.
async fn listening() -> Result<(Swarm<libp2p_stream::Behaviour>, Multiaddr), Failure> {
    let mut swarm = swarm()?;
    swarm.listen_on("/ip4/127.0.0.1/tcp/0".parse()?)?;
    loop {
        if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
            return Ok((swarm, address));
        }
    }
}

fn swarm() -> Result<Swarm<libp2p_stream::Behaviour>, Failure> {
    let swarm = SwarmBuilder::with_new_identity()
        .with_tokio()
        .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, yamux::Config::default)?
        .with_behaviour(|_| libp2p_stream::Behaviour::new())?
        .with_swarm_config(|swarm| {
            swarm
                .with_substream_upgrade_protocol_override(upgrade::Version::V1Lazy)
                .with_idle_connection_timeout(Duration::from_secs(3_600))
        })
        .build();
    Ok(swarm)
}

/// A dial from a new port: another program's connection may have the port of the listener, and libp2p gives such a dial up.
fn dial(peer: PeerId, address: Multiaddr) -> DialOpts {
    DialOpts::peer_id(peer).addresses(vec![address]).allocate_new_port().build()
}

/// One stream to a peer. An attempt that is not answered soon is given up for another one: a stream that is dropped before
/// its protocol is agreed upon may never say so.
async fn open(control: &mut libp2p_stream::Control, peer: PeerId, protocol: &StreamProtocol) -> Stream {
    loop {
        if let Ok(Some(stream)) = tokio::time::timeout(ATTEMPT, greeted(control, peer, protocol)).await {
            return stream;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A stream whose other side has answered a greeting. libp2p-stream drops a stream when the other side takes too many at
/// once, and only a greeting tells.
async fn greeted(control: &mut libp2p_stream::Control, peer: PeerId, protocol: &StreamProtocol) -> Option<Stream> {
    let mut stream = control.open_stream(peer, protocol.clone()).await.ok()?;
    stream.write_all(&[0]).await.ok()?;
    stream.flush().await.ok()?;
    stream.read_exact(&mut [0]).await.ok()?;
    Some(stream)
}

async fn read(mut stream: Stream, heard: mpsc::Sender<u8>) {
    let mut greeting = [0];
    let greeted = stream.read_exact(&mut greeting).await.is_ok() && stream.write_all(&greeting).await.is_ok();
    if !greeted || stream.flush().await.is_err() {
        return;
    }
    let mut frame = [0; 4 + LENGTH];
    while stream.read_exact(&mut frame).await.is_ok() {
        let [phase, ..] = frame;
        if heard.send(phase).await.is_err() {
            break;
        }
    }
}

/// Plays rounds until the streams end.
async fn play(
    role: Role,
    mut streams: Vec<Stream>,
    mut inbox: mpsc::Receiver<u8>,
    mut start: broadcast::Receiver<u8>,
    done: mpsc::Sender<(Role, Instant, Instant)>,
) -> Option<()> {
    loop {
        let phases = start.recv().await.ok()?;
        let begin = Instant::now();
        let mut heard: Vec<usize> = vec![0; usize::from(phases)];
        if role == Role::First {
            say(0, &mut streams).await?;
        }
        for phase in 0..phases {
            let wanted = match (phase, role) {
                (0, Role::First) => 0,
                (0, Role::Other) => 1,
                _ => streams.len(),
            };
            while heard.get(usize::from(phase)).is_some_and(|count| *count < wanted) {
                let arrived = inbox.recv().await?;
                *heard.get_mut(usize::from(arrived))? += 1;
            }
            if phase + 1 < phases {
                say(phase + 1, &mut streams).await?;
            }
        }
        done.send((role, begin, Instant::now())).await.ok()?;
    }
}

async fn say(phase: u8, streams: &mut [Stream]) -> Option<()> {
    let frame: Arc<[u8]> = vec![phase; 4 + LENGTH].into();
    for stream in streams {
        stream.write_all(&frame).await.ok()?;
        stream.flush().await.ok()?;
    }
    Some(())
}
