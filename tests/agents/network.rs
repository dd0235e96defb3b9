//! Hosts in network namespaces, behind a switch that drops packets by rules. Needs root, iproute2 and nftables; nothing
//! outside the namespaces changes.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};

use super::process::{Process, swimlab};

/// Hosts on one switch.
pub struct Network {
    /// Prefix of the names of its namespaces.
    prefix: String,
    hosts: usize,
}

impl Network {
    /// Sets up hosts, numbered from 0. `None`: network namespaces are not permitted here; that is printed.
    pub fn new(hosts: usize) -> Option<Self> {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let this = Self { prefix: format!("swimlab-{}-{number}", std::process::id()), hosts };
        match this.build() {
            Ok(()) => Some(this),
            Err(why) => {
                // Past the test harness, which keeps what passing tests print to itself.
                let _ = writeln!(std::io::stderr(), "SKIPPED: no network namespaces here: {why}");
                None
            }
        }
    }

    /// Address at which a host's member listens.
    pub fn addr(host: usize) -> String {
        format!("10.77.0.{}:7946", host + 1)
    }

    /// Starts an agent on each host; all join through the first two.
    pub fn agents(&self, dir: &Path, args: &[&str]) -> Vec<Process> {
        (0..self.hosts).map(|host| self.agent(dir, host, args)).collect()
    }

    /// Starts an agent on a host.
    pub fn agent(&self, dir: &Path, host: usize, args: &[&str]) -> Process {
        let (bind, seeds) = (Self::addr(host), [Self::addr(0), Self::addr(1)].join(","));
        let all = [&["--bind", &bind, "--join", &seeds], args].concat();
        self.agent_with_hosts(dir, host, Path::new("/etc/hosts"), &all)
    }

    /// Starts an agent on a host whose `/etc/hosts` is this file, which may be changed later.
    pub fn agent_with_hosts(&self, dir: &Path, host: usize, hosts: &Path, args: &[&str]) -> Process {
        let name = format!("p{host}");
        let socket = dir.join(format!("{name}.sock"));
        let mut command = Command::new("ip");
        // The mount is seen by this process only: `ip netns exec` gives it a mount namespace.
        let script = r#"mount --bind "$0" /etc/hosts && exec "$@""#;
        command.args(["netns", "exec", &self.host(host), "sh", "-c", script]).arg(hosts).arg(swimlab().get_program());
        command.args(["agent", "--format", "json", "--name", &name]).arg("--socket").arg(&socket).args(args);
        Process::run(command, &name, socket).unwrap_or_else(|output| panic!("{output:?}"))
    }

    /// Configures a host with a command of `ip`.
    pub fn configure(&self, host: usize, args: &str) {
        ip(&format!("-n {} {args}", self.host(host))).unwrap();
    }

    /// Lets the switch drop packets by these rules, in nftables' language, in place of earlier ones. Host 3 is behind its
    /// port `p3`.
    pub fn lose(&self, rules: &[&str]) {
        let rules = rules.join("\n");
        let text = format!(
            "add table bridge faults\ndelete table bridge faults\ntable bridge faults {{ chain forward {{\n\
             type filter hook forward priority 0;\n{rules}\n}}\n}}\n"
        );
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &self.switch(), "nft", "-f", "-"]);
        run(&mut command, &text).unwrap();
    }

    fn build(&self) -> Result<(), String> {
        let switch = self.switch();
        run(Command::new("ip").args(["netns", "add", &switch]), "")?;
        ip(&format!("-n {switch} link add switch type bridge"))?;
        ip(&format!("-n {switch} link set switch up"))?;
        run(Command::new("ip").args(["netns", "exec", &switch, "nft", "list", "ruleset"]), "")?;
        for number in 0..self.hosts {
            let host = self.host(number);
            ip(&format!("netns add {host}"))?;
            ip(&format!("-n {switch} link add p{number} type veth peer name eth0 netns {host}"))?;
            ip(&format!("-n {switch} link set p{number} master switch up"))?;
            ip(&format!("-n {host} addr add 10.77.0.{}/24 dev eth0", number + 1))?;
            ip(&format!("-n {host} link set eth0 up"))?;
            ip(&format!("-n {host} link set lo up"))?;
        }
        Ok(())
    }

    fn switch(&self) -> String {
        format!("{}-s", self.prefix)
    }

    fn host(&self, number: usize) -> String {
        format!("{}-{number}", self.prefix)
    }
}

impl Drop for Network {
    fn drop(&mut self) {
        let hosts = (0..self.hosts).map(|number| self.host(number));
        for namespace in hosts.chain([self.switch()]) {
            let _ = run(Command::new("ip").args(["netns", "del", &namespace]), "");
        }
    }
}

fn ip(args: &str) -> Result<(), String> {
    run(Command::new("ip").args(args.split(' ')), "")
}

/// Runs a command to its end, with this as its input.
fn run(command: &mut Command, input: &str) -> Result<(), String> {
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped()).spawn();
    let child = child.as_mut().map_err(|error| format!("{:?}: {error}", command.get_program()))?;
    let _ = child.stdin.take().expect("it is piped").write_all(input.as_bytes());
    let mut complaint = String::new();
    let _ = std::io::Read::read_to_string(&mut child.stderr.take().expect("it is piped"), &mut complaint);
    let status = child.wait().map_err(|error| error.to_string())?;
    if status.success() { Ok(()) } else { Err(complaint.trim().to_owned()) }
}
