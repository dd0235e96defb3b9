//! `swimlab reload`.

use std::process::ExitCode;

use super::Socket;
use crate::agent::control::Request;
use crate::cli::Failed;

pub(in crate::cli) fn reload(socket: &Socket) -> Result<ExitCode, Failed> {
    socket.order(&Request::Reload)
}
