//! Members of a catalog, and what they offer.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::description::Description;
use super::health::Readiness;
use super::service::Service;
use crate::protocol::{NodeInfo, Status};

/// A member in a catalog.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct CatalogMember {
    /// Id, name, address, location and metadata.
    pub node: Arc<NodeInfo>,
    /// Alive or suspect.
    pub status: Status,
    /// The names of its zone path, the largest first, with slashes in between; empty if it has none.
    pub zone: Box<str>,
    /// Its metadata as pairs.
    pub meta: BTreeMap<Box<str>, Box<str>>,
    /// Its description of itself.
    pub description: Description,
}

/// An instance of a service: what one member offers.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct Instance {
    /// The service with its port.
    pub service: Arc<Service>,
    /// The member that offers it.
    pub member: Arc<CatalogMember>,
    /// Whether it can be used.
    pub readiness: Readiness,
}
