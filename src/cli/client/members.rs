//! `swimlab members`.

use std::fmt::Write;
use std::process::ExitCode;

use super::{Format, Socket, unexpected};
use crate::agent::control::{Answer, MemberSummary, Request};
use crate::cli::escape::escaped;
use crate::cli::{Failed, print};

#[derive(clap::Args)]
pub(in crate::cli) struct MembersArgs {
    #[command(flatten)]
    socket: Socket,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(in crate::cli) fn members(args: &MembersArgs) -> Result<ExitCode, Failed> {
    let Answer::Members(members) = args.socket.ask(&Request::Members)? else { return Err(unexpected()) };
    print(match args.format {
        Format::Json => serde_json::to_string_pretty(&members).expect("plain data") + "\n",
        Format::Text => table(&members),
    })?;
    Ok(ExitCode::SUCCESS)
}

/// A column of the table of members. One that is not always shown is left out if no member has a value for it.
struct Column {
    title: &'static str,
    is_always_shown: bool,
    value: fn(&MemberSummary) -> String,
}

/// The columns, from left to right.
const COLUMNS: &[Column] = &[
    Column { title: "NAME", is_always_shown: true, value: |member| escaped(&member.name) },
    Column { title: "ADDRESS", is_always_shown: true, value: |member| member.addr.to_string() },
    Column { title: "STATE", is_always_shown: true, value: |member| member.state.clone() },
    Column { title: "INCARNATION", is_always_shown: true, value: |member| member.incarnation.clone() },
    Column {
        title: "ZONE",
        is_always_shown: false,
        value: |member| member.zone.as_deref().map(escaped).unwrap_or_default(),
    },
    Column {
        title: "PLACE",
        is_always_shown: false,
        value: |member| member.place.map(|place| format!("{},{}", place.lat, place.lon)).unwrap_or_default(),
    },
    Column {
        title: "META",
        is_always_shown: true,
        value: |member| {
            let meta = member.meta.iter().map(|(key, value)| format!("{}={}", escaped(key), escaped(value)));
            meta.collect::<Vec<_>>().join(" ")
        },
    },
];

fn table(members: &[MemberSummary]) -> String {
    let columns = COLUMNS.iter().map(|column| {
        let values: Vec<String> = members.iter().map(column.value).collect();
        let is_shown = column.is_always_shown || values.iter().any(|value| !value.is_empty());
        let width = values.iter().map(|value| value.chars().count()).max().unwrap_or(0).max(column.title.len());
        is_shown.then_some((column.title, values, width))
    });
    let columns: Vec<_> = columns.flatten().collect();
    let mut text = String::new();
    for row in 0..=members.len() {
        let mut line = String::new();
        for (title, values, width) in &columns {
            let value = row.checked_sub(1).map_or(*title, |member| &values[member]);
            let _ = write!(line, "{value:width$}  ");
        }
        let _ = writeln!(text, "{}", line.trim_end());
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_zones_and_places_are_shown_if_a_member_has_one() {
        let member = |name: &str, rest: &str| {
            let json = format!(
                r#"{{"id":"1","name":"{name}","addr":"127.0.0.1:7946","state":"alive","incarnation":"7.2"{rest}}}"#
            );
            serde_json::from_str::<MemberSummary>(&json).unwrap()
        };
        let plain = member("a", r#","meta":{"role":"web"}"#);
        insta::assert_snapshot!(table(std::slice::from_ref(&plain)), @r"
        NAME  ADDRESS         STATE  INCARNATION  META
        a     127.0.0.1:7946  alive  7.2          role=web
        ");
        let placed = member("long-name", r#","meta":{},"zone":"eu/eu-1\u001b","place":{"lat":-52.5,"lon":13.4}"#);
        insta::assert_snapshot!(table(&[plain, placed]), @r"
        NAME       ADDRESS         STATE  INCARNATION  ZONE           PLACE       META
        a          127.0.0.1:7946  alive  7.2                                     role=web
        long-name  127.0.0.1:7946  alive  7.2          eu/eu-1\u{1b}  -52.5,13.4
        ");
    }
}
