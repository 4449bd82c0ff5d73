//! A small internet of network namespaces: hosts, links between them, and routers that translate addresses.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Child, Command, Stdio};

use crate::process::{Motet, Scene};

/// A machine of its own, as far as networks are concerned. It ends with its value.
pub(crate) struct Host(Child);

/// The rules of a router's address translation.
#[derive(Clone, Copy)]
pub(crate) enum Nat {
    /// A connection keeps its port where that is free, as most home routers do: holes can be punched.
    KeepsPorts,
    /// Each connection gets a port of its own at random: holes cannot be punched.
    RandomPorts,
}

/// Says why a test is skipped.
pub(crate) fn skip(why: &str) {
    let _ = writeln!(std::io::stderr(), "skipped: {why}");
}

impl Host {
    /// A host without links; `None`, said on standard error, where none can be made.
    pub(crate) fn new() -> Option<Self> {
        let mut command = Command::new("unshare");
        command.args(["--net", "sh", "-c", "ip link set lo up && echo ready && exec cat"]);
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn();
        let mut said = String::new();
        let host = child.ok().and_then(|mut child| {
            BufReader::new(child.stdout.take()?).read_line(&mut said).ok()?;
            Some(Self(child))
        });
        if said.trim() != "ready" {
            skip("no network namespace can be made here (it needs rights, and iproute2)");
            return None;
        }
        host
    }

    fn program(&self) -> Vec<String> {
        ["nsenter", "--net", "--target", &self.0.id().to_string()].map(ToOwned::to_owned).into()
    }

    /// Runs a script of the shell there. True if it succeeds.
    pub(crate) fn succeeds(&self, script: &str) -> bool {
        let program = self.program();
        let (first, rest) = program.split_first().unwrap();
        let mut command = Command::new(first);
        command.args(rest).args(["sh", "-e", "-c", script]).stderr(Stdio::null()).stdout(Stdio::null());
        command.status().is_ok_and(|status| status.success())
    }

    /// Runs a script there that has to succeed.
    #[track_caller]
    pub(crate) fn does(&self, script: &str) {
        assert!(self.succeeds(script), "{script}");
    }

    /// A cable to another host: the names of its ends, and the address of each.
    pub(crate) fn link(&self, own: (&str, &str), other: &Self, its: (&str, &str)) {
        let ((name, address), (its_name, its_address)) = (own, its);
        self.does(&format!("ip link add {name} type veth peer name {its_name} netns {}", other.0.id()));
        for (host, name, address) in [(self, name, address), (other, its_name, its_address)] {
            host.does(&format!("ip addr add {address} dev {name} && ip link set {name} up"));
        }
    }

    /// Starts `motet` there.
    pub(crate) fn start(&self, scene: &Scene, arguments: &[&str], log: &str) -> Motet {
        let program = self.program();
        let (first, rest) = program.split_first().unwrap();
        let variable = format!("MOTET_LOG={log}");
        let under: Vec<&str> =
            rest.iter().map(String::as_str).chain(["env", &variable, crate::process::MOTET]).collect();
        scene.start_other(first, &[&under, arguments].concat())
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Two homes, each with a host behind a router, and the internet between them.
pub(crate) struct Homes {
    /// The internet, with a host at 192.0.2.1.
    pub(crate) internet: Host,
    /// The hosts behind the routers.
    pub(crate) hosts: [Host; 2],
    _routers: [Host; 2],
}

impl Homes {
    /// The homes; `None`, said on standard error, where they cannot be made.
    pub(crate) fn new(nat: Nat) -> Option<Self> {
        let internet = Host::new()?;
        internet.does("ip addr add 192.0.2.1/32 dev lo && echo 1 > /proc/sys/net/ipv4/ip_forward");
        let home = |number: u8, network: &str| {
            let (router, host) = (Host::new()?, Host::new()?);
            let (far, near) = (format!("{network}.1/24"), format!("{network}.2/24"));
            internet.link((&format!("home{number}"), &far), &router, ("wan", &near));
            let (inside, own) = (format!("10.{number}.0.1/24"), format!("10.{number}.0.2/24"));
            router.link(("lan", &inside), &host, ("eth0", &own));
            host.does(&format!("ip route add default via 10.{number}.0.1"));
            router.does(&format!("ip route add default via {network}.1 && echo 1 > /proc/sys/net/ipv4/ip_forward"));
            let ports = match nat {
                Nat::KeepsPorts => "",
                Nat::RandomPorts => "random",
            };
            // What nobody inside has asked for is dropped without a word.
            let rules = format!(
                "nft add table ip home
                 nft 'add chain ip home out {{ type nat hook postrouting priority 100; }}'
                 nft 'add rule ip home out oifname wan masquerade {ports}'
                 nft 'add chain ip home in {{ type filter hook input priority 0; }}'
                 nft 'add rule ip home in iifname wan ct state new,invalid drop'
                 nft 'add chain ip home through {{ type filter hook forward priority 0; }}'
                 nft 'add rule ip home through iifname wan ct state new,invalid drop'"
            );
            if !router.succeeds(&rules) {
                skip("no router can be made here (it needs nftables)");
                return None;
            }
            Some((router, host))
        };
        let (one, two) = (home(1, "203.0.113")?, home(2, "198.51.100")?);
        Some(Self { internet, hosts: [one.1, two.1], _routers: [one.0, two.0] })
    }
}
