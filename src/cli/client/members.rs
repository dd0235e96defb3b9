//! `swimlab members`.

use std::process::ExitCode;

use super::choice::MemberChoice;
use super::{Format, Socket, aligned, unexpected};
use crate::agent::control::{Answer, MemberSummary};
use crate::cli::escape::escaped;
use crate::cli::{Failed, print};

#[derive(clap::Args)]
pub(in crate::cli) struct MembersArgs {
    #[command(flatten)]
    socket: Socket,
    #[command(flatten)]
    choice: MemberChoice,
    /// Output format.
    #[arg(long, value_enum, default_value_t)]
    format: Format,
}

pub(in crate::cli) fn members(args: &MembersArgs) -> Result<ExitCode, Failed> {
    let answer = args.socket.ask(&args.choice.request())?;
    let Answer::Members(mut members) = answer else { return Err(unexpected()) };
    members.retain(|member| args.choice.allows(member));
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

impl Column {
    fn is_shown(&self, members: &[MemberSummary]) -> bool {
        self.is_always_shown || members.iter().any(|member| !(self.value)(member).is_empty())
    }
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
    let columns: Vec<&Column> = COLUMNS.iter().filter(|column| column.is_shown(members)).collect();
    let title = columns.iter().map(|column| column.title.to_owned()).collect();
    let row = |member| columns.iter().map(|column| (column.value)(member)).collect();
    aligned(&[title].into_iter().chain(members.iter().map(row)).collect::<Vec<Vec<String>>>())
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
