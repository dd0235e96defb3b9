//! `swimlab join`, `leave` and `force-leave`.

use std::fmt::Write;
use std::process::ExitCode;

use super::{Format, Socket, unexpected};
use crate::agent::check_seed;
use crate::agent::control::{Answer, ContactSummary, Request};
use crate::cli::escape::escaped;
use crate::cli::{Failed, print};

#[derive(clap::Args)]
pub(in crate::cli) struct JoinArgs {
    #[command(flatten)]
    socket: Socket,
    /// Members to join, as with `swimlab agent --join`. A host name stands for all its addresses.
    #[arg(value_name = "HOST:PORT", required = true)]
    seeds: Vec<String>,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(clap::Args)]
pub(in crate::cli) struct ForceLeaveArgs {
    #[command(flatten)]
    socket: Socket,
    /// Name of a suspected or dead member.
    name: String,
}

pub(in crate::cli) fn join(args: JoinArgs) -> Result<ExitCode, Failed> {
    // Checked here, where a complaint can name the argument.
    for seed in &args.seeds {
        let bad = |error| Failed { code: 2, message: format!("HOST:PORT: {seed:?}: {error}") };
        check_seed(seed).map_err(bad)?;
    }
    let request = Request::Join { seeds: args.seeds };
    let Answer::Contacts(contacts) = args.socket.ask(&request)? else { return Err(unexpected()) };
    print(match args.format {
        Format::Json => serde_json::to_string_pretty(&contacts).expect("plain data") + "\n",
        Format::Text => lines(&contacts),
    })?;
    Ok(ExitCode::SUCCESS)
}

pub(in crate::cli) fn leave(socket: &Socket) -> Result<ExitCode, Failed> {
    socket.order(&Request::Leave)
}

pub(in crate::cli) fn force_leave(args: ForceLeaveArgs) -> Result<ExitCode, Failed> {
    args.socket.order(&Request::ForceLeave { name: args.name })
}

/// The number of members that were contacted, and what became of each address.
fn lines(contacts: &[ContactSummary]) -> String {
    let contacted = contacts.iter().filter(|contact| contact.error.is_none()).count();
    let mut text = format!("{contacted} of {} contacted\n", contacts.len());
    for contact in contacts {
        let addr = contact.addr.map(|addr| addr.to_string()).filter(|addr| *addr != contact.seed);
        let addr = addr.map(|addr| format!(" ({addr})")).unwrap_or_default();
        let outcome = contact.error.as_deref().unwrap_or("contacted");
        let _ = writeln!(text, "{}{addr}: {}", escaped(&contact.seed), escaped(outcome));
    }
    text
}
