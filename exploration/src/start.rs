//! States that explorations start from.

use swimlab::protocol::{EventKind, Outbox, Span, Time};

use crate::model::{Model, Start, id_of};
use crate::state::State;

/// The member that is cut off.
const VICTIM: usize = 1;

/// The number of periods before it is cut off.
const PERIODS_BEFORE: u64 = 5;

/// The longest time until an event that is waited for, in periods.
const PERIODS_LIMIT: u64 = 1000;

impl State {
    /// The state that the model's exploration starts from.
    ///
    /// # Panics
    /// If its events do not come about, as with a suspicion longer than hours.
    pub(crate) fn start(model: &Model) -> Self {
        let mut state = Self::initial(model);
        let cut_at = state.now + model.config().period * PERIODS_BEFORE;
        match model.start {
            Start::Steady => {}
            Start::Suspected => state.run_until(&EventKind::Suspected, cut_at, model),
            Start::Declared => state.run_until(&EventKind::Died, cut_at, model),
            Start::Refuted => {
                state.run_until(&EventKind::Died, cut_at, model);
                state.run_until(&EventKind::SelfRefuted, Time::NEVER, model);
            }
        }
        if model.bounds.delays.is_none() {
            state.hold_queue();
        }
        state
    }

    /// Runs on until a member reports an event about the victim: another one, or of refutations the victim. It is cut off
    /// from `cut_at` on. The packets of the last call remain in the network.
    fn run_until(&mut self, awaited: &EventKind, cut_at: Time, model: &Model) {
        let limit: Span = model.config().period * PERIODS_LIMIT;
        let end = self.now + limit;
        let mut out = Outbox::default();
        while self.now < end {
            let is_cut = self.now >= cut_at;
            let (member, _) =
                self.proceed(model, &mut out, |flying| is_cut && (flying.from == VICTIM || flying.to == VICTIM));
            let is_awaited = out.events.drain(..).any(|event| event.about == id_of(VICTIM) && event.kind == *awaited);
            if is_awaited && (member == VICTIM) == (*awaited == EventKind::SelfRefuted) {
                return;
            }
        }
        panic!("no event \"{}\" within {limit}", awaited.name());
    }
}
