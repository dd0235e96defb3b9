//! An observer for tests: records everything.

use super::{FaultEvent, MemberIndex, Observer, Sent};
use crate::protocol::{Event, EventKind, EventSource, Time};

#[derive(Default)]
pub(crate) struct Log {
    pub sent: u64,
    pub bytes: u64,
    pub events: Vec<(Time, MemberIndex, Event)>,
    pub faults: Vec<FaultEvent>,
}

impl Observer for Log {
    fn sent(&mut self, sent: &Sent) {
        self.sent += 1;
        self.bytes += u64::from(sent.bytes);
    }
    fn event(&mut self, at: Time, member: MemberIndex, event: &Event) {
        self.events.push((at, member, event.clone()));
    }
    fn fault(&mut self, fault_event: &FaultEvent) {
        self.faults.push(*fault_event);
    }
}

/// Everything that an observer sees, in order.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Calls(pub Vec<Call>);

#[derive(Debug, PartialEq)]
pub(crate) enum Call {
    Sent(Sent),
    Delivered(Time, Sent),
    Event(Time, MemberIndex, Event),
    Fault(FaultEvent),
}

impl Observer for Calls {
    fn sent(&mut self, sent: &Sent) {
        self.0.push(Call::Sent(*sent));
    }
    fn delivered(&mut self, at: Time, sent: &Sent) {
        self.0.push(Call::Delivered(at, *sent));
    }
    fn event(&mut self, at: Time, member: MemberIndex, event: &Event) {
        self.0.push(Call::Event(at, member, event.clone()));
    }
    fn fault(&mut self, fault_event: &FaultEvent) {
        self.0.push(Call::Fault(*fault_event));
    }
}

impl Log {
    /// The number of events of this kind.
    pub(crate) fn count(&self, kind: &EventKind) -> usize {
        self.of(kind).count()
    }

    /// The number of events of this kind that members found out first-hand.
    pub(crate) fn own(&self, kind: &EventKind) -> usize {
        self.of(kind).filter(|(.., event)| event.source == EventSource::Own).count()
    }

    /// Seconds from the first fault to each event of this kind.
    pub(crate) fn delays(&self, kind: &EventKind) -> Vec<f64> {
        let fault = self.faults[0].at;
        self.of(kind).map(|(at, ..)| at.since(fault).as_secs_f64()).collect()
    }

    fn of(&self, kind: &EventKind) -> impl Iterator<Item = &(Time, MemberIndex, Event)> {
        self.events.iter().filter(move |(.., event)| event.kind == *kind)
    }
}
