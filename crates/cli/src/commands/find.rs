//! `motet find`: which signers are there?

use core::time::Duration;
use std::sync::Arc;

use motet_coordinator::node::Clock;
use motet_coordinator::{DeclineAll, Wishes};
use motet_wire::SignerAdvertisement;
use serde_json::json;

use crate::args::FindArgs;
use crate::exit::{Exit, Failed};
use crate::output::{Format, Output};
use crate::peer_node::PeerNode;
use crate::text;

/// How often the search is repeated.
pub(crate) const PAUSE: Duration = Duration::from_millis(250);

pub(crate) async fn run(args: FindArgs) -> Result<Exit, Failed> {
    let output = Output::new(Format::of(args.node.json), Clock::start().now().mono);
    let node = PeerNode::start(&args.node, Arc::new(DeclineAll), |_| Ok(())).await?;
    output.say(&format!("looking for signers, at most {:?} …", args.timeout));
    let search = async {
        loop {
            node.meet().await;
            let wishes = Wishes {
                transaction_type: args.transaction_type.clone(),
                amount: args.amount,
                nickname: None,
                min_score: None,
                max_results: 0,
            };
            let found = node.handle.find_available_signers(wishes).await.map_err(Failed::here)?;
            if found.len() >= args.count {
                return Ok::<_, Failed>(found);
            }
            tokio::time::sleep(PAUSE).await;
        }
    };
    let found = tokio::time::timeout(args.timeout, search).await;
    node.handle.stop().await;
    let Ok(found) = found else {
        let failed = Failed::new(Exit::NotFound, format!("fewer than {} such signers were found", args.count));
        return Err(failed.hint("check that they run, on the same network, and that a node is named with --peer"));
    };
    for signer in found? {
        show(&output, &signer)?;
    }
    Ok(Exit::Success)
}

fn show(output: &Output, offer: &SignerAdvertisement) -> Result<(), Failed> {
    let signer = offer.delegation.signer.to_string();
    let nickname = &offer.metadata.nickname;
    let object = json!({
        "event": "signer", "signer": signer, "nickname": nickname, "fee": offer.metadata.fee,
        "types": offer.criteria.transaction_types, "min_amount": offer.criteria.min_amount,
        "max_amount": offer.criteria.max_amount, "peer": offer.delegation.peer.to_string(),
    });
    let types = if offer.criteria.transaction_types.is_empty() {
        "anything".to_owned()
    } else {
        offer.criteria.transaction_types.iter().map(|name| text::nickname(name)).collect::<Vec<_>>().join(", ")
    };
    output.result(&format!("{signer}  {:<16} signs {types}", text::nickname(nickname)), &object)
}
