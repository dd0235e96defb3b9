//! When a member has to be woken: what all of them wait for, and what few do.

use super::Member;
use crate::protocol::time::Time;

/// When what is due: the driver asks after every call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timers {
    pub period: Time,
    /// The probe timeout of this period's pings.
    pub timeout: Time,
    /// The next of the [`Alarms`].
    pub alarm: Time,
}

/// When what is due that few members wait for.
#[derive(Clone, Copy, Debug)]
pub(super) struct Alarms {
    pub gossip: Time,
    pub sync: Time,
    /// The next of the relays.
    pub relay: Time,
    /// The next end of a suspicion.
    pub suspicion: Time,
    pub join: Time,
}

impl Member {
    pub(super) fn alarms(&self) -> Alarms {
        self.cold.as_ref().map_or(Alarms::OFF, |cold| cold.alarms)
    }

    pub(super) fn set_alarm(&mut self, set: impl FnOnce(&mut Alarms)) {
        let alarms = &mut self.cold().alarms;
        set(alarms);
        self.timers.alarm = alarms.next();
    }
}

impl Timers {
    pub const OFF: Self = Self { period: Time::NEVER, timeout: Time::NEVER, alarm: Time::NEVER };

    pub fn next(&self) -> Time {
        self.period.min(self.timeout).min(self.alarm)
    }
}

impl Alarms {
    pub const OFF: Self =
        Self { gossip: Time::NEVER, sync: Time::NEVER, relay: Time::NEVER, suspicion: Time::NEVER, join: Time::NEVER };

    pub fn next(&self) -> Time {
        let Self { gossip, sync, relay, suspicion, join } = *self;
        gossip.min(sync).min(relay).min(suspicion).min(join)
    }
}

impl Default for Alarms {
    fn default() -> Self {
        Self::OFF
    }
}
