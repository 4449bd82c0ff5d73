//! Common parts of the tests of the roles: signers with keys, transactions that spend from a group, and consensus code.

use bitcoin::absolute::LockTime;
use bitcoin::bip32::{ChildNumber, Xpriv, Xpub};
use bitcoin::hashes::Hash as _;
use bitcoin::secp256k1::{All, Secp256k1};
use bitcoin::{Amount, NetworkKind, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness};
use motet_core_crypto::{PublicKey, SecretKey};
use motet_psbt::descriptor::{Descriptor, SingleKey};
use motet_psbt::{Group, Keychain, Location, MapId, PathId, RawPsbt, SecretKeys, SpendPlan, Version};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng as _;

pub(crate) const GAP: u32 = 5;

/// A signer with an account key `m/87h/1h/0h`.
pub(crate) struct Signer {
    account: Xpriv,
    secp: Secp256k1<All>,
    pub(crate) text: String,
}

impl Signer {
    pub(crate) fn new(number: u8) -> Self {
        let secp = Secp256k1::new();
        let root = Xpriv::new_master(NetworkKind::Test, &[number; 32]).unwrap();
        let path = [87, 1, 0].map(|step| ChildNumber::from_hardened_idx(step).unwrap());
        let account = root.derive_priv(&secp, &path).unwrap();
        let text = format!("[{}/87h/1h/0h]{}", root.fingerprint(&secp), Xpub::from_priv(&secp, &account));
        Self { account, secp, text }
    }

    /// The secret key of the account, without its chain code.
    pub(crate) fn secret(&self) -> SecretKey {
        SecretKey::from_bytes(&self.account.private_key.secret_bytes()).unwrap()
    }

    /// The public key of the account.
    pub(crate) fn account_key(&self) -> PublicKey {
        PublicKey::from_bytes(&Xpub::from_priv(&self.secp, &self.account).public_key.serialize()).unwrap()
    }
}

impl SecretKeys for Signer {
    fn secret_key(&self, key: &PublicKey, _: &SingleKey, path: &[ChildNumber]) -> Option<SecretKey> {
        let child = self.account.derive_priv(&self.secp, &path).ok()?;
        SecretKey::from_bytes(&child.private_key.secret_bytes()).ok().filter(|secret| secret.public_key() == *key)
    }
}

pub(crate) fn signers(count: u8) -> Vec<Signer> {
    (1..=count).map(Signer::new).collect()
}

/// A group of a descriptor in which `{0}`, `{1}`, .. are the keys of the signers.
pub(crate) fn group(text: &str, signers: &[Signer]) -> Group {
    let filled = (0..).zip(signers).fold(text.to_owned(), |text, (number, signer): (usize, _)| {
        text.replace(&format!("{{{number}}}"), &signer.text)
    });
    Group::new(Descriptor::parse(&filled).unwrap()).unwrap()
}

/// A PSBT that spends so many outputs of a group, and of others, to a stranger and to the group itself.
pub(crate) fn spend(group: &Group, own: u8, foreign: u8, sequence: Sequence, version: Version) -> RawPsbt {
    let location = |number: u8| Location {
        keychain: Keychain(u32::from(number) % group.branches()),
        index: u32::from(number) % GAP,
    };
    let own_script = |number| group.output(location(number)).unwrap().script;
    let stranger = ScriptBuf::new_p2wpkh(&bitcoin::WPubkeyHash::all_zeros());
    let prevouts: Vec<_> = (0..own)
        .map(own_script)
        .chain((0..foreign).map(|_| stranger.clone()))
        .map(|script_pubkey| TxOut { value: Amount::from_sat(100_000), script_pubkey })
        .collect();
    let change = Location { keychain: Keychain(group.branches() - 1), index: 0 };
    let output = |value, script_pubkey| TxOut { value: Amount::from_sat(value), script_pubkey };
    let transaction = Transaction {
        version: bitcoin::transaction::Version::TWO,
        lock_time: LockTime::from_consensus(800_000),
        input: (0..own + foreign)
            .map(|number| TxIn {
                previous_output: OutPoint { txid: Txid::from_byte_array([number + 1; 32]), vout: u32::from(number) },
                script_sig: ScriptBuf::new(),
                sequence,
                witness: Witness::new(),
            })
            .collect(),
        output: vec![output(60_000, stranger), output(30_000, group.output(change).unwrap().script)],
    };
    let mut psbt = RawPsbt::new(version, &transaction);
    for (input, prevout) in prevouts.iter().enumerate() {
        let value = bitcoin::consensus::serialize(prevout);
        psbt.add(MapId::Input(input), motet_psbt::Key::new(0x01, &[]), value).unwrap();
    }
    psbt
}

pub(crate) fn plan(psbt: &RawPsbt, group: &Group, path: PathId) -> SpendPlan {
    SpendPlan::new(psbt, group, path, GAP).unwrap()
}

pub(crate) fn rng(seed: u8) -> ChaCha20Rng {
    ChaCha20Rng::from_seed([seed; 32])
}

/// Both rounds between these signers, each with a file of its own that is parsed anew. The result has all partial signatures.
pub(crate) fn sign_all<K: SecretKeys>(start: &RawPsbt, group: &Group, path: PathId, signers: &[&K]) -> RawPsbt {
    let mut start = start.clone();
    plan(&start, group, path).update(&mut start, group).unwrap();
    let mut files = Vec::new();
    let mut pending = Vec::new();
    for (number, signer) in (0..).zip(signers) {
        let mut file = RawPsbt::parse(&start.to_bytes()).unwrap();
        let nonces = plan(&file, group, path).add_nonces(&mut file, group, *signer, &mut rng(number)).unwrap();
        pending.push(nonces);
        files.push(file);
    }
    let all = RawPsbt::combine(&files).unwrap();
    let signed = signers.iter().zip(pending).map(|(signer, nonces)| {
        let mut file = RawPsbt::parse(all.to_base64().as_bytes()).unwrap();
        plan(&file, group, path).sign(&mut file, group, *signer, nonces).unwrap();
        file
    });
    RawPsbt::combine(&signed.collect::<Vec<_>>()).unwrap()
}

/// True if Bitcoin's consensus code accepts an input.
pub(crate) fn accepts(transaction: &Transaction, prevouts: &[TxOut], input: usize) -> bool {
    let spent: Vec<_> = prevouts
        .iter()
        .map(|prevout| bitcoinconsensus::Utxo {
            script_pubkey: prevout.script_pubkey.as_bytes().as_ptr(),
            script_pubkey_len: prevout.script_pubkey.len() as u32,
            value: prevout.value.to_sat() as i64,
        })
        .collect();
    let bytes = bitcoin::consensus::serialize(transaction);
    let prevout = &prevouts[input];
    bitcoinconsensus::verify(prevout.script_pubkey.as_bytes(), prevout.value.to_sat(), &bytes, Some(&spent), input)
        .is_ok()
}
