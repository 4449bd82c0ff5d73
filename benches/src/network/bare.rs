//! A bare libp2p swarm: request-response, gossipsub and Kademlia as libp2p has them, on the transports of our nodes.

use std::collections::HashMap;
use std::io;
use std::time::{Duration, Instant};

use futures::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, StreamExt as _};
use libp2p::core::transport::MemoryTransport;
use libp2p::core::{Transport as _, upgrade};
use libp2p::kad::store::MemoryStore;
use libp2p::multiaddr::Protocol;
use libp2p::swarm::dial_opts::DialOpts;
use libp2p::swarm::{NetworkBehaviour, SwarmEvent};
use libp2p::{Multiaddr, PeerId, StreamProtocol, Swarm, SwarmBuilder, gossipsub, identify, kad, noise, tcp, yamux};
use libp2p_request_response as request_response;
use tokio::sync::{mpsc, oneshot};

use super::node::{Counts, Heard, LENGTH, Measured, Part, Sockets, bytes, number};
use crate::session::group::{Failure, GUARD};

const TOPIC: &str = "motet-benches/gossip";

/// Messages of a fixed length, and answers of one byte.
#[derive(Debug, Clone, Copy, Default)]
struct Plain;

impl request_response::Codec for Plain {
    type Protocol = StreamProtocol;
    type Request = Vec<u8>;
    type Response = ();

    async fn read_request<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        stream: &mut T,
    ) -> io::Result<Vec<u8>> {
        let mut bytes = vec![0; LENGTH];
        stream.read_exact(&mut bytes).await?;
        Ok(bytes)
    }

    async fn read_response<T: AsyncRead + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        stream: &mut T,
    ) -> io::Result<()> {
        stream.read_exact(&mut [0]).await
    }

    async fn write_request<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        stream: &mut T,
        bytes: Vec<u8>,
    ) -> io::Result<()> {
        stream.write_all(&bytes).await
    }

    async fn write_response<T: AsyncWrite + Unpin + Send>(
        &mut self,
        _: &StreamProtocol,
        stream: &mut T,
        (): (),
    ) -> io::Result<()> {
        stream.write_all(&[1]).await
    }
}

#[derive(NetworkBehaviour)]
struct Behaviour {
    messages: request_response::Behaviour<Plain>,
    gossip: gossipsub::Behaviour,
    kad: kad::Behaviour<MemoryStore>,
    identify: identify::Behaviour,
}

enum Order {
    Send { to: PeerId, bytes: Vec<u8> },
    Publish { bytes: Vec<u8> },
    Put { number: u64 },
    Get { number: u64, answer: oneshot::Sender<bool> },
    Count { answer: oneshot::Sender<Counts> },
}

/// A running swarm.
#[derive(Debug)]
pub struct Bare {
    peer: PeerId,
    address: Multiaddr,
    orders: mpsc::Sender<Order>,
    heard: mpsc::Receiver<Heard>,
}

impl Bare {
    async fn order(&self, order: Order) -> Result<(), Failure> {
        self.orders.send(order).await.map_err(|_| "the swarm has stopped".into())
    }
}

impl Measured for Bare {
    async fn start(sockets: Sockets, part: Part, at: &[Multiaddr]) -> Result<Self, Failure> {
        let mut swarm = swarm(sockets, part)?;
        swarm.behaviour_mut().gossip.subscribe(&topic())?;
        swarm.listen_on(sockets.listen())?;
        for address in at {
            let Some(Protocol::P2p(peer)) = address.iter().last() else {
                return Err("an address names no peer".into());
            };
            swarm.behaviour_mut().kad.add_address(&peer, address.clone());
            // Another program's connection may have the port of the listener, and libp2p gives such a dial up.
            let dial = DialOpts::peer_id(peer).addresses(vec![address.clone()]);
            swarm.dial(dial.allocate_new_port().build())?;
        }
        let peer = *swarm.local_peer_id();
        let listening = async {
            loop {
                if let SwarmEvent::NewListenAddr { address, .. } = swarm.select_next_some().await {
                    return address;
                }
            }
        };
        let address = tokio::time::timeout(GUARD, listening).await?.with(Protocol::P2p(peer));
        let (orders, orders_out) = mpsc::channel(1_024);
        let (heard_in, heard) = mpsc::channel(4_096);
        tokio::spawn(run(swarm, orders_out, heard_in));
        Ok(Self { peer, address, orders, heard })
    }

    fn address(&self) -> &Multiaddr {
        &self.address
    }

    async fn send(&self, to: &Self, number: u64) -> Result<(), Failure> {
        self.order(Order::Send { to: to.peer, bytes: bytes(number) }).await
    }

    async fn publish(&self, number: u64) -> Result<(), Failure> {
        self.order(Order::Publish { bytes: bytes(number) }).await
    }

    async fn put(&self, number: u64) -> Result<(), Failure> {
        self.order(Order::Put { number }).await
    }

    async fn get(&self, number: u64) -> Result<bool, Failure> {
        let (answer, question) = oneshot::channel();
        self.order(Order::Get { number, answer }).await?;
        Ok(question.await?)
    }

    async fn find(&self, number: u64) -> Result<bool, Failure> {
        self.get(number).await
    }

    async fn heard(&mut self) -> Option<Heard> {
        self.heard.recv().await
    }

    async fn counts(&self) -> Result<Counts, Failure> {
        let (answer, question) = oneshot::channel();
        self.order(Order::Count { answer }).await?;
        Ok(question.await?)
    }
}

fn topic() -> gossipsub::IdentTopic {
    gossipsub::IdentTopic::new(TOPIC)
}

fn key(number: u64) -> kad::RecordKey {
    kad::RecordKey::new(&number.to_be_bytes())
}

fn swarm(sockets: Sockets, part: Part) -> Result<Swarm<Behaviour>, Failure> {
    let builder = SwarmBuilder::with_new_identity().with_tokio();
    // The builder has another type with each transport.
    Ok(match sockets {
        Sockets::Tcp => builder
            .with_tcp(tcp::Config::default().nodelay(true), noise::Config::new, yamux::Config::default)?
            .with_behaviour(|keys| behaviour(keys, part))?
            .with_swarm_config(patient)
            .build(),
        Sockets::Memory => builder
            .with_other_transport(|keys| {
                let noise = noise::Config::new(keys)?;
                let memory = MemoryTransport::default().upgrade(upgrade::Version::V1Lazy);
                Ok(memory.authenticate(noise).multiplex(yamux::Config::default()))
            })?
            .with_behaviour(|keys| behaviour(keys, part))?
            .with_swarm_config(patient)
            .build(),
    })
}

fn patient(config: libp2p::swarm::Config) -> libp2p::swarm::Config {
    config
        .with_substream_upgrade_protocol_override(upgrade::Version::V1Lazy)
        .with_idle_connection_timeout(Duration::from_secs(3_600))
}

fn behaviour(
    keys: &libp2p::identity::Keypair,
    part: Part,
) -> Result<Behaviour, Box<dyn core::error::Error + Send + Sync>> {
    let local = keys.public().to_peer_id();
    let protocol = (StreamProtocol::new("/motet-benches/message/1"), request_response::ProtocolSupport::Full);
    let messages = request_response::Behaviour::new([protocol], request_response::Config::default());
    let settings = gossipsub::ConfigBuilder::default()
        .validation_mode(gossipsub::ValidationMode::Anonymous)
        .message_id_fn(|message| message.data.clone().into())
        .build()?;
    let gossip = gossipsub::Behaviour::new(gossipsub::MessageAuthenticity::Anonymous, settings)?;
    let settings = kad::Config::new(StreamProtocol::new("/motet-benches/kad/1"));
    let mut kad = kad::Behaviour::with_config(local, MemoryStore::new(local), settings);
    kad.set_mode(Some(match part {
        Part::Server => kad::Mode::Server,
        Part::Client => kad::Mode::Client,
    }));
    let identify = identify::Behaviour::new(identify::Config::new("/motet-benches/1".to_owned(), keys.public()));
    Ok(Behaviour { messages, gossip, kad, identify })
}

async fn run(mut swarm: Swarm<Behaviour>, mut orders: mpsc::Receiver<Order>, heard: mpsc::Sender<Heard>) {
    let mut questions = Questions::new();
    loop {
        tokio::select! {
            order = orders.recv() => {
                let Some(order) = order else { break };
                carry_out(&mut swarm, order, &mut questions);
            }
            event = swarm.select_next_some() => {
                if let SwarmEvent::Behaviour(event) = event
                    && let Some(bytes) = handle(&mut swarm, event, &mut questions)
                    && let Some(number) = number(&bytes)
                {
                    let at = Instant::now();
                    if heard.send(Heard { number, at }).await.is_err() {
                        break;
                    }
                }
            }
        }
    }
}

type Questions = HashMap<kad::QueryId, (bool, oneshot::Sender<bool>)>;

fn carry_out(swarm: &mut Swarm<Behaviour>, order: Order, questions: &mut Questions) {
    let connected = swarm.connected_peers().count();
    let behaviour = swarm.behaviour_mut();
    match order {
        Order::Send { to, bytes } => {
            behaviour.messages.send_request(&to, bytes);
        }
        // Whatever is not published or put is missed by those who wait for it.
        Order::Publish { bytes } => drop(behaviour.gossip.publish(topic(), bytes)),
        Order::Put { number } => {
            drop(behaviour.kad.put_record(kad::Record::new(key(number), bytes(number)), kad::Quorum::One));
        }
        Order::Get { number, answer } => {
            questions.insert(behaviour.kad.get_record(key(number)), (false, answer));
        }
        Order::Count { answer } => {
            let hash = topic().hash();
            let listening = behaviour.gossip.all_peers().filter(|(_, topics)| topics.contains(&&hash)).count();
            let routed = behaviour.kad.kbuckets().map(|bucket| bucket.num_entries()).sum();
            // The caller may have gone.
            answer.send(Counts { connected, listening, routed }).ok();
        }
    }
}

/// Handles an event, and returns the message in it.
fn handle(swarm: &mut Swarm<Behaviour>, event: BehaviourEvent, questions: &mut Questions) -> Option<Vec<u8>> {
    match event {
        BehaviourEvent::Messages(request_response::Event::Message {
            message: request_response::Message::Request { request, channel, .. },
            ..
        }) => {
            // The other end may have gone.
            swarm.behaviour_mut().messages.send_response(channel, ()).ok();
            return Some(request);
        }
        BehaviourEvent::Gossip(gossipsub::Event::Message { message, .. }) => return Some(message.data),
        BehaviourEvent::Identify(identify::Event::Received { peer_id, info, .. }) => {
            for address in info.listen_addrs {
                swarm.behaviour_mut().kad.add_address(&peer_id, address);
            }
        }
        BehaviourEvent::Kad(kad::Event::OutboundQueryProgressed {
            id,
            result: kad::QueryResult::GetRecord(result),
            step,
            ..
        }) => {
            if let Some((found, _)) = questions.get_mut(&id) {
                *found |= matches!(result, Ok(kad::GetRecordOk::FoundRecord(_)));
            }
            if step.last
                && let Some((found, answer)) = questions.remove(&id)
            {
                answer.send(found).ok();
            }
        }
        BehaviourEvent::Messages(_)
        | BehaviourEvent::Gossip(_)
        | BehaviourEvent::Kad(_)
        | BehaviourEvent::Identify(_) => {}
    }
    None
}
