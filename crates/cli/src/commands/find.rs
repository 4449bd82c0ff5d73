//! `motet find`: which signers are there?

use std::sync::Arc;

use motet_node::policy::DeclineAll;
use motet_node::{Clock, SignerQuery};
use motet_wire::SignerAdvertisement;
use serde_json::json;

use crate::args::{FindArgs, words};
use crate::exit::{Exit, Failed};
use crate::output::{Format, Output};
use crate::peer_node::PeerNode;
use crate::search::{explain, search};
use crate::text;

pub(crate) async fn run(args: FindArgs) -> Result<Exit, Failed> {
    let output = Output::new(Format::of(args.node.json), Clock::start().now().mono);
    let node = PeerNode::start(&args.node, Arc::new(DeclineAll), |_| Ok(())).await?;
    output.say(&format!("looking for signers, at most {} …", words(args.timeout)));
    let wishes =
        SignerQuery { transaction_type: args.transaction_type.clone(), amount: args.amount, ..SignerQuery::default() };
    let mut found = Vec::new();
    let look = |known: &[SignerAdvertisement]| {
        found = known.to_vec();
        Ok((found.len() >= args.count).then_some(()))
    };
    let enough = search(&node, &wishes, args.timeout, look).await?;
    let ended = match enough {
        Some(()) => Ok(Exit::Success),
        None => {
            let (count, time) = (found.len(), words(args.timeout));
            let what = format!("{count} of {} such signers were found within {time}", args.count);
            Err(explain(Failed::new(Exit::NotFound, what), &node).await)
        }
    };
    node.handle.stop().await;
    // The signers that were found are shown, even if they are too few.
    found.iter().try_for_each(|signer| show(&output, signer))?;
    ended
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
