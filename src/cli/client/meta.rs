//! `swimlab meta`.

use std::process::ExitCode;

use clap::Subcommand;

use super::{Format, Socket, unexpected};
use crate::agent::Meta;
use crate::agent::control::{Answer, Request};
use crate::cli::escape::escaped;
use crate::cli::{Failed, print};

#[derive(clap::Args)]
pub(in crate::cli) struct MetaArgs {
    #[command(flatten)]
    socket: Socket,
    #[command(subcommand)]
    step: Step,
}

#[derive(Subcommand)]
enum Step {
    /// List the agent's own pairs.
    List {
        /// Output format.
        #[arg(long, value_enum, default_value_t)]
        format: Format,
    },
    /// Set pairs; others stay.
    Set {
        /// Pairs to add or to change.
        #[arg(value_name = "KEY=VALUE", required = true)]
        pairs: Vec<String>,
    },
    /// Remove pairs.
    Unset {
        /// Keys of the pairs.
        #[arg(value_name = "KEY", required = true)]
        keys: Vec<String>,
    },
}

pub(in crate::cli) fn meta(args: MetaArgs) -> Result<ExitCode, Failed> {
    match args.step {
        Step::List { format } => {
            let Answer::Info(info) = args.socket.ask(&Request::Info)? else { return Err(unexpected()) };
            let Answer::Members(members) = args.socket.ask(&Request::Members)? else { return Err(unexpected()) };
            let own = members.into_iter().find(|member| member.id == info.id).ok_or_else(unexpected)?.meta;
            print(match format {
                Format::Json => serde_json::to_string_pretty(&own).expect("plain data") + "\n",
                Format::Text => {
                    own.iter().map(|(key, value)| format!("{}={}\n", escaped(key), escaped(value))).collect()
                }
            })?;
            Ok(ExitCode::SUCCESS)
        }
        Step::Set { pairs } => {
            // Checked here, where a complaint can name the argument.
            let bad = |error| Failed { code: 2, message: format!("KEY=VALUE: {error}") };
            Meta::from_pairs(&pairs).map_err(bad)?;
            args.socket.order(&Request::UpdateMeta { set: pairs, unset: Vec::new() })
        }
        Step::Unset { keys } => args.socket.order(&Request::UpdateMeta { set: Vec::new(), unset: keys }),
    }
}
