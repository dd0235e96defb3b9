//! How a member joins: through seeds, until it knows the group.

use super::*;
use crate::protocol::message::StateSync;
use crate::protocol::time::Span;

/// A join under way.
#[derive(Debug)]
pub(super) struct Joining {
    seeds: Vec<Address>,
    next: usize,
    phase: Phase,
}

#[derive(Debug)]
enum Phase {
    /// No seed has answered yet; the next one is tried after this pause.
    Contacting { wait: Span },
    /// One has. Others may have joined meanwhile of whom it did not know: so many more times a seed is asked, for as long
    /// as its answer names somebody new.
    Syncing { left: u32, known: u32, wait: Span, is_answered: bool },
    /// It knows the group. Where hundreds join at once, somebody misses the news of somebody: each piece reaches each member
    /// about retransmit_mult x retransmit_scale times, a number with the spread of a Poisson variable, so that at 500
    /// members 500^2 e^-12 = 1.5 of all pairs remain strangers. One more sync, soon, and they do not.
    Finishing { is_asked: bool },
}

impl Member {
    /// Joins through any of these seeds. They are tried in turn, with longer and longer pauses, until one answers.
    pub fn join(&mut self, now: Time, seeds: Vec<Address>, out: &mut Outbox) {
        if seeds.is_empty() || self.state != State::Running {
            return;
        }
        let wait = self.config.protocol.period;
        self.cold().joining = Some(Joining { seeds, next: 0, phase: Phase::Contacting { wait } });
        self.continue_join(now, out);
        self.pass_on(now, self.own_record(), None, out);
    }

    /// Whether a join is under way that no seed has answered yet.
    pub fn is_joining(&self) -> bool {
        matches!(self.joining(), Some(Phase::Contacting { .. }))
    }

    /// The next step of a join: another seed.
    pub(super) fn continue_join(&mut self, now: Time, out: &mut Outbox) {
        let (period, members) = (self.config.protocol.period, self.table.members());
        self.set_alarm(|alarms| alarms.join = Time::NEVER);
        let cold = self.cold();
        let Some(Joining { seeds, next, phase }) = &mut cold.joining else { return };
        let then = match phase {
            Phase::Contacting { wait } => {
                let then = now + *wait;
                *wait = (*wait * 2).min(period * LONGEST_JOIN_WAIT);
                then
            }
            Phase::Syncing { left, known, is_answered, .. } if *left == 0 || (*is_answered && *known == members) => {
                *phase = Phase::Finishing { is_asked: false };
                return self.stagger_syncs(now);
            }
            Phase::Finishing { is_asked: true } => {
                cold.joining = None;
                return;
            }
            Phase::Finishing { is_asked } => {
                *is_asked = true;
                self.set_alarm(|alarms| alarms.join = now + period * LONGEST_JOIN_WAIT);
                return self.sync_with_somebody(out);
            }
            Phase::Syncing { left, known, wait, is_answered } => {
                // Silence says nothing: a seed that many ask at once may take its time, and is given more each time.
                (*left, *known, *is_answered) = (*left - 1, members, false);
                let then = now + *wait;
                *wait = (*wait * 2).min(period * LONGEST_JOIN_WAIT);
                then
            }
        };
        let address = seeds[*next % seeds.len()];
        *next += 1;
        self.set_alarm(|alarms| alarms.join = then);
        let records = vec![self.own_record()];
        let body = Body::Sync(Box::new(StateSync { wants_reply: true, joining: true, records }));
        // Who answers there is not known yet; id 0 only keeps news from going back to its source.
        self.send(Addressee { id: 0, address, peer_view: PeerView::Unknown }, body, None, false, out);
    }

    /// Whether it still asks seeds for those who joined with it.
    pub(super) fn is_settling(&self) -> bool {
        matches!(self.joining(), Some(Phase::Syncing { .. }))
    }

    /// Whether it believes the tables it gets: who knows nobody believes the first, and those it asks for until its join
    /// is over.
    pub(super) fn is_trusting(&self) -> bool {
        self.table.members() == 1 || matches!(self.joining(), Some(Phase::Syncing { .. } | Phase::Finishing { .. }))
    }

    /// Somebody has answered with a table.
    pub(super) fn settle(&mut self, now: Time, from: Address) {
        let (left, period) = (self.config.protocol.join_syncs, self.config.protocol.period);
        let Some(cold) = &mut self.cold else { return };
        match &mut cold.joining {
            Some(joining) if left > 0 && matches!(joining.phase, Phase::Contacting { .. }) => {
                joining.phase = Phase::Syncing { left, known: 0, wait: period, is_answered: true };
                self.set_alarm(|alarms| alarms.join = now + period);
            }
            // The late answer of another seed, asked before, is none to this question: that it names nobody new says little.
            Some(Joining { seeds, next, phase: Phase::Syncing { is_answered, .. } }) => {
                *is_answered |= from == seeds[(*next - 1) % seeds.len()];
            }
            // The last answer it waits for: nobody's later table is taken at its word.
            Some(joining)
                if matches!(joining.phase, Phase::Contacting { .. } | Phase::Finishing { is_asked: true }) =>
            {
                cold.joining = None;
                self.set_alarm(|alarms| alarms.join = Time::NEVER);
            }
            _ => {}
        }
    }

    fn joining(&self) -> Option<&Phase> {
        Some(&self.cold.as_ref()?.joining.as_ref()?.phase)
    }

    /// It knows the group now, and how long it takes from one sync to the next there. Those who joined together must not
    /// all sync in the same second.
    fn stagger_syncs(&mut self, now: Time) {
        let config = &self.config.protocol;
        let (interval, anti_entropy) = (config.sync_interval(self.table.members()), config.anti_entropy);
        if let Some(interval) = interval {
            let first = self.within(now, interval);
            self.set_alarm(|alarms| alarms.sync = first);
        }
        if interval.is_none() || !anti_entropy {
            return self.cold().joining = None;
        }
        let last = self.within(now, self.config.protocol.period * CLOSING);
        self.set_alarm(|alarms| alarms.join = last);
    }

    /// A seed that joiners ask may itself miss those who ask others: it syncs as soon as they do when they have settled.
    pub(super) fn sync_soon(&mut self, now: Time) {
        let config = &self.config.protocol;
        if config.anti_entropy && config.join_syncs > 0 && config.sync_interval(1).is_some() {
            let soon = now + config.period * CLOSING;
            if self.alarms().sync > soon {
                self.set_alarm(|alarms| alarms.sync = soon);
            }
        }
    }

    /// A random moment from now on.
    pub(super) fn within(&mut self, now: Time, longest: Span) -> Time {
        now + longest.scale(swimlab_selectors::rng::unit(&mut self.rng))
    }
}

/// The longest pause between two tries to join, in periods.
const LONGEST_JOIN_WAIT: u64 = 30;

/// Within how many periods a joiner syncs once more when it knows the group: more than news takes to be passed on.
const CLOSING: u64 = 5;
