//! What a wrong value on the command line is answered with: its option, what is wrong and what to write instead, before
//! anything starts.

use crate::process::Scene;

const ID: &str = "12D3KooWSahP5pFRCEfaziPEba7urXGeif6T1y8jmodzdFUvzBHj";
/// A key, its x alone, and an x that no point of the curve has (BIP-340, vector 5).
const KEY: &str = "02f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9";
const X: &str = "f9308a019258c31049344f85f89d5229b531c845836f99b08601f113bce036f9";
const NO_X: &str = "eefdea4cdb677750a420fee807eacf21eb9898ae79b9768766e4faa04a2d4a34";
const KEY_FORM: &str = "66 hexadecimal digits";

/// Runs a command line that is wrong: it ends with 2, and has said nothing but what is wrong.
#[track_caller]
fn refused(scene: &Scene, arguments: &[&str], words: &[&str]) {
    let ended = scene.run(arguments);
    assert_eq!(ended.status.code(), Some(2), "{arguments:?}\n{}", ended.told(""));
    assert!(ended.output.is_empty(), "{arguments:?}\n{}", ended.told(""));
    for word in words {
        assert!(ended.errors.contains(word), "{word:?} is not in the answer to {arguments:?}\n{}", ended.errors);
    }
    assert!(ended.errors.len() < 1500, "an answer quotes no more than it needs\n{}", ended.errors);
}

/// Tries many wrong values of options of one command.
fn table(command: &[&str], wrong: &[(&str, &str, &[&str])]) {
    let scene = Scene::new();
    for (option, value, words) in wrong {
        refused(&scene, &[command, &[&format!("{option}={value}")]].concat(), &[&[*option][..], words].concat());
    }
    let left: Vec<_> = std::fs::read_dir(scene.folder()).unwrap().collect();
    assert!(left.is_empty(), "nothing was started: {left:?}");
}

#[test]
fn a_list_of_signers_names_each_by_a_key_or_a_nickname() {
    let odd = |digits: &str| format!("02{digits}");
    let (nobody, uncompressed, short) = (odd(NO_X), format!("04{X}{X}"), &KEY[..63]);
    let (prefixed, long, other) = (format!("0x{KEY}"), format!("{KEY}0"), format!("05{X}"));
    table(
        &["sign", "--dev", "asker", "--message", "m"],
        &[
            ("--with", "", &["empty", "--with alice,bob", "by its key"]),
            ("--with", " ", &["empty"]),
            ("--with", ",", &["empty"]),
            ("--with", "alice,", &["empty", "by its key"]),
            ("--with", ",alice", &["empty"]),
            ("--with", "alice,,bob", &["empty"]),
            ("--with", X, &["x-only", KEY_FORM]),
            ("--with", &prefixed, &["0x", KEY_FORM]),
            ("--with", &nobody, &["curve", KEY_FORM]),
            ("--with", &long, &["67 digits", KEY_FORM]),
            ("--with", short, &["63 digits", KEY_FORM]),
            ("--with", &other, &["02 or 03", KEY_FORM]),
            ("--with", &uncompressed, &["130 digits", KEY_FORM]),
            ("--with", "mkey1qqqq", &["looks like a key", KEY_FORM]),
            ("--with", &"n".repeat(65), &["65 bytes", "1 to 64"]),
            ("--with", "alice,alice", &["alice", "twice"]),
            ("--with", "alice, alice ", &["alice", "twice"]),
            ("--with", &format!("{KEY},{}", KEY.to_uppercase()), &[KEY, "twice"]),
            ("--with", "alice,asker", &["asker", "itself"]),
            ("--with", "a,b,c,d,e,f,g,h,i,j,k,l,m,n,o", &["15", "at most 14"]),
        ],
    );
}

#[test]
fn a_message_to_sign_has_1_to_16384_bytes() {
    let sign = ["sign", "--dev", "asker", "--with", "alice"];
    table(
        &sign,
        &[
            ("--message", "", &["nothing to sign", "1 to 16384"]),
            ("--message", &"m".repeat(16385), &["16385 bytes", "1 to 16384"]),
            ("--message-hex", "", &["nothing to sign", "1 to 16384"]),
            ("--message-hex", &"00".repeat(16385), &["16385 bytes", "1 to 16384"]),
            ("--message-hex", "abc", &["3 digits", "a byte has two"]),
            ("--message-hex", "00fg", &["character 4", "'g'"]),
            ("--message-hex", "00 ff", &["character 3", "' '"]),
            ("--message-hex", "0x00", &["0x"]),
            ("--message-hex", "0é", &["character 2", "'é'"]),
        ],
    );
    table(
        &["demo"],
        &[
            ("--message", "", &["nothing to sign", "1 to 512"]),
            ("--message", &"m".repeat(513), &["513 bytes", "1 to 512"]),
        ],
    );
    // The longest that is allowed is not what is wrong here.
    let scene = Scene::new();
    for message in ["m", &"m".repeat(16384)] {
        let looking = ["--message", message, "--find-timeout", "1ms"];
        scene.run(&[&sign[..], &looking].concat()).expect(3);
    }
}

#[test]
fn times_are_within_what_the_protocol_allows() {
    let searched = ["write a time from 1ms to 24h"];
    table(
        &["sign", "--dev", "asker", "--with", "alice", "--message", "m"],
        &[
            ("--join-timeout", "0", &["write a time from 1ms to 2h"]),
            ("--join-timeout", "121m", &["write a time from 1ms to 2h"]),
            ("--join-timeout", "18446744073709551615ms", &["from 1ms to 2h"]),
            ("--join-timeout", "18446744073709551615h", &["too long", "from 1ms to 2h"]),
            ("--join-timeout", "soon", &["such as 10s", "from 1ms to 2h"]),
            ("--join-timeout", "-1s", &["such as 10s"]),
            ("--join-timeout", "", &["such as 10s"]),
            ("--find-timeout", "0s", &searched),
            ("--find-timeout", "25h", &searched),
        ],
    );
    table(&["find", "--dev", "seeker"], &[("--timeout", "0", &searched), ("--timeout", "5 parsecs", &searched)]);
    table(
        &["run", "--dev", "signer"],
        &[
            ("--round-timeout", "0", &["write a time from 1ms to 2h"]),
            ("--round-timeout", "3h", &["write a time from 1ms to 2h"]),
            ("--delay", "5001ms", &["write a time from 0ms to 5s"]),
            ("--cover", "999ms", &["write a time from 1s to 24h"]),
            ("--attempts", "0", &["1..=10"]),
            ("--attempts", "11", &["1..=10"]),
        ],
    );
}

#[test]
fn names_have_their_bounds() {
    let long_name = "n".repeat(65);
    let name: &[(&str, &str, &[&str])] = &[
        ("", "", &["empty", "1 to 64"]),
        ("", &long_name, &["65 bytes", "1 to 64"]),
        ("", "a,b", &["commas"]),
        ("", " a", &["spaces"]),
        ("", X, &["looks like a key"]),
    ];
    let of = |option: &'static str| name.iter().map(|(_, value, words)| (option, *value, *words)).collect::<Vec<_>>();
    table(&["run"], &of("--dev"));
    table(&["run", "--key", "k"], &of("--nickname"));
    table(
        &["run", "--key", "k"],
        &[
            ("--network", "", &["1 to 32 visible ASCII characters"]),
            ("--network", &"n".repeat(33), &["1 to 32 visible ASCII characters"]),
            ("--network", "my net", &["without spaces"]),
            ("--type", "", &["empty", "1 to 32"]),
            ("--type", &"t".repeat(33), &["33 bytes", "1 to 32"]),
        ],
    );
    table(
        &["find", "--dev", "seeker"],
        &[
            ("--type", "", &["empty", "1 to 32"]),
            ("--type", &"t".repeat(33), &["33 bytes", "1 to 32"]),
            ("--count", "0", &["from 1 to 4096"]),
            ("--count", "4097", &["from 1 to 4096"]),
            ("--count", "-1", &["from 1 to 4096"]),
            ("--amount", "-1", &["from 0 to 18446744073709551615"]),
            ("--amount", "18446744073709551616", &["from 0 to 18446744073709551615"]),
            ("--amount", "1.5", &["whole number"]),
        ],
    );
    let scene = Scene::new();
    let run = ["run", "--dev", "signer"];
    refused(&scene, &[&run[..], &["--type", "a", "--type", "a"]].concat(), &["--type", "a", "twice"]);
    let types: Vec<String> = (0..17).map(|number| format!("--type={number}")).collect();
    let types: Vec<&str> = types.iter().map(String::as_str).collect();
    refused(&scene, &[&run[..], &types].concat(), &["--type", "17", "at most 16"]);
    // What would have no effect is not taken.
    refused(&scene, &[&run[..], &["--nickname", "b"]].concat(), &["--nickname", "--dev"]);
    refused(&scene, &["find", "--dev", "seeker", "--amount", "-1"], &["--amount", "from 0 to"]);
}

#[test]
fn addresses_are_of_a_form_that_leads_somewhere() {
    let at = |way: &str| format!("{way}/p2p/{ID}");
    let (web, plain, zero) = (at("/ip4/192.0.2.1/udp/1/ws"), at("/ip4/192.0.2.1/udp/1"), at("/ip4/192.0.2.1/tcp/0"));
    let circuit = format!("{}/p2p-circuit/p2p/{ID}", at("/ip4/192.0.2.1/tcp/1"));
    let own = at("/ip4/127.0.0.1/tcp/0");
    for command in
        [&["run", "--dev", "a"][..], &["find", "--dev", "a"], &["sign", "--dev", "a", "--with", "b", "--message", "m"]]
    {
        table(
            command,
            &[
                ("--peer", "/ip4/127.0.0.1/tcp/4001", &["/p2p/", "peer id"]),
                ("--peer", "nobody", &["not a multiaddr", "/p2p/PEER_ID"]),
                ("--peer", "", &["/p2p/"]),
                ("--peer", "/ip4/127.0.0.1/tcp/4001/p2p/nobody", &["not a multiaddr"]),
                ("--peer", &web, &["cannot connect that way", "TCP, QUIC or WebSocket"]),
                ("--peer", &plain, &["cannot connect that way"]),
                ("--peer", &zero, &["port 0"]),
                ("--relay", "/ip4/127.0.0.1/tcp/4001", &["/p2p/", "peer id"]),
                ("--relay", &circuit, &["another relay"]),
                ("--listen", "nowhere", &["not a multiaddr", "/ip4/0.0.0.0/tcp/4001"]),
                ("--listen", "/ip4/127.0.0.1", &["TCP, QUIC and WebSocket"]),
                ("--listen", "/ip4/127.0.0.1/tcp/1/wss", &["reverse proxy", "--external"]),
                ("--external", "/ip4/127.0.0.1", &["cannot connect that way"]),
                ("--external", "/ip4/192.0.2.1/tcp/0", &["port 0"]),
                ("--listen", "/dns/localhost/tcp/1", &["IP addresses"]),
                ("--listen", "/ip4/127.0.0.1/udp/1", &["quic-v1"]),
                ("--listen", &own, &["leave out /p2p"]),
                ("--listen", &circuit, &["--relay"]),
            ],
        );
    }
}

#[test]
fn what_is_verified_is_well_formed() {
    let signature = "ab".repeat(64);
    let verify = ["verify", "--message", "m"];
    let signed = [&verify[..], &["--signature", &signature]].concat();
    let (whole, prefixed) = (KEY, format!("0x{X}"));
    table(
        &signed,
        &[
            ("--key", NO_X, &["no point of the curve"]),
            ("--key", whole, &["33 bytes", "leave out the first two digits"]),
            ("--key", &prefixed, &["0x"]),
            ("--key", "", &["0 bytes", "64 digits"]),
            ("--key", &X[2..], &["31 bytes", "64 digits"]),
            ("--key", &X[1..], &["63 digits", "a byte has two"]),
            ("--key", &X.replace('a', "g"), &["character 6", "'g'"]),
        ],
    );
    table(
        &[&verify[..], &["--key", X]].concat(),
        &[
            ("--signature", &signature[2..], &["63 bytes", "128 digits"]),
            ("--signature", X, &["32 bytes", "128 digits"]),
            ("--signature", &format!("0x{signature}"), &["0x"]),
            ("--signature", "", &["0 bytes", "128 digits"]),
        ],
    );
}

#[test]
fn a_signer_does_not_ask_itself() {
    let scene = Scene::new();
    let own = scene.run(&["key", "new", "--key-file", "own.key", "--json"]).expect(0).last("key");
    let own = own["signer"].as_str().unwrap();
    let sign = ["sign", "--key", "own.key", "--message", "m", "--listen", "/ip4/127.0.0.1/tcp/0", "--with"];
    refused(&scene, &[&sign[..], &[own]].concat(), &["--with", own, "itself"]);
    refused(&scene, &[&sign[..], &[&format!("alice,{own}")]].concat(), &["--with", own, "itself"]);
    refused(&scene, &[&sign[..], &["alice", "--nickname", "alice"]].concat(), &["--with", "alice", "itself"]);
}

#[test]
fn a_signer_that_is_named_by_its_key_and_by_its_nickname_is_named_twice() {
    let scene = Scene::new();
    let alice = scene.name("alice");
    let mut other = scene.start(&["run", "--dev", &alice, "--auto-approve", "--json"]);
    let key = other.event("ready")["signer"].as_str().unwrap().to_owned();
    let with = format!("{alice},{key}");
    let sign = ["sign", "--dev", "asker", "--with", &with, "--message", "m", "--find-timeout", "90s", "--json"];
    let ended = scene.run(&sign).expect(2);
    for word in ["--with", &alice, &key, "one signer"] {
        assert!(ended.errors.contains(word), "{word}\n{}", ended.errors);
    }
}

#[test]
fn spaces_in_a_list_are_not_part_of_names() {
    let scene = Scene::new();
    let (alice, bob) = (scene.name("alice"), scene.name("bob"));
    let run = |name: &str| scene.start(&["run", "--dev", name, "--auto-approve", "--json"]);
    let _others = [run(&alice), run(&bob)];
    let with = format!("{alice}, {bob} ");
    let sign = ["sign", "--dev", "asker", "--with", &with, "--message", "m", "--find-timeout", "90s", "--json"];
    scene.run(&sign).expect(0).last("result");
}

#[test]
fn a_filter_of_logs_that_is_none_is_refused() {
    let scene = Scene::new();
    for filter in ["motet_node=loud", "a=b=c", "[", "debug,=x"] {
        let ended = scene.start_with(&["run", "--dev", "a", "--json"], &[("MOTET_LOG", filter)]).wait().expect(2);
        assert!(ended.output.is_empty(), "{}", ended.told(""));
        assert!(ended.errors.contains("MOTET_LOG") && ended.errors.contains("such as debug"), "{}", ended.errors);
    }
}
