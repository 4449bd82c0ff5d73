//! Transactions of groups over real sockets on loopback: each node checks a request before its policy is asked.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use bitcoin::hashes::Hash as _;
use bitcoin::{Amount, Network, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness, consensus};
use motet_core_crypto::PublicKey;
use motet_net::{Keypair, NetConfig, parse_address};
use motet_node::event::{AbortCause, Event};
use motet_node::policy::{Condition, DeclineAll, Policy, Rule, RulePolicy, Rules, TransactionCondition, Verdict};
use motet_node::{Audience, Decision, Events, LocalSigner, MemoryStore, Node, OsEntropy, Proposal, SigningRequestSpec};
use motet_psbt::{Key, Keychain, Location, MapId, PathId, RawPsbt, Version};
use motet_wallet::keys::{Account, Seed};
use motet_wallet::{ProposeOptions, RegisteredGroup, Registry, TransactionProposal, complete, propose};
use motet_wire::{Criteria, Derivation, Item, NetworkId, RequestId, RequestMetadata, RequestOptions, SignerMetadata};

const HOUR: Duration = Duration::from_secs(3600);

/// Nodes whose signers are the members of a group.
struct Scene {
    nodes: Vec<(Node, Events)>,
    group: RegisteredGroup,
}

impl Scene {
    /// So many nodes. `policy` makes the policy of each, and `knows` says which of them have the group in their registry.
    async fn new<P: Policy + 'static>(count: usize, policy: impl Fn() -> P, knows: impl Fn(usize) -> bool) -> Self {
        let seeds = (1..).take(count).map(|number| Seed::from_bytes(&[number; 32]).unwrap());
        let accounts: Vec<_> = seeds.map(|seed| seed.account(Network::Signet, 0).unwrap()).collect();
        let group = group(&accounts);
        let mut registry = Registry::new();
        registry.add(group.clone()).unwrap();
        let mut nodes: Vec<(Node, Events)> = Vec::new();
        let mut address: Option<String> = None;
        for (number, account) in accounts.into_iter().enumerate() {
            let signer = account.public_key();
            let net = NetConfig::local(NetworkId::new("transactions").unwrap(), Keypair::generate());
            let mut node = Node::builder(net).store(MemoryStore::default()).policy(policy());
            if knows(number) {
                node = node.groups(Arc::new(RwLock::new(registry.clone())));
            }
            let (node, mut events) =
                node.signer(LocalSigner::new(account.into_secret_key(), OsEntropy)).start().await.unwrap();
            node.subscribe_to_all_signers().unwrap().keep();
            let first = match &address {
                Some(first) => {
                    node.connect(parse_address(first).unwrap()).await.unwrap();
                    None
                }
                None => Some(loop {
                    if let Event::Listening { address } = events.next().await.unwrap().unwrap() {
                        break format!("{address}/p2p/{}", node.peer_id());
                    }
                }),
            };
            address = first.or(address);
            node.advertise_signer(signer, Criteria::ANY, SignerMetadata::default(), HOUR).await.unwrap();
            nodes.push((node, events));
        }
        let others = count - 1;
        for (_, events) in &mut nodes {
            let mut known = BTreeSet::new();
            while known.len() < others {
                if let Event::SignerDiscovered(discovery) = events.next().await.unwrap().unwrap() {
                    known.insert(discovery.advertisement.delegation.signer);
                }
            }
        }
        Self { nodes, group }
    }

    /// A PSBT with so many inputs, whose change is what is left of them.
    fn psbt_of(&self, inputs: u32, paid: u64) -> RawPsbt {
        let place = |branch, index| Location { keychain: Keychain(branch), index };
        let script = |place| self.group.group().output(place).unwrap().script;
        let stranger = ScriptBuf::new_p2wpkh(&bitcoin::WPubkeyHash::all_zeros());
        let output = |value, script_pubkey| TxOut { value: Amount::from_sat(value), script_pubkey };
        let input = |number: u32| TxIn {
            previous_output: OutPoint { txid: Txid::from_byte_array([1; 32]), vout: number },
            script_sig: ScriptBuf::new(),
            sequence: Sequence::MAX,
            witness: Witness::new(),
        };
        let change = u64::from(inputs) * 100_000 - 1000 - paid;
        let transaction = Transaction {
            version: bitcoin::transaction::Version::TWO,
            lock_time: bitcoin::absolute::LockTime::ZERO,
            input: (0..inputs).map(input).collect(),
            output: vec![output(paid, stranger), output(change, script(place(1, 0)))],
        };
        let mut psbt = RawPsbt::new(Version::V2, &transaction);
        for number in 0..inputs {
            let prevout = consensus::serialize(&output(100_000, script(place(0, number))));
            psbt.set(MapId::Input(number as usize), Key::new(0x01, &[]), prevout).unwrap();
        }
        psbt
    }

    fn psbt(&self, paid: u64) -> RawPsbt {
        self.psbt_of(1, paid)
    }

    fn proposal(&self, paid: u64) -> TransactionProposal {
        propose(&self.psbt(paid), &self.group, PathId::Key, &ProposeOptions::default()).unwrap()
    }

    /// Lets the first node ask for this.
    async fn ask(&self, items: Vec<Item>, metadata: RequestMetadata) -> RequestId {
        let keys = self.proposal(1000).keys;
        let creator = self.group.member_keys().first().copied().flatten().unwrap();
        let spec =
            SigningRequestSpec { creator, keys, items, options: RequestOptions::default(), metadata, lifetime: HOUR };
        self.nodes.first().unwrap().0.announce_signing_request(spec).await.unwrap().0
    }

    /// The reason with which a signer declines a request of the first node, or none if its session is complete.
    async fn declined(&mut self, request: RequestId) -> Option<String> {
        loop {
            match self.nodes.first_mut().unwrap().1.next().await.unwrap().unwrap() {
                Event::ParticipantDeclined { participation, reason } if participation.request == request => {
                    break Some(reason);
                }
                Event::SessionComplete(completed) if completed.request == request => break None,
                _ => {}
            }
        }
    }

    async fn end(self) {
        for (node, _) in self.nodes {
            node.stop().await;
        }
    }
}

/// A confirmed group of these members.
fn group(accounts: &[Account]) -> RegisteredGroup {
    let keys: Vec<_> = accounts.iter().map(|account| account.key_expression().to_string()).collect();
    let descriptor = format!("tr(musig({})/<0;1>/*)", keys.join(","));
    let mut group = RegisteredGroup::new("Treasury", Network::Signet, descriptor.parse().unwrap()).unwrap();
    let words = group.id().words().join(" ");
    group.confirm(&words).unwrap();
    group
}

/// Rules that sign payments of the treasury up to 60000 satoshi, and nothing else.
fn rules() -> RulePolicy {
    let when = [
        TransactionCondition::Group(["Treasury".to_owned()].into()),
        TransactionCondition::Outflow(0..=60_000),
        TransactionCondition::SighashDefault,
    ];
    let small =
        Rule { name: "small".to_owned(), when: when.map(Condition::Transaction).to_vec(), then: Verdict::Allow };
    let otherwise = Verdict::Deny { reason: "too much".to_owned() };
    RulePolicy::new(Rules { rules: vec![small], otherwise, ..Rules::default() }, DeclineAll).unwrap()
}

/// A policy that must not be asked.
#[derive(Debug)]
struct NeverAsked;

#[async_trait]
impl Policy for NeverAsked {
    async fn decide(&self, _: Proposal) -> Decision {
        Decision::Decline { reason: "the policy was asked".to_owned() }
    }

    fn over(&self, _: &RequestId, _: &PublicKey, _: Option<&AbortCause>) {}
}

#[tokio::test]
async fn three_nodes_spend_a_coin_by_rules_on_verified_facts() {
    let mut scene = Scene::new(3, rules, |_| true).await;
    let made = scene.proposal(50_000);
    let request = scene.ask(made.items, made.metadata).await;
    assert_eq!(scene.declined(request).await, None);
    let signatures = scene.nodes[0].0.final_signatures(request).await.unwrap().unwrap();
    let psbt = scene.psbt(50_000);
    let completed = complete(&psbt, &scene.group, PathId::Key, 0, &signatures).unwrap();
    let bytes = consensus::serialize(&completed.transaction.unwrap());
    let prevout = psbt.prevout(0).unwrap();
    let script = prevout.script_pubkey.as_bytes();
    let spent = [bitcoinconsensus::Utxo {
        script_pubkey: script.as_ptr(),
        script_pubkey_len: script.len() as u32,
        value: 100_000,
    }];
    bitcoinconsensus::verify(script, 100_000, &bytes, Some(&spent), 0).unwrap();
    // The same rules decline a greater payment, whatever amount the requester states.
    let made = scene.proposal(60_000);
    let request = scene.ask(made.items, made.metadata).await;
    assert_eq!(scene.declined(request).await.as_deref(), Some("too much"));
    scene.end().await;
}

#[tokio::test]
async fn a_request_that_lies_is_declined_with_its_code_before_anybody_is_asked() {
    // A node without groups does not check what its own program asks for.
    let mut scene = Scene::new(2, || NeverAsked, |number| number == 1).await;
    let shown = scene.proposal(1000);
    let meant = scene.proposal(99_000);
    let request = scene.ask(meant.items.clone(), shown.metadata.clone()).await;
    assert_eq!(scene.declined(request).await.as_deref(), Some("E_SIGHASH"));
    let metadata = RequestMetadata { amount: Some(1), ..shown.metadata };
    let request = scene.ask(shown.items, metadata).await;
    assert_eq!(scene.declined(request).await.as_deref(), Some("E_AMOUNT"));
    // The hash alone, as a plain message, or under another name.
    let request = scene.ask(meant.items.clone(), RequestMetadata::default()).await;
    assert_eq!(scene.declined(request).await.as_deref(), Some("E_TYPE"));
    let plain = vec![Item { message: meant.items[0].message.clone(), derivation: Derivation::None }];
    let metadata = RequestMetadata { transaction_type: "payment".to_owned(), ..RequestMetadata::default() };
    let request = scene.ask(plain, metadata).await;
    assert_eq!(scene.declined(request).await.as_deref(), Some("E_TYPE"));
    scene.end().await;
}

#[tokio::test]
async fn a_join_that_comes_during_the_check_of_many_inputs_comes_after_the_refusal_of_a_lie() {
    let mut scene = Scene::new(2, || NeverAsked, |number| number == 1).await;
    let made = |paid| propose(&scene.psbt_of(40, paid), &scene.group, PathId::Key, &ProposeOptions::default()).unwrap();
    let (shown, meant) = (made(1000), made(3_000_000));
    let request = scene.ask(meant.items, shown.metadata).await;
    let (node, mut events) = scene.nodes.pop().unwrap();
    let signer = scene.group.member_keys().last().copied().flatten().unwrap();
    while !matches!(events.next().await.unwrap().unwrap(), Event::SigningRequestReceived(_)) {}
    // The program does not wait to be asked.
    let joined = node.join_signing_request(request, signer).await;
    assert!(joined.is_err(), "{joined:?}");
    assert_eq!(scene.declined(request).await.as_deref(), Some("E_SIGHASH"));
    node.stop().await;
    scene.end().await;
}

#[tokio::test]
async fn a_node_with_the_group_sends_no_request_that_the_others_would_decline() {
    let scene = Scene::new(2, || NeverAsked, |number| number == 0).await;
    let (shown, meant) = (scene.proposal(1000), scene.proposal(99_000));
    let creator = scene.group.member_keys().first().copied().flatten().unwrap();
    let refused = async |items: &[Item], metadata: &RequestMetadata| {
        let spec = SigningRequestSpec {
            creator,
            keys: shown.keys.clone(),
            items: items.to_vec(),
            options: RequestOptions::default(),
            metadata: metadata.clone(),
            lifetime: HOUR,
        };
        let node = &scene.nodes.first().unwrap().0;
        let public = node.announce_signing_request(spec.clone()).await.unwrap_err();
        let private = node.announce_signing_request_to(spec, Audience::Members(BTreeMap::new())).await.unwrap_err();
        assert_eq!(public, private);
        public.code()
    };
    assert_eq!(refused(&meant.items, &shown.metadata).await, "E_SIGHASH");
    let metadata = RequestMetadata { amount: Some(1), ..shown.metadata.clone() };
    assert_eq!(refused(&shown.items, &metadata).await, "E_AMOUNT");
    assert_eq!(refused(&meant.items, &RequestMetadata::default()).await, "E_TYPE");
    let plain = [Item { message: meant.items.first().unwrap().message.clone(), derivation: Derivation::None }];
    assert_eq!(refused(&plain, &RequestMetadata::default()).await, "E_TYPE");
    scene.end().await;
}

#[tokio::test]
async fn a_node_without_the_group_signs_no_transaction() {
    let mut scene = Scene::new(2, || NeverAsked, |number| number == 0).await;
    let made = scene.proposal(1000);
    let request = scene.ask(made.items, made.metadata).await;
    assert_eq!(scene.declined(request).await.as_deref(), Some("E_GROUP_UNKNOWN"));
    scene.end().await;
}
