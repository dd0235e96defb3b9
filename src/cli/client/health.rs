//! `swimlab health` and `swimlab load`.

use std::process::ExitCode;

use clap::ValueEnum;

use super::Socket;
use crate::agent::control::Request;
use crate::cli::Failed;
use crate::discovery::check_word;

#[derive(clap::Args)]
pub(in crate::cli) struct HealthArgs {
    #[command(flatten)]
    socket: Socket,
    /// The health.
    #[arg(value_enum)]
    health: Grade,
    /// Its reason, for people: 256 bytes at most.
    #[arg(default_value = "")]
    reason: String,
    /// The service that it is about, instead of the member as a whole.
    #[arg(long, value_name = "NAME")]
    service: Option<String>,
}

#[derive(clap::Args)]
pub(in crate::cli) struct LoadArgs {
    #[command(flatten)]
    socket: Socket,
    /// Name of the figure.
    #[arg(value_parser = word)]
    name: String,
    /// The figure.
    #[arg(value_parser = number, allow_negative_numbers = true)]
    figure: f64,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Grade {
    /// It works.
    Passing,
    /// It works, but not as it should: used after those that pass.
    Warning,
    /// It does not work.
    Critical,
}

pub(in crate::cli) fn health(args: HealthArgs) -> Result<ExitCode, Failed> {
    let HealthArgs { socket, health, reason, service } = args;
    let health = match health {
        Grade::Passing => "passing",
        Grade::Warning => "warning",
        Grade::Critical => "critical",
    };
    socket.order(&Request::SetHealth { service, health: health.to_owned(), reason })
}

pub(in crate::cli) fn load(args: LoadArgs) -> Result<ExitCode, Failed> {
    let LoadArgs { socket, name, figure } = args;
    socket.order(&Request::SetLoad { name, figure })
}

fn word(text: &str) -> Result<String, String> {
    check_word(text).map(|()| text.to_owned()).map_err(|error| error.to_string())
}

fn number(text: &str) -> Result<f64, String> {
    let number = text.parse().ok().filter(|number: &f64| number.is_finite());
    number.ok_or_else(|| "expected a number".to_owned())
}
