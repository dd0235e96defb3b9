//! News: changes that are told eagerly to a few members per interval, each a logarithmic number of times.

use super::delta::Delta;
use super::exchange::{Exchange, Outgoing, Partners};
use super::limits::BEHIND_LIMIT;
use super::member_state::Applied;
use super::message::{Message, delta_size, room_for_deltas, room_for_entries, truncate_versions};
use crate::protocol::{Id, Time};

impl Exchange {
    /// Tells `fanout` members the latest news, those told least often first, as many as fit into one datagram.
    pub(super) fn tell_news(&mut self, now: Time, partners: &mut impl Partners, out: &mut Outgoing) {
        if !self.store.has_news() {
            return;
        }
        let partners = partners.for_news(self.config.fanout);
        if partners.is_empty() {
            return;
        }
        let mut room = room_for_deltas(self.config.mtu);
        let mut deltas = Vec::new();
        for member in self.store.newest() {
            let Some(room_left) = room_for_entries(room) else { break };
            if let Some(cut) = self.store.news(now, member, room_left) {
                room -= delta_size(&cut.delta);
                deltas.push(cut.delta);
            }
        }
        let told: Vec<(Id, u64)> = deltas.iter().map(|delta| (delta.member, delta.to)).collect();
        let payload = Message::News(deltas).encode(0);
        for (member, to) in told {
            self.store.note_told(member, to, partners.len());
        }
        out.extend(partners.into_iter().map(|partner| (partner, payload.clone())));
    }

    /// Applies news, and notes those members whose changes do not follow what is known.
    pub(super) fn handle_news(&mut self, now: Time, from: Id, deltas: &[Delta<'_>]) {
        for delta in deltas {
            if self.store.apply(now, delta, true) != Applied::Behind {
                self.behind.remove(&delta.member);
            } else if self.behind.len() < BEHIND_LIMIT || self.behind.contains_key(&delta.member) {
                self.behind.insert(delta.member, from);
            }
        }
    }

    /// Asks one of the members that told news for what precedes them.
    pub(super) fn ask_for_missed(&mut self, out: &mut Outgoing) {
        let Some(teller) = self.behind.values().next().copied() else { return };
        let members = self.behind.iter().filter(|(_, from)| **from == teller);
        let mut versions: Vec<_> = members.filter_map(|(member, _)| self.store.known(*member)).collect();
        truncate_versions(&mut versions, self.config.mtu);
        for row in &versions {
            self.behind.remove(&row.member);
        }
        if !versions.is_empty() {
            out.push((teller, Message::Request(versions).encode(self.request_size())));
        }
    }

    /// The size to which requests are padded, so that the answer may be a whole datagram.
    pub(super) fn request_size(&self) -> usize {
        self.config.mtu.div_ceil(super::limits::ANSWER_FACTOR)
    }
}
