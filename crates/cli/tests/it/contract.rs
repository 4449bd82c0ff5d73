//! The API against a tester that makes calls of its document by itself: schemathesis. Every answer has to be one of the document, none may be
//! a failure of the server but those that say what is missing, and no route answers without the token.

use std::path::Path;
use std::process::{Command, Stdio};

use crate::api::{Signer, text};
use crate::lab::skip;
use crate::process::{MOTET, Scene};

/// Answers that are no failure of the server: nobody to ask, no further keys.
const CONFIG: &str = "[checks]\nnot_a_server_error.expected-statuses = [\"2xx\", \"3xx\", \"4xx\", \"501\", \"503\"]\n";
/// Routes without an end, and the one that ends the signer.
const LEFT_OUT: [&str; 3] = ["/v1/halt", "/v1/events", "/v1/applications/{application}/messages"];

/// The tester, from this machine or the folder of the build; none, said on standard error, where it is missing.
fn schemathesis() -> Option<String> {
    let built = Path::new(MOTET).ancestors().nth(2).unwrap().join("schemathesis/bin/schemathesis");
    let places = ["schemathesis".to_owned(), built.to_str().unwrap().to_owned()];
    let runs =
        |program: &String| Command::new(program).arg("--version").output().is_ok_and(|ended| ended.status.success());
    let found = places.into_iter().find(runs);
    if found.is_none() {
        skip("schemathesis is missing (pip install schemathesis)");
    }
    found
}

#[test]
fn the_api_keeps_its_contract_whatever_it_is_asked() {
    let Some(tester) = schemathesis() else { return };
    let scene = Scene::new();
    let alice = Signer::start(&scene, "alice", &["--api", "127.0.0.1:0", "--auto-approve"]);
    let status = alice.told(&scene, &["status"])[0].clone();
    let token = std::fs::read_to_string(Path::new(&alice.folder).join("api.token")).unwrap();
    std::fs::write(scene.path("schemathesis.toml"), CONFIG).unwrap();
    let document = format!("http://{}/openapi.json", text(&status, "api"));
    let authorization = format!("Authorization: Bearer {}", token.trim());
    let checks =
        "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance,ignored_auth";
    let mut command = Command::new(tester);
    command.args(["--config-file", "schemathesis.toml", "run", &document, "--header", &authorization]);
    command.args(["--checks", checks, "--phases", "examples,coverage,fuzzing", "--max-examples", "10"]);
    command.args(["--seed", "1", "--workers", "2", "--request-timeout", "100", "--no-shrink", "--no-color"]);
    command.args(LEFT_OUT.iter().flat_map(|path| ["--exclude-path", path]));
    let ended = command.current_dir(scene.folder()).stdin(Stdio::null()).output().unwrap();
    let told = String::from_utf8_lossy(&ended.stdout);
    assert!(ended.status.success(), "{told}\n{}", String::from_utf8_lossy(&ended.stderr));
    // The signer is as well as before.
    alice.call(&scene, &["status"]).expect(0);
}
