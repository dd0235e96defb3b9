//! The measures: names, units and definitions. docs/measures.md defines them at length.

use serde::{Deserialize, Serialize};

use super::floors::FloorInputs;

/// A measure: one number per trial. Less is better, but for those with [`more_is_better`](Self::more_is_better).
///
/// Tables, trials.csv, summary.json, report.html and `swimlab list measures` are all made from its row in [`MEASURES`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Measure {
    /// Column in trials.csv and key in summary.json.
    pub name: &'static str,
    /// The unit of its values.
    pub unit: Unit,
    /// The definition in one sentence.
    pub about: &'static str,
    /// Whether more of it is better.
    pub more_is_better: bool,
    /// The least possible mean, if theory gives one.
    pub floor: Option<fn(&FloorInputs) -> f64>,
    /// The title of the plot of its distribution; `None` if it is not plotted.
    pub plot: Option<&'static str>,
    /// Its column in the main tables; `None` if it is only in the files and in the table of all measures.
    pub column: Option<TableColumn>,
    /// Whether it is a measure of services, which experiments without `[discovery]` do not have.
    pub of_services: bool,
}

/// The unit of a measure's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Counts of events, most of them rare.
    Events,
    /// Messages.
    Messages,
    /// Bytes.
    Bytes,
    /// A share of a whole, from 0 to 1.
    Share,
    /// Members.
    Members,
}

/// A measure's column in the main tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct TableColumn {
    /// The heading.
    pub title: &'static str,
    /// The divisor of the shown value.
    pub per: Divisor,
    /// Whether the mean is shown instead of the median, which is zero for rare events.
    pub by_mean: bool,
    /// The order in which columns are left out of a narrow table, the highest rank first.
    pub rank: u8,
}

/// The divisor of the values that a table shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Divisor {
    /// One: the value of the trial.
    One,
    /// The members at the start times the seconds of the trial.
    MemberSecond,
    /// All bytes sent in the trial.
    BytesSent,
}

/// Declares [`MEASURES`], and [`Readings`] with a field for each of them.
macro_rules! measures {
    (@row $name:ident, $unit:ident, $about:literal, $of_services:literal, $($option:ident: $value:expr),*) => {
        Measure {
            $($option: measures!(@option $option $value),)*
            of_services: $of_services,
            ..Measure::new(stringify!($name), Unit::$unit, $about)
        }
    };
    (@option more_is_better $value:expr) => { $value };
    (@option $option:ident $value:expr) => { Some($value) };
    (
        $($name:ident: $unit:ident, $about:literal $({ $($option:ident: $value:expr),* })?;)*
        @services $($of:ident: $of_unit:ident, $of_about:literal $({ $($of_option:ident: $of_value:expr),* })?;)*
    ) => {
        /// All measures, in the order of their columns.
        pub const MEASURES: &[Measure] = &[
            $(measures!(@row $name, $unit, $about, false, $($($option: $value),*)?),)*
            $(measures!(@row $of, $of_unit, $of_about, true, $($($of_option: $of_value),*)?),)*
        ];

        /// The values of one trial, by measure.
        #[derive(Clone, Copy, Debug)]
        pub(super) struct Readings {
            $(#[doc = $about] pub $name: MeasuredValue,)*
            $(#[doc = $of_about] pub $of: MeasuredValue,)*
        }

        impl Readings {
            /// The values in the order of [`MEASURES`].
            pub(super) fn in_order(self) -> Vec<MeasuredValue> {
                vec![$(self.$name,)* $(self.$of,)*]
            }
        }
    };
}

measures! {
    first_ping_s: Seconds, "From a crash to the first direct ping sent to the victim." {
        floor: FloorInputs::first_ping_s,
        plot: "First ping of the crashed",
        column: column("first ping", Divisor::One, 4)
    };
    first_suspicion_s: Seconds, "From a crash to the first running member that suspects." {
        floor: FloorInputs::first_suspicion_s,
        plot: "First suspicion"
    };
    first_declaration_s: Seconds, "From a crash to the first declaration of death." {
        floor: FloorInputs::first_declaration_s,
        plot: "First declaration",
        column: column("declared", Divisor::One, 0)
    };
    informed_50_s: Seconds, "From a crash until half of the survivors know." {
        plot: "Half of the survivors know"
    };
    informed_99_s: Seconds, "From a crash until 99 % of the survivors know." {
        plot: "99 % know",
        column: column("99 % know", Divisor::One, 5)
    };
    informed_100_s: Seconds, "From a crash until all survivors know." {
        plot: "All know",
        column: column("all know", Divisor::One, 1)
    };
    detection_mean_s: Seconds, "T_D: from a crash until a survivor holds the victim dead for good, mean of all pairs.";
    detection_50_s: Seconds, "The median of T_D over all pairs of a victim and a survivor.";
    detection_99_s: Seconds, "The 99th percentile of T_D over all pairs of a victim and a survivor.";
    agreement_s: Seconds, "From the last fault until all running members know each other and no others." {
        plot: "All agree"
    };
    last_disagreement_s: Seconds, "From the last fault until the last time at which a running member's view was wrong.";
    wrong_entries: Share, "Wrong entries of the running members' views, as a share of those of right views, over time.";
    distinct_views: Members, "The most running members at one time of which no two have the same view.";
    false_suspicions: Events, "Live members suspected by another member's own probe.";
    false_positives: Events, "Transitions of an observer to dead about a live member." {
        column: TableColumn { by_mean: true, ..column("false pos.", Divisor::One, 2) }
    };
    false_positives_healthy: Events, "Those of observers that no fault has disturbed.";
    false_positives_about_healthy: Events, "Those about members that no fault has disturbed.";
    false_positives_among_healthy: Events, "Those about and of members that no fault has disturbed.";
    mistake_recurrence_s: Seconds, "T_MR: time of a pair of live members from one mistake to the next; more is better." {
        more_is_better: true
    };
    mistake_duration_s: Seconds, "T_M: time for which an observer holds a live member dead.";
    good_period_s: Seconds, "T_G: time of a pair of live members from a mistake's end to the next; more is better." {
        more_is_better: true
    };
    query_accuracy: Share, "P_A: share of the time in which a live member is not held dead; more is better." {
        more_is_better: true
    };
    flaps_per_member: Events, "Times that an observer sees a live member come back from the dead, per observer.";
    messages_sent: Messages, "Messages sent after the warm-up." {
        column: column("messages", Divisor::MemberSecond, 3)
    };
    messages_handled: Messages, "Messages that reached running members after the warm-up.";
    bytes_sent: Bytes, "Bytes sent after the warm-up." {
        column: column("bytes", Divisor::MemberSecond, 8)
    };
    cross_zone_bytes: Bytes, "Bytes sent from one zone to another." {
        column: column("x-zone", Divisor::BytesSent, 9)
    };
    cross_region_bytes: Bytes, "Bytes sent from one region to another." {
        column: column("x-region", Divisor::BytesSent, 6)
    };
    busiest_member_share: Share, "The busiest member's part of all bytes sent and received.";
    mean_ping_rtt_s: Seconds, "The mean round trip, without jitter, of the direct pings sent." {
        column: column("ping RTT", Divisor::One, 7)
    };
    cpu_per_member: Share, "Processor time of a member, as a share of one core; on real sockets only.";
    unmonitored_members: Members, "Live members that no other member pinged for over 20 periods.";
    violations: Events, "Rules of the protocol that the checkers found broken.";

    @services
    stale_answer_s: Seconds, "From a crash until no running member's catalog hands the victim out." {
        plot: "No catalog hands out the crashed",
        column: column("stale answer", Divisor::One, 1)
    };
    requests_to_dead: Events, "Requests of clients to instances that do not run." {
        column: TableColumn { by_mean: true, ..column("to dead", Divisor::One, 2) }
    };
    wrong_answers: Share, "Requests whose answer names an unusable instance, or none though there is one." {
        column: TableColumn { by_mean: true, ..column("wrong answers", Divisor::One, 2) }
    };
    missed_instances: Share, "The mean share of usable instances that an answer lacks." {
        column: TableColumn { by_mean: true, ..column("missed", Divisor::One, 6) }
    };
    propagation_50_s: Seconds, "From a change of a key until half of the members know it, median of the changes.";
    propagation_99_s: Seconds, "From a change of a key until 99 % know it, median of the changes." {
        column: column("key known to 99 %", Divisor::One, 7)
    };
    propagation_100_s: Seconds, "From a change of a key until all members know it, median of the changes.";
    bytes_per_change: Bytes, "Bytes that each member sends for a change of a key." {
        column: column("per change", Divisor::One, 8)
    };
}

impl Measure {
    /// The measure of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        MEASURES.iter().find(|measure| measure.name == name)
    }

    /// The index in [`MEASURES`] of the measure of this name.
    pub fn index_of(name: &str) -> Option<usize> {
        MEASURES.iter().position(|measure| measure.name == name)
    }

    /// A measure of which less is better, without floor, plot and column, not of services.
    pub const fn new(name: &'static str, unit: Unit, about: &'static str) -> Self {
        Self { name, unit, about, more_is_better: false, floor: None, plot: None, column: None, of_services: false }
    }
}

const fn column(title: &'static str, per: Divisor, rank: u8) -> TableColumn {
    TableColumn { title, per, by_mean: false, rank }
}

/// The value of one measure in one trial.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MeasuredValue {
    /// The value, in the measure's unit.
    Value(f64),
    /// Not reached within the trial, which observed it for this long, in the measure's unit; counts as more than any
    /// value.
    Censored(f64),
    /// There is nothing to measure, as there is no victim or no zone for instance.
    Absent,
}

/// The measures of one trial.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Measured {
    /// The value of each of [`MEASURES`], in their order.
    pub readings: Vec<MeasuredValue>,
    /// All members that crashed or left, in the order of their faults.
    pub victims: Vec<Victim>,
    /// For each of the trial's faults, the number of members that it affected; a member may count several times.
    pub strikes: Vec<u32>,
}

impl MeasuredValue {
    /// The longest of the times of several victims: censored if one of them did not reach it, and then known to be longer
    /// than all times that were reached or observed without reaching it.
    pub(super) fn last_with(self, one: Self) -> Self {
        match (self, one) {
            (Self::Absent, other) | (other, Self::Absent) => other,
            (Self::Value(one), Self::Value(other)) => Self::Value(one.max(other)),
            (Self::Value(one) | Self::Censored(one), Self::Value(other) | Self::Censored(other)) => {
                Self::Censored(one.max(other))
            }
        }
    }
}

impl Measured {
    /// The value of the measure of this name; `Absent` if there is no such measure.
    pub fn reading(&self, measure: &str) -> MeasuredValue {
        Measure::index_of(measure).and_then(|index| self.readings.get(index)).copied().unwrap_or(MeasuredValue::Absent)
    }
}

/// A member that crashed or left, and the times of its detection in seconds from its own fault; `None` if not reached.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Victim {
    /// The fault, by its index in the trial's scenario.
    pub fault: u32,
    /// The index of the member in the world.
    pub member: u32,
    /// Time of the fault, in seconds after the warm-up.
    pub at_s: f64,
    /// The kind of its fault.
    pub kind: VictimKind,
    /// Time until the trial ended or the member came back, whichever was first: nothing is detected later.
    pub observed_s: f64,
    /// Time until the first direct ping was sent to it.
    pub first_ping_s: Option<f64>,
    /// Time until the first running member suspected it.
    pub first_suspicion_s: Option<f64>,
    /// Time until the first running member had it recorded as dead.
    pub first_declaration_s: Option<f64>,
    /// Time until half of the survivors were informed.
    pub informed_50_s: Option<f64>,
    /// Time until 99 % of the survivors were informed.
    pub informed_99_s: Option<f64>,
    /// Time until all survivors were informed.
    pub informed_100_s: Option<f64>,
    /// Time until no running member's catalog handed it out. `None` too if it offers no service, or without `[discovery]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stale_answer_s: Option<f64>,
    /// Number of requests that clients sent to it. `None` if it offers no service, or without `[discovery]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requests_to_dead: Option<u32>,
}

/// The kind of fault that a victim met.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum VictimKind {
    /// It stopped permanently.
    Crash,
    /// It stopped and restarts later, which ends the time in which it can be detected.
    Restart,
    /// It stopped and a new member joined in its place.
    Churn,
    /// It announced its departure. Listed, but not part of the trial's measures.
    Leave,
}

impl VictimKind {
    /// The name in files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Crash => "crash",
            Self::Restart => "restart",
            Self::Churn => "churn",
            Self::Leave => "leave",
        }
    }
}
