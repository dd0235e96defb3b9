//! The protocol period: direct pings, the probe timeout, indirect pings, and indirect pings made for other members.
//!
//! ```text
//!  period begins ── ping p targets ──► acked ─────────────────────────► period ends: nothing
//!                        │ probe timeout
//!                        └─► ask k helpers ──► answered ──────────────► period ends: nothing
//!                                   └──────── silence ────────────────► period ends: suspect
//! ```

use std::sync::Arc;

use smallvec::SmallVec;
use swimlab_selectors::{Context, Observation, Slot, View};

use super::addressee::Addressee;
use super::round::{Probed, Relay, Round};
use super::send::SendMode;
use super::{Member, Outbox, period_at};
use crate::protocol::config::Config;
use crate::protocol::event::EventSource;
use crate::protocol::health::{LifeguardVariant, LocalHealth};
use crate::protocol::message::{Address, Body, Id, NeighborHint, PeerAddress, PingReq, Update, UpdateKind};
use crate::protocol::prober::IndirectRequest;
use crate::protocol::roster::MemberRecord;
use crate::protocol::rtt::SlowPeers;
use crate::protocol::time::{Span, Time};

/// The longest ping request without its targets, in bytes, with a seal.
const REQUEST_BYTES: u32 = 128;

/// The longest target of a ping request, in bytes.
const TARGET_BYTES: u32 = 32;

impl Member {
    /// The most indirect pings under way for other members.
    pub const RELAY_LIMIT: usize = 256;

    /// Ends a period and begins the next.
    pub(super) fn next_period(&mut self, now: Time, out: &mut Outbox) {
        self.end_period(now, out);
        // Fast path: without local changes nothing expires, retries or merges.
        if self.cold.is_some() || !self.table.is_pristine() {
            self.purge_tombstones(now, out);
            self.reconnect(now, out);
            self.fold_differences();
            self.ping_name_claimant(now, out);
        }
        let config = &self.config.protocol;
        let slowdown = self.health.slowdown();
        let length = config.period * slowdown;
        let probe_timeout = match self.config.health {
            Some(LocalHealth { pacing: LifeguardVariant::Paper, .. }) => config.probe_timeout * slowdown,
            _ => config.probe_timeout,
        };
        // By the time it was due, not the time of a late wake-up. Regular periods are counted: divisions are slow.
        self.shared_period = match self.is_regular {
            true => self.shared_period + 1,
            false => period_at(self.timers.period, self.since_epoch, config),
        };
        let regular = self.timers.period + config.period;
        let next = self.timers.period + length;
        // Woken too late for an ack to arrive in time (after a host pause, say): starts a full period now.
        self.timers.period = if next >= now + probe_timeout { next } else { now + length };
        self.is_regular = self.timers.period == regular;
        if self.has_coordinates {
            self.advertise_location(now, out);
        }
        let want = self.config.protocol.direct as usize;
        let mut picks = std::mem::take(&mut out.scratch);
        picks.clear();
        self.selector.targets(&mut context!(self), want, &mut picks);
        self.period += 1;
        if self.follows_clock {
            self.observes_pings = self.selector.wants_pings(self.shared_period);
        }
        self.upcoming = self.selector.upcoming().unwrap_or(self.table.me());

        self.seq = self.seq.wrapping_add(1);
        self.round.seq = self.seq;
        self.round.stream_seq = 0;
        self.round.sent_at = now;
        (self.round.asked, self.round.answers) = (0, 0);
        self.round.targets.clear();
        let mut timeout = probe_timeout;
        for &slot in &picks {
            let record = self.table.record(slot);
            let MemberRecord { id, incarnation, .. } = record;
            self.round.targets.push(Probed { slot, id, incarnation, answered: false });
            if self.knows_slow
                && let Some(cold) = &self.cold
            {
                timeout = timeout.max(cold.slow.timeout(slot, probe_timeout, length));
            }
            let buddy = self.buddy_record(slot);
            self.send_by(SendMode::DirectPing, Addressee::of(&record), Body::Ping { seq: self.seq }, buddy, out);
        }
        self.timers.timeout = if picks.is_empty() { Time::NEVER } else { now + timeout };
        out.scratch = picks;
    }

    /// Handles an ack: of a direct ping, or of an indirect one made for another member.
    pub(super) fn handle_ack(&mut self, now: Time, seq: u32, sender: Id, hint: Option<NeighborHint>, out: &mut Outbox) {
        if seq == self.round.seq {
            let Some(slot) = self.mark_answered(now, seq, sender) else { return };
            let rtt = now.since(self.round.sent_at);
            self.sample_rtt(slot, rtt);
            let rtt_us = u32::try_from(rtt.as_micros()).unwrap_or(u32::MAX);
            self.observe(Observation::Rtt { slot, rtt_us });
            if let Some(hint) = hint {
                self.observe_neighbor_hint(hint);
            }
        } else if seq == self.round.stream_seq && seq != 0 {
            self.mark_answered(now, self.round.seq, sender);
        } else if let Some(cold) = &mut self.cold
            && let Some(at) = cold.relays.iter().position(|relay| relay.seq == seq && relay.target == sender)
        {
            let relay = cold.relays.swap_remove(at);
            self.schedule_relays();
            let to = self.addressee_at(relay.origin.id, relay.origin.address);
            self.send(to, Body::IndirectAck { seq: relay.origin_seq, target: sender }, None, out);
        }
    }

    /// Marks a target of the round with this sequence number as answered, directly or over a helper. Returns its slot
    /// the first time.
    pub(super) fn mark_answered(&mut self, now: Time, seq: u32, target: Id) -> Option<Slot> {
        if seq != self.round.seq {
            return None;
        }
        let probed = self.round.targets.iter_mut().find(|probed| probed.id == target && !probed.answered)?;
        probed.answered = true;
        let slot = probed.slot;
        if self.round.targets.iter().all(|probed| probed.answered) {
            self.timers.timeout = Time::NEVER;
            if let Some(LocalHealth { pacing: LifeguardVariant::Memberlist, .. }) = self.config.health {
                let next = (self.round.sent_at + self.config.protocol.period).max(now);
                self.timers.period = self.timers.period.min(next);
            }
        }
        Some(slot)
    }

    /// Records the round-trip time of a direct ping, if it may ever lengthen a timeout.
    fn sample_rtt(&mut self, slot: Slot, rtt: Span) {
        let configured = self.config.protocol.probe_timeout;
        if self.knows_slow || SlowPeers::is_slow(rtt, configured) {
            let slow = &mut self.cold().slow;
            slow.sample(slot, rtt, configured);
            self.knows_slow = !slow.is_empty();
        }
    }

    /// Handles the probe timeout: asks helpers to ping the silent targets.
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
        // Targets that did answer are not helpers either: no member is used twice in one period.
        let targets: Vec<Slot> = self.round.targets.iter().map(|probed| probed.slot).collect();
        let mut requests = Vec::new();
        let mut ctx = context!(self);
        let mut choose = || {
            let mut picks = Vec::new();
            config.helpers.helpers(&mut ctx, &targets, want, &mut picks);
            picks
        };
        config.protocol.prober.escalate(&silent, &mut choose, &mut requests);
        let nack_after_us = if config.health.is_some() { nack_after(&config.protocol) } else { 0 };
        let seq = self.round.seq;
        self.cold().helpers.begin(seq);
        let most = (config.protocol.packet_bytes - REQUEST_BYTES) / TARGET_BYTES;
        let requests = requests.iter().flat_map(|IndirectRequest { helper, targets }| {
            targets.chunks(most as usize).map(|targets| (*helper, targets))
        });
        for (helper, targets) in requests {
            let target = |&slot: &Slot| {
                let MemberRecord { id, address, .. } = self.table.record(slot);
                PeerAddress { id, address }
            };
            let targets: Vec<PeerAddress> = targets.iter().map(target).collect();
            self.round.asked = self.round.asked.saturating_add(targets.len() as u16);
            let to = self.addressee_of(helper);
            self.cold().helpers.add(to.id, &targets);
            let request = PingReq { seq, nack_after_us, targets };
            self.send(to, Body::PingReq(Box::new(request)), None, out);
        }
    }

    /// Whether a helper was asked to ping a target in the round with this sequence number.
    pub(super) fn has_asked(&self, seq: u32, helper: Id, target: Id) -> bool {
        self.cold.as_ref().is_some_and(|cold| cold.helpers.contains(seq, helper, target))
    }

    /// Pings silent targets over streams: perhaps only datagrams are lost.
    fn ping_over_streams(&mut self, silent: &[Slot], out: &mut Outbox) {
        self.seq = self.seq.wrapping_add(1);
        self.round.stream_seq = self.seq;
        for &slot in silent {
            let to = self.addressee_of(slot);
            self.send_by(SendMode::Stream, to, Body::Ping { seq: self.seq }, None, out);
        }
    }

    /// Pings targets for another member.
    pub(super) fn relay_pings(&mut self, now: Time, sender: Id, from: Address, request: &PingReq, out: &mut Outbox) {
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
                origin: PeerAddress { id: sender, address: from },
                origin_seq: request.seq,
                nack_at,
                ends_at: now + period,
            });
            self.schedule_relays();
            let to = self.addressee_at(target.id, target.address);
            let buddy = self.table.slot(target.id).and_then(|slot| self.buddy_record(slot));
            self.send(to, Body::Ping { seq: self.seq }, buddy, out);
        }
    }

    /// Sends nacks that are due, and drops indirect pings whose origin no longer waits.
    pub(super) fn run_relays(&mut self, now: Time, out: &mut Outbox) {
        let Some(cold) = &mut self.cold else { return };
        let mut nacks = Vec::new();
        for relay in cold.relays.iter_mut().filter(|relay| relay.nack_at <= now) {
            relay.nack_at = Time::NEVER;
            nacks.push((relay.origin, relay.origin_seq, relay.target));
        }
        cold.relays.retain(|relay| relay.ends_at > now);
        self.schedule_relays();
        for (origin, seq, target) in nacks {
            let to = self.addressee_at(origin.id, origin.address);
            self.send(to, Body::Nack { seq, target }, None, out);
        }
    }

    fn schedule_relays(&mut self) {
        let next = self.cold().relays.iter().map(Relay::due).min().unwrap_or(Time::NEVER);
        self.set_alarm(|alarms| alarms.relay = next);
    }

    /// Ends a period: suspects the targets that are still silent.
    fn end_period(&mut self, now: Time, out: &mut Outbox) {
        self.update_health();
        let silent = |probed: &&Probed| !probed.answered;
        let silent: SmallVec<[Probed; 1]> = self.round.targets.iter().filter(silent).copied().collect();
        for Probed { slot, id, incarnation, .. } in silent {
            // Updates may have come meanwhile: it died, it refuted, or its slot has another occupant.
            let unchanged = self.table.id(slot) == id && self.table.incarnation(slot) == incarnation;
            if unchanged && self.table.pingable(slot) {
                self.suspect(now, slot, incarnation, self.id, EventSource::Own, out);
            }
        }
        self.round.targets.clear();
    }

    /// Updates the local health score by the outcome of this period's probes (Lifeguard, section IV-A).
    fn update_health(&mut self) {
        let Some(rules) = &self.config.health else { return };
        let Round { asked, answers, ref targets, .. } = self.round;
        if targets.is_empty() {
            return;
        }
        if targets.iter().all(|probed| probed.answered) {
            self.health.probe_answered();
        } else {
            self.health.probe_failed(rules, asked, answers);
        }
    }

    /// The suspicion that a ping to a suspect carries, where the buddy system is on (Lifeguard, section IV-C).
    #[inline]
    fn buddy_record(&self, slot: Slot) -> Option<Update> {
        let by = *self.table.suspicion(slot)?.by.first()?;
        if !self.config.is_buddy {
            return None;
        }
        Some(Update {
            id: self.table.id(slot),
            incarnation: self.table.incarnation(slot),
            kind: UpdateKind::Suspect { by },
        })
    }
}

/// The time after which a helper sends its nack, in microseconds: 80 % of the probe timeout (Lifeguard, section IV-A),
/// or of the rest of the period where that is shorter, as with memberlist's WAN values. A later nack would always count
/// as missing.
fn nack_after(config: &Config) -> u32 {
    let wait = config.probe_timeout.min(config.period - config.probe_timeout);
    u32::try_from(wait.as_micros() * 4 / 5).unwrap_or(u32::MAX).max(1)
}
