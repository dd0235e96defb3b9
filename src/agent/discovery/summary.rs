//! Instances and members as other programs read them, in JSON.

use std::collections::{BTreeMap, BTreeSet};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

use serde::{Deserialize, Serialize};
#[cfg(feature = "discovery")]
use utoipa::ToSchema;

use crate::agent::to_socket;
use crate::discovery::shared::SharedView;
use crate::discovery::{CatalogMember, Health, Instance, Readiness, Service};

/// An instance of a service, as `/v1/services/NAME` and `swimlab services` show it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "discovery", derive(ToSchema))]
#[non_exhaustive]
pub struct InstanceSummary {
    /// The service.
    pub service: String,
    /// The name of the member that offers it.
    pub member: String,
    /// The member's id: 16 hexadecimal digits.
    pub id: String,
    /// The member's IP address.
    #[cfg_attr(feature = "discovery", schema(value_type = String))]
    pub address: IpAddr,
    /// The service's port.
    pub port: u16,
    /// The share of requests that it wants, relative to other instances.
    pub weight: u16,
    /// The service's tags.
    pub tags: BTreeSet<String>,
    /// The names of the member's zone path, with slashes in between; empty if it has none.
    pub zone: String,
    /// The member's kind, if it has one.
    pub kind: Option<String>,
    /// The member's capabilities.
    pub capabilities: BTreeSet<String>,
    /// `passing`, `warning` or `critical`: the worse one of the member's and the service's health.
    pub health: String,
    /// The reason of that; empty if it passes.
    pub reason: String,
    /// `ready`, `degraded`, `suspected` or `failing`.
    pub readiness: String,
    /// Figures that change all the time.
    pub load: BTreeMap<String, f64>,
    /// The member's metadata.
    pub meta: BTreeMap<String, String>,
}

/// Values that the group shares, as `/v1/shared` and `swimlab shared` show them.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "discovery", derive(ToSchema))]
#[non_exhaustive]
pub struct SharedSummary {
    /// The values by name.
    pub values: BTreeMap<String, String>,
    /// The items of each set that has one.
    pub sets: BTreeMap<String, BTreeSet<String>>,
}

impl From<&SharedView> for SharedSummary {
    fn from(view: &SharedView) -> Self {
        let items = |set: &BTreeSet<Box<str>>| set.iter().map(ToString::to_string).collect();
        Self {
            values: view.values.iter().map(|(name, value)| (name.to_string(), value.to_string())).collect(),
            sets: view.sets.iter().map(|(name, set)| (name.to_string(), items(set))).collect(),
        }
    }
}

/// A member with what it says of itself, as `/v1/members` shows it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "discovery", derive(ToSchema))]
#[non_exhaustive]
pub struct CatalogMemberSummary {
    /// The member's name.
    pub name: String,
    /// The member's id: 16 hexadecimal digits.
    pub id: String,
    /// The address that the member advertises, with the port of the membership protocol.
    #[cfg_attr(feature = "discovery", schema(value_type = String))]
    pub addr: SocketAddr,
    /// `alive` or `suspect`.
    pub state: String,
    /// The names of its zone path, with slashes in between; empty if it has none.
    pub zone: String,
    /// Its kind, if it has one.
    pub kind: Option<String>,
    /// Its capabilities.
    pub capabilities: BTreeSet<String>,
    /// The services that it offers.
    pub services: Vec<ServiceSummary>,
    /// `passing`, `warning` or `critical`.
    pub health: String,
    /// The reason of that; empty if it passes.
    pub reason: String,
    /// Figures that change all the time.
    pub load: BTreeMap<String, f64>,
    /// Its metadata.
    pub meta: BTreeMap<String, String>,
}

/// A service of one member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "discovery", derive(ToSchema))]
#[non_exhaustive]
pub struct ServiceSummary {
    /// The name.
    pub name: String,
    /// The port.
    pub port: u16,
    /// The share of requests that it wants, relative to other instances.
    pub weight: u16,
    /// Its tags.
    pub tags: BTreeSet<String>,
    /// `ready`, `degraded`, `suspected` or `failing`.
    pub readiness: String,
}

impl From<&Instance> for InstanceSummary {
    fn from(instance: &Instance) -> Self {
        let Instance { service, member, readiness, .. } = instance;
        let description = &member.description;
        let health = worse(&description.health, &service.health);
        Self {
            service: service.name.to_string(),
            member: member.node.name.to_string(),
            id: format!("{:016x}", member.node.peer.id),
            address: Ipv6Addr::from(member.node.address.ip).to_canonical(),
            port: service.port,
            weight: service.weight,
            tags: texts(&service.tags),
            zone: member.zone.to_string(),
            kind: description.kind.as_ref().map(ToString::to_string),
            capabilities: texts(&description.capabilities),
            health: health.name().to_owned(),
            reason: health.reason().to_owned(),
            readiness: readiness.name().to_owned(),
            load: description.load.iter().map(|(name, value)| (name.to_string(), *value)).collect(),
            meta: meta(member),
        }
    }
}

impl From<&CatalogMember> for CatalogMemberSummary {
    fn from(member: &CatalogMember) -> Self {
        let description = &member.description;
        let services = description.services.values().filter_map(|service| summary(service, member));
        Self {
            name: member.node.name.to_string(),
            id: format!("{:016x}", member.node.peer.id),
            addr: to_socket(member.node.address),
            state: member.status.to_string(),
            zone: member.zone.to_string(),
            kind: description.kind.as_ref().map(ToString::to_string),
            capabilities: texts(&description.capabilities),
            services: services.collect(),
            health: description.health.name().to_owned(),
            reason: description.health.reason().to_owned(),
            load: description.load.iter().map(|(name, value)| (name.to_string(), *value)).collect(),
            meta: meta(member),
        }
    }
}

fn summary(service: &Service, member: &CatalogMember) -> Option<ServiceSummary> {
    let readiness = Readiness::of(member.status, &member.description.health, &service.health)?;
    Some(ServiceSummary {
        name: service.name.to_string(),
        port: service.port,
        weight: service.weight,
        tags: texts(&service.tags),
        readiness: readiness.name().to_owned(),
    })
}

fn worse<'a>(one: &'a Health, other: &'a Health) -> &'a Health {
    if other > one { other } else { one }
}

fn texts(words: &BTreeSet<Box<str>>) -> BTreeSet<String> {
    words.iter().map(ToString::to_string).collect()
}

fn meta(member: &CatalogMember) -> BTreeMap<String, String> {
    member.meta.iter().map(|(key, value)| (key.to_string(), value.to_string())).collect()
}
