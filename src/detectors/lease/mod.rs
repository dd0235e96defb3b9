//! `lease`: a central registry, as etcd, Consul, ZooKeeper and Eureka are used to find services. Every member has a lease
//! with the registry that ends unless it is renewed in time, and reads the registry's list of members now and then. A
//! member that cannot reach the registry keeps the list that it has.
//!
//! The registry is the first member of the world. With several registries each of the first members is one: members
//! renew with all of them and read the list of one, the next one if it does not answer for a second. The copies are not replicated by
//! consensus, so that a part of a group that is cut off with a registry has a list of its own; with etcd, it has none.
//!
//! A crash is known to a reader a time to live after the last renewal, when it reads the list next: in the mean after
//! ttl - period / 2 + poll / 2, and to the last of many readers after ttl - period / 2 + poll.
//!
//! It guarantees no agreement: if the registries crash, nobody learns of anything.

mod member;
mod message;
mod registry;

use std::sync::Arc;

use swimlab_selectors::{Param, Params, Registry};

use self::member::LeaseFactory;
use super::{Detector, span};
use crate::protocol::Span;
use crate::sim::{Observer, Outcome, Setup, World};

/// The parameters.
#[derive(Clone, Debug)]
struct Lease {
    /// The time between two renewals of a lease.
    period: Span,
    /// The time for which a lease lasts unless it is renewed.
    ttl: Span,
    /// The time between two readings of the list.
    poll: Span,
    registries: u32,
}

impl Lease {
    fn of(p: &Params) -> Result<Self, String> {
        let (period, ttl, poll) = (span(p, "period")?, span(p, "ttl")?, span(p, "poll")?);
        if ttl <= period {
            return Err(format!("ttl ({ttl}) must be longer than period ({period}), after which a lease is renewed"));
        }
        Ok(Self { period, ttl, poll, registries: p.count("registries")? })
    }
}

impl Detector for Lease {
    fn period(&self) -> Span {
        self.period
    }

    fn run(&self, setup: &Setup, observer: &mut dyn Observer) -> Outcome {
        World::new(setup, LeaseFactory::new(setup, self.clone()), observer).run()
    }
}

pub(super) fn register(registry: &mut Registry<Arc<dyn Detector>>) {
    registry.register(
        "lease",
        "Detector: members renew leases with a central registry, the first member, and read its list.",
        vec![
            Param::span("period", 1e-3, 3600.0, "3s", "T: time between two renewals of a lease"),
            Param::span("ttl", 2e-3, 86_400.0, "10s", "time for which a lease lasts unless it is renewed"),
            Param::span("poll", 1e-3, 3600.0, "1s", "time between two readings of the registry's list"),
            Param::count("registries", 1, 7, 1, "the first members, each of which is a registry").unit("members"),
        ],
        |p, ()| Ok(Arc::new(Lease::of(p)?)),
    );
}

#[cfg(test)]
mod tests;
