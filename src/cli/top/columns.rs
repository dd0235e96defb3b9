//! Columns of the table of members.

use std::cmp::Ordering;

use super::format::{age, round_trip};
use crate::agent::control::MemberOverview;
use crate::cli::escape::escaped;

/// A column: what it shows, and the order of members by it.
#[derive(Debug)]
pub(super) struct Column {
    pub title: &'static str,
    /// The width in columns of the terminal; the first column has the rest in addition.
    pub width: u16,
    /// Whether it is left out if no member has a value for it.
    pub is_optional: bool,
    text: fn(&MemberOverview) -> String,
    order: fn(&MemberOverview, &MemberOverview) -> Ordering,
}

impl Column {
    /// A member's value, safe to be shown.
    pub(super) fn text(&self, member: &MemberOverview) -> String {
        (self.text)(member)
    }

    /// The order of two members; members of one value are equal.
    pub(super) fn order(&self, a: &MemberOverview, b: &MemberOverview) -> Ordering {
        (self.order)(a, b)
    }
}

/// All columns, from left to right; those for which there is no room are left out from the right.
pub(super) const COLUMNS: &[Column] = &[
    Column {
        title: "NAME",
        width: 12,
        is_optional: false,
        text: |member| escaped(&member.member.name),
        order: |a, b| a.member.name.cmp(&b.member.name),
    },
    Column {
        title: "STATE",
        width: 7,
        is_optional: false,
        text: |member| escaped(&member.member.state),
        order: |a, b| urgency(a).cmp(&urgency(b)),
    },
    Column {
        title: "SINCE",
        width: 7,
        is_optional: false,
        text: |member| member.since_s.map(age).unwrap_or_default(),
        order: |a, b| known_first(a.since_s, b.since_s),
    },
    Column {
        title: "RTT",
        width: 9,
        is_optional: false,
        text: |member| member.rtt_ms.map(|ms| round_trip(ms, member.is_estimate)).unwrap_or_default(),
        order: |a, b| known_first(a.rtt_ms.map(|ms| -ms), b.rtt_ms.map(|ms| -ms)),
    },
    Column {
        title: "SUSP",
        width: 5,
        is_optional: false,
        text: |member| member.suspicions.to_string(),
        order: |a, b| b.suspicions.cmp(&a.suspicions),
    },
    Column {
        title: "ADDRESS",
        width: 21,
        is_optional: false,
        text: |member| member.member.addr.to_string(),
        order: |a, b| a.member.addr.cmp(&b.member.addr),
    },
    Column {
        title: "INCARNATION",
        width: 13,
        is_optional: false,
        text: |member| escaped(&member.member.incarnation),
        order: |a, b| incarnation(b).cmp(&incarnation(a)),
    },
    Column {
        title: "ZONE",
        width: 16,
        is_optional: true,
        text: |member| member.member.zone.as_deref().map(escaped).unwrap_or_default(),
        order: |a, b| (a.member.zone.is_none(), &a.member.zone).cmp(&(b.member.zone.is_none(), &b.member.zone)),
    },
    Column {
        title: "SERVICES",
        width: 20,
        is_optional: true,
        text: |member| member.services.iter().map(|service| escaped(service)).collect::<Vec<_>>().join(" "),
        order: |a, b| (a.services.is_empty(), &a.services).cmp(&(b.services.is_empty(), &b.services)),
    },
];

/// Rank by state: suspected and dead members, which an operator looks for, come first.
fn urgency(member: &MemberOverview) -> u8 {
    match &*member.member.state {
        "suspect" => 0,
        "dead" => 1,
        "left" => 2,
        _ => 3,
    }
}

/// The order of two numbers of which one may be unknown: unknown ones come last.
fn known_first(a: Option<f64>, b: Option<f64>) -> Ordering {
    match (a, b) {
        (Some(a), Some(b)) => a.total_cmp(&b),
        (a, b) => b.is_some().cmp(&a.is_some()),
    }
}

/// Generation and refutations.
fn incarnation(member: &MemberOverview) -> Option<(u64, u64)> {
    let (generation, refutations) = member.member.incarnation.split_once('.')?;
    Some((generation.parse().ok()?, refutations.parse().ok()?))
}
