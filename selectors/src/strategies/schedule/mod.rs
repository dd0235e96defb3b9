//! `schedule`: a shared schedule by which each member is pinged by exactly one other per period, without messages.

mod agreement;
mod learned_location;
mod partition;
mod ring_schedule;

use std::sync::Arc;

use super::SelectorRegistry;
use crate::coordinate::Coordinate;
use crate::location::Location;
use crate::metric::MetricRegistry;
use crate::peer::{Peer, Slot};
use crate::registry::{Param, Params};
use crate::rng::{below, mix};
use crate::selector::{Bound, DynSelector, Selector, any_member, pick_uniform};
use crate::view::{Context, Observation, View};
use agreement::{Agreement, Sighting};
use learned_location::LearnedLocation;
use ring_schedule::{Latecomers, RingSchedule, ScheduleView};

pub use ring_schedule::RingSchedules;

/// In each period every member is pinged by exactly one other, usually by a neighbor.
///
/// Members with the same roster and the same clock compute the same schedule. The members of a neighborhood form a
/// ring, ordered by hashed ids, and each pings the one that is a few positions ahead; the distance changes from period
/// to period, so that no member is monitored by a single other. This is a permutation: every member is pinged once.
///
/// A share of the members, in turns, escapes: each of them does the ping of another escaping member, whose neighborhood
/// is probably a different one. So the pings remain a permutation, and each neighborhood is monitored by the others,
/// too.
///
/// Dead members are skipped. A member that only some know changes the picks of the few before it in its rings, since a
/// pick depends only on the members just ahead.
///
/// A changed location or zone counts from the next sixteenth period on, the same one for all members, so that all have
/// received it. With `learn`, a member without zone and location learns a location and advertises it.
///
/// While updates are waiting, the other pings go across the group. In some periods they go equally far along a third
/// ring, so that no member is left out. In the others, a share `random_share`, they go to random members: a member that
/// has just been pinged is then as likely to be pinged again as any other, which makes an update spread faster while
/// few members have it.
#[derive(Clone, Copy, Debug)]
pub struct Schedule {
    /// Number of escape classes; one of them escapes in each period.
    classes: u32,
    config: ScheduleConfig,
}

/// Parameters of [`Schedule`].
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct ScheduleConfig {
    /// Share of the pings that leave the neighborhood, 0.001 to 0.5, rounded to 1/q with q whole. 0.167 by default.
    pub escape: f64,
    /// Minimum size of a neighborhood, in members. 8 by default.
    pub neighborhood_size: u32,
    /// Share of the periods in which members with waiting updates ping across the group, 0 to 1. 1 by default.
    pub update_share: f64,
    /// Share of those periods in which they ping random members, 0 to 1. 0.75 by default.
    pub random_share: f64,
    /// Number of periods after which a member pings another neighbor, from 1. 1 by default.
    pub hold: u32,
    /// Whether members without zone and location learn a location and advertise it. False by default.
    pub learn: bool,
}

/// State of one member: its differences from the shared index.
#[derive(Debug)]
pub struct ScheduleState {
    /// Schedule of the current epoch.
    schedule: Option<Arc<RingSchedule>>,
    latecomers: Latecomers,
    /// Schedules of its own, as soon as there are too many latecomers, or members have moved.
    own: Option<Arc<RingSchedules>>,
    /// Whether `own` follows a move that all members apply in the same period.
    agreed: bool,
    /// [`STRETCH`] of the first move that is not applied yet.
    moved: Option<u64>,
    agreement: Agreement,
    /// Number of the member's own pings in each period.
    pings: u32,
    /// Present if the member learns its location.
    learned_location: Option<Box<LearnedLocation>>,
}

/// Number of different neighbors that ping a member in turn, while none of them dies.
const SHIFTS: u64 = 4;

/// Number of different neighbors that a member compares tables with, between two draws of the rings.
const MOST_PARTNERS: u32 = 64;

/// [`SHIFTS`] of members that learn their location: a ring is drawn again before they have met that many.
const LEARNING_SHIFTS: u64 = 64;

/// Minimum number of periods for which a partition into neighborhoods stays, whatever moves meanwhile.
const STRETCH: u64 = 16;

pub(super) fn register(registry: &mut SelectorRegistry, _: &Arc<MetricRegistry>) {
    let default = ScheduleConfig::default();
    let params = vec![
        Param::real(
            "escape",
            0.001,
            0.5,
            default.escape,
            "share of the pings that leave the neighborhood; 1/q, q whole",
        ),
        Param::count("least", 1, u32::MAX, default.neighborhood_size, "minimum size of a neighborhood").unit("members"),
        Param::real("news", 0.0, 1.0, default.update_share, "share of periods in which updates go across the group"),
        Param::real("random", 0.0, 1.0, default.random_share, "share of those periods in which targets are random"),
        Param::count("hold", 1, 1000, default.hold, "periods after which a member pings another neighbor")
            .unit("periods"),
        Param::flag("learn", default.learn, "whether members without zone and location learn a location"),
    ];
    let about = "Each member is pinged once per period by one other, usually a neighbor (needs synchronized clocks).";
    registry.register("schedule", about, params, |params, _| {
        Ok(DynSelector::new("schedule", Schedule::new(ScheduleConfig::from_params(params)?)))
    });
}

impl Default for ScheduleConfig {
    fn default() -> Self {
        Self { escape: 0.167, neighborhood_size: 8, update_share: 1.0, random_share: 0.75, hold: 1, learn: false }
    }
}

impl ScheduleConfig {
    fn from_params(params: &Params) -> Result<Self, String> {
        Ok(Self {
            escape: params.real("escape")?,
            neighborhood_size: params.count("least")?,
            update_share: params.real("news")?,
            random_share: params.real("random")?,
            hold: params.count("hold")?,
            learn: params.flag("learn")?,
        })
    }
}

impl Default for Schedule {
    fn default() -> Self {
        Self::new(ScheduleConfig::default())
    }
}

impl Schedule {
    /// Pings by this configuration.
    ///
    /// # Panics
    /// If a number of the configuration is out of its range.
    pub fn new(config: ScheduleConfig) -> Self {
        let ScheduleConfig { escape, update_share, random_share, hold, .. } = config;
        assert!((0.001..=0.5).contains(&escape), "escape share {escape} is not from 0.001 to 0.5");
        for share in [update_share, random_share] {
            assert!((0.0..=1.0).contains(&share), "share {share} is not from 0 to 1");
        }
        assert!(hold > 0, "hold is 0 periods, and must be at least 1");
        Self { classes: libm::round(1.0 / escape) as u32, config }
    }

    /// Whether members with waiting updates ping across the group in this period: the same one for all members, so that
    /// in the other periods all pings stay part of the schedule.
    fn is_update_period(&self, period: u64) -> bool {
        is_turn(self.config.update_share, period)
    }

    /// Whether those pings go to random members: in the same periods for all, so that in the others none is left out.
    fn is_random_period(&self, period: u64) -> bool {
        is_turn(self.config.random_share, turns(self.config.update_share, period))
    }

    /// Returns the target of the `i`-th ping of this period: the member itself if there is no other, `None` for a
    /// random one.
    fn pick(&self, rings: &ScheduleView<'_>, ctx: &Context<'_>, i: u64, learning: bool) -> Option<Slot> {
        let (me, period) = (ctx.view.me(), ctx.shared_period);
        if !self.escapes(rings, me, period) {
            if ctx.has_updates && self.is_update_period(period) {
                return if self.is_random_period(period) { None } else { rings.across(mix(mix(period) ^ i)) };
            }
            if learning && !rings.schedules.is_divided() {
                return Some(rings.near(me, (mix(mix(period) ^ i) % LEARNING_SHIFTS) as u32 + 1));
            }
        }
        Some(self.scheduled(rings, me, period, i))
    }

    /// Whether a member's pings of this period leave its neighborhood.
    fn escapes(&self, rings: &ScheduleView<'_>, member: Slot, period: u64) -> bool {
        rings.schedules.is_divided() && period % u64::from(self.classes) == u64::from(rings.class(member))
    }

    /// Returns the target of a member's `i`-th ping of a period without updates.
    fn scheduled(&self, rings: &ScheduleView<'_>, member: Slot, period: u64, i: u64) -> Slot {
        let shift = |turns: u64| ((turns + i) % SHIFTS) as u32 + 1;
        let near = |slot| rings.near(slot, shift(period / u64::from(self.config.hold)));
        match self.escapes(rings, member, period) {
            true => escape(member, near, |slot| rings.far(slot, shift(period / u64::from(self.classes)))),
            false => near(member),
        }
    }

    /// Compares a ping of this member without updates with the schedule.
    fn observe_ping(&self, index: &Arc<RingSchedules>, state: &mut ScheduleState, ctx: &mut Context<'_>, sender: Slot) {
        let view = ctx.view;
        let Some(schedule) = &state.schedule else { return };
        if state.learned_location.as_ref().is_some_and(|location| location.is_new()) || !view.pingable(sender) {
            return;
        }
        let schedules = state.own.as_ref().unwrap_or(index);
        let rings = ScheduleView { schedules, schedule, latecomers: &state.latecomers, view };
        let mut periods = state.agreement.candidates(ctx.shared_period).filter(|&period| schedule.is_at(period));
        let is_expected = periods
            .any(|period| (0..u64::from(state.pings)).any(|i| self.scheduled(&rings, sender, period, i) == view.me()));
        let is_near = rings.neighborhood(sender) == rings.neighborhood(view.me());
        let choice = if is_near { rings.ring_len(sender) } else { view.pingable_count() as usize };
        state.agreement.note(ctx, Sighting { is_expected, is_near, choice });
    }
}

impl Selector for Schedule {
    type RosterIndex = Arc<RingSchedules>;
    type State = ScheduleState;

    fn build_index(&self, roster: &[Peer]) -> Arc<RingSchedules> {
        Arc::new(RingSchedules::new(roster.iter(), self.config.neighborhood_size, self.classes))
    }

    fn new_state(&self, index: &Arc<RingSchedules>, ctx: &mut Context<'_>) -> ScheduleState {
        let learned_location = self.config.learn.then(|| LearnedLocation::begin(ctx.view)).flatten();
        let mut state = ScheduleState {
            schedule: None,
            latecomers: Latecomers::default(),
            own: None,
            agreed: false,
            moved: None,
            agreement: Agreement::default(),
            pings: 1,
            learned_location,
        };
        (index.len()..ctx.view.slots()).for_each(|slot| state.latecomers.add(slot));
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
        state.pings = want as u32;
        if let Some(location) = &mut state.learned_location {
            location.set_age(ctx.period);
        }
        if state.agreement.has_fallen_back() {
            // Pings of others are compared with it before the member's own next one that follows it.
            state.prepare(self, index, ctx);
        }
        if let Some(order) = state.agreement.order(ctx.shared_period) {
            for _ in 0..want.min(ctx.view.pingable_count() as usize) {
                picks.extend(order.pick(ctx, &picks[first..], |_, _| false));
            }
            return;
        }
        let learning = state.learned_location.as_ref().is_some_and(|location| location.is_new());
        let rings = state.prepare(self, index, ctx);
        for i in 0..want.min(ctx.view.pingable_count() as usize) {
            if let Some(slot) = self.pick(&rings, ctx, i as u64, learning)
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

    /// A member of the neighborhood, and any other as often as pings escape.
    fn sync_partner(
        &self,
        index: &Arc<RingSchedules>,
        state: &mut ScheduleState,
        ctx: &mut Context<'_>,
    ) -> Option<Slot> {
        if state.agreement.has_fallen_back() {
            return any_member(ctx);
        }
        let (is_near, steps) = (below(ctx.rng, self.classes) > 0, 1 + below(ctx.rng, MOST_PARTNERS));
        let rings = state.prepare(self, index, ctx);
        let near = (is_near && rings.schedules.is_divided()).then(|| rings.near(ctx.view.me(), steps));
        near.filter(|&slot| ctx.view.pingable(slot)).or_else(|| any_member(ctx))
    }

    fn observe(
        &self,
        index: &Arc<RingSchedules>,
        state: &mut ScheduleState,
        ctx: &mut Context<'_>,
        observation: Observation,
    ) {
        match observation {
            Observation::Joined(slot) => {
                state.agreement.joined(slot, ctx);
                let schedules = state.own.as_ref().unwrap_or(index);
                if !schedules.contains(slot, ctx.view.peer(slot)) {
                    state.latecomers.add(slot);
                }
            }
            Observation::Moved(_) => {
                state.moved.get_or_insert(ctx.shared_period / STRETCH);
                state.latecomers.moved();
            }
            Observation::Coordinate { slot, coordinate } => {
                if let Some(location) = &mut state.learned_location {
                    location.received(ctx.view.peer(slot).id, coordinate);
                }
            }
            Observation::Rtt { slot, rtt_us } => {
                if let Some(location) = &mut state.learned_location {
                    location.measured(ctx.view, slot, rtt_us, ctx.rng);
                }
            }
            Observation::Pinged(slot) => self.observe_ping(index, state, ctx, slot),
            Observation::Left(_) | Observation::NeighborHint { .. } => {}
        }
    }

    fn coordinate(&self, state: &ScheduleState) -> Option<Coordinate> {
        state.learned_location.as_ref()?.coordinate()
    }

    fn advertised_location(&self, state: &ScheduleState, ctx: &mut Context<'_>) -> Option<Location> {
        state.learned_location.as_ref()?.advertised(ctx)
    }

    /// Whether a peer belongs to the member's neighborhood; `None` while all members form one.
    fn is_near(&self, index: &Arc<RingSchedules>, state: &ScheduleState, view: &dyn View, slot: Slot) -> Option<bool> {
        let schedules = state.own.as_ref().unwrap_or(index);
        let neighborhood = |slot| state.latecomers.neighborhood(schedules, view, slot);
        schedules.is_divided().then(|| neighborhood(slot) == neighborhood(view.me()))
    }

    fn follows_clock(&self) -> bool {
        true
    }

    fn wants_pings(&self, state: &ScheduleState, shared_period: u64) -> bool {
        state.agreement.wants_pings(shared_period)
    }

    fn has_fallen_back(&self, state: &ScheduleState) -> bool {
        state.agreement.has_fallen_back()
    }

    fn reindexed(&self, _: &Arc<RingSchedules>, state: &mut ScheduleState) {
        // An agreed index stays: other members do not reindex in the same period.
        if !state.agreed {
            (state.schedule, state.latecomers, state.own) = (None, Latecomers::default(), None);
        }
    }

    fn keeps_slots(&self, state: &ScheduleState) -> bool {
        state.agreed || state.agreement.has_fallen_back()
    }

    /// Once per period while no update is waiting.
    fn bound(&self, n: u32, direct: u32) -> Bound {
        if direct >= n.saturating_sub(1) { Bound::Periods(1) } else { Bound::AnyMember(1) }
    }
}

/// Number of the periods before this one that belong to a share of all periods, spread evenly.
fn turns(share: f64, period: u64) -> u64 {
    libm::floor(share * (period % (1 << 32)) as f64) as u64
}

/// Whether this period belongs to a share of all periods.
fn is_turn(share: f64, period: u64) -> bool {
    turns(share, period + 1) > turns(share, period)
}

/// Returns the target of an escaping member: the near target of the `next` escaping one.
///
/// If that target is the member itself, it keeps its own near target, and the escaping member before it has to ping it
/// instead. If several in a row are each other's targets, the search goes on to the first for which this does not hold.
fn escape(me: Slot, near: impl Fn(Slot) -> Slot, next: impl Fn(Slot) -> Slot) -> Slot {
    let keeps_own = |slot: Slot| near(next(slot)) == slot;
    if keeps_own(me) {
        return near(me);
    }
    let mut other = next(me);
    if !keeps_own(other) {
        return near(other);
    }
    let first = other;
    while keeps_own(next(other)) {
        other = next(other);
        // Once around: the escaping member is not part of the ring, as a sender that was not drawn yet.
        if other == first {
            break;
        }
    }
    other
}

impl ScheduleState {
    /// Returns the rings of this period.
    fn prepare<'a>(&'a mut self, schedule: &Schedule, index: &'a RingSchedules, ctx: &Context<'a>) -> ScheduleView<'a> {
        let view = ctx.view;
        let indexed = self.own.as_deref().unwrap_or(index).len();
        // In another stretch, which is an earlier one after a clock was set back.
        let move_is_due = self.moved.is_some_and(|stretch| stretch != ctx.shared_period / STRETCH);
        // With the rings of the next epoch, which are drawn anyway, come the regions that have appeared meanwhile: in the
        // same period for all who know of them.
        let epoch_is_over = self.schedule.as_ref().is_some_and(|schedule| !schedule.is_at(ctx.shared_period));
        let has_new_region = || self.latecomers.has_new_region(self.own.as_deref().unwrap_or(index), view);
        // An eighth bounds the list of latecomers, and so the time that the merge with the shared rings takes.
        if move_is_due || self.latecomers.len() > indexed / 8 || epoch_is_over && has_new_region() {
            if move_is_due {
                (self.agreed, self.moved) = (true, None);
            }
            let peers = (0..view.slots()).map(|slot| view.peer(slot));
            let own = RingSchedules::new(peers, schedule.config.neighborhood_size, schedule.classes);
            self.own = Some(Arc::new(own));
            (self.schedule, self.latecomers) = (None, Latecomers::default());
        }
        let schedules = self.own.as_deref().unwrap_or(index);
        self.schedule = self.schedule.take().filter(|schedule| schedule.is_at(ctx.shared_period));
        let schedule = self.schedule.get_or_insert_with(|| schedules.at(ctx.shared_period));
        self.latecomers.draw(schedules, schedule, view);
        ScheduleView { schedules, schedule, latecomers: &self.latecomers, view }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Members 0 to 2 escape in this order, and the near target of each is the one before it.
    #[test]
    fn a_search_from_outside_the_ring_ends_after_one_turn() {
        let next = |slot: Slot| if slot < 3 { (slot + 1) % 3 } else { 0 };
        let near = |slot: Slot| if slot < 3 { (slot + 2) % 3 } else { 1 };
        assert!(escape(9, near, next) < 3);
    }
}
