//! What breaks, when, and for whom: the faults of a trial as values.

use swimlab_selectors::{Param, Params, Registry};

use crate::protocol::Span;

/// One fault of a trial.
#[derive(Clone, Debug, PartialEq)]
pub struct Fault {
    /// What it does.
    pub kind: FaultKind,
    /// When it begins, after the warm-up.
    pub at: Span,
    /// Whom it strikes.
    pub target: Target,
    /// How many times it strikes, with targets chosen anew each time.
    pub times: u32,
    /// The time between two such strikes.
    pub every: Span,
}

/// What a fault does to its targets.
#[derive(Clone, Debug, PartialEq)]
pub enum FaultKind {
    /// They stop for good.
    Crash,
    /// They stop, and begin again after `down`: same id, next generation, joining through seeds.
    Restart {
        /// How long they are down.
        down: Span,
    },
    /// They leave of their own will.
    Leave,
    /// New members join through seeds.
    Join,
    /// Each time, the targets crash and as many new members join.
    Churn,
    /// Their timers run, but sends are held and received packets queue up; all go through in order at the end.
    Slow {
        /// Whether what calls a send stands still in it, as a thread does, instead of going on.
        blocking: bool,
        /// How long.
        lasts: Span,
        /// The most packets that queue up in each direction; further ones are dropped.
        queue: u32,
        /// How long they take for each packet that queued up, once that is over; later ones wait their turn.
        catch_up: Span,
    },
    /// They stand still, timers too (SIGSTOP). Afterwards queued packets come before overdue timers.
    Pause {
        /// How long.
        lasts: Span,
        /// The most packets that queue up; further ones are dropped.
        queue: u32,
    },
    /// Packets from or to them are lost by chance, besides the network's own loss.
    Loss {
        /// The probability for each packet.
        rate: f64,
        /// Which packets.
        direction: Direction,
        /// How long.
        lasts: Span,
    },
    /// Nothing passes between them and the others.
    Partition {
        /// Which packets are cut, as seen from the targets.
        direction: Direction,
        /// How long.
        lasts: Span,
    },
    /// A partition that comes and goes.
    FlipFlop {
        /// Which packets are cut, as seen from the targets.
        direction: Direction,
        /// How long it is cut each time.
        on: Span,
        /// How long it is whole each time.
        off: Span,
        /// How long in all.
        lasts: Span,
    },
}

/// Which packets of a target a fault touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Those that it receives.
    In,
    /// Those that it sends.
    Out,
    /// Both.
    Both,
}

/// Whom a fault strikes.
#[derive(Clone, Debug, PartialEq)]
pub enum Target {
    /// So many running members, at random.
    Random(u32),
    /// A share of all running members, at random; at least one.
    Share(f64),
    /// These members, by their numbers.
    Members(Vec<u32>),
    /// All members of one zone; a random one if no name is given.
    Zone(Option<String>),
    /// All members of one region; a random one if no name is given.
    Region(Option<String>),
}

impl Fault {
    /// The most members that this fault can make join, in a group that begins with so many.
    pub fn joiners(&self, members: u32) -> u32 {
        if !matches!(self.kind, FaultKind::Join | FaultKind::Churn) {
            return 0;
        }
        let each = match &self.target {
            Target::Random(count) => *count,
            Target::Share(share) => libm::ceil(share * f64::from(members)) as u32,
            Target::Members(list) => list.len() as u32,
            Target::Zone(_) | Target::Region(_) => members,
        };
        each.saturating_mul(self.times)
    }
}

/// The faults by name, as `[[fault]]` tables spell them.
pub fn faults() -> Registry<Fault> {
    let mut registry = Registry::new("fault");
    registry.register("crash", "Members stop for good.", params(&[]), |p, ()| fault(p, FaultKind::Crash));
    registry.register(
        "restart",
        "Members stop and begin again: same id, next generation, joining through seeds.",
        params(&[Param::span("down", 0.0, 1e6, "5s", "how long they are down")]),
        |p, ()| fault(p, FaultKind::Restart { down: span(p, "down") }),
    );
    registry.register("leave", "Members leave of their own will.", params(&[]), |p, ()| fault(p, FaultKind::Leave));
    registry.register("join", "New members join through seeds.", params(&[]), |p, ()| fault(p, FaultKind::Join));
    registry.register(
        "churn",
        "Each time, members crash and as many new ones join; set times and every.",
        params(&[]),
        |p, ()| fault(p, FaultKind::Churn),
    );
    registry.register(
        "slow",
        "Timers run, sends are held, received packets queue up; all go through at the end (Lifeguard's anomaly).",
        params(&[lasts(), queue(), sends(), catch_up()]),
        |p, ()| {
            let blocking = p.text("sends") == "block";
            let (lasts, queue, catch_up) = (span(p, "lasts"), p.count("queue"), span(p, "catch_up"));
            fault(p, FaultKind::Slow { blocking, lasts, queue, catch_up })
        },
    );
    registry.register(
        "pause",
        "Members stand still, timers too (SIGSTOP); afterwards queued packets come before overdue timers.",
        params(&[lasts(), queue()]),
        |p, ()| fault(p, FaultKind::Pause { lasts: span(p, "lasts"), queue: p.count("queue") }),
    );
    registry.register(
        "loss",
        "Packets from or to members are lost by chance.",
        params(&[lasts(), rate(), direction("both")]),
        |p, ()| fault(p, loss(p)),
    );
    registry.register(
        "one-way-loss",
        "Packets to members (direction = \"in\") or from them (\"out\") are lost by chance.",
        params(&[lasts(), rate(), direction("in")]),
        |p, ()| fault(p, loss(p)),
    );
    registry.register(
        "partition",
        "Nothing passes between the targets and the others.",
        params(&[lasts(), direction("both")]),
        |p, ()| fault(p, partition(p)),
    );
    registry.register(
        "one-way-partition",
        "Nothing reaches the targets from the others (direction = \"in\"), or the other way round (\"out\").",
        params(&[lasts(), direction("in")]),
        |p, ()| fault(p, partition(p)),
    );
    registry.register(
        "flip-flop",
        "A partition that comes and goes (Rapid's one-way flip-flop by default).",
        params(&[
            lasts(),
            direction("in"),
            Param::span("on", 1e-3, 1e6, "20s", "how long it is cut each time"),
            Param::span("off", 1e-3, 1e6, "20s", "how long it is whole each time"),
        ]),
        |p, ()| {
            let (on, off) = (span(p, "on"), span(p, "off"));
            fault(p, FaultKind::FlipFlop { direction: read_direction(p), on, off, lasts: span(p, "lasts") })
        },
    );
    registry
}

/// The parameters that every fault has, and its own.
fn params(own: &[Param]) -> Vec<Param> {
    let mut params = vec![
        Param::span("at", 0.0, 1e7, "0s", "when it begins, after the warm-up"),
        Param::count("count", 1, 10_000_000, 1, "how many members, if the target is random").unit("members"),
        Param {
            default: Some("random".into()),
            ..Param::text(
                "target",
                "random, share:0.1, member numbers like 3,14, zone, zone:NAME, region or region:NAME",
            )
        },
        Param::count("times", 1, 1_000_000, 1, "how many times it strikes, with new targets each time"),
        Param::span("every", 1e-3, 1e6, "1s", "the time between two such strikes"),
    ];
    params.extend_from_slice(own);
    params
}

fn fault(p: &Params, kind: FaultKind) -> Result<Fault, String> {
    let target = read_target(p.text("target"), p.count("count"))?;
    Ok(Fault { kind, at: span(p, "at"), target, times: p.count("times"), every: span(p, "every") })
}

fn read_target(text: &str, count: u32) -> Result<Target, String> {
    let name = |text: &str| (!text.is_empty()).then(|| text.to_owned());
    let (word, rest) = text.split_once(':').unwrap_or((text, ""));
    match word {
        "random" if rest.is_empty() => Ok(Target::Random(count)),
        "zone" => Ok(Target::Zone(name(rest))),
        "region" => Ok(Target::Region(name(rest))),
        "share" => match rest.parse::<f64>() {
            Ok(share) if share > 0.0 && share <= 1.0 => Ok(Target::Share(share)),
            _ => Err(format!("target share must be above 0 and at most 1, not \"{rest}\"")),
        },
        _ => text
            .split(',')
            .map(|number| number.trim().parse().ok())
            .collect::<Option<Vec<u32>>>()
            .map(Target::Members)
            .ok_or_else(|| format!("target must be random, share:S, zone, region or member numbers, not \"{text}\"")),
    }
}

fn loss(p: &Params) -> FaultKind {
    FaultKind::Loss { rate: p.real("rate"), direction: read_direction(p), lasts: span(p, "lasts") }
}

fn partition(p: &Params) -> FaultKind {
    FaultKind::Partition { direction: read_direction(p), lasts: span(p, "lasts") }
}

fn read_direction(p: &Params) -> Direction {
    match p.text("direction") {
        "in" => Direction::In,
        "out" => Direction::Out,
        _ => Direction::Both,
    }
}

fn span(p: &Params, name: &str) -> Span {
    Span::from_secs_f64(p.real(name))
}

fn lasts() -> Param {
    Param::span("lasts", 1e-3, 1e7, "10s", "how long")
}

fn queue() -> Param {
    // Some 1 MiB of a socket's buffer in small packets.
    Param::count("queue", 0, 1_000_000, 4096, "the most packets that wait in each direction").unit("packets")
}

fn sends() -> Param {
    let about =
        "whether sends return at once and wait, or block: then the probe loop and the gossip loop stop with their next";
    Param::choice("sends", &["queue", "block"], "queue", about)
}

fn catch_up() -> Param {
    Param::span(
        "catch_up",
        0.0,
        60.0,
        "0s",
        "how long each packet that waited takes afterwards; 0s: all are done at once",
    )
}

fn rate() -> Param {
    Param::real("rate", 0.0, 1.0, 0.1, "the probability of losing a packet")
}

fn direction(default: &'static str) -> Param {
    Param::choice("direction", &["in", "out", "both"], default, "which packets, as seen from the targets")
}

#[cfg(test)]
mod tests {
    use super::*;
    use swimlab_selectors::Spec;

    #[test]
    fn targets_read_as_they_are_documented() {
        assert_eq!(read_target("random", 3), Ok(Target::Random(3)));
        assert_eq!(read_target("share:0.1", 1), Ok(Target::Share(0.1)));
        assert_eq!(read_target("3, 14", 1), Ok(Target::Members(vec![3, 14])));
        assert_eq!(read_target("zone", 1), Ok(Target::Zone(None)));
        assert_eq!(read_target("region:eu-west-1", 1), Ok(Target::Region(Some("eu-west-1".into()))));
        assert!(read_target("everybody", 1).is_err());
        assert!(read_target("share:2", 1).is_err());
    }

    #[test]
    fn every_fault_is_built_from_its_name_alone() {
        for entry in faults().entries() {
            let fault = faults().build(&Spec::of(entry.name), &()).unwrap();
            assert_eq!((fault.times, fault.target), (1, Target::Random(1)), "{}", entry.name);
        }
    }
}
