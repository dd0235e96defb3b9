//! Steps of a schedule: which ones are possible in a state, and how they read.

use std::fmt::Write;

use swimlab::protocol::{Body, MessageKind, Packet, StateSync, Update, UpdateKind};

use crate::model::{EPOCH, Model};
use crate::state::{Flying, State, Transport};

/// One step of a schedule. Compact, since every state found is remembered by the step that led to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// A packet arrives.
    Deliver(Choice),
    /// A packet arrives, and a copy stays in the network.
    Duplicate(Choice),
    /// A packet is lost.
    Drop(Choice),
    /// The packet that should arrive next is held back, and may arrive at any later time.
    Hold,
    /// A member's timer fires.
    Wake(u8),
    /// A member crashes.
    Crash(u8),
    /// A member leaves.
    Leave(u8),
}

/// Choice of a packet in the network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Choice {
    /// The oldest one that is not held back.
    Next,
    /// One that is held back.
    Held(u8),
}

impl State {
    /// All steps that are possible in this state, in a fixed order: the one without a fault or delay first.
    pub(crate) fn steps(&self, model: &Model) -> Vec<Step> {
        let mut steps = Vec::new();
        if !self.queue.is_empty() {
            steps.push(Step::Deliver(Choice::Next));
            self.add_faults(Choice::Next, &mut steps);
            if self.left.delays > 0 {
                steps.push(Step::Hold);
            }
        } else if model.bounds.delays.is_some() || self.held.len() < usize::from(model.bounds.in_flight) {
            self.add_timers(model, &mut steps);
        }
        for at in 0..self.held.len() {
            // Copies of one packet are one choice.
            if at == 0 || !self.held[at].is_same(&self.held[at - 1]) {
                let choice = Choice::Held(at as u8);
                steps.push(Step::Deliver(choice));
                // Where the order is fixed, the packet is held back already, and another fault would make no difference: it
                // is lost if it is never delivered.
                if model.bounds.delays.is_none() {
                    self.add_faults(choice, &mut steps);
                }
            }
        }
        if self.left.crashes > 0 {
            self.add_stops(model, Step::Crash, &mut steps);
        }
        if self.left.leaves > 0 {
            self.add_stops(model, Step::Leave, &mut steps);
        }
        steps
    }

    /// Adds the loss and the duplication of a packet. Streams do not duplicate what they carry; a loss is one that breaks.
    fn add_faults(&self, choice: Choice, steps: &mut Vec<Step>) {
        if self.left.losses > 0 {
            steps.push(Step::Drop(choice));
        }
        if self.left.duplicates > 0 && self.packet(choice).transport == Transport::Datagram {
            steps.push(Step::Duplicate(choice));
        }
    }

    /// Adds the timers that may fire: the first one, and those that are due soon after it.
    fn add_timers(&self, model: &Model, steps: &mut Vec<Step>) {
        let Some(first) = self.next_to_wake() else { return };
        steps.push(Step::Wake(first as u8));
        if model.bounds.delays.is_some() && self.left.delays == 0 {
            return;
        }
        let latest = self.hosts[first].version.deadline + model.bounds.skew;
        for (member, host) in self.hosts.iter().enumerate() {
            if member != first && host.is_up && host.version.deadline <= latest {
                steps.push(Step::Wake(member as u8));
            }
        }
    }

    /// Adds crashes or leaves. Where the order is fixed, a member stops only when it would act next: for a crash it makes no
    /// difference when it comes before that.
    fn add_stops(&self, model: &Model, step: fn(u8) -> Step, steps: &mut Vec<Step>) {
        let next = match self.queue.front() {
            Some(flying) => Some(flying.to),
            None => self.next_to_wake(),
        };
        // The last member stays: nobody is left to disagree with it.
        let up = self.hosts.iter().filter(|host| host.is_up).count();
        for (member, host) in self.hosts.iter().enumerate() {
            if host.is_up && up > 1 && (model.bounds.delays.is_none() || next == Some(member)) {
                steps.push(step(member as u8));
            }
        }
    }

    /// Describes a step in this state in one line; the time is that after the step.
    pub(crate) fn describe(&self, step: Step) -> String {
        match step {
            Step::Deliver(choice) => format!("{} arrives", self.packet(choice).describe()),
            Step::Duplicate(choice) => {
                format!("{} arrives, and a copy stays in the network", self.packet(choice).describe())
            }
            Step::Drop(choice) => format!("{} is lost", self.packet(choice).describe()),
            Step::Hold => format!("{} is held back", self.packet(Choice::Next).describe()),
            Step::Wake(member) => {
                let deadline = self.hosts[usize::from(member)].version.deadline;
                let late = self.now.since(deadline);
                let late = if late.as_micros() > 0 { format!(", {late} late") } else { String::new() };
                format!("member {member} wakes{late}")
            }
            Step::Crash(member) => format!("member {member} crashes"),
            Step::Leave(member) => format!("member {member} leaves"),
        }
    }

    /// Seconds since the members started.
    pub(crate) fn clock(&self) -> f64 {
        self.now.since(EPOCH).as_secs_f64()
    }
}

impl Flying {
    /// Description: sender, receiver, kind and updates.
    pub(crate) fn describe(&self) -> String {
        let Packet { body, updates, .. } = &self.packet;
        let kind = match body {
            Body::Sync(sync) if !sync.wants_reply => "sync reply",
            _ => body.kind().name(),
        };
        let mut text = format!("{kind} {} -> {}", self.from, self.to);
        if let Some(number) = number(body) {
            let _ = write!(text, " #{number}");
        }
        if self.transport != Transport::Datagram && body.kind() != MessageKind::Sync {
            text += " over a stream";
        }
        let records: &[Update] = match body {
            Body::Sync(sync) => {
                let StateSync { records, .. } = &**sync;
                records
            }
            _ => &[],
        };
        let updates: Vec<String> = updates.iter().chain(records).map(describe_update).collect();
        if !updates.is_empty() {
            let _ = write!(text, " [{}]", updates.join(", "));
        }
        text
    }
}

/// The sequence number of a message.
fn number(body: &Body) -> Option<u32> {
    match body {
        Body::Ping { seq } | Body::Ack { seq } | Body::IndirectAck { seq, .. } | Body::Nack { seq, .. } => Some(*seq),
        Body::PingReq(request) => Some(request.seq),
        Body::Gossip | Body::Sync(_) | Body::Digest { .. } | Body::Direct(_) => None,
    }
}

fn describe_update(update: &Update) -> String {
    let member = update.id - 1;
    let incarnation = update.incarnation;
    match &update.kind {
        UpdateKind::Alive(_) => format!("{member} alive {incarnation}"),
        UpdateKind::Suspect { by } => format!("{member} suspect {incarnation} by {}", by - 1),
        UpdateKind::Dead => format!("{member} dead {incarnation}"),
        UpdateKind::Left => format!("{member} left {incarnation}"),
        UpdateKind::User(event) => format!("event {} of {member}", event.seq),
    }
}
