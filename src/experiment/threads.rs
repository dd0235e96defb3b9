//! Threads of the operating system, for the shards of large worlds.

use crate::sim::Job;

/// Runs each job on a thread of its own, and `here` on the calling thread; returns when all have ended. A
/// [`ThreadStarter`](crate::sim::ThreadStarter).
///
/// # Panics
/// If a thread cannot be started.
///
/// ```
/// use std::sync::mpsc::channel;
/// use swimlab::experiment::on_threads;
/// use swimlab::sim::Job;
///
/// let (question, asked) = channel();
/// let (answer, answered) = channel();
/// let job: Job<'_> = Box::new(move || answer.send(asked.recv().unwrap() + 1).unwrap());
/// let mut got = 0;
/// on_threads(vec![job], &mut || {
///     question.send(41).unwrap();
///     got = answered.recv().unwrap();
/// });
/// assert_eq!(got, 42);
/// ```
pub fn on_threads(jobs: Vec<Job<'_>>, here: &mut dyn FnMut()) {
    std::thread::scope(|scope| {
        jobs.into_iter().for_each(|job| _ = scope.spawn(job));
        here();
    });
}
