//! The part of an agent's task that keeps its catalog.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

use super::Discovery;
use crate::agent::event::MemberInfo;
use crate::discovery::{Catalog, MemberRecord, Snapshot};
use crate::protocol::{Span, Time};

/// Time between two publications of the catalog: changes at the same moment are published together.
const PUBLISH_INTERVAL: Span = Span::from_millis(50);

/// A catalog that follows an agent's member. It costs nothing before somebody wants to read it.
#[derive(Debug, Default)]
pub(in crate::agent) struct Follower(Option<Following>);

#[derive(Debug)]
struct Following {
    catalog: Catalog,
    snapshots: watch::Sender<Arc<Snapshot>>,
    /// The time at which the catalog is published next; [`Time::NEVER`] while nothing has changed.
    publish_at: Time,
    published_at: Time,
}

impl Follower {
    /// The handle for readers. `members` are all that the agent has a record of, for the first one.
    pub(in crate::agent) fn reader(&mut self, now: Time, members: impl FnOnce() -> Vec<MemberInfo>) -> Discovery {
        let following = self.0.get_or_insert_with(|| {
            let mut catalog = Catalog::default();
            members().iter().for_each(|member| catalog.set_member(record(member)));
            let snapshots = watch::Sender::new(Arc::new(catalog.snapshot()));
            Following { catalog, snapshots, publish_at: Time::NEVER, published_at: now }
        });
        Discovery { snapshots: following.snapshots.subscribe() }
    }

    /// Notes a member's new record.
    pub(in crate::agent) fn note(&mut self, now: Time, member: impl FnOnce() -> Option<MemberInfo>) {
        if self.0.is_some()
            && let Some(member) = member()
        {
            self.change(now, |catalog| catalog.set_member(record(&member)));
        }
    }

    /// Changes the catalog, if there is one.
    pub(in crate::agent) fn change(&mut self, now: Time, change: impl FnOnce(&mut Catalog)) {
        if let Some(following) = &mut self.0 {
            change(&mut following.catalog);
            following.publish_at = following.publish_at.min((following.published_at + PUBLISH_INTERVAL).max(now));
        }
    }

    /// Time of the next publication.
    pub(in crate::agent) fn due(&self) -> Time {
        self.0.as_ref().map_or(Time::NEVER, |following| following.publish_at)
    }

    /// Publishes what has changed.
    pub(in crate::agent) fn publish(&mut self, now: Time) {
        if let Some(following) = &mut self.0 {
            following.publish_at = Time::NEVER;
            following.published_at = now;
            following.snapshots.send_replace(Arc::new(following.catalog.snapshot()));
        }
    }
}

fn record(member: &MemberInfo) -> MemberRecord {
    let pairs = member.pairs().0.into_iter().map(|(key, value)| (key.into(), value.into()));
    MemberRecord::new(Arc::clone(&member.node), member.state)
        .with_zone(&member.zone().unwrap_or_default())
        .with_meta(pairs.collect::<BTreeMap<_, _>>())
}
