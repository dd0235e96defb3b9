//! Service discovery of an agent: its catalog, for readers in other tasks.

#[cfg(all(test, feature = "discovery"))]
pub(super) mod sample;
mod shared;
mod summary;
mod task;

use std::sync::Arc;

use tokio::sync::watch;

pub use summary::{CatalogMemberSummary, InstanceSummary, ServiceSummary, SharedSummary};
pub(super) use task::DiscoveryTask;

use crate::discovery::{Change, Instance, Since, Snapshot};

/// Handle of an agent's catalog of services. Reading it asks the agent nothing, so that readers delay no probe.
///
/// ```
/// use swimlab::agent::{Agent, WatchEvent};
/// use swimlab::discovery::{Description, Service};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let agent = Agent::builder().name("a").spawn().await?;
/// let discovery = agent.discovery().await?;
/// let mut web = discovery.watch("web");
/// assert_eq!(web.next().await, Some(WatchEvent::Snapshot(Vec::new())));
///
/// agent.describe(Description::default().with_service(Service::new("web", 8080)?)).await?;
/// let Some(WatchEvent::Change(change)) = web.next().await else { panic!("a change") };
/// assert_eq!(change.instance.service.port, 8080);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Discovery {
    snapshots: watch::Receiver<Arc<Snapshot>>,
}

/// Reader of one service's instances: see [`Discovery::watch`].
#[derive(Clone, Debug)]
pub struct Watch {
    snapshots: watch::Receiver<Arc<Snapshot>>,
    /// `None`: of all services.
    service: Option<Box<str>>,
    /// The index of the latest change that was read; `None` before the first snapshot.
    index: Option<u64>,
    /// Changes that are read but not handed out yet, the latest first.
    pending: Vec<Arc<Change>>,
}

/// News of a service.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum WatchEvent {
    /// All instances, at the beginning and after [`WatchEvent::Missed`].
    Snapshot(Vec<Instance>),
    /// One instance was added, updated or removed.
    Change(Arc<Change>),
    /// The reader was too slow and lost this number of changes, of any service. A snapshot follows.
    Missed(u64),
}

impl Discovery {
    /// The catalog as it is now, at most 50 ms old.
    pub fn snapshot(&self) -> Arc<Snapshot> {
        Arc::clone(&self.snapshots.borrow())
    }

    /// Follows a service: a snapshot first, then changes.
    pub fn watch(&self, service: &str) -> Watch {
        self.reader(Some(service.to_ascii_lowercase().into()), None)
    }

    /// Follows all services: a snapshot first, then changes.
    pub fn watch_all(&self) -> Watch {
        self.reader(None, None)
    }

    /// Follows all services, or one, from the change after this index on, as a reader that has read it before.
    pub fn watch_since(&self, service: Option<&str>, index: u64) -> Watch {
        self.reader(service.map(|name| name.to_ascii_lowercase().into()), Some(index))
    }

    /// The handle of a catalog without members, which never changes.
    #[cfg(feature = "discovery")]
    pub(super) fn empty() -> Self {
        Self { snapshots: watch::channel(Arc::default()).1 }
    }

    fn reader(&self, service: Option<Box<str>>, index: Option<u64>) -> Watch {
        Watch { snapshots: self.snapshots.clone(), service, index, pending: Vec::new() }
    }
}

impl Watch {
    /// The index of the latest change that the snapshot or the changes handed out so far have.
    #[cfg(feature = "discovery")]
    pub(super) fn index(&self) -> Option<u64> {
        self.index.map(|index| self.pending.last().map_or(index, |next| next.index - 1))
    }

    /// The next news; `None` once the agent has ended. Dropping the future loses nothing.
    pub async fn next(&mut self) -> Option<WatchEvent> {
        loop {
            if let Some(change) = self.pending.pop() {
                return Some(WatchEvent::Change(change));
            }
            let current = Arc::clone(&self.snapshots.borrow_and_update());
            let Some(index) = self.index else {
                self.index = Some(current.index());
                return Some(WatchEvent::Snapshot(self.instances(&current)));
            };
            // A reader from before a restart of the agent may be ahead.
            let since = if index > current.index() { Since::Missed(0) } else { current.since(index) };
            match since {
                Since::Missed(missed) => {
                    self.index = None;
                    return Some(WatchEvent::Missed(missed));
                }
                Since::Changes(changes) => {
                    self.index = Some(current.index());
                    let wanted = |change: &Arc<Change>| {
                        self.service.as_ref().is_none_or(|name| *name == change.instance.service.name)
                    };
                    self.pending = changes.into_iter().rev().filter(wanted).collect();
                }
            }
            if self.pending.is_empty() {
                self.snapshots.changed().await.ok()?;
            }
        }
    }

    fn instances(&self, snapshot: &Snapshot) -> Vec<Instance> {
        match &self.service {
            Some(name) => snapshot.instances(name).to_vec(),
            None => snapshot.filtered(&Default::default()).cloned().collect(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::sleep;

    use super::*;
    use crate::agent::{Agent, CommandError};
    use crate::discovery::{Catalog, ChangeKind, Description, MemberRecord, Service};
    use crate::protocol::{Address, NodeInfo, Status};
    use swimlab_selectors::Peer;

    fn offering(name: &str, port: u16) -> Description {
        Description::default().with_service(Service::new(name, port).unwrap())
    }

    fn catalog() -> Catalog {
        let mut catalog = Catalog::default();
        let node = NodeInfo::new(Peer::new(1), Address { ip: [0; 16], port: 1 });
        catalog.set_member(MemberRecord::new(Arc::new(node), Status::Alive));
        catalog
    }

    #[tokio::test]
    async fn a_reader_of_a_service_gets_its_instances_and_then_its_changes_until_the_agent_ends() {
        let agent = Agent::builder().name("a").spawn().await.unwrap();
        let mut web = agent.discovery().await.unwrap().watch("WEB");
        assert_eq!(web.next().await, Some(WatchEvent::Snapshot(Vec::new())));
        agent.describe(offering("db", 1)).await.unwrap();
        agent.describe(offering("web", 80)).await.unwrap();
        let Some(WatchEvent::Change(change)) = web.next().await else { panic!("a change") };
        assert_eq!((change.kind, change.instance.service.port), (ChangeKind::Added, 80));
        assert_eq!(*change.instance.member.node.name, *"a");
        agent.describe(Description::default()).await.unwrap();
        let Some(WatchEvent::Change(change)) = web.next().await else { panic!("a change") };
        assert_eq!(change.kind, ChangeKind::Removed);
        agent.stop().await;
        assert_eq!(web.next().await, None);
    }

    #[tokio::test]
    async fn the_catalog_follows_joins_metadata_and_departures() {
        let first = Agent::builder().name("a").spawn().await.unwrap();
        let discovery = first.discovery().await.unwrap();
        let second = Agent::builder().name("b").join([first.addr().to_string()]).spawn().await.unwrap();
        let names = || discovery.snapshot().members().map(|member| member.node.name.to_string()).collect::<Vec<_>>();
        let until = async |is_so: &dyn Fn() -> bool| {
            while !is_so() {
                sleep(Duration::from_millis(5)).await;
            }
        };
        until(&|| names().len() == 2).await;
        first.set_meta("rack=7").await.unwrap();
        let filter = "meta.rack=7".parse().unwrap();
        let allows =
            || discovery.snapshot().members().any(|member| crate::discovery::Filter::allows_member(&filter, member));
        until(&allows).await;
        second.leave().await;
        until(&|| names() == ["a"]).await;
    }

    #[tokio::test]
    async fn what_a_member_offers_is_known_to_the_others_also_to_those_that_join_later_until_it_leaves() {
        let first = Agent::builder().name("a").spawn().await.unwrap();
        let seed = first.addr().to_string();
        let second = Agent::builder().name("b").join([seed.clone()]).spawn().await.unwrap();
        let mut web = first.discovery().await.unwrap().watch("web");
        assert_eq!(web.next().await, Some(WatchEvent::Snapshot(Vec::new())));
        second.describe(offering("web", 80)).await.unwrap();
        let Some(WatchEvent::Change(change)) = web.next().await else { panic!("a change") };
        assert_eq!((change.kind, &*change.instance.member.node.name), (ChangeKind::Added, "b"));

        let third = Agent::builder().name("c").join([seed]).spawn().await.unwrap();
        let mut later = third.discovery().await.unwrap().watch("web");
        while !matches!(later.next().await, Some(WatchEvent::Change(change)) if change.kind == ChangeKind::Added) {}
        second.describe(offering("web", 81)).await.unwrap();
        let Some(WatchEvent::Change(change)) = later.next().await else { panic!("a change") };
        assert_eq!((change.kind, change.instance.service.port), (ChangeKind::Updated, 81));
        second.leave().await;
        while !matches!(later.next().await, Some(WatchEvent::Change(change)) if change.kind == ChangeKind::Removed) {}
    }

    #[tokio::test]
    async fn a_description_that_no_state_holds_is_refused_and_the_one_before_stays() {
        let agent = Agent::builder().name("a").spawn().await.unwrap();
        let discovery = agent.discovery().await.unwrap();
        agent.describe(offering("web", 80)).await.unwrap();
        let services = (0..300).map(|n| Service::new(&format!("s{n}"), 1).unwrap());
        let refused = agent.describe(services.fold(Description::default(), Description::with_service)).await;
        assert!(matches!(refused, Err(CommandError::State(_))), "{refused:?}");
        agent.describe(offering("db", 81)).await.unwrap();
        while discovery.snapshot().services().ne(["db"]) {
            sleep(Duration::from_millis(5)).await;
        }
    }

    #[tokio::test]
    async fn a_slow_reader_is_told_what_it_missed_and_gets_a_snapshot() {
        let mut catalog = catalog();
        let publisher = watch::Sender::new(Arc::new(catalog.snapshot()));
        let discovery = Discovery { snapshots: publisher.subscribe() };
        let mut reader = discovery.watch_all();
        assert_eq!(reader.next().await, Some(WatchEvent::Snapshot(Vec::new())));
        for port in 1..=Catalog::CHANGE_LIMIT as u16 + 7 {
            catalog.describe(1, offering("web", port));
        }
        publisher.send_replace(Arc::new(catalog.snapshot()));
        assert_eq!(reader.next().await, Some(WatchEvent::Missed(7)));
        let Some(WatchEvent::Snapshot(instances)) = reader.next().await else { panic!("a snapshot") };
        assert_eq!(usize::from(instances[0].service.port), Catalog::CHANGE_LIMIT + 7);
        // A reader that comes again goes on where it was, and one from before a restart begins anew.
        let index = discovery.snapshot().index();
        catalog.describe(1, offering("web", 1));
        publisher.send_replace(Arc::new(catalog.snapshot()));
        let Some(WatchEvent::Change(change)) = discovery.watch_since(Some("web"), index).next().await else { panic!() };
        assert_eq!((change.index, change.kind), (index + 1, ChangeKind::Updated));
        assert_eq!(discovery.watch_since(None, index + 9).next().await, Some(WatchEvent::Missed(0)));
    }
}
