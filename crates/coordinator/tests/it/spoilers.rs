//! Signers that spoil sessions because their devices fail.

use core::time::Duration;
use std::sync::Arc;

use motet_coordinator::event::{AbortCause, Event, Phase};
use motet_coordinator::{Command, Config, NonceId, Reply, Score, Signer, SignerError, SignerQuery, SigningItem};
use motet_core_crypto::{PartialSignature, PublicKey, PublicNonce, Signature};
use motet_testkit::Cluster;
use motet_wire::{Commitments, RequestId};

use crate::conduct::score;
use crate::kit::{announce, clock, cluster_of};
use crate::session::{items, options};

/// A signing device that fails when it is asked for nonces, or when it is asked to sign.
#[derive(Debug)]
struct Broken {
    inner: Arc<dyn Signer>,
    makes_nonces: bool,
}

impl Broken {
    fn put_into(cluster: &mut Cluster, node: usize, makes_nonces: bool) {
        let inner = Arc::clone(&cluster.node(node).signers()[0]);
        cluster.node_mut(node).replace_signer(Self { inner, makes_nonces });
    }
}

impl Signer for Broken {
    fn public_key(&self) -> PublicKey {
        self.inner.public_key()
    }

    fn delegate(&self, digest: &[u8; 32]) -> Result<Signature, SignerError> {
        self.inner.delegate(digest)
    }

    fn generate_nonces(&self, nonce_id: &NonceId, items: &[SigningItem]) -> Result<Vec<PublicNonce>, SignerError> {
        if self.makes_nonces {
            self.inner.generate_nonces(nonce_id, items)
        } else {
            Err(SignerError::Device("unplugged".to_owned()))
        }
    }

    fn sign(
        &self,
        _: &NonceId,
        _: &[SigningItem],
        _: &[Vec<PublicNonce>],
    ) -> Result<Vec<PartialSignature>, SignerError> {
        Err(SignerError::Device("unplugged".to_owned()))
    }

    fn forget(&self, nonce_id: &NonceId) {
        self.inner.forget(nonce_id);
    }
}

/// How a request ended on a node, if it has.
fn end(cluster: &Cluster, node: usize, request: RequestId) -> Option<AbortCause> {
    cluster.node(node).events().iter().find_map(|event| match event {
        Event::SessionAborted(end) if end.request == request => Some(end.cause.clone()),
        _ => None,
    })
}

fn found(cluster: &mut Cluster, node: usize, min_score: Option<Score>) -> Vec<PublicKey> {
    let wishes = SignerQuery { min_score, ..SignerQuery::default() };
    match cluster.command(node, Command::Find(wishes)).unwrap() {
        Reply::Found(found) => found.iter().map(|offer| offer.delegation.signer).collect(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_node_whose_signer_fails_tells_the_others_at_once() {
    for commitments in [Commitments::On, Commitments::Off] {
        for makes_nonces in [false, true] {
            for broken in [0, 2] {
                let mut cluster = cluster_of(3, 1, &Config::default());
                cluster.advertise_all();
                Broken::put_into(&mut cluster, broken, makes_nonces);
                let signer = cluster.key(broken);
                let request = announce(&mut cluster, items(1), options(commitments));
                cluster.settle();
                for node in (0..3).filter(|node| *node != broken) {
                    let end = end(&cluster, node, request);
                    let Some(AbortCause::Refused { signer: by, detail, .. }) = &end else {
                        panic!("{commitments:?}, nonces {makes_nonces}, signer {broken}, node {node}: {end:?}")
                    };
                    assert_eq!(*by, signer);
                    assert_eq!(detail, "internal: the signing device failed: unplugged");
                }
                let end = end(&cluster, broken, request);
                assert!(matches!(end, Some(AbortCause::Internal(_))), "{end:?}");
                assert_eq!(clock(&cluster), 0, "nobody has waited");
            }
        }
    }
}

#[test]
fn a_signer_that_spoils_sessions_again_and_again_is_not_found_any_more() {
    let mut cluster = cluster_of(3, 2, &Config::default());
    cluster.advertise_all();
    Broken::put_into(&mut cluster, 2, true);
    let (good, spoiler) = (cluster.key(1), cluster.key(2));
    for spoiled in 1..=5 {
        assert!(found(&mut cluster, 0, None).contains(&spoiler), "{spoiled}");
        announce(&mut cluster, items(1), options(Commitments::On));
        cluster.settle();
    }
    assert_eq!((score(&mut cluster, 0, good), score(&mut cluster, 0, spoiler)), (0, -25));
    assert!(!found(&mut cluster, 0, None).contains(&spoiler));
    assert!(found(&mut cluster, 0, None).contains(&good));
    assert!(found(&mut cluster, 0, Some(Score::new(-100))).contains(&spoiler), "it is found if it is asked for");
    // Its lapses are forgotten with time.
    cluster.jump(Duration::from_millis(24 * 3_600_000));
    assert_eq!(score(&mut cluster, 0, spoiler), -12);
}

#[test]
fn to_take_back_ones_own_request_spoils_nothing() {
    let mut cluster = cluster_of(2, 3, &Config::default());
    cluster.advertise_all();
    let request = announce(&mut cluster, items(1), options(Commitments::On));
    cluster.deliver_until(1, request, Phase::Nonces);
    cluster.command(0, Command::Abort { request, detail: String::new() }).unwrap();
    cluster.settle();
    let creator = cluster.key(0);
    assert!(matches!(end(&cluster, 1, request), Some(AbortCause::Refused { .. })));
    assert_eq!(score(&mut cluster, 1, creator), 0);
}
