//! The part of an agent's task that exchanges members' states with others, and keeps the catalog.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use swimlab_selectors::rng::{Purpose, stream};
use tokio::sync::watch;

use super::Discovery;
use super::shared::SharedTask;
use crate::agent::command::CommandError;
use crate::agent::event::MemberInfo;
use crate::agent::wall_clock::WallClock;
use crate::discovery::shared::{SharedError, SharedWrite};
use crate::discovery::state::{Exchange, ExchangeConfig, Outgoing, Partners, StateError, StateStore};
use crate::discovery::{Catalog, Description, MemberRecord, Report, Snapshot};
use crate::protocol::{DirectMessage, Id, Member, Outbox, Span, Status, Time};

/// The channel of direct messages on which members exchange states.
const CHANNEL: u8 = 1;

/// Time between two publications of the catalog: changes at the same moment are published together.
const PUBLISH_INTERVAL: Span = Span::from_millis(50);

/// Time between two generations that a member takes because others tell more of its state than it has written. Less than
/// one in a second, so that generations do not come before their time.
const NEXT_LIFE_INTERVAL: Span = Span::from_secs(60);

/// Time between two looks at whether the states are of the lives that membership knows.
const HOLD_INTERVAL: Span = Span::from_secs(4);

/// Time for which a load figure is believed unless it is written again.
pub(in crate::agent) const LOAD_TTL: Span = Span::from_secs(30);

/// States of the members of an agent's group, and their catalog.
#[derive(Debug)]
pub(in crate::agent) struct DiscoveryTask {
    /// `None`: a member of an experiment, which takes no part.
    exchange: Option<Exchange>,
    shared: SharedTask,
    /// The life of the own state.
    generation: u32,
    own: Description,
    /// The earliest time of the next life.
    next_life_at: Time,
    hold_at: Time,
    /// `None` before somebody wants to read it: then it costs nothing.
    catalog: Option<PublishedCatalog>,
    outgoing: Outgoing,
}

#[derive(Debug)]
struct PublishedCatalog {
    catalog: Catalog,
    snapshots: watch::Sender<Arc<Snapshot>>,
    /// The time at which the catalog is published next; [`Time::NEVER`] while nothing has changed.
    publish_at: Time,
    published_at: Time,
}

impl DiscoveryTask {
    /// Begins a member's part in the exchange; without a wall clock it takes none.
    pub(in crate::agent) fn new(now: Time, member: &Member, wall_clock: Option<WallClock>) -> Self {
        let (id, generation) = (member.id(), member.incarnation().generation);
        let config = ExchangeConfig { mtu: member.direct_room(), ..ExchangeConfig::default() };
        // Nobody who invents states may know the salts with which contents are compared.
        let rng = stream(getrandom::u64().unwrap_or(id ^ u64::from(generation)), Purpose::Protocol, id);
        let exchange = Exchange::new(now, config, StateStore::new(id, generation), rng);
        let warn = |error: &_| {
            tracing::warn!(%error, "datagrams (packet_bytes) are too small for what members say of their services");
        };
        let exchange = if wall_clock.is_some() { exchange.inspect_err(warn).ok() } else { None };
        let shared = SharedTask::new(id, wall_clock.unwrap_or_default());
        let (own, outgoing) = (Description::default(), Outgoing::new());
        Self {
            exchange,
            shared,
            generation,
            own,
            next_life_at: now,
            hold_at: now + HOLD_INTERVAL,
            catalog: None,
            outgoing,
        }
    }

    /// The handle for readers of the catalog.
    pub(in crate::agent) fn reader(&mut self, now: Time, member: &Member) -> Discovery {
        let published = self.catalog.get_or_insert_with(|| {
            let mut catalog = Catalog::default();
            MemberInfo::all(member.table()).iter().for_each(|member| catalog.set_member(record(member)));
            let store = self.exchange.as_ref().map(Exchange::store);
            for (id, store) in store.into_iter().flat_map(|store| store.members().map(move |id| (id, store))) {
                catalog.describe(id, Description::from_pairs(store.keys_of(id)));
            }
            catalog.set_shared(self.shared.view());
            let snapshots = watch::Sender::new(Arc::new(catalog.snapshot()));
            PublishedCatalog { catalog, snapshots, publish_at: Time::NEVER, published_at: now }
        });
        Discovery { snapshots: published.snapshots.subscribe() }
    }

    /// Notes a member's record after a change.
    pub(in crate::agent) fn note(&mut self, now: Time, member: &Member, about: Id) {
        let known = MemberInfo::of(member.table(), about);
        if let Some(store) = self.exchange.as_mut().map(Exchange::store_mut) {
            let has_changed = match known.as_ref().filter(|known| known.state.is_member()) {
                Some(known) => {
                    let is_new = store.version_of(about).is_none();
                    // Beyond the most members, some have no state here.
                    store.admit(about, known.incarnation.generation).is_ok() && is_new
                }
                None => store.forget(about),
            };
            if has_changed {
                self.shared.note_members(now);
            }
        }
        self.change_catalog(now, |catalog| match &known {
            Some(known) => catalog.set_member(record(known)),
            None => catalog.set_status(about, Status::Dead),
        });
        self.publish_changes(now);
    }

    /// Replaces what this member says of itself.
    ///
    /// # Errors
    /// If it is more than a member's state holds; nothing changes then.
    pub(in crate::agent) fn describe(
        &mut self,
        now: Time,
        member: &Member,
        description: Description,
    ) -> Result<(), StateError> {
        let before = std::mem::replace(&mut self.own, description);
        if let Err(error) = self.write_own(now, &before) {
            let refused = std::mem::replace(&mut self.own, before);
            let restored = self.write_own(now, &refused);
            debug_assert_eq!(restored, Ok(()));
            return Err(error);
        }
        if self.exchange.is_none() {
            let (id, own) = (member.id(), self.own.clone());
            self.change_catalog(now, |catalog| catalog.describe(id, own));
        }
        self.publish_changes(now);
        Ok(())
    }

    /// Publishes a report beside what this member says of itself otherwise, which is not written again.
    ///
    /// # Errors
    /// If it does not fit what the member offers, or is more than its state holds.
    pub(in crate::agent) fn report(&mut self, now: Time, member: &Member, report: &Report) -> Result<(), CommandError> {
        self.drop_expired_load(now);
        let after = self.own.clone().with_report(report)?;
        let Some(store) = self.exchange.as_mut().map(Exchange::store_mut) else {
            return Ok(self.describe(now, member, after)?);
        };
        let (before, reported) = (self.own.pairs(), after.pairs());
        // A figure that is reported again is believed for longer.
        let is_reported =
            |key: &str| matches!(report, Report::Load { name, .. } if key.strip_prefix("load/") == Some(name));
        for (key, value) in &reported {
            if is_reported(key) || before.get(key) != Some(value) {
                let ttl = Description::is_load(key).then_some(LOAD_TTL);
                store.set(now, key, value, ttl)?;
            }
        }
        for key in before.keys().filter(|key| !reported.contains_key(*key)) {
            store.delete(now, key);
        }
        self.own = after;
        self.publish_changes(now);
        Ok(())
    }

    /// Drops the load figures that are not believed any more.
    fn drop_expired_load(&mut self, now: Time) {
        if let Some(store) = self.exchange.as_mut().map(Exchange::store_mut) {
            store.expire(now);
            self.own.load.retain(|name, _| store.get(store.me(), &format!("load/{name}")).is_some());
        }
    }

    /// Writes a shared value. Returns whether there was something to remove; `true` for other writes.
    ///
    /// # Errors
    /// If the write is not allowed, or there is no room for it.
    pub(in crate::agent) fn write_shared(&mut self, now: Time, write: &SharedWrite) -> Result<bool, SharedError> {
        let done = self.shared.write(now, write)?;
        if let Some(exchange) = &mut self.exchange {
            self.shared.run_due(now, exchange.store_mut());
        }
        self.publish_shared(now);
        self.publish_changes(now);
        Ok(done)
    }

    /// Handles a direct message.
    pub(in crate::agent) fn receive(
        &mut self,
        now: Time,
        from: Id,
        message: &DirectMessage,
        member: &mut Member,
        out: &mut Outbox,
    ) {
        let Some(exchange) = self.exchange.as_mut().filter(|_| message.channel == CHANNEL) else { return };
        if let Err(error) = exchange.handle(now, from, &message.payload, &mut self.outgoing) {
            tracing::debug!(from = %format_args!("{from:016x}"), %error, "a message about states was refused");
        }
        self.send(member, out);
        self.publish_changes(now);
    }

    /// Time at which [`DiscoveryTask::run_due`] is due.
    pub(in crate::agent) fn due(&self) -> Time {
        let publish_at = self.catalog.as_ref().map_or(Time::NEVER, |published| published.publish_at);
        let exchange = self.exchange.as_ref();
        exchange.map_or(Time::NEVER, |exchange| exchange.deadline().min(self.shared.due())).min(publish_at)
    }

    /// Exchanges states with others, and publishes what has changed in the catalog.
    pub(in crate::agent) fn run_due(&mut self, now: Time, member: &mut Member, out: &mut Outbox) {
        self.override_inventions(now, member, out);
        self.follow_generation(now, member);
        if let Some(exchange) = &mut self.exchange
            && self.shared.due() <= now
        {
            if self.shared.run_due(now, exchange.store_mut()) {
                self.publish_shared(now);
            }
            self.publish_changes(now);
        }
        if let Some(exchange) = self.exchange.as_mut().filter(|exchange| exchange.deadline() <= now) {
            exchange.wake(now, &mut SelectedPartners(member), &mut self.outgoing);
            self.send(member, out);
            self.publish_changes(now);
        }
        if let Some(published) = self.catalog.as_mut().filter(|published| published.publish_at <= now) {
            published.publish_at = Time::NEVER;
            published.published_at = now;
            published.snapshots.send_replace(Arc::new(published.catalog.snapshot()));
        }
    }

    /// Ends states that nobody has written who may: those of lives that membership does not know, and the own one at other
    /// members, if they tell more of it than was written in this life. So what an insider has said ends with it.
    fn override_inventions(&mut self, now: Time, member: &mut Member, out: &mut Outbox) {
        let Some(store) = self.exchange.as_mut().map(Exchange::store_mut) else { return };
        if self.hold_at <= now {
            self.hold_at = now + HOLD_INTERVAL;
            let table = member.table();
            let known = |id| table.slot(id).filter(|&slot| table.status(slot).is_some_and(Status::is_member));
            let writers = store.writers().filter_map(|id| Some((id, table.incarnation(known(id)?).generation)));
            let lives: Vec<(Id, u32)> = writers.collect();
            lives.into_iter().for_each(|(id, generation)| store.hold_to(id, generation));
        }
        if self.next_life_at <= now && store.take_contradiction() {
            self.next_life_at = now + NEXT_LIFE_INTERVAL;
            tracing::debug!("others tell more of this member's state than it has written: it takes another generation");
            member.take_next_generation(now, out);
        }
    }

    /// Begins the own state anew if the member has taken another generation: the others expect it of that.
    fn follow_generation(&mut self, now: Time, member: &Member) {
        let generation = member.incarnation().generation;
        if generation != self.generation {
            self.generation = generation;
            self.drop_expired_load(now);
            if let Some(exchange) = &mut self.exchange {
                exchange.store_mut().begin_life(generation);
                let written = self.write_own(now, &Description::default());
                debug_assert_eq!(written, Ok(()));
                self.shared.note_members(now);
            }
        }
    }

    /// Writes the own description into the own state, in place of the one before.
    fn write_own(&mut self, now: Time, before: &Description) -> Result<(), StateError> {
        let Some(store) = self.exchange.as_mut().map(Exchange::store_mut) else { return Ok(()) };
        let pairs = self.own.pairs();
        for key in before.pairs().keys().filter(|key| !pairs.contains_key(*key)) {
            store.delete(now, key);
        }
        for (key, value) in &pairs {
            let ttl = Description::is_load(key).then_some(LOAD_TTL);
            store.set(now, key, value, ttl)?;
        }
        Ok(())
    }

    fn send(&mut self, member: &mut Member, out: &mut Outbox) {
        for (to, payload) in self.outgoing.drain(..) {
            let message = DirectMessage { channel: CHANNEL, payload: payload.into() };
            // Members that have died meanwhile need no answer.
            let _ = member.send_direct(to, message, out);
        }
    }

    /// Takes changes of states over into the shared values and the catalog.
    fn publish_changes(&mut self, now: Time) {
        let Some(exchange) = &mut self.exchange else { return };
        let changes = exchange.store_mut().take_changes();
        if changes.list.is_empty() && changes.missed == 0 {
            return;
        }
        let store = exchange.store();
        let of_others = changes.list.iter().filter(|change| change.member != store.me());
        let mut is_news =
            of_others.fold(false, |any, change| self.shared.read(now, &change.key, change.new.as_deref()) | any);
        if changes.missed > 0 {
            is_news |= self.shared.read_all(now, store);
        }
        if self.catalog.is_some() {
            let members: BTreeSet<Id> = match changes.missed {
                0 => changes.list.iter().map(|change| change.member).collect(),
                _ => store.members().collect(),
            };
            let described = members.into_iter().map(|id| (id, Description::from_pairs(store.keys_of(id))));
            let described: Vec<_> = described.collect();
            self.change_catalog(now, |catalog| {
                described.into_iter().for_each(|(id, description)| catalog.describe(id, description));
            });
        }
        if is_news {
            self.publish_shared(now);
        }
    }

    fn publish_shared(&mut self, now: Time) {
        let view = self.shared.view();
        self.change_catalog(now, |catalog| catalog.set_shared(view));
    }

    /// Changes the catalog, if there is one.
    fn change_catalog(&mut self, now: Time, change: impl FnOnce(&mut Catalog)) {
        if let Some(published) = &mut self.catalog {
            change(&mut published.catalog);
            published.publish_at = published.publish_at.min((published.published_at + PUBLISH_INTERVAL).max(now));
        }
    }
}

/// Members that the selector chooses.
struct SelectedPartners<'a>(&'a mut Member);

impl Partners for SelectedPartners<'_> {
    fn for_news(&mut self, want: usize) -> Vec<Id> {
        self.0.direct_targets(want)
    }

    fn for_repair(&mut self) -> Option<Id> {
        self.0.sync_target()
    }
}

fn record(member: &MemberInfo) -> MemberRecord {
    let pairs = member.pairs().0.into_iter().map(|(key, value)| (key.into(), value.into()));
    MemberRecord::new(Arc::clone(&member.node), member.state)
        .with_zone(&member.zone().unwrap_or_default())
        .with_meta(pairs.collect::<BTreeMap<_, _>>())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::tests::member_of;

    #[test]
    fn a_report_renews_no_other_figure_and_those_that_have_expired_do_not_come_back() {
        let second = |at: u64| Time::ZERO + Span::from_secs(at);
        let load = |name: &str, figure: f64| Report::Load { name: name.to_owned(), figure };
        let keys = |task: &DiscoveryTask| -> Vec<String> {
            let store = task.exchange.as_ref().unwrap().store();
            store.keys_of(store.me()).map(|(key, _)| key.to_owned()).collect()
        };
        let mut member = member_of(1);
        let mut task = DiscoveryTask::new(second(0), &member, Some(WallClock::default()));
        task.report(second(0), &member, &load("reported-once", 17.0)).unwrap();
        for at in (0..40).step_by(10) {
            task.report(second(at), &member, &load("reported", 1.0)).unwrap();
        }
        assert_eq!(keys(&task), ["load/reported"]);
        // Another life has what is still believed.
        member.take_next_generation(second(41), &mut Outbox::default());
        task.follow_generation(second(41), &member);
        assert_eq!(keys(&task), ["load/reported"]);
        member.take_next_generation(second(80), &mut Outbox::default());
        task.follow_generation(second(80), &member);
        assert!(keys(&task).is_empty());
    }

    #[test]
    fn a_change_of_a_record_is_no_reason_to_look_for_keepers_and_a_new_member_is() {
        let second = |at: u64| Time::ZERO + Span::from_secs(at);
        let member = member_of(1);
        let mut task = DiscoveryTask::new(second(0), &member, Some(WallClock::default()));
        let write = SharedWrite::Set { name: "a".to_owned(), value: "b".to_owned() };
        task.write_shared(second(0), &write).unwrap();
        let due = |task: &DiscoveryTask| task.shared.due();
        assert_eq!(due(&task), Time::NEVER);
        task.note(second(1), &member, member.id());
        assert_eq!(due(&task), Time::NEVER);
        // A member that is gone, of which nothing was kept.
        task.note(second(1), &member, 77);
        assert_eq!(due(&task), Time::NEVER);
        task.exchange.as_mut().unwrap().store_mut().admit(77, 1).unwrap();
        task.note(second(1), &member, 77);
        assert!(due(&task) <= second(2));
    }
}
