//! Limits of what an experiment file can ask for.

/// The maximum number of members of a world, joiners included.
pub const MOST_MEMBERS: u32 = 10_000_000;

/// The maximum number of trials of one cell.
pub const MOST_TRIALS: u32 = 1_000_000;

/// The maximum number of cells of one file, and so of the values of a list.
pub(super) const MOST_CELLS: usize = 10_000;

/// The maximum number of faults of all cells of a file together.
pub(super) const MOST_FAULTS: usize = 1_000_000;

/// The maximum of warm-up, duration and other lengths of time, in seconds: 11.6 days.
pub(super) const LONGEST_S: f64 = 1e6;
