//! Private sessions of a group's members over real sockets on loopback, from a PSBT to a transaction that Bitcoin's consensus code
//! accepts: many inputs, inputs of others, many members, leaves of the script tree, and keys that are derived before they are
//! aggregated.

use std::collections::BTreeMap;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use bitcoin::hashes::Hash as _;
use bitcoin::{
    Amount, Network, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, WPubkeyHash, Witness, consensus,
};
use motet_core_crypto::PublicKey;
use motet_net::{Keypair, Multiaddr, NetConfig, parse_address};
use motet_node::event::{AbortCause, Event};
use motet_node::policy::{Condition, DeclineAll, Rule, RulePolicy, Rules, TransactionCondition, Verdict};
use motet_node::{
    Audience, Config, Events, LocalSigner, MemoryStore, Node, NodeBuilder, OsEntropy, Route, SigningRequestSpec,
};
use motet_psbt::{Key, Keychain, Location, MapId, PathId, RawPsbt, Version};
use motet_wallet::keys::{Account, Seed};
use motet_wallet::{Completed, ProposeOptions, RegisteredGroup, Registry, complete, propose};
use motet_wire::{NetworkId, RequestId, RequestOptions};

const HOUR: Duration = Duration::from_secs(3600);
const LIMIT: Duration = Duration::from_secs(60);
/// The value of each spent output, in satoshi.
const COIN: u64 = 100_000;

/// The nodes of a group's members, each connected with all others. They sign every transaction of the group that they can verify.
pub(crate) struct Members {
    pub(crate) nodes: Vec<(Node, Events, PublicKey)>,
    addresses: Vec<Multiaddr>,
    /// The registry of each node.
    pub(crate) registries: Vec<Arc<RwLock<Registry>>>,
    pub(crate) group: RegisteredGroup,
}

fn account(number: u8) -> Account {
    Seed::from_bytes(&[number; 32]).unwrap().account(Network::Signet, 0).unwrap()
}

/// The node of one of so many members, without groups, and its configuration.
fn member(number: u8, count: u8) -> (NodeBuilder, Config) {
    let place = |number: u8| Keypair::from_seed([number; 32]);
    let route = |number| Route { peer: place(number).peer_id(), addresses: Vec::new() };
    let routes: BTreeMap<_, _> = (1..=count).map(|number| (account(number).public_key(), route(number))).collect();
    let net = NetConfig::local(NetworkId::new("spends").unwrap(), place(number));
    let signer = LocalSigner::new(account(number).into_secret_key(), OsEntropy);
    let node = Node::builder(net).store(MemoryStore::default()).policy(rules()).signer(signer);
    (node, Config::default().routes(routes).unlisted([account(number).public_key()].into()))
}

/// Starts a node and connects it with others.
async fn started(node: NodeBuilder, others: &[Multiaddr]) -> (Node, Events, Multiaddr) {
    let (node, mut events) = node.start().await.unwrap();
    let address = loop {
        if let Event::Listening { address } = events.next().await.unwrap().unwrap() {
            break parse_address(&format!("{address}/p2p/{}", node.peer_id())).unwrap();
        }
    };
    for other in others {
        node.connect(other.clone()).await.unwrap();
    }
    (node, events, address)
}

impl Members {
    /// A group of so many members. `descriptor` makes its descriptor from their key expressions.
    async fn new(count: u8, descriptor: impl Fn(&[String]) -> String) -> Self {
        Self::built(count, descriptor, |_, node, config, registry| node.config(config).groups(registry)).await
    }

    /// The same, of nodes that a test builds: each by its number, its configuration and its registry.
    pub(crate) async fn built(
        count: u8,
        descriptor: impl Fn(&[String]) -> String,
        build: impl Fn(usize, NodeBuilder, Config, Arc<RwLock<Registry>>) -> NodeBuilder,
    ) -> Self {
        let keys: Vec<_> = (1..=count).map(|number| account(number).key_expression().to_string()).collect();
        let mut group = RegisteredGroup::new("Treasury", Network::Signet, descriptor(&keys).parse().unwrap()).unwrap();
        let words = group.id().words().join(" ");
        group.confirm(&words).unwrap();
        let mut registry = Registry::new();
        registry.add(group.clone()).unwrap();
        let registries: Vec<_> = (0..count).map(|_| Arc::new(RwLock::new(registry.clone()))).collect();
        let mut nodes: Vec<(Node, Events, PublicKey)> = Vec::new();
        let mut addresses = Vec::new();
        for (place, (number, registry)) in (1..=count).zip(&registries).enumerate() {
            let (node, config) = member(number, count);
            let node = build(place, node, config, Arc::clone(registry));
            let (node, events, address) = started(node, &addresses).await;
            addresses.push(address);
            nodes.push((node, events, account(number).public_key()));
        }
        for (_, events, _) in &mut nodes {
            for _ in 1..count {
                while !matches!(events.next().await.unwrap().unwrap(), Event::PeerConnected { .. }) {}
            }
        }
        Self { nodes, addresses, registries, group }
    }

    /// Starts the last node again, as a test builds it.
    pub(crate) async fn restart_last(&mut self, build: impl FnOnce(NodeBuilder, Config) -> NodeBuilder) {
        let count = u8::try_from(self.nodes.len()).unwrap();
        let (node, _, key) = self.nodes.pop().unwrap();
        node.stop().await;
        self.addresses.pop();
        let (node, config) = member(count, count);
        let (node, events, address) = started(build(node, config), &self.addresses).await;
        self.addresses.push(address);
        self.nodes.push((node, events, key));
    }

    /// Spends so many coins of the group, at different addresses of it.
    pub(crate) fn spend(&self, own: u32, foreign: u32, sequence: Sequence) -> RawPsbt {
        let script =
            |branch, index| self.group.group().output(Location { keychain: Keychain(branch), index }).unwrap().script;
        let stranger = ScriptBuf::new_p2wpkh(&WPubkeyHash::all_zeros());
        let output = |value, script_pubkey| TxOut { value: Amount::from_sat(value), script_pubkey };
        let input = |number: u32| TxIn {
            previous_output: OutPoint { txid: Txid::from_byte_array([7; 32]), vout: number },
            script_sig: ScriptBuf::new(),
            sequence,
            witness: Witness::new(),
        };
        let prevouts =
            (0..own).map(|number| script(number % 2, number / 2)).chain((0..foreign).map(|_| stranger.clone()));
        let transaction = Transaction {
            version: bitcoin::transaction::Version::TWO,
            lock_time: bitcoin::absolute::LockTime::ZERO,
            input: (0..own + foreign).map(input).collect(),
            output: vec![output(COIN / 2, stranger.clone()), output(COIN / 4, script(1, 99))],
        };
        let mut psbt = RawPsbt::new(Version::V2, &transaction);
        for (number, script) in prevouts.enumerate() {
            psbt.set(MapId::Input(number), Key::new(0x01, &[]), consensus::serialize(&output(COIN, script))).unwrap();
        }
        psbt
    }

    /// Lets the first node ask the members of a spend path.
    pub(crate) async fn ask(&self, psbt: &RawPsbt, path: PathId) -> RequestId {
        let options = ProposeOptions { foreign_inputs: true, ..ProposeOptions::default() };
        let made = propose(psbt, &self.group, path, &options).unwrap();
        let (node, _, creator) = self.nodes.first().unwrap();
        let spec = SigningRequestSpec {
            creator: *creator,
            keys: made.keys,
            items: made.items,
            options: RequestOptions::default(),
            metadata: made.metadata,
            lifetime: HOUR,
        };
        let audience = Audience::Members(BTreeMap::new());
        node.announce_signing_request_to(spec, audience).await.unwrap().0
    }

    /// Waits for the signatures, and puts them into the PSBT.
    async fn completed(&mut self, psbt: &RawPsbt, path: PathId, request: RequestId) -> Completed {
        let (node, events, _) = self.nodes.first_mut().unwrap();
        loop {
            match events.next().await.unwrap().unwrap() {
                Event::SessionComplete(completed) if completed.request == request => break,
                Event::ParticipantDeclined { reason, .. } => panic!("{reason}"),
                Event::SessionAborted(aborted) if aborted.request == request => panic!("{aborted:?}"),
                _ => {}
            }
        }
        let signatures = node.final_signatures(request).await.unwrap().unwrap();
        complete(psbt, &self.group, path, 0, &signatures).unwrap()
    }

    /// Signs a PSBT of the group's own inputs, and checks every input of the transaction.
    async fn finish(&mut self, psbt: &RawPsbt, path: PathId) -> Transaction {
        let request = self.ask(psbt, path).await;
        let transaction = self.completed(psbt, path, request).await.transaction.unwrap();
        (0..transaction.input.len()).for_each(|input| assert_accepted(&transaction, psbt, input));
        transaction
    }

    pub(crate) async fn end(self) {
        for (node, ..) in self.nodes {
            node.stop().await;
        }
    }
}

/// Rules that sign whatever is proven to be a transaction of the treasury.
fn rules() -> RulePolicy {
    let when = [TransactionCondition::Group(["Treasury".to_owned()].into()), TransactionCondition::SighashDefault];
    let rule = Rule { name: "ours".to_owned(), when: when.map(Condition::Transaction).to_vec(), then: Verdict::Allow };
    let otherwise = Verdict::Deny { reason: "not ours".to_owned() };
    RulePolicy::new(Rules { rules: vec![rule], otherwise, ..Rules::default() }, DeclineAll).unwrap()
}

/// Fails unless Bitcoin's consensus code accepts an input.
fn assert_accepted(transaction: &Transaction, psbt: &RawPsbt, input: usize) {
    let prevouts = psbt.prevouts().unwrap();
    let utxo = |prevout: &TxOut| bitcoinconsensus::Utxo {
        script_pubkey: prevout.script_pubkey.as_bytes().as_ptr(),
        script_pubkey_len: prevout.script_pubkey.len() as u32,
        value: prevout.value.to_sat() as i64,
    };
    let spent: Vec<_> = prevouts.iter().map(utxo).collect();
    let bytes = consensus::serialize(transaction);
    let script = prevouts.get(input).unwrap().script_pubkey.as_bytes();
    bitcoinconsensus::verify(script, COIN, &bytes, Some(&spent), input).unwrap();
}

pub(crate) fn key_path(keys: &[String]) -> String {
    format!("tr(musig({})/<0;1>/*)", keys.join(","))
}

async fn sixty_four_inputs_and_one_of_others() {
    let mut members = Members::new(2, key_path).await;
    let psbt = members.spend(64, 0, Sequence::MAX);
    assert_eq!(members.finish(&psbt, PathId::Key).await.input.len(), 64);
    // The other owner signs elsewhere: here its wallet adds a witness that has the form alone.
    let psbt = members.spend(2, 1, Sequence::MAX);
    let request = members.ask(&psbt, PathId::Key).await;
    let Completed { psbt: mut signed, transaction } = members.completed(&psbt, PathId::Key, request).await;
    assert!(transaction.is_none());
    signed.set(MapId::Input(2), Key::new(0x08, &[]), vec![1, 1, 0]).unwrap();
    let transaction = signed.extract().unwrap();
    (0..2).for_each(|input| assert_accepted(&transaction, &psbt, input));
    members.end().await;
}

async fn fifteen_members() {
    let mut members = Members::new(15, key_path).await;
    let psbt = members.spend(2, 0, Sequence::MAX);
    members.finish(&psbt, PathId::Key).await;
    members.end().await;
}

async fn two_of_three_by_a_leaf() {
    let mut members = Members::new(3, |keys| {
        let [one, two, three] = keys else { panic!("three keys") };
        let leaf = |first: &str, second: &str| format!("pk(musig({first},{second})/<0;1>/*)");
        let (first, second, third) = (leaf(one, two), leaf(one, three), leaf(two, three));
        format!("tr(musig({one},{two},{three})/<0;1>/*,{{{first},{{{second},{third}}}}})")
    })
    .await;
    let psbt = members.spend(2, 0, Sequence::MAX);
    // The third is off: nobody can sign by the key path, and the first gives it up.
    members.nodes.pop().unwrap().0.stop().await;
    let request = members.ask(&psbt, PathId::Key).await;
    let (node, events, _) = members.nodes.first_mut().unwrap();
    node.abort_session(request, "the third is away".to_owned()).await.unwrap();
    loop {
        if let Event::SessionAborted(aborted) = events.next().await.unwrap().unwrap() {
            assert!(matches!(aborted.cause, AbortCause::Cancelled), "{:?}", aborted.cause);
            break;
        }
    }
    // The others spend the same coins by their leaf.
    let transaction = members.finish(&psbt, PathId::Leaf(0)).await;
    assert!(transaction.input.iter().all(|input| input.witness.len() == 3));
    members.end().await;
}

async fn keys_that_are_derived_first() {
    let mut members = Members::new(3, |keys| {
        let derived: Vec<_> = keys.iter().map(|key| format!("{key}/<0;1>/*")).collect();
        let [one, two, _] = derived.as_slice() else { panic!("three keys") };
        format!("tr(musig({}),pk(musig({two},{one})))", derived.join(","))
    })
    .await;
    let psbt = members.spend(5, 0, Sequence::MAX);
    members.finish(&psbt, PathId::Key).await;
    let transaction = members.finish(&psbt, PathId::Leaf(0)).await;
    assert!(transaction.input.iter().all(|input| input.witness.len() == 3));
    members.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn two_members_spend_sixty_four_coins_and_some_beside_those_of_others() {
    tokio::time::timeout(LIMIT, sixty_four_inputs_and_one_of_others()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn fifteen_of_fifteen_members_spend() {
    tokio::time::timeout(LIMIT, fifteen_members()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn two_of_three_spend_by_their_leaf_while_the_third_is_off() {
    tokio::time::timeout(LIMIT, two_of_three_by_a_leaf()).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn members_whose_keys_are_derived_before_they_are_aggregated_spend() {
    tokio::time::timeout(LIMIT, keys_that_are_derived_first()).await.unwrap();
}
