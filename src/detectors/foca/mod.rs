//! `foca`: the crate of this name, as its users run it: probes with round robin, a gossip tick, announcements to random
//! members, whose replies contain a part of the group, and to dead members, which come back under a new identity.
//!
//! Its parameters are those of SWIM for which foca has a counterpart, by the same names. Settings that depend on the
//! size of the group are computed once, for the size at the start: foca leaves them to its user.
//!
//! Lost updates are not repeated, so it guarantees no agreement, only that its stores stay bounded.

mod machine;
mod node;

use std::num::{NonZeroU8, NonZeroUsize};
use std::sync::Arc;
use std::time::Duration;

use ::foca::{Config, PeriodicParams};
use swimlab_selectors::{Param, Params, Registry};

use self::machine::FocaFactory;
use self::node::Node;
use super::{Detector, span};
use crate::protocol::Span;
use crate::sim::{Observer, Outcome, Setup, World};

struct Foca {
    period: Span,
    suspicion_mult: f64,
    retransmit_mult: u32,
    /// Settings that do not depend on the size of the group.
    config: Config,
}

impl Detector for Foca {
    fn period(&self) -> Span {
        self.period
    }

    fn run(&self, setup: &Setup, observer: &mut dyn Observer) -> Outcome {
        World::new(setup, FocaFactory::<Node>::new(setup, self.config(setup.members)), observer).run()
    }
}

impl Foca {
    /// As `Config::new_lan` has it in a group of `n`.
    fn config(&self, n: u32) -> Config {
        let suspicion = self.period.scale(self.suspicion_mult * libm::log10(f64::from(n)).max(1.0));
        let transmissions = f64::from(self.retransmit_mult) * libm::log10(f64::from(n) + 1.0);
        Config {
            suspect_to_down_after: duration(suspicion),
            // Above 255 and below 1 the conversion stops at the next.
            max_transmissions: NonZeroU8::new(transmissions as u8).unwrap_or(NonZeroU8::MIN),
            ..self.config.clone()
        }
    }
}

/// Number of dead members tried each time.
const DEAD_TRIED: NonZeroUsize = NonZeroUsize::new(2).unwrap();

pub(super) fn register(registry: &mut Registry<Arc<dyn Detector>>) {
    registry.register(
        "foca",
        "Detector: the crate foca, SWIM with suspicion, a gossip tick and announcements, with its settings for a LAN.",
        params(),
        |p, ()| Ok(Arc::new(build(p)?)),
    );
}

fn params() -> Vec<Param> {
    vec![
        Param::span("period", 1e-3, 3600.0, "1s", "T: between two direct pings"),
        Param::span("probe_timeout", 1e-4, 3600.0, "500ms", "time for a direct ping before helpers are asked"),
        Param::count("indirect", 1, 64, 3, "k: helpers asked for indirect pings").unit("members"),
        Param::real("suspicion_mult", 1e-3, 1000.0, 4.0, "suspicion lasts this x max(1, log10 n) periods"),
        Param::count("retransmit_mult", 1, 100, 4, "each member sends news this x log10(n+1) times, rounded down"),
        Param::count("packet_bytes", 256, 65_000, 1400, "the largest datagram").unit("bytes"),
        Param::span("gossip_interval", 1e-3, 3600.0, "200ms", "between two gossip messages"),
        Param::count("gossip_nodes", 0, 64, 3, "who gets one each time; 0: no gossip").unit("members"),
        Param::span("sync_interval", 0.0, 86_400.0, "30s", "between two announcements to a random member; 0s: none"),
        Param::span("dead_retention", 1.0, 1e7, "1d", "time for which the record of a dead member is kept"),
        Param::count("reconnect_every", 0, 100_000, 65, "two of the dead are tried every so often; 0: never")
            .unit("periods"),
        Param::flag("anti_entropy", true, "whether the dead are told that they are held dead"),
    ]
}

fn build(p: &Params) -> Result<Foca, String> {
    let (period, probe_timeout) = (span(p, "period")?, span(p, "probe_timeout")?);
    if probe_timeout >= period {
        return Err(format!("probe_timeout ({probe_timeout}) must be shorter than period ({period})"));
    }
    let many = |name| Ok::<_, String>(NonZeroUsize::new(p.count(name)? as usize));
    let every = |interval: Span, members: Option<NonZeroUsize>| {
        let num_members = members.filter(|_| interval > Span::ZERO)?;
        Some(PeriodicParams { frequency: duration(interval), num_members })
    };
    let config = Config {
        probe_period: duration(period),
        probe_rtt: duration(probe_timeout),
        num_indirect_probes: many("indirect")?.ok_or("indirect must be at least 1")?,
        remove_down_after: Some(duration(span(p, "dead_retention")?)),
        max_packet_size: many("packet_bytes")?.ok_or("packet_bytes must be at least 1")?,
        notify_down_members: p.flag("anti_entropy")?,
        periodic_announce: every(span(p, "sync_interval")?, Some(NonZeroUsize::MIN)),
        periodic_announce_to_down_members: every(period * u64::from(p.count("reconnect_every")?), Some(DEAD_TRIED)),
        periodic_gossip: every(span(p, "gossip_interval")?, many("gossip_nodes")?),
        ..Config::simple()
    };
    let (suspicion_mult, retransmit_mult) = (p.real("suspicion_mult")?, p.count("retransmit_mult")?);
    Ok(Foca { period, suspicion_mult, retransmit_mult, config })
}

fn duration(span: Span) -> Duration {
    Duration::from_micros(span.as_micros())
}

#[cfg(test)]
mod tests;
