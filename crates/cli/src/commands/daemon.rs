//! The commands that speak to a running signer over its API.

mod answers;
pub(super) mod call;
mod keys;
mod node;
mod offer;
mod screen;
mod sessions;
mod stats;
mod watch;

use crate::args::DaemonCommand;
use crate::exit::{Exit, Failed};

pub(crate) async fn run(command: DaemonCommand) -> Result<Exit, Failed> {
    match command {
        DaemonCommand::Requests(called) => answers::list(&called).await,
        DaemonCommand::Approve(args) => answers::approve(args).await,
        DaemonCommand::Decline(args) => answers::decline(args).await,
        DaemonCommand::Sessions(called) => sessions::list(&called).await,
        DaemonCommand::Show(args) => sessions::show(&args).await,
        DaemonCommand::Watch(args) if screen::fits(&args) => screen::run(&args).await,
        DaemonCommand::Watch(args) => watch::run(args).await,
        DaemonCommand::Result(args) => sessions::result(&args).await,
        DaemonCommand::Abort(args) => sessions::abort(args).await,
        DaemonCommand::Retry(args) => sessions::retry(args).await,
        DaemonCommand::Status(called) => node::status(&called).await,
        DaemonCommand::Peers(called) => node::peers(&called).await,
        DaemonCommand::Log(args) => node::log(args).await,
        DaemonCommand::Stats(called) => stats::run(&called).await,
        DaemonCommand::Advertise(args) => offer::advertise(args).await,
        DaemonCommand::Withdraw(args) => offer::withdraw(args).await,
        DaemonCommand::Lock(called) => keys::lock(&called).await,
        DaemonCommand::Unlock(args) => keys::unlock(args).await,
        DaemonCommand::Halt(called) => node::halt(&called).await,
    }
}
