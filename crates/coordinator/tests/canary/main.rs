//! Secrets stay where they are, in whole nodes: real sockets, records on disk, every log of every library at its finest,
//! and messages of panics. What the nodes say to each other is taken from their logs of frames.
//!
//! Everything else that is known of the engine's secrets, message keys among them, is in `tests/it/canary.rs`.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::wildcard_enum_match_arm,
    reason = "what is unexpected fails the test"
)]

mod capture;
mod needles;
mod nonces;
mod recorder;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use motet_coordinator::event::Event;
use motet_coordinator::{Signer, SigningRequestSpec};
use motet_core_crypto::{PublicKey, SecretKey};
use motet_net::{Keypair, NetConfig, parse_address};
use motet_node::policy::{ApproveAll, DeclineAll, Policy};
use motet_node::{Events, LocalSigner, Node, OsEntropy, RedbStore};
use motet_wire::{
    Arrival, Channel, Commitments, Criteria, Derivation, Item, Kind, Message, MonotonicMs, NetworkId, Now, PeerId,
    RequestMetadata, RequestOptions, SignerMetadata, TimestampMs, Validator, ValidatorLimits, peek,
};
use rand_core::TryRng as _;

use capture::Capture;
use needles::Needles;
use nonces::Made;
use recorder::{Recorder, Taken};

const HOUR: Duration = Duration::from_secs(3600);

fn random() -> [u8; 32] {
    let mut bytes = [0; 32];
    OsEntropy.try_fill_bytes(&mut bytes).unwrap();
    bytes
}

/// A node whose secrets are known.
struct Known {
    handle: Node,
    events: Events,
    address: String,
    key: SecretKey,
    identity: [u8; 32],
    taken: Taken,
}

impl Known {
    async fn start(folder: &Path, network: &NetworkId, policy: Arc<dyn Policy>) -> Self {
        let (secret, identity, taken) = (random(), random(), Taken::default());
        let key = || SecretKey::from_bytes(&secret).unwrap();
        let source = Recorder { source: OsEntropy, taken: Arc::clone(&taken) };
        let signer: Arc<dyn Signer> = Arc::new(LocalSigner::new(key(), source));
        let net = NetConfig::local(network.clone(), Keypair::from_seed(identity));
        let store = RedbStore::open(&folder.join(format!("{}.redb", key().public_key()))).unwrap();
        let node = Node::builder(net.clone()).store(store).policy(policy).signer(Arc::clone(&signer));
        tracing::error!(key = ?key(), ?signer, ?net, ?node, "what a user holds");
        let (handle, mut events) = node.start().await.unwrap();
        let address = loop {
            if let Event::Listening { address } = events.next().await.unwrap().unwrap() {
                break format!("{address}/p2p/{}", handle.peer_id());
            }
        };
        tracing::error!(?handle, ?events, "what a user holds");
        Self { handle, events, address, key: key(), identity, taken }
    }

    fn signer(&self) -> PublicKey {
        self.key.public_key()
    }
}

/// Waits for the end of a session on all nodes; whether it has signatures.
async fn end(nodes: &mut [Known]) -> bool {
    let mut complete = false;
    for node in nodes {
        complete = loop {
            let event = node.events.next().await.unwrap().unwrap();
            tracing::error!(?event, "what a user hears");
            match event {
                Event::SessionComplete(_) => break true,
                Event::SessionAborted(_) => break false,
                _ => {}
            }
        };
    }
    complete
}

/// What is in the files of a folder.
fn files(folder: &Path) -> Vec<u8> {
    let entries = std::fs::read_dir(folder).unwrap();
    entries.flat_map(|entry| std::fs::read(entry.unwrap().path()).unwrap()).collect()
}

/// The frames that were logged, each once.
fn frames(logs: &[u8]) -> BTreeSet<Vec<u8>> {
    let text = String::from_utf8_lossy(logs);
    let hex = text.lines().filter(|line| line.contains("motet_net::frames")).filter_map(|line| {
        let (_, rest) = line.split_once("frame=")?;
        rest.split(|letter: char| !letter.is_ascii_hexdigit()).next()
    });
    hex.map(|hex| {
        let digits: Vec<u8> = hex.bytes().map(|digit| (digit as char).to_digit(16).unwrap() as u8).collect();
        digits.as_chunks::<2>().0.iter().map(|[high, low]| high << 4 | low).collect()
    })
    .collect()
}

/// The secret nonces behind all public ones that were sent.
fn secret_nonces(nodes: &[Known], items: &[Item], frames: &BTreeSet<Vec<u8>>, network: &NetworkId) -> Vec<[u8; 32]> {
    // Three have signed, and all four were asked to.
    let keys: Vec<PublicKey> = nodes.iter().map(Known::signer).collect();
    let groups = [&keys[..3], &keys];
    let mut secrets = Vec::new();
    for frame in frames.iter().filter(|frame| peek(frame).unwrap().kind == Kind::NonceShare) {
        let mut validator = Validator::new(network.clone(), ValidatorLimits::default());
        let arrival = Arrival::new(Arc::from(frame.as_slice()), Channel::Sync, PeerId::from_bytes(&[1; 38]).unwrap());
        let now = Now { wall: TimestampMs(0), mono: MonotonicMs(0) };
        let message = validator.validate(arrival, now).unwrap();
        let Message::NonceShare(share) = message.message() else { panic!("not a nonce share") };
        for ((position, item), public) in (0u32..).zip(items).zip(&share.nonces) {
            let aggregate_keys = groups.map(|keys| item.key_context(keys).unwrap().aggregate_key());
            let tried: Vec<_> =
                nodes.iter().flat_map(|node| aggregate_keys.iter().map(move |key| (node, key))).collect();
            let opened = tried.into_iter().find_map(|(node, aggregate_key)| {
                let made = Made {
                    key: &node.key,
                    aggregate_key,
                    message: &item.message,
                    session: share.session,
                    attempt: share.attempt,
                    item: position,
                };
                let taken = node.taken.lock().unwrap().clone();
                taken.iter().find_map(|random| made.open(random, public))
            });
            secrets.extend(opened.expect("the secret nonces are among those that are known"));
        }
    }
    secrets
}

/// A result that nobody expects to be good.
fn not_wrong<T>(value: T) -> Result<T, String> {
    Ok(value)
}

/// What panics say that have secrets within reach.
fn panic_over_secrets(nodes: &[Known], capture: &Capture) {
    let to = capture.clone();
    std::panic::set_hook(Box::new(move |panic| writeln!(to.clone(), "{panic} {panic:?}").unwrap()));
    for node in nodes {
        let secret = *node.key.dangerous_to_bytes();
        let key = not_wrong(SecretKey::from_bytes(&secret).unwrap());
        let signer = not_wrong(LocalSigner::new(SecretKey::from_bytes(&secret).unwrap(), OsEntropy));
        let identity = not_wrong(Keypair::from_seed(node.identity));
        let too_large = [0xff; 32];
        for panics in [
            std::panic::catch_unwind(move || drop(key.unwrap_err())),
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || drop(signer.unwrap_err()))),
            std::panic::catch_unwind(std::panic::AssertUnwindSafe(move || drop(identity.unwrap_err()))),
            std::panic::catch_unwind(move || drop(SecretKey::from_bytes(&too_large).unwrap())),
        ] {
            assert!(panics.is_err());
        }
    }
    drop(std::panic::take_hook());
}

#[tokio::test(flavor = "multi_thread")]
async fn no_secret_of_a_node_is_logged_printed_stored_or_sent() {
    let capture = Capture::default();
    tracing::subscriber::set_global_default(capture.subscriber()).unwrap();
    let folder = tempfile::tempdir().unwrap();
    let network = NetworkId::new("canary").unwrap();
    let mut nodes = Vec::new();
    for _ in 0..3 {
        nodes.push(Known::start(folder.path(), &network, Arc::new(ApproveAll)).await);
    }
    for one in 1..3 {
        for other in 0..one {
            nodes[one].handle.connect(parse_address(&nodes[other].address).unwrap()).await.unwrap();
        }
    }
    for node in &nodes {
        let metadata = SignerMetadata::default();
        node.handle.advertise_signer(node.signer(), Criteria::ANY, metadata, HOUR).await.unwrap();
    }
    // The control: a secret that is given away, as the message that is signed.
    let given_away = random();
    let item = |message: &[u8]| Item { message: message.to_vec(), derivation: Derivation::None };
    let items = vec![item(&given_away), item(b"something else")];
    let mut ask = SigningRequestSpec {
        creator: nodes[0].signer(),
        keys: nodes.iter().map(Known::signer).collect(),
        items: items.clone(),
        options: RequestOptions::default(),
        metadata: RequestMetadata::default(),
        lifetime: HOUR,
    };
    nodes[0].handle.announce_signing_request(ask.clone()).await.unwrap();
    assert!(end(&mut nodes).await);
    ask.options.commitments = Commitments::Off;
    nodes[0].handle.announce_signing_request(ask.clone()).await.unwrap();
    assert!(end(&mut nodes).await);
    // One who refuses, after others have made their nonces.
    let refuser = Known::start(folder.path(), &network, Arc::new(DeclineAll)).await;
    refuser.handle.connect(parse_address(&nodes[0].address).unwrap()).await.unwrap();
    let metadata = SignerMetadata::default();
    refuser.handle.advertise_signer(refuser.signer(), Criteria::ANY, metadata, HOUR).await.unwrap();
    nodes.push(refuser);
    let with_refuser = SigningRequestSpec { keys: nodes.iter().map(Known::signer).collect(), ..ask };
    nodes[0].handle.announce_signing_request(with_refuser).await.unwrap();
    assert!(!end(&mut nodes).await);
    for node in &nodes {
        node.handle.stop().await;
    }
    panic_over_secrets(&nodes, &capture);

    let logs = capture.bytes();
    let (frames, stored) = (frames(&logs), files(folder.path()));
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    for frame in &frames {
        *kinds.entry(format!("{:?}", peek(frame).unwrap().kind)).or_default() += 1;
    }
    // A session that is over before its coordinator has nothing else to do needs no SessionReady.
    let (round, end) = ([Kind::NonceShare, Kind::PartialSigShare], [Kind::SignatureFinalized]);
    for kind in [Kind::SigningRequest, Kind::ParticipantJoined].into_iter().chain(round).chain(end) {
        assert!(kinds.contains_key(&format!("{kind:?}")), "no {kind:?} among {kinds:?}");
    }
    for library in ["libp2p", "yamux", "motet_net", "motet_node"] {
        assert!(String::from_utf8_lossy(&logs).contains(library), "{library} logs nothing");
    }
    let signed_with = secret_nonces(&nodes, &items, &frames, &network);
    assert!(signed_with.len() >= 2 * 3 * 2 * 2, "{} secret nonces", signed_with.len());

    let mut needles = Needles::default();
    for (number, node) in nodes.iter().enumerate() {
        needles.add(&format!("signer key {number}"), node.key.dangerous_to_bytes().as_slice());
        needles.add(&format!("identity {number}"), &node.identity);
        for random in node.taken.lock().unwrap().iter() {
            needles.add("what nonces are made of", random);
        }
    }
    for secret in &signed_with {
        needles.add("a secret nonce", secret);
    }
    assert_eq!(needles.search(&logs), [], "in {} bytes of logs", logs.len());
    assert_eq!(needles.search(&stored), [], "in {} bytes of files", stored.len());
    for frame in &frames {
        assert_eq!(needles.search(frame), [], "in a frame");
    }

    let mut control = Needles::default();
    control.add("given away", &given_away);
    assert!(!control.search(&logs).is_empty(), "the search of logs finds nothing");
    assert!(!control.search(&stored).is_empty(), "the search of files finds nothing");
    assert!(frames.iter().any(|frame| !control.search(frame).is_empty()), "the search of frames finds nothing");
}
