//! A node in the making: its store, its policy, its signers.

use std::sync::{Arc, RwLock};

use motet_coordinator::{Config, Signer};
use motet_net::NetConfig;
use motet_wallet::Registry;
use motet_wire::{HashWork, ValidatorLimits, WorkPolicy};

#[cfg(feature = "failpoints")]
use crate::driver::CrashPoint;
use crate::driver::{self, Crash, Parts};
use crate::error::NodeError;
use crate::events::Events;
use crate::groups::{GroupSource, Groups};
use crate::node::Node;
use crate::policy::{DeclineAll, Policy};
use crate::store::{MemoryStore, Store};

/// A node in the making; [`Node::builder`] makes one.
///
/// A node without signers needs nothing more: it looks for signers and requests, and keeps nothing. A node with signers needs a
/// store. It has no default, since a wrong one loses money in silence: a key that outlives the process needs a store that does so
/// too, such as [`RedbStore`](crate::RedbStore). [`MemoryStore`] is for keys that end with the process.
///
/// A node without a policy declines all that others ask of it ([`DeclineAll`]), and can ask others.
#[derive(Debug)]
#[must_use = "a node runs when it is started"]
pub struct NodeBuilder {
    net: NetConfig,
    config: Config,
    store: Option<Arc<dyn Store>>,
    signers: Vec<Arc<dyn Signer>>,
    policy: Arc<dyn Policy>,
    groups: Groups,
    work: Arc<dyn WorkPolicy>,
    limits: ValidatorLimits,
    crash: Crash,
}

impl Node {
    /// A node in the making, which will speak on this network.
    pub fn builder(net: NetConfig) -> NodeBuilder {
        NodeBuilder::new(net)
    }
}

impl NodeBuilder {
    fn new(net: NetConfig) -> Self {
        Self {
            net,
            config: Config::default(),
            store: None,
            signers: Vec::new(),
            policy: Arc::new(DeclineAll),
            groups: Groups::default(),
            work: Arc::new(HashWork::default()),
            limits: ValidatorLimits::default(),
            crash: Crash::default(),
        }
    }

    /// Keeps records here. A node with signers needs this.
    pub fn store(self, store: impl Store + 'static) -> Self {
        Self { store: Some(Arc::new(store)), ..self }
    }

    /// Lets this policy decide what the node's signers sign, in place of [`DeclineAll`].
    pub fn policy(self, policy: impl Policy + 'static) -> Self {
        Self { policy: Arc::new(policy), ..self }
    }

    /// Checks requests against these groups before the policy is asked. The program keeps a handle, by which it adds groups.
    ///
    /// A request of the type `btc/psbt2` is declined with a code of [`Mismatch`](motet_wallet::Mismatch) unless its transaction is one
    /// of a registered and confirmed group and fits everything in the request. For members of registered groups, every other request
    /// is declined. A node without groups declines all requests of that type. The node's own requests are checked in the same way before
    /// they are sent ([`CallError::Mismatch`](crate::CallError::Mismatch)).
    pub fn groups(self, groups: Arc<RwLock<Registry>>) -> Self {
        Self { groups: Groups { registry: Some(groups), ..self.groups }, ..self }
    }

    /// Brings the groups up to date from this source before each check.
    pub fn group_source(self, source: impl GroupSource + 'static) -> Self {
        Self { groups: Groups { source: Some(Arc::new(source)), ..self.groups }, ..self }
    }

    /// Serves a signer. It may be called for several signers.
    pub fn signer(mut self, signer: impl Signer + 'static) -> Self {
        self.signers.push(Arc::new(signer));
        self
    }

    /// Changes the engine's times, numbers and habits.
    pub fn config(self, config: Config) -> Self {
        Self { config, ..self }
    }

    /// Asks others for another proof than the protocol's proof of work.
    pub fn work(self, work: impl WorkPolicy + 'static) -> Self {
        Self { work: Arc::new(work), ..self }
    }

    /// Changes the shares of other nodes, and the sizes of the memory of them: nodes that sign for each other all day
    /// send more than strangers may.
    pub fn limits(self, limits: ValidatorLimits) -> Self {
        Self { limits, ..self }
    }

    /// Makes the process die at a named place, for tests of the state after a crash only.
    #[cfg(feature = "failpoints")]
    pub fn crash_at(self, at: Option<CrashPoint>) -> Self {
        Self { crash: Crash { at }, ..self }
    }

    /// Starts the node on the current tokio runtime, and returns when its signers are ready.
    ///
    /// The node runs until [`Node::stop`] is called or the last clone of the [`Node`] is dropped. The [`Events`] may be dropped.
    ///
    /// # Errors
    ///
    /// [`NodeError`]; [`NodeError::NoStore`] if the node has signers and no store.
    pub async fn start(self) -> Result<(Node, Events), NodeError> {
        let Self { net, config, store, signers, policy, groups, work, limits, crash } = self;
        let stored = store.is_some();
        let store = match store {
            Some(store) => store,
            // Records are of signers, and this node has none.
            None if signers.is_empty() => Arc::new(MemoryStore::default()),
            None => return Err(NodeError::NoStore),
        };
        driver::start(Parts { net, config, store, stored, signers, policy, groups, work, limits, crash }).await
    }
}
