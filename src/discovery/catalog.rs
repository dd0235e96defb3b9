//! The catalog of members and their services.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use super::change::{Change, ChangeKind};
use super::description::Description;
use super::health::Readiness;
use super::instance::{CatalogMember, Instance};
use super::shared::SharedView;
use super::snapshot::Snapshot;
use crate::protocol::{Id, NodeInfo, Status};

/// The services of all members. See the [module](super).
#[derive(Debug, Default)]
pub struct Catalog {
    entries: BTreeMap<Id, Arc<CatalogMember>>,
    /// Descriptions of members that are not known yet, or not any more.
    early: BTreeMap<Id, Description>,
    /// The instances of each service, by the member's id.
    instances: BTreeMap<Box<str>, BTreeMap<Id, Instance>>,
    changes: VecDeque<Arc<Change>>,
    index: u64,
    published: Snapshot,
    /// Services whose instances differ from the published ones.
    outdated: BTreeSet<Box<str>>,
    members_are_outdated: bool,
}

/// A failure detector's record of a member.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct MemberRecord {
    /// Id, name, address, location and metadata.
    pub node: Arc<NodeInfo>,
    /// The member's state.
    pub status: Status,
    /// The names of its zone path, with slashes in between; empty if it has none.
    pub zone: Box<str>,
    /// Its metadata as pairs.
    pub meta: BTreeMap<Box<str>, Box<str>>,
}

impl MemberRecord {
    /// A member without zone and metadata.
    pub fn new(node: Arc<NodeInfo>, status: Status) -> Self {
        Self { node, status, zone: "".into(), meta: BTreeMap::new() }
    }

    /// The same member in this zone.
    #[must_use]
    pub fn with_zone(self, zone: &str) -> Self {
        Self { zone: zone.into(), ..self }
    }

    /// The same member with these metadata.
    #[must_use]
    pub fn with_meta(self, meta: BTreeMap<Box<str>, Box<str>>) -> Self {
        Self { meta, ..self }
    }
}

impl Catalog {
    /// The most changes that are kept for readers that fall behind.
    pub const CHANGE_LIMIT: usize = 1024;
    /// The most descriptions kept of members that are not known yet.
    pub const EARLY_LIMIT: usize = 1024;

    /// Sets what a failure detector knows of a member. The dead and departed are removed.
    pub fn set_member(&mut self, record: MemberRecord) {
        let MemberRecord { node, status, zone, meta } = record;
        let id = node.peer.id;
        if !status.is_member() {
            return self.remove(id);
        }
        let description = match self.entries.get(&id) {
            Some(known) => known.description.clone(),
            None => self.early.remove(&id).unwrap_or_default(),
        };
        self.put(id, CatalogMember { node, status, zone, meta, description });
    }

    /// Sets a member's state. The dead and departed are removed; of members that are not known nothing is noted.
    pub fn set_status(&mut self, id: Id, status: Status) {
        if !status.is_member() {
            self.remove(id);
        } else if let Some(known) = self.entries.get(&id).filter(|known| known.status != status) {
            let member = CatalogMember { status, ..CatalogMember::clone(known) };
            self.put(id, member);
        }
    }

    /// Sets a member's description of itself. It is kept for a member that is not known yet.
    pub fn describe(&mut self, id: Id, description: Description) {
        match self.entries.get(&id) {
            Some(known) if known.description == description => {}
            Some(known) => {
                let member = CatalogMember { description, ..CatalogMember::clone(known) };
                self.put(id, member);
            }
            None => {
                if self.early.len() >= Self::EARLY_LIMIT && !self.early.contains_key(&id) {
                    self.early.pop_first();
                }
                self.early.insert(id, description);
            }
        }
    }

    /// Replaces the values that the group shares, which snapshots have beside the members.
    pub fn set_shared(&mut self, shared: SharedView) {
        self.published.shared = Arc::new(shared);
    }

    /// The catalog as it is now.
    pub fn snapshot(&mut self) -> Snapshot {
        if std::mem::take(&mut self.members_are_outdated) {
            self.published.members = Arc::new(self.entries.clone());
        }
        for name in std::mem::take(&mut self.outdated) {
            match self.instances.get(&name) {
                Some(instances) => {
                    let mut instances: Vec<Instance> = instances.values().cloned().collect();
                    instances.sort_by(|a, b| order(a).cmp(&order(b)));
                    self.published.services.insert(name, instances.into());
                }
                None => {
                    self.published.services.remove(&name);
                }
            }
        }
        if self.published.index != self.index {
            self.published.index = self.index;
            self.published.changes.clone_from(&self.changes);
        }
        self.published.clone()
    }

    fn remove(&mut self, id: Id) {
        self.early.remove(&id);
        if let Some(member) = self.entries.remove(&id) {
            self.members_are_outdated = true;
            for name in member.description.services.keys() {
                self.remove_instance(name, id);
            }
        }
    }

    /// Puts a member into its place, and its services into theirs.
    fn put(&mut self, id: Id, member: CatalogMember) {
        let member = Arc::new(member);
        self.members_are_outdated = true;
        let before = self.entries.insert(id, Arc::clone(&member));
        for name in before.iter().flat_map(|before| before.description.services.keys()) {
            if !member.description.services.contains_key(name) {
                self.remove_instance(name, id);
            }
        }
        for (name, service) in &member.description.services {
            let Some(readiness) = Readiness::of(member.status, &member.description.health, &service.health) else {
                continue;
            };
            let instance = Instance { service: Arc::clone(service), member: Arc::clone(&member), readiness };
            let before = self.instances.entry(name.clone()).or_default().insert(id, instance.clone());
            self.outdated.insert(name.clone());
            match before {
                None => self.note(ChangeKind::Added, instance),
                Some(before) if !is_same_apart_from_load(&before, &instance) => {
                    self.note(ChangeKind::Updated, instance)
                }
                Some(_) => {}
            }
        }
    }

    fn remove_instance(&mut self, name: &str, id: Id) {
        let Some(instances) = self.instances.get_mut(name) else { return };
        let removed = instances.remove(&id);
        if instances.is_empty() {
            self.instances.remove(name);
        }
        if let Some(instance) = removed {
            self.outdated.insert(name.into());
            self.note(ChangeKind::Removed, instance);
        }
    }

    fn note(&mut self, kind: ChangeKind, instance: Instance) {
        self.index += 1;
        if self.changes.len() == Self::CHANGE_LIMIT {
            self.changes.pop_front();
        }
        self.changes.push_back(Arc::new(Change { index: self.index, kind, instance }));
    }
}

fn order(instance: &Instance) -> (Readiness, &str, Id) {
    let node = &instance.member.node;
    (instance.readiness, &node.name, node.peer.id)
}

fn is_same_apart_from_load(before: &Instance, after: &Instance) -> bool {
    let (a, b) = (&*before.member, &*after.member);
    before.readiness == after.readiness
        && before.service == after.service
        && (&a.node, a.status, &a.zone, &a.meta) == (&b.node, b.status, &b.zone, &b.meta)
        && a.description.is_same_apart_from_load(&b.description)
}
