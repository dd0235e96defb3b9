//! The protocol period: direct pings, the timeout, helpers, and what is done for others.
//!
//! ```text
//!  period begins ── ping p targets ──► acked ─────────────────────────► period ends: nothing
//!                        │ probe timeout
//!                        └─► ask k helpers ──► relayed ───────────────► period ends: nothing
//!                                   └──────── silence ────────────────► period ends: suspect
//! ```

use smallvec::SmallVec;

use super::*;
use crate::protocol::health::LifeguardVariant;
use crate::protocol::message::{NeighborHint, PingReq, Target};
use crate::protocol::prober::IndirectRequest;

/// The direct pings of one period.
#[derive(Debug, Default)]
pub(super) struct Round {
    seq: u32,
    /// The number of the pings over streams; 0 before there are any.
    stream_seq: u32,
    sent_at: Time,
    /// How many answers, nacks among them, helpers owe, and how many came.
    asked: u16,
    heard: u16,
    /// One, nearly always.
    targets: SmallVec<[Probed; 1]>,
}

#[derive(Clone, Copy, Debug)]
struct Probed {
    slot: Slot,
    id: Id,
    incarnation: Incarnation,
    answered: bool,
}

/// An indirect ping under way for another member.
#[derive(Debug)]
pub(super) struct Relay {
    seq: u32,
    target: Id,
    origin: Target,
    origin_seq: u32,
    nack_at: Time,
    ends_at: Time,
}

impl Member {
    /// The most indirect pings under way for others.
    pub const RELAY_LIMIT: usize = 256;

    /// Ends a period and begins the next.
    pub(super) fn next_period(&mut self, now: Time, out: &mut Outbox) {
        self.conclude(now, out);
        // Whoever never had any news has nobody to bury, to try again or to ask.
        if self.cold.is_some() || !self.table.is_pristine() {
            self.bury(now, out);
            self.reconnect(out);
            self.rebase_if_grown();
            self.ping_name_claimant(now, out);
        }
        let config = &self.config.protocol;
        let slowdown = self.health.slowdown();
        let length = config.period * slowdown;
        let probe_timeout = match config.health_pacing {
            LifeguardVariant::Paper => config.probe_timeout * slowdown,
            LifeguardVariant::Memberlist => config.probe_timeout,
        };
        // By when it was due: a timer that fires late is no other period. Most are counted on: divisions are slow.
        self.shared_period = match self.is_regular {
            true => self.shared_period + 1,
            false => period_at(self.timers.period, self.since_epoch, config),
        };
        let regular = self.timers.period + config.period;
        let next = self.timers.period + length;
        // Who is too late for an answer to come in time, as after its host stood still, begins a whole period.
        self.timers.period = if next >= now + probe_timeout { next } else { now + length };
        self.is_regular = self.timers.period == regular;
        if self.learns {
            self.take_place(now, out);
        }
        let want = self.config.protocol.direct as usize;
        let mut picks = std::mem::take(&mut out.scratch);
        picks.clear();
        let has_updates = !self.queue.is_empty();
        let (period, shared_period) = (self.period, self.shared_period);
        let mut ctx = Context { view: &self.table, period, shared_period, has_updates, rng: &mut self.strategy_rng };
        self.selector.targets(&mut ctx, want, &mut picks);
        self.period += 1;
        self.upcoming = self.selector.upcoming().unwrap_or(self.table.me());

        self.seq = self.seq.wrapping_add(1);
        self.round.seq = self.seq;
        self.round.stream_seq = 0;
        self.round.sent_at = now;
        (self.round.asked, self.round.heard) = (0, 0);
        self.round.targets.clear();
        let mut timeout = probe_timeout;
        for &slot in &picks {
            let record = self.table.record(slot);
            let Record { id, incarnation, .. } = record;
            self.round.targets.push(Probed { slot, id, incarnation, answered: false });
            if self.knows_slow
                && let Some(cold) = &self.cold
            {
                // Helpers need time too: a third of the period, unless the configured timeout leaves them less.
                let ceiling = Span::from_micros(length.as_micros() * 2 / 3).max(probe_timeout);
                timeout = timeout.max(cold.slow.timeout(slot, probe_timeout).min(ceiling));
            }
            let buddy = self.buddy_record(slot);
            self.send_by(false, Addressee::of(&record), Body::Ping { seq: self.seq }, buddy, true, out);
        }
        self.timers.timeout = if picks.is_empty() { Time::NEVER } else { now + timeout };
        out.scratch = picks;
    }

    /// Takes an ack: of a direct ping, or of one made for another.
    pub(super) fn acked(&mut self, now: Time, seq: u32, sender: Id, hint: Option<NeighborHint>, out: &mut Outbox) {
        if seq == self.round.seq {
            let Some(slot) = self.answered(now, seq, sender) else { return };
            let rtt = now.since(self.round.sent_at);
            self.time_peer(slot, rtt);
            let rtt_us = u32::try_from(rtt.as_micros()).unwrap_or(u32::MAX);
            self.observe(Observation::Rtt { slot, rtt_us });
            if let Some(hint) = hint {
                self.tipped(hint);
            }
        } else if seq == self.round.stream_seq && seq != 0 {
            self.answered(now, self.round.seq, sender);
        } else if let Some(cold) = &mut self.cold
            && let Some(at) = cold.relays.iter().position(|relay| relay.seq == seq && relay.target == sender)
        {
            let relay = cold.relays.swap_remove(at);
            self.time_relays();
            let to = self.addressee(relay.origin.id, relay.origin.address);
            self.send(to, Body::IndirectAck { seq: relay.origin_seq, target: sender }, None, false, out);
        }
    }

    /// A target of the round with this number answered, to us or to a helper. Tells its slot the first time.
    pub(super) fn answered(&mut self, now: Time, seq: u32, target: Id) -> Option<Slot> {
        if seq != self.round.seq {
            return None;
        }
        let probed = self.round.targets.iter_mut().find(|probed| probed.id == target && !probed.answered)?;
        probed.answered = true;
        let slot = probed.slot;
        if self.round.targets.iter().all(|probed| probed.answered) {
            self.timers.timeout = Time::NEVER;
            if self.config.protocol.health_pacing == LifeguardVariant::Memberlist {
                let next = (self.round.sent_at + self.config.protocol.period).max(now);
                self.timers.period = self.timers.period.min(next);
            }
        }
        Some(slot)
    }

    /// Takes the RTT of a direct ping, if it is one that could ever lengthen a timeout.
    fn time_peer(&mut self, slot: Slot, rtt: Span) {
        let configured = self.config.protocol.probe_timeout;
        if self.knows_slow || SlowPeers::is_slow(rtt, configured) {
            let slow = &mut self.cold().slow;
            slow.sample(slot, rtt, configured);
            self.knows_slow = !slow.is_empty();
        }
    }

    /// The probe timeout has passed: asks helpers about the silent.
    pub(super) fn escalate(&mut self, out: &mut Outbox) {
        self.timers.timeout = Time::NEVER;
        let silent: Vec<Slot> =
            self.round.targets.iter().filter(|probed| !probed.answered).map(|probed| probed.slot).collect();
        let config = Arc::clone(&self.config);
        let want = config.protocol.indirect as usize;
        if config.protocol.stream_ping {
            self.ping_over_streams(&silent, out);
        }
        if silent.is_empty() || want == 0 {
            return;
        }
        // Targets that did answer are no helpers either: nobody is asked twice in one period.
        let targets: Vec<Slot> = self.round.targets.iter().map(|probed| probed.slot).collect();
        let mut requests = Vec::new();
        let has_updates = !self.queue.is_empty();
        let (period, shared_period) = (self.period, self.shared_period);
        let mut ctx = Context { view: &self.table, period, shared_period, has_updates, rng: &mut self.strategy_rng };
        let mut choose = || {
            let mut picks = Vec::new();
            config.helpers.helpers(&mut ctx, &targets, want, &mut picks);
            picks
        };
        config.protocol.prober.escalate(&silent, &mut choose, &mut requests);
        let nack_after_us = if config.protocol.prober.judges_health() { nack_after(&config.protocol) } else { 0 };
        for IndirectRequest { helper, targets } in requests {
            let target = |&slot: &Slot| {
                let Record { id, address, .. } = self.table.record(slot);
                Target { id, address }
            };
            let targets: Vec<Target> = targets.iter().map(target).collect();
            self.round.asked = self.round.asked.saturating_add(targets.len() as u16);
            let request = PingReq { seq: self.round.seq, nack_after_us, targets };
            let to = self.known(helper);
            self.send(to, Body::PingReq(Box::new(request)), None, false, out);
        }
    }

    /// Datagrams may be what is lost: somewhere on the way, or in a queue that is full.
    fn ping_over_streams(&mut self, silent: &[Slot], out: &mut Outbox) {
        self.seq = self.seq.wrapping_add(1);
        self.round.stream_seq = self.seq;
        for &slot in silent {
            let to = self.known(slot);
            self.send_by(true, to, Body::Ping { seq: self.seq }, None, false, out);
        }
    }

    /// Pings members for another.
    pub(super) fn help(&mut self, now: Time, sender: Id, from: Address, request: &PingReq, out: &mut Outbox) {
        let period = self.config.protocol.period;
        for &target in request.targets.iter().take(PingReq::TARGET_LIMIT) {
            self.seq = self.seq.wrapping_add(1);
            let (id, seq) = (self.id, self.seq);
            let relays = &mut self.cold().relays;
            if relays.len() >= Self::RELAY_LIMIT || target.id == id {
                continue;
            }
            let nack_at = match request.nack_after_us {
                0 => Time::NEVER,
                us => now + Span::from_micros(u64::from(us)).min(period),
            };
            relays.push(Relay {
                seq,
                target: target.id,
                origin: Target { id: sender, address: from },
                origin_seq: request.seq,
                nack_at,
                ends_at: now + period,
            });
            self.time_relays();
            let to = self.addressee(target.id, target.address);
            let buddy = self.table.slot(target.id).and_then(|slot| self.buddy_record(slot));
            self.send(to, Body::Ping { seq: self.seq }, buddy, false, out);
        }
    }

    /// Sends nacks that are due, and gives up indirect pings that nobody waits for any more.
    pub(super) fn tend_relays(&mut self, now: Time, out: &mut Outbox) {
        let Some(cold) = &mut self.cold else { return };
        let mut nacks = Vec::new();
        for relay in cold.relays.iter_mut().filter(|relay| relay.nack_at <= now) {
            relay.nack_at = Time::NEVER;
            nacks.push((relay.origin, relay.origin_seq, relay.target));
        }
        cold.relays.retain(|relay| relay.ends_at > now);
        self.time_relays();
        for (origin, seq, target) in nacks {
            let to = self.addressee(origin.id, origin.address);
            self.send(to, Body::Nack { seq, target }, None, false, out);
        }
    }

    fn time_relays(&mut self) {
        let next = self.cold().relays.iter().map(Relay::due).min().unwrap_or(Time::NEVER);
        self.set_alarm(|alarms| alarms.relay = next);
    }

    /// The period is over: who is still silent is suspected.
    fn conclude(&mut self, now: Time, out: &mut Outbox) {
        self.judge_health();
        let silent = |probed: &&Probed| !probed.answered;
        let silent: SmallVec<[Probed; 1]> = self.round.targets.iter().filter(silent).copied().collect();
        for Probed { slot, id, incarnation, .. } in silent {
            // UpdateKind may have come meanwhile: it died, it refuted, or its slot has another occupant.
            let unchanged = self.table.id(slot) == id && self.table.incarnation(slot) == incarnation;
            if unchanged && self.table.pingable(slot) {
                self.suspicion(now, slot, incarnation, self.id, EventSource::Own, out);
            }
        }
        self.round.targets.clear();
    }

    /// EventKind this period's probes say about the prober itself (Lifeguard, section IV-A).
    fn judge_health(&mut self) {
        let config = &self.config.protocol;
        if !config.prober.judges_health() || self.round.targets.is_empty() {
            return;
        }
        let Round { asked, heard, ref targets, .. } = self.round;
        if targets.iter().all(|probed| probed.answered) {
            self.health.probe_answered();
        } else {
            self.health.probe_failed(config.health_scoring, asked, heard, config.health_limit);
        }
    }

    /// The suspicion that a ping to a suspect carries, where the buddy system is on (Lifeguard, section IV-C).
    #[inline]
    fn buddy_record(&self, slot: Slot) -> Option<Update> {
        let by = *self.table.suspicion(slot)?.by.first()?;
        if !self.config.protocol.dissemination.buddy() {
            return None;
        }
        Some(Update {
            id: self.table.id(slot),
            incarnation: self.table.incarnation(slot),
            kind: UpdateKind::Suspect { by },
        })
    }
}

impl Round {
    /// A helper answered: with the target's ack, or with a nack.
    pub(super) fn heard_of_helper(&mut self, seq: u32) {
        self.heard = self.heard.saturating_add(u16::from(seq == self.seq));
    }
}

/// When a helper sends its nack: at 80 % of the probe timeout (Lifeguard, section IV-A), or where the period leaves less
/// than that, as memberlist's WAN settings do, at 80 % of what it leaves. A later one would always count as missing.
fn nack_after(config: &Config) -> u32 {
    let wait = config.probe_timeout.min(config.period - config.probe_timeout);
    u32::try_from(wait.as_micros() * 4 / 5).unwrap_or(u32::MAX).max(1)
}

impl Relay {
    fn due(&self) -> Time {
        self.nack_at.min(self.ends_at)
    }
}
