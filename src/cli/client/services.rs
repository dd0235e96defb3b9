//! `swimlab services`.

use std::process::ExitCode;

use super::choice::filter;
use super::{Format, Socket, aligned, unexpected};
use crate::agent::InstanceSummary;
use crate::agent::control::{Answer, Request};
use crate::cli::escape::escaped;
use crate::cli::{Failed, print};

#[derive(clap::Args)]
pub(in crate::cli) struct ServicesArgs {
    #[command(flatten)]
    socket: Socket,
    /// Service whose instances to list; without one, those of all services.
    name: Option<String>,
    /// Only instances that are ready or degraded.
    #[arg(long)]
    healthy: bool,
    /// Only instances for which these conditions hold, as in kind=backend,capability=gpu.
    #[arg(long = "where", value_name = "FILTER", value_parser = filter)]
    filter: Option<String>,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(in crate::cli) fn services(args: ServicesArgs) -> Result<ExitCode, Failed> {
    let ServicesArgs { socket, name, healthy, filter, format } = args;
    let request = Request::Services { name, healthy, filter };
    let Answer::Services(instances) = socket.ask(&request)? else { return Err(unexpected()) };
    print(match format {
        Format::Json => serde_json::to_string_pretty(&instances).expect("plain data") + "\n",
        Format::Text => table(&instances),
    })?;
    Ok(ExitCode::SUCCESS)
}

fn table(instances: &[InstanceSummary]) -> String {
    let list = |words: &std::collections::BTreeSet<String>| {
        words.iter().map(|word| escaped(word)).collect::<Vec<_>>().join(",")
    };
    let title =
        ["SERVICE", "MEMBER", "ADDRESS", "READINESS", "WEIGHT", "KIND", "TAGS", "CAPABILITIES", "ZONE", "REASON"];
    let rows = instances.iter().map(|instance| {
        [
            escaped(&instance.service),
            escaped(&instance.member),
            std::net::SocketAddr::from((instance.address, instance.port)).to_string(),
            instance.readiness.clone(),
            instance.weight.to_string(),
            instance.kind.as_deref().map(escaped).unwrap_or_default(),
            list(&instance.tags),
            list(&instance.capabilities),
            escaped(&instance.zone),
            escaped(&instance.reason),
        ]
    });
    aligned(&[title.map(str::to_owned)].into_iter().chain(rows).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instances_are_shown_in_columns() {
        let instance = |member: &str, rest: &str| {
            let json = format!(
                r#"{{"service":"web","member":"{member}","id":"1","address":"fd00::1","port":80,"weight":1,"meta":{{}},
                "load":{{}},"health":"passing",{rest}}}"#
            );
            serde_json::from_str::<InstanceSummary>(&json).unwrap()
        };
        let full = r#""tags":["v1","v2"],"zone":"eu/a","kind":"backend","capabilities":["gpu"],"reason":"",
            "readiness":"ready""#;
        let bare = r#""tags":[],"zone":"","kind":null,"capabilities":[],"reason":"a\u001b","readiness":"failing""#;
        insta::assert_snapshot!(table(&[instance("a", full), instance("longer", bare)]), @r"
        SERVICE  MEMBER  ADDRESS       READINESS  WEIGHT  KIND     TAGS   CAPABILITIES  ZONE  REASON
        web      a       [fd00::1]:80  ready      1       backend  v1,v2  gpu           eu/a
        web      longer  [fd00::1]:80  failing    1                                           a\u{1b}
        ");
    }
}
