//! A node under attack, in a process of its own, so that its time and memory are its own as well.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use motet_net::{Guard, Keypair, LocalGroups, Multiaddr, NetConfig, parse_address};
use motet_node::CatchUp;
use motet_wire::{NetworkId, ValidatorLimits};

use super::member::{Member, NETWORK};
use super::node::Sockets;
use super::process::Process;
use crate::session::group::{Failure, unlimited};

/// The limits to what others may do to a node.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Defence {
    /// Those of every node. Each /24 of loopback counts as a network.
    On,
    /// None.
    Off,
}

impl Defence {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Off, Self::On];

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Self::On => "on",
            Self::Off => "off",
        }
    }
}

/// Runs a node until the standard input ends. It prints its address, and for each line of the input the number of frames that it has looked at.
///
/// # Errors
///
/// Errors of the network.
pub async fn serve(defence: Defence) -> Result<(), Failure> {
    let mut net = NetConfig::local(NetworkId::new(NETWORK)?, Keypair::generate());
    net.listen = vec![Sockets::Tcp.listen()];
    let (guard, limits) = match defence {
        Defence::On => (Guard { local_groups: LocalGroups::Counted, ..Guard::default() }, ValidatorLimits::default()),
        Defence::Off => (Guard::off(), unlimited()),
    };
    net.guard = guard;
    let member = Member::of(net, CatchUp::On, limits).await?;
    member.node.subscribe_to_all_signers()?.keep();
    member.offer().await?;
    say(&member.address.to_string())?;
    while tokio::task::spawn_blocking(|| std::io::stdin().lines().next()).await?.transpose()?.is_some() {
        let frames = member.metric("motet_accepted_total").await? + member.metric("motet_rejected_total").await?;
        say(&frames.to_string())?;
    }
    member.node.stop().await;
    Ok(())
}

fn say(line: &str) -> Result<(), Failure> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}

/// A process in which [`serve`] runs: this program again, with the argument `--victim`.
#[derive(Debug)]
pub struct Victim {
    child: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
    /// Where the node is reached.
    pub address: Multiaddr,
    /// Its time and memory.
    pub process: Process,
}

impl Victim {
    /// Starts it.
    ///
    /// # Errors
    ///
    /// What the system or the network says.
    pub fn start(defence: Defence) -> Result<Self, Failure> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--victim", defence.name()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let process = Process::of_id(child.id());
        let asks = child.stdin.take().ok_or("no input")?;
        let mut answers = BufReader::new(child.stdout.take().ok_or("no output")?);
        let mut line = String::new();
        answers.read_line(&mut line)?;
        let address = parse_address(line.trim())?;
        Ok(Self { child, asks, answers, address, process })
    }

    /// The number of frames that it has looked at so far.
    ///
    /// # Errors
    ///
    /// If it has ended.
    pub fn frames(&mut self) -> Result<u64, Failure> {
        writeln!(self.asks)?;
        let mut line = String::new();
        self.answers.read_line(&mut line)?;
        Ok(line.trim().parse()?)
    }
}

impl Drop for Victim {
    fn drop(&mut self) {
        // It may have ended by itself.
        self.child.kill().ok();
        self.child.wait().ok();
    }
}
