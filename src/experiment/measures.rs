//! What is measured: names, units, definitions. docs/measures.md says the same at length.

use serde::{Deserialize, Serialize};

pub use super::recorder::Recorder;

/// A measure: one number per trial. Of every measure, less is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Measure {
    /// Its name: the column in trials.csv, the key in summary.json.
    pub name: &'static str,
    /// What its numbers count.
    pub unit: Unit,
    /// One sentence.
    pub about: &'static str,
}

/// What a measure's numbers count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Things that happen, mostly rare ones.
    Events,
    /// Messages.
    Messages,
    /// Bytes.
    Bytes,
    /// A share of a whole, 0 to 1.
    Share,
    /// Members.
    Members,
}

/// All measures, in the order of their columns.
pub const MEASURES: &[Measure] = &[
    of("first_ping_s", Unit::Seconds, "From a crash to the first direct ping sent to the victim."),
    of("first_suspicion_s", Unit::Seconds, "From a crash to the first running member that suspects."),
    of("first_declaration_s", Unit::Seconds, "From a crash to the first declaration of death."),
    of("informed_50_s", Unit::Seconds, "From a crash until half of the survivors know."),
    of("informed_99_s", Unit::Seconds, "From a crash until 99 % of the survivors know."),
    of("informed_100_s", Unit::Seconds, "From a crash until all survivors know."),
    of("false_suspicions", Unit::Events, "Live members suspected by somebody's own probe."),
    of("false_positives", Unit::Events, "Transitions of an observer to dead about a live member."),
    of("false_positives_healthy", Unit::Events, "Those of observers that no fault has disturbed."),
    of("messages_sent", Unit::Messages, "Messages sent after the warm-up."),
    of("bytes_sent", Unit::Bytes, "Bytes sent after the warm-up."),
    of("cross_zone_bytes", Unit::Bytes, "Bytes sent from one zone to another."),
    of("cross_region_bytes", Unit::Bytes, "Bytes sent from one region to another."),
    of("busiest_member_share", Unit::Share, "The busiest member's part of all bytes sent and received."),
    of("mean_ping_rtt_s", Unit::Seconds, "The mean round trip, without jitter, of the direct pings sent."),
    of("unmonitored_members", Unit::Members, "Live members that nobody pinged for over 20 periods."),
    of("violations", Unit::Events, "What the checkers object to."),
];

const fn of(name: &'static str, unit: Unit, about: &'static str) -> Measure {
    Measure { name, unit, about }
}

/// The column of a measure; `None` if there is none of this name.
pub fn index_of(name: &str) -> Option<usize> {
    MEASURES.iter().position(|measure| measure.name == name)
}

/// One measure of one trial.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MeasuredValue {
    /// So much, in the measure's unit.
    Value(f64),
    /// Not reached within the trial: more than any value that could have been observed.
    Censored,
    /// There is nothing to measure: no victim, no zones.
    Absent,
}

/// What one trial measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// One reading for each of [`MEASURES`], in their order.
    pub readings: Vec<MeasuredValue>,
    /// Every member that crashed or left, in the order in which it happened.
    pub victims: Vec<Victim>,
    /// For each of the trial's faults, how often it really struck a member.
    pub strikes: Vec<u32>,
}

/// A member that crashed or left, and how the others came to know. Seconds from its own fault; `None` is not reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Victim {
    /// Which of the trial's faults struck it, from 0.
    pub fault: u32,
    /// Its number in the world.
    pub member: u32,
    /// When, in seconds after the warm-up.
    pub at_s: f64,
    /// What happened to it.
    pub kind: VictimKind,
    /// The first direct ping sent to it.
    pub first_ping_s: Option<f64>,
    /// The first running member that suspected it.
    pub first_suspicion_s: Option<f64>,
    /// The first running member that held it dead.
    pub first_declaration_s: Option<f64>,
    /// Half of the survivors knew.
    pub informed_50_s: Option<f64>,
    /// 99 % of the survivors knew.
    pub informed_99_s: Option<f64>,
    /// All survivors knew.
    pub informed_100_s: Option<f64>,
}

/// What happened to a victim.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum VictimKind {
    /// It stopped for good.
    Crash,
    /// It stopped, and begins again later: the time to notice ends there.
    Restart,
    /// It was replaced by a new member.
    Churn,
    /// It said goodbye. Listed, but no part of the trial's readings.
    Leave,
}

impl VictimKind {
    /// Its name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::Restart => "restart",
            Self::Churn => "churn",
            Self::Leave => "leave",
        }
    }
}
