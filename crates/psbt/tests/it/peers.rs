//! Transcripts in which one cosigner behaves as Bitcoin Core 31 does, and one as a Ledger does.

use std::collections::BTreeMap;

use bitcoin::Sequence;
use motet_psbt::descriptor::Descriptor;
use motet_psbt::fields::SigningKey;
use motet_psbt::{ExportError, Group, MapId, PathId, PendingNonces, Profile, RawPsbt, SignerError, SpendPlan, Version};

use crate::signers::{GAP, Signer, accepts, group, plan, rng, signers, spend};

const TREE: &str = "tr(musig({0},{1})/<0;1>/*,pk(musig({0},{2})/<0;1>/*))";
const PUB_NONCE: u64 = 0x1b;
const PARTIAL_SIG: u64 = 0x1c;
const TAP_ORIGIN: u64 = 0x16;

fn paths(group: &Group) -> Vec<PathId> {
    group.spend_paths().iter().map(|path| path.id).collect()
}

/// The signing keys of all nonces, or of all partial signatures.
fn shares(psbt: &RawPsbt, kind: u64) -> Vec<SigningKey> {
    psbt.inputs().iter().flat_map(|map| map.of_kind(kind)).map(|(data, _)| SigningKey::parse(data).unwrap()).collect()
}

fn is_own(key: &SigningKey, signer: &Signer) -> bool {
    signer.account_key() == key.participant
}

/// A wallet that does what Bitcoin Core 31 does: one call for each file, and no word about what it left out.
struct Core<'a> {
    signer: &'a Signer,
    group: &'a Group,
    /// Secret nonces by path, in memory alone.
    nonces: BTreeMap<PathId, PendingNonces>,
    calls: u8,
}

impl<'a> Core<'a> {
    fn new(signer: &'a Signer, group: &'a Group) -> Self {
        Self { signer, group, nonces: BTreeMap::new(), calls: 0 }
    }

    /// `walletprocesspsbt`.
    fn process(&mut self, bytes: &[u8]) -> RawPsbt {
        self.calls += 1;
        let mut psbt = RawPsbt::parse(bytes).unwrap();
        assert_eq!(psbt.version(), Version::V0, "Core 31 does not read version 2");
        for path in paths(self.group) {
            let plan = plan(&psbt, self.group, path);
            let in_path = |key: &SigningKey| {
                plan.inputs[0].targets.iter().any(|target| target.context.aggregate_plain() == key.aggregate)
            };
            let own = shares(&psbt, PUB_NONCE).iter().any(|key| in_path(key) && is_own(key, self.signer));
            if !own {
                // The file came back without the nonce: Core has one in memory and stops. Its users restart it, and it is lost.
                self.nonces.remove(&path);
                if shares(&psbt, PARTIAL_SIG).iter().any(in_path) {
                    continue;
                }
                match plan.add_nonces(&mut psbt, self.group, self.signer, &mut rng(100 + self.calls)) {
                    Ok(pending) => drop(self.nonces.insert(path, pending)),
                    Err(error) => assert_eq!(error, SignerError::NotASigner),
                }
            } else if let Some(pending) = self.nonces.remove(&path) {
                match plan.sign(&mut psbt, self.group, self.signer, pending) {
                    Ok(()) => {}
                    Err(refused) => drop(self.nonces.insert(path, refused.pending)),
                }
            }
        }
        psbt
    }
}

/// A device that does what a Ledger does. It says nothing but that it refuses.
struct Ledger<'a> {
    signer: &'a Signer,
    group: &'a Group,
    session: Option<PendingNonces>,
}

impl Ledger<'_> {
    fn process(&mut self, bytes: &[u8], path: PathId) -> Result<RawPsbt, u16> {
        const CRYPTIC: u16 = 0x6a80;
        let mut psbt = RawPsbt::parse(bytes).unwrap();
        let foreign = |kind| shares(&psbt, kind).iter().any(|key| !is_own(key, self.signer));
        let own = |kind| shares(&psbt, kind).iter().any(|key| is_own(key, self.signer));
        if psbt.version() != Version::V2 || foreign(PARTIAL_SIG) || (foreign(PUB_NONCE) && !own(PUB_NONCE)) {
            return Err(CRYPTIC);
        }
        // It would sign on each path whose aggregate key is described, so the copy describes one alone.
        for other in paths(self.group).into_iter().filter(|other| *other != path) {
            for own in &plan(&psbt, self.group, other).inputs {
                for target in &own.targets {
                    let aggregate = own.output.keys[target.key].key.x_only().to_bytes();
                    assert!(psbt.inputs()[own.input].of_kind(TAP_ORIGIN).all(|(key, _)| key != aggregate));
                }
            }
        }
        let plan = plan(&psbt, self.group, path);
        match self.session.take() {
            None => self.session = Some(plan.add_nonces(&mut psbt, self.group, self.signer, &mut rng(9)).unwrap()),
            Some(pending) => plan.sign(&mut psbt, self.group, self.signer, pending).map_err(|_| CRYPTIC)?,
        }
        Ok(psbt)
    }
}

fn start(group: &Group) -> (RawPsbt, SpendPlan) {
    let mut psbt = spend(group, 2, 0, Sequence::MAX, Version::V2);
    let plan = plan(&psbt, group, PathId::Key);
    plan.update(&mut psbt, group).unwrap();
    (psbt, plan)
}

/// The number of a signer in the group.
fn number(group: &Group, signer: &Signer) -> usize {
    group.participants().iter().position(|key| key.to_string() == signer.text).unwrap()
}

fn finish(plan: &SpendPlan, psbt: &mut RawPsbt) {
    assert_eq!((plan.missing(psbt), plan.verify_partials(psbt)), (vec![], vec![]));
    plan.finalize(psbt).unwrap();
    let transaction = psbt.extract().unwrap();
    assert!(plan.inputs.iter().all(|own| accepts(&transaction, &plan.prevouts, own.input)));
}

#[test]
fn core_makes_nonces_for_every_path_and_signs_the_one_that_is_complete() {
    let all = signers(3);
    let group = group(TREE, &all);
    let (mut psbt, plan) = start(&group);
    let mut core = Core::new(&all[0], &group);
    let seat = number(&group, &all[0]);
    let export = |psbt: &RawPsbt| plan.export(psbt, &group, Profile::Core, seat).unwrap();
    let answer = core.process(&export(&psbt).to_bytes());
    // Two inputs, and in each a nonce for the key path and one for the leaf that nobody wants.
    assert_eq!(shares(&answer, PUB_NONCE).len(), 4);
    psbt = RawPsbt::combine(&[psbt, answer]).unwrap();
    assert_eq!(psbt.version(), Version::V2);
    let pending = plan.add_nonces(&mut psbt, &group, &all[1], &mut rng(2)).unwrap();
    let answer = core.process(&export(&psbt).to_bytes());
    assert_eq!(shares(&answer, PARTIAL_SIG).len(), 2);
    psbt = RawPsbt::combine(&[psbt, answer]).unwrap();
    SpendPlan::new(&psbt, &group, PathId::Key, GAP).unwrap().sign(&mut psbt, &group, &all[1], pending).unwrap();
    finish(&plan, &mut psbt);
}

#[test]
fn core_that_gets_its_file_back_without_its_nonces_makes_others_and_signing_begins_again() {
    let all = signers(3);
    let group = group(TREE, &all);
    let (psbt, plan) = start(&group);
    let mut core = Core::new(&all[0], &group);
    let seat = number(&group, &all[0]);
    let export = |psbt: &RawPsbt| plan.export(psbt, &group, Profile::Core, seat).unwrap();
    let first = core.process(&export(&psbt).to_bytes());
    // Somebody gives Core the file of the beginning a second time. The nonces of the first answer are worthless now.
    let second = core.process(&export(&psbt).to_bytes());
    let conflict = RawPsbt::combine(&[psbt.clone(), first.clone(), second.clone()]);
    assert!(
        conflict.unwrap_err().to_string().contains("PSBT_IN_MUSIG2_PUB_NONCE"),
        "two nonces of one signer are an error"
    );
    // With the old answer Core does nothing, and says nothing: the plan names what is missing.
    let mut old = RawPsbt::combine(&[psbt.clone(), first]).unwrap();
    plan.add_nonces(&mut old, &group, &all[1], &mut rng(2)).unwrap();
    let answer = Core::new(&all[0], &group).process(&export(&old).to_bytes());
    assert!(shares(&answer, PARTIAL_SIG).is_empty());
    assert!(plan.missing(&answer).iter().any(|missing| missing.signer == seat));
    // With the new one all goes well.
    let mut new = RawPsbt::combine(&[psbt, second]).unwrap();
    let pending = plan.add_nonces(&mut new, &group, &all[1], &mut rng(3)).unwrap();
    let answer = core.process(&export(&new).to_bytes());
    let mut new = RawPsbt::combine(&[new, answer]).unwrap();
    SpendPlan::new(&new, &group, PathId::Key, GAP).unwrap().sign(&mut new, &group, &all[1], pending).unwrap();
    finish(&plan, &mut new);
}

#[test]
fn a_ledger_signs_first_or_last_although_it_refuses_the_shares_of_others() {
    let all = signers(3);
    let group = group(TREE, &all);
    let seat = number(&group, &all[0]);
    let (mut psbt, plan) = start(&group);
    let mut device = Ledger { signer: &all[0], group: &group, session: None };
    let export = |psbt: &RawPsbt| plan.export(psbt, &group, Profile::Ledger, seat).unwrap();
    // The others were faster, so the full file has what the device refuses.
    let pending = plan.add_nonces(&mut psbt, &group, &all[1], &mut rng(2)).unwrap();
    assert_eq!(device.process(&psbt.to_bytes(), PathId::Key), Err(0x6a80));
    let answer = device.process(&export(&psbt).to_bytes(), PathId::Key).unwrap();
    psbt = RawPsbt::combine(&[psbt, answer]).unwrap();
    assert_eq!(shares(&psbt, PUB_NONCE).len(), 4, "nothing of the full file is lost");
    SpendPlan::new(&psbt, &group, PathId::Key, GAP).unwrap().sign(&mut psbt, &group, &all[1], pending).unwrap();
    assert_eq!(device.process(&psbt.to_bytes(), PathId::Key), Err(0x6a80));
    let copy = export(&psbt);
    assert_eq!((shares(&copy, PUB_NONCE).len(), shares(&copy, PARTIAL_SIG).len()), (4, 0));
    let answer = device.process(&copy.to_bytes(), PathId::Key).unwrap();
    let mut psbt = RawPsbt::combine(&[psbt, answer]).unwrap();
    finish(&plan, &mut psbt);
}

#[test]
fn core_and_a_ledger_sign_together() {
    let all = signers(3);
    let group = group(TREE, &all);
    let (mut psbt, plan) = start(&group);
    let mut core = Core::new(&all[0], &group);
    let mut device = Ledger { signer: &all[1], group: &group, session: None };
    for _ in 0..2 {
        let answer =
            core.process(&plan.export(&psbt, &group, Profile::Core, number(&group, &all[0])).unwrap().to_bytes());
        psbt = RawPsbt::combine(&[psbt, answer]).unwrap();
        let copy = plan.export(&psbt, &group, Profile::Ledger, number(&group, &all[1])).unwrap();
        let answer = device.process(&copy.to_bytes(), PathId::Key).unwrap();
        psbt = RawPsbt::combine(&[psbt, answer]).unwrap();
    }
    finish(&plan, &mut psbt);
}

#[test]
fn a_device_that_cannot_sign_for_a_group_is_named_before_anybody_is_asked() {
    let all = signers(17);
    let derived = group("tr(musig({0}/<0;1>/*,{1}/<0;1>/*))", &all);
    let (psbt, plan) = start(&derived);
    for profile in [Profile::Ledger, Profile::Coldcard] {
        assert_eq!(plan.export(&psbt, &derived, profile, 0), Err(ExportError::Derivation { number: 0 }));
    }
    assert!(plan.export(&psbt, &derived, Profile::Core, 0).is_ok());
    assert_eq!(plan.export(&psbt, &derived, Profile::Core, 2), Err(ExportError::NoSigner { signer: 2 }));
    let list: Vec<_> = (0..17).map(|number| format!("{{{number}}}")).collect();
    let many = group(&format!("tr(musig({})/<0;1>/*)", list.join(",")), &all);
    let (psbt, plan) = start(&many);
    let refused = plan.export(&psbt, &many, Profile::Ledger, 0);
    assert_eq!(refused, Err(ExportError::Participants { number: 0, count: 17 }));
}

#[test]
fn a_coldcard_gets_every_field_of_bip_373_in_the_version_of_the_file() {
    let all = signers(3);
    let group = group(TREE, &all);
    for version in [Version::V0, Version::V2] {
        let psbt = spend(&group, 1, 0, Sequence::MAX, version);
        let plan = plan(&psbt, &group, PathId::Key);
        let copy = plan.export(&psbt, &group, Profile::Coldcard, 0).unwrap();
        assert_eq!(copy.version(), version);
        assert_eq!((copy.input(0).unwrap().participants().count(), copy.input(0).unwrap().origins().count()), (2, 5));
        assert!(copy.map(MapId::Output(1)).is_some_and(|map| map.of_kind(0x08).count() == 2));
    }
}

#[test]
fn a_ledger_gets_descriptors_with_apostrophes_and_their_checksum() {
    let all = signers(3);
    let group = group(TREE, &all);
    let text = Profile::Ledger.descriptor(group.descriptor()).unwrap();
    assert!(text.contains("/87'/1'/0']") && !text.contains("87h"), "{text}");
    let read = Descriptor::parse(&text).unwrap();
    assert!(read.had_checksum());
    assert_eq!(Group::new(read).unwrap().id(), group.id());
    assert_eq!(Profile::Core.descriptor(group.descriptor()).unwrap(), group.descriptor().to_string());
}
