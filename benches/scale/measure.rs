//! One trial, measured.

use std::time::Instant;

use cpu_time::ProcessTime;
use serde::{Deserialize, Serialize};
use swimlab::protocol::{Span, Time};
use swimlab::sim::SwimFactory;
use swimlab::sim::{DetectorFactory, Outcome, World};
use swimlab_selectors::{DynSelector, Shuffle};

use crate::options::{Peer, Scenario, Trial};
use crate::peers::{Naive, foca_factory};
use crate::setting::{PATIENCE, STEADY, Setting, Witness};

/// The measured cost of a trial.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Metrics {
    pub members: u32,
    pub scenario: Scenario,
    pub peer: Peer,
    /// Virtual time at the end of the trial.
    pub simulated_s: f64,
    /// Deliveries, periods and timers that fired.
    pub events: u64,
    /// CPU time of the process from the first event to the last.
    pub cpu_s: f64,
    /// Time by the clock, from the first event to the last.
    pub wall_s: f64,
    /// Threads that the world ran on.
    pub threads: usize,
    pub ns_per_event: f64,
    pub ns_per_member_second: f64,
    /// Peak memory of the process.
    pub peak_rss_bytes: u64,
    pub trace_hash: String,
    /// CPU time before the first event: placement and creation of the members.
    pub build_cpu_s: f64,
}

/// A simulation in virtual time.
pub(crate) trait Course {
    /// Processes all events before `until`.
    fn advance(&mut self, until: Time);
    /// Number of survivors that know of the crash.
    fn informed(&self) -> u32;
    /// Number of threads that it runs on.
    fn threads(&self) -> usize {
        1
    }
    /// Ends the simulation.
    fn finish(self) -> Outcome;
}

/// Resolution with which the end of a crash trial is found.
const STEP: Span = Span::from_millis(10);

/// The same while nobody knows of the crash: news does not reach all in this time. The threads of a world meet at the end
/// of each step.
const LONG_STEP: Span = Span::from_millis(100);

/// Runs a trial.
///
/// # Errors
/// If the run violated an invariant, so that its figures are meaningless.
pub(crate) fn measure(trial: Trial) -> Result<Metrics, String> {
    let start = ProcessTime::now();
    let setting = Setting::new(trial);
    let (setup, config) = (&setting.setup, &setting.config);
    match trial.peer {
        Peer::Swimlab => {
            let factory = SwimFactory::new(setup, config, &DynSelector::new("shuffle", Shuffle));
            let world = World::new(setup, factory, setting.witness());
            if let Some(reason) = world.single_thread() {
                eprintln!("on one thread: {reason}");
            }
            run(trial, start, world)
        }
        Peer::Foca => run(trial, start, World::new(setup, foca_factory(setup, config), setting.witness())),
        Peer::Naive => run(trial, start, Naive::new(&setting)),
    }
}

fn run(trial: Trial, start: ProcessTime, mut course: impl Course) -> Result<Metrics, String> {
    course.advance(Time::ZERO);
    let built = start.elapsed();
    let (began, threads) = (Instant::now(), course.threads());

    let mut now = Time::ZERO;
    match trial.scenario {
        Scenario::Steady => {
            now += STEADY;
            course.advance(now);
        }
        Scenario::Crash => {
            while course.informed() < trial.members - 1 {
                if now > Time::ZERO + PATIENCE {
                    return Err(format!("after {PATIENCE}, {} survivors know of the crash", course.informed()));
                }
                now += if course.informed() == 0 { LONG_STEP } else { STEP };
                course.advance(now);
            }
        }
    }
    let (cpu, wall) = ((start.elapsed() - built).as_secs_f64(), began.elapsed().as_secs_f64());

    let Outcome { events, trace_hash, violations, .. } = course.finish();
    if let Some(first) = violations.first() {
        return Err(format!("{} violations, the first: {first}", violations.len()));
    }
    let Trial { members, scenario, peer, .. } = trial;
    let simulated_s = now.as_secs_f64();
    Ok(Metrics {
        members,
        scenario,
        peer,
        simulated_s,
        events,
        cpu_s: cpu,
        wall_s: wall,
        threads,
        ns_per_event: cpu * 1e9 / events as f64,
        ns_per_member_second: cpu * 1e9 / f64::from(members) / simulated_s,
        peak_rss_bytes: peak_rss_bytes()?,
        trace_hash: format!("{trace_hash:016x}"),
        build_cpu_s: built.as_secs_f64(),
    })
}

impl<B: DetectorFactory> Course for World<B, Witness> {
    fn advance(&mut self, until: Time) {
        World::advance(self, until);
    }

    fn informed(&self) -> u32 {
        self.observer().informed()
    }

    fn threads(&self) -> usize {
        World::threads(self)
    }

    fn finish(self) -> Outcome {
        World::finish(self)
    }
}

fn peak_rss_bytes() -> Result<u64, String> {
    let status = std::fs::read_to_string("/proc/self/status").map_err(|error| format!("/proc/self/status: {error}"))?;
    let kilobytes =
        status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.strip_suffix("kB")?.trim().parse().ok());
    kilobytes.map(|kilobytes: u64| kilobytes * 1024).ok_or_else(|| "/proc/self/status has no VmHWM".into())
}
