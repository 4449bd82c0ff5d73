//! Members that sign by files: transcripts of both rounds, also with members that use other programs, and with a member that cheats.

use motet_psbt::{Key, MapId, RawPsbt, Version};
use serde_json::Value;

use crate::cosigners::{Core, Ledger};
use crate::process::{Ended, Motet};
use crate::treasury::{Treasury, accepted, secret};

const GROUP: [&str; 4] = ["--group", "group.txt", "--addresses", "5"];

/// The arguments with which a member signs a file, with output files of its own.
fn sign<'a>(member: &'a str, key: &'a str, file: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let words = ["psbt", "sign", file, "--key", key, "--output", member, "--json"];
    words.into_iter().chain(GROUP).chain(more.iter().copied()).collect()
}

/// Starts a member that is asked, and approves what it is shown.
fn start(treasury: &Treasury, member: &str, file: &str, more: &[&str]) -> Motet {
    let key = format!("{member}.key");
    let mut process = treasury.scene.start(&sign(member, &key, file, more));
    let shown = process.event("transaction");
    process.error_line("to sign, type:");
    let digest = shown["approval"].as_str().unwrap();
    process.answer(&format!("yes {}", &digest[..4]));
    process
}

/// The first round of a member that goes on afterwards.
fn first(treasury: &Treasury, member: &str, file: &str) -> Motet {
    let mut process = start(treasury, member, file, &[]);
    let told = process.event("nonces");
    assert_eq!(told["file"], format!("{member}.nonces.psbt"));
    process.error_line("now type the path of the merged file:");
    process
}

/// The second round with a merged file, to the end of the process.
fn second(mut process: Motet, file: &str) -> Ended {
    process.answer(file);
    process.close_input();
    process.wait()
}

fn combine(treasury: &Treasury, files: &[&str], output: &str) {
    let words: Vec<_> = ["psbt", "combine"].iter().chain(files).chain(&["--output", output]).copied().collect();
    treasury.scene.run(&words).expect(0);
}

/// Finalizes a file, and has the transaction checked by consensus code.
fn finish(treasury: &Treasury, file: &str, start: &RawPsbt, more: &[&str]) -> Value {
    let words: Vec<_> =
        ["psbt", "finalize", file, "--output", "final.psbt"].iter().chain(&GROUP).chain(more).copied().collect();
    treasury.scene.run(&words).expect(0);
    let told = treasury.scene.run(&["psbt", "extract", "final.psbt", "--json"]).expect(0).last("raw_transaction");
    accepted(told["transaction"].as_str().unwrap(), start);
    told
}

#[test]
fn three_processes_sign_a_transaction_and_the_last_one_needs_one_visit() {
    for version in [Version::V0, Version::V2] {
        let treasury = Treasury::of_three();
        let unsigned = treasury.spend("a.psbt", 2, version);
        let alice = first(&treasury, "alice", "a.psbt");
        let bob = first(&treasury, "bob", "a.psbt");
        combine(&treasury, &["alice.nonces.psbt", "bob.nonces.psbt"], "two.psbt");
        let carol = start(&treasury, "carol", "two.psbt", &[]).wait().expect(0);
        assert!(!treasury.scene.path("carol.nonces.psbt").exists(), "she needs one visit");
        assert_eq!(carol.last("partial")["missing"].as_array().unwrap().len(), 4, "of alice and bob, for two inputs");
        second(alice, "carol.partial.psbt").expect(0);
        let bob = second(bob, "carol.partial.psbt").expect(0);
        assert_eq!(bob.last("partial")["missing"].as_array().unwrap().len(), 2, "of alice");
        combine(&treasury, &["alice.partial.psbt", "bob.partial.psbt"], "signed.psbt");
        assert_eq!(treasury.read("signed.psbt").version(), version);
        finish(&treasury, "signed.psbt", &unsigned, &[]);
    }
}

#[test]
fn two_of_three_sign_by_their_leaf_when_a_member_is_gone() {
    let treasury = Treasury::two_of_three();
    let unsigned = treasury.spend("a.psbt", 1, Version::V2);
    let words = sign("carol", "carol.key", "a.psbt", &[]);
    let refused = treasury.scene.start(&words).wait().expect(7);
    assert!(refused.errors.contains("of no signer of this spend path"), "{}", refused.errors);
    assert!(refused.errors.contains("leaf 1:"), "the paths are listed\n{}", refused.errors);
    let mut carol = start(&treasury, "carol", "a.psbt", &["--leaf", "1"]);
    carol.event("nonces");
    start(&treasury, "bob", "carol.nonces.psbt", &["--leaf", "1"]).wait().expect(0);
    second(carol, "bob.partial.psbt").expect(0);
    finish(&treasury, "carol.partial.psbt", &unsigned, &["--leaf", "1"]);
}

#[test]
fn without_a_terminal_the_digest_approves_and_a_file_is_waited_for() {
    let treasury = Treasury::of_three();
    let unsigned = treasury.spend("a.psbt", 1, Version::V2);
    let inspect: Vec<_> = ["psbt", "inspect", "a.psbt", "--json"].into_iter().chain(GROUP).collect();
    let digest = treasury.scene.run(&inspect).expect(0).last("transaction")["approval"].as_str().unwrap().to_owned();
    let more = ["--approve", &digest, "--then", "merged.psbt"];
    let silent = |member: &str| {
        let key = format!("{member}.key");
        let mut process = treasury.scene.start(&sign(member, &key, "a.psbt", &more));
        process.close_input();
        process.event("nonces");
        process
    };
    let (alice, bob) = (silent("alice"), silent("bob"));
    combine(&treasury, &["alice.nonces.psbt", "bob.nonces.psbt"], "two.psbt");
    treasury.scene.run(&sign("carol", "carol.key", "two.psbt", &["--approve", &digest])).expect(0);
    combine(&treasury, &["carol.partial.psbt"], "merged.psbt");
    alice.wait().expect(0);
    bob.wait().expect(0);
    combine(&treasury, &["alice.partial.psbt", "bob.partial.psbt"], "signed.psbt");
    finish(&treasury, "signed.psbt", &unsigned, &[]);
    // None of this is asked of a process to which nobody can answer.
    for (more, said) in [
        (&[][..], "no person or program can answer"),
        (&["--approve", &digest][..], "no person or program can answer"),
        (&["--approve", &digest, "--then", "merged.psbt"][..], "merged.psbt: the file is there already"),
        (&["--approve", &digest[..63], "--then", "x.psbt"][..], "all 64 digits"),
    ] {
        let words = sign("dora", "alice.key", "a.psbt", more);
        let ended = treasury.scene.start_reading(std::process::Stdio::null(), &words).wait().expect(2);
        assert!(ended.errors.contains(said), "{said}\n{}", ended.errors);
    }
    let other = "0".repeat(64);
    let words = sign("dora", "alice.key", "a.psbt", &["--approve", &other, "--then", "x.psbt"]);
    let ended = treasury.scene.run(&words).expect(7);
    assert!(ended.errors.contains("names another transaction"), "{}", ended.errors);
    assert!(!treasury.scene.path("dora.nonces.psbt").exists());
}

#[test]
fn a_no_signs_nothing_and_a_restart_says_that_its_nonces_are_fresh() {
    let treasury = Treasury::of_three();
    treasury.spend("a.psbt", 1, Version::V2);
    let mut declined = treasury.scene.start(&sign("alice", "alice.key", "a.psbt", &[]));
    declined.error_line("to sign, type:");
    declined.answer("no");
    declined.wait().expect(6);
    assert!(!treasury.scene.path("alice.nonces.psbt").exists());
    let mut killed = first(&treasury, "alice", "a.psbt");
    killed.kill();
    let taken = treasury.scene.start(&sign("alice", "alice.key", "a.psbt", &[])).wait().expect(1);
    assert!(taken.errors.contains("alice.nonces.psbt is there already"), "{}", taken.errors);
    let mut again = start(&treasury, "alice", "alice.nonces.psbt", &["--force"]);
    again.event("nonces");
    again.error_line("from an earlier run, whose secret half ended with that run");
    again.error_line("now type");
    // The earlier nonce, which another member has merged, is refused, and the fresh nonce is not used up by that.
    std::fs::copy(treasury.scene.path("alice.nonces.psbt"), treasury.scene.path("fresh.psbt")).unwrap();
    let bob = first(&treasury, "bob", "fresh.psbt");
    let carol = start(&treasury, "carol", "bob.nonces.psbt", &[]).wait().expect(0);
    assert!(carol.errors.contains("you approve"), "{}", carol.errors);
    second(bob, "carol.partial.psbt").expect(0);
    again.answer("fresh.psbt");
    again.error_line("the nonce of");
    second(again, "bob.partial.psbt").expect(0);
}

#[test]
fn a_member_that_changes_the_file_between_the_rounds_is_caught() {
    let treasury = Treasury::of_three();
    treasury.spend("a.psbt", 2, Version::V2);
    let mut alice = first(&treasury, "alice", "a.psbt");
    let (bob, carol) = (first(&treasury, "bob", "a.psbt"), first(&treasury, "carol", "a.psbt"));
    combine(&treasury, &["alice.nonces.psbt", "bob.nonces.psbt", "carol.nonces.psbt"], "merged.psbt");
    let merged = treasury.read("merged.psbt");
    let own = treasury.read("alice.nonces.psbt").input(0).unwrap().public_nonces().next().unwrap();
    let foreign = treasury.read("bob.nonces.psbt").input(0).unwrap().public_nonces().next().unwrap();

    // The outputs are another file's: the stranger gets the change, too.
    let mut transaction = merged.unsigned_tx().unwrap();
    transaction.output[0].value = bitcoin::Amount::from_sat(90_000);
    let mut paid_more = RawPsbt::new(Version::V2, &transaction);
    for (map, entries) in merged.maps() {
        for (key, value) in entries.entries() {
            // Fields of the transaction are refused here, and have the new values already.
            let _ = paid_more.add(map, key.clone(), value.to_vec());
        }
    }
    let mut lied = merged.clone();
    let mut prevout = merged.prevout(1).unwrap();
    prevout.value = bitcoin::Amount::from_sat(1);
    lied.set(MapId::Input(1), Key::new(0x01, &[]), bitcoin::consensus::serialize(&prevout)).unwrap();
    let mut replaced = merged.clone();
    replaced.set(MapId::Input(0), Key::new(0x1b, &own.key.key_data()), foreign.nonce.to_bytes().to_vec()).unwrap();
    let mut other_type = merged.clone();
    other_type.set(MapId::Input(0), Key::new(0x03, &[]), vec![2, 0, 0, 0]).unwrap();
    let cases = [
        ("paid-more.psbt", paid_more, "different transactions: the outputs"),
        ("lied.psbt", lied, "input 1, PSBT_IN_WITNESS_UTXO"),
        ("replaced.psbt", replaced, "input 0, PSBT_IN_MUSIG2_PUB_NONCE"),
        ("other-type.psbt", other_type, "has changed since the nonces were made"),
    ];
    for (file, psbt, said) in &cases {
        treasury.write(file, psbt);
        alice.answer(file);
        alice.error_line(said);
    }
    // The right file is signed all the same: nothing has used up the nonces.
    second(alice, "merged.psbt").expect(0);
    // Where no right file follows, the exit code says it.
    for (process, (file, _, said)) in [bob, carol].into_iter().zip(&cases) {
        let refused = second(process, file).expect(7);
        assert!(refused.errors.contains(said), "{said}\n{}", refused.errors);
        assert!(refused.errors.contains("nothing was signed"), "{}", refused.errors);
    }
    assert!(!treasury.scene.path("bob.partial.psbt").exists() && !treasury.scene.path("carol.partial.psbt").exists());
}

#[test]
fn a_changed_file_that_was_waited_for_ends_the_process() {
    let treasury = Treasury::of_three();
    treasury.spend("a.psbt", 1, Version::V2);
    let mut alice = start(&treasury, "alice", "a.psbt", &["--then", "merged.psbt"]);
    alice.event("nonces");
    treasury.spend("other.psbt", 2, Version::V2);
    combine(&treasury, &["other.psbt"], "merged.psbt");
    let refused = alice.wait().expect(7);
    assert!(refused.errors.contains("changed between the rounds"), "{}", refused.errors);
}

#[test]
fn bitcoin_core_and_a_ledger_sign_with_a_member_by_files() {
    // Core makes nonces for the leaf, too, in which it takes part with carol.
    let members = ["alice", "bob", "carol"];
    let text = "tr(musig({alice},{bob},{carol})/<0;1>/*,pk(musig({bob},{carol})/<0;1>/*))";
    let treasury = Treasury::new(&members, text);
    let unsigned = treasury.spend("a.psbt", 2, Version::V2);
    let mut core = Core::new(secret(&treasury.scene, "bob"), &treasury.group);
    let mut ledger = Ledger { key: secret(&treasury.scene, "carol"), group: &treasury.group, session: None };
    let numbers = ["bob", "carol"].map(|member| (treasury.number(member) + 1).to_string());
    let export = |file: &str, program: &str, member: &str| {
        let output = format!("{program}-in.psbt");
        let words = ["psbt", "export", file, "--for", program, "--member", member, "--force", "--output", &output];
        treasury.scene.run(&words.into_iter().chain(GROUP).collect::<Vec<_>>()).expect(0);
        treasury.read(&output)
    };
    let alice = first(&treasury, "alice", "a.psbt");
    assert!(ledger.process(treasury.read("alice.nonces.psbt")).is_err(), "a Ledger refuses the nonces of others");
    treasury.write("core-1.psbt", &core.process(export("alice.nonces.psbt", "core", &numbers[0])));
    assert_eq!(treasury.read("core-1.psbt").input(0).unwrap().public_nonces().count(), 3, "one is for the leaf");
    treasury.write("ledger-1.psbt", &ledger.process(export("alice.nonces.psbt", "ledger", &numbers[1])).unwrap());
    combine(&treasury, &["alice.nonces.psbt", "core-1.psbt", "ledger-1.psbt"], "merged.psbt");
    second(alice, "merged.psbt").expect(0);
    treasury.write("core-2.psbt", &core.process(export("alice.partial.psbt", "core", &numbers[0])));
    combine(&treasury, &["alice.partial.psbt", "core-2.psbt"], "two.psbt");
    let copy = export("two.psbt", "ledger", &numbers[1]);
    assert_eq!(copy.input(0).unwrap().partial_signatures().count(), 0, "a Ledger refuses partial signatures of others");
    treasury.write("ledger-2.psbt", &ledger.process(copy).unwrap());
    combine(&treasury, &["two.psbt", "ledger-2.psbt"], "signed.psbt");
    finish(&treasury, "signed.psbt", &unsigned, &[]);
}

#[test]
fn bitcoin_core_that_has_lost_its_nonces_is_named_as_the_one_that_is_missing() {
    let treasury = Treasury::new(&["alice", "bob"], "tr(musig({alice},{bob})/<0;1>/*)");
    let unsigned = treasury.spend("a.psbt", 1, Version::V0);
    let mut core = Core::new(secret(&treasury.scene, "bob"), &treasury.group);
    let seat = (treasury.number("bob") + 1).to_string();
    let export = |file: &str| {
        let words = ["psbt", "export", file, "--for", "core", "--member", &seat, "--force", "--output", "in.psbt"];
        treasury.scene.run(&words.into_iter().chain(GROUP).collect::<Vec<_>>()).expect(0);
        treasury.read("in.psbt")
    };
    treasury.write("old.psbt", &core.process(export("a.psbt")));
    // Its user gives it the first file again: the first nonce is lost, and Core makes another one.
    treasury.write("new.psbt", &core.process(export("a.psbt")));
    let conflict = treasury.scene.run(&["psbt", "combine", "old.psbt", "new.psbt"]).expect(7);
    assert!(conflict.errors.contains("made nonces twice: take its newest file"), "{}", conflict.errors);
    // With the old file, Core says nothing and signs nothing; the list of missing shares names it.
    start(&treasury, "alice", "old.psbt", &[]).wait().expect(0);
    treasury.write("silent.psbt", &core.process(export("alice.partial.psbt")));
    let missing: Vec<_> = ["psbt", "missing", "silent.psbt", "--json"].into_iter().chain(GROUP).collect();
    let told = treasury.scene.run(&missing).expect(8).last("missing");
    let member = treasury.group.participants()[treasury.number("bob")].clone();
    let motet_psbt::descriptor::KeyMaterial::Xpub(xpub) = member.key else { panic!() };
    assert_eq!(told["missing"][0]["member"], xpub.fingerprint().to_string());
    // With the newest one it signs.
    let words = ["--force"];
    start(&treasury, "alice", "new.psbt", &words).wait().expect(0);
    treasury.write("signed.psbt", &core.process(export("alice.partial.psbt")));
    finish(&treasury, "signed.psbt", &unsigned, &[]);
}

#[test]
fn key_files_sign_for_a_group_that_derives_their_keys_before_it_aggregates_them() {
    for paths in [["<0;1>", "<0;1>"], ["<0;1>", "<2;3>"]] {
        let [one, other] = paths;
        let text = format!("tr(musig({{alice}}/{one}/*,{{bob}}/{other}/*))");
        let treasury = Treasury::new(&["alice", "bob"], &text);
        let unsigned = treasury.spend("a.psbt", 2, Version::V2);
        let alice = first(&treasury, "alice", "a.psbt");
        start(&treasury, "bob", "alice.nonces.psbt", &[]).wait().expect(0);
        second(alice, "bob.partial.psbt").expect(0);
        finish(&treasury, "alice.partial.psbt", &unsigned, &[]);
    }
}

#[test]
fn a_key_of_no_member_signs_nothing() {
    let treasury = Treasury::new(&["alice", "bob"], "tr(musig({alice},{bob})/<0;1>/*)");
    treasury.spend("a.psbt", 1, Version::V2);
    treasury.scene.run(&["key", "new", "--key-file", "eve.key"]).expect(0);
    let refused = treasury.scene.start(&sign("eve", "eve.key", "a.psbt", &[])).wait().expect(7);
    assert!(refused.errors.contains("is of no member of this group"), "{}", refused.errors);
}
