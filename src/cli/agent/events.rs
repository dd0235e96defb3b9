//! An agent's events as lines on standard output.

use std::time::{SystemTime, UNIX_EPOCH};

use clap::ValueEnum;
use serde_json::json;

use crate::agent::control::Interfaces;
use crate::agent::{Agent, AgentEvent};
use crate::cli::escape::escaped;
use crate::cli::output::LineWriter;

/// Format of events.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(super) enum Format {
    /// For people.
    #[default]
    Text,
    /// A line of JSON for each event.
    Json,
}

/// Prints events without ever waiting for their reader.
pub(super) struct EventPrinter {
    out: LineWriter,
    format: Format,
}

impl EventPrinter {
    pub(super) fn new(format: Format) -> Self {
        let missed: fn(u64) -> String = match format {
            Format::Text => |count| text(&AgentEvent::Missed(count)) + "\n",
            Format::Json => |count| json(&AgentEvent::Missed(count)) + "\n",
        };
        Self { out: LineWriter::of_stdout(missed), format }
    }

    /// Prints that the agent has started, and where it serves other programs.
    pub(super) fn started(&self, agent: &Agent, interfaces: Interfaces) {
        let Interfaces { metrics, http, dns, .. } = interfaces;
        self.print(match self.format {
            Format::Text => {
                let metrics = metrics.map(|addr| format!(" metrics http://{addr}/metrics")).unwrap_or_default();
                let http = http.map(|addr| format!(" http http://{addr}/")).unwrap_or_default();
                let dns = dns.map(|addr| format!(" dns {addr}")).unwrap_or_default();
                format!("started    {} {}{metrics}{http}{dns}", escaped(agent.name()), agent.addr())
            }
            Format::Json => {
                let (id, name, addr) = (format!("{:016x}", agent.id()), agent.name(), agent.addr());
                let mut line = json!({ "at": now(), "event": "started", "id": id, "name": name, "addr": addr });
                for (key, addr) in [("metrics", metrics), ("http", http), ("dns", dns)] {
                    if let Some(addr) = addr {
                        line[key] = json!(addr);
                    }
                }
                line.to_string()
            }
        });
    }

    /// Prints an event.
    pub(super) fn event(&self, event: &AgentEvent) {
        self.print(match self.format {
            Format::Text => text(event),
            Format::Json => json(event),
        });
    }

    /// Waits until the reader has all lines; gives up after a second, or at once if it takes none.
    pub(super) fn flush(&self) {
        self.out.flush(crate::cli::output::FLUSH_TIMEOUT);
    }

    fn print(&self, line: String) {
        self.out.push((line + "\n").into_bytes());
    }
}

fn text(event: &AgentEvent) -> String {
    match event {
        AgentEvent::Member(change, member) => {
            let meta = member.pairs().0;
            let meta: String =
                meta.iter().map(|(key, value)| format!(" {}={}", escaped(key), escaped(value))).collect();
            format!("{change:<10} {} {} ({}){meta}", escaped(member.name()), member.addr(), member.incarnation)
        }
        AgentEvent::User { from_name, event, .. } => {
            let payload = escaped(&String::from_utf8_lossy(&event.payload));
            format!("event      {} from {}: {payload}", escaped(&event.name), escaped(from_name))
        }
        AgentEvent::Query(query) => {
            let payload = escaped(&String::from_utf8_lossy(query.payload()));
            format!("query      {} from {}: {payload}", escaped(query.name()), escaped(query.from_name()))
        }
        AgentEvent::Displaced => "displaced  by another process of this name".to_owned(),
        AgentEvent::Missed(count) => format!("missed     {count} events"),
    }
}

/// An event as a line of JSON.
pub(super) fn json(event: &AgentEvent) -> String {
    let at = now();
    let value = match event {
        AgentEvent::Member(change, member) => json!({
            "at": at, "event": change.name(), "id": format!("{:016x}", member.id()), "name": member.name(),
            "addr": member.addr(), "state": member.state.to_string(), "incarnation": member.incarnation.to_string(),
            "meta": member.pairs().0,
        }),
        AgentEvent::User { from, from_name, event } => json!({
            "at": at, "event": "user", "id": format!("{from:016x}"), "name": &**from_name, "user": &*event.name,
            "payload": String::from_utf8_lossy(&event.payload),
        }),
        AgentEvent::Query(query) => json!({
            "at": at, "event": "query", "id": format!("{:016x}", query.from()), "name": query.from_name(),
            "query": query.name(), "payload": String::from_utf8_lossy(query.payload()),
        }),
        AgentEvent::Displaced => json!({ "at": at, "event": "displaced" }),
        AgentEvent::Missed(count) => json!({ "at": at, "event": "missed", "count": count }),
    };
    value.to_string()
}

/// Seconds since 1970.
fn now() -> f64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    (since.as_secs_f64() * 1e3).round() / 1e3
}
