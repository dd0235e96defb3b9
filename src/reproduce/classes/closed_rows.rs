//! Measured values beside closed forms.

use super::SWIM;
use super::figure::Figure;
use super::groups::{Contender, Group, Groups};
use super::power_law::SizeLimit;
use crate::detectors::{Heartbeat, HeartbeatCount, HeartbeatMessage};
use crate::protocol::MessageKind;
use crate::reproduce::Row;
use crate::reproduce::claim::Claim;
use crate::reproduce::closed_forms::{self, Delay, delay, false_heartbeat_deaths};
use crate::reproduce::runner::Runner;
use crate::sim::address_of;

/// The stated loads: bytes that the busiest member sends and receives per second.
pub(super) const LOADS: [f64; 2] = [4_000.0, 400_000.0];

/// The timeout of heartbeats, in periods.
const TIMEOUT: f64 = 4.5;

/// Time to live, period and time between two readings of the lease, in seconds.
const LEASE: (f64, f64, f64) = (10.0, 3.0, 1.0);

/// The loss of the lossy links.
const LOSS: f64 = 0.05;

/// The minimum number of expected false deaths.
const FEWEST: f64 = 100.0;

pub(super) fn rows(runner: &Runner<'_>, groups: &Groups) -> Vec<Row> {
    let mut rows = Vec::new();
    let each = |row: &dyn Fn(&Contender, u32, &Group) -> Option<Row>| -> Vec<Row> {
        let of = |contender: &Contender| {
            groups.sizes().into_iter().filter_map(|n| row(contender, n, &groups.at(&contender.name, n))).collect()
        };
        groups.contenders.iter().map(of).collect::<Vec<Vec<Row>>>().concat()
    };
    rows.extend(each(&|contender, n, group| messages(runner, contender, n, group)));
    rows.extend(groups.contenders.iter().flat_map(|contender| exponents(runner, groups, contender)));
    rows.extend(each(&|contender, n, group| detection(runner, contender, n, group)));
    rows.extend(each(&|contender, n, group| false_deaths(runner, contender, n, group)));
    rows.extend(groups.contenders.iter().filter_map(|contender| limit(runner, groups, contender)));
    rows
}

/// A row with a measured figure; `None` if there is none.
fn against(claim: Claim, figure: Figure) -> Option<Row> {
    let estimate = figure.estimate()?;
    Some(claim.closed_form().against(estimate.value, [estimate.low, estimate.high]))
}

fn label(contender: &Contender, n: u32) -> String {
    format!("n = {n}, {}", contender.name)
}

fn messages(runner: &Runner<'_>, contender: &Contender, members: u32, group: &Group) -> Option<Row> {
    let n = f64::from(members);
    let (_, period, poll) = LEASE;
    let (paper, says) = match contender.name.as_str() {
        "gossip-heartbeat" => {
            (libm::ceil(n / HeartbeatMessage::BEATS as f64), "ceil(n / 72): 72 counters in a datagram")
        }
        "lease" => ((n - 1.0) / n * (1.0 / period + 2.0 / poll), "(1/period + 2/poll) of n - 1 members, over n"),
        name => (closed_forms::messages(name, n)?, if contender.is_swim { "2, whatever n" } else { "n - 1" }),
    };
    let claim = runner.claim("messages", label(contender, members), "handled per member and second", paper);
    against(claim.says(says), group.messages)
}

/// The power of the size with which the messages and the bytes of the whole group grow.
fn exponents(runner: &Runner<'_>, groups: &Groups, contender: &Contender) -> Vec<Row> {
    let (messages, bytes) = match contender.name.as_str() {
        SWIM | "lease" => (Some(1.0), Some(1.0)),
        "all-to-all" | "majority" => (Some(2.0), Some(2.0)),
        // Messages grow in steps.
        "gossip-heartbeat" => (None, Some(2.0)),
        _ => (None, None),
    };
    let row = |measure, paper: Option<f64>, of: fn(&Group) -> Figure| {
        let law = groups.growth(&contender.name, |group, n| Some(of(group).estimate()?.value * f64::from(n)))?;
        let claim = runner.claim("growth", contender.name.as_str(), measure, paper?);
        let says = "the group's, by the size; a member's is one less";
        Some(claim.closed_form().says(says).against(law.exponent, law.interval()))
    };
    let rows = [
        row("exponent of messages", messages, |group| group.messages),
        row("exponent of bytes", bytes, |group| group.bytes),
    ];
    rows.into_iter().flatten().collect()
}

fn detection(runner: &Runner<'_>, contender: &Contender, members: u32, group: &Group) -> Option<Row> {
    let n = f64::from(members);
    let (ttl, period, poll) = LEASE;
    let delay = match contender.name.as_str() {
        "lease" => Delay {
            measure: "seconds until all are informed, mean",
            column: "informed_100_s",
            periods: ttl - period / 2.0 + poll * (n - 1.0) / n,
            says: "ttl - period/2 + poll (n-1)/n: the last of n - 1 readers in random phases",
        },
        name => delay(name, n, TIMEOUT)?,
    };
    let figure = if delay.column == "informed_100_s" { group.informed_s } else { group.declared_s };
    let claim = runner.claim("detection", label(contender, members), delay.measure, delay.periods);
    against(claim.says(delay.says), figure)
}

fn false_deaths(runner: &Runner<'_>, contender: &Contender, members: u32, group: &Group) -> Option<Row> {
    let per_hour = 3600.0 * false_heartbeat_deaths(members.into(), LOSS);
    if contender.name != "all-to-all" || per_hour * group.lossy_member_hours < FEWEST {
        return None;
    }
    let row = format!("{}, 5 % lost", label(contender, members));
    let claim = runner.claim("false deaths", row, "per member and hour", per_hour).within(0.1);
    against(claim.says("3600 (n-1) q (1-q)^4: one heartbeat heard, the next four lost"), group.false_deaths)
}

/// The largest group under the smaller of the stated loads.
fn limit(runner: &Runner<'_>, groups: &Groups, contender: &Contender) -> Option<Row> {
    let paper = closed_limit(&contender.name, LOADS[0])?;
    let law = groups.growth(&contender.name, |group, _| Some(group.busiest.estimate()?.value))?;
    let (SizeLimit::Measured(ours) | SizeLimit::Extrapolated(ours)) = law.limit(LOADS[0]) else { return None };
    let row = format!("busiest member at {} kB/s, {}", LOADS[0] / 1e3, contender.name);
    let claim = runner.claim("scalability", row, "members, at most", f64::from(paper));
    let says = "31 bytes for each heartbeat, renewal, question and answer";
    let ours = f64::from(ours);
    Some(claim.closed_form().says(says).against(ours, [Some(ours), Some(ours)]))
}

/// The largest group in which the busiest member sends and receives at most `load` bytes per second, by the closed form.
/// `None` for a detector without one.
pub(super) fn closed_limit(detector: &str, load: f64) -> Option<u32> {
    let (_, period, poll) = LEASE;
    let per_other = match detector {
        // To each other member and from it.
        "all-to-all" | "majority" => 2.0,
        // To the registry a renewal and a question, and an answer from it.
        "lease" => 1.0 / period + 2.0 / poll,
        _ => return None,
    };
    Some(1 + (load / (per_other * heartbeat_bytes())) as u32)
}

/// The bytes of a heartbeat while its number is below 128. Messages of the lease have as many.
fn heartbeat_bytes() -> f64 {
    let count = HeartbeatCount { generation: 0, beats: 1 };
    let beat = Heartbeat { id: 0, address: address_of(0), count, left: false };
    let message = HeartbeatMessage {
        from: 0,
        kind: MessageKind::Gossip,
        beats: [beat].into(),
        silent: [].into(),
        wants_reply: false,
    };
    f64::from(message.bytes())
}
