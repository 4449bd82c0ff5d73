//! `motet demo --bitcoin`: strangers make a group, and spend a coin of it together.
//!
//! Everything is real but the coin: it is made up, on a test chain, and nothing is broadcast.

use std::sync::Arc;

use async_trait::async_trait;
use bitcoin::absolute::LockTime;
use bitcoin::consensus::encode::serialize_hex;
use bitcoin::hashes::Hash as _;
use bitcoin::{
    Amount, CompressedPublicKey, Network, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness,
    consensus,
};
use motet_core_crypto::{SecretKey, Signature};
use motet_node::policy::Policy;
use motet_node::{Clock, Decision, OsEntropy, Proposal, SigningRequestSpec};
use motet_node::{RegisteredGroup, Registry, VerifiedTransaction};
use motet_psbt::{Group, Key, Keychain, Location, MapId, PathId, RawPsbt, SpendPlan, Version};
use motet_wallet::keys::{Account, Seed, words_of};
use motet_wallet::{ProposeOptions, TRANSACTION_TYPE, TransactionProposal, complete, propose};
use motet_wire::RequestOptions;
use rand_core::TryRng as _;
use serde_json::json;
use tokio::sync::{mpsc, oneshot};
use zeroize::Zeroizing;

use super::stage::{self, LIFETIME, Player, Stage};
use crate::commands::group;
use crate::exit::{Exit, Failed};
use crate::known_group::KnownGroup;
use crate::output::{Format, Output};
use crate::sheet::Sheet;

/// A chain for tests, whose addresses no wallet takes for real ones.
const CHAIN: Network = Network::Regtest;
/// Satoshi of the coin, of the payment, and of the change. The rest is the fee.
const COIN: u64 = 100_000;
const PAYMENT: u64 = 60_000;
const CHANGE: u64 = 39_500;

pub(super) async fn demonstrate(count: usize, clock: Clock, output: &mut Output) -> Result<Exit, Failed> {
    let names: Vec<String> = (0..count).map(stage::name).collect();
    let people = names.join(", ");
    output.say(&format!("\n{people}: each makes the words of a wallet, and gives the others its public key."));
    let accounts = names.iter().map(|_| account()).collect::<Result<Vec<_>, _>>()?;
    let groups = register(&names, &accounts)?;
    let group = groups.first().ok_or_else(|| Failed::here("no signers"))?.clone();
    output.say("Each registers the group of all of them, and compares the words with those that the others see:\n");
    group::tell(&group, &Registry::new(), output)?;

    let (coin, psbt) = payment(&group)?;
    output.say(&format!(
        "\nSomebody pays {COIN} sat to this address. This coin is made up: it is on no chain, and nothing is broadcast."
    ));
    output.say("A wallet writes a PSBT that pays a part of it to a stranger, and the change back to the group.\n");
    let options = ProposeOptions { description: "a demonstration".to_owned(), ..ProposeOptions::default() };
    let proposed = propose(&psbt, &group, PathId::Key, &options).map_err(Failed::here)?;

    let (asks, mut questions) = mpsc::channel(count);
    let mut players = Vec::new();
    for ((name, account), group) in names.into_iter().zip(accounts).zip(groups) {
        let mut groups = Registry::new();
        groups.add(group).map_err(Failed::here)?;
        let policy = Arc::new(ShowsFirst { asks: asks.clone() });
        players.push(Player { name, key: account.into_secret_key(), policy, groups });
    }
    drop(asks);
    let mut stage = Stage::open(players, TRANSACTION_TYPE, clock, output).await?;
    let mut found = stage.find(output).await?;
    found.sort();
    if found != proposed.keys {
        return Err(Failed::here("other signers were found than the members of the group"));
    }
    let creator = stage.creator()?;
    let announcement = SigningRequestSpec {
        creator: creator.signer,
        keys: proposed.keys.clone(),
        items: proposed.items.clone(),
        options: RequestOptions::default(),
        metadata: proposed.metadata.clone(),
        lifetime: LIFETIME,
    };
    creator.handle.announce_signing_request(announcement).await.map_err(Failed::here)?;
    approve(&mut stage, &mut questions, count.saturating_sub(1), &proposed, &group, output).await?;
    let results = stage.collect(output).await?;
    if !results.are_identical() {
        return Err(Failed::new(Exit::Invalid, "the signatures differ between nodes"));
    }
    let items = results.of_nodes.first().map(|(_, result)| result.items.as_slice()).unwrap_or_default();
    let signatures: Vec<Signature> = items.iter().map(|item| item.signature).collect();
    let completed = complete(&psbt, &group, PathId::Key, 0, &signatures);
    let completed = completed.map_err(|error| Failed::new(Exit::Invalid, error))?;
    let transaction = completed.transaction.ok_or_else(|| Failed::new(Exit::Invalid, "an input is not signed"))?;
    report(&coin, &transaction, count, results.took, output)
}

/// The account key of one member, from the words of a new wallet.
fn account() -> Result<Account, Failed> {
    let mut entropy = Zeroizing::new([0; 16]);
    OsEntropy.try_fill_bytes(entropy.as_mut_slice()).map_err(Failed::here)?;
    let words = words_of(entropy.as_slice()).map_err(Failed::here)?;
    let seed = Seed::from_words(&words, "").map_err(Failed::here)?;
    seed.account(CHAIN, 0).map_err(Failed::here)
}

/// The group, as each member has registered it. The first makes it, the others import its file, and each confirms it by the words that
/// another member sees.
fn register(names: &[String], accounts: &[Account]) -> Result<Vec<RegisteredGroup>, Failed> {
    let keys: Vec<_> = accounts.iter().map(|account| account.key_expression().clone()).collect();
    let group = Group::threshold(keys.len(), &keys).map_err(Failed::here)?;
    let mut made = RegisteredGroup::new("Treasury", CHAIN, group.descriptor().clone()).map_err(Failed::here)?;
    for (name, key) in names.iter().zip(&keys) {
        let number = made.group().participants().iter().position(|member| member.key == key.key);
        made.name_member(number.unwrap_or(usize::MAX), name).map_err(Failed::here)?;
    }
    let shared = made.to_shared_text();
    let mut groups = vec![made];
    for _ in names.iter().skip(1) {
        groups.push(RegisteredGroup::import(&shared).map_err(Failed::here)?);
    }
    let read_out: Vec<String> = groups.iter().map(|group| group.id().words().join(" ")).collect();
    // Each hears the words from the member behind it.
    for (group, words) in groups.iter_mut().zip(read_out.iter().cycle().skip(1)) {
        group.confirm(words).map_err(Failed::here)?;
    }
    Ok(groups)
}

/// A coin at the first address of a group.
struct Coin {
    outpoint: OutPoint,
    output: TxOut,
}

/// A made-up coin, and a PSBT that spends it: to a stranger, and back to the group.
fn payment(group: &RegisteredGroup) -> Result<(Coin, RawPsbt), Failed> {
    let script = |keychain| {
        let found = group.group().output(Location { keychain, index: 0 });
        found.map(|output| output.script).map_err(Failed::here)
    };
    let output = |value, script_pubkey| TxOut { value: Amount::from_sat(value), script_pubkey };
    let input = |previous_output| TxIn {
        previous_output,
        script_sig: ScriptBuf::new(),
        sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
        witness: Witness::new(),
    };
    let transaction = |input, output| Transaction {
        version: bitcoin::transaction::Version::TWO,
        lock_time: LockTime::ZERO,
        input: vec![input],
        output,
    };
    // A transaction that spends what has never been.
    let never = OutPoint { txid: Txid::hash(b"motet demo --bitcoin"), vout: 0 };
    let funding = transaction(input(never), vec![output(COIN, script(Keychain::RECEIVE)?)]);
    let coin = Coin {
        outpoint: OutPoint { txid: funding.compute_txid(), vout: 0 },
        output: output(COIN, script(Keychain::RECEIVE)?),
    };
    let stranger = SecretKey::generate(&mut OsEntropy).map_err(Failed::here)?.public_key();
    let stranger = CompressedPublicKey::from_slice(&stranger.to_bytes()).map_err(Failed::here)?;
    let stranger = ScriptBuf::new_p2wpkh(&stranger.wpubkey_hash());
    let outputs = vec![output(PAYMENT, stranger), output(CHANGE, script(Keychain::CHANGE)?)];
    let mut psbt = RawPsbt::new(Version::V2, &transaction(input(coin.outpoint), outputs));
    // PSBT_IN_WITNESS_UTXO (BIP-174): the output that is spent.
    psbt.set(MapId::Input(0), Key::new(0x01, &[]), consensus::serialize(&coin.output)).map_err(Failed::here)?;
    Ok((coin, psbt))
}

/// A member's question before it signs: the transaction as its own node has verified it.
struct Question {
    transaction: VerifiedTransaction,
    yes: oneshot::Sender<()>,
}

/// A policy that signs nothing but verified transactions, each after a yes.
#[derive(Debug)]
struct ShowsFirst {
    asks: mpsc::Sender<Question>,
}

#[async_trait]
impl Policy for ShowsFirst {
    async fn decide(&self, _: Proposal) -> Decision {
        Decision::Decline { reason: "this is no transaction that the node has verified".to_owned() }
    }

    async fn decide_verified(&self, _: Proposal, transaction: VerifiedTransaction) -> Decision {
        let (yes, answer) = oneshot::channel();
        let asked = self.asks.send(Question { transaction, yes }).await.is_ok();
        if asked && answer.await.is_ok() {
            Decision::Approve
        } else {
            Decision::Decline { reason: "nobody has said yes".to_owned() }
        }
    }
}

/// Shows the transaction once, as the first node that asks has verified it. The others get a yes if their nodes have verified the same.
async fn approve(
    stage: &mut Stage,
    questions: &mut mpsc::Receiver<Question>,
    count: usize,
    proposed: &TransactionProposal,
    group: &RegisteredGroup,
    output: &mut Output,
) -> Result<(), Failed> {
    let digest = proposed.verified.digest();
    let mut open = Vec::new();
    while open.len() < count {
        let question = tokio::select! {
            // What was told before a question is shown before it.
            biased;
            heard = stage.hear(output) => {
                heard?;
                continue;
            }
            question = questions.recv() => question,
        };
        let question = question.ok_or_else(|| Failed::here("the nodes stopped before they had asked"))?;
        if question.transaction.digest() != digest {
            return Err(Failed::new(Exit::Invalid, "a node has verified another transaction than was proposed"));
        }
        if open.is_empty() {
            show(&question.transaction, proposed, group, output)?;
        }
        open.push(question.yes);
    }
    output.say(&format!(
        "\nThe nodes of all {} members have verified the same transaction. All of them approve.\n",
        count.saturating_add(1)
    ));
    for yes in open {
        // The session may have ended, and says so by an event.
        let _ = yes.send(());
    }
    Ok(())
}

/// Shows the approval screen: lines for people, or the same facts of the request as an object.
fn show(
    verified: &VerifiedTransaction,
    proposed: &TransactionProposal,
    group: &RegisteredGroup,
    output: &Output,
) -> Result<(), Failed> {
    if output.format == Format::Text {
        output.say("\nA node verifies the request against its own group, and shows its user:\n");
        for line in verified.screen().lines() {
            output.say(&format!("  {line}"));
        }
        output.say("");
        return Ok(());
    }
    let psbt = RawPsbt::parse(&proposed.metadata.transaction).map_err(Failed::here)?;
    let plan = SpendPlan::new(&psbt, group.group(), PathId::Key, 1).map_err(Failed::here)?;
    let known = KnownGroup::of_registered(group);
    output.result("", &Sheet::of_plan(&plan, &psbt, &known).object())
}

/// Shows the transaction, and the coin that it spends, so that anybody can verify it.
fn report(coin: &Coin, transaction: &Transaction, count: usize, took: u64, output: &Output) -> Result<Exit, Failed> {
    let Coin { outpoint, output: spent } = coin;
    let (value, script) = (spent.value.to_sat(), spent.script_pubkey.to_hex_string());
    let (txid, hex) = (transaction.compute_txid().to_string(), serialize_hex(transaction));
    let lines = [
        format!("\n  coin         {outpoint} (made up)"),
        format!("  its amount   {value} sat"),
        format!("  its script   {script}"),
        format!("  txid         {txid}"),
        format!("  transaction  {hex}"),
        format!("  verdict      signed by {count} of {count}, {took} ms from announcement to signature; not broadcast"),
    ];
    let object = json!({
        "event": "result",
        "announce_to_signature_ms": took,
        "coin": {"outpoint": outpoint.to_string(), "value": value, "script": script},
        "txid": txid,
        "transaction": hex,
    });
    output.result(&lines.join("\n"), &object)?;
    Ok(Exit::Success)
}
