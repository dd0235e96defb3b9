//! Services on top of membership, sans-I/O.
//!
//! SWIM tells which members are alive; programs look for services. A [`Catalog`] is fed with what a failure detector reports
//! about members, and with what members say about themselves ([`Description`]), and answers which instances of a service
//! there are and which of them are ready. It knows no socket and no clock: an agent and a simulated world feed it alike.
//!
//! | membership | passing | warning | critical |
//! |---|---|---|---|
//! | alive | [`Ready`](Readiness::Ready) | [`Degraded`](Readiness::Degraded) | [`Failing`](Readiness::Failing) |
//! | suspected | [`Suspected`](Readiness::Suspected) | [`Suspected`](Readiness::Suspected) | [`Failing`](Readiness::Failing) |
//! | dead, left | not in the catalog | not in the catalog | not in the catalog |
//!
//! The columns are the worse one of what the member says of itself and of the service. Instances are sorted by readiness in
//! this order; ready and degraded ones are healthy.
//!
//! [`state`] holds each member's key-value state and reconciles it among the members; [`shared`] has the values that any
//! member may write, and [`merge`] the rules for writes at the same time.
//!
//! ```
//! use std::sync::Arc;
//! use swimlab::discovery::{Catalog, Description, MemberRecord, Service};
//! use swimlab::protocol::{Address, NodeInfo, Status};
//! use swimlab_selectors::Peer;
//!
//! let mut catalog = Catalog::default();
//! let node = Arc::new(NodeInfo::new(Peer::new(7), Address { ip: [0; 16], port: 7946 }));
//! catalog.set_member(MemberRecord::new(node, Status::Alive));
//! catalog.describe(7, Description::default().with_service(Service::new("web", 8080)?));
//! assert_eq!(catalog.snapshot().instances("web").len(), 1);
//!
//! catalog.set_status(7, Status::Dead);
//! assert!(catalog.snapshot().instances("web").is_empty());
//! # Ok::<(), swimlab::discovery::ServiceError>(())
//! ```

mod catalog;
mod change;
mod description;
mod filter;
mod health;
mod instance;
#[cfg(test)]
mod limit_table;
pub mod merge;
mod report;
mod service;
pub mod shared;
mod snapshot;
pub mod state;
#[cfg(test)]
mod tests;

pub use catalog::{Catalog, MemberRecord};
pub use change::{Change, ChangeKind};
pub use description::Description;
pub use filter::{Filter, FilterError};
pub use health::{Health, Readiness};
pub use instance::{CatalogMember, Instance};
#[cfg(test)]
pub(crate) use limit_table::stated_limits;
pub use report::{Report, ReportError};
pub use service::{Service, ServiceError, check_word, is_dns_label};
pub use snapshot::{Since, Snapshot};
