//! `swimlab rtt` and `reachability`.

use std::fmt::Write;
use std::process::ExitCode;

use super::{Format, Socket, unexpected};
use crate::agent::control::{Answer, ReachedSummary, Request, RoundTripSummary};
use crate::cli::escape::escaped;
use crate::cli::{Failed, print};

#[derive(clap::Args)]
pub(in crate::cli) struct RttArgs {
    #[command(flatten)]
    socket: Socket,
    /// Name of a member.
    a: String,
    /// Name of another one [default: the agent's own].
    b: Option<String>,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

#[derive(clap::Args)]
pub(in crate::cli) struct ReachabilityArgs {
    #[command(flatten)]
    socket: Socket,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(in crate::cli) fn rtt(args: RttArgs) -> Result<ExitCode, Failed> {
    let request = match args.b {
        Some(to) => Request::RoundTrip { from: Some(args.a), to },
        None => Request::RoundTrip { from: None, to: args.a },
    };
    let Answer::RoundTrip(found) = args.socket.ask(&request)? else { return Err(unexpected()) };
    print(match args.format {
        Format::Json => serde_json::to_string_pretty(&found).expect("plain data") + "\n",
        Format::Text => line(&found),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// Exits with code 1 if a member has not answered.
pub(in crate::cli) fn reachability(args: &ReachabilityArgs) -> Result<ExitCode, Failed> {
    let Answer::Reachability(reached) = args.socket.ask(&Request::Reachability)? else { return Err(unexpected()) };
    print(match args.format {
        Format::Json => serde_json::to_string_pretty(&reached).expect("plain data") + "\n",
        Format::Text => lines(&reached),
    })?;
    let all = reached.iter().all(|member| member.rtt_ms.is_some());
    Ok(if all { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn line(found: &RoundTripSummary) -> String {
    let source = match found.error {
        Some(error) => format!("by {}, give or take {:.0} %", escaped(&found.source), error * 100.0),
        None => escaped(&found.source),
    };
    format!("{} to {}: {:.3} ms, {source}\n", escaped(&found.from), escaped(&found.to), found.rtt_ms)
}

/// A line for each member, those that have not answered first, and their numbers.
fn lines(reached: &[ReachedSummary]) -> String {
    let mut sorted: Vec<&ReachedSummary> = reached.iter().collect();
    sorted.sort_by_key(|member| (member.rtt_ms.is_some(), &member.name));
    let mut text = String::new();
    for member in sorted {
        let outcome = member.rtt_ms.map_or_else(|| "no ack".to_owned(), |rtt| format!("{rtt:.3} ms"));
        let _ = writeln!(text, "{}  {}  {}  {outcome}", escaped(&member.name), member.addr, escaped(&member.state));
    }
    let acked = reached.iter().filter(|member| member.rtt_ms.is_some()).count();
    let _ = writeln!(text, "{acked} of {} other members answered", reached.len());
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_text_forms_are_pinned() {
        let found = |json: &str| line(&serde_json::from_str(json).unwrap());
        let measured = r#"{"from":"a","to":"b\u001b","rtt_ms":1.5,"source":"measured"}"#;
        assert_eq!(found(measured), "a to b\\u{1b}: 1.500 ms, measured\n");
        let estimated = r#"{"from":"a","to":"b","rtt_ms":21.04,"source":"coordinates","error":0.154}"#;
        assert_eq!(found(estimated), "a to b: 21.040 ms, by coordinates, give or take 15 %\n");
        let reached = r#"[{"id":"1","name":"b","addr":"127.0.0.1:1","state":"alive","rtt_ms":0.25},
            {"id":"2","name":"c","addr":"127.0.0.1:2","state":"suspect"}]"#;
        let reached: Vec<ReachedSummary> = serde_json::from_str(reached).unwrap();
        let expected =
            "c  127.0.0.1:2  suspect  no ack\nb  127.0.0.1:1  alive  0.250 ms\n1 of 2 other members answered\n";
        assert_eq!(lines(&reached), expected);
    }
}
