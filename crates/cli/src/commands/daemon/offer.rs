//! `motet advertise`, `motet withdraw`: the offer of a running signer.

use motet_daemon::api::Advertise;
use serde_json::json;

use super::call::{client, explain, print};
use crate::args::{AdvertiseArgs, WithdrawArgs, words};
use crate::exit::{Exit, Failed};
use crate::output::Output;

pub(super) async fn advertise(args: AdvertiseArgs) -> Result<Exit, Failed> {
    let output = Output::without_node(args.called.json);
    if args.max_amount.is_some_and(|most| most < args.min_amount) {
        return Err(Failed::usage("--max-amount is smaller than --min-amount: nothing would be signed for"));
    }
    let offer = Advertise {
        signer: None,
        types: args.types,
        min_amount: args.min_amount,
        max_amount: args.max_amount,
        nickname: args.nickname.unwrap_or_default(),
        description: args.description.unwrap_or_default(),
        fee: args.fee,
        lifetime_ms: Some(u64::try_from(args.lifetime.as_millis()).unwrap_or(u64::MAX)),
    };
    let advertised = client(&args.called)?.advertise(&offer).await.map_err(|error| explain(&error))?;
    let line = format!("advertised for {}, and repeated until `motet withdraw`", words(args.lifetime));
    print(&output, &line, &advertised)?;
    Ok(Exit::Success)
}

pub(super) async fn withdraw(args: WithdrawArgs) -> Result<Exit, Failed> {
    let output = Output::without_node(args.called.json);
    let client = client(&args.called)?;
    let signers = client.status().await.map_err(|error| explain(&error))?.signers;
    for signer in &signers {
        client.withdraw(signer, args.reason.as_deref()).await.map_err(|error| explain(&error))?;
    }
    output.result("withdrawn: others find this signer no more", &json!({"done": true}))?;
    Ok(Exit::Success)
}
