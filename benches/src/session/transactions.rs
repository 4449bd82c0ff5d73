//! The check of a Bitcoin transaction beside the sessions that sign it, and beside the arithmetic of their signatures.
//!
//! Each signer of a group computes a request again from its transaction before anybody is asked. Here this check, the sessions of
//! engines in memory, and the arithmetic of one signer run by turns on one core, for the same transaction with many inputs and for
//! one with a single input.

#![expect(clippy::expect_used, reason = "a transaction that cannot be set up cannot be measured")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use bitcoin::bip32::{ChainCode, ChildNumber, Fingerprint, Xpub};
use bitcoin::hashes::Hash as _;
use bitcoin::{
    Amount, Network, NetworkKind, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, WPubkeyHash, Witness,
    consensus,
};
use motet_core_crypto::{
    AggregateNonce, KeyAggContext, NonceInputs, PartialSignature, PublicKey, PublicNonce, SecretKey, SecretNonce,
    SigningSession, generate_nonce,
};
use motet_psbt::{Key, Keychain, Location, MapId, PathId, RawPsbt, SpendPlan, TransactionView, Version};
use motet_wallet::{ProposeOptions, RegisteredGroup, Registry, TransactionProposal, check_terms, propose};
use motet_wire::Item;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::engines::{Engines, Split};
use super::secret;

/// The amount of each input, in satoshi.
const COIN: u64 = 100_000;
/// The addresses of each branch that are searched when a PSBT is inspected: as many as the program searches by itself.
const ADDRESSES: u32 = 100;

/// Times of one transaction. Those of sessions are of one signer: all of a session, divided by their number.
#[derive(Debug, Clone, Copy, Default)]
pub struct Times {
    /// Reading a PSBT of any wallet, finding the group's own scripts in it, and showing what it does.
    pub inspect: Duration,
    /// The first check against a registry, which finds the first addresses of the group.
    pub first_check: Duration,
    /// The check of the transaction with all inputs.
    pub check: Duration,
    /// The check of a transaction whose inputs are at addresses that no signer computes ahead.
    pub check_far: Duration,
    /// The check of a transaction with one input.
    pub check_one: Duration,
    /// One session for all inputs, without its check.
    pub session: Duration,
    /// The parts of that session that every implementation has to compute, messages included.
    pub session_arithmetic: Duration,
    /// As many sessions as there are inputs, with one each, without their checks.
    pub singles: Duration,
    /// The MuSig2 arithmetic of one signer for all inputs: keys, nonces, partial signatures, their verification and sum.
    pub bare: Duration,
}

/// A group of signers, and the requests for two transactions of it.
#[derive(Debug)]
pub struct Transactions {
    engines: Engines,
    group: RegisteredGroup,
    registry: Registry,
    psbt: Vec<u8>,
    all: TransactionProposal,
    far: TransactionProposal,
    one: TransactionProposal,
    rng: ChaCha20Rng,
}

impl Transactions {
    /// A group of so many signers, and a transaction of so many inputs, each at an address of its own.
    pub fn new(signers: usize, inputs: u32) -> Self {
        let engines = Engines::new(signers);
        let group = group(&engines.keys());
        let mut registry = Registry::new();
        registry.add(group.clone()).expect("the first group");
        let psbt = psbt(&group, 0, inputs);
        let proposed = |psbt: &RawPsbt, lookahead| {
            let options = ProposeOptions { lookahead, ..ProposeOptions::default() };
            propose(psbt, &group, PathId::Key, &options).expect("an honest transaction")
        };
        let (all, one) = (proposed(&psbt, ADDRESSES), proposed(&self::psbt(&group, 0, 1), ADDRESSES));
        let far = proposed(&self::psbt(&group, ADDRESSES, inputs), ADDRESSES + inputs);
        let rng = ChaCha20Rng::from_seed([5; 32]);
        Self { engines, registry, psbt: psbt.to_bytes(), all, far, one, group, rng }
    }

    /// Does everything once.
    pub fn measure(&mut self) -> Times {
        let mut unused = Registry::new();
        unused.add(group(&self.engines.keys())).expect("the first group");
        let signers = u32::try_from(self.engines.keys().len()).unwrap_or(u32::MAX);
        let session = sign(&mut self.engines, &self.all);
        Times {
            inspect: timed(|| inspect(&self.psbt, &self.group)),
            first_check: timed(|| check(&self.all, &unused)),
            check: timed(|| check(&self.all, &self.registry)),
            check_far: timed(|| check(&self.far, &self.registry)),
            check_one: timed(|| check(&self.one, &self.registry)),
            session: session.total / signers,
            session_arithmetic: session.arithmetic() / signers,
            singles: self.all.items.iter().map(|_| sign(&mut self.engines, &self.one).total).sum::<Duration>()
                / signers,
            bare: bare(signers as usize, &self.all.items, &mut self.rng),
        }
    }
}

fn timed(work: impl FnOnce()) -> Duration {
    let begin = Instant::now();
    work();
    begin.elapsed()
}

fn inspect(bytes: &[u8], group: &RegisteredGroup) {
    let psbt = RawPsbt::parse(bytes).expect("a PSBT");
    let plan = SpendPlan::new(&psbt, group.group(), PathId::Key, ADDRESSES).expect("own inputs");
    black_box(TransactionView::new(&plan, &psbt, group.group()));
}

fn check(made: &TransactionProposal, registry: &Registry) {
    black_box(check_terms(&made.keys, &made.items, &made.metadata, registry).expect("an honest request"));
}

fn sign(engines: &mut Engines, made: &TransactionProposal) -> Split {
    engines.sign_items(made.keys.clone(), made.items.clone(), made.metadata.clone())
}

/// A confirmed group of these members: one aggregate, whose children are the keys of its addresses (BIP-328).
fn group(keys: &[PublicKey]) -> RegisteredGroup {
    let expression = |key: &PublicKey| {
        let xpub = Xpub {
            network: NetworkKind::Test,
            depth: 0,
            parent_fingerprint: Fingerprint::default(),
            child_number: ChildNumber::from(0),
            public_key: bitcoin::secp256k1::PublicKey::from_slice(&key.to_bytes()).expect("a key is a point"),
            // The children are those of the aggregate, which has a chain code of its own.
            chain_code: ChainCode::from([7; 32]),
        };
        xpub.to_string()
    };
    let members: Vec<String> = keys.iter().map(expression).collect();
    let descriptor = format!("tr(musig({})/<0;1>/*)", members.join(","));
    let mut group = RegisteredGroup::new("bench", Network::Signet, descriptor.parse().expect("a descriptor"))
        .expect("a group of this network");
    let words = group.id().words().join(" ");
    group.confirm(&words).expect("its own words");
    group
}

/// A PSBT that spends coins of addresses from an index on, with a payment and change.
fn psbt(group: &RegisteredGroup, from: u32, inputs: u32) -> RawPsbt {
    let script = |branch, index| {
        let location = Location { keychain: Keychain(branch), index };
        group.group().output(location).expect("both branches have every index").script
    };
    let txout = |value, script_pubkey| TxOut { value: Amount::from_sat(value), script_pubkey };
    let input = |number: u32| TxIn {
        previous_output: OutPoint { txid: Txid::from_byte_array([7; 32]), vout: number },
        script_sig: ScriptBuf::new(),
        sequence: Sequence::MAX,
        witness: Witness::new(),
    };
    let stranger = ScriptBuf::new_p2wpkh(&WPubkeyHash::all_zeros());
    let transaction = Transaction {
        version: bitcoin::transaction::Version::TWO,
        lock_time: bitcoin::absolute::LockTime::ZERO,
        input: (0..inputs).map(input).collect(),
        output: vec![txout(50_000, stranger), txout(u64::from(inputs) * COIN - 60_000, script(1, 0))],
    };
    let mut psbt = RawPsbt::new(Version::V2, &transaction);
    for number in 0..inputs {
        let prevout = consensus::serialize(&txout(COIN, script(0, from + number)));
        psbt.set(MapId::Input(number as usize), Key::new(0x01, &[]), prevout).expect("a map of the file");
    }
    psbt
}

/// The arithmetic of the first of these signers. What the others contribute is made in between, and not counted.
fn bare(signers: usize, items: &[Item], rng: &mut ChaCha20Rng) -> Duration {
    let mut secrets: Vec<SecretKey> = (0..signers).map(|number| secret("signer", number)).collect();
    secrets.sort_by_key(SecretKey::public_key);
    let keys: Vec<PublicKey> = secrets.iter().map(SecretKey::public_key).collect();
    items.iter().map(|item| bare_item(&secrets, &keys, item, rng)).sum()
}

fn bare_item(secrets: &[SecretKey], keys: &[PublicKey], item: &Item, rng: &mut ChaCha20Rng) -> Duration {
    let (own, others) = secrets.split_first().expect("a signer");
    let begin = Instant::now();
    let context = item.key_context(keys).expect("a key");
    let (own_secret, own_nonce) = nonce(own, &context, item, rng);
    let mut took = begin.elapsed();
    let made: Vec<(SecretNonce, PublicNonce)> = others.iter().map(|key| nonce(key, &context, item, rng)).collect();
    let (other_secrets, other_nonces): (Vec<_>, Vec<_>) = made.into_iter().unzip();
    let sent: Vec<[u8; 66]> = other_nonces.iter().map(PublicNonce::to_bytes).collect();
    let begin = Instant::now();
    let mut nonces = PublicNonce::from_bytes_all(&sent).expect("nonces");
    nonces.insert(0, own_nonce);
    let session = SigningSession::new(&context, &AggregateNonce::sum(&nonces), &item.message);
    let own_partial = session.sign(own_secret, own).expect("a partial signature");
    took += begin.elapsed();
    let other_partials = other_secrets.into_iter().zip(others).map(|(nonce, key)| session.sign(nonce, key));
    let sent: Vec<[u8; 32]> = other_partials.map(|partial| partial.expect("a partial signature").to_bytes()).collect();
    let begin = Instant::now();
    let parsed = sent.iter().map(|bytes| PartialSignature::from_bytes(bytes).expect("a partial signature"));
    let partials: Vec<PartialSignature> = core::iter::once(own_partial).chain(parsed).collect();
    let verified = session.verify_other_partials(0, &nonces, &partials, rng).expect("valid partial signatures");
    black_box(session.aggregate_verified(&verified).expect("a signature"));
    took + begin.elapsed()
}

fn nonce(key: &SecretKey, context: &KeyAggContext, item: &Item, rng: &mut ChaCha20Rng) -> (SecretNonce, PublicNonce) {
    let inputs = NonceInputs {
        public_key: &key.public_key(),
        secret_key: Some(key),
        aggregate_key: Some(&context.aggregate_key()),
        message: Some(&item.message),
        extra: None,
    };
    generate_nonce(rng, &inputs).expect("a nonce")
}
