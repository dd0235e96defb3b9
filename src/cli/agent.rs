//! `swimlab agent`.

use std::io::{self, IsTerminal, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use serde_json::json;
use swimlab_selectors::{Location, ZonePath};
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tracing::level_filters::LevelFilter;

use super::Failed;
use super::client::default_socket;
use crate::agent::control::ControlSocket;
use crate::agent::{
    Agent, AgentEvent, Builder, DEFAULT_PORT, Events, ExitReason, Meta, Security, parse_socket_addr, serve_metrics,
};
use crate::experiment::{AgentConfig, Lab, TomlSource};
use crate::wire::Keyring;

/// The exit code of a program that was interrupted: 128 and the number of the signal.
const INTERRUPTED: i32 = 130;

#[derive(clap::Args)]
pub(super) struct Args {
    /// Address to listen on, for UDP and TCP.
    #[arg(long, value_name = "ADDR:PORT", default_value_t = SocketAddr::from(([127, 0, 0, 1], DEFAULT_PORT)),
          value_parser = parse_socket_addr)]
    bind: SocketAddr,
    /// Address to advertise to other members, if it differs from the one bound.
    #[arg(long, value_name = "ADDR:PORT", value_parser = parse_socket_addr)]
    advertise: Option<SocketAddr>,
    /// Members to join through. A host name stands for all its addresses.
    #[arg(long, value_name = "HOST:PORT", value_delimiter = ',')]
    join: Vec<String>,
    /// The member's name, unique in the cluster; without one, the host's name and a random number, which --state-dir
    /// keeps.
    #[arg(long)]
    name: Option<String>,
    /// Profile of probing, suspicion and gossip: see `swimlab list profiles`.
    #[arg(long)]
    profile: Option<String>,
    /// Intervals for a kind of network; lan unless a file is given.
    #[arg(long, value_enum)]
    preset: Option<Preset>,
    /// Selector of the members to ping: a label, see `swimlab list selectors`.
    #[arg(long, value_name = "LABEL")]
    selector: Option<String>,
    /// Location of the member, in degrees.
    #[arg(long, value_name = "LAT,LON", allow_hyphen_values = true, conflicts_with = "zone", value_parser = place)]
    place: Option<Location>,
    /// Location of the member, by names.
    #[arg(long, value_name = "REGION/ZONE/RACK")]
    zone: Option<String>,
    /// Metadata that other members see; may be repeated.
    #[arg(long, value_name = "KEY=VALUE")]
    meta: Vec<String>,
    /// Encrypt with the keys in this file, one per line; the first one seals.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// The cluster's name: clusters with different labels ignore each other [default: swimlab with a key, none
    /// without].
    #[arg(long)]
    label: Option<String>,
    /// Send plain text on any interface: any host that reaches the port can forge members and declare members dead.
    #[arg(long, conflicts_with = "key_file")]
    plaintext: bool,
    /// Take profile, preset, selector, helpers and [protocol] from an experiment file.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Control socket, for `swimlab members`, `info`, `event`, `keys` and `leave` [default: swimlab.sock in the user's
    /// runtime folder].
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Keep a snapshot in this folder, so that a restarted cluster finds itself without seeds.
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    /// Serve metrics to Prometheus at http://ADDR:PORT/metrics.
    #[arg(long, value_name = "ADDR:PORT")]
    metrics: Option<SocketAddr>,
    /// Format of printed events.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Level of the log on standard error.
    #[arg(long, value_name = "LEVEL", default_value = "warn", value_parser = ["off", "error", "warn", "info", "debug", "trace"])]
    log: String,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people.
    #[default]
    Text,
    /// A line of JSON for each event.
    Json,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Preset {
    /// One machine.
    Local,
    /// A local network, or one region.
    Lan,
    /// Several continents.
    Wan,
}

pub(super) fn agent(args: Args, lab: &Lab) -> Result<ExitCode, Failed> {
    let level: LevelFilter = args.log.parse().expect("clap lets no other levels pass");
    let log = tracing_subscriber::fmt().with_max_level(level).with_target(false).with_writer(io::stderr);
    log.with_ansi(io::stderr().is_terminal()).init();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| failed(format!("no runtime: {error}")))?;
    let end = runtime.block_on(run(args, lab))?;
    runtime.shutdown_background();
    match end {
        ExitReason::Displaced => {
            Err(failed("another process took this member's name; give each process a name of its own".to_owned()))
        }
        ExitReason::Left | ExitReason::Stopped => Ok(ExitCode::SUCCESS),
    }
}

async fn run(args: Args, lab: &Lab) -> Result<ExitReason, Failed> {
    let builder = builder(&args, lab)?;
    // All that may fail is opened before the cluster learns of the member.
    let metrics = match args.metrics {
        None => None,
        Some(addr) => {
            Some(TcpListener::bind(addr).await.map_err(|error| failed(format!("cannot listen on {addr}: {error}")))?)
        }
    };
    let control = control(args.socket.as_deref()).await?;
    let (agent, events) = builder.spawn_watched().await.map_err(|error| failed(error.to_string()))?;
    let control = control.map(|control| tokio::spawn(control.serve(agent.clone())));
    if let Some(metrics) = metrics {
        tokio::spawn(serve_metrics(metrics, agent.clone()));
    }
    let end = print_events(&agent, events, args.format).await;
    if let Some(control) = control {
        // Its file is removed then.
        let _ = control.await;
    }
    Ok(end)
}

/// Prints events until the agent ends, and leaves on SIGINT and SIGTERM.
async fn print_events(agent: &Agent, mut events: Events, format: Format) -> ExitReason {
    let mut has_reader = print(&started(agent, format));
    let [mut interrupt, mut terminate] = [SignalKind::interrupt(), SignalKind::terminate()].map(signal);
    loop {
        tokio::select! {
            biased;
            () = caught(&mut interrupt) => return goodbye(agent, &mut interrupt).await,
            () = caught(&mut terminate) => return goodbye(agent, &mut interrupt).await,
            event = events.next() => match event {
                // A closed pipe does not end the member.
                Some(event) if has_reader => has_reader = print(&line(&event, format)),
                Some(_) => {}
                None => return agent.ended().await,
            },
        }
    }
}

type Signals = io::Result<tokio::signal::unix::Signal>;

async fn caught(signals: &mut Signals) {
    match signals {
        Ok(signals) => {
            signals.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}

/// Leaves; a Ctrl-C meanwhile ends the process at once.
async fn goodbye(agent: &Agent, interrupt: &mut Signals) -> ExitReason {
    tokio::select! {
        () = agent.leave() => ExitReason::Left,
        () = caught(interrupt) => std::process::exit(INTERRUPTED),
    }
}

fn builder(args: &Args, lab: &Lab) -> Result<Builder, Failed> {
    let recipe = match (&args.config, args.preset) {
        (Some(_), Some(_)) => {
            return Err(bad("--preset: write preset = \"...\" into the file that --config names".to_owned()));
        }
        (Some(path), None) => AgentConfig::parse(&TomlSource::read(path)?, lab, args.profile.as_deref())?,
        (None, preset) => {
            let preset = preset.unwrap_or(Preset::Lan).to_possible_value().expect("none is skipped");
            AgentConfig::of(args.profile.as_deref().unwrap_or("swim"), preset.get_name(), lab)?
        }
    };
    let recipe = match &args.selector {
        Some(label) => recipe.with_selector(label, lab)?,
        None => recipe,
    };
    let meta = Meta::from_pairs(&args.meta).map_err(|error| bad(format!("--meta: {error}")))?;
    let mut builder = Agent::builder()
        .bind(args.bind)
        .join(args.join.clone())
        .config(recipe.config)
        .security(security(args)?)
        .plain_label(args.label.clone().unwrap_or_default())
        .meta(meta.to_bytes())
        .event_buffer(4096);
    if let Some(strategy) = recipe.strategy {
        builder = builder.selector(strategy);
    }
    if let Some(helpers) = recipe.helpers {
        builder = builder.helpers(helpers);
    }
    if let Some(name) = &args.name {
        builder = builder.name(name);
    }
    if let Some(addr) = args.advertise {
        builder = builder.advertise(addr);
    }
    if let Some(place) = args.place {
        builder = builder.location(place);
    }
    if let Some(zone) = &args.zone {
        builder = builder.zone(ZonePath::parse(zone));
    }
    if let Some(path) = &args.state_dir {
        builder = builder.state_dir(path);
    }
    Ok(builder)
}

fn security(args: &Args) -> Result<Security, Failed> {
    match &args.key_file {
        Some(path) => {
            let (keyring, exposed) = Keyring::read(path).map_err(|error| bad(error.to_string()))?;
            if let Some(exposed) = exposed {
                eprintln!("warning: {exposed}");
            }
            Ok(Security::Sealed { keyring, label: args.label.clone().unwrap_or_else(|| "swimlab".to_owned()) })
        }
        None if args.plaintext => {
            eprintln!("warning: plain text: any host that reaches {} can forge members", args.bind);
            Ok(Security::Plaintext)
        }
        None if args.bind.ip().to_canonical().is_loopback() => {
            eprintln!("warning: without --key-file the agent sends plain text, on the loopback interface only");
            Ok(Security::Loopback)
        }
        None => Err(bad(format!("{} is no loopback address: give --key-file, or --plaintext", args.bind))),
    }
}

async fn control(path: Option<&Path>) -> Result<Option<ControlSocket>, Failed> {
    let (path, is_asked_for) = match (path, default_socket()) {
        (Some(path), _) => (path.to_owned(), true),
        (None, Some(path)) => (path, false),
        (None, None) => return Ok(None),
    };
    match ControlSocket::open(&path).await {
        Ok(control) => Ok(Some(control)),
        Err(error) if is_asked_for => Err(failed(error.to_string())),
        Err(error) => {
            eprintln!("warning: no control socket: {error}; --socket chooses another path");
            Ok(None)
        }
    }
}

fn place(text: &str) -> Result<Location, String> {
    let (lat, lon) = text.split_once(',').ok_or("expected latitude and longitude in degrees, like 52.5,13.4")?;
    Location::parse_globe(lat.trim(), lon.trim()).map_err(|error| error.to_string())
}

fn started(agent: &Agent, format: Format) -> String {
    match format {
        Format::Text => format!("started    {} {}", agent.name(), agent.addr()),
        Format::Json => {
            let (id, name, addr) = (format!("{:016x}", agent.id()), agent.name(), agent.addr());
            json!({ "at": now(), "event": "started", "id": id, "name": name, "addr": addr }).to_string()
        }
    }
}

fn line(event: &AgentEvent, format: Format) -> String {
    match format {
        Format::Text => text(event),
        Format::Json => json(event),
    }
}

fn text(event: &AgentEvent) -> String {
    match event {
        AgentEvent::Member(change, member) => {
            let meta = Meta::from_bytes(member.meta()).0;
            let meta: String = meta.iter().map(|(key, value)| format!(" {key}={value}")).collect();
            format!("{change:<10} {} {} ({}){meta}", member.name(), member.addr(), member.incarnation)
        }
        AgentEvent::User { from_name, event, .. } => {
            format!("event      {} from {from_name}: {}", event.name, String::from_utf8_lossy(&event.payload))
        }
        AgentEvent::Displaced => "displaced  by another process of this name".to_owned(),
        AgentEvent::Missed(count) => format!("missed     {count} events"),
    }
}

fn json(event: &AgentEvent) -> String {
    let at = now();
    let value = match event {
        AgentEvent::Member(change, member) => json!({
            "at": at, "event": change.name(), "id": format!("{:016x}", member.id()), "name": member.name(),
            "addr": member.addr(), "state": member.state.to_string(), "incarnation": member.incarnation.to_string(),
            "meta": Meta::from_bytes(member.meta()).0,
        }),
        AgentEvent::User { from, from_name, event } => json!({
            "at": at, "event": "user", "id": format!("{from:016x}"), "name": &**from_name, "user": &*event.name,
            "payload": String::from_utf8_lossy(&event.payload),
        }),
        AgentEvent::Displaced => json!({ "at": at, "event": "displaced" }),
        AgentEvent::Missed(count) => json!({ "at": at, "event": "missed", "count": count }),
    };
    value.to_string()
}

/// Seconds since 1970.
fn now() -> f64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
    (since.as_secs_f64() * 1e3).round() / 1e3
}

/// Writes a line. `false`: the reader is gone.
fn print(line: &str) -> bool {
    let mut out = io::stdout().lock();
    writeln!(out, "{line}").and_then(|()| out.flush()).is_ok()
}

fn failed(message: String) -> Failed {
    Failed { code: 1, message }
}

fn bad(message: String) -> Failed {
    Failed { code: 2, message }
}
