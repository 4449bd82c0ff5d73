//! A node in a process of its own, for tests of what crashes leave behind: real sockets on loopback, a real store on disk,
//! and a ledger of every use of a nonce that is synced to the disk before the use.
//!
//! `motet-crash-node FOLDER KEY`, where KEY is a secret key as hexadecimal digits; `MOTET_CRASH_AT` names where to die,
//! `MOTET_STOP_AT` where to stand still until it is sent SIGCONT (`signing`: when it is asked to sign; `spent`: when its partial
//! signatures are stored, before they leave), and `MOTET_ATTEMPTS` how many attempts a session has. It reads commands from standard
//! input, one a line: `connect ADDRESS`, `announce KEY,KEY,..`, `stop`. It writes one a line: `listening ADDRESS`, `ready KEY`,
//! `announced`, `complete SIGNATURE`, `aborted open NUMBER WHY`, where NUMBER signers may still complete it.
#![expect(clippy::print_stdout, clippy::wildcard_enum_match_arm, reason = "its parent reads what it is told of")]

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use motet_core_crypto::{PartialSignature, PublicKey, PublicNonce, SecretKey, Signature, tagged_hash};
use motet_net::{Keypair, NetConfig, parse_address};
use motet_node::event::Event;
use motet_node::policy::ApproveAll;
use motet_node::{
    Config, CrashPoint, LocalSigner, Node, NonceId, OsEntropy, Record, RedbStore, Signer, SignerError, SigningItem,
    SigningRequestSpec, Snapshot, Store, StoreError,
};
use motet_wire::{
    Channel, Criteria, Derivation, Difficulty, Item, NetworkId, RequestMetadata, RequestOptions, SignerMetadata,
};
use tokio::io::{AsyncBufReadExt as _, BufReader};

/// A place at which this process stands still, once.
#[derive(Debug, Clone)]
struct Stop(Arc<Mutex<Option<String>>>);

impl Stop {
    fn from_environment() -> Self {
        Self(Arc::new(Mutex::new(std::env::var("MOTET_STOP_AT").ok())))
    }

    /// Stands still if this is the place.
    fn at(&self, place: &str) {
        let mut wanted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if wanted.as_deref() == Some(place) {
            *wanted = None;
            // This thread and not the process: of a process, any thread may take the signal, some time later, and this one would
            // go on until then. The thread that takes it stops them all.
            let thread = std::fs::read_link("/proc/thread-self").unwrap_or_default();
            let stopped = std::process::Command::new("kill").arg("-STOP").args(thread.file_name()).status();
            drop(stopped);
        }
    }
}

/// A store after whose commits this process may stand still.
#[derive(Debug)]
struct Stopping {
    store: RedbStore,
    stop: Stop,
}

impl Store for Stopping {
    fn commit(&self, records: &[Record]) -> Result<(), StoreError> {
        self.store.commit(records)?;
        if records.iter().any(|record| matches!(record, Record::Spent { .. })) {
            self.stop.at("spent");
        }
        Ok(())
    }

    fn load(&self) -> Result<Snapshot, StoreError> {
        self.store.load()
    }
}

/// Writes down what each nonce is used with before it is used.
#[derive(Debug)]
struct Witnessed {
    signer: LocalSigner<OsEntropy>,
    ledger: Mutex<PathBuf>,
    stop: Stop,
}

impl Signer for Witnessed {
    fn public_key(&self) -> PublicKey {
        self.signer.public_key()
    }

    fn delegate(&self, digest: &[u8; 32]) -> Result<Signature, SignerError> {
        self.signer.delegate(digest)
    }

    fn generate_nonces(&self, nonce_id: &NonceId, items: &[SigningItem]) -> Result<Vec<PublicNonce>, SignerError> {
        self.signer.generate_nonces(nonce_id, items)
    }

    fn sign(
        &self,
        nonce_id: &NonceId,
        items: &[SigningItem],
        nonces: &[Vec<PublicNonce>],
    ) -> Result<Vec<PartialSignature>, SignerError> {
        self.stop.at("signing");
        let ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        let bytes = |nonces: &[PublicNonce]| nonces.iter().flat_map(PublicNonce::to_bytes).collect::<Vec<u8>>();
        let own = nonces.get(nonce_id.index.as_usize()).map(|own| bytes(own)).unwrap_or_default();
        let mut used_with: Vec<u8> = nonces.iter().flat_map(|nonces| bytes(nonces)).collect();
        for item in items {
            used_with.extend(item.context.aggregate_key().to_bytes());
            used_with.extend(&*item.message);
        }
        let line = format!(
            "{} {}\n",
            hex(&tagged_hash("test/own", &[&own])),
            hex(&tagged_hash("test/used-with", &[&used_with]))
        );
        let written = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&*ledger)
            .and_then(|mut file| file.write_all(line.as_bytes()).and_then(|()| file.sync_all()));
        written.map_err(|error| SignerError::Device(error.to_string()))?;
        self.signer.sign(nonce_id, items, nonces)
    }

    fn forget(&self, nonce_id: &NonceId) {
        self.signer.forget(nonce_id);
    }
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let (folder, key) = arguments.next().zip(arguments.next()).ok_or("a folder and a key are needed")?;
    let folder = Path::new(&folder);
    let secret: [u8; 32] = unhex(&key).ok_or("the key is no key")?;
    let key = SecretKey::from_bytes(&secret)?;
    let signer = key.public_key();
    let identity = Keypair::from_seed(tagged_hash("test/identity", &[&secret]));
    let net = NetConfig::local(NetworkId::test(), identity);
    let stop = Stop::from_environment();
    let store = Stopping { store: RedbStore::open(&folder.join("records.redb"))?, stop: stop.clone() };
    let ledger = Mutex::new(folder.join("ledger"));
    let witnessed = Witnessed { signer: LocalSigner::new(key, OsEntropy), ledger, stop };
    let attempts = std::env::var("MOTET_ATTEMPTS").ok().and_then(|number| number.parse().ok());
    let config = Config::default()
        .max_attempts(attempts.unwrap_or(Config::default().max_attempts))
        .difficulty(Difficulty(0))
        .sync_after(Duration::from_millis(200))
        .round_timeout(Duration::from_secs(4));
    let crash = std::env::var("MOTET_CRASH_AT").ok().and_then(|name| CrashPoint::from_name(&name));
    let node = Node::builder(net).store(store).policy(ApproveAll).signer(witnessed).config(config).crash_at(crash);
    let (node, mut events) = node.work(motet_wire::work::Free).start().await?;
    node.subscribe_to_all_signers()?.keep();
    println!("ready {signer}");
    let mut others = 0;
    let mut commands = BufReader::new(tokio::io::stdin()).lines();
    loop {
        tokio::select! {
            event = events.next() => match event {
                Some(event) => say(&node, &event?, &mut others),
                None => return Ok(()),
            },
            command = commands.next_line() => match command? {
                Some(command) if command != "stop" => obey(&node, signer, &command).await?,
                _ => break,
            },
        }
    }
    node.stop().await;
    Ok(())
}

fn say(node: &Node, event: &Event, others: &mut usize) {
    match event {
        Event::Listening { address } => println!("listening {address}/p2p/{}", node.peer_id()),
        Event::PeerConnected { .. } => println!("connected"),
        Event::SignerDiscovered(_) => {
            *others += 1;
            if *others == 2 {
                println!("advertised-all");
            }
        }
        Event::SigningRequestJoined(_) => println!("joined"),
        Event::NonceReceived(one) if one.channel == Channel::Own => println!("nonces"),
        Event::SessionComplete(done) => {
            let signatures: Vec<String> = done.items.iter().map(|item| item.signature.to_string()).collect();
            println!("complete {}", signatures.join(","));
        }
        Event::SessionAborted(aborted) => {
            println!("aborted open {} {:?}", aborted.may_complete.len(), aborted.cause);
        }
        _ => {}
    }
}

async fn obey(node: &Node, signer: PublicKey, command: &str) -> Result<(), Box<dyn std::error::Error>> {
    match command.split_once(' ') {
        Some(("connect", address)) => node.connect(parse_address(address)?).await?,
        Some(("announce", keys)) => {
            let keys: Result<Vec<PublicKey>, _> = keys.split(',').map(str::parse).collect();
            let announcement = SigningRequestSpec {
                creator: signer,
                keys: keys?,
                items: vec![Item { message: b"crash".to_vec(), derivation: Derivation::None }],
                options: RequestOptions::default(),
                metadata: RequestMetadata::default(),
                lifetime: Duration::from_secs(20),
            };
            node.announce_signing_request(announcement).await?;
            println!("announced");
        }
        _ if command == "advertise" => {
            let hour = Duration::from_secs(3600);
            node.advertise_signer(signer, Criteria::ANY, SignerMetadata::default(), hour).await?;
        }
        _ => return Err(format!("unknown command: {command}").into()),
    }
    Ok(())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn unhex(text: &str) -> Option<[u8; 32]> {
    let mut bytes = [0; 32];
    for (position, byte) in bytes.iter_mut().enumerate() {
        *byte = u8::from_str_radix(text.get(2 * position..2 * position + 2)?, 16).ok()?;
    }
    Some(bytes)
}
