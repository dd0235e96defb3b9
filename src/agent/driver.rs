//! The task of one agent: owns the member, hands it what arrives and what time it is, and sends what it leaves.

use std::cell::RefCell;
use std::future::poll_fn;
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use swimlab_selectors::rng::{Purpose, Rng, stream};
use tokio::net::UdpSocket;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until};

use super::address::{reachable, to_address, to_socket};
use super::delay_queue::{DelayQueue, Outgoing};
use super::event::{AgentEvent, MemberChange, MemberInfo};
use super::handle::{Command, CommandError, EventSender, ExitReason, Info, KeyChange};
use super::metrics::{DropReason, Metrics};
use super::packet_codec::PacketCodec;
use super::snapshot::{self, Remembered, Snapshot, StateDir, StateError};
use super::streams::{Arrival, Streams, frame_limit};
use super::testing::{Clock, PacketHook, PacketVerdict};
use crate::protocol::{
    Address, Body, Event, EventKind, EventSource, Id, Member, NodeInfo, Outbox, Packet, Span, Status, Time, Transmit,
};

/// How many datagrams are read before timers and commands get their turn.
const BATCH: usize = 64;

/// Timers this late mean that the whole process stood still: what has arrived meanwhile is heard first, so that a member
/// does not take others' silence for its own.
const STOOD_STILL: Span = Span::from_millis(50);

thread_local! {
    /// Room for the largest datagram, shared by all agents of a thread.
    static RECEIVED: RefCell<Vec<u8>> = RefCell::new(vec![0; 1 << 16]);
    /// The same for datagrams to be sent.
    static ENCODED: RefCell<Vec<u8>> = const { RefCell::new(Vec::new()) };
}

/// Where an agent sends datagrams and receives them.
pub(super) struct Socket {
    pub udp: UdpSocket,
    pub is_v6: bool,
}

/// An agent's task.
pub(super) struct Driver {
    clock: Clock,
    member: Member,
    socket: Socket,
    codec: Arc<Mutex<PacketCodec>>,
    streams: Streams,
    events: EventSender,
    metrics: Metrics,
    outbox: Outbox,
    /// The number of this period's pings, and when they were sent.
    pinged: (u32, Time),
    memory: Option<SnapshotWriter>,
    tap: Option<Arc<dyn PacketHook>>,
    departures: DelayQueue,
    started: Time,
    /// How late timers may be, so that those of many agents fire together.
    slack: Span,
}

/// What is kept on disk.
pub(super) struct SnapshotWriter {
    pub dir: Arc<StateDir>,
    pub generation: u32,
    /// Whether something has changed since the last snapshot.
    is_dirty: bool,
    /// When to see to it; [`Time::NEVER`] if there is nothing to see to.
    due: Time,
    /// Not before this is another one written.
    rests_until: Time,
    writing: Option<oneshot::Receiver<Result<(), StateError>>>,
    /// Whether the last one could not be written.
    is_failing: bool,
}

/// Where the answer to a packet goes that came over a stream.
type Reply = Option<(Address, oneshot::Sender<Packet>)>;

impl Driver {
    pub fn new(
        (clock, slack): (Clock, Span),
        member: Member,
        socket: Socket,
        (codec, streams): (Arc<Mutex<PacketCodec>>, Streams),
        events: EventSender,
        memory: Option<SnapshotWriter>,
        tap: Option<Arc<dyn PacketHook>>,
    ) -> Self {
        Self {
            clock,
            member,
            socket,
            codec,
            streams,
            events,
            metrics: Metrics::default(),
            outbox: Outbox::default(),
            pinged: (0, Time::ZERO),
            memory,
            tap,
            departures: DelayQueue::default(),
            started: clock.now(),
            slack,
        }
    }

    /// Starts the member at a random point of its period, and lets it join.
    pub fn start(&mut self, seeds: (Vec<Address>, Vec<Address>), known: Vec<(Id, Address)>, first_period: Time) {
        let (now, (seeds, others)) = (self.clock.now(), seeds);
        self.member.start(now, first_period);
        self.member.set_seeds(seeds.clone());
        known.into_iter().for_each(|(id, address)| self.member.remember(id, address));
        let own = self.member.node().address;
        let all: Vec<Address> = seeds.into_iter().chain(others).filter(|seed| *seed != own).collect();
        self.member.join(now, all, &mut self.outbox);
    }

    /// Starts the member of an experiment, and lets it join if there is anybody to join.
    pub fn start_in_lab(&mut self, first_period: Time, seeds: Vec<Address>) {
        let now = self.clock.now();
        self.member.start(now, first_period);
        if !seeds.is_empty() {
            self.member.join(now, seeds, &mut self.outbox);
        }
    }

    /// Drives the member to its end.
    pub async fn run(mut self, mut commands: mpsc::Receiver<Command>) -> ExitReason {
        // Until the runtime has seen the socket once, it would refuse to send.
        let _ = self.socket.udp.writable().await;
        self.flush(&mut None);
        let mut armed = self.deadline();
        let alarm = sleep_until(self.alarm(armed));
        tokio::pin!(alarm);
        loop {
            tokio::select! {
                // As `readable` does, without a place in the socket's list of waiters for each wait.
                ready = poll_fn(|context| self.socket.udp.poll_recv_ready(context)) => {
                    if ready.is_ok() {
                        self.receive();
                    }
                }
                () = &mut alarm => {
                    let late = self.clock.now().since(armed);
                    if late > STOOD_STILL {
                        self.catch_up().await;
                    }
                    self.metrics.timer_lag.add(late);
                    if let Some(tap) = &self.tap {
                        tap.woken(late);
                    }
                    // Armed again below, for what is due then.
                    armed = Time::NEVER;
                }
                command = commands.recv() => {
                    if let Some(Command::Freeze(thaw)) = command {
                        self.pause(thaw).await;
                        self.catch_up().await;
                    } else if let Some(end) = self.handle_command(command) {
                        self.drain().await;
                        return end;
                    }
                }
            }
            self.run_due();
            if self.member.is_stopped() {
                self.drain().await;
                return ExitReason::Displaced;
            }
            let deadline = self.deadline();
            if deadline != armed {
                armed = deadline;
                alarm.as_mut().reset(self.alarm(deadline));
            }
        }
    }

    /// Hears what has arrived while it could not.
    async fn catch_up(&mut self) {
        // The runtime looks at its sockets before it comes back here.
        tokio::task::yield_now().await;
        while self.receive() {}
    }

    /// Does nothing until it is let; what the network has of it goes on.
    async fn pause(&mut self, mut thaw: oneshot::Receiver<()>) {
        loop {
            tokio::select! {
                _ = &mut thaw => return,
                () = sleep_until(self.clock.instant(self.departures.next())) => self.depart(),
            }
        }
    }

    /// Lets those packets leave that it sent before its end.
    async fn drain(&mut self) {
        while !self.departures.is_empty() {
            sleep_until(self.clock.instant(self.departures.next())).await;
            self.depart();
        }
    }

    /// When to wake up for what is due at this time.
    fn alarm(&self, deadline: Time) -> Instant {
        if self.tap.is_some() { self.clock.instant(deadline) } else { self.clock.beat(deadline, self.slack) }
    }

    /// When something is due.
    fn deadline(&self) -> Time {
        let snapshot = self.memory.as_ref().map_or(Time::NEVER, |memory| memory.due);
        self.member.deadline().min(self.departures.next()).min(snapshot)
    }

    /// Does what is due.
    fn run_due(&mut self) {
        let now = self.clock.now();
        self.streams.tell_size(self.member.table().members());
        self.depart();
        if self.member.deadline() <= now {
            self.member.wake(now, &mut self.outbox);
            self.flush(&mut None);
        }
        if self.memory.as_ref().is_some_and(|memory| memory.due <= now) {
            self.remember(now);
        }
    }

    /// Lets those packets leave whose time has come.
    fn depart(&mut self) {
        while !self.departures.is_empty()
            && let Some(outgoing) = self.departures.pop(self.clock.now())
        {
            self.dispatch(outgoing);
        }
    }

    /// Reads some datagrams. `true`: there may be more.
    fn receive(&mut self) -> bool {
        RECEIVED.with_borrow_mut(|buffer| {
            for _ in 0..BATCH {
                match self.socket.udp.try_recv_from(buffer) {
                    Ok((len, from)) => self.datagram(from, &mut buffer[..len]),
                    Err(error) if error.kind() == ErrorKind::WouldBlock => return false,
                    // An earlier packet of ours came back; there is nothing to read from that.
                    Err(_) => {}
                }
            }
            true
        })
    }

    fn datagram(&mut self, from: SocketAddr, bytes: &mut [u8]) {
        let len = bytes.len();
        let heard = self.codec.lock().unwrap_or_else(PoisonError::into_inner).decode(bytes);
        match heard {
            Ok(packet) => self.handle(to_address(from), packet, len, &mut None),
            Err(misheard) => {
                tracing::trace!(%from, len, %misheard, "a datagram is dropped");
                self.metrics.drop(misheard.reason());
            }
        }
    }

    fn handle(&mut self, from: Address, packet: Packet, bytes: usize, reply: &mut Reply) {
        let now = self.clock.now();
        if self.tap.as_ref().is_some_and(|tap| !tap.received(now, from, &packet, bytes)) {
            return;
        }
        self.metrics.received[packet.body.kind() as usize].add(bytes);
        if let Body::Ack { seq } = packet.body
            && seq == self.pinged.0
        {
            self.metrics.rtt.add(now.since(self.pinged.1));
        }
        self.member.handle(now, from, &packet, &mut self.outbox);
        self.flush(reply);
    }

    /// Takes out what the member left.
    fn flush(&mut self, reply: &mut Reply) {
        if !self.outbox.events.is_empty() {
            let mut events = std::mem::take(&mut self.outbox.events);
            let now = self.clock.now();
            events.drain(..).for_each(|event| self.report(now, event));
            self.outbox.events = events;
        }
        if !self.outbox.transmits.is_empty() {
            let mut transmits = std::mem::take(&mut self.outbox.transmits);
            let now = self.clock.now();
            transmits.drain(..).for_each(|transmit| self.send(now, transmit, reply));
            self.outbox.transmits = transmits;
        }
    }

    fn send(&mut self, now: Time, transmit: Transmit, reply: &mut Reply) {
        if let Body::Ping { seq } = transmit.message.body
            && transmit.direct_ping
        {
            self.metrics.probes += 1;
            self.pinged = (seq, now);
        }
        let is_answer = reply.as_ref().is_some_and(|(from, _)| *from == transmit.to);
        if !is_answer && !transmit.stream {
            return self.send_datagram(now, &transmit);
        }
        let (bytes, answer) = (transmit.bytes as usize, reply.take_if(|_| is_answer));
        let Some(at) = self.hand_over(now, &transmit, bytes, answer.is_some()) else { return };
        let outgoing = match answer {
            Some((_, reply)) => Outgoing::Answer(reply, transmit.message),
            None => Outgoing::Request(transmit.to, transmit.message),
        };
        if at <= now { self.dispatch(outgoing) } else { self.departures.add(at, outgoing) }
    }

    fn send_datagram(&mut self, now: Time, transmit: &Transmit) {
        ENCODED.with_borrow_mut(|buffer| {
            buffer.clear();
            let encoded = self.codec.lock().unwrap_or_else(PoisonError::into_inner).encode(&transmit.message, buffer);
            if encoded.is_err() {
                return self.metrics.drop(DropReason::Unencodable);
            }
            let Some(at) = self.hand_over(now, transmit, buffer.len(), false) else { return };
            if at <= now {
                self.send_bytes(transmit.to, buffer);
            } else {
                self.departures.add(at, Outgoing::Datagram(transmit.to, buffer[..].into()));
            }
        });
    }

    /// Counts a packet of so many bytes, and asks when it leaves. `None`: it is lost.
    fn hand_over(&mut self, now: Time, transmit: &Transmit, bytes: usize, is_answer: bool) -> Option<Time> {
        self.metrics.sent[transmit.message.body.kind() as usize].add(bytes);
        match self.tap.as_ref().map_or(PacketVerdict::At(now), |tap| tap.sent(now, transmit, bytes, is_answer)) {
            PacketVerdict::At(at) => Some(at),
            PacketVerdict::Lost => None,
        }
    }

    fn dispatch(&mut self, outgoing: Outgoing) {
        match outgoing {
            Outgoing::Datagram(to, bytes) => self.send_bytes(to, &bytes),
            Outgoing::Request(to, packet) => self.begin_exchange(to, packet),
            Outgoing::Answer(reply, packet) => drop(reply.send(packet)),
        }
    }

    fn send_bytes(&mut self, to: Address, bytes: &[u8]) {
        let Some(to) = reachable(to, self.socket.is_v6) else { return self.metrics.drop(DropReason::Unreachable) };
        match self.socket.udp.try_send_to(bytes, to) {
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => self.metrics.drop(DropReason::SendQueueFull),
            Err(_) => self.metrics.drop(DropReason::Unreachable),
        }
    }

    fn begin_exchange(&mut self, to: Address, packet: Packet) {
        let Some(to) = reachable(to, self.socket.is_v6) else { return self.metrics.drop(DropReason::Unreachable) };
        // Who joins does not know yet how large the group is.
        let limit = if self.member.is_joining() {
            crate::wire::FRAME_LIMIT
        } else {
            frame_limit(self.member.table().members())
        };
        if !self.streams.send(to, packet, limit) {
            self.metrics.drop(DropReason::StreamLimit);
        }
    }

    /// Counts what happened, logs it, and tells those who listen.
    fn report(&mut self, now: Time, event: Event) {
        if let Some(tap) = &self.tap {
            tap.event(now, &event);
        }
        let metrics = &mut self.metrics;
        let change = match event.kind {
            EventKind::Joined => Some((MemberChange::Joined, &mut metrics.joins)),
            EventKind::Suspected => {
                metrics.own_suspicions += u64::from(event.source == EventSource::Own);
                Some((MemberChange::Suspected, &mut metrics.suspicions))
            }
            EventKind::Refuted => Some((MemberChange::Refuted, &mut metrics.refutations)),
            EventKind::Died => Some((MemberChange::Died, &mut metrics.deaths)),
            EventKind::Left => Some((MemberChange::Left, &mut metrics.departures)),
            _ => None,
        };
        let change = match (change, &event.kind) {
            (Some((change, count)), _) => {
                *count += 1;
                Some(change)
            }
            (None, EventKind::Updated) => Some(MemberChange::Updated),
            _ => None,
        };
        match &event.kind {
            EventKind::SelfRefuted => {
                metrics.accusations += 1;
                tracing::warn!(incarnation = %event.incarnation, "other members suspect this one; it refutes");
            }
            EventKind::User(user) => {
                metrics.user_events += 1;
                tracing::debug!(event = %user.name, "an application's event");
                if let Some(events) = self.events.get() {
                    let from_name = self.info(event.about).map_or_else(Default::default, |info| info.node.name.clone());
                    let _ = events.send(AgentEvent::User { from: event.about, from_name, event: Arc::clone(user) });
                }
            }
            EventKind::Displaced => {
                tracing::error!("another process took this member's name; this one stops");
                if let Some(events) = self.events.get() {
                    let _ = events.send(AgentEvent::Displaced);
                }
            }
            _ => {}
        }
        let Some(change) = change else { return };
        if let Some(memory) = &mut self.memory {
            memory.is_dirty = true;
            memory.due = memory.due.min(memory.rests_until.max(now + snapshot::SETTLING));
        }
        let listens = self.events.get().is_some_and(|events| events.receiver_count() > 0);
        if (listens || tracing::enabled!(tracing::Level::INFO))
            && let Some(mut info) = self.info(event.about)
        {
            info.state = match change {
                MemberChange::Joined | MemberChange::Refuted | MemberChange::Updated => Status::Alive,
                MemberChange::Suspected => Status::Suspect,
                MemberChange::Died => Status::Dead,
                MemberChange::Left => Status::Left,
            };
            info.incarnation = event.incarnation;
            tracing::info!(name = info.name(), addr = %info.addr(), incarnation = %info.incarnation, "{change}");
            if let Some(events) = self.events.get() {
                let _ = events.send(AgentEvent::Member(change, info));
            }
        }
    }

    fn info(&self, id: Id) -> Option<MemberInfo> {
        let table = self.member.table();
        let slot = table.slot(id)?;
        Some(MemberInfo {
            node: Arc::clone(table.node(slot)),
            state: table.status(slot)?,
            incarnation: table.incarnation(slot),
        })
    }

    /// Does what a handle or a stream asks. An end is the last thing.
    fn handle_command(&mut self, command: Option<Command>) -> Option<ExitReason> {
        let now = self.clock.now();
        match command {
            None | Some(Command::Stop) => return Some(ExitReason::Stopped),
            Some(Command::Leave) => {
                self.member.leave(&mut self.outbox);
                self.flush(&mut None);
                return Some(ExitReason::Left);
            }
            Some(Command::Members(reply)) => {
                let info = |(_, state, incarnation, node): (_, _, _, &Arc<_>)| MemberInfo {
                    node: Arc::clone(node),
                    state,
                    incarnation,
                };
                let _ = reply.send(self.member.table().entries().map(info).collect());
            }
            Some(Command::Info(reply)) => {
                let _ = reply.send(Box::new(self.own_info(now)));
            }
            Some(Command::SetMeta(meta, reply)) => {
                let _ = reply.send(self.member.set_meta(now, &meta, &mut self.outbox));
            }
            Some(Command::Broadcast(name, payload, reply)) => {
                let _ = reply.send(self.member.broadcast(now, &name, &payload, &mut self.outbox));
            }
            Some(Command::Keys(change, reply)) => {
                let _ = reply.send(self.change_keys(change));
            }
            Some(Command::Seeds(seeds)) => {
                self.member.set_seeds(seeds.clone());
                if self.member.is_joining() {
                    self.member.join(now, seeds, &mut self.outbox);
                }
            }
            Some(Command::Arrived(Arrival { from, packet, bytes, reply })) => {
                self.handle(from, packet, bytes, &mut reply.map(|reply| (from, reply)));
            }
            Some(Command::Failed(why)) => self.metrics.drop(why),
            // Seen to where there is time to wait.
            Some(Command::Freeze(_)) => {}
        }
        self.flush(&mut None);
        None
    }

    fn own_info(&self, now: Time) -> Info {
        let mut states = [0; 4];
        self.member.table().entries().for_each(|(_, status, ..)| states[status as usize] += 1);
        let mut codec = self.codec.lock().unwrap_or_else(PoisonError::into_inner);
        Info {
            incarnation: self.member.incarnation(),
            states,
            is_joining: self.member.is_joining(),
            uptime: std::time::Duration::from_micros(now.since(self.started).as_micros()),
            gauge: self.member.gauge(),
            metrics: self.metrics.clone(),
            coordinate: self.member.coordinate(),
            keys: codec.keyring_mut().map_or_else(Vec::new, |keyring| keyring.ids().collect()),
        }
    }

    fn change_keys(&mut self, change: KeyChange) -> Result<(), CommandError> {
        let mut codec = self.codec.lock().unwrap_or_else(PoisonError::into_inner);
        let keyring = codec.keyring_mut().ok_or(CommandError::NoKeys)?;
        match change {
            KeyChange::Install(key) => keyring.install(key)?,
            KeyChange::Use(id) => keyring.promote(id)?,
            KeyChange::Remove(id) => keyring.remove(id)?,
        }
        Ok(())
    }

    /// Sees to the snapshot. It is written apart from this task: disks are slow.
    fn remember(&mut self, now: Time) {
        let Some(memory) = &mut self.memory else { return };
        (memory.due, memory.rests_until) = (now + snapshot::INTERVAL, now + snapshot::INTERVAL);
        if let Some(writing) = &mut memory.writing {
            match writing.try_recv() {
                Err(oneshot::error::TryRecvError::Empty) => return,
                Ok(Err(error)) => {
                    if !memory.is_failing {
                        tracing::warn!(
                            "{error}; the last one stays, and another try is made every {}",
                            snapshot::INTERVAL
                        );
                    }
                    (memory.is_failing, memory.is_dirty) = (true, true);
                }
                _ => memory.is_failing = false,
            }
            memory.writing = None;
        }
        if !memory.is_dirty {
            memory.due = Time::NEVER;
            return;
        }
        let snapshot = Snapshot {
            version: snapshot::VERSION,
            name: self.member.node().name.to_string(),
            generation: memory.generation,
            members: remembered(&self.member),
        };
        let (dir, (done, writing)) = (Arc::clone(&memory.dir), oneshot::channel());
        (memory.writing, memory.is_dirty) = (Some(writing), false);
        tokio::task::spawn_blocking(move || done.send(dir.write(&snapshot)));
    }
}

impl SnapshotWriter {
    /// A folder to which this generation has just been written.
    pub fn new(dir: StateDir, generation: u32) -> Self {
        let dir = Arc::new(dir);
        let (is_dirty, writing, is_failing) = (false, None, false);
        Self { dir, generation, is_dirty, due: Time::NEVER, rests_until: Time::ZERO, writing, is_failing }
    }
}

/// The others, as a snapshot keeps them: the dead may come back, those who left will not.
fn remembered(member: &Member) -> Vec<Remembered> {
    let others =
        member.table().entries().filter(|(_, status, _, node)| *status != Status::Left && node.peer.id != member.id());
    let of = |(_, _, _, node): (_, _, _, &Arc<NodeInfo>)| Remembered {
        name: node.name.to_string(),
        id: format!("{:016x}", node.peer.id),
        addr: to_socket(node.address),
    };
    others.take(snapshot::MOST_MEMBERS).map(of).collect()
}

/// When a member's first period begins: at a random point of the period after its start.
pub(super) fn phase(now: Time, period: Span, rng: &mut Rng) -> Time {
    now + Span::from_micros((swimlab_selectors::rng::unit(rng) * period.as_micros() as f64) as u64)
}

/// An agent's random streams: for its strategy and for the rest.
pub(super) fn random_streams(seed: u64, id: Id) -> (Rng, Rng) {
    (stream(seed, Purpose::Selector, id), stream(seed, Purpose::Protocol, id))
}
