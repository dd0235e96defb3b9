//! Stalled members: sends block, so that a loop that sends stands still until the stall ends while the others run on.
//!
//! Lifeguard's authors slowed their agents down like that: a call to send returns when the anomaly ends. An agent's
//! loops are threads of their own, so its probe loop stops with the next ping or request and its gossip loop with the
//! next round, while suspicions, whose timers send nothing, run on and end. Unlike a member whose packets queue up
//! while it probes on, such a member accuses a single peer in all that time.

use super::cold::Stall;
use super::timers::Alarms;
use super::{Member, Outbox};
use crate::protocol::time::Time;

impl Member {
    /// Makes sends block until [`Member::end_stall`]. Meanwhile the driver holds back the messages that the member
    /// sends and hands in none.
    pub fn stall(&mut self) {
        if !self.stalled && !self.is_stopped() {
            self.stalled = true;
            self.cold().stall = Stall::default();
        }
    }

    /// Lets sends pass again.
    pub fn end_stall(&mut self, now: Time) {
        if self.stalled && !self.is_stopped() {
            self.stalled = false;
            self.cold().stall = Stall::default();
            // A loop that is late starts a full period with its next ping.
            self.timers.period = self.timers.period.max(now);
        }
    }

    /// Does what is due and does not wait for a send.
    pub(super) fn wake_stalled(&mut self, now: Time, out: &mut Outbox) {
        if self.alarms().suspicion <= now {
            self.end_suspicions(now, out);
        }
        if self.alarms().relay <= now {
            self.run_relays(now, out);
        }
        if self.loops().probing <= now {
            if self.timers.timeout <= now {
                self.escalate(out);
            } else {
                self.next_period(now, out);
            }
            self.cold().stall.probing = true;
        }
        if self.loops().gossiping <= now {
            self.gossip_tick(now, out);
            self.cold().stall.gossiping = true;
        }
    }

    /// The deadline of [`Member::wake_stalled`].
    pub(super) fn stalled_deadline(&self) -> Time {
        let Alarms { suspicion, relay, .. } = self.alarms();
        let Loops { probing, gossiping } = self.loops();
        suspicion.min(relay).min(probing).min(gossiping)
    }

    fn loops(&self) -> Loops {
        let Stall { probing, gossiping } = self.cold.as_ref().map_or(Stall::default(), |cold| cold.stall);
        let unless = |is_blocked: bool, due: Time| if is_blocked { Time::NEVER } else { due };
        Loops {
            probing: unless(probing, self.timers.period.min(self.timers.timeout)),
            gossiping: unless(gossiping, self.alarms().gossip),
        }
    }
}

/// Deadlines of the loops that may send.
struct Loops {
    probing: Time,
    gossiping: Time,
}
