//! `schedule`: members that know each other share a schedule, without a word.

use std::sync::Arc;

use super::rota::{Late, Rota, Rotas, Rounds};
use crate::rng::mix;
use crate::selector::{Bound, Selector, pick_uniform};
use crate::{Observation, Peer, Slot, Turn};

/// In each period everyone is pinged by exactly one other, most of them by a neighbour.
///
/// Whoever has the same roster and the same clock comes to the same conclusions. All members stand in a ring of their
/// neighbourhood, ordered by hashed ids, and each pings the one some places ahead; how many places changes from period to
/// period, so that nobody's watch depends on one other. That is a permutation: everybody is pinged once.
///
/// A share of the members, by turns, escapes: each of them does the ping of another one who escapes, whose neighbourhood
/// is likely another. So the permutation stays one, and each neighbourhood is watched by the others, too.
///
/// The dead are passed over. A member whom not all know yet stands in nobody's way but that of the few before it: what one
/// does depends on who is alive just ahead.
///
/// While there is news, the other pings go across the group, all of them equally far in a third ring: no two meet at one
/// member, so that news spreads faster than by chance.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// Every so many-th ping escapes.
    classes: u32,
    least: u32,
    news: f64,
    hold: u32,
}

/// What one member remembers: nothing but what it knows better than the survey.
#[derive(Debug)]
pub struct ScheduleState {
    rota: Option<Arc<Rota>>,
    late: Late,
    /// An index of its own, once there are too many late ones.
    own: Option<Arc<Rotas>>,
}

/// How many different members one is pinged by in turn, as long as none of them dies.
const SHIFTS: u64 = 4;

impl Schedule {
    /// A share `escape` of the pings leaves neighbourhoods of at least so many members. With news waiting, a share `news`
    /// of the others does. Who pings whom changes every `hold` periods.
    ///
    /// # Panics
    /// If a share is not from 0.001 to 0.5 (escape) or from 0 to 1 (news), or `hold` is 0.
    pub fn new(escape: f64, least: u32, news: f64, hold: u32) -> Self {
        assert!((0.001..=0.5).contains(&escape), "an escape share of {escape} is not from 0.001 to 0.5");
        assert!((0.0..=1.0).contains(&news), "a share of {news} is not from 0 to 1");
        assert!(hold > 0, "a pairing holds for at least one period");
        Self { classes: libm::round(1.0 / escape) as u32, least, news, hold }
    }

    /// Whether news takes the pings of this period: the same period for all, so that in the others all watch.
    fn spreads(&self, period: u64) -> bool {
        let spread = |period: u64| libm::floor(self.news * (period % (1 << 32)) as f64);
        spread(period + 1) > spread(period)
    }
}

impl Default for Schedule {
    fn default() -> Self {
        Self::new(0.167, 8, 1.0, 1)
    }
}

impl Selector for Schedule {
    type Survey = Arc<Rotas>;
    type State = ScheduleState;

    fn survey(&self, roster: &[Peer]) -> Arc<Rotas> {
        Arc::new(Rotas::new(roster.iter(), self.least, self.classes))
    }

    fn enroll(&self, survey: &Arc<Rotas>, turn: &mut Turn<'_>) -> ScheduleState {
        let mut state = ScheduleState { rota: None, late: Late::default(), own: None };
        (survey.len()..turn.view.slots()).for_each(|slot| state.late.add(slot));
        state
    }

    fn targets(
        &self,
        survey: &Arc<Rotas>,
        state: &mut ScheduleState,
        turn: &mut Turn<'_>,
        want: usize,
        picks: &mut Vec<Slot>,
    ) {
        let first = picks.len();
        let rounds = state.prepare(self, survey, turn);
        for i in 0..want.min(turn.view.pingable_count() as usize) {
            if let Some(slot) = self.pick(&rounds, turn, i as u64)
                && turn.view.pingable(slot)
                && !picks[first..].contains(&slot)
            {
                picks.push(slot);
            }
        }
        let missing = want - (picks.len() - first);
        let taken = picks[first..].to_vec();
        pick_uniform(turn, missing, picks, |slot| !taken.contains(&slot));
    }

    fn observe(&self, survey: &Arc<Rotas>, state: &mut ScheduleState, turn: &mut Turn<'_>, what: Observation) {
        if let Observation::Joined(slot) = what {
            let rotas = state.own.as_ref().unwrap_or(survey);
            if !rotas.knows(slot, turn.view.peer(slot)) {
                state.late.add(slot);
            }
        }
    }

    fn resurveyed(&self, _: &Arc<Rotas>, state: &mut ScheduleState) {
        *state = ScheduleState { rota: None, late: Late::default(), own: None };
    }

    /// Once per period, or while there is news, as often as the news leaves room.
    fn bound(&self, n: u32, direct: u32) -> Bound {
        if direct >= n.saturating_sub(1) { Bound::Periods(1) } else { Bound::Anybody(1) }
    }
}

impl Schedule {
    /// The `i`-th ping of this period; oneself if there is nobody.
    fn pick(&self, rounds: &Rounds<'_>, turn: &Turn<'_>, i: u64) -> Option<Slot> {
        let (me, period, classes) = (turn.view.me(), turn.shared_period, u64::from(self.classes));
        let shift = |turns: u64| ((turns + i) % SHIFTS) as u32 + 1;
        let near = |slot| rounds.near(slot, shift(period / u64::from(self.hold)));
        if rounds.rotas.divided() && period % classes == u64::from(rounds.class(me)) {
            return Some(escape(me, near, |slot| rounds.far(slot, shift(period / classes))));
        }
        if turn.news && self.spreads(period) {
            return rounds.across(mix(mix(period) ^ i));
        }
        Some(near(me))
    }
}

/// Whom a member pings that escapes: the target of the next one that does.
///
/// Should that be itself, it keeps its own target; then the one before it in the ring has to ping it. So it goes on until
/// one is found for whom it is not so, if several in a row are each other's targets.
fn escape(me: Slot, near: impl Fn(Slot) -> Slot, next: impl Fn(Slot) -> Slot) -> Slot {
    let keeps = |slot: Slot| near(next(slot)) == slot;
    if keeps(me) {
        return near(me);
    }
    let mut other = next(me);
    if !keeps(other) {
        return near(other);
    }
    while keeps(next(other)) {
        other = next(other);
    }
    other
}

impl ScheduleState {
    /// The rings of this period.
    fn prepare<'a>(&'a mut self, schedule: &Schedule, survey: &'a Rotas, turn: &Turn<'a>) -> Rounds<'a> {
        let view = turn.view;
        let known = self.own.as_deref().unwrap_or(survey).len();
        // As much as is remembered of them in any case.
        if self.late.len() > known / 8 {
            let peers = (0..view.slots()).map(|slot| view.peer(slot));
            self.own = Some(Arc::new(Rotas::new(peers, schedule.least, schedule.classes)));
            (self.rota, self.late) = (None, Late::default());
        }
        let rotas = self.own.as_deref().unwrap_or(survey);
        self.rota = self.rota.take().filter(|rota| rota.is_at(turn.shared_period));
        let rota = self.rota.get_or_insert_with(|| rotas.at(turn.shared_period));
        self.late.draw(rotas, rota, view);
        Rounds { rotas, rota, late: &self.late, view }
    }
}
