//! The number of threads that a world may take, and who starts them: a world itself knows none.

/// The number of threads on which a world may run, and how they are started; results do not depend on it.
///
/// A world takes fewer if it is small, and only one where threads would wait for each other most of the time, as where packets
/// between members take microseconds: [`World::single_thread`](super::World::single_thread) says why.
/// `experiment::on_threads` starts those of the operating system.
#[derive(Clone, Copy, Debug)]
pub struct Threads {
    pub(super) most: usize,
    /// Whether small worlds are divided, too.
    pub(super) in_small_worlds: bool,
    pub(super) starter: ThreadStarter,
}

/// Starts each job on a thread of its own, runs the last argument on the calling thread meanwhile, and returns when all have
/// ended. Jobs wait for each other, so one after the other they would wait forever. None panics.
pub type ThreadStarter = fn(Vec<Job<'_>>, &mut dyn FnMut());

/// The work of one thread.
pub type Job<'a> = Box<dyn FnOnce() + Send + 'a>;

/// Whether the platform has threads. A web page has none, and would carry the code for several shards in vain.
pub(super) const MAY_DIVIDE: bool = cfg!(not(target_family = "wasm"));

impl Threads {
    /// One thread: the calling one.
    pub const ONE: Self = Self::at_most(1, |_, here| here());

    /// As many threads as pay, and at most this number.
    pub const fn at_most(threads: usize, starter: ThreadStarter) -> Self {
        Self { most: threads, in_small_worlds: false, starter }
    }

    /// The largest number.
    pub const fn most(self) -> usize {
        self.most
    }

    /// This number of threads for worlds of any size, if packets between members are not faster than two microseconds.
    #[cfg(test)]
    pub(crate) const fn in_any_world(threads: usize, starter: ThreadStarter) -> Self {
        Self { most: threads, in_small_worlds: true, starter }
    }
}
