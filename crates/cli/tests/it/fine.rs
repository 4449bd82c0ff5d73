//! What goes wrong in other programs of this kind, by their public bug reports, and is right here.

use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use motet_core_crypto::SecretKey;
use serde_json::Value;

use crate::judge::{Signed, Tweak, signers};
use crate::process::{Motet, Scene};

const LOOPBACK: &str = "/ip4/127.0.0.1/tcp/0";

/// Makes a key file with this secret. The signer.
fn key_file(scene: &Scene, name: &str, secret: &str) -> String {
    let path = scene.path(name);
    fs::write(&path, format!("{secret}\n")).unwrap();
    fs::set_permissions(&path, Permissions::from_mode(0o600)).unwrap();
    let bytes = hex::decode(secret).unwrap().try_into().unwrap();
    SecretKey::from_bytes(&bytes).unwrap().public_key().to_string()
}

/// Makes a key. The signer.
fn key(scene: &Scene, name: &str) -> String {
    let told = scene.run(&["key", "new", "--key-file", name, "--json"]).expect(0).last("key");
    told["signer"].as_str().unwrap().to_owned()
}

/// A signer with a kept key that signs whatever it is asked for, and the address by which others name it.
fn kept(scene: &Scene, key: &str, listen: &str, more: &[&str]) -> (Motet, String) {
    let run = ["run", "--key", key, "--nickname", key, "--listen", listen, "--auto-approve", "--json"];
    let mut node = scene.start(&[&run[..], more].concat());
    let peer = node.event("ready")["peer"].as_str().unwrap().to_owned();
    let address = format!("{}/p2p/{peer}", node.event("Listening")["address"].as_str().unwrap());
    (node, address)
}

fn ask<'a>(name: &'a str, with: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    [&["sign", "--dev", name, "--with", with, "--message", "hello", "--json"], more].concat()
}

/// Waits until a signer that has been asked before asks about this request, and says yes to it.
fn says_yes(signer: &mut Motet, request: &Value) {
    let id = request["request"].as_str().unwrap();
    // As much of the id as tells it from the one before.
    signer.error_line(&format!("to sign, type: yes {}", &id[..4]));
    signer.answer(&format!("yes {id}"));
}

#[test]
fn a_signal_ends_a_signer_whose_question_stands_and_whose_input_is_idle() {
    for signal in ["INT", "TERM"] {
        let scene = Scene::new();
        let (alice, bob) = (scene.name("alice"), scene.name("bob"));
        let mut other = scene.start(&["run", "--dev", &alice, "--json"]);
        other.event("ready");
        let asked = scene.start(&ask(&bob, &alice, &[]));
        other.error_line("to sign, type:");
        other.signal(signal);
        // Its input stays open, and nobody types anything.
        other.wait().expect(0);
        asked.wait().expect(5);
    }
}

#[test]
fn a_key_and_its_opposite_sign_together() {
    for (taproot, tweak) in [(&[][..], Tweak::None), (&["--taproot"], Tweak::Taproot)] {
        let scene = Scene::new();
        let five = format!("{:064x}", 5);
        let opposite = "fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd036413c";
        let (one, other) = (key_file(&scene, "one", &five), key_file(&scene, "other", opposite));
        assert_eq!((&one[2..], &one[..2] == "02"), (&other[2..], &other[..2] == "03"));
        let (_one, address) = kept(&scene, "one", LOOPBACK, &[]);
        let (_other, second) = kept(&scene, "other", LOOPBACK, &["--peer", &address]);
        key(&scene, "me");
        let with = format!("{one},{other}");
        let sign = ["sign", "--key", "me", "--listen", LOOPBACK, "--peer", &address, "--peer", &second];
        let sign = [&sign[..], &["--with", &with, "--message", "hello", "--json"], taproot].concat();
        let asked = scene.run(&sign).expect(0);
        let order = signers(&asked.objects());
        assert!(
            order.len() == 3 && [&one, &other].iter().all(|key| order.contains(&key.parse().unwrap())),
            "{order:?}"
        );
        let signed = Signed::items(&asked.last("result"));
        signed[0].verify();
        signed[0].is_of(&order, tweak);
    }
}

#[test]
fn the_vectors_of_bip_340_have_the_verdicts_that_they_state() {
    let scene = Scene::new();
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../tests/vectors/bip-0340/test-vectors.csv");
    let table = fs::read_to_string(path).unwrap();
    let mut count = 0;
    for line in table.lines().skip(1) {
        let columns: Vec<&str> = line.split(',').collect();
        let [_, _, key, _, message, signature, verdict, ..] = columns[..] else { panic!("{line}") };
        let ended = scene.run(&["verify", "--key", key, "--message-hex", message, "--signature", signature]);
        let valid = ended.status.code() == Some(0);
        assert_eq!(valid, verdict == "TRUE", "{line}\n{}", ended.told(""));
        if valid {
            assert_eq!(ended.output, ["valid"]);
        } else {
            // A key that is no point is a wrong command line or no key of any signature, never a failure.
            assert!(matches!(ended.status.code(), Some(2 | 4)), "{line}\n{}", ended.told(""));
        }
        count += 1;
    }
    assert_eq!(count, 19);
}

#[test]
fn a_raw_hash_is_asked_for_with_blind_alone_and_shown_as_one() {
    let scene = Scene::new();
    let (alice, bob) = (scene.name("alice"), scene.name("bob"));
    let hash = "a5".repeat(32);
    let asked = ["sign", "--dev", &bob, "--with", &alice, "--message-hex", &hash, "--json"];
    let refused = scene.run(&asked).expect(2);
    assert!(refused.errors.contains("--blind") && refused.output.is_empty(), "{}", refused.errors);
    let mut other = scene.start(&["run", "--dev", &alice, "--once", "--json"]);
    other.event("ready");
    let asks = scene.start(&[&asked[..], &["--blind"]].concat());
    let request = other.event("SigningRequestReceived");
    other.error_line("a raw hash, perhaps of a payment");
    other.answer_request("yes", &request);
    let signed = Signed::items(&asks.wait().expect(0).last("result"));
    assert_eq!(hex::encode(&signed[0].message), hash);
    other.wait().expect(0);
    // The flag is for hashes in digits.
    scene.run(&["sign", "--dev", &bob, "--with", &alice, "--message", "m", "--blind"]).expect(2);
}

#[test]
fn the_shortest_and_the_longest_message_are_signed() {
    let scene = Scene::new();
    let (alice, bob) = (scene.name("alice"), scene.name("bob"));
    let mut other = scene.start(&["run", "--dev", &alice, "--auto-approve", "--json"]);
    other.event("ready");
    for message in ["00".to_owned(), "a5".repeat(31), "a5".repeat(16384)] {
        let asked = ["sign", "--dev", &bob, "--with", &alice, "--message-hex", &message, "--json"];
        let signed = Signed::items(&scene.run(&asked).expect(0).last("result"));
        assert_eq!(hex::encode(&signed[0].message), message);
        signed[0].verify();
    }
}

#[test]
fn a_signer_that_has_lost_its_data_signs_under_its_old_key_and_address() {
    let scene = Scene::new();
    let signer = key(&scene, "bob");
    key(&scene, "me");
    let (mut hub, hub_address) = kept_hub(&scene, LOOPBACK);
    let (mut bob, address) = kept(&scene, "bob", LOOPBACK, &["--peer", &hub_address]);
    hub.event("SignerDiscovered");
    bob.kill();
    bob.wait();
    fs::remove_dir_all(scene.path("bob.motet")).unwrap();
    let (place, peer) = address.split_once("/p2p/").unwrap();
    let (_bob, again) = kept(&scene, "bob", place, &["--peer", &hub_address]);
    let (same, other) = again.split_once("/p2p/").unwrap();
    assert!(same == place && other != peer, "{address} {again}");
    let sign = ["sign", "--key", "me", "--listen", LOOPBACK, "--peer", &hub_address, "--with", &signer];
    let asked = scene.run(&[&sign[..], &["--message", "hello", "--json"]].concat()).expect(0);
    Signed::items(&asked.last("result"))[0].verify();
}

/// A node that others name.
fn kept_hub(scene: &Scene, listen: &str) -> (Motet, String) {
    if !scene.path("hub").exists() {
        key(scene, "hub");
    }
    kept(scene, "hub", listen, &[])
}

#[test]
fn nodes_that_name_one_that_comes_last_meet_there() {
    let scene = Scene::new();
    let signer = key(&scene, "bob");
    key(&scene, "me");
    // A first start tells the node's id; the port is one that was free a moment ago.
    let (mut hub, address) = kept_hub(&scene, LOOPBACK);
    hub.signal("INT");
    hub.wait().expect(0);
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let place = format!("/ip4/127.0.0.1/tcp/{port}");
    let address = format!("{place}/p2p/{}", address.split_once("/p2p/").unwrap().1);
    let (mut bob, _) = kept(&scene, "bob", LOOPBACK, &["--peer", &address]);
    bob.event("PeerUnreachable");
    let sign = ["sign", "--key", "me", "--listen", LOOPBACK, "--peer", &address, "--with", &signer];
    let mut asked = scene.start(&[&sign[..], &["--message", "hello", "--find-timeout", "90s"]].concat());
    asked.output_line("looking");
    let (_hub, last) = kept_hub(&scene, &place);
    assert_eq!(last, address);
    asked.wait().expect(0);
    Signed::items(&bob.event("SessionComplete"))[0].verify();
}

#[test]
fn a_signer_that_hangs_is_named_in_time_and_signs_when_it_goes_on() {
    let scene = Scene::new();
    let (alice, bob) = (scene.name("alice"), scene.name("bob"));
    let mut other = scene.start(&["run", "--dev", &alice, "--json"]);
    other.event("ready");
    let asked = scene.start(&ask(&bob, &alice, &["--join-timeout", "5s"]));
    other.event("SigningRequestReceived");
    other.signal("STOP");
    let asked = asked.wait().expect(5);
    assert!(asked.errors.contains(&alice), "{}", asked.told(""));
    assert_eq!(asked.last("SessionTimeout")["phase"], "joining");
    other.signal("CONT");
    let mut asked = scene.start(&ask(&scene.name("carol"), &alice, &[]));
    let request = asked.event("SigningRequestCreated");
    says_yes(&mut other, &request);
    Signed::items(&asked.wait().expect(0).last("result"))[0].verify();
}

#[test]
fn a_name_is_free_again_after_an_interrupt() {
    for signal in ["INT", "TERM"] {
        let scene = Scene::new();
        let (alice, bob) = (scene.name("alice"), scene.name("bob"));
        let mut other = scene.start(&["run", "--dev", &alice, "--json"]);
        other.event("ready");
        let mut asked = scene.start(&ask(&bob, &alice, &[]));
        other.error_line("to sign, type:");
        asked.signal(signal);
        asked.wait().expect(130);
        other.signal(signal);
        other.wait().expect(0);
        // The same two names, at once.
        let mut other = scene.start(&["run", "--dev", &alice, "--once", "--auto-approve", "--json"]);
        other.event("ready");
        let asked = scene.run(&ask(&bob, &alice, &[])).expect(0);
        Signed::items(&asked.last("result"))[0].verify();
        other.wait().expect(0);
    }
}

#[test]
fn of_first_starts_on_one_data_folder_at_once_one_runs() {
    let scene = Scene::new();
    key(&scene, "alice");
    let run = ["run", "--key", "alice", "--listen", LOOPBACK, "--json"];
    let starts: Vec<_> = (0..4)
        .map(|_| {
            std::thread::spawn({
                let mut node = scene.start(&run);
                move || {
                    // Who runs says so and stands until it is interrupted; the others end.
                    let ready = node.is_ready();
                    (node, ready)
                }
            })
        })
        .collect();
    let mut running = 0;
    for start in starts {
        let (mut node, ready) = start.join().unwrap();
        if ready {
            running += 1;
            node.signal("INT");
            node.wait().expect(0);
        } else {
            let ended = node.wait().expect(1);
            assert!(ended.errors.contains("another process uses"), "{}", ended.errors);
        }
    }
    assert_eq!(running, 1);
    // And what they have left is a data folder.
    let mut node = scene.start(&run);
    node.event("ready");
}

#[test]
fn the_same_command_twice_is_refused_at_once_and_works_afterwards() {
    let scene = Scene::new();
    let signer = key(&scene, "bob");
    key(&scene, "me");
    let run = ["run", "--key", "bob", "--listen", LOOPBACK, "--json"];
    let mut bob = scene.start(&run);
    let peer = bob.event("ready")["peer"].as_str().unwrap().to_owned();
    let address = format!("{}/p2p/{peer}", bob.event("Listening")["address"].as_str().unwrap());
    let sign = ["sign", "--key", "me", "--listen", LOOPBACK, "--peer", &address, "--with", &signer];
    let sign = [&sign[..], &["--message", "hello", "--json"]].concat();
    for _ in 0..2 {
        let mut first = scene.start(&sign);
        let request = bob.event("SigningRequestReceived");
        let second = scene.run(&sign).expect(1);
        assert!(second.errors.contains("another process uses"), "{}", second.errors);
        says_yes(&mut bob, &request);
        first.event("SessionComplete");
        Signed::items(&first.wait().expect(0).last("result"))[0].verify();
    }
}

#[test]
fn rules_in_a_strange_form_are_read_strictly() {
    let scene = Scene::new();
    let good = "{\r\n\"rules\": [{\"when\": {\"amount\": {\"max\": MAX}}, \"then\": \"allow\"}],\r\n\"otherwise\": \"ask\"}\r\n";
    let check = |text: &[u8], code: i32| {
        fs::write(scene.path("rules"), text).unwrap();
        let ended = scene.run(&["policy", "check", "rules", "--json"]).expect(code);
        let run = scene.run(&["run", "--dev", "nobody", "--policy", "rules"]);
        if code == 2 {
            assert!(ended.errors.contains("rules"), "{}", ended.errors);
            run.expect(2);
        }
        ended.last("policy")
    };
    // Lines may end as they do on Windows, and the largest number is one.
    for max in ["7", "18446744073709551615"] {
        fs::write(scene.path("rules"), good.replace("MAX", max)).unwrap();
        assert_eq!(scene.run(&["policy", "check", "rules", "--json"]).expect(0).last("policy")["valid"], true);
    }
    for max in ["1e2", "1E2", "100.0", "18446744073709551616", "1e400", "007", "0x10", "+7", "NaN", "-0.0"] {
        let told = check(good.replace("MAX", max).as_bytes(), 2);
        assert!(told["error"].as_str().unwrap().contains("line 2"), "{max}: {told}");
    }
    let good = good.replace("MAX", "7");
    check(format!("{good}\0").as_bytes(), 2);
    check(format!("\0{good}").as_bytes(), 2);
    check(good.replace("ask", "a\0sk").as_bytes(), 2);
    check(format!("{good}{good}").as_bytes(), 2);
    let big: Vec<u8> = good.encode_utf16().flat_map(u16::to_be_bytes).collect();
    check(&big, 2);
    for (open, close) in [("[", "]"), ("{\"rules\":", "}"), ("[", "")] {
        let deep = format!("{}{}", open.repeat(100_000), close.repeat(100_000));
        check(deep.as_bytes(), 2);
        check(good.replace("\"ask\"", &deep).as_bytes(), 2);
        check(good.replace("{\"max\": 7}", &deep).as_bytes(), 2);
    }
}

/// The options and arguments in a help text, each with the name of its value.
fn taken(help: &[String]) -> Vec<(String, String)> {
    let options = help.iter().filter_map(|line| {
        let option =
            line.trim_start().strip_prefix("--").or_else(|| line.trim_start().split_once(", --").map(|x| x.1))?;
        let mut words = option.split_whitespace();
        let name = words.next()?;
        let value = words.next().filter(|word| word.starts_with('<')).unwrap_or_default();
        Some((name.to_owned(), value.to_owned()))
    });
    options.collect()
}

#[test]
fn no_option_takes_a_secret() {
    let scene = Scene::new();
    let commands: &[&[&str]] = &[
        &["demo"],
        &["run"],
        &["node"],
        &["find"],
        &["sign"],
        &["verify"],
        &["evidence"],
        &["policy"],
        &["policy", "check"],
        &["policy", "explain"],
        &["group"],
        &["group", "seed"],
        &["group", "key"],
        &["group", "new"],
        &["group", "import"],
        &["group", "words"],
        &["group", "address"],
        &["group", "show"],
        &["group", "export"],
        &["group", "backup"],
        &["group", "restore"],
        &["psbt"],
        &["psbt", "inspect"],
        &["psbt", "missing"],
        &["psbt", "combine"],
        &["psbt", "export"],
        &["psbt", "sign"],
        &["psbt", "request"],
        &["psbt", "finalize"],
        &["psbt", "extract"],
        &["requests"],
        &["approve"],
        &["decline"],
        &["sessions"],
        &["show"],
        &["watch"],
        &["result"],
        &["abort"],
        &["retry"],
        &["status"],
        &["peers"],
        &["log"],
        &["halt"],
        &["lock"],
        &["unlock"],
        &["stats"],
        &["advertise"],
        &["withdraw"],
        &["init"],
        &["doctor"],
        &["backup"],
        &["restore"],
        &["contact"],
        &["contact", "add"],
        &["contact", "list"],
        &["contact", "show"],
        &["contact", "remove"],
        &["message"],
        &["message", "sign"],
        &["message", "verify"],
        &["key"],
        &["key", "new"],
        &["key", "import"],
        &["key", "list"],
        &["key", "export"],
        &["key", "remove"],
        &["key", "passphrase"],
        &["config"],
        &["config", "show"],
        &["service"],
        &["service", "install"],
        &["completions"],
        &["man"],
    ];
    // A command that is added belongs into the list above.
    let listed: BTreeSet<String> = [
        &["help"][..],
        &["help", "policy"],
        &["help", "group"],
        &["help", "psbt"],
        &["help", "message"],
        &["help", "key"],
        &["help", "config"],
        &["help", "service"],
        &["help", "contact"],
    ]
    .iter()
    .flat_map(|help| {
        let lines = scene.run(help).expect(0).output;
        let from = lines.iter().position(|line| line == "Commands:").unwrap();
        let lines = lines[from + 1..].iter().take_while(|line| !line.is_empty());
        // A line that is indented further goes on with the one before.
        let names = lines.filter(|line| !line.starts_with("   "));
        names.map(|line| line.split_whitespace().next().unwrap().to_owned()).collect::<Vec<_>>()
    })
    .filter(|name| name != "help")
    .collect();
    let known: BTreeSet<String> = commands.iter().map(|command| (*command.last().unwrap()).to_owned()).collect();
    assert_eq!(listed, known);

    for command in commands {
        let help = scene.run(&[*command, &["--help"]].concat()).expect(0).output;
        let taken = taken(&help);
        assert!(taken.contains(&("help".to_owned(), String::new())), "{help:?}");
        for (option, value) in &taken {
            let value = value.trim_matches(['<', '>']);
            // The name of a file that holds a secret is none, and neither is a choice without a value.
            if option.ends_with("-file") && value == "FILE" || value.is_empty() {
                continue;
            }
            for word in ["secret", "private", "seed", "mnemonic", "phrase", "password", "nonce", "wif", "xprv"] {
                assert!(!option.contains(word) && !value.to_lowercase().contains(word), "{command:?} --{option}");
            }
            // Keys come from files. What is written as digits is public: messages, signatures, and the key to verify with.
            let may_be = match option.as_str() {
                "key" if *command == ["verify"] => "HEX",
                "key" => "KEY",
                "signature" if *command == ["message", "verify"] => "SIGNATURE",
                "signature" | "message-hex" => "HEX",
                _ => {
                    assert_ne!(value, "HEX", "{command:?} --{option}");
                    continue;
                }
            };
            assert_eq!(value, may_be, "{command:?} --{option}");
        }
    }
    // The digits of a key in the file's place are the name of a file that is not there.
    let secret = format!("{:064x}", 5);
    for command in [&["run"][..], &["find"], &["sign", "--with", "alice", "--message", "m"]] {
        scene.run(&[command, &["--key", &secret]].concat()).expect(1);
        assert_eq!(fs::read_dir(scene.folder()).unwrap().count(), 0);
    }
}
