//! DNS server of an agent: services and members of a cluster as names of one zone (RFC 1035, RFC 2782, RFC 6891).
//!
//! | name | records |
//! |---|---|
//! | `SERVICE.service.DOMAIN` | SRV, A and AAAA of its healthy instances |
//! | `SERVICE.service.ZONE.DOMAIN` | the same of the members whose zone path has the component `ZONE` |
//! | `TAG.SERVICE.service.DOMAIN`, also with a zone | the same of the instances with this tag |
//! | `NODE.node.DOMAIN` | A or AAAA of a member, by its name, or by `xid-` and the 16 digits of its id |
//! | `DOMAIN` | SOA and NS |
//!
//! All records have the TTL 0. Names outside the zone are refused: the server asks no other one.

mod answer;
mod domain;
#[cfg(test)]
mod limit_table;
mod question;
mod server;
#[cfg(test)]
mod tests;
mod weighted_order;

pub use domain::{DnsDomain, DomainError};
#[cfg(test)]
pub(super) use limit_table::stated_limits;
#[cfg(test)]
pub(super) use server::TCP_LIMITS;
pub use server::{DnsSockets, serve_dns};
