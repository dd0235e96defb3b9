//! `schedule`: members that know each other share a schedule, without a word.

use std::sync::Arc;

use super::learned_location::LearnedLocation;
use super::ring_schedule::{Latecomers, RingSchedule, RingSchedules, ScheduleView};
use crate::coordinate::Coordinate;
use crate::rng::mix;
use crate::selector::{Bound, Selector, pick_uniform};
use crate::{Context, Location, Observation, Peer, Slot};

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
/// Cards that say something new count from the next sixteenth period on, the same one for all, when all have heard of them.
/// If asked to, a member whose card says nothing of zone or place learns a place, and tells it in its card.
///
/// While there is news, the other pings go across the group. In some periods they go equally far in a third ring: no two
/// meet at one member, so that nobody is left out. In the others, which are `random` ones, they go to anybody: some are
/// pinged at once who were pinged just now, and news gets under way faster.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// Every so many-th ping escapes.
    classes: u32,
    least: u32,
    news: f64,
    random: f64,
    hold: u32,
    learn: bool,
}

/// EventKind one member remembers: nothing but what it knows better than the survey.
#[derive(Debug)]
pub struct ScheduleState {
    schedule: Option<Arc<RingSchedule>>,
    late: Latecomers,
    /// An index of its own, once there are too many late ones, or some have moved.
    own: Option<Arc<RingSchedules>>,
    /// Whether its own index is the one that all agreed on when the last had moved.
    agreed: bool,
    /// In which [`STRETCH`] the first moved of those who have since.
    moved: Option<u64>,
    /// Of who learns: where nobody told where it is.
    learned_location: Option<Box<LearnedLocation>>,
}

/// How many different members one is pinged by in turn, as long as none of them dies.
const SHIFTS: u64 = 4;

/// The same where members meet as many others as they can. A ring is drawn anew before they have met them all.
const REACH: u64 = 64;

/// How many periods a division into neighbourhoods stands, at least, whoever moves meanwhile.
const STRETCH: u64 = 16;

impl Schedule {
    /// A share `escape` of the pings leaves neighbourhoods of at least so many members. With news waiting, a share `news`
    /// of the others does, in a share `random` of whose periods to anybody. Who pings whom changes every `hold` periods.
    /// Members without zone or place `learn` one, or do not.
    ///
    /// # Panics
    /// If a share is not from 0.001 to 0.5 (escape) or from 0 to 1 (news, random), or `hold` is 0.
    pub fn new(escape: f64, least: u32, news: f64, random: f64, hold: u32, learn: bool) -> Self {
        assert!((0.001..=0.5).contains(&escape), "an escape share of {escape} is not from 0.001 to 0.5");
        for share in [news, random] {
            assert!((0.0..=1.0).contains(&share), "a share of {share} is not from 0 to 1");
        }
        assert!(hold > 0, "a pairing holds for at least one period");
        Self { classes: libm::round(1.0 / escape) as u32, least, news, random, hold, learn }
    }

    /// Whether news takes the pings of this period: the same period for all, so that in the others all watch.
    fn spreads(&self, period: u64) -> bool {
        is_turn(self.news, period)
    }

    /// Whether news goes to anybody in this period: the same one for all, so that in the others nobody is left out.
    fn scatters(&self, period: u64) -> bool {
        is_turn(self.random, turns(self.news, period))
    }
}

impl Default for Schedule {
    fn default() -> Self {
        Self::new(0.167, 8, 1.0, 0.75, 1, false)
    }
}

impl Selector for Schedule {
    type RosterIndex = Arc<RingSchedules>;
    type State = ScheduleState;

    fn build_index(&self, roster: &[Peer]) -> Arc<RingSchedules> {
        Arc::new(RingSchedules::new(roster.iter(), self.least, self.classes))
    }

    fn new_state(&self, index: &Arc<RingSchedules>, ctx: &mut Context<'_>) -> ScheduleState {
        let learned_location = self.learn.then(|| LearnedLocation::begin(ctx.view)).flatten();
        let mut state = ScheduleState {
            schedule: None,
            late: Latecomers::default(),
            own: None,
            agreed: false,
            moved: None,
            learned_location,
        };
        (index.len()..ctx.view.slots()).for_each(|slot| state.late.add(slot));
        state
    }

    fn targets(
        &self,
        index: &Arc<RingSchedules>,
        state: &mut ScheduleState,
        ctx: &mut Context<'_>,
        want: usize,
        picks: &mut Vec<Slot>,
    ) {
        let first = picks.len();
        if let Some(learned_location) = &mut state.learned_location {
            learned_location.is_aged(ctx.period);
        }
        let meets_many = state.learned_location.as_ref().is_some_and(|learned_location| learned_location.is_new());
        let rounds = state.prepare(self, index, ctx);
        for i in 0..want.min(ctx.view.pingable_count() as usize) {
            if let Some(slot) = self.pick(&rounds, ctx, i as u64, meets_many)
                && ctx.view.pingable(slot)
                && !picks[first..].contains(&slot)
            {
                picks.push(slot);
            }
        }
        let missing = want - (picks.len() - first);
        let taken = picks[first..].to_vec();
        pick_uniform(ctx, missing, picks, |slot| !taken.contains(&slot));
    }

    fn observe(&self, index: &Arc<RingSchedules>, state: &mut ScheduleState, ctx: &mut Context<'_>, what: Observation) {
        match what {
            Observation::Joined(slot) => {
                let schedules = state.own.as_ref().unwrap_or(index);
                if !schedules.knows(slot, ctx.view.peer(slot)) {
                    state.late.add(slot);
                }
            }
            Observation::Moved(_) => {
                state.moved.get_or_insert(ctx.shared_period / STRETCH);
                state.late.moved();
            }
            Observation::Coordinate(slot, at) => {
                if let Some(learned_location) = &mut state.learned_location {
                    learned_location.told(slot, at);
                }
            }
            Observation::Rtt(slot, us) => {
                if let Some(learned_location) = &mut state.learned_location {
                    learned_location.measured(ctx.view, slot, us, ctx.rng);
                }
            }
            Observation::Left(_) | Observation::NeighborHint(..) => {}
        }
    }

    fn coordinate(&self, state: &ScheduleState) -> Option<Coordinate> {
        state.learned_location.as_ref()?.coordinate()
    }

    fn advertised_location(&self, state: &ScheduleState, ctx: &mut Context<'_>) -> Option<Location> {
        state.learned_location.as_ref()?.place(ctx)
    }

    fn reindexed(&self, _: &Arc<RingSchedules>, state: &mut ScheduleState) {
        // EventKind all agreed on stays: the new survey is of a moment of this member's own.
        if !state.agreed {
            (state.schedule, state.late, state.own) = (None, Latecomers::default(), None);
        }
    }

    /// Once per period, or while there is news, as often as the news leaves room.
    fn bound(&self, n: u32, direct: u32) -> Bound {
        if direct >= n.saturating_sub(1) { Bound::Periods(1) } else { Bound::Anybody(1) }
    }
}

impl Schedule {
    /// The `i`-th ping of this period; oneself if there is nobody, `None` if it is anybody's. Members that have yet to
    /// learn where they are meet more others.
    fn pick(&self, rounds: &ScheduleView<'_>, ctx: &Context<'_>, i: u64, meets_many: bool) -> Option<Slot> {
        let (me, period, classes) = (ctx.view.me(), ctx.shared_period, u64::from(self.classes));
        let shift = |turns: u64| ((turns + i) % SHIFTS) as u32 + 1;
        let near = |slot| rounds.near(slot, shift(period / u64::from(self.hold)));
        if rounds.schedules.divided() && period % classes == u64::from(rounds.class(me)) {
            return Some(escape(me, near, |slot| rounds.far(slot, shift(period / classes))));
        }
        if ctx.has_updates && self.spreads(period) {
            return if self.scatters(period) { None } else { rounds.across(mix(mix(period) ^ i)) };
        }
        if meets_many && !rounds.schedules.divided() {
            return Some(rounds.near(me, (mix(mix(period) ^ i) % REACH) as u32 + 1));
        }
        Some(near(me))
    }
}

/// How many of the periods before this one a share of all has taken, spread evenly.
fn turns(share: f64, period: u64) -> u64 {
    libm::floor(share * (period % (1 << 32)) as f64) as u64
}

/// Whether such a share takes this period.
fn is_turn(share: f64, period: u64) -> bool {
    turns(share, period + 1) > turns(share, period)
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
    fn prepare<'a>(&'a mut self, schedule: &Schedule, index: &'a RingSchedules, ctx: &Context<'a>) -> ScheduleView<'a> {
        let view = ctx.view;
        let known = self.own.as_deref().unwrap_or(index).len();
        let settled = self.moved.is_some_and(|stretch| stretch < ctx.shared_period / STRETCH);
        // As much as is remembered of them in any case.
        if settled || self.late.len() > known / 8 {
            if settled {
                (self.agreed, self.moved) = (true, None);
            }
            let peers = (0..view.slots()).map(|slot| view.peer(slot));
            self.own = Some(Arc::new(RingSchedules::new(peers, schedule.least, schedule.classes)));
            (self.schedule, self.late) = (None, Latecomers::default());
        }
        let schedules = self.own.as_deref().unwrap_or(index);
        self.schedule = self.schedule.take().filter(|schedule| schedule.is_at(ctx.shared_period));
        let schedule = self.schedule.get_or_insert_with(|| schedules.at(ctx.shared_period));
        self.late.draw(schedules, schedule, view);
        ScheduleView { schedules, schedule, late: &self.late, view }
    }
}
