//! `motet demo`: strangers find each other and sign, in one process, over real sockets on loopback.

#![expect(clippy::wildcard_enum_match_arm, reason = "a command waits for some events; the rest is for the timeline")]

use core::time::Duration;

use motet_core_crypto::{KeyAggContext, PublicKey, SecretKey, schnorr};
use motet_net::{Keypair, NetConfig};
use motet_node::event::{Completed, Event};
use motet_node::policy::ApproveAll;
use motet_node::{Clock, Events, Lagged, LocalSigner, Node, OsEntropy, RedbStore, SignerQuery, SigningRequestSpec};
use motet_wire::{Criteria, Derivation, Item, MonotonicMs, NetworkId, RequestMetadata, RequestOptions, SignerMetadata};
use serde_json::json;
use tokio::sync::mpsc;

use crate::args::DemoArgs;
use crate::exit::{Exit, Failed};
use crate::output::{Format, Output};

/// The transaction type that the signers of the demonstration sign.
const TRANSACTION_TYPE: &str = "demo";
/// Time limit of the whole demonstration.
const PATIENCE: Duration = Duration::from_secs(120);
const NAMES: [&str; 15] = [
    "alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy", "kim", "leo", "mia", "nina",
    "oscar",
];

/// One node of the demonstration.
struct Voice {
    name: String,
    signer: PublicKey,
    handle: Node,
}

/// An event of one node.
type Heard = (usize, MonotonicMs, Result<Event, Lagged>);

pub(crate) async fn run(args: DemoArgs) -> Result<Exit, Failed> {
    let clock = Clock::start();
    let mut output = Output::new(Format::of(args.json), clock.now().mono);
    let done = tokio::time::timeout(PATIENCE, demonstrate(&args, clock, &mut output)).await;
    done.unwrap_or_else(|_| Err(Failed::here(format!("the demonstration did not end within {PATIENCE:?}"))))
}

async fn demonstrate(args: &DemoArgs, clock: Clock, output: &mut Output) -> Result<Exit, Failed> {
    let folder = tempfile::tempdir().map_err(|error| {
        let hint = "let TMPDIR name a folder that this user can write to";
        Failed::here(format!("cannot make a temporary folder: {error}")).hint(hint)
    })?;
    let (heard, mut hearing) = mpsc::channel(4096);
    let mut voices: Vec<Voice> = Vec::new();
    let mut meeting_point = None;
    let count = usize::from(args.signers);
    for index in 0..count {
        let name = NAMES.get(index).map_or_else(|| format!("node-{index}"), |name| (*name).to_owned());
        let (voice, events, address) = start(&name, folder.path(), meeting_point.clone()).await?;
        output.learn(voice.signer, &voice.name);
        meeting_point.get_or_insert(address);
        tokio::spawn(listen(index, events, clock, heard.clone()));
        voices.push(voice);
    }
    drop(heard);
    meet(&voices).await?;
    let mut offers = tokio::task::JoinSet::new();
    for voice in &voices {
        let criteria = Criteria { transaction_types: vec![TRANSACTION_TYPE.to_owned()], ..Criteria::ANY };
        let metadata = SignerMetadata { nickname: voice.name.clone(), ..SignerMetadata::default() };
        let (handle, signer) = (voice.handle.clone(), voice.signer);
        let lifetime = Duration::from_secs(3600);
        offers.spawn(async move { handle.advertise_signer(signer, criteria, metadata, lifetime).await });
    }
    while let Some(offer) = offers.join_next().await {
        offer.map_err(Failed::here)?.map_err(Failed::here)?;
    }
    let creator = voices.first().ok_or_else(|| Failed::here("no signers"))?;
    let keys = find(creator, count, output, &mut hearing, &voices).await?;
    let announcement = SigningRequestSpec {
        creator: creator.signer,
        keys: keys.clone(),
        items: (1..=args.items).map(|number| item(&args.message, number, args.items)).collect(),
        options: RequestOptions::default(),
        metadata: RequestMetadata {
            description: "a demonstration".to_owned(),
            transaction_type: TRANSACTION_TYPE.to_owned(),
            ..RequestMetadata::default()
        },
        lifetime: Duration::from_secs(60),
    };
    creator.handle.announce_signing_request(announcement.clone()).await.map_err(Failed::here)?;
    let (results, took) = collect(&mut hearing, output, &voices).await?;
    for voice in &voices {
        voice.handle.stop().await;
    }
    report(&announcement, &voices, &results, took, output)
}

async fn start(
    name: &str,
    folder: &std::path::Path,
    meeting_point: Option<String>,
) -> Result<(Voice, Events, String), Failed> {
    let network = NetworkId::new("demo").map_err(Failed::here)?;
    let mut net = NetConfig::local(network, Keypair::generate());
    if let Some(address) = meeting_point {
        net.bootstrap.push(motet_net::parse_address(&address).map_err(Failed::here)?);
    }
    let key = SecretKey::generate(&mut OsEntropy).map_err(Failed::here)?;
    let signer = key.public_key();
    let path = folder.join(format!("{name}.redb"));
    let store = tokio::task::spawn_blocking(move || RedbStore::open(&path)).await.map_err(Failed::here)?;
    let node = Node::builder(net)
        .store(store.map_err(Failed::here)?)
        .policy(ApproveAll)
        .signer(LocalSigner::new(key, OsEntropy));
    let (handle, mut events) = node.start().await.map_err(Failed::here)?;
    handle.subscribe_to_signer_discovery([TRANSACTION_TYPE]).map_err(Failed::here)?.keep();
    let mut listening = events.next().await;
    while !matches!(&listening, Some(Ok(Event::Listening { .. })) | None) {
        listening = events.next().await;
    }
    let Some(Ok(Event::Listening { address })) = listening else {
        return Err(Failed::here("a node stopped before it listened"));
    };
    let address = format!("{address}/p2p/{}", handle.peer_id());
    Ok((Voice { name: name.to_owned(), signer, handle }, events, address))
}

async fn listen(index: usize, mut events: Events, clock: Clock, heard: mpsc::Sender<Heard>) {
    while let Some(event) = events.next().await {
        if heard.send((index, clock.now().mono, event)).await.is_err() {
            break;
        }
    }
}

/// Waits until every node knows a peer for gossip and DHT queries.
async fn meet(voices: &[Voice]) -> Result<(), Failed> {
    for voice in voices {
        while voices.len() > 1 && voice.handle.stats().await.map_err(Failed::here)?.dht_peers == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }
    Ok(())
}

/// The keys of all signers that are willing to sign demonstrations: first those heard of, then those that the DHT knows.
async fn find(
    creator: &Voice,
    wanted: usize,
    output: &mut Output,
    hearing: &mut mpsc::Receiver<Heard>,
    voices: &[Voice],
) -> Result<Vec<PublicKey>, Failed> {
    loop {
        while let Ok(heard) = hearing.try_recv() {
            show(output, voices, &heard)?;
        }
        let wishes = SignerQuery { transaction_type: Some(TRANSACTION_TYPE.to_owned()), ..SignerQuery::default() };
        let found = creator.handle.find_available_signers(wishes).await.map_err(Failed::here)?;
        if found.len() >= wanted {
            return Ok(found.into_iter().map(|offer| offer.delegation.signer).take(wanted).collect());
        }
        let waited = tokio::time::timeout(Duration::from_millis(200), hearing.recv()).await;
        if let Ok(Some(heard)) = waited {
            show(output, voices, &heard)?;
        }
    }
}

fn show(output: &mut Output, voices: &[Voice], (index, at, event): &Heard) -> Result<(), Failed> {
    let name = voices.get(*index).map_or("", |voice| voice.name.as_str());
    match event {
        Ok(event) => output.event(name, *at, event),
        Err(lost) => output.lost(name, *at, *lost),
    }
}

fn item(message: &str, number: u8, count: u8) -> Item {
    let message = if count == 1 { message.to_owned() } else { format!("{message} #{number}") };
    Item { message: message.into_bytes(), derivation: Derivation::Taproot { merkle_root: None } }
}

/// The result of each node, and the milliseconds from the request to the last of them.
async fn collect(
    hearing: &mut mpsc::Receiver<Heard>,
    output: &mut Output,
    voices: &[Voice],
) -> Result<(Vec<Completed>, u64), Failed> {
    let mut results: Vec<Option<Completed>> = voices.iter().map(|_| None).collect();
    let mut announced = None;
    while let Some(heard) = hearing.recv().await {
        show(output, voices, &heard)?;
        let (index, at, event) = heard;
        match event.map_err(Failed::here)? {
            Event::SigningRequestCreated(_) => announced = Some(at),
            Event::SessionAborted(aborted) => {
                return Err(Failed::new(Exit::Session, output.cause(&aborted.cause)));
            }
            Event::SessionComplete(completed) => {
                if let Some(result) = results.get_mut(index) {
                    *result = Some(completed);
                }
            }
            _ => {}
        }
        if results.iter().all(Option::is_some) {
            let took = announced.map_or(0, |announced: MonotonicMs| at.0.saturating_sub(announced.0));
            return Ok((results.into_iter().flatten().collect(), took));
        }
    }
    Err(Failed::here("the nodes stopped before they had signed"))
}

/// Shows the results, and verifies them from nothing but the list of keys and the messages.
fn report(
    announcement: &SigningRequestSpec,
    voices: &[Voice],
    results: &[Completed],
    took: u64,
    output: &Output,
) -> Result<Exit, Failed> {
    let context = KeyAggContext::new(&announcement.keys).map_err(Failed::here)?;
    let context = context.with_taproot(None).map_err(Failed::here)?;
    let verified = results.iter().all(|result| {
        result.items.len() == announcement.items.len()
            && result.items.iter().zip(&announcement.items).all(|(signed, item)| {
                schnorr::verify(&context.aggregate_key(), &item.message, &signed.signature).is_ok()
            })
    });
    let identical = results.windows(2).all(|pair| matches!(pair, [one, other] if one.items == other.items));
    if !(verified && identical) {
        return Err(Failed::new(Exit::Invalid, "the signatures do not verify, or differ between nodes"));
    }
    let mut lines = format!("\n  aggregate key  {}\n", context.aggregate_key());
    for item in results.first().map(|result| result.items.as_slice()).unwrap_or_default() {
        lines.push_str(&format!("  message        {}\n", String::from_utf8_lossy(&item.message)));
        lines.push_str(&format!("  signature      {}\n", item.signature));
    }
    lines.push_str(&format!(
        "  verdict        valid: {} nodes, the same {} signature(s), {took} ms from announcement to signature",
        results.len(),
        announcement.items.len(),
    ));
    let nodes: Vec<_> = voices
        .iter()
        .zip(results)
        .map(|(voice, result)| json!({"signer": voice.signer.to_string(), "items": result.items}))
        .collect();
    output.result(&lines, &json!({"event": "result", "announce_to_signature_ms": took, "nodes": nodes}))?;
    Ok(Exit::Success)
}
