//! What is measured: names, units, definitions. docs/measures.md says the same at length.

use serde::{Deserialize, Serialize};

pub use super::recorder::Recorder;

/// A measure: one number per trial. For every measure, less is better.
///
/// Everything that is said about a measure anywhere (tables, trials.csv, summary.json, report.html, `swimlab list
/// measures`) is read from its row in [`MEASURES`].
#[derive(Clone, Copy, Debug)]
pub struct Measure {
    /// The name: the column in trials.csv, the key in summary.json.
    pub name: &'static str,
    /// The unit of its values.
    pub unit: Unit,
    /// The definition, in one sentence. docs/measures.md has it at length.
    pub about: &'static str,
    /// The least possible mean, where theory gives one.
    pub floor: Option<fn(&FloorInputs) -> f64>,
    /// The title of its distribution's plot; `None`: not plotted.
    pub plot: Option<&'static str>,
    /// Its column in the tables for people; `None`: only in "all measures" and the files.
    pub column: Option<Column>,
}

/// The unit of a measure's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Counts of events, mostly rare ones.
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

/// A measure's column in the tables for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Column {
    /// The heading.
    pub title: &'static str,
    /// The divisor of the shown value.
    pub per: Per,
    /// Whether the mean is shown: the median of rare events is zero.
    pub by_mean: bool,
    /// The order in which columns are left out of a narrow table: the highest first.
    pub rank: u8,
}

/// The divisor of a shown value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Per {
    /// None: the trial's value.
    Trial,
    /// Members times seconds.
    MemberSecond,
    /// All bytes sent.
    Bytes,
}

/// Declares [`MEASURES`], and [`Readings`] with a field for each of them.
macro_rules! measures {
    ($($name:ident: $unit:ident, $about:literal $({ $($option:ident: $value:expr),* })?;)*) => {
        /// All measures, in the order of their columns.
        pub const MEASURES: &[Measure] = &[$(Measure {
            $($($option: Some($value),)*)?
            ..Measure::new(stringify!($name), Unit::$unit, $about)
        }),*];

        /// The values of one trial, by measure.
        #[derive(Clone, Copy, Debug)]
        pub(super) struct Readings {
            $(#[doc = $about] pub $name: MeasuredValue,)*
        }

        impl Readings {
            /// The values in the order of [`MEASURES`].
            pub(super) fn in_order(self) -> Vec<MeasuredValue> {
                vec![$(self.$name),*]
            }
        }
    };
}

measures! {
    first_ping_s: Seconds, "From a crash to the first direct ping sent to the victim." {
        floor: FloorInputs::first_ping_s,
        plot: "First ping of the crashed",
        column: column("first ping", Per::Trial, 4)
    };
    first_suspicion_s: Seconds, "From a crash to the first running member that suspects." {
        floor: FloorInputs::first_suspicion_s,
        plot: "First suspicion"
    };
    first_declaration_s: Seconds, "From a crash to the first declaration of death." {
        floor: FloorInputs::first_declaration_s,
        plot: "First declaration",
        column: column("declared", Per::Trial, 0)
    };
    informed_50_s: Seconds, "From a crash until half of the survivors know." {
        plot: "Half of the survivors know"
    };
    informed_99_s: Seconds, "From a crash until 99 % of the survivors know." {
        plot: "99 % know",
        column: column("99 % know", Per::Trial, 5)
    };
    informed_100_s: Seconds, "From a crash until all survivors know." {
        plot: "All know",
        column: column("all know", Per::Trial, 1)
    };
    false_suspicions: Events, "Live members suspected by another member's own probe.";
    false_positives: Events, "Transitions of an observer to dead about a live member." {
        column: Column { by_mean: true, ..column("false pos.", Per::Trial, 2) }
    };
    false_positives_healthy: Events, "Those of observers that no fault has disturbed.";
    messages_sent: Messages, "Messages sent after the warm-up." {
        column: column("messages", Per::MemberSecond, 3)
    };
    bytes_sent: Bytes, "Bytes sent after the warm-up." {
        column: column("bytes", Per::MemberSecond, 8)
    };
    cross_zone_bytes: Bytes, "Bytes sent from one zone to another." {
        column: column("x-zone", Per::Bytes, 9)
    };
    cross_region_bytes: Bytes, "Bytes sent from one region to another." {
        column: column("x-region", Per::Bytes, 6)
    };
    busiest_member_share: Share, "The busiest member's part of all bytes sent and received.";
    mean_ping_rtt_s: Seconds, "The mean round trip, without jitter, of the direct pings sent." {
        column: column("ping RTT", Per::Trial, 7)
    };
    unmonitored_members: Members, "Live members that no other member pinged for over 20 periods.";
    violations: Events, "Rules of the protocol that the checkers found broken.";
}

impl Measure {
    /// The measure of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        MEASURES.iter().find(|measure| measure.name == name)
    }

    /// A measure without floor, plot and column.
    pub const fn new(name: &'static str, unit: Unit, about: &'static str) -> Self {
        Self { name, unit, about, floor: None, plot: None, column: None }
    }
}

const fn column(title: &'static str, per: Per, rank: u8) -> Column {
    Column { title, per, by_mean: false, rank }
}

/// The index of a measure in [`MEASURES`]; `None` if there is none of this name.
pub fn index_of(name: &str) -> Option<usize> {
    MEASURES.iter().position(|measure| measure.name == name)
}

/// The settings on which the floors depend.
///
/// On average a member is pinged p times per period T, so at best every T/p, and a crash falls into the middle of such
/// an interval. A suspicion takes one period more, a declaration the length of the suspicion more.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct FloorInputs {
    /// T, the protocol period in seconds.
    pub period_s: f64,
    /// p, the direct pings of a member per period.
    pub direct: u32,
    /// S, the shortest suspicion in seconds.
    pub suspicion_s: f64,
}

impl FloorInputs {
    fn first_ping_s(&self) -> f64 {
        self.period_s / (2.0 * f64::from(self.direct))
    }

    fn first_suspicion_s(&self) -> f64 {
        self.first_ping_s() + self.period_s
    }

    fn first_declaration_s(&self) -> f64 {
        self.first_suspicion_s() + self.suspicion_s
    }
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

impl Measured {
    /// The value of the measure of this name; `Absent` if there is no such measure.
    pub fn reading(&self, measure: &str) -> MeasuredValue {
        index_of(measure).and_then(|index| self.readings.get(index)).copied().unwrap_or(MeasuredValue::Absent)
    }
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
