//! `swimlab agent`.

mod events;
pub(super) mod handlers;
mod interfaces;
mod log;
mod offer;
pub(super) mod reload;
mod service_manager;
mod settings;

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::ValueEnum;
use clap::builder::PossibleValue;
use swimlab_selectors::Location;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::mpsc;
use tokio::task::{JoinError, JoinSet};
use tracing::level_filters::LevelFilter;

use self::events::{EventPrinter, Format};
use self::handlers::{Handler, Handlers};
use self::interfaces::InterfaceArgs;
use self::offer::Offer;
use self::reload::{is_reloadable, reload};
use self::service_manager::ServiceManager;
use self::settings::complete;
use super::client::default_socket;
use super::output::report;
use super::signals::ignores_hangup;
use super::{Failed, INTERRUPTED};
use crate::agent::control::{ControlSocket, Leaving, LogHub, ReloadRequest};
use crate::agent::{
    Agent, Builder, DEFAULT_PORT, Events, ExitReason, Meta, Security, SpawnError, check_name, parse_socket_addr,
};
use crate::discovery::Description;
use crate::experiment::{AgentChoices, AgentConfig, Lab, TomlSource};
use crate::protocol::first_control;
use crate::wire::Keyring;

const PRECEDENCE: &str = "\
Each flag has an environment variable: SWIMLAB_ and its name in capitals with underscores, as SWIMLAB_KEY_FILE.
SWIMLAB_JOIN and SWIMLAB_META separate several values by commas; SWIMLAB_PLAINTEXT is 1 or 0.
A flag replaces the environment, the environment the file that --config names, the file the default.";

#[derive(clap::Args)]
#[command(after_help = PRECEDENCE)]
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
    /// Profile of probing, suspicion and gossip: a label, see `swimlab list profiles`.
    #[arg(long, value_name = "LABEL")]
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
    #[command(flatten)]
    offer: Offer,
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
    /// Take settings from this file: a key for each flag, with underscores, and the profile, preset, selector, helpers
    /// and [protocol] of an experiment file. Flags and environment variables replace its values.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Control socket, for `swimlab members`, `info`, `join`, `leave` and others [default: swimlab.sock in the user's
    /// runtime folder].
    #[arg(long, value_name = "PATH")]
    socket: Option<PathBuf>,
    /// Keep a snapshot in this folder, so that a restarted cluster finds itself without seeds.
    #[arg(long, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    #[command(flatten)]
    interfaces: InterfaceArgs,
    /// Run a command by /bin/sh at an event: event, event:NAME, query, query:NAME, member, member-joined,
    /// member-suspected, member-refuted, member-died, member-left or member-updated; may be repeated.
    #[arg(long, value_name = "EVENT=COMMAND", value_parser = Handler::parse)]
    on: Vec<Handler>,
    /// Format of printed events.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// Level of the log on standard error.
    #[arg(long, value_name = "LEVEL", default_value = "warn", value_parser = ["off", "error", "warn", "info", "debug", "trace"])]
    log: String,
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
    let (args, origins, source) = complete(args)?;
    let level: LevelFilter = args.log.parse().expect("clap lets no other levels pass");
    let log = log::start(level);
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let runtime = runtime.map_err(|error| failed(format!("no runtime: {error}")))?;
    let end = runtime.block_on(run(args, &source, lab, log));
    runtime.shutdown_background();
    let end = end.map_err(|Failed { code, message }| Failed { code, message: origins.named(&message) });
    match end? {
        End::Agent(ExitReason::Displaced) => {
            Err(failed("another process took this member's name; give each process a name of its own".to_owned()))
        }
        End::Agent(ExitReason::Left | ExitReason::Stopped) => Ok(ExitCode::SUCCESS),
        End::Agent(ExitReason::Panicked) => {
            Err(failed("a task of the agent panicked, which is a bug: please report the message above".to_owned()))
        }
        End::BeforeStart { interrupted: true } => Ok(ExitCode::from(INTERRUPTED)),
        End::BeforeStart { interrupted: false } => Ok(ExitCode::SUCCESS),
    }
}

/// End of the command.
enum End {
    /// The agent ended.
    Agent(ExitReason),
    /// A signal ended the command before the agent had started, while it waited for an address, for example.
    BeforeStart {
        /// Whether it was SIGINT.
        interrupted: bool,
    },
}

async fn run(args: Args, source: &TomlSource, lab: &Lab, log: LogHub) -> Result<End, Failed> {
    // Reads files, perhaps from a pipe that nobody writes to. Until the next line signals end the process.
    let builder = builder(&args, source, lab)?;
    let description = args.offer.description()?;
    let mut signals = Signals::listen(is_reloadable(&args));
    // All that may fail is opened before the cluster learns of the member, the control socket as the last of it.
    let interfaces = args.interfaces.open().await?;
    let handlers = Handlers::start(args.on.clone());
    let mut handlers = handlers.map_err(|error| failed(format!("--on: no threads for handlers: {error}")))?;
    let mut control_socket = None;
    let ready = async {
        control_socket = control(args.socket.as_deref()).await?;
        Ok::<(), Failed>(())
    };
    let (agent, events) = tokio::select! {
        started = builder.spawn_when(ready) => started?,
        interrupted = signals.end() => return Ok(End::BeforeStart { interrupted }),
    };
    if description != Description::default() {
        // An agent that has ended is noticed below.
        let _ = agent.describe(description).await;
    }
    let (mut servers, addrs) = (Servers::default(), interfaces.addrs);
    // An agent that has ended already reports it as its last event.
    let _ = interfaces.serve(&agent, &mut servers.tasks).await;
    let (ask_reload, reloads) = mpsc::channel(RELOADS);
    if let Some(control) = control_socket {
        let control = control.with_interfaces(addrs).with_log(log);
        let control = if is_reloadable(&args) { control.with_reload(ask_reload) } else { control };
        let agent = agent.clone();
        servers.tasks.spawn(async move { Some(control.serve(agent).await) });
    }
    let printer = EventPrinter::new(args.format);
    printer.started(&agent, addrs);
    let manager = ServiceManager::of_environment();
    let outputs = Outputs { printer: &printer, handlers: &mut handlers, manager: &manager };
    let mut reason = follow(&agent, events, outputs, reloads, &mut signals, &mut servers).await;
    manager.tell_stopping();
    handlers.end();
    if servers.have_ended().await.is_err() {
        reason = ExitReason::Panicked;
    }
    printer.flush();
    Ok(End::Agent(reason))
}

/// Tasks that serve the interfaces and the control socket.
#[derive(Default)]
struct Servers {
    tasks: JoinSet<Option<Leaving>>,
    /// Clients that asked the agent to leave: answered when the sockets of all servers are closed.
    leaving: Vec<Leaving>,
}

impl Servers {
    /// Waits until one of them panics.
    async fn panicked(&mut self) {
        if self.all_ended().await.is_ok() {
            std::future::pending().await
        }
    }

    /// Waits until all have ended, as they do with the agent, and lets the clients know that it has left.
    async fn have_ended(mut self) -> Result<(), JoinError> {
        self.all_ended().await
    }

    async fn all_ended(&mut self) -> Result<(), JoinError> {
        while let Some(ended) = self.tasks.join_next().await {
            self.leaving.extend(ended?);
        }
        Ok(())
    }
}

/// Those that are told of events, and of the agent's start and end.
struct Outputs<'a> {
    printer: &'a EventPrinter,
    handlers: &'a mut Handlers,
    manager: &'a ServiceManager,
}

/// Tells of events until the agent ends. A signal, or the panic of one of the servers, makes it leave.
async fn follow(
    agent: &Agent,
    mut events: Events,
    outputs: Outputs<'_>,
    mut reloads: mpsc::Receiver<ReloadRequest>,
    signals: &mut Signals,
    servers: &mut Servers,
) -> ExitReason {
    let Outputs { printer, handlers, manager } = outputs;
    let telling = manager.tell_when_ready(agent);
    tokio::pin!(telling);
    let mut is_telling = true;
    loop {
        tokio::select! {
            biased;
            heard = signals.next() => match heard {
                Heard::Reload => {
                    if let Err(why) = reload(agent, handlers).await {
                        tracing::error!("nothing was reloaded: {why}");
                    }
                }
                Heard::Interrupt | Heard::Terminate => {
                    manager.tell_stopping();
                    return goodbye(agent, signals).await;
                }
            },
            Some(done) = reloads.recv() => {
                // It fails if the client has given up.
                let _ = done.send(reload(agent, handlers).await);
            }
            () = &mut telling, if is_telling => is_telling = false,
            () = servers.panicked() => {
                goodbye(agent, signals).await;
                return ExitReason::Panicked;
            }
            event = events.next() => match event {
                Some(event) => {
                    printer.event(&event);
                    handlers.handle(&event, agent.name());
                }
                None => return agent.ended().await,
            },
        }
    }
}

/// The most requests to reload that wait.
const RELOADS: usize = 8;

/// A signal that an agent has got.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Heard {
    Interrupt,
    Terminate,
    /// SIGHUP, where there is something to reload.
    Reload,
}

/// Signals that end an agent, or make it reload. Where one cannot be handled, it ends the process at once.
struct Signals {
    interrupt: io::Result<Signal>,
    terminate: io::Result<Signal>,
    /// `None`: the process was started with SIGHUP ignored.
    hangup: Option<io::Result<Signal>>,
    /// Whether SIGHUP makes the agent reload instead of ending it.
    reloads: bool,
}

impl Signals {
    fn listen(reloads: bool) -> Self {
        let hangup = (!ignores_hangup()).then(|| signal(SignalKind::hangup()));
        let [interrupt, terminate] = [SignalKind::interrupt(), SignalKind::terminate()].map(signal);
        Self { interrupt, terminate, hangup, reloads }
    }

    /// Waits for one that ends the agent. `true`: it was SIGINT.
    async fn end(&mut self) -> bool {
        loop {
            match self.next().await {
                Heard::Interrupt => return true,
                Heard::Terminate => return false,
                // The settings have just been read.
                Heard::Reload => {}
            }
        }
    }

    /// Waits for any of them.
    async fn next(&mut self) -> Heard {
        let on_hangup = if self.reloads { Heard::Reload } else { Heard::Terminate };
        let hangup = async {
            match &mut self.hangup {
                Some(signals) => caught(signals).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            () = caught(&mut self.interrupt) => Heard::Interrupt,
            () = caught(&mut self.terminate) => Heard::Terminate,
            () = hangup => on_hangup,
        }
    }
}

async fn caught(signals: &mut io::Result<Signal>) {
    match signals {
        Ok(signals) => {
            signals.recv().await;
        }
        Err(_) => std::future::pending().await,
    }
}

/// Leaves; a Ctrl-C meanwhile ends the process at once.
async fn goodbye(agent: &Agent, signals: &mut Signals) -> ExitReason {
    tokio::select! {
        () = agent.leave() => agent.ended().await,
        () = caught(&mut signals.interrupt) => std::process::exit(INTERRUPTED.into()),
    }
}

fn builder(args: &Args, source: &TomlSource, lab: &Lab) -> Result<Builder, Failed> {
    let preset = args.preset.or_else(|| args.config.is_none().then_some(Preset::Lan));
    let preset = preset.map(|preset| preset.to_possible_value().expect("none is skipped"));
    let choices = AgentChoices {
        profile: args.profile.as_deref(),
        preset: preset.as_ref().map(PossibleValue::get_name),
        selector: args.selector.as_deref(),
    };
    let recipe = AgentConfig::parse(source, lab, choices)?;
    if let Some(name) = &args.name {
        check_name(name).map_err(|error| bad(format!("--name: {error}")))?;
    }
    let meta = Meta::from_pairs(&args.meta).map_err(|error| bad(format!("--meta: {error}")))?;
    let mut builder = Agent::builder()
        .bind(args.bind)
        .join(args.join.clone())
        .config(recipe.config)
        .config_names(Some(recipe.profile), recipe.preset)
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
        if let Some(found) = first_control(zone) {
            let found = found.escape_unicode();
            return Err(bad(format!("--zone: {zone:?} must have no control characters, but has {found}")));
        }
        builder = builder.zone_names(zone);
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
                report(&format!("warning: {exposed}"));
            }
            Ok(Security::Sealed { keyring, label: args.label.clone().unwrap_or_else(|| "swimlab".to_owned()) })
        }
        None if args.plaintext => {
            report(&format!("warning: plain text: any host that reaches {} can forge members", args.bind));
            Ok(Security::Plaintext)
        }
        None if args.bind.ip().to_canonical().is_loopback() => {
            report("warning: without --key-file the agent sends plain text, on the loopback interface only");
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
            report(&format!("warning: no control socket: {error}; --socket chooses another path"));
            Ok(None)
        }
    }
}

fn place(text: &str) -> Result<Location, String> {
    let (lat, lon) = text.split_once(',').ok_or("expected latitude and longitude in degrees, like 52.5,13.4")?;
    Location::parse_globe(lat.trim(), lon.trim()).map_err(|error| error.to_string())
}

impl From<SpawnError> for Failed {
    fn from(error: SpawnError) -> Self {
        failed(error.to_string())
    }
}

fn failed(message: String) -> Failed {
    Failed { code: 1, message }
}

fn bad(message: String) -> Failed {
    Failed { code: 2, message }
}
