//! The task of one agent. It owns the member, hands it packets, commands and the time, and sends and reports what the
//! member leaves in its outbox.

mod commands;

use std::future::poll_fn;
use std::ops::ControlFlow;
use std::sync::Arc;
use std::task::Poll;

use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::address::to_socket;
use super::arrival::{Arrival, describes_nameless};
use super::checks::Checks;
use super::clock::Clock;
use super::command::Command;
use super::contacts::Contacts;
use super::discovery::DiscoveryTask;
use super::distance::Distances;
use super::event::{AgentEvent, MemberChange, MemberInfo};
use super::event_hub::EventHub;
use super::exit::ExitReason;
use super::generation_limit::GenerationLimit;
use super::metrics::{Metrics, Names};
use super::packet_codec::SharedCodec;
use super::packet_error::PacketError;
use super::packet_hook::{PacketHook, ReceivedPacket};
use super::packet_io::{PacketIo, Sender};
use super::query::QueryTask;
use super::reachability::Pings;
use super::rejoin::Rejoin;
use super::snapshot_writer::SnapshotWriter;
use super::traffic::DropReason;
use super::wall_clock::WallClock;
use super::zone_names::ZoneNames;
use crate::protocol::{Address, Body, Event, EventKind, Id, Member, Outbox, Span, Time, Transmit};

/// The most datagrams that are read before timers and commands have their turn.
pub(super) const RECEIVE_BATCH: usize = 64;

/// Timers this late mean that the whole process was paused. What has arrived meanwhile is then handled first, so that
/// the member does not take its own pause for silence of others.
const PROCESS_PAUSE: Span = Span::from_millis(50);

/// The part of a period by which the count of periods may be off before it is set right.
const EPOCH_TOLERANCE: f64 = 0.05;

/// State of an agent's task.
pub(super) struct Driver {
    clock: Clock,
    wall_clock: Option<WallClock>,
    generation_limit: GenerationLimit,
    /// The difference between two clocks from which the count of periods is set right.
    epoch_tolerance: Span,
    /// Tolerated delay of timers, so that those of many agents fire together.
    timer_slack: Span,
    started: Time,
    member: Member,
    outbox: Outbox,
    rejoin: Rejoin,
    contacts: Contacts,
    pings: Pings,
    io: PacketIo,
    codec: SharedCodec,
    hook: Option<Arc<dyn PacketHook>>,
    events: EventHub,
    metrics: Metrics,
    names: Names,
    zone_names: ZoneNames,
    checks: Checks,
    last_ping: LastPing,
    discovery: DiscoveryTask,
    queries: QueryTask,
    snapshots: Option<SnapshotWriter>,
}

/// The parts of a [`Driver`] that are there before its sockets are used.
pub(super) struct DriverParts {
    pub clock: Clock,
    /// The time of day; `None` for members of experiments, whose generations and epoch do not follow it.
    pub wall_clock: Option<WallClock>,
    /// Tolerated delay of timers, so that those of many agents fire together.
    pub timer_slack: Span,
    /// A member that has been started.
    pub member: Member,
    /// Packets and events of the member's start.
    pub outbox: Outbox,
    /// Attempts to reach the members of an earlier life.
    pub rejoin: Rejoin,
    pub hook: Option<Arc<dyn PacketHook>>,
    pub names: Names,
    pub events: EventHub,
    pub snapshots: Option<SnapshotWriter>,
}

/// The latest ping of an own probe round, to measure its round-trip time.
struct LastPing {
    seq: u32,
    at: Time,
}

impl Driver {
    pub(super) fn new(parts: DriverParts, io: PacketIo, codec: SharedCodec) -> Self {
        let DriverParts { clock, wall_clock, timer_slack, member, outbox, rejoin, hook, names, events, snapshots } =
            parts;
        let period = member.config().protocol().period;
        let discovery = DiscoveryTask::new(clock.now(), &member, wall_clock.clone().filter(|_| hook.is_none()));
        let zone_names = ZoneNames::of(member.node()).unwrap_or_default();
        Self {
            clock,
            wall_clock,
            generation_limit: GenerationLimit::new(member.incarnation().generation),
            epoch_tolerance: period.scale(EPOCH_TOLERANCE),
            timer_slack,
            started: clock.now(),
            member,
            outbox,
            rejoin,
            contacts: Contacts::default(),
            pings: Pings::default(),
            io,
            codec,
            hook,
            events,
            metrics: Metrics::default(),
            names,
            zone_names,
            checks: Checks::new(clock.now(), period),
            last_ping: LastPing { seq: 0, at: Time::ZERO },
            discovery,
            queries: QueryTask::default(),
            snapshots,
        }
    }

    /// Runs the agent to its end.
    pub(super) async fn run(mut self, mut commands: mpsc::Receiver<Command>) -> ExitReason {
        // It fails on a socket that is broken, which every send counts.
        let _ = self.io.writable().await;
        self.flush();
        let mut armed = self.deadline();
        let timer = sleep_until(self.wake_up_at(armed));
        tokio::pin!(timer);
        loop {
            tokio::select! {
                ready = poll_fn(|context| self.io.poll_readable(context)) => {
                    if ready.is_ok() {
                        self.receive_batch();
                    }
                }
                () = &mut timer => {
                    self.handle_timer(armed).await;
                    // Set again below, for what is due then.
                    armed = Time::NEVER;
                }
                reply = self.queries.next_reply() => {
                    let now = self.clock.now();
                    self.queries.take_reply(now, reply, &mut self.member, &self.events, &mut self.outbox);
                    self.flush();
                }
                command = commands.recv() => {
                    // Without a handle, nothing can reach the agent any more.
                    let command = command.unwrap_or(Command::Stop);
                    if let ControlFlow::Break(reason) = self.handle_command(command).await {
                        return self.finish(reason).await;
                    }
                }
            }
            self.run_due();
            if self.member.is_stopped() {
                return self.finish(ExitReason::Displaced).await;
            }
            let deadline = self.deadline();
            if deadline != armed {
                armed = deadline;
                timer.as_mut().reset(self.wake_up_at(deadline));
            }
        }
    }

    /// The time at which something is due.
    fn deadline(&self) -> Time {
        let snapshot = self.snapshots.as_ref().map_or(Time::NEVER, SnapshotWriter::due);
        let beside = self.rejoin.due().min(self.discovery.due()).min(self.queries.due()).min(snapshot);
        self.member.deadline().min(self.io.due()).min(beside)
    }

    /// The instant at which to wake up for a deadline. Experiments measure how late timers fire, and want no slack.
    fn wake_up_at(&self, deadline: Time) -> Instant {
        match self.hook {
            Some(_) => self.clock.instant(deadline),
            None => self.clock.tick(deadline, self.timer_slack),
        }
    }

    /// Counts periods by the time of day again if it differs from what periods are counted by: the clock was set, it runs
    /// at another rate than the monotonic one, or the machine has slept, while the monotonic clock stood still.
    fn follow_wall_clock(&mut self) {
        let Some(wall_clock) = &self.wall_clock else { return };
        let (counted, since_epoch) = (self.member.since_epoch(), wall_clock.since_epoch(self.clock));
        let difference = Span::from_micros(since_epoch.as_micros().abs_diff(counted.as_micros()));
        if difference > self.epoch_tolerance {
            tracing::debug!(by = %difference, "the clock was set, or the machine slept");
            self.member.set_since_epoch(since_epoch);
        }
    }

    /// Does what is due.
    fn run_due(&mut self) {
        let now = self.clock.now();
        self.io.set_frame_limits(&self.member);
        self.io.send_due(self.clock, &mut self.metrics);
        if self.member.deadline() <= now {
            self.follow_wall_clock();
            self.member.wake(now, &mut self.outbox);
            self.flush();
            // Experiments have no operators.
            if self.checks.due() <= now && self.hook.is_none() {
                self.checks.run(now, &self.member);
                self.io.set_distances(Distances::from(&self.member));
            }
        }
        if self.rejoin.due() <= now {
            self.rejoin.run_due(now, &mut self.member, &mut self.outbox);
            self.flush();
        }
        if self.discovery.due() <= now {
            self.discovery.run_due(now, &mut self.member, &mut self.outbox);
            self.flush();
        }
        if self.queries.due() <= now {
            self.queries.run_due(now, &mut self.member, &self.events, &mut self.outbox);
            self.flush();
        }
        if let Some(snapshots) = self.snapshots.as_mut().filter(|snapshots| snapshots.due() <= now) {
            snapshots.run_due(now, &self.member);
        }
    }

    /// Counts how late the timer for `armed` has fired. After a pause of the process, first handles what has arrived.
    async fn handle_timer(&mut self, armed: Time) {
        let late = self.clock.now().since(armed);
        if late > PROCESS_PAUSE {
            self.catch_up().await;
        }
        self.metrics.timer_lag.add(late);
        if let Some(hook) = &self.hook {
            hook.woken(late);
        }
    }

    /// Does nothing until `until` resolves. Packets that the network has already still leave.
    async fn pause(&mut self, mut until: oneshot::Receiver<()>) {
        loop {
            tokio::select! {
                _ = &mut until => break,
                () = sleep_until(self.clock.instant(self.io.due())) => self.io.send_due(self.clock, &mut self.metrics),
            }
        }
        self.catch_up().await;
    }

    /// Handles what has arrived during a pause.
    async fn catch_up(&mut self) {
        // The runtime polls its sockets before it returns here.
        tokio::task::yield_now().await;
        while self.receive_batch() {}
    }

    /// Ends the agent, once the packets that it has sent have left and its state folder is free.
    async fn finish(mut self, reason: ExitReason) -> ExitReason {
        while self.io.has_delayed() {
            sleep_until(self.clock.instant(self.io.due())).await;
            self.io.send_due(self.clock, &mut self.metrics);
        }
        if let Some(snapshots) = self.snapshots {
            snapshots.finish().await;
        }
        reason
    }

    /// Handles some of the datagrams that wait. `true`: there may be more.
    fn receive_batch(&mut self) -> bool {
        for _ in 0..RECEIVE_BATCH {
            match self.io.receive_datagram(&mut self.metrics) {
                Poll::Ready(Some(arrival)) => self.handle(arrival),
                Poll::Ready(None) => {}
                Poll::Pending => return false,
            }
        }
        true
    }

    fn handle(&mut self, arrival: Arrival) {
        let now = self.clock.now();
        let Arrival { from, packet, bytes, ahead_us, reply } = arrival;
        let received = ReceivedPacket { at: now, from, packet: &packet, bytes };
        match &self.hook {
            Some(hook) if !hook.received(&received) => return,
            None if describes_nameless(&packet) => return self.metrics.count_drop(DropReason::Malformed),
            _ => {}
        }
        if let Some(wall_clock) = &self.wall_clock
            && let Some(generation) = self.generation_limit.excess(&packet, wall_clock.since_1970())
        {
            self.codec.rejections().refused(to_socket(from), &PacketError::Future(generation));
            return self.metrics.count_drop(DropReason::Future);
        }
        self.metrics.received[usize::from(packet.body.kind().code())].add(bytes);
        let sender = self.sender(packet.from, from);
        if let Some(ahead_us) = ahead_us
            && sender == Sender::Member
        {
            self.checks.measurements().note_clock(now, packet.from, ahead_us);
        }
        if let Body::Ack { seq } = packet.body {
            if seq == self.last_ping.seq {
                let rtt = now.since(self.last_ping.at);
                self.metrics.rtt.add(rtt);
                if sender == Sender::Member && self.hook.is_none() {
                    self.checks.measurements().note_rtt(packet.from, rtt);
                }
            }
            self.pings.handle_ack(now, packet.from, seq);
            self.rejoin.handle_ack(from, &mut self.member, &mut self.outbox);
            self.flush();
        }
        if let Some(coordinate) = &packet.coordinate
            && sender == Sender::Member
            && self.hook.is_none()
        {
            self.checks.measurements().note_coordinate(packet.from, coordinate.at);
        }
        self.io.begin_handling(from, sender, reply);
        self.member.handle(now, from, &packet, &mut self.outbox);
        self.flush();
        self.io.end_handling();
        if matches!(&packet.body, Body::Sync(sync) if !sync.wants_reply) {
            self.contacts.answered(from, &mut self.member);
        }
    }

    /// The standing of a packet's sender, before the packet is handled.
    fn sender(&self, id: Id, from: Address) -> Sender {
        let table = self.member.table();
        match table.slot(id).filter(|&slot| table.node(slot).address == from).and_then(|slot| table.status(slot)) {
            Some(status) if status.is_member() => Sender::Member,
            Some(_) => Sender::Former,
            None => Sender::Unknown,
        }
    }

    /// Reports and sends what the member has left in the outbox.
    fn flush(&mut self) {
        if !self.outbox.events.is_empty() {
            let mut events = std::mem::take(&mut self.outbox.events);
            let now = self.clock.now();
            events.drain(..).for_each(|event| self.report(now, &event));
            self.outbox.events = events;
        }
        if !self.outbox.transmits.is_empty() {
            let mut transmits = std::mem::take(&mut self.outbox.transmits);
            let now = self.clock.now();
            self.io.set_frame_limits(&self.member);
            transmits.drain(..).for_each(|transmit| self.send(now, transmit));
            self.outbox.transmits = transmits;
        }
    }

    fn send(&mut self, now: Time, transmit: Transmit) {
        if let Body::Ping { seq } = transmit.message.body
            && transmit.direct_ping
        {
            self.metrics.counters.probes += 1;
            self.last_ping = LastPing { seq, at: now };
        }
        self.io.send(now, transmit, &mut self.metrics);
    }

    /// Counts and logs an event of the protocol, and publishes it to readers.
    fn report(&mut self, now: Time, event: &Event) {
        if let Some(hook) = &self.hook {
            hook.event(now, event);
        }
        self.metrics.counters.record(event);
        match &event.kind {
            EventKind::SelfRefuted => {
                tracing::warn!(incarnation = %event.incarnation, "other members suspect this one; it refutes");
            }
            EventKind::User(user) => {
                tracing::debug!(event = %user.name, "an application event");
                if self.events.has_readers() {
                    let from_name = MemberInfo::of(self.member.table(), event.about).map(|info| info.node.name.clone());
                    let (from, from_name, event) = (event.about, from_name.unwrap_or_default(), Arc::clone(user));
                    self.events.publish(AgentEvent::User { from, from_name, event });
                }
            }
            EventKind::Direct(message) => {
                self.discovery.receive(now, event.about, message, &mut self.member, &mut self.outbox);
                self.queries.receive(now, event.about, message, &mut self.member, &self.events, &mut self.outbox);
            }
            EventKind::Forgotten => self.discovery.note(now, &self.member, event.about),
            EventKind::Displaced => {
                tracing::error!("another process took this member's name; this one stops");
                self.events.publish(AgentEvent::Displaced);
            }
            kind => {
                if let Some(change) = MemberChange::of(kind) {
                    self.report_change(now, change, event);
                }
            }
        }
    }

    fn report_change(&mut self, now: Time, change: MemberChange, event: &Event) {
        if let Some(snapshots) = &mut self.snapshots {
            snapshots.note_change(now);
        }
        self.discovery.note(now, &self.member, event.about);
        if !self.events.has_readers() && !tracing::enabled!(tracing::Level::INFO) {
            return;
        }
        let Some(info) = MemberInfo::of(self.member.table(), event.about) else { return };
        // The record may have changed again since.
        let info = MemberInfo { state: change.state(), incarnation: event.incarnation, ..info };
        tracing::info!(name = info.name(), addr = %info.addr(), incarnation = %info.incarnation, "{change}");
        self.events.publish(AgentEvent::Member(change, info));
    }
}
