//! `swimlab event`.

use std::process::ExitCode;

use super::Socket;
use crate::agent::control::Request;
use crate::cli::Failed;
use crate::protocol::{NameError, UserEvent};

#[derive(clap::Args)]
pub(in crate::cli) struct EventArgs {
    #[command(flatten)]
    socket: Socket,
    /// Name of the event.
    name: String,
    /// Payload of the event.
    #[arg(default_value = "")]
    payload: String,
}

pub(in crate::cli) fn event(args: EventArgs) -> Result<ExitCode, Failed> {
    // Checked here, where a complaint can name the argument.
    let named = NameError::check(&args.name, UserEvent::NAME_LIMIT);
    named.map_err(|error| Failed { code: 2, message: format!("NAME, the event's name: {error}") })?;
    args.socket.order(&Request::Event { name: args.name, payload: args.payload })
}
