//! A small group for tests of the interfaces to a catalog.

use std::net::IpAddr;
use std::sync::Arc;

use swimlab_selectors::Peer;
use tokio::sync::watch;

use super::Discovery;
use crate::agent::to_address;
use crate::discovery::{Catalog, Description, Health, MemberRecord, Service, Snapshot};
use crate::protocol::{Id, NodeInfo, Status};

impl Discovery {
    /// The handle of a catalog that changes as the test sends snapshots.
    pub(in crate::agent) fn of(snapshot: Snapshot) -> (watch::Sender<Arc<Snapshot>>, Self) {
        let (snapshots, receiver) = watch::channel(Arc::new(snapshot));
        (snapshots, Self { snapshots: receiver })
    }
}

/// A member's record.
pub(in crate::agent) fn member(id: Id, name: &str, ip: &str, zone: &str) -> MemberRecord {
    let ip: IpAddr = ip.parse().unwrap();
    let node = NodeInfo { name: name.into(), ..NodeInfo::new(Peer::new(id), to_address((ip, 7946).into())) };
    MemberRecord::new(Arc::new(node), Status::Alive).with_zone(zone)
}

/// A service with a weight and tags.
pub(in crate::agent) fn service(name: &str, port: u16, weight: u16, tags: &[&str]) -> Service {
    let mut service = Service { weight, ..Service::new(name, port).unwrap() };
    tags.iter().for_each(|tag| service.add_tag(tag).unwrap());
    service
}

/// Four members in two zones: of the service `web` one instance is ready, one warns, one is suspected and one critical.
pub(in crate::agent) fn catalog() -> Catalog {
    let mut catalog = Catalog::default();
    let meta = [("rack".into(), "r1".into()), ("metrics-path".into(), "/m".into())];
    catalog.set_member(member(1, "alpha", "10.0.0.1", "eu-west/a").with_meta(meta.into()));
    catalog.set_member(member(2, "Beta_2", "10.0.0.2", "eu-west/b"));
    catalog.set_member(member(3, "gamma", "fd00::3", "us-east"));
    catalog.set_member(member(4, "delta", "10.0.0.4", ""));
    catalog.set_status(4, Status::Suspect);
    let backend = Description {
        kind: Some("backend".into()),
        capabilities: ["gpu".into(), "llama-70b".into()].into(),
        load: [("requests".into(), 3.0)].into(),
        ..Description::default()
    };
    catalog.describe(1, backend.with_service(service("web", 8080, 5, &["v2", "canary"])));
    let slow = Service { health: Health::Warning("slow".into()), ..service("web", 8081, 1, &["v1"]) };
    catalog.describe(2, Description::default().with_service(slow).with_service(service("db", 5432, 1, &[])));
    let broken = Service { health: Health::Critical("no disk".into()), ..service("web", 8082, 1, &["v3"]) };
    catalog.describe(3, Description::default().with_service(broken).with_service(service("db", 5433, 1, &[])));
    catalog.describe(4, Description::default().with_service(service("web", 8083, 1, &["v2"])));
    catalog
}
