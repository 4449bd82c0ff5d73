//! Registered groups: made, imported, compared by words, used by name, and brought back from a backup.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::process::{Ended, Scene, strings};
use crate::treasury::spend;

/// The people of a test: each has a key file, and a folder of registered groups.
pub(crate) struct People {
    pub(crate) scene: Scene,
    keys: Vec<(String, String)>,
}

impl People {
    pub(crate) fn new(names: &[&str]) -> Self {
        let scene = Scene::new();
        let key = |name: &&str| {
            let file = format!("{name}.key");
            scene.run(&["key", "new", "--key-file", &file]).expect(0);
            let told = scene.run(&["group", "key", "--key", &file, "--chain", "signet", "--json"]).expect(0);
            ((*name).to_owned(), told.last("group_key")["key_expression"].as_str().unwrap().to_owned())
        };
        let keys = names.iter().map(key).collect();
        Self { scene, keys }
    }

    /// Runs `motet group` for one of them.
    pub(crate) fn run(&self, person: &str, words: &[&str]) -> Ended {
        let groups = format!("{person}.groups");
        self.scene.run(&[&["group"], words, &["--groups", &groups]].concat())
    }

    /// Makes the group of all, and returns what is told about it.
    pub(crate) fn make(&self, person: &str, more: &[&str]) -> Value {
        let members: Vec<_> = self.keys.iter().map(|(name, key)| format!("--member={name}={key}")).collect();
        let key = format!("{person}.key");
        let mut words = vec!["new", "treasury", "--chain", "signet", "--key", &key, "--json"];
        words.extend(members.iter().map(String::as_str));
        words.extend(more);
        self.run(person, &words).expect(0).last("group")
    }
}

pub(crate) fn words(group: &Value) -> String {
    strings(&group["words"]).join(" ")
}

#[test]
fn a_group_is_made_sent_and_confirmed_by_its_words() {
    let people = People::new(&["alice", "bob", "carol"]);
    let made = people.make("alice", &[]);
    assert_eq!((&made["confirmed"], &made["chain"]), (&json!(false), &json!("signet")));
    assert_eq!(made["paths"], json!([{"leaf": null, "members": ["alice", "bob", "carol"]}]));
    let own: Vec<_> = made["members"].as_array().unwrap().iter().map(|member| member["own"] == true).collect();
    assert_eq!(own.iter().filter(|own| **own).count(), 1);
    people.run("alice", &["export", "treasury", "--output", "treasury.group"]).expect(0);
    let imported =
        people.run("bob", &["import", "treasury.group", "--key", "bob.key", "--json"]).expect(0).last("group");
    assert_eq!((&imported["words"], &imported["address"]), (&made["words"], &made["address"]));
    // Before the words are compared, no address is told and nothing is signed.
    let early = people.run("bob", &["address", "treasury"]).expect(7);
    assert!(early.errors.contains("not confirmed"), "{}", early.errors);
    let wrong = format!("{} zoo", words(&made).rsplit_once(' ').unwrap().0);
    let refused = people.run("bob", &["words", "treasury", "--confirm", &wrong]).expect(7);
    assert!(refused.errors.contains("word 12"), "{}", refused.errors);
    people.run("bob", &["address", "treasury"]).expect(7);
    let told = people.run("bob", &["words", "treasury", "--confirm", &words(&made), "--json"]).expect(0).last("group");
    assert_eq!(told["confirmed"], true);
    let addresses = people.run("bob", &["address", "treasury", "--count", "3"]).expect(0).output;
    assert_eq!((addresses.len(), &json!(addresses[0])), (3, &made["address"]));
    let list = people.run("bob", &["show"]).expect(0).output;
    assert!(list.len() == 1 && list[0].starts_with("treasury ("), "{list:?}");
    assert_eq!(people.run("carol", &["show"]).expect(0).output, ["no group is registered"]);
}

#[test]
fn psbt_commands_take_a_registered_name_and_show_the_names_of_the_members() {
    let people = People::new(&["alice", "bob"]);
    let made = people.make("alice", &[]);
    let descriptor = made["descriptor"].as_str().unwrap().parse().unwrap();
    let psbt = spend(&motet_psbt::Group::new(descriptor).unwrap(), 1, motet_psbt::Version::V2);
    std::fs::write(people.scene.path("a.psbt"), psbt.to_bytes()).unwrap();
    let group = ["--group", "treasury", "--groups", "alice.groups", "--addresses", "5"];
    let told = people.scene.run(&[&["psbt", "inspect", "a.psbt", "--json"], &group[..]].concat()).expect(0);
    let told = told.last("transaction");
    assert_eq!(told["group"]["name"], "treasury");
    assert_eq!(told["path"]["members"], json!(["alice", "bob"]));
    let sign = [&["psbt", "sign", "a.psbt", "--key", "alice.key"], &group[..]].concat();
    let early = people.scene.start(&sign).wait().expect(7);
    assert!(early.errors.contains("the group treasury is not confirmed"), "{}", early.errors);
    people.run("alice", &["words", "treasury", "--confirm", &words(&made)]).expect(0);
    let mut process = people.scene.start(&sign);
    let digits = process.question();
    process.answer(&format!("yes {digits}"));
    process.output_line("nonces written to a.nonces.psbt");
    let unknown = ["psbt", "missing", "a.psbt", "--group", "other", "--groups", "alice.groups"];
    let ended = people.scene.run(&unknown).expect(2);
    assert!(ended.errors.contains("registered are treasury"), "{}", ended.errors);
}

#[test]
fn a_key_that_is_in_another_group_already_is_pointed_out_by_its_member() {
    let people = People::new(&["alice", "bob", "carol"]);
    let first = people.make("alice", &[]);
    assert_eq!(first["remarks"], json!([]));
    let members: Vec<_> = people.keys[..2].iter().map(|(name, key)| format!("--member={name}={key}")).collect();
    let words: Vec<&str> =
        ["new", "till", "--chain", "signet", "--json"].into_iter().chain(members.iter().map(String::as_str)).collect();
    let second = people.run("alice", &words).expect(0).last("group");
    let [remark] = strings(&second["remarks"]).try_into().unwrap();
    assert!(remark.contains("treasury has the same key of alice, bob") && remark.contains("--account"), "{remark}");
}

#[test]
fn two_of_three_have_a_leaf_for_each_other_pair() {
    let people = People::new(&["alice", "bob", "carol"]);
    let made = people.make("alice", &["--threshold", "2"]);
    let paths = json!([
        {"leaf": null, "members": ["alice", "bob"]},
        {"leaf": 0, "members": ["alice", "carol"]},
        {"leaf": 1, "members": ["bob", "carol"]},
    ]);
    assert_eq!(made["paths"], paths);
}

#[test]
fn a_backup_has_everything_but_secrets_and_files_are_private() {
    let people = People::new(&["alice", "bob"]);
    let made = people.make("alice", &[]);
    people.run("alice", &["words", "treasury", "--confirm", &words(&made)]).expect(0);
    people.run("alice", &["backup", "treasury", "--output", "backup"]).expect(0);
    let secret = std::fs::read_to_string(people.scene.path("alice.key")).unwrap();
    let text = std::fs::read_to_string(people.scene.path("backup")).unwrap();
    assert!(!text.contains(secret.trim()));
    let restored = people.run("new", &["restore", "backup", "--json"]).expect(0).last("group");
    assert_eq!(restored["confirmed"], true);
    let again = people.run("new", &["restore", "backup"]).expect(7);
    assert!(again.errors.contains("registered already"), "{}", again.errors);
    // A file of another member confirms nothing here.
    let imported = people.run("other", &["import", "backup", "--json"]).expect(0).last("group");
    assert_eq!(imported["confirmed"], false);
    let files: Vec<_> =
        std::fs::read_dir(people.scene.path("alice.groups")).unwrap().map(|file| file.unwrap()).collect();
    assert_eq!(files.len(), 1);
    assert_eq!(files[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(std::fs::metadata(people.scene.path("alice.groups")).unwrap().permissions().mode() & 0o777, 0o700);
    // A changed file is not believed.
    std::fs::write(files[0].path(), text.replace("member: own alice", "member: own mallory")).unwrap();
    let damaged = people.run("alice", &["show"]).expect(1);
    assert!(damaged.errors.contains("is damaged"), "{}", damaged.errors);
    let damaged = people.run("third", &["import", "-"]);
    assert_eq!(damaged.status.code(), Some(2), "nothing is no group\n{}", damaged.errors);
}

#[test]
fn descriptors_come_and_go_in_the_form_of_other_programs() {
    let people = People::new(&["alice", "bob"]);
    let made = people.make("alice", &[]);
    let descriptor = people.run("alice", &["export", "treasury", "--for", "core"]).expect(0).output.concat();
    assert_eq!(descriptor, made["descriptor"].as_str().unwrap());
    people.run("bob", &["import", &descriptor]).expect(2);
    let more = ["import", &descriptor, "--name", "ours", "--chain", "signet", "--json"];
    let imported = people.run("bob", &more).expect(0).last("group");
    assert_eq!((&imported["words"], &imported["address"]), (&made["words"], &made["address"]));
    let refused = people.run("carol", &["import", &descriptor, "--name", "x", "--chain", "main"]).expect(2);
    assert!(refused.errors.contains("for another chain"), "{}", refused.errors);
    people.scene.run(&["key", "new", "--key-file", "eve.key"]).expect(0);
    let refused = people.run("eve", &["import", &descriptor, "--name", "x", "--key", "eve.key"]).expect(7);
    assert!(refused.errors.contains("of no member"), "{}", refused.errors);
    assert!(!people.scene.path("eve.groups").exists());
}

#[test]
fn a_node_signs_no_message_with_the_key_of_a_registered_group() {
    let people = People::new(&["alice", "bob"]);
    let made = people.make("bob", &[]);
    people.run("bob", &["words", "treasury", "--confirm", &words(&made)]).expect(0);
    let place = ["--network", "dev", "--listen", "/ip4/127.0.0.1/tcp/0", "--json"];
    let run = ["run", "--key", "bob.key", "--nickname", "bob", "--groups", "bob.groups", "--auto-approve"];
    let mut node = people.scene.start(&[&run[..], &place].concat());
    let (ready, listening) = (node.event("ready"), node.event("Listening"));
    let address = format!("{}/p2p/{}", listening["address"].as_str().unwrap(), ready["peer"].as_str().unwrap());
    let with = ready["signer"].as_str().unwrap();
    let sign = ["sign", "--key", "alice.key", "--groups", "alice.groups", "--peer", &address, "--with", with];
    let asked = people.scene.start(&[&sign[..], &["--message", "hello"], &place].concat()).wait();
    assert_eq!(asked.last("ParticipantDeclined")["reason"], "E_TYPE", "{}", asked.told(""));
}
