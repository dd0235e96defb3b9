//! The observer that takes all measures of one trial. docs/measures.md has the definitions.

use std::ops::Range;
use std::time::Duration;

use super::discovery::{DiscoveryReadings, DiscoveryRecorder};
use super::measures::{Measured, MeasuredValue, Readings, Victim, VictimKind};
use crate::protocol::{Event, EventKind, EventSource, Span, Time};
use crate::sim::{Churn, Effect, FaultEvent, IdIndex, MemberIndex, Observer, Outcome, Restart, Sent, Setup};

mod detection_times;
mod detections;
mod mistakes;
mod views;

use detections::Detections;
use mistakes::Mistakes;
use views::Views;

/// An observer that takes all measures of one trial, with a few additions per packet.
///
/// [`Cell::run`](super::Cell::run) uses one; with [`Cell::watch`](super::Cell::watch) it can be combined with other
/// observers.
pub struct Recorder {
    setup: Setup,
    /// The interval in which traffic and false alarms are counted: the trial without its warm-up.
    window: Range<Time>,
    members: Vec<MemberStats>,
    indices: IdIndex,
    detections: Detections,
    mistakes: Mistakes,
    views: Views,
    /// With `[discovery]`.
    discovery: Option<Box<DiscoveryRecorder>>,
    /// Processor time of all members in the window, if it was measured.
    cpu: Option<Duration>,
    strikes: Vec<u32>,
    /// Number of fault events so far, which orders fault events of the same microsecond.
    fault_number: u32,
    traffic: Traffic,
    false_suspicions: u64,
    false_positives: u64,
    false_positives_healthy: u64,
    false_positives_about_healthy: u64,
    false_positives_among_healthy: u64,
}

/// Counters and state of one member.
struct MemberStats {
    /// Bytes sent and received.
    bytes: u64,
    /// Time of the last direct ping to it, or of its start if none was sent since.
    last_pinged: Time,
    /// The fault number at which it started.
    began: u32,
    /// The current generation.
    generation: u32,
    zone: u16,
    region: u16,
    up: bool,
    /// Whether a fault has disturbed it in this generation.
    disturbed: bool,
    unmonitored: bool,
}

#[derive(Default)]
struct Traffic {
    messages: u64,
    handled: u64,
    bytes: u64,
    cross_zone: u64,
    cross_region: u64,
    pings: u64,
    ping_rtt_us: u64,
}

/// A member to which no direct ping was sent for more periods than this counts as unmonitored.
const MONITORING_PERIODS: u64 = 20;

impl Recorder {
    /// A recorder for one trial.
    pub fn new(setup: &Setup) -> Self {
        let placement = &setup.placement;
        let from = Time::ZERO + setup.warmup;
        let stats = |index: MemberIndex| MemberStats {
            bytes: 0,
            last_pinged: from,
            began: 0,
            generation: 0,
            zone: placement.zone_of(index),
            region: placement.region_of(index),
            up: index < setup.members,
            disturbed: false,
            unmonitored: false,
        };
        let window = from..from + setup.duration;
        Self {
            members: (0..placement.members()).map(stats).collect(),
            indices: IdIndex::new(placement.peers.iter().map(|peer| peer.id)),
            detections: Detections::new(placement.members(), setup.members),
            mistakes: Mistakes::new(window.clone(), setup.members),
            views: Views::new(setup, window.clone()),
            window,
            discovery: None,
            cpu: None,
            strikes: vec![0; setup.faults.len()],
            fault_number: 0,
            traffic: Traffic::default(),
            false_suspicions: 0,
            false_positives: 0,
            false_positives_healthy: 0,
            false_positives_about_healthy: 0,
            false_positives_among_healthy: 0,
            setup: setup.clone(),
        }
    }

    /// Takes the measures of services, too.
    pub(super) fn with_discovery(self, discovery: DiscoveryRecorder) -> Self {
        Self { discovery: Some(Box::new(discovery)), ..self }
    }

    /// Takes the processor time that all members have used in the window.
    #[cfg(any(feature = "agent", test))]
    pub(super) fn with_cpu(self, cpu: Duration) -> Self {
        Self { cpu: Some(cpu), ..self }
    }

    /// Returns the measures once the world has ended.
    pub fn finish(mut self, outcome: &Outcome) -> Measured {
        for member in 0..self.members.len() {
            if self.members[member].up {
                self.end_ping_gap(member, self.window.end);
            }
        }
        let placement = &self.setup.placement;
        let traffic = &self.traffic;
        // For detectors without pings, all measures of pings are absent.
        let pings = traffic.pings > 0 || traffic.messages == 0;
        let value = |count: u64| MeasuredValue::Value(count as f64);
        let if_any = |any: bool, reading: MeasuredValue| if any { reading } else { MeasuredValue::Absent };

        let handled: u64 = self.members.iter().map(|member| member.bytes).sum();
        let busiest = self.members.iter().map(|member| member.bytes).max().unwrap_or(0);
        let unmonitored = self.members.iter().filter(|member| member.unmonitored).count() as u64;
        let ping_rtt_s = traffic.ping_rtt_us as f64 / traffic.pings as f64 / 1e6;

        let mistakes = self.mistakes.finish();
        let views = self.views.finish(self.window.end, self.mistakes.pair_s());
        let cpu = self.cpu.map(|cpu| cpu.as_secs_f64() / self.mistakes.member_s()).filter(|share| share.is_finite());
        let (mut victims, detection) = self.detections.finish(self.window.end);
        let discovery = self
            .discovery
            .map_or(DiscoveryReadings::ABSENT, |discovery| discovery.finish(self.window.end, &mut victims));
        let [propagation_50_s, propagation_99_s, propagation_100_s] = discovery.propagation.times;
        let readings = Readings {
            first_ping_s: if_any(pings, last_victim(&victims, |victim| victim.first_ping_s)),
            first_suspicion_s: last_victim(&victims, |victim| victim.first_suspicion_s),
            first_declaration_s: last_victim(&victims, |victim| victim.first_declaration_s),
            informed_50_s: last_victim(&victims, |victim| victim.informed_50_s),
            informed_99_s: last_victim(&victims, |victim| victim.informed_99_s),
            informed_100_s: last_victim(&victims, |victim| victim.informed_100_s),
            detection_mean_s: detection.mean(),
            detection_50_s: detection.quantile(0.5),
            detection_99_s: detection.quantile(0.99),
            agreement_s: views.agreement_s,
            last_disagreement_s: views.last_disagreement_s,
            wrong_entries: views.wrong_entries,
            distinct_views: views.distinct_views,
            false_suspicions: value(self.false_suspicions),
            false_positives: value(self.false_positives),
            false_positives_healthy: value(self.false_positives_healthy),
            false_positives_about_healthy: value(self.false_positives_about_healthy),
            false_positives_among_healthy: value(self.false_positives_among_healthy),
            mistake_recurrence_s: mistakes.recurrence_s,
            mistake_duration_s: mistakes.duration_s,
            good_period_s: mistakes.good_period_s,
            query_accuracy: mistakes.accuracy,
            flaps_per_member: mistakes.flaps,
            messages_sent: value(traffic.messages),
            messages_handled: value(traffic.handled),
            bytes_sent: value(traffic.bytes),
            cross_zone_bytes: if_any(placement.zones().is_some(), value(traffic.cross_zone)),
            cross_region_bytes: if_any(placement.regions().is_some(), value(traffic.cross_region)),
            busiest_member_share: if_any(handled > 0, MeasuredValue::Value(busiest as f64 / handled as f64)),
            mean_ping_rtt_s: if_any(traffic.pings > 0, MeasuredValue::Value(ping_rtt_s)),
            cpu_per_member: cpu.map_or(MeasuredValue::Absent, MeasuredValue::Value),
            unmonitored_members: if_any(
                pings && self.setup.duration > monitoring_limit(&self.setup),
                value(unmonitored),
            ),
            violations: value(outcome.violations.len() as u64),
            stale_answer_s: discovery.stale_answer_s,
            requests_to_dead: discovery.requests_to_dead,
            wrong_answers: discovery.wrong_answers,
            missed_instances: discovery.missed_instances,
            propagation_50_s,
            propagation_99_s,
            propagation_100_s,
            bytes_per_change: discovery.propagation.bytes_per_change,
        };
        Measured { readings: readings.in_order(), victims, strikes: self.strikes }
    }

    /// Ends an interval without direct pings to a member, and marks it as unmonitored if the interval was too long.
    fn end_ping_gap(&mut self, member: usize, at: Time) {
        let limit = monitoring_limit(&self.setup);
        let stats = &mut self.members[member];
        stats.unmonitored |= at.since(stats.last_pinged) > limit;
        stats.last_pinged = at;
    }

    fn stop(&mut self, fault_event: &FaultEvent) {
        let member = fault_event.member as usize;
        if !self.members[member].up {
            return;
        }
        self.end_ping_gap(member, fault_event.at.min(self.window.end));
        self.members[member].up = false;
        self.mistakes.member_stops(fault_event.at, fault_event.member);
        self.views.stop(fault_event.at, fault_event.member);
        let kind = match self.setup.faults.get(fault_event.fault as usize).map(|fault| &fault.kind) {
            _ if fault_event.effect == Effect::Left => VictimKind::Leave,
            Some(kind) if kind.is::<Restart>() => VictimKind::Restart,
            Some(kind) if kind.is::<Churn>() => VictimKind::Churn,
            _ => VictimKind::Crash,
        };
        let at_s = fault_event.at.as_secs_f64() - self.window.start.as_secs_f64();
        self.detections.stop(fault_event, self.fault_number, kind, at_s, &self.members);
    }

    fn begin(&mut self, fault_event: &FaultEvent) {
        let stats = &mut self.members[fault_event.member as usize];
        if stats.up {
            return;
        }
        stats.up = true;
        stats.disturbed = false;
        stats.began = self.fault_number;
        stats.last_pinged = fault_event.at.max(self.window.start);
        if fault_event.effect == Effect::Restarted {
            stats.generation += 1;
        }
        self.detections.begin(fault_event.member, fault_event.at);
        self.mistakes.member_starts(fault_event.at);
        self.views.begin(fault_event.at, fault_event.member);
    }
}

impl Observer for Recorder {
    #[inline]
    fn sent(&mut self, sent: &Sent) {
        if !self.window.contains(&sent.at) {
            return;
        }
        let bytes = u64::from(sent.bytes);
        self.traffic.messages += 1;
        self.traffic.bytes += bytes;
        let from = &mut self.members[sent.from as usize];
        from.bytes += bytes;
        let (zone, region) = (from.zone, from.region);
        // Members may send to addresses that belong to no member.
        let Some(to) = self.members.get(sent.to as usize) else { return };
        if to.zone != zone {
            self.traffic.cross_zone += bytes;
        }
        if to.region != region {
            self.traffic.cross_region += bytes;
        }
        if sent.direct_ping {
            self.traffic.pings += 1;
            self.traffic.ping_rtt_us += u64::from(self.setup.placement.rtt_us(sent.from, sent.to));
            if to.up {
                self.end_ping_gap(sent.to as usize, sent.at);
            } else {
                self.detections.pinged(sent.to, sent.at);
            }
        }
    }

    #[inline]
    fn delivered(&mut self, at: Time, sent: &Sent) {
        if self.window.contains(&at) {
            self.traffic.handled += 1;
            self.members[sent.to as usize].bytes += u64::from(sent.bytes);
        }
    }

    fn event(&mut self, at: Time, member: MemberIndex, event: &Event) {
        if let Some(discovery) = &mut self.discovery
            && let Some(about) = self.indices.index(event.about).filter(|&about| about != member)
        {
            discovery.event(at, member, about, &event.kind);
        }
        if !matches!(event.kind, EventKind::Joined | EventKind::Suspected | EventKind::Died | EventKind::Left) {
            return;
        }
        let Some(about) = self.indices.index(event.about).filter(|&about| about != member) else { return };
        let subject = &self.members[about as usize];
        // An update about an earlier generation is late but not false.
        let is_about_live = subject.up && event.incarnation.generation >= subject.generation;
        let counted = is_about_live && self.window.contains(&at);
        let observer = &self.members[member as usize];
        if event.kind != EventKind::Suspected {
            self.views.believe(at, member, about, event.kind == EventKind::Joined);
        }
        match event.kind {
            EventKind::Suspected => {
                self.false_suspicions += u64::from(counted && event.source == EventSource::Own);
                self.detections.suspected(about, at);
            }
            EventKind::Died => {
                if is_about_live {
                    self.mistakes.begin(at, member, about);
                }
                self.false_positives += u64::from(counted);
                let (by_healthy, about_healthy) = (!observer.disturbed, !subject.disturbed);
                self.false_positives_healthy += u64::from(counted && by_healthy);
                self.false_positives_about_healthy += u64::from(counted && about_healthy);
                self.false_positives_among_healthy += u64::from(counted && about_healthy && by_healthy);
                self.detections.informed(about, member, observer.began, at);
            }
            EventKind::Left => self.detections.informed(about, member, observer.began, at),
            _ => {
                self.mistakes.end(at, member, about);
                self.detections.recorded_alive(about, member, observer.began, at);
            }
        }
    }

    fn fault(&mut self, fault_event: &FaultEvent) {
        self.fault_number += 1;
        if let Some(discovery) = &mut self.discovery {
            discovery.fault(fault_event);
        }
        if !matches!(fault_event.effect, Effect::Restarted | Effect::Released)
            && let Some(count) = self.strikes.get_mut(fault_event.fault as usize)
        {
            *count += 1;
        }
        match fault_event.effect {
            Effect::Crashed | Effect::Left => self.stop(fault_event),
            Effect::Joined | Effect::Restarted => self.begin(fault_event),
            Effect::Disturbed => self.members[fault_event.member as usize].disturbed = true,
            Effect::Released | Effect::Broadcast | Effect::MetaChanged => {}
        }
        self.views.fault(fault_event.at);
    }
}

fn monitoring_limit(setup: &Setup) -> Span {
    setup.period * MONITORING_PERIODS
}

/// The longest time among the crashed, each from its own fault; censored if one of them did not reach it.
fn last_victim(victims: &[Victim], reached: impl Fn(&Victim) -> Option<f64>) -> MeasuredValue {
    let crashed = victims.iter().filter(|victim| victim.kind != VictimKind::Leave);
    let one =
        |victim: &Victim| reached(victim).map_or(MeasuredValue::Censored(victim.observed_s), MeasuredValue::Value);
    crashed.map(one).fold(MeasuredValue::Absent, MeasuredValue::last_with)
}

#[cfg(test)]
mod closed_forms;
#[cfg(test)]
mod tests;
