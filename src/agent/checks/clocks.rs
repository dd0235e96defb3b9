//! Clocks that differ from those of other members.

use super::measurements::Measurements;
use super::warning::{Warning, named};
use crate::protocol::{NodeInfo, Span};

/// The part of a period by which clocks may differ where periods are counted by them. With half a period, a crashed
/// member is first pinged a tenth of a period later (docs/choosing.md).
const PART_OF_PERIOD: f64 = 0.5;

/// The least difference that is reported: less may be time that packets were under way.
const LEAST: Span = Span::from_millis(250);

/// The difference that is reported where periods are not counted by clocks: packets are refused from three times that on.
const WITHOUT_SCHEDULE: Span = Span::from_secs(10);

/// The least number of other members whose clocks tell which one of them is wrong.
const ENOUGH: usize = 3;

/// The difference that is reported.
pub(super) fn tolerance(period: Span, follows_clock: bool) -> Span {
    if follows_clock { period.scale(PART_OF_PERIOD).max(LEAST) } else { WITHOUT_SCHEDULE }
}

/// Finds this clock, if it differs from the others, and members whose clocks differ from most.
pub(super) fn check(alive: &[&NodeInfo], measurements: &Measurements, tolerance: Span) -> Vec<Warning> {
    let Some(offset) = measurements.clock_offset() else { return Vec::new() };
    let is_beyond = |us: i64| us.unsigned_abs() > tolerance.as_micros();
    let mut found = Vec::new();
    if is_beyond(offset.ahead_us) {
        found.push(Warning::OwnClock(offset));
    }
    if offset.peers >= ENOUGH {
        // Ascending, as measurements are.
        let others: Vec<_> =
            measurements.clocks().filter(|&(_, ahead)| is_beyond(ahead + offset.ahead_us)).map(|(id, _)| id).collect();
        let (names, more) = named(alive.iter().filter(|node| others.binary_search(&node.peer.id).is_ok()).copied());
        if !names.is_empty() {
            found.push(Warning::OtherClocks { names, more, tolerance });
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use swimlab_selectors::Peer;

    use super::*;
    use crate::protocol::{Address, Time};

    fn check_of(ahead_ms: &[i64]) -> Vec<String> {
        let node = |id: usize| {
            let address = Address { ip: [0; 16], port: 1 };
            NodeInfo { name: format!("m{id}").into(), ..NodeInfo::new(Peer::new(id as u64), address) }
        };
        let nodes: Vec<NodeInfo> = (0..ahead_ms.len()).map(node).collect();
        let mut measurements = Measurements::default();
        for (id, ahead) in (0..).zip(ahead_ms) {
            measurements.note_clock(Time::ZERO, id, ahead * 1000);
        }
        let tolerance = tolerance(Span::from_secs(1), true);
        check(&nodes.iter().collect::<Vec<_>>(), &measurements, tolerance).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn clocks_that_agree_within_half_a_period_are_right() {
        assert_eq!(check_of(&[]), [""; 0]);
        assert_eq!(check_of(&[-400, 0, 100, 450]), [""; 0]);
    }

    #[test]
    fn a_clock_that_differs_from_most_is_this_one_or_named() {
        let own = check_of(&[-2900, -3000, -3100]);
        assert!(own.len() == 1 && own[0].contains("3s ahead of those of 3 other members"), "{own:?}");
        let other = check_of(&[0, 10, 7000, -10]);
        assert!(other.len() == 1 && other[0].contains("m2"), "{other:?}");
        let two = check_of(&[7000, 7000]);
        assert!(two.len() == 1 && two[0].contains("7s behind those of 2 other members"), "{two:?}");
    }
}
