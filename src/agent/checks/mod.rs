//! Checks of what only an operator can set right: zone paths, places and clocks. What they find is logged once, with
//! names, and listed by `swimlab info` for as long as it lasts.

mod clocks;
mod hold;
mod measurements;
mod round_trips;
mod warning;
mod zones;

use swimlab_selectors::View;

use crate::protocol::{Member, NodeInfo, Span, Time};

pub use measurements::ClockOffset;
#[cfg(test)]
pub(super) use measurements::MEASURED_LIMIT;
pub(super) use measurements::Measurements;
pub use warning::Warning;

/// Periods between two checks, of a group of at most [`GROUP`] members; of larger ones in proportion.
const INTERVAL: u64 = 5;

/// Members of a group that is checked every [`INTERVAL`] periods.
const GROUP: u64 = 256;

/// Periods for which a finding must last before it is reported, and be gone before it is reported anew: members that join
/// are in a zone alone until the next ones of it arrive.
const HOLD: u64 = 20;

/// The checks of one agent.
pub(super) struct Checks {
    period: Span,
    due: Time,
    measurements: Measurements,
    hold: hold::Hold,
}

impl Checks {
    /// Checks of a member with this protocol period, the first one after `now`.
    pub(super) fn new(now: Time, period: Span) -> Self {
        let hold = hold::Hold::new(period * HOLD);
        Self { period, due: now + period * INTERVAL, measurements: Measurements::default(), hold }
    }

    /// The time of the next check.
    pub(super) fn due(&self) -> Time {
        self.due
    }

    /// Measurements of other members.
    pub(super) fn measurements(&mut self) -> &mut Measurements {
        &mut self.measurements
    }

    /// Findings that were reported and last.
    pub(super) fn warnings(&self) -> impl Iterator<Item = &Warning> {
        self.hold.reported()
    }

    /// The difference between this clock and those of other members.
    pub(super) fn clock_offset(&self) -> Option<ClockOffset> {
        self.measurements.clock_offset()
    }

    /// Looks for findings, and logs the new ones.
    pub(super) fn run(&mut self, now: Time, member: &Member) {
        let members = u64::from(member.table().members());
        self.due = now + self.period * (INTERVAL * members.div_ceil(GROUP).max(1));
        let entries = member.table().entries();
        let alive: Vec<&NodeInfo> =
            entries.filter(|(_, status, ..)| status.is_member()).map(|(.., node)| &**node).collect();
        self.measurements.retain(now, self.period, |id| member.table().slot(id).is_some());
        let mut found = zones::check(&alive);
        found.extend(round_trips::check(member.node(), lacks_locations(member), &alive, &self.measurements));
        found.extend(clocks::check(&alive, &self.measurements, clocks::tolerance(self.period, member.follows_clock())));
        found.extend(member.has_fallen_back().then_some(Warning::FallenBack));
        for warning in self.hold.update(now, found) {
            tracing::warn!("{warning}");
        }
    }
}

/// Whether the selector would prefer near members, if it knew which ones are near, and does not learn that.
fn lacks_locations(member: &Member) -> bool {
    member.follows_clock() && member.is_near(member.table().me()).is_none() && member.coordinate().is_none()
}
