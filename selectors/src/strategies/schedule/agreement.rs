//! Whether the pings that arrive follow the schedule. Where clocks or settings differ too much they do not; then the
//! member pings in shuffled order, as the strategy `shuffle`, until they do.

use crate::peer::Slot;
use crate::strategies::round_robin::RoundRobin;
use crate::view::Context;

/// Evidence against the schedule, and what the member does instead of following it.
///
/// The evidence is a sequential probability ratio test (Wald 1945; as a cumulative sum, Page 1954): each ping adds the
/// logarithm of how much more probable it is among members that disagree.
#[derive(Debug)]
pub(super) struct Agreement {
    /// From [`SURE`] or less to [`LIMIT`].
    evidence: f32,
    fallback: Option<Box<Fallback>>,
}

/// State of a member that does not follow the schedule.
#[derive(Debug)]
struct Fallback {
    order: RoundRobin,
    /// Number of the current window of [`TRIAL`] periods.
    window: u64,
    /// Whether a ping in this window was part of the schedule.
    has_met: bool,
    /// Windows with such a ping, less twice those without one.
    met: u32,
}

/// A ping without updates, as the schedule sees it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sighting {
    /// Whether it is part of the schedule.
    pub is_expected: bool,
    /// Whether its sender belongs to the member's neighborhood.
    pub is_near: bool,
    /// The number of members that the sender chooses among: those of its ring, or all.
    pub choice: usize,
}

/// Evidence at which a member gives up the schedule. Among members that agree this happens once in e^8 pings, about
/// 3,000, if as many of them as assumed are no part of it, and very much later with fewer.
const LIMIT: f32 = 8.0;

/// Evidence at which pings are looked at only in every [`TRIAL`]th period.
const SURE: f32 = -8.0;

/// Evidence after a return to the schedule: other members return some periods later.
const RETURNED: f32 = -48.0;

/// Assumed share of the near pings among members that agree which are no part of the schedule: indirect ones, and those
/// of members that know others.
const ODD_NEAR: f32 = 0.2;

/// The same of far pings, which are fewer: at 5 % loss most of them are indirect ones.
const ODD_FAR: f32 = 0.6;

/// Probability that a near ping of a member with another clock is part of the schedule, in a ring of any size.
const NEAR_CHANCE: f32 = 0.5;

/// Least difference between the probabilities that a ping is part of the schedule, among members that agree and by
/// chance, with which it is evidence.
const LEAST_DIFFERENCE: f32 = 0.1;

/// A member that does not follow the schedule does so in one of this number of periods, the same one for all whose
/// clocks agree, so that all notice when they agree again. A prime number: its targets change, and all classes escape.
const TRIAL: u64 = 17;

/// Windows with a ping of the schedule after which a member follows it again. By chance a fifth of them have one.
const ENOUGH: u32 = 6;

impl Default for Agreement {
    fn default() -> Self {
        Self { evidence: 0.0, fallback: None }
    }
}

impl Agreement {
    /// Whether the member pings in shuffled order.
    pub(super) fn has_fallen_back(&self) -> bool {
        self.fallback.is_some()
    }

    /// Whether pings in this period are to be observed.
    pub(super) fn wants_pings(&self, shared_period: u64) -> bool {
        self.evidence > SURE || self.has_fallen_back() || is_trial(shared_period)
    }

    /// Periods whose schedule a ping may be part of that arrives in this period: the sender may have begun the next one
    /// already. One that began the next one first, and whose ping took long, is rare.
    pub(super) fn candidates(&self, shared_period: u64) -> impl Iterator<Item = u64> + use<> {
        let has_fallen_back = self.has_fallen_back();
        [shared_period, shared_period.saturating_add(1)]
            .into_iter()
            .filter(move |period| !has_fallen_back || is_trial(*period))
    }

    /// Takes a ping without updates.
    pub(super) fn note(&mut self, ctx: &mut Context<'_>, sighting: Sighting) {
        let Sighting { is_expected, is_near, choice } = sighting;
        if let Some(fallback) = &mut self.fallback {
            fallback.has_met |= is_expected;
            return;
        }
        // It is this member's turn by chance in one of two periods; for near ones, whose targets repeat every four periods,
        // in half of all cases if only the number of the period differs.
        let chance = 2.0 / choice.saturating_sub(1).max(1) as f32;
        let (chance, odd) = if is_near { (chance.max(NEAR_CHANCE), ODD_NEAR) } else { (chance, ODD_FAR) };
        if chance > 1.0 - odd - LEAST_DIFFERENCE {
            return;
        }
        let ratio = if is_expected { chance / (1.0 - odd) } else { (1.0 - chance) / odd };
        // After a return the evidence may be below.
        let least = SURE.min(self.evidence);
        self.evidence = (self.evidence + libm::logf(ratio)).max(least);
        if self.evidence >= LIMIT {
            let window = ctx.shared_period / TRIAL;
            let order = RoundRobin::begin(ctx);
            self.fallback = Some(Box::new(Fallback { order, window, has_met: false, met: 0 }));
        }
    }

    /// Takes a member that has become pingable.
    pub(super) fn joined(&mut self, slot: Slot, ctx: &mut Context<'_>) {
        if let Some(fallback) = &mut self.fallback {
            fallback.order.joined(slot, ctx);
        }
    }

    /// Returns the order of the pings of this period, if they do not follow the schedule.
    pub(super) fn order(&mut self, shared_period: u64) -> Option<&mut RoundRobin> {
        let fallback = self.fallback.as_mut()?;
        // Another one, perhaps an earlier one after a clock was set back.
        if fallback.window != shared_period / TRIAL {
            fallback.met = if fallback.has_met { fallback.met + 1 } else { fallback.met.saturating_sub(2) };
            (fallback.window, fallback.has_met) = (shared_period / TRIAL, false);
        }
        if fallback.met >= ENOUGH {
            *self = Self { evidence: RETURNED, fallback: None };
            return None;
        }
        (!is_trial(shared_period)).then(|| &mut self.fallback.as_mut().expect("it is there").order)
    }
}

/// Whether all members follow the schedule in this period. It lies within a window, so that its pings arrive in it.
fn is_trial(shared_period: u64) -> bool {
    shared_period % TRIAL == TRIAL / 2
}
