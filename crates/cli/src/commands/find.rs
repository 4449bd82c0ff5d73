//! `motet find`: which signers are there?

use motet_node::{Clock, SignerQuery};
use serde_json::json;

use crate::args::{FindArgs, words};
use crate::asker::{Asker, Offered};
use crate::exit::{Exit, Failed};
use crate::output::{Format, Output};
use crate::search::{explain, search};
use crate::text;

pub(crate) async fn run(args: FindArgs) -> Result<Exit, Failed> {
    let output = Output::new(Format::of(args.node.json), Clock::start().now().mono);
    let node = Asker::start(&args.node, |_| Ok(())).await?;
    output.say(&format!("looking for signers, at most {} …", words(args.timeout)));
    let wishes =
        SignerQuery { transaction_type: args.transaction_type.clone(), amount: args.amount, ..SignerQuery::default() };
    let mut found = Vec::new();
    let look = |known: &[Offered]| {
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
    node.stop().await;
    // The signers that were found are shown, even if they are too few.
    found.iter().try_for_each(|signer| show(&output, signer))?;
    ended
}

fn show(output: &Output, offer: &Offered) -> Result<(), Failed> {
    let Offered { signer, nickname, fee, types, min_amount, max_amount, peer } = offer;
    let object = json!({
        "event": "signer", "signer": signer, "nickname": nickname, "fee": fee, "types": types, "min_amount": min_amount,
        "max_amount": max_amount, "peer": peer,
    });
    let types = if types.is_empty() {
        "anything".to_owned()
    } else {
        types.iter().map(|name| text::nickname(name)).collect::<Vec<_>>().join(", ")
    };
    output.result(&format!("{signer}  {:<16} signs {types}", text::nickname(nickname)), &object)
}
