//! The number of threads that a world may take.

/// The number of threads on which a world may run; results do not depend on it.
///
/// A world takes fewer if it is small, and only one where threads would wait for each other most of the time, as where packets
/// between members take microseconds: [`World::single_thread`](super::World::single_thread) says why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Threads {
    pub(super) most: usize,
    /// Whether small worlds are divided, too.
    pub(super) in_small_worlds: bool,
}

impl Threads {
    /// One thread.
    pub const ONE: Self = Self::at_most(1);

    /// As many threads as pay, and at most this number.
    pub const fn at_most(threads: usize) -> Self {
        Self { most: threads, in_small_worlds: false }
    }

    /// This number of threads for worlds of any size, if packets between members are not faster than two microseconds.
    #[cfg(test)]
    pub(crate) const fn in_any_world(threads: usize) -> Self {
        Self { most: threads, in_small_worlds: true }
    }
}
