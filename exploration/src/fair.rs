//! Runs a state on with a fair network, exact timers and no more faults, until the members agree.

use swimlab::protocol::{Outbox, Span, Time};

use crate::model::Model;
use crate::state::{Flying, State};

/// The number of periods for which nothing may change any more. A probe that fails because of a loss before does so within
/// one period, stretched by Lifeguard's health score.
const QUIET_PERIODS: u64 = 12;

/// The outcome of a fair run.
pub(crate) enum FairRun {
    /// The members agree from this time after its beginning on.
    Agreement(Span),
    /// The group is split, and its profile does not promise that it reunites.
    Split,
    /// A property is violated, agreement at the end included.
    Violation(String),
}

/// Runs a state on for as long as members may take to agree.
pub(crate) fn run_fairly(state: &State, model: &Model) -> FairRun {
    let mut state = state.clone();
    state.release_held();
    let may_split = !model.reunites() && state.has_false_death();
    let begin = state.now;
    let end = begin + model.bounds.agreement;
    let quiet = model.config().period * QUIET_PERIODS;
    let (mut agree_since, mut settled_since): (Option<Time>, Option<Time>) = (None, None);
    let mut out = Outbox::default();
    loop {
        if state.queue.is_empty() {
            agree_since = state.agrees().then(|| agree_since.unwrap_or(state.now));
            settled_since = (agree_since.is_some() && state.is_settled()).then(|| settled_since.unwrap_or(state.now));
            let is_over = state.now >= end || settled_since.is_some_and(|since| state.now.since(since) >= quiet);
            match agree_since {
                Some(since) if is_over => return FairRun::Agreement(since.since(begin)),
                // It began with a false death, and what memberlist leaves to Serf is missing.
                None if is_over && may_split => return FairRun::Split,
                None if is_over => {
                    let (bound, beliefs) = (model.bounds.agreement, state.beliefs());
                    let what = format!("members disagree {bound} after the network became fair: {beliefs}");
                    return FairRun::Violation(what);
                }
                _ => {}
            }
        }
        let (touched, before) = state.proceed(model, &mut out, |_: &Flying| false);
        out.events.clear();
        if let Some(violation) = state.violation(touched, &before) {
            return FairRun::Violation(format!("with a fair network from here on, {violation}"));
        }
    }
}
