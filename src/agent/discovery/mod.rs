//! Service discovery of an agent: its catalog, for readers in other tasks.

mod follower;

use std::sync::Arc;

use tokio::sync::watch;

pub(super) use follower::Follower;

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

    fn reader(&self, service: Option<Box<str>>, index: Option<u64>) -> Watch {
        Watch { snapshots: self.snapshots.clone(), service, index, pending: Vec::new() }
    }
}

impl Watch {
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
