//! `motet`: find signers, agree on a request, and make one BIP-340 signature together.

#[cfg(all(feature = "failpoints", not(debug_assertions)))]
compile_error!("the feature `failpoints` is for tests: build the released program without it");

mod api;
mod args;
mod asker;
mod backup_file;
mod commands;
mod config;
mod contact_book;
mod core_dumps;
mod counted;
mod data_folder;
mod exit;
mod files;
mod group_folder;
mod interrupt;
mod key_ring;
mod keystore;
mod known_group;
mod locked_keys;
mod log;
mod meeting_place;
mod names;
mod output;
mod passphrase;
mod peer_node;
mod policy_file;
mod prompt;
mod psbt_file;
mod qr;
mod running_signer;
mod search;
mod secret_file;
mod service_manager;
mod shares;
mod sheet;
mod signer_key;
mod text;
mod timeline;
mod user_folders;

use std::io::Write as _;
use std::process::ExitCode;

use args::{Cli, Command};
use exit::{Exit, Failed};
use interrupt::Interrupts;

fn main() -> ExitCode {
    let cli = match args::parse(std::env::args_os()) {
        Ok(cli) => cli,
        Err(error) => return answer(&error),
    };
    if let Err(error) = core_dumps::forbid() {
        output::note(&format!("the system may write this program's memory to a disk if it crashes: {error}"));
    }
    let ended = match log::start().and_then(|()| tokio::runtime::Runtime::new().map_err(Failed::here)) {
        Ok(runtime) => {
            let ended = runtime.block_on(perform(cli));
            // A question without an answer must not keep the process.
            runtime.shutdown_background();
            ended
        }
        Err(failed) => Err(failed),
    };
    prompt::hidden::show_again();
    match ended {
        Ok(exit) => exit.into(),
        Err(failed) => {
            output::complain(&failed);
            failed.exit.into()
        }
    }
}

/// Prints the mistake in the command line; or help or the version, which are results like others.
fn answer(error: &clap::Error) -> ExitCode {
    let written = error.print().and_then(|()| std::io::stdout().flush());
    match written {
        // If standard error takes nothing, the exit code has to do.
        _ if error.use_stderr() => Exit::Usage.into(),
        Ok(()) => Exit::Success.into(),
        Err(error) => {
            output::complain(&output::unwritten(error));
            Exit::Failure.into()
        }
    }
}

async fn perform(cli: Cli) -> Result<Exit, Failed> {
    files::outlive_limits().map_err(Failed::here)?;
    match cli.command {
        Command::Demo(args) => Interrupts::listen()?.unless(commands::demo::run(args)).await,
        Command::Keygen(args) => commands::key_file::make(&args.out, args.json),
        Command::Key(args) => commands::key::run(&args),
        Command::Run(args) => commands::run::run(args).await,
        Command::Node(args) => commands::node::run(args).await,
        Command::Find(args) => Interrupts::listen()?.unless(commands::find::run(args)).await,
        Command::Sign(args) => commands::sign::run(args).await,
        Command::Config(args) => commands::config::run(&args, cli.config.as_deref()),
        Command::Service(args) => commands::service::run(&args),
        Command::Completions(args) => commands::completions::run(&args),
        Command::Man(args) => commands::man::run(&args),
        Command::Verify(args) => commands::verify::run(&args),
        Command::Policy(args) => commands::policy::run(&args),
        Command::Evidence(args) => commands::evidence::run(&args).await,
        Command::Init(args) => commands::init::run(&args, cli.config.as_deref()),
        Command::Doctor(args) => commands::doctor::run(*args).await,
        Command::Backup(args) => commands::backup::run(args, cli.config.as_deref()).await,
        Command::Restore(args) => commands::restore::run(&args, cli.config.as_deref()),
        Command::Contact(args) => commands::contact::run(args).await,
        Command::Group(args) => commands::group::run(&args),
        Command::Message(args) => commands::message::run(args).await,
        Command::Psbt(args) => commands::psbt::run(args).await,
        Command::Daemon(command) => commands::daemon::run(command).await,
    }
}
