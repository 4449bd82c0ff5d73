//! A signer whose key is in a device: it signs with others, and nothing wrong that the device makes leaves the node.

use std::collections::BTreeMap;
use std::sync::mpsc::{Sender, channel};
use std::thread;
use std::time::Duration;

use motet_core_crypto::device::MemoryDevice;
use motet_core_crypto::{SecretNonce, schnorr};
use motet_node::event::{AbortCause, Completed, Event};
use motet_node::policy::ApproveAll;
use motet_node::{
    Config, Derivation, Device, DeviceSigner, Difficulty, Item, Keypair, LocalSigner, MemoryStore, NetConfig,
    NetworkId, Node, NoncePurpose, OsEntropy, PartialSignature, PublicKey, PublicNonce, RequestMetadata,
    RequestOptions, SecretKey, Signature, SignerError, SigningRequestSpec, SigningTask,
};

/// The inside of the device: a thread has it, and nobody else.
struct Vault {
    key: MemoryDevice<OsEntropy>,
    nonces: BTreeMap<u32, SecretNonce>,
}

type Work = Box<dyn FnOnce(&mut Vault) + Send>;

/// The device as its driver sees it: a line to the inside.
struct Remote {
    public_key: PublicKey,
    line: Sender<Work>,
    next: u32,
    /// The message that it signs in the place of each that it is asked for.
    instead: Option<&'static [u8]>,
}

impl Remote {
    fn new(instead: Option<&'static [u8]>) -> Self {
        let key = SecretKey::generate(&mut OsEntropy).unwrap();
        let public_key = key.public_key();
        let (line, asked) = channel::<Work>();
        thread::spawn(move || {
            let mut vault = Vault { key: MemoryDevice::new(key, OsEntropy), nonces: BTreeMap::new() };
            for work in asked {
                work(&mut vault);
            }
        });
        Self { public_key, line, next: 0, instead }
    }

    fn ask<T: Send + 'static>(&self, work: impl FnOnce(&mut Vault) -> T + Send + 'static) -> Result<T, SignerError> {
        let gone = || SignerError::Device("unplugged".to_owned());
        let (answer, answered) = channel();
        let work = move |vault: &mut Vault| answer.send(work(vault)).unwrap();
        self.line.send(Box::new(work)).map_err(|_| gone())?;
        answered.recv().map_err(|_| gone())
    }
}

impl Device for Remote {
    type Nonce = u32;
    type Error = SignerError;

    fn public_key(&self) -> PublicKey {
        self.public_key
    }

    fn sign_alone(&mut self, message: &[u8]) -> Result<Signature, SignerError> {
        let message = message.to_vec();
        self.ask(move |vault| vault.key.sign_alone(&message).unwrap())
    }

    fn generate_nonce(&mut self, purpose: &NoncePurpose<'_>) -> Result<(u32, PublicNonce), SignerError> {
        self.next += 1;
        let handle = self.next;
        let (aggregate_key, message) = (purpose.aggregate_key.copied(), purpose.message.map(<[u8]>::to_vec));
        let extra = purpose.extra.map(<[u8]>::to_vec);
        assert_eq!(purpose.child, None);
        self.ask(move |vault| {
            let purpose = NoncePurpose {
                aggregate_key: aggregate_key.as_ref(),
                message: message.as_deref(),
                extra: extra.as_deref(),
                child: None,
            };
            let (secret, public) = vault.key.generate_nonce(&purpose).unwrap();
            vault.nonces.insert(handle, secret);
            (handle, public)
        })
    }

    fn sign(&mut self, nonce: u32, task: &SigningTask<'_>) -> Result<PartialSignature, SignerError> {
        let (context, aggregate_nonce) = (task.context.clone(), task.aggregate_nonce);
        let message = self.instead.unwrap_or(task.message).to_vec();
        self.ask(move |vault| {
            let task =
                SigningTask { context: &context, aggregate_nonce, adaptor: None, message: &message, child: None };
            let nonce = vault.nonces.remove(&nonce).unwrap();
            vault.key.sign(nonce, &task).unwrap()
        })
    }
}

/// Lets a device and a key in memory sign two messages together. How that ended, and whether anybody was convicted.
async fn sign_with(device: Remote) -> (Event, bool) {
    let key = SecretKey::generate(&mut OsEntropy).unwrap();
    let signers = vec![key.public_key(), device.public_key];
    let net = NetConfig::local(NetworkId::new("device").unwrap(), Keypair::generate());
    let (node, mut events) = Node::builder(net)
        .store(MemoryStore::default())
        .policy(ApproveAll)
        .config(Config::default().difficulty(Difficulty(0)))
        .signer(LocalSigner::new(key, OsEntropy))
        .signer(DeviceSigner::new(device))
        .start()
        .await
        .unwrap();
    let item = |text: &[u8]| Item { message: text.to_vec(), derivation: Derivation::None };
    let asked = SigningRequestSpec {
        creator: *signers.first().unwrap(),
        keys: signers,
        items: vec![item(b"rent"), item(b"food")],
        options: RequestOptions::default(),
        metadata: RequestMetadata::default(),
        lifetime: Duration::from_secs(60),
    };
    node.announce_signing_request(asked).await.unwrap();
    let ended = loop {
        let event = events.next().await.unwrap().unwrap();
        if matches!(event, Event::SessionComplete(_) | Event::SessionAborted(_)) {
            break event;
        }
    };
    let convicted = !node.evidence().await.unwrap().is_empty();
    node.stop().await;
    (ended, convicted)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_never_leaves_its_device_signs_with_others() {
    let (ended, _) = sign_with(Remote::new(None)).await;
    let Event::SessionComplete(Completed { items, .. }) = ended else { panic!("{ended:?}") };
    assert_eq!(items.iter().map(|item| item.message.as_slice()).collect::<Vec<_>>(), [b"rent", b"food"]);
    for item in &items {
        schnorr::verify(&item.aggregate_key, &item.message, &item.signature).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_faulty_device_signs_costs_its_owner_a_session_and_convicts_nobody() {
    let (ended, convicted) = sign_with(Remote::new(Some(b"all of the money"))).await;
    let Event::SessionAborted(aborted) = ended else { panic!("{ended:?}") };
    assert_eq!(aborted.cause, AbortCause::Internal(SignerError::Faulty.to_string()));
    assert!(!convicted);
}
