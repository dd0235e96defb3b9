//! Experiment files of candidates, for the trials of the search and as `advice.toml`; and `agent.toml`.

use super::candidate::Candidate;
use super::question::{Clocks, Question};
use super::space::Site;
use super::units::percent;
use crate::experiment::{BadInput, Experiment};
use crate::protocol::Span;

/// The number of the fault that crashes random members, in the scenario with crashes.
pub(super) const CRASHES: u32 = 0;

/// The indices of the cells of both scenarios in an experiment of one candidate.
pub(super) const CALM: usize = 0;
pub(super) const CRASH: usize = 1;

/// Periods of the warm-up.
const WARMUP: f64 = 20.0;

/// The least length of a trial, in seconds: state syncs come every 30 s.
const SHORTEST: f64 = 60.0;

/// One crash per this many members in a trial: at most eight, so that the last one meets nearly a whole group; more in
/// large groups, as their trials are few, but not enough for news of crashes to be most of the work.
const MEMBERS_PER_CRASH: u32 = 16;
const MOST_CRASHES: u32 = 8;
const MEMBERS_PER_MORE: u32 = 300;
const MOST_CRASHES_AT_ALL: u32 = 64;

/// One crash per this many members, or one, may be undeclared at a time.
const MEMBERS_PER_UNDECLARED: u32 = 100;

/// The least time between two crashes, in periods, if there are [`MOST_CRASHES`]: more of them take no longer.
const LEAST_APART: f64 = 0.7;

/// Number of crashes in a trial.
pub(super) fn crashes(members: u32) -> u32 {
    let most = (members / MEMBERS_PER_MORE).clamp(MOST_CRASHES, MOST_CRASHES_AT_ALL);
    (members / MEMBERS_PER_CRASH).clamp(1, most)
}

/// The number of members that may be down at a time without having been declared.
fn undeclared(members: u32) -> u32 {
    (members / MEMBERS_PER_UNDECLARED).max(1)
}

/// The time between two crashes, in seconds.
fn apart_s(question: &Question, period_s: f64) -> f64 {
    let declared_s = question.declare_within.as_secs_f64() / f64::from(undeclared(question.members));
    let crowded = f64::from(crashes(question.members).max(MOST_CRASHES)) / f64::from(MOST_CRASHES);
    declared_s.max(LEAST_APART * period_s / crowded)
}

/// The length of a trial of a candidate with this period: time enough to see that a crash is not declared in time.
pub(super) fn duration_s(question: &Question, period_s: f64) -> f64 {
    let crashes_s = f64::from(crashes(question.members) - 1) * apart_s(question, period_s);
    libm::ceil((1.6 * question.declare_within.as_secs_f64() + 2.0 * period_s + crashes_s).max(SHORTEST))
}

/// The length of the warm-up.
pub(super) fn warmup_s(period_s: f64) -> f64 {
    libm::ceil(WARMUP * period_s)
}

/// The experiment file of a candidate: a scenario without faults and one with crashes.
pub(super) fn experiment_toml(site: &Site<'_>, candidate: &Candidate, name: &str, seed: u64, trials: u32) -> String {
    let (question, lab) = (site.question, site.lab);
    let period = candidate.period_s(lab);
    let time = |seconds: f64| format!("{:?}", Span::from_secs_f64(seconds).to_string());
    let skew = match question.clocks {
        Clocks::Ntp => "10ms",
        Clocks::None => "100000s",
    };
    let crash = format!(
        "{{ kind = \"crash\", at = {}, times = {}, every = {} }}",
        time(period),
        crashes(question.members),
        time(apart_s(question, period))
    );
    // A registry is a process like any other: a detector that depends on one has to do without it.
    let registry = match candidate.profile.kind.as_str() {
        "lease" => ", { kind = \"crash\", target = \"0\" }",
        _ => "",
    };
    format!(
        "name = {name:?}\nseed = {seed}\ntrials = {trials}\n\n{}members = {}\nloss = {}\n{}clock_skew = {skew:?}\n\
         warmup = {}\nduration = {}\n{}\n[[scenario]]\nname = \"calm\"\nfault = []\n\n[[scenario]]\nname = \"crash\"\nfault \
         = [{crash}{registry}]\n",
        question.network.toml(),
        question.members,
        question.loss,
        candidate.toml(lab),
        time(warmup_s(period)),
        time(duration_s(question, period)),
        candidate.protocol_toml(lab),
    )
}

/// The experiment of a candidate.
///
/// # Errors
/// If the detector refuses its settings in this group.
pub(super) fn experiment(
    site: &Site<'_>,
    candidate: &Candidate,
    name: &str,
    seed: u64,
    trials: u32,
) -> Result<Experiment, BadInput> {
    let text = experiment_toml(site, candidate, name, seed, trials);
    Experiment::parse(&site.question.network.source(name, text), site.lab)
}

/// The file for `swimlab agent --config`; `None` if agents cannot run the candidate.
pub(super) fn agent_toml(site: &Site<'_>, candidate: &Candidate) -> Option<String> {
    if !candidate.is_swim(site.lab) {
        return None;
    }
    let question = site.question;
    let config = candidate.config(site.lab)?;
    let place = match site.placement.regions() {
        Some(_) => "# Each member must say where it is, or no member is near another:\n# zone = \"REGION/ZONE\"\n",
        None => "",
    };
    // An agent's own defaults are those of the preset `lan` and the selector `auto`: what was measured is written out.
    let selector = candidate.selector.is_none().then(|| config.defaults.selector.unwrap_or("shuffle"));
    let selector = selector.map(|label| format!("selector = {label:?}\n")).unwrap_or_default();
    Some(format!(
        "# swimlab agent --config agent.toml --name NAME --bind ADDR:PORT --join HOST:PORT\n# Measured for {} members on {} \
         with {} loss: see advice.md.\n{place}{}{selector}{}",
        question.members,
        question.network.label(),
        percent(question.loss),
        candidate.toml(site.lab),
        candidate.protocol_toml(site.lab),
    ))
}
