//! The timeline of a world, line by line.

use std::io::{self, Write};

use crate::protocol::{Event, EventKind, EventSource, Id, MessageKind, Time};
use crate::sim::{Delivery, Effect, FaultEvent, IdIndex, MemberIndex, Observer, Sent, Setup};
use crate::topology::Placement;

/// The events that a timeline shows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Filter {
    /// Only events of or about this member, and packets from or to it.
    pub member: Option<MemberIndex>,
    /// The packets shown.
    pub packets: Packets,
    /// The first time shown, in seconds after the warm-up.
    pub from_s: f64,
    /// The first time no longer shown, in seconds after the warm-up.
    pub until_s: f64,
}

/// The packets that a timeline shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Packets {
    /// None: only events of members, and faults.
    None,
    /// Pings, and requests for indirect ones.
    Pings,
    /// All.
    All,
}

/// An observer that writes a line for each event.
pub(super) struct Timeline<'a, W> {
    setup: &'a Setup,
    ids: IdIndex,
    filter: Filter,
    out: W,
    /// The first error; nothing is written after it.
    written: io::Result<()>,
}

impl<'a, W: Write> Timeline<'a, W> {
    /// A timeline of the world that this setup makes.
    pub(super) fn new(setup: &'a Setup, filter: Filter, out: W) -> Self {
        let ids = IdIndex::new(setup.placement.peers.iter().map(|peer| peer.id));
        Self { setup, ids, filter, out, written: Ok(()) }
    }

    /// Flushes the output; returns the first error in writing.
    pub(super) fn finish(mut self) -> io::Result<()> {
        self.written?;
        self.out.flush()
    }

    /// Writes a line about these members unless the filter excludes it.
    fn write(&mut self, at: Time, about: [Option<MemberIndex>; 3], what: impl FnOnce(&Self) -> String) {
        let at_s = seconds(at, self.setup);
        let hidden = self.filter.member.is_some_and(|member| !about.contains(&Some(member)));
        if hidden || at_s < self.filter.from_s || at_s >= self.filter.until_s || self.written.is_err() {
            return;
        }
        let what = what(self);
        self.written = writeln!(self.out, "{at_s:12.6}  {what}");
    }

    fn name(&self, member: MemberIndex) -> String {
        name(&self.setup.placement, member)
    }

    fn name_of(&self, id: Id) -> String {
        self.ids.index(id).map_or_else(|| format!("{id:016x}"), |member| self.name(member))
    }
}

/// A member's number, and its site where there are several.
pub(super) fn name(placement: &Placement, member: MemberIndex) -> String {
    match placement.sites() {
        1 => format!("#{member}"),
        _ => format!("#{member} {}", placement.site_name(placement.site_of(member))),
    }
}

/// Seconds after the warm-up; negative before its end.
fn seconds(at: Time, setup: &Setup) -> f64 {
    at.as_secs_f64() - setup.warmup.as_secs_f64()
}

impl<W: Write> Observer for Timeline<'_, W> {
    fn sent(&mut self, sent: &Sent) {
        let is_shown = match self.filter.packets {
            Packets::None => false,
            Packets::Pings => sent.direct_ping || matches!(sent.kind, MessageKind::Ping | MessageKind::PingReq),
            Packets::All => true,
        };
        if !is_shown {
            return;
        }
        let Sent { at, from, to, kind, direct_ping, bytes, delivery } = *sent;
        self.write(at, [Some(from), Some(to), None], |line| {
            let (from, to) = (line.name(from), line.name(to));
            let does = match kind {
                MessageKind::Ping if direct_ping => format!("{from} pings {to}"),
                MessageKind::Ping => format!("{from} pings {to} for another"),
                MessageKind::PingReq => format!("{from} asks {to} for an indirect ping"),
                MessageKind::Other(number) => format!("{from} sends a message of kind {number} to {to}"),
                kind => format!("{from} sends {} to {to}", kind.name()),
            };
            let delivery = match delivery {
                Delivery::Lost => ", lost",
                Delivery::Cut => ", cut off",
                _ => "",
            };
            format!("{does} ({bytes} bytes{delivery})")
        });
    }

    fn event(&mut self, at: Time, member: MemberIndex, event: &Event) {
        let about = self.ids.index(event.about);
        let source = match event.source {
            EventSource::Own => None,
            EventSource::Heard(id) => self.ids.index(id),
        };
        self.write(at, [Some(member), about, source], |line| {
            let (me, other) = (line.name(member), line.name_of(event.about));
            let update = match &event.kind {
                EventKind::User(event) => format!("the event {}", event.name),
                EventKind::Other(number) => format!("event {number} of the detector's own about {other}"),
                kind => kind.sentence().replace("{}", &other),
            };
            let incarnation = event.incarnation;
            match event.source {
                EventSource::Heard(id) => format!("{me} learns from {}: {update} ({incarnation})", line.name_of(id)),
                EventSource::Own => match event.kind {
                    EventKind::Suspected => format!("{me} gets no answer and suspects {other} ({incarnation})"),
                    EventKind::Died => format!("{me} declares {other} dead ({incarnation})"),
                    _ => format!("{me} finds: {update} ({incarnation})"),
                },
            }
        });
    }

    fn fault(&mut self, fault_event: &FaultEvent) {
        self.write(fault_event.at, [Some(fault_event.member), None, None], |line| {
            let does = match fault_event.effect {
                Effect::Crashed => "crashes",
                Effect::Left => "announces its departure and leaves",
                Effect::Joined => "joins",
                Effect::Restarted => "starts again",
                Effect::Broadcast => "sends application events",
                Effect::MetaChanged => "changes its metadata",
                Effect::Released => "is disturbed no more",
                _ => "is disturbed",
            };
            format!("*** {} {does} (fault {})", line.name(fault_event.member), fault_event.fault + 1)
        });
    }
}
