//! A member whose sends block: what calls a send stands still in it, and everything else runs on.
//!
//! That is how Lifeguard's authors slowed their agents down: a call to send returns when the anomaly ends. An agent's loops
//! are threads of their own, so its probe loop stops with the next ping or request, its gossip loop with the next round,
//! while suspicions, whose timers send nothing, go on and end. Unlike a member whose packets queue up while it probes on,
//! such a one accuses a single member in all that time.

use super::*;

/// Which loops stand still in a send.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Stall {
    probing: bool,
    gossiping: bool,
}

impl Member {
    /// From now on sends block, or no longer do. Meanwhile the driver keeps what is sent, and hands in nothing.
    pub fn stall(&mut self, now: Time, stalled: bool) {
        if self.stalled == stalled {
            return;
        }
        self.stalled = stalled;
        self.cold().stall = Stall::default();
        if !stalled && self.timers.period < now {
            // A loop that is late begins a whole period with its next ping.
            self.timers.period = now;
        }
    }

    /// Does what is due and does not wait for a send.
    pub(super) fn wake_stalled(&mut self, now: Time, out: &mut Outbox) {
        if self.alarms().suspicion <= now {
            self.end_suspicions(now, out);
        }
        if self.alarms().relay <= now {
            self.tend_relays(now, out);
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

    /// When there is something of that to do.
    pub(super) fn stalled_deadline(&self) -> Time {
        let Alarms { suspicion, relay, .. } = self.alarms();
        let Loops { probing, gossiping } = self.loops();
        suspicion.min(relay).min(probing).min(gossiping)
    }

    fn loops(&self) -> Loops {
        let Stall { probing, gossiping } = self.cold.as_ref().map_or(Stall::default(), |cold| cold.stall);
        let unless = |still: bool, due: Time| if still { Time::NEVER } else { due };
        Loops {
            probing: unless(probing, self.timers.period.min(self.timers.timeout)),
            gossiping: unless(gossiping, self.alarms().gossip),
        }
    }
}

/// When the loops that may send have something to do.
struct Loops {
    probing: Time,
    gossiping: Time,
}
