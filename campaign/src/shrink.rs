//! Simplifies a schedule for as long as it violates the same invariant.

use swimlab::experiment::Lab;

use super::schedule::{Part, Schedule, is_valid, violations};

/// The most worlds that are run to simplify one schedule.
const MOST_RUNS: u32 = 2000;

/// Returns a simpler schedule with a violation of the same kind, usually of a few lines.
///
/// # Panics
/// If the schedule has no violation.
pub fn shrink(schedule: &Schedule, lab: &Lab) -> Schedule {
    let kinds = |schedule: &Schedule| violations(schedule, lab).iter().map(|text| kind(text)).collect::<Vec<_>>();
    let wanted = kinds(schedule).into_iter().next().expect("a violation");
    let mut runs = 0;
    let mut best = schedule.clone();
    loop {
        let mut is_simpler = false;
        for candidate in candidates(&best) {
            runs += 1;
            if runs > MOST_RUNS {
                return best;
            }
            // A target may lie beyond the smaller group.
            if is_valid(&candidate, lab) && kinds(&candidate).contains(&wanted) {
                best = candidate;
                is_simpler = true;
                break;
            }
        }
        if !is_simpler {
            return best;
        }
    }
}

/// A violation without its numbers: those change with every step.
fn kind(violation: &str) -> String {
    violation.chars().filter(|char| !char.is_ascii_digit()).collect()
}

/// Simpler schedules, the greatest steps first.
fn candidates(schedule: &Schedule) -> Vec<Schedule> {
    let mut simpler = Vec::new();
    let mut add = |change: &dyn Fn(&mut Schedule)| {
        let mut candidate = schedule.clone();
        change(&mut candidate);
        if candidate != *schedule {
            simpler.push(candidate);
        }
    };
    for at in 0..schedule.faults.len() {
        add(&|schedule| drop(schedule.faults.remove(at)));
    }
    add(&|schedule| schedule.topology = Part::of("lan"));
    add(&|schedule| schedule.loss_percent = 0);
    add(&|schedule| schedule.joining = false);
    add(&|schedule| schedule.preset = None);
    add(&|schedule| schedule.helpers = None);
    if schedule.selector.is_some() {
        add(&|schedule| schedule.selector = Some(Part::of("shuffle")));
        add(&|schedule| schedule.profile = Part::of("swim"));
    }
    for members in [schedule.members / 2, schedule.members.saturating_sub(1)] {
        if members > 0 {
            add(&|schedule| schedule.members = members);
        }
    }
    add(&|schedule| schedule.duration_s = (schedule.duration_s / 2).max(1));
    for at in 0..schedule.faults.len() {
        for param in 0..schedule.faults[at].params.len() {
            add(&|schedule| drop(schedule.faults[at].params.remove(param)));
        }
    }
    simpler
}
