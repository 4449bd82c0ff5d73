//! The page in a browser: a person sees what waits, approves it by the keyboard, and has the signature. Real signers, a real browser.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::api::{Signer, answer, post, text};
use crate::browser::{Browser, ENTER, TAB};
use crate::process::Scene;
use crate::requests::{member, request, treasury};
use crate::treasury::accepted;

/// Code that changes the title if any of it is taken for markup or run.
const HOSTILE: &str = "<img src=x onerror=\"document.title='taken'\"><script>document.title='taken'</script>\u{202e}";
const AXE: &str = include_str!("../axe/axe.min.js");

/// A signer with a page, and its address and token.
struct Shown {
    signer: Signer,
    address: String,
    token: String,
}

fn shown(scene: &Scene, more: &[&str]) -> Shown {
    let signer = Signer::start(scene, "alice", &[&["--api", "127.0.0.1:0"], more].concat());
    let status = signer.told(scene, &["status"])[0].clone();
    let token = std::fs::read_to_string(Path::new(&signer.folder).join("api.token")).unwrap();
    Shown { signer, address: format!("http://{}/", text(&status, "api")), token: token.trim().to_owned() }
}

impl Shown {
    /// Opens the page with the token in its address.
    fn open(&self, browser: &Browser) {
        browser.open(&format!("{}#token={}", self.address, self.token));
        browser.until("document.getElementById('link').dataset.state === 'on'");
    }

    fn key(&self, scene: &Scene) -> String {
        self.signer.told(scene, &["status"])[0]["signers"][0].as_str().unwrap().to_owned()
    }
}

/// A signer that asks over its own API, with texts that would like to be markup. The id of the request.
fn hostile(scene: &Scene, alice: &Shown) -> (Signer, Value) {
    let mut bob = Signer::start(scene, "<b>bob</b>", &["--auto-approve"]);
    bob.motet.output_line(&alice.signer.name);
    let sign = json!({
        "with": [alice.key(scene)], "messages": [{"text": format!("{HOSTILE}pay")}], "description": HOSTILE, "amount": 5, "join_timeout_ms": 600_000,
    });
    let (status, announced) = answer(&mut bob.unix(), &post("/v1/sign", &sign.to_string()));
    assert_eq!(status, 201, "{announced}");
    (bob, announced)
}

#[test]
fn a_person_approves_by_the_keyboard_and_has_the_signature() {
    let Some(browser) = Browser::start() else { return };
    let scene = Scene::new();
    let alice = shown(&scene, &["--keep-results"]);
    alice.open(&browser);
    // The token is neither in the address nor in the history.
    assert_eq!(browser.value("location.href"), alice.address.as_str());
    let (bob, announced) = hostile(&scene, &alice);
    let id = text(&announced, "request");
    browser.until("document.querySelectorAll('#waiting-list article').length === 1");
    browser.until("document.getElementById('said').textContent.includes('waits for your approval')");
    let waiting = alice.signer.told(&scene, &["requests"])[0].clone();
    // What is shown is what the API says, and strangers' texts are texts.
    let lines = browser.value("document.querySelector('#waiting-list .lines-of-text').innerText");
    assert_eq!(lines.as_str().unwrap().trim(), text(&waiting, "text").trim());
    let all = browser.value("document.getElementById('waiting-list').innerText");
    let all = all.as_str().unwrap();
    assert!(all.contains(text(&waiting, "digest")) && all.contains("<script>") && all.contains("\\u{202e}"), "{all}");
    assert!(!all.contains('\u{202e}'), "{all:?}");
    browser.until("document.querySelector('#waiting-list .asker').textContent.includes('<b>bob</b>')");
    assert_eq!(browser.value("document.querySelectorAll('main img, main script, main b:not(.events b)').length"), 0);
    browser.tab_to("Approve…");
    browser.press(&ENTER.to_string());
    browser.until("document.getElementById('approve-dialog').open");
    assert_eq!(browser.value("document.getElementById('approve-digest').textContent"), waiting["digest"]);
    browser.tab_to("Sign");
    browser.press(&ENTER.to_string());
    browser.until("document.querySelector('#sessions-list [data-phase=complete]')");
    browser.until("document.querySelectorAll('#waiting-list article').length === 0");
    browser.until("document.querySelectorAll('#sessions-list td[data-state=done]').length === 8");
    browser.until("document.querySelectorAll('#results-list li').length === 1");
    let digits = browser.value("[...document.querySelectorAll('#results-list code')].map((code) => code.textContent)");
    let (signature, key) = (digits[0].as_str().unwrap(), digits[1].as_str().unwrap());
    let message = hex::encode(format!("{HOSTILE}pay"));
    scene.run(&["verify", "--key", key, "--message-hex", &message, "--signature", signature]).expect(0);
    assert_eq!(bob.told(&scene, &["result", id, "--wait", "60s"])[0]["items"][0]["signature"], signature);
    // The history is the signer's, so that it is there when the page is opened again.
    browser.run("location.reload();");
    browser.until("document.getElementById('activity').textContent.includes('1 signed, 0 without signatures')");
    assert_ne!(browser.value("document.title"), "taken");
}

#[test]
fn a_payment_of_a_group_is_shown_with_outputs_change_and_fee_and_is_signed() {
    let Some(browser) = Browser::start() else { return };
    let (people, psbt) = treasury(&["alice", "bob"]);
    let scene = &people.scene;
    let (_bob, address) = member(scene, "bob", &["--api", "127.0.0.1:0"]);
    let told = |words: &[&str]| -> Value {
        let ended = scene.run(&[words, &["--key", "bob.key", "--json"]].concat()).expect(0);
        serde_json::from_str(&ended.output[0]).unwrap()
    };
    let token = std::fs::read_to_string(scene.path("bob.key.motet/api.token")).unwrap();
    browser.open(&format!("http://{}/#token={}", text(&told(&["status"]), "api"), token.trim()));
    browser.until("document.getElementById('link').dataset.state === 'on'");
    let inspect = ["psbt", "inspect", "pay.psbt", "--group", "treasury", "--groups", "alice.groups", "--json"];
    let shown = scene.run(&inspect).expect(0).last("transaction");
    let alice = scene.start(&request(&["--peer", &address, "--approve", text(&shown, "approval")]));
    browser.until("document.querySelectorAll('#waiting-list article').length === 1");
    let waiting = told(&["requests"]);
    let card = browser.value("document.getElementById('waiting-list').innerText");
    let card = card.as_str().unwrap();
    // The amount that leaves the group, the change, the fee and its rate, and the approval that members compare.
    for words in [
        "Payment: 70\u{202f}000 sat leave the group \"treasury\"",
        "output 1   0.00030000 BTC  change, 1/0 of the group",
        "fee        0.00010000 BTC",
        "sat/vB",
        text(&shown, "approval"),
        text(&waiting, "digest"),
    ] {
        assert!(card.contains(words), "{words}\n{card}");
    }
    // The whole address of the stranger that is paid, in groups of four.
    let payee = format!("output00.00060000BTC{}", shown["outputs"][0]["address"].as_str().unwrap());
    assert!(card.split_whitespace().collect::<String>().contains(&payee), "{payee}\n{card}");
    is_usable(&browser, "a payment");
    browser.tab_to("Approve…");
    browser.press(&ENTER.to_string());
    browser.until("document.getElementById('approve-dialog').open");
    let asked = browser.value("document.getElementById('approve-lines').innerText");
    assert_eq!(asked.as_str().unwrap().trim(), text(&waiting, "text").trim());
    browser.tab_to("Sign");
    browser.press(&ENTER.to_string());
    browser.until("document.querySelector('#sessions-list [data-phase=complete]')");
    let raw = alice.wait().expect(0).last("raw_transaction");
    accepted(text(&raw, "transaction"), &psbt);
    assert_eq!(raw["txid"], shown["txid"]);
}

#[test]
fn a_refusal_has_a_reason_and_a_wrong_token_a_clear_message() {
    let Some(browser) = Browser::start() else { return };
    let scene = Scene::new();
    let alice = shown(&scene, &[]);
    browser.open(&alice.address);
    browser.until("!document.getElementById('login').hidden && document.activeElement.id === 'token'");
    assert_eq!(browser.value("document.getElementById('login-problem').textContent"), "");
    browser.press(&format!("{}{ENTER}", "0".repeat(64)));
    browser.until("document.getElementById('login-problem').textContent === 'This is not the token of this signer.'");
    assert_eq!(browser.value("sessionStorage.getItem('motet.token')"), Value::Null);
    browser.press(&format!("{}{ENTER}", alice.token));
    browser.until("document.getElementById('link').dataset.state === 'on'");
    let asked =
        scene.start(&["sign", "--dev", &scene.name("bob"), "--with", &alice.signer.name, "--message", "m", "--json"]);
    browser.until("document.querySelectorAll('#waiting-list article').length === 1");
    browser.tab_to("Decline…");
    browser.press(&ENTER.to_string());
    browser.until("document.activeElement.id === 'reason'");
    browser.press(&format!("not today{ENTER}"));
    assert_eq!(asked.wait().expect(5).last("ParticipantDeclined")["reason"], "not today");
    browser.until("document.querySelector('#sessions-list [data-phase=aborted]')");
    // Without its token the page shows nothing of the signer any more.
    browser.run("document.getElementById('leave').click();");
    browser.until("!document.getElementById('login').hidden");
    assert_eq!(browser.value("[sessionStorage.length, document.querySelectorAll('article').length]"), json!([0, 0]));
}

#[test]
fn the_page_goes_on_after_a_restart_of_the_signer() {
    let Some(browser) = Browser::start() else { return };
    let scene = Scene::new();
    scene.run(&["key", "new", "--key-file", "a.key"]).expect(0);
    let net = ["run", "--key", "a.key", "--network", "dev", "--listen", "/ip4/127.0.0.1/tcp/0", "--json", "--api"];
    let start = |address: &str| {
        let mut motet = scene.start_reading(std::process::Stdio::null(), &[&net[..], &[address]].concat());
        motet.event("SignerAdvertised");
        let status = scene.run(&["status", "--key", "a.key", "--json"]).expect(0);
        let status: Value = serde_json::from_str(&status.output[0]).unwrap();
        (motet, text(&status, "api").to_owned())
    };
    let (mut alice, address) = start("127.0.0.1:0");
    let token = std::fs::read_to_string(scene.path("a.key.motet").join("api.token")).unwrap();
    browser.open(&format!("http://{address}/#token={}", token.trim()));
    browser.until("document.getElementById('link').dataset.state === 'on'");
    alice.signal("TERM");
    alice.wait().expect(0);
    browser.until("document.getElementById('link').dataset.state === 'waiting'");
    let _alice = start(&address);
    browser.until("document.getElementById('link').dataset.state === 'on'");
    browser.until("document.getElementById('events-list').textContent.includes('lost')");
}

/// Checks the page as it stands: for people with a screen reader or a keyboard, and that nothing is wider than the window.
fn is_usable(browser: &Browser, what: &str) {
    browser.run(AXE);
    let tags = "['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice']";
    let run = format!("axe.run(document, {{runOnly: {{type: 'tag', values: {tags}}}, resultTypes: ['violations']}})");
    let found = browser.promised(&format!(
        "{run}.then(({{violations, passes}}) => ({{passes: passes.length, violations: violations.map(({{id, help, nodes}}) => [id, help, nodes.map(({{html}}) => html)])}}))"
    ));
    assert_eq!(found["violations"], json!([]), "{what}: {found}");
    assert!(found["passes"].as_u64().is_some_and(|passes| passes > 10), "{what}: {found}");
    let wider = browser.value("document.documentElement.scrollWidth - document.documentElement.clientWidth");
    assert_eq!(wider, 0, "{what}: wider than the window");
}

/// The folder for pictures of the page, if they are to be made anew (`MOTET_BLESS=1`).
fn pictures() -> Option<PathBuf> {
    std::env::var_os("MOTET_BLESS")?;
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/images");
    std::fs::create_dir_all(&folder).unwrap();
    Some(folder)
}

#[test]
fn everybody_can_use_the_page_on_wide_and_narrow_screens_light_and_dark() {
    let Some(browser) = Browser::start() else { return };
    let scene = Scene::new();
    let mut alice = shown(&scene, &[]);
    browser.open(&alice.address);
    browser.until("!document.getElementById('login').hidden");
    is_usable(&browser, "the question for the token");
    alice.open(&browser);
    // One session that is complete, and one that waits.
    let first = scene.start(&[
        "sign",
        "--dev",
        &scene.name("carol"),
        "--with",
        &alice.signer.name,
        "--message",
        "Minutes of 29 November",
        "--json",
    ]);
    alice.signer.approve(&scene);
    first.wait().expect(0);
    let mut bob = Signer::start(&scene, "bob", &["--auto-approve"]);
    bob.motet.output_line(&alice.signer.name);
    let sign = json!({
        "with": [alice.key(&scene)], "messages": [{"text": "Lease of the workshop, 2027 to 2029"}], "description": "as agreed on Friday",
        "type": "contract", "join_timeout_ms": 600_000,
    });
    assert_eq!(answer(&mut bob.unix(), &post("/v1/sign", &sign.to_string())).0, 201);
    browser.until("document.querySelectorAll('#waiting-list article').length === 1");
    browser.until("document.querySelector('#sessions-list [data-phase=complete]')");
    browser.until("document.getElementById('activity').textContent.includes('1 signed, 0 without signatures')");
    assert_eq!(browser.value("document.querySelectorAll('#activity svg').length"), 2);
    for (width, height) in [(1280, 1000), (390, 844)] {
        for scheme in ["light", "dark"] {
            browser.look(width, height, scheme);
            is_usable(&browser, &format!("{width} pixels, {scheme}"));
            if let Some(folder) = pictures() {
                browser.picture(&folder.join(format!("page-{width}-{scheme}.png")));
            }
        }
    }
    browser.tab_to("Approve…");
    browser.press(&ENTER.to_string());
    browser.until("document.getElementById('approve-dialog').open");
    is_usable(&browser, "the question before a signature");
    browser.press(&format!("{TAB}{ENTER}"));
}
