//! The number of worlds that fit into memory at once, so that a run is refused rather than killed by the system.

use super::Experiment;
use super::cell::{Cell, CellDetector};
use super::discovery::{CHANGE_BYTES, KNOWN_BYTES};
use super::error::Error;
use super::free_memory::free_memory;
use crate::sim::joiners_needed;

/// Memory of a world per member, in bytes. 3,300 were measured with 100,000 members.
const PER_MEMBER: u64 = 4_000;

/// Memory of a member per other member, in bytes, in detectors that are not SWIM.
const PER_ROW: u64 = 160;

/// Memory of a member per other member with `[discovery]`, in bytes: what its catalog says.
const PER_CATALOG_ENTRY: u64 = 1;

/// Memory of a member per other member whose states it keeps, in bytes.
const PER_STATE: u64 = 600;

/// Memory of a member's place, in bytes.
const PER_PLACED: u64 = 120;

impl Experiment {
    /// The number of threads, of the `wanted` ones (0 for one per core), for which memory suffices with a world each.
    ///
    /// # Errors
    /// If not even one world fits into memory.
    pub fn threads(&self, wanted: usize) -> Result<usize, Error> {
        fitting(threads_or_cores(wanted), self.largest_world(), free_memory())
    }

    /// The members, joiners included, and the bytes of the world that takes the most memory.
    fn largest_world(&self) -> (u32, u64) {
        let world = |cell: &Cell| {
            let members = cell.key.members.saturating_add(joiners_needed(&cell.faults, cell.key.members));
            let is_other = matches!(cell.detector, CellDetector::Other(_));
            let per_other = |is_there: bool, bytes: u64| if is_there { u64::from(members) * bytes } else { 0 };
            let rows = per_other(is_other, PER_ROW)
                + per_other(cell.discovery.is_some(), PER_CATALOG_ENTRY)
                + per_other(cell.exchanges_states(), PER_STATE + KNOWN_BYTES);
            let changes = cell.changes_per_member().saturating_mul(CHANGE_BYTES);
            (members, u64::from(members).saturating_mul((PER_MEMBER + rows).saturating_add(changes)))
        };
        self.cells.iter().map(world).max_by_key(|&(_, bytes)| bytes).unwrap_or((0, 0))
    }
}

/// This number of threads, or for 0 one per core.
pub(super) fn threads_or_cores(wanted: usize) -> usize {
    if wanted == 0 { std::thread::available_parallelism().map_or(1, usize::from) } else { wanted }
}

fn fitting(wanted: usize, (members, needed): (u32, u64), available: Option<u64>) -> Result<usize, Error> {
    let Some(bytes) = available else { return Ok(wanted) };
    match bytes / needed.max(1) {
        0 => Err(Error::TooLarge { members, needed, available: bytes }),
        worlds => Ok(usize::try_from(worlds).map_or(wanted, |worlds| worlds.min(wanted))),
    }
}

/// Checks that `members` members can be placed, which is done before any world exists.
///
/// # Errors
/// Names the memory that they need and the free memory.
pub(super) fn check_placement(members: u32) -> Result<(), String> {
    placeable(members, free_memory())
}

fn placeable(members: u32, available: Option<u64>) -> Result<(), String> {
    let needed = u64::from(members) * PER_PLACED;
    match available.filter(|&available| available < needed) {
        Some(available) => Err(Error::TooLarge { members, needed, available }.to_string()),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::experiment::{Lab, TomlSource};

    fn world(members: u32) -> (u32, u64) {
        (members, u64::from(members) * PER_MEMBER)
    }

    #[test]
    fn the_number_of_worlds_at_once_is_bounded_by_memory() {
        let fits = |wanted, members, available| fitting(wanted, world(members), available).ok();
        assert_eq!(fits(8, 1_000_000, None), Some(8));
        assert_eq!(fits(8, 100, Some(1 << 30)), Some(8));
        assert_eq!(fits(8, 1_000_000, Some(9_000_000_000)), Some(2));
        assert_eq!(fits(8, 1_000_000, Some(3_000_000_000)), None);
    }

    #[test]
    fn a_world_that_does_not_fit_is_refused() {
        // F13
        assert!(fitting(1, world(200_000), Some(300_000_000)).is_err());
        let message = fitting(1, world(10_000_000), Some(16_000_000_000)).unwrap_err().to_string();
        assert_eq!(
            message,
            "a world of 10000000 members needs some 40.0 GB of memory; 16.0 GB are free for this process"
        );
    }

    #[test]
    fn changes_that_a_partition_keeps_from_the_others_are_counted_once_each() {
        let bytes = |change_every: &str| {
            let text = format!(
                "topology = 'lan'\nselector = 'shuffle'\nmembers = 2048\nduration = '1000s'\n\
                 [discovery]\nchange_every = '{change_every}'\n"
            );
            let (members, bytes) =
                Experiment::parse(&TomlSource::text("mine.toml", text), &Lab::default()).unwrap().largest_world();
            bytes / u64::from(members)
        };
        let per_change = (bytes("100ms") - bytes("1000s")) / 9_999;
        assert!((48..200).contains(&per_change), "{per_change} bytes");
    }

    #[test]
    fn members_that_cannot_even_be_placed_are_refused() {
        assert_eq!(placeable(1_000_000, Some(300_000_000)), Ok(()));
        assert_eq!(placeable(1_000_000, None), Ok(()));
        let message = placeable(10_000_000, Some(300_000_000)).unwrap_err();
        assert_eq!(
            message,
            "a world of 10000000 members needs some 1.2 GB of memory; 0.3 GB are free for this process"
        );
    }
}
