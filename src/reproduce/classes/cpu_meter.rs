//! Processor time of the members of a simulated group.

use std::ops::Range;
use std::time::Duration;

use cpu_time::ThreadTime;

use crate::experiment::{Cell, trial_seed};
use crate::protocol::{Span, Time};
use crate::reproduce::Effort;
use crate::sim::{Observer, Sent};

/// A calm group, and the number of messages that it handles per second.
pub(super) struct Metered {
    pub cell: Cell,
    pub messages: f64,
}

/// The processor time of each group in each of several runs, in nanoseconds per member and second of virtual time. An inner
/// list is empty where the system has no clock of a thread's processor time.
///
/// Groups run one after the other on this thread, and all of them once before any runs again, so that a change in the speed
/// of the machine affects all alike.
pub(super) fn cpu_ns(groups: &[Metered], seed: u64, effort: Effort) -> Vec<Vec<f64>> {
    let (runs, messages) = match effort {
        Effort::Short => (6, 5_000.0),
        Effort::Usual => (9, 20_000.0),
        Effort::Full => (25, 40_000.0),
    };
    let mut values = vec![Vec::new(); groups.len()];
    for run in 0..runs {
        for (group, values) in groups.iter().zip(&mut values) {
            values.extend(metered_run(group, trial_seed(seed, run), messages));
        }
    }
    values
}

/// The shortest and the longest interval that is metered.
const SECONDS: Range<f64> = 10.0..5_000.0;

/// Virtual time after the metered interval, in which a packet must be sent.
const REST: Span = Span::from_secs(4);

fn metered_run(group: &Metered, seed: u64, messages: f64) -> Option<f64> {
    let seconds = (messages / group.messages.max(1e-3)).clamp(SECONDS.start, SECONDS.end);
    let mut cell = group.cell.clone();
    cell.duration = Span::from_secs_f64(seconds) + REST;
    let setup = cell.setup(seed);
    let from = Time::ZERO + cell.warmup;
    let mut meter = CpuMeter { window: from..from + Span::from_secs_f64(seconds), started: None, metered: None };
    cell.watch(&setup, &mut meter);
    let (time, cpu) = meter.metered?;
    Some(cpu.as_nanos() as f64 / time.as_secs_f64() / f64::from(cell.key.members))
}

/// Takes the processor time of the thread from the first packet within a window to the first one after it, so that the
/// creation of the members does not count.
struct CpuMeter {
    window: Range<Time>,
    started: Option<(Time, ThreadTime)>,
    /// Virtual time and processor time between the two packets.
    metered: Option<(Span, Duration)>,
}

impl Observer for CpuMeter {
    #[inline]
    fn sent(&mut self, sent: &Sent) {
        if sent.at < self.window.start || self.metered.is_some() {
            return;
        }
        match self.started {
            None => self.started = ThreadTime::try_now().ok().map(|clock| (sent.at, clock)),
            Some((from, clock)) if sent.at >= self.window.end => {
                self.metered = clock.try_elapsed().ok().map(|cpu| (sent.at.since(from), cpu));
            }
            Some(_) => {}
        }
    }
}
