//! Parameters that several kinds share.

use swimlab_selectors::{Param, Params};

use super::fault::{Fault, FaultKind};
use super::target::Target;
use crate::protocol::Span;

/// The packets of a target that a fault affects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Direction {
    /// Packets to the target.
    In,
    /// Packets from the target.
    Out,
    /// Both.
    Both,
}

impl Direction {
    /// Whether it includes a packet that comes in to the target (`into`) or goes out of it (`out_of`).
    pub(super) fn includes(self, packet: Crossing) -> bool {
        match self {
            Self::In => packet.into,
            Self::Out => packet.out_of,
            Self::Both => packet.into || packet.out_of,
        }
    }

    pub(super) fn of(params: &Params) -> Result<Self, String> {
        Ok(match params.text("direction")? {
            "in" => Self::In,
            "out" => Self::Out,
            _ => Self::Both,
        })
    }
}

/// Direction of a packet, as seen from a group.
#[derive(Clone, Copy)]
pub(super) struct Crossing {
    /// To a member of the group.
    pub into: bool,
    /// From a member of the group.
    pub out_of: bool,
}

/// The parameters that every fault has, and its own.
pub(super) fn common_and(own: &[Param]) -> Vec<Param> {
    let targets = "random, share:0.1, member numbers like 3,14, zone, zone:NAME, region or region:NAME";
    let mut params = vec![
        Param::span("at", 0.0, 1e7, "0s", "time of the fault, after the warm-up"),
        Param::count("count", 1, 10_000_000, 1, "number of members, if the target is random").unit("members"),
        Param::text("target", targets).or("random"),
        Param::count("times", 1, 1_000_000, 1, "number of occurrences, each with new targets"),
        Param::span("every", 1e-3, 1e6, "1s", "time between two occurrences"),
    ];
    params.extend_from_slice(own);
    params
}

/// A fault of this kind with the common parameters.
pub(super) fn build(params: &Params, kind: impl FaultKind) -> Result<Fault, String> {
    let target = Target::parse(params.text("target")?, params.count("count")?)?;
    Ok(Fault {
        at: span(params, "at")?,
        target,
        times: params.count("times")?,
        every: span(params, "every")?,
        ..Fault::new(kind)
    })
}

pub(super) fn span(params: &Params, name: &str) -> Result<Span, String> {
    Ok(Span::from_secs_f64(params.real(name)?))
}

pub(super) fn lasts() -> Param {
    Param::span("lasts", 1e-3, 1e7, "10s", "duration")
}

/// The default size of a queue, in packets: about 1 MiB of a socket's buffer in small packets.
pub(in crate::sim) const QUEUE: u32 = 4096;

pub(super) fn queue() -> Param {
    Param::count("queue", 0, 1_000_000, QUEUE, "maximum number of queued packets in each direction").unit("packets")
}

pub(super) fn rate() -> Param {
    Param::real("rate", 0.0, 1.0, 0.1, "probability that a packet is lost")
}

pub(super) fn direction(default: &'static str) -> Param {
    Param::choice("direction", &["in", "out", "both"], default, "affected packets, as seen from the targets")
}
