//! What tests remember of a world.

use super::{FaultEvent, MemberIndex, Observer, Sent};
use crate::protocol::{Event, EventKind, EventSource, Time};

#[derive(Default)]
pub(crate) struct Log {
    pub sent: u64,
    pub bytes: u64,
    pub events: Vec<(Time, MemberIndex, Event)>,
    pub strikes: Vec<FaultEvent>,
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
        self.strikes.push(*fault_event);
    }
}

impl Log {
    /// How many reports there are of this kind.
    pub fn count(&self, what: &EventKind) -> usize {
        self.of(what).count()
    }

    /// Those of them that members found out themselves.
    pub fn own(&self, what: &EventKind) -> usize {
        self.of(what).filter(|(.., event)| event.source == EventSource::Own).count()
    }

    /// Seconds from the first strike to each report of this kind.
    pub fn delays(&self, what: &EventKind) -> Vec<f64> {
        let struck = self.strikes[0].at;
        self.of(what).map(|(at, ..)| at.since(struck).as_secs_f64()).collect()
    }

    fn of(&self, what: &EventKind) -> impl Iterator<Item = &(Time, MemberIndex, Event)> {
        self.events.iter().filter(move |(.., event)| event.kind == *what)
    }
}
