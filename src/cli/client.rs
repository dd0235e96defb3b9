//! `swimlab members`, `info`, `leave`, `event` and `keys`: asking a running agent.

use std::fmt::Write;
use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Subcommand, ValueEnum};
use zeroize::Zeroizing;

use super::choice::{MemberChoice, earlier_version};
use super::escape::escaped;
use super::{Failed, environment, print};
use crate::agent::control::{AgentSummary, Answer, FamilyValue, MemberSummary, Request, ask};
use crate::protocol::{NameError, UserEvent};
use crate::wire::{Key, Keyring};

#[derive(clap::Args)]
pub(super) struct Socket {
    /// The agent's control socket [default: that of the environment variable SWIMLAB_SOCKET, else swimlab.sock in the
    /// user's runtime folder].
    #[arg(long, value_name = "PATH", global = true)]
    socket: Option<PathBuf>,
}

#[derive(clap::Args)]
pub(super) struct MembersArgs {
    #[command(flatten)]
    socket: Socket,
    #[command(flatten)]
    choice: MemberChoice,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(clap::Args)]
pub(super) struct InfoArgs {
    #[command(flatten)]
    socket: Socket,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(clap::Args)]
pub(super) struct EventArgs {
    #[command(flatten)]
    socket: Socket,
    /// Name of the event.
    name: String,
    /// Payload of the event.
    #[arg(default_value = "")]
    payload: String,
}

#[derive(clap::Args)]
pub(super) struct KeysArgs {
    #[command(flatten)]
    socket: Socket,
    #[command(subcommand)]
    step: Step,
}

/// To change a cluster's key: install the new one everywhere, then use it everywhere, then remove the old one.
#[derive(Subcommand)]
enum Step {
    /// Print a new random key, for a key file.
    New,
    /// List the agent's keys by name, the one that seals first.
    List,
    /// Install the keys in this file: the agent then opens packets sealed with them.
    Install {
        /// One key per line.
        file: PathBuf,
    },
    /// Seal with an installed key.
    Use {
        /// Its name, as listed.
        id: String,
    },
    /// Remove a key: packets sealed with it are dropped from then on.
    Remove {
        /// Its name, as listed.
        id: String,
    },
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    #[default]
    Text,
    /// For programs.
    Json,
}

/// Default path of the control socket, in a folder that only the user can enter.
pub(super) fn default_socket() -> Option<PathBuf> {
    let folder = std::env::var_os("XDG_RUNTIME_DIR").filter(|dir| !dir.is_empty()).map_or("/run".into(), PathBuf::from);
    folder.is_dir().then(|| folder.join("swimlab.sock"))
}

pub(super) fn members(args: &MembersArgs) -> Result<ExitCode, Failed> {
    let answer = args.socket.ask(&args.choice.request()).map_err(earlier_version)?;
    let Answer::Members(mut members) = answer else { return Err(unexpected()) };
    members.retain(|member| args.choice.allows(member));
    print(match args.format {
        Format::Json => serde_json::to_string_pretty(&members).expect("plain data") + "\n",
        Format::Text => table(&members),
    })?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn info(args: &InfoArgs) -> Result<ExitCode, Failed> {
    let Answer::Info(info) = args.socket.ask(&Request::Info)? else { return Err(unexpected()) };
    print(match args.format {
        Format::Json => serde_json::to_string_pretty(&info).expect("plain data") + "\n",
        Format::Text => lines(&info),
    })?;
    Ok(ExitCode::SUCCESS)
}

pub(super) fn leave(socket: &Socket) -> Result<ExitCode, Failed> {
    socket.order(&Request::Leave)
}

pub(super) fn event(args: EventArgs) -> Result<ExitCode, Failed> {
    // Checked here, where a complaint can name the argument.
    let named = NameError::check(&args.name, UserEvent::NAME_LIMIT);
    named.map_err(|error| Failed { code: 2, message: format!("NAME, the event's name: {error}") })?;
    args.socket.order(&Request::Event { name: args.name, payload: args.payload })
}

pub(super) fn keys(args: KeysArgs) -> Result<ExitCode, Failed> {
    match args.step {
        Step::New => {
            let key = Key::random_text();
            let key = key.map_err(|error| Failed { code: 1, message: format!("no random numbers: {error}") })?;
            print(format_args!("{}\n", *key))?;
            Ok(ExitCode::SUCCESS)
        }
        Step::List => {
            let Answer::Info(info) = args.socket.ask(&Request::Info)? else { return Err(unexpected()) };
            print(info.keys.iter().map(|key| format!("{key}\n")).collect::<String>())?;
            Ok(ExitCode::SUCCESS)
        }
        Step::Install { file } => {
            let bad = |message: String| Failed { code: 2, message };
            // Checked here, where a complaint can name the line.
            Keyring::read(&file).map_err(|error| bad(error.to_string()))?;
            let unreadable = |error| bad(format!("{}: {error}", file.display()));
            // Room for all of it: a string that grows leaves copies behind.
            let mut text = Zeroizing::new(String::with_capacity(Keyring::FILE_LIMIT as usize + 64));
            let keys = File::open(&file).map_err(unreadable)?;
            keys.take(Keyring::FILE_LIMIT).read_to_string(&mut text).map_err(unreadable)?;
            for key in text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')) {
                args.socket.order(&Request::InstallKey { key: key.into() })?;
            }
            Ok(ExitCode::SUCCESS)
        }
        Step::Use { id } => args.socket.order(&Request::UseKey { id }),
        Step::Remove { id } => args.socket.order(&Request::RemoveKey { id }),
    }
}

impl Socket {
    fn path(&self) -> Result<PathBuf, Failed> {
        let bad = |message: String| Failed { code: 2, message };
        let of_environment = environment::value("socket").map(PathBuf::from);
        match self.socket.clone().or(of_environment) {
            Some(path) if path.as_os_str().is_empty() => {
                Err(bad(format!("{}: {}", environment::variable("socket"), environment::EMPTY)))
            }
            Some(path) => Ok(path),
            None => default_socket().ok_or_else(|| bad("no control socket: name the agent's with --socket".to_owned())),
        }
    }

    pub(super) fn ask(&self, request: &Request) -> Result<Answer, Failed> {
        let path = self.path()?;
        let failed = |message: String| Failed { code: 1, message };
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|error| failed(format!("no runtime: {error}")))?;
        match runtime.block_on(ask(&path, request)).map_err(|error| failed(error.to_string()))? {
            Answer::Refused(why) => Err(failed(why)),
            answer => Ok(answer),
        }
    }

    fn order(&self, request: &Request) -> Result<ExitCode, Failed> {
        match self.ask(request)? {
            Answer::Done => Ok(ExitCode::SUCCESS),
            _ => Err(unexpected()),
        }
    }
}

pub(super) fn unexpected() -> Failed {
    Failed { code: 1, message: "unexpected answer from the agent: are both of the same version?".to_owned() }
}

/// A column of the table of members. One that is not always shown is left out if no member has a value for it.
struct Column {
    title: &'static str,
    is_always_shown: bool,
    value: fn(&MemberSummary) -> String,
}

impl Column {
    fn is_shown(&self, members: &[MemberSummary]) -> bool {
        self.is_always_shown || members.iter().any(|member| !(self.value)(member).is_empty())
    }
}

/// The columns, from left to right.
const COLUMNS: &[Column] = &[
    Column { title: "NAME", is_always_shown: true, value: |member| escaped(&member.name) },
    Column { title: "ADDRESS", is_always_shown: true, value: |member| member.addr.to_string() },
    Column { title: "STATE", is_always_shown: true, value: |member| member.state.clone() },
    Column { title: "INCARNATION", is_always_shown: true, value: |member| member.incarnation.clone() },
    Column {
        title: "ZONE",
        is_always_shown: false,
        value: |member| member.zone.as_deref().map(escaped).unwrap_or_default(),
    },
    Column {
        title: "PLACE",
        is_always_shown: false,
        value: |member| member.place.map(|place| format!("{},{}", place.lat, place.lon)).unwrap_or_default(),
    },
    Column {
        title: "META",
        is_always_shown: true,
        value: |member| {
            let meta = member.meta.iter().map(|(key, value)| format!("{}={}", escaped(key), escaped(value)));
            meta.collect::<Vec<_>>().join(" ")
        },
    },
];

fn table(members: &[MemberSummary]) -> String {
    let columns: Vec<&Column> = COLUMNS.iter().filter(|column| column.is_shown(members)).collect();
    let title = columns.iter().map(|column| column.title.to_owned()).collect();
    let row = |member| columns.iter().map(|column| (column.value)(member)).collect();
    aligned(&[title].into_iter().chain(members.iter().map(row)).collect::<Vec<Vec<String>>>())
}

/// Rows of equally many values, in columns.
pub(super) fn aligned(rows: &[impl AsRef<[String]>]) -> String {
    let columns = rows.first().map_or(0, |row| row.as_ref().len());
    let width = |column: usize| rows.iter().map(|row| row.as_ref()[column].chars().count()).max().unwrap_or(0);
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (value, width) in row.as_ref().iter().zip(&widths) {
            let _ = write!(line, "{value:width$}  ");
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

fn lines(info: &AgentSummary) -> String {
    let mut text = String::new();
    let mut line = |name: &str, value: String| {
        let _ = writeln!(text, "{name:12} {value}");
    };
    line("name", escaped(&info.name));
    line("id", info.id.clone());
    line("address", info.addr.to_string());
    line("incarnation", info.incarnation.clone());
    line("uptime", format!("{:.0} s", info.uptime_s));
    line("joining", if info.is_joining { "no seed has answered yet" } else { "no" }.to_owned());
    let fallback = if info.has_fallen_back { ", in shuffled order: clocks do not agree" } else { "" };
    line("selector", escaped(&info.selector) + fallback);
    let named = |name: &Option<String>| name.as_deref().map_or_else(|| "none".to_owned(), escaped);
    line("profile", format!("{}, preset {}, period {} s", named(&info.profile), named(&info.preset), info.period_s));
    line("near", near(info));
    line("clock", clock(info));
    for (key, value) in &info.families.0 {
        let value = match value {
            FamilyValue::Single(count) => count.to_string(),
            FamilyValue::Labeled(counts) => {
                counts.iter().map(|(name, count)| format!("{name} {count}")).collect::<Vec<_>>().join(", ")
            }
        };
        line(key, value);
    }
    if let Some(at) = &info.coordinate {
        let ms = |us: &f32| format!("{:.1}", us / 1e3);
        let position = at.position_us.iter().map(ms).collect::<Vec<_>>().join(" ");
        let (height, error) = (ms(&at.height_us), at.error * 100.0);
        line("coordinate", format!("{position} ms, height {height} ms, give or take {error:.0} %"));
    }
    if let Some(metrics) = info.metrics {
        line("metrics", format!("http://{metrics}/metrics"));
    }
    if let Some(http) = info.http {
        line("http", format!("http://{http}/"));
    }
    if let Some(dns) = info.dns {
        line("dns", dns.to_string());
    }
    line("keys", if info.keys.is_empty() { "none: plain text".to_owned() } else { info.keys.join(", ") });
    line("version", info.version.clone());
    for warning in &info.warnings {
        line("warning", escaped(warning));
    }
    text
}

/// The size of the neighborhood, and the share of far bytes.
fn near(info: &AgentSummary) -> String {
    let members = match info.neighborhood {
        Some(1) => "1 other member".to_owned(),
        Some(near) => format!("{near} other members"),
        None => "no neighborhood: all others alike".to_owned(),
    };
    match info.far_share {
        Some(share) => format!("{members}; {:.1} % of the bytes go to far ones", share * 100.0),
        None => members,
    }
}

/// The difference between clocks.
fn clock(info: &AgentSummary) -> String {
    match info.clock {
        Some(clock) => format!("{:+.3} s against {} others", clock.ahead_s, clock.peers),
        None if info.keys.is_empty() => "not compared: plain text has no stamps".to_owned(),
        None => "not compared yet".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_form_of_info_is_pinned() {
        let json = r#"{"version":"1.2.3","name":"a","id":"00000000000000ff","addr":"127.0.0.1:7946","incarnation":"7.2",
            "uptime_s":1.5,"is_joining":true,"selector":"auto","profile":"swim","preset":"lan","period_s":1.0,
            "neighborhood":36,"far_share":0.1672,"clock":{"ahead_s":-0.0125,"peers":7},
            "warnings":["no other member is in zone eu2 of b"],"members":{"alive":4,"dead":2,"left":1,"suspect":3},"probes":50,
            "accusations":54,"sent":{"ack":2,"ping":1},"received":{"ack":4,"ping":3},"dropped":{"stale":5},
            "queues":{"broadcasts":11,"graves":14},
            "coordinate":{"position_us":[1000,0,0,0,0,0,0,0],"height_us":500,"adjustment_us":0,"error":0.25},
            "keys":["0123456789abcdef"]}"#;
        insta::assert_snapshot!(lines(&serde_json::from_str(json).unwrap()), @r"
        name         a
        id           00000000000000ff
        address      127.0.0.1:7946
        incarnation  7.2
        uptime       2 s
        joining      no seed has answered yet
        selector     auto
        profile      swim, preset lan, period 1 s
        near         36 other members; 16.7 % of the bytes go to far ones
        clock        -0.013 s against 7 others
        members      alive 4, dead 2, left 1, suspect 3
        probes       50
        accusations  54
        sent         ack 2, ping 1
        received     ack 4, ping 3
        dropped      stale 5
        queues       broadcasts 11, graves 14
        coordinate   1.0 0.0 0.0 0.0 0.0 0.0 0.0 0.0 ms, height 0.5 ms, give or take 25 %
        keys         0123456789abcdef
        version      1.2.3
        warning      no other member is in zone eu2 of b
        ");
    }

    #[test]
    fn columns_of_zones_and_places_are_shown_if_a_member_has_one() {
        let member = |name: &str, rest: &str| {
            let json = format!(
                r#"{{"id":"1","name":"{name}","addr":"127.0.0.1:7946","state":"alive","incarnation":"7.2"{rest}}}"#
            );
            serde_json::from_str::<MemberSummary>(&json).unwrap()
        };
        let plain = member("a", r#","meta":{"role":"web"}"#);
        insta::assert_snapshot!(table(std::slice::from_ref(&plain)), @r"
        NAME  ADDRESS         STATE  INCARNATION  META
        a     127.0.0.1:7946  alive  7.2          role=web
        ");
        let placed = member("long-name", r#","meta":{},"zone":"eu/eu-1\u001b","place":{"lat":-52.5,"lon":13.4}"#);
        insta::assert_snapshot!(table(&[plain, placed]), @r"
        NAME       ADDRESS         STATE  INCARNATION  ZONE           PLACE       META
        a          127.0.0.1:7946  alive  7.2                                     role=web
        long-name  127.0.0.1:7946  alive  7.2          eu/eu-1\u{1b}  -52.5,13.4
        ");
    }
}
