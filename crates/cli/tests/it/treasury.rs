//! A treasury of the tests: members with key files in the scene's folder, their group, and a PSBT that spends its coins.

use bitcoin::absolute::LockTime;
use bitcoin::bip32::{ChainCode, ChildNumber, Fingerprint, Xpub};
use bitcoin::hashes::Hash as _;
use bitcoin::{Amount, NetworkKind, OutPoint, ScriptBuf, Sequence, Transaction, TxIn, TxOut, Txid, Witness};
use motet_core_crypto::SecretKey;
use motet_psbt::descriptor::{Descriptor, SingleKey};
use motet_psbt::{Group, Key, Keychain, Location, MapId, PathId, RawPsbt, SpendPlan, Version};

use crate::process::Scene;

/// Addresses of each branch that the tests search.
pub(crate) const GAP: u32 = 5;

/// The members, their group, and the folder in which `group.txt` has its descriptor.
pub(crate) struct Treasury {
    pub(crate) scene: Scene,
    pub(crate) group: Group,
}

/// The key in a key file.
pub(crate) fn secret(scene: &Scene, name: &str) -> SecretKey {
    let digits = std::fs::read_to_string(scene.path(&format!("{name}.key"))).unwrap();
    let bytes: [u8; 32] = hex::decode(digits.trim()).unwrap().try_into().unwrap();
    SecretKey::from_bytes(&bytes).unwrap()
}

/// The key expression of a member.
fn expression(key: &SecretKey) -> String {
    let public_key = bitcoin::secp256k1::PublicKey::from_slice(&key.public_key().to_bytes()).unwrap();
    let xpub = Xpub {
        network: NetworkKind::Test,
        depth: 0,
        parent_fingerprint: Fingerprint::default(),
        child_number: ChildNumber::from_normal_idx(0).unwrap(),
        public_key,
        chain_code: ChainCode::from([7; 32]),
    };
    xpub.to_string()
}

impl Treasury {
    /// Makes the members' keys, and the group that this template describes, in which `{alice}` stands for alice's key.
    pub(crate) fn new(members: &[&str], template: &str) -> Self {
        let scene = Scene::new();
        let mut text = template.to_owned();
        for member in members {
            scene.run(&["key", "new", "--key-file", &format!("{member}.key")]).expect(0);
            text = text.replace(&format!("{{{member}}}"), &expression(&secret(&scene, member)));
        }
        let group = Group::new(Descriptor::parse(&text).unwrap()).unwrap();
        std::fs::write(scene.path("group.txt"), format!("{}\n", group.descriptor())).unwrap();
        Self { scene, group }
    }

    /// Three members that sign together by the key path.
    pub(crate) fn of_three() -> Self {
        Self::new(&["alice", "bob", "carol"], "tr(musig({alice},{bob},{carol})/<0;1>/*)")
    }

    /// Any two of three members: alice and bob by the key path, and each other pair by a leaf.
    pub(crate) fn two_of_three() -> Self {
        let pair = |one, other| format!("musig({{{one}}},{{{other}}})/<0;1>/*");
        let leaves = format!("{{pk({}),pk({})}}", pair("alice", "carol"), pair("bob", "carol"));
        Self::new(&["alice", "bob", "carol"], &format!("tr({},{leaves})", pair("alice", "bob")))
    }

    /// The number of a member in the group.
    pub(crate) fn number(&self, name: &str) -> usize {
        let expression = expression(&secret(&self.scene, name));
        self.group.participants().iter().map(SingleKey::to_string).position(|key| key == expression).unwrap()
    }

    /// Writes a PSBT that spends coins of the group to a stranger and back to the group.
    pub(crate) fn spend(&self, file: &str, coins: u8, version: Version) -> RawPsbt {
        let psbt = spend(&self.group, coins, version);
        self.write(file, &psbt);
        psbt
    }

    pub(crate) fn write(&self, file: &str, psbt: &RawPsbt) {
        std::fs::write(self.scene.path(file), psbt.to_bytes()).unwrap();
    }

    pub(crate) fn read(&self, file: &str) -> RawPsbt {
        RawPsbt::parse(&std::fs::read(self.scene.path(file)).unwrap()).unwrap()
    }

    pub(crate) fn plan(&self, psbt: &RawPsbt, path: PathId) -> SpendPlan {
        SpendPlan::new(psbt, &self.group, path, GAP).unwrap()
    }
}

/// Checks that Bitcoin's consensus code accepts a transaction that spends the coins of a PSBT.
pub(crate) fn accepted(hex: &str, start: &RawPsbt) {
    let transaction: Transaction = bitcoin::consensus::encode::deserialize_hex(hex).unwrap();
    let prevouts = start.prevouts().unwrap();
    let spent: Vec<_> = prevouts
        .iter()
        .map(|prevout| bitcoinconsensus::Utxo {
            script_pubkey: prevout.script_pubkey.as_bytes().as_ptr(),
            script_pubkey_len: u32::try_from(prevout.script_pubkey.len()).unwrap(),
            value: prevout.value.to_sat().try_into().unwrap(),
        })
        .collect();
    let bytes = bitcoin::consensus::serialize(&transaction);
    assert_eq!(transaction.input.len(), prevouts.len());
    for (input, prevout) in prevouts.iter().enumerate() {
        let script = prevout.script_pubkey.as_bytes();
        bitcoinconsensus::verify(script, prevout.value.to_sat(), &bytes, Some(&spent), input).unwrap();
    }
}

/// A PSBT that spends coins of a group to a stranger and back to the group.
pub(crate) fn spend(group: &Group, coins: u8, version: Version) -> RawPsbt {
    let script = |branch, index| group.output(Location { keychain: Keychain(branch), index }).unwrap().script;
    let prevouts: Vec<_> = (0..coins)
        .map(|coin| TxOut { value: Amount::from_sat(100_000), script_pubkey: script(0, u32::from(coin) % GAP) })
        .collect();
    let stranger = ScriptBuf::new_p2wpkh(&bitcoin::WPubkeyHash::all_zeros());
    let output = |value, script_pubkey| TxOut { value: Amount::from_sat(value), script_pubkey };
    let transaction = Transaction {
        version: bitcoin::transaction::Version::TWO,
        lock_time: LockTime::from_consensus(800_000),
        input: (0..coins)
            .map(|coin| TxIn {
                previous_output: OutPoint { txid: Txid::from_byte_array([coin + 1; 32]), vout: u32::from(coin) },
                script_sig: ScriptBuf::new(),
                sequence: Sequence::ENABLE_RBF_NO_LOCKTIME,
                witness: Witness::new(),
            })
            .collect(),
        output: vec![output(60_000, stranger), output(30_000, script(1, 0))],
    };
    let mut psbt = RawPsbt::new(version, &transaction);
    for (input, prevout) in prevouts.iter().enumerate() {
        let value = bitcoin::consensus::serialize(prevout);
        psbt.add(MapId::Input(input), Key::new(0x01, &[]), value).unwrap();
    }
    psbt
}
