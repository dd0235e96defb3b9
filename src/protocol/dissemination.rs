//! EventKind rides on which message, how often, and what is sent for the news' sake alone.

use std::sync::Arc;

use swimlab_selectors::Registry;

use super::config::Config;
use super::message::MessageKind;
use super::time::Span;

/// How news spreads.
pub trait Dissemination: Send + Sync {
    /// Whether queued news rides on messages of this kind.
    fn rides_on(&self, kind: MessageKind) -> bool;

    /// How often one piece of news is sent by one member in a group of `n`; 0: it is not passed on.
    fn transmissions(&self, config: &Config, n: u32) -> u32;

    /// Whether who finds news out sends it to everyone at once.
    fn multicasts(&self) -> bool {
        false
    }

    /// Between the probes: every so often, news goes to so many members.
    fn gossip_tick(&self, _settings: &Config) -> Option<(Span, usize)> {
        None
    }

    /// Whether a ping to a suspect always carries the suspicion (Lifeguard's buddy system).
    fn buddy(&self) -> bool {
        false
    }
}

/// The strategies by name.
pub fn disseminations() -> Registry<Arc<dyn Dissemination>> {
    let mut registry: Registry<Arc<dyn Dissemination>> = Registry::new("dissemination");
    registry.register(
        "multicast",
        "Who finds news out sends it to every member at once, and nobody passes it on (basic SWIM).",
        vec![],
        |_, ()| Ok(Arc::new(Multicast)),
    );
    registry.register(
        "piggyback",
        "UpdateKind rides on pings, acks and ping requests, retransmit_mult x retransmit_scale times per member (SWIM).",
        vec![],
        |_, ()| Ok(Arc::new(Piggyback { tick: false, buddy: false })),
    );
    registry.register(
        "gossip",
        "Piggyback, and every gossip_interval what news there is goes to gossip_nodes members (memberlist).",
        vec![],
        |_, ()| Ok(Arc::new(Piggyback { tick: true, buddy: false })),
    );
    registry.register(
        "buddy",
        "Piggyback, and a ping to a suspect always tells it of the suspicion (Lifeguard's buddy system).",
        vec![],
        |_, ()| Ok(Arc::new(Piggyback { tick: false, buddy: true })),
    );
    registry.register("gossip-buddy", "Gossip and buddy together (Lifeguard in memberlist).", vec![], |_, ()| {
        Ok(Arc::new(Piggyback { tick: true, buddy: true }))
    });
    registry
}

struct Multicast;

impl Dissemination for Multicast {
    fn rides_on(&self, _: MessageKind) -> bool {
        false
    }

    fn transmissions(&self, _: &Config, _: u32) -> u32 {
        0
    }

    fn multicasts(&self) -> bool {
        true
    }
}

struct Piggyback {
    tick: bool,
    buddy: bool,
}

impl Dissemination for Piggyback {
    fn rides_on(&self, kind: MessageKind) -> bool {
        kind != MessageKind::Sync
    }

    fn transmissions(&self, config: &Config, n: u32) -> u32 {
        config.retransmit_mult * config.retransmit_scale.whole(n)
    }

    fn gossip_tick(&self, config: &Config) -> Option<(Span, usize)> {
        self.tick.then_some((config.gossip_interval, config.gossip_nodes as usize))
    }

    fn buddy(&self) -> bool {
        self.buddy
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn news_is_sent_on_as_often_as_the_formula_says() {
        let config = Config::of("swim");
        for n in [1, 2, 9, 10, 11, 99, 100, 101, 999, 1000, 123_456, 1_000_000] {
            let formula = 4 * f64::from(n + 1).log10().ceil() as u32;
            assert_eq!(config.dissemination.transmissions(&config, n), formula, "n = {n}");
        }
    }
}
