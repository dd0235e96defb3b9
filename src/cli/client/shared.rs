//! `swimlab shared`.

use std::fmt::Write;
use std::process::ExitCode;

use clap::Subcommand;

use super::{Format, Socket, unexpected};
use crate::agent::SharedSummary;
use crate::agent::control::{Answer, Request};
use crate::cli::escape::escaped;
use crate::cli::{Failed, print};

#[derive(clap::Args)]
pub(in crate::cli) struct SharedArgs {
    #[command(flatten)]
    socket: Socket,
    #[command(subcommand)]
    step: Step,
}

#[derive(Subcommand)]
enum Step {
    /// List all values and sets.
    List {
        /// Output format.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Print the value of a name, or the items of the set of this name, one per line.
    Get {
        /// The name.
        name: String,
    },
    /// Write the value of a name.
    Set {
        /// The name: 1 to 48 letters, digits, `-`, `_` and `.`.
        name: String,
        /// The value: at most 400 bytes.
        value: String,
    },
    /// Remove values.
    Unset {
        /// Their names.
        #[arg(value_name = "NAME", required = true)]
        names: Vec<String>,
    },
    /// Add items to a set.
    Add {
        /// The set's name: 1 to 48 letters, digits, `-`, `_` and `.`.
        set: String,
        /// The items: at most 64 bytes each.
        #[arg(value_name = "ITEM", required = true)]
        items: Vec<String>,
    },
    /// Remove items from a set.
    Remove {
        /// The set's name.
        set: String,
        /// The items.
        #[arg(value_name = "ITEM", required = true)]
        items: Vec<String>,
    },
}

pub(in crate::cli) fn shared(args: SharedArgs) -> Result<ExitCode, Failed> {
    let SharedArgs { socket, step } = args;
    match step {
        Step::List { format } => {
            let shared = read(&socket)?;
            print(match format {
                Format::Json => serde_json::to_string_pretty(&shared).expect("plain data") + "\n",
                Format::Text => listed(&shared),
            })?;
            Ok(ExitCode::SUCCESS)
        }
        Step::Get { name } => {
            let shared = read(&socket)?;
            let value = shared.values.get(&name).map(|value| escaped(value) + "\n");
            let items = || shared.sets.get(&name).map(|set| set.iter().map(|item| escaped(item) + "\n").collect());
            let missing = || Failed { code: 1, message: format!("there is no shared value or set {name:?}") };
            print(value.or_else(items).ok_or_else(missing)?)?;
            Ok(ExitCode::SUCCESS)
        }
        Step::Set { name, value } => socket.order(&Request::SetShared { name, value }),
        Step::Unset { names } => each(&socket, names, |name| Request::UnsetShared { name }),
        Step::Add { set, items } => each(&socket, items, |item| Request::AddShared { set: set.clone(), item }),
        Step::Remove { set, items } => each(&socket, items, |item| Request::RemoveShared { set: set.clone(), item }),
    }
}

fn read(socket: &Socket) -> Result<SharedSummary, Failed> {
    match socket.ask(&Request::Shared)? {
        Answer::Shared(shared) => Ok(shared),
        _ => Err(unexpected()),
    }
}

/// Sends a request for each text, up to the first that is refused.
fn each(socket: &Socket, texts: Vec<String>, request: impl Fn(String) -> Request) -> Result<ExitCode, Failed> {
    for text in texts {
        socket.order(&request(text))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn listed(shared: &SharedSummary) -> String {
    let mut text = String::new();
    for (name, value) in &shared.values {
        let _ = writeln!(text, "{}={}", escaped(name), escaped(value));
    }
    for (set, items) in &shared.sets {
        for item in items {
            let _ = writeln!(text, "{}: {}", escaped(set), escaped(item));
        }
    }
    text
}
