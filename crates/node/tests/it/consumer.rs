//! A wallet behind an HTTP interface: it knows motet-node and serde_json, drives one session, and hands on all that it hears as JSON.

use std::time::Duration;

use motet_node::event::{Completed, Event};
use motet_node::policy::ApproveAll;
use motet_node::{
    CallError, Config, Derivation, Difficulty, Item, Keypair, LocalSigner, MemoryStore, NetConfig, NetworkId, Node,
    OsEntropy, RequestId, RequestMetadata, RequestOptions, SecretKey, SessionStatus, SigningRequestSpec,
};
use serde_json::{Value, json};

/// What `GET /sessions/REQUEST` answers.
async fn session(node: &Node, request: &str) -> (u16, Value) {
    let Ok(request) = serde_json::from_value::<RequestId>(json!(request)) else { return (400, Value::Null) };
    match node.session_status(request).await {
        Ok(status) => (200, serde_json::to_value(status).unwrap()),
        Err(error @ CallError::Command(_)) => (404, serde_json::to_value(error).unwrap()),
        Err(error) => (500, serde_json::to_value(error).unwrap()),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_and_all_that_is_told_of_it_go_over_http_as_json() {
    let keys = [(); 2].map(|()| SecretKey::generate(&mut OsEntropy).unwrap());
    let signers = keys.each_ref().map(SecretKey::public_key);
    let net = NetConfig::local(NetworkId::new("consumer").unwrap(), Keypair::generate());
    let mut builder = Node::builder(net).store(MemoryStore::default()).policy(ApproveAll);
    builder = builder.config(Config::default().difficulty(Difficulty(0)));
    for key in keys {
        builder = builder.signer(LocalSigner::new(key, OsEntropy));
    }
    let (node, mut events) = builder.start().await.unwrap();
    let asked = SigningRequestSpec {
        creator: signers[0],
        keys: signers.to_vec(),
        items: vec![Item { message: b"rent".to_vec(), derivation: Derivation::None }],
        options: RequestOptions::default(),
        metadata: RequestMetadata::default(),
        lifetime: Duration::from_secs(60),
    };
    let (request, keys) = node.announce_signing_request(asked).await.unwrap();
    let id = request.to_string();

    let mut told = Vec::new();
    loop {
        let event = events.next().await.unwrap().unwrap();
        let value = serde_json::to_value(&event).unwrap();
        assert_eq!(value["event"], event.name());
        assert!(value.get("request").is_none_or(|request| request == id.as_str()), "{value}");
        told.push(value);
        if matches!(event, Event::SessionComplete(_)) {
            break;
        }
    }
    for name in ["Listening", "SigningRequestCreated", "ParticipantJoined", "SessionReady", "PartialSigReceived"] {
        assert!(told.iter().any(|value| value["event"] == name), "{name} is missing");
    }
    let done = told.last().unwrap();
    assert_eq!(done["items"][0]["aggregate_key"], keys[0].to_string());
    assert_eq!(done["items"][0]["message"], "72656e74");

    let (code, status) = session(&node, &id).await;
    assert_eq!((code, &status["phase"], &status["end"]), (200, &json!("complete"), &Value::Null));
    assert_eq!(status["signers"], json!(signers.map(|signer| signer.to_string())));
    assert_eq!(status["items"][0]["message"], "72656e74");
    assert_eq!(status["signatures"][0], done["items"][0]["signature"]);
    // Whoever fetches it has the same types, and the same signatures.
    let fetched: SessionStatus = serde_json::from_value(status).unwrap();
    let results: Vec<Completed> =
        serde_json::from_value(serde_json::to_value(node.results().await.unwrap()).unwrap()).unwrap();
    assert_eq!(fetched.completed(), results.into_iter().next());

    let (code, error) = session(&node, &"00".repeat(32)).await;
    assert_eq!((code, &error["code"]), (404, &json!("unknown_request")));
    assert_eq!(session(&node, "nonsense").await.0, 400);
    node.stop().await;
    let (code, error) = session(&node, &id).await;
    assert_eq!((code, &error["code"]), (500, &json!("stopped")));
}
