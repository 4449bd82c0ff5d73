//! Engines joined in memory, on one core: no sockets, no runtime, no disk.
//!
//! Every message goes through the real pipeline of its receiver, and every copy that a broadcast and a direct message
//! make of it arrives. What is timed separately is the arithmetic: signers' tasks, jobs, and the signatures of envelopes,
//! made and checked. The rest is overhead: the engine's own work, the cheap half of validation, and
//! what the cluster of the test kit does for each node: its outbox, its store in memory, the frames that it remembers.

#![expect(clippy::expect_used, reason = "a session that does not succeed cannot be measured")]

use std::cell::RefCell;
use std::hint::black_box;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use motet_coordinator::{Command, Effect};
use motet_core_crypto::PublicKey;
use motet_core_crypto::schnorr::SigningKey;
use motet_node::{Config, SigningRequestSpec};
use motet_testkit::{Cluster, Seen};
use motet_wire::{
    Attempt, AttemptId, Author, Commitments, Criteria, Item, NetworkId, Now, RequestId, RequestMetadata, SignerMetadata,
};

use super::{request, secret};

/// The time between two sessions: enough for an author to announce again.
const PAUSE: Duration = Duration::from_secs(60);

/// Time of one session by its parts, all engines together.
#[derive(Debug, Clone, Copy, Default)]
pub struct Split {
    /// All of it.
    pub total: Duration,
    /// Time of signers.
    pub signers: Duration,
    /// Time of jobs.
    pub jobs: Duration,
    /// Checking signatures of envelopes, and parsing what they vouch for.
    pub checks: Duration,
    /// Signing envelopes, from their number and the time that one takes.
    pub seals: Duration,
    /// Key aggregation, once for each engine, from the time that one takes.
    pub keys: Duration,
    /// Frames that arrived, copies included.
    pub frames: u32,
}

impl Split {
    /// Everything that any implementation of the protocol has to compute.
    pub fn arithmetic(&self) -> Duration {
        self.signers + self.jobs + self.checks + self.seals + self.keys
    }

    /// Time outside the arithmetic, as a part of it.
    pub fn overhead(&self) -> f64 {
        self.total.saturating_sub(self.arithmetic()).as_secs_f64() / self.arithmetic().as_secs_f64()
    }
}

/// Counts and times of an observer of the cluster.
#[derive(Debug, Default)]
struct Watch {
    split: Split,
    /// Work that is done now, and its begin.
    busy: Option<(Work, Instant)>,
    sealed: u32,
    /// The last frame that has left: copies of it are sealed once.
    last: Option<Arc<[u8]>>,
}

#[derive(Debug, Clone, Copy)]
enum Work {
    Signer,
    Job,
    Check,
}

impl Watch {
    /// Something happens: what was done has ended, and something may begin.
    fn see(&mut self, seen: Seen<'_>) {
        if let Some((work, begin)) = self.busy.take() {
            let time = match work {
                Work::Signer => &mut self.split.signers,
                Work::Job => &mut self.split.jobs,
                Work::Check => &mut self.split.checks,
            };
            *time += begin.elapsed();
        }
        let work = match seen {
            Seen::Effect(Effect::AskSigner(_)) => Work::Signer,
            Seen::Effect(Effect::Compute(_)) => Work::Job,
            Seen::Admitted => Work::Check,
            Seen::Effect(Effect::Broadcast { frame, .. } | Effect::Send { frame, .. }) => {
                if self.last.as_ref().is_none_or(|last| !Arc::ptr_eq(last, frame)) {
                    self.sealed += 1;
                    self.last = Some(Arc::clone(frame));
                }
                return;
            }
            Seen::Input(_) | Seen::Transition(_) | Seen::Effect(_) | Seen::Rejected(_) => return,
        };
        self.split.frames += u32::from(matches!(work, Work::Check));
        self.busy = Some((work, Instant::now()));
    }
}

/// Engines that know each other's peers.
#[derive(Debug)]
pub struct Engines {
    cluster: Cluster,
    watch: Rc<RefCell<Watch>>,
    sessions: u64,
    one_seal: Duration,
    one_context: Duration,
}

impl Engines {
    /// So many engines with a signer each.
    pub fn new(count: usize) -> Self {
        let mut cluster = Cluster::with_config(count, 1, &Config::default().max_signers(count.max(15)));
        cluster.network().set_delay(Duration::ZERO);
        let watch = Rc::new(RefCell::new(Watch::default()));
        let watching = Rc::clone(&watch);
        cluster.observe(move |_, seen| watching.borrow_mut().see(seen));
        for node in 0..count {
            let advertise = Command::Advertise {
                signer: cluster.key(node),
                criteria: Criteria::ANY,
                metadata: SignerMetadata::default(),
                addresses: Vec::new(),
                lifetime: Duration::from_secs(24 * 60 * 60),
            };
            cluster.command(node, advertise).expect("a signer may advertise");
        }
        cluster.settle();
        let keys: Vec<PublicKey> = (0..count).map(|node| cluster.key(node)).collect();
        let item = request(keys.clone(), cluster.key(0), Commitments::On, 0).items.remove(0);
        let one_context = fastest(|| drop(item.key_context(&keys).expect("a key")));
        let message_key = SigningKey::new(secret("message", 0));
        let author =
            Author { network: &NetworkId::test(), key: &message_key, peer: cluster.node(0).peer(), delegation: None };
        let one_seal = fastest(|| seal_one(&author, cluster.now()));
        Self { cluster, watch, sessions: 0, one_seal, one_context }
    }

    /// The keys of all signers, the creator's first.
    pub fn keys(&self) -> Vec<PublicKey> {
        (0..self.cluster.nodes().len()).map(|node| self.cluster.key(node)).collect()
    }

    /// One session of all engines, to everybody's signature and until nothing is on its way.
    pub fn sign(&mut self) -> Split {
        let spec = request(self.keys(), self.cluster.key(0), Commitments::On, self.sessions + 1);
        let split = self.sign_spec(spec);
        Split { keys: self.one_context * self.cluster.nodes().len() as u32, ..split }
    }

    /// As [`sign`](Self::sign), with these items and this transaction.
    pub fn sign_items(&mut self, keys: Vec<PublicKey>, items: Vec<Item>, metadata: RequestMetadata) -> Split {
        let begin = Instant::now();
        for item in &items {
            black_box(item.key_context(&keys).expect("a key"));
        }
        let contexts = begin.elapsed();
        let any = request(keys, self.cluster.key(0), Commitments::On, 0);
        let split = self.sign_spec(SigningRequestSpec { items, metadata, ..any });
        Split { keys: contexts * self.cluster.nodes().len() as u32, ..split }
    }

    fn sign_spec(&mut self, spec: SigningRequestSpec) -> Split {
        self.cluster.jump(PAUSE);
        self.cluster.forget_sent();
        self.cluster.forget_heard();
        self.sessions += 1;
        *self.watch.borrow_mut() = Watch::default();
        let begin = Instant::now();
        let request = self.cluster.announce_request(0, spec).expect("the signers can be asked");
        self.cluster.settle();
        // What engines say when they have nothing else to do.
        self.cluster.advance(Duration::ZERO);
        let total = begin.elapsed();
        self.cluster.signature(request).expect("every engine has the signature");
        let Watch { split, sealed, .. } = &*self.watch.borrow();
        Split { total, seals: self.one_seal * *sealed, ..*split }
    }
}

/// Seals a message that could be any.
fn seal_one(author: &Author<'_>, now: Now) {
    let commit = motet_wire::NonceCommit {
        session: AttemptId::derive(&RequestId::from_bytes([1; 32]), Attempt(1)),
        attempt: Attempt(1),
        commitment: motet_core_crypto::NonceCommitment::from_bytes(&[2; 32]),
    };
    author.seal(1, now, commit.into(), &[0; 32]).expect("a sound message");
}

/// The fastest of many runs: what something takes when nothing is in its way.
fn fastest(mut run: impl FnMut()) -> Duration {
    let runs = (0..50).map(|_| {
        let begin = Instant::now();
        run();
        begin.elapsed()
    });
    runs.min().unwrap_or_default()
}
