//! `swimlab keys`.

use std::fs::File;
use std::io::Read;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Subcommand;
use zeroize::Zeroizing;

use super::{Format, Socket, unexpected};
use crate::agent::control::{Answer, Request};
use crate::cli::{Failed, print};
use crate::wire::{Key, Keyring};

#[derive(clap::Args)]
pub(in crate::cli) struct KeysArgs {
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
    List {
        /// Output format.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
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

pub(in crate::cli) fn keys(args: KeysArgs) -> Result<ExitCode, Failed> {
    match args.step {
        Step::New => {
            let key = Key::random_text();
            let key = key.map_err(|error| Failed { code: 1, message: format!("no random numbers: {error}") })?;
            print(format_args!("{}\n", *key))?;
            Ok(ExitCode::SUCCESS)
        }
        Step::List { format } => {
            let Answer::Info(info) = args.socket.ask(&Request::Info)? else { return Err(unexpected()) };
            print(match format {
                Format::Json => serde_json::to_string_pretty(&info.keys).expect("plain data") + "\n",
                Format::Text => info.keys.iter().map(|key| format!("{key}\n")).collect(),
            })?;
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
