//! The commands that ask a running agent: a file for each group of them.

mod choice;
mod event;
mod health;
mod info;
mod keys;
mod members;
mod membership;
mod meta;
mod monitor;
mod query;
mod reload;
mod round_trips;
mod services;
mod shared;

use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::ValueEnum;
use tokio::runtime::Runtime;

use super::{Failed, environment};
use crate::agent::control::{Answer, Request, ask};

pub(super) use event::{EventArgs, event};
pub(super) use health::{HealthArgs, LoadArgs, health, load};
pub(super) use info::{InfoArgs, info};
pub(super) use keys::{KeysArgs, keys};
pub(super) use members::{MembersArgs, members};
pub(super) use membership::{ForceLeaveArgs, JoinArgs, force_leave, join, leave};
pub(super) use meta::{MetaArgs, meta};
pub(super) use monitor::{MonitorArgs, monitor};
pub(super) use query::{QueryArgs, query};
pub(super) use reload::reload;
pub(super) use round_trips::{ReachabilityArgs, RttArgs, reachability, rtt};
pub(super) use services::{ServicesArgs, services};
pub(super) use shared::{SharedArgs, shared};

#[derive(clap::Args)]
pub(super) struct Socket {
    /// The agent's control socket [default: that of the environment variable SWIMLAB_SOCKET, else swimlab.sock in the
    /// user's runtime folder].
    #[arg(long, value_name = "PATH", global = true)]
    socket: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Format {
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

impl Socket {
    pub(super) fn path(&self) -> Result<PathBuf, Failed> {
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
        let answered = runtime()?.block_on(ask(&path, request));
        match answered.map_err(|error| Failed { code: 1, message: error.to_string() })? {
            Answer::Refused(why) => Err(refused(why)),
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

fn runtime() -> Result<Runtime, Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.map_err(|error| Failed { code: 1, message: format!("no runtime: {error}") })
}

/// The failure of a request that the agent has refused.
fn refused(why: String) -> Failed {
    // Of a version that says no more.
    let is_unknown = why.starts_with("not a request: unknown variant");
    let unknown = || "the agent does not know this request: start it with the command's own version".to_owned();
    Failed { code: 1, message: if is_unknown { unknown() } else { why } }
}

fn unexpected() -> Failed {
    Failed { code: 1, message: "unexpected answer from the agent: are both of the same version?".to_owned() }
}

/// Rows of equally many values, in columns.
fn aligned(rows: &[impl AsRef<[String]>]) -> String {
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
