//! What the page shows of one member: its table, timers and queue.

use serde::Serialize;
use swimlab::protocol::{Id, Incarnation, Member, Status, Time, UpdateKind};
use swimlab::sim::IdIndex;

/// One member at one time. Times are microseconds since the trial's start, `None` if they never come; members are their
/// indices in the world, `None` if they are none of its.
#[derive(Debug, PartialEq, Serialize)]
pub(crate) struct MemberView {
    incarnation: [u32; 2],
    /// The number of members that it believes to be alive, itself included.
    members: u32,
    health_score: u16,
    period_ends: Option<u64>,
    probe_timeout_at: Option<u64>,
    probes: Vec<Probe>,
    table: Vec<Record>,
    queue: Vec<QueuedUpdate>,
    /// The number of transmissions after which an update leaves the queue.
    transmission_limit: u32,
}

/// A member pinged in the current period.
#[derive(Debug, PartialEq, Serialize)]
struct Probe {
    member: Option<u32>,
    answered: bool,
}

#[derive(Debug, PartialEq, Serialize)]
struct Record {
    member: Option<u32>,
    status: &'static str,
    incarnation: [u32; 2],
    #[serde(skip_serializing_if = "Option::is_none")]
    suspicion: Option<SuspicionView>,
}

#[derive(Debug, PartialEq, Serialize)]
struct SuspicionView {
    since: Option<u64>,
    until: Option<u64>,
    by: Vec<Option<u32>>,
}

#[derive(Debug, PartialEq, Serialize)]
struct QueuedUpdate {
    about: Option<u32>,
    kind: &'static str,
    incarnation: [u32; 2],
    transmissions: u32,
}

impl MemberView {
    pub(crate) fn of(member: &Member, ids: &IdIndex) -> Self {
        let index = |id: Id| ids.index(id);
        let table = member.table();
        let records = table.entries().map(|(slot, status, incarnation, node)| Record {
            member: index(node.peer.id),
            status: status_name(status),
            incarnation: pair(incarnation),
            suspicion: table.suspicion(slot).map(|suspicion| SuspicionView {
                since: micros(suspicion.since),
                until: micros(suspicion.until),
                by: suspicion.by.iter().map(|&id| index(id)).collect(),
            }),
        });
        let mut records: Vec<Record> = records.collect();
        records.sort_by_key(|record| record.member);
        let queue = member.queued_updates().map(|(update, transmissions)| QueuedUpdate {
            about: index(update.id),
            kind: update_name(&update.kind),
            incarnation: pair(update.incarnation),
            transmissions,
        });
        Self {
            incarnation: pair(member.incarnation()),
            members: table.members(),
            health_score: member.health_score(),
            period_ends: micros(member.period_ends()),
            probe_timeout_at: micros(member.probe_timeout_at()),
            probes: member.probed().map(|(id, answered)| Probe { member: index(id), answered }).collect(),
            table: records,
            queue: queue.collect(),
            transmission_limit: member.transmission_limit(),
        }
    }
}

fn micros(at: Time) -> Option<u64> {
    (at != Time::NEVER).then(|| at.as_micros())
}

fn pair(incarnation: Incarnation) -> [u32; 2] {
    [incarnation.generation, incarnation.refutations]
}

fn status_name(status: Status) -> &'static str {
    match status {
        Status::Alive => "alive",
        Status::Suspect => "suspect",
        Status::Dead => "dead",
        Status::Left => "left",
    }
}

fn update_name(kind: &UpdateKind) -> &'static str {
    match kind {
        UpdateKind::Alive(_) => "alive",
        UpdateKind::Suspect { .. } => "suspect",
        UpdateKind::Dead => "dead",
        UpdateKind::Left => "left",
        UpdateKind::User(_) => "user",
    }
}
