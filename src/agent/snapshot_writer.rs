//! Writes an agent's snapshots while it runs.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::oneshot::{self, error::TryRecvError};
use tokio::time::timeout;

use super::snapshot::{Snapshot, StateDir, StateError};
use crate::protocol::{Member, Span, Time};

/// The least time between two snapshots.
pub(super) const INTERVAL: Span = Span::from_secs(5);

/// Time from a change to its snapshot: changes come in bursts, as when a member has just joined.
pub(super) const SETTLING: Span = Span::from_millis(500);

/// The longest wait of [`SnapshotWriter::finish`].
pub(super) const FINISH_TIMEOUT: Duration = Duration::from_secs(2);

/// Keeps the snapshot in a state folder up to date.
pub(super) struct SnapshotWriter {
    dir: Arc<StateDir>,
    generation: u32,
    /// Whether something has changed since the last snapshot.
    is_dirty: bool,
    /// The time at which [`SnapshotWriter::run_due`] is due.
    due: Time,
    /// The earliest time of the next snapshot.
    not_before: Time,
    writing: Option<oneshot::Receiver<Result<(), StateError>>>,
    /// Whether the last attempt failed: only the first failure in a row is logged.
    is_failing: bool,
}

impl SnapshotWriter {
    /// Writes the first snapshot of a life, so that the next life gets a higher generation before any member has
    /// learned this one.
    pub(super) fn begin(dir: StateDir, first: &Snapshot) -> Result<Self, StateError> {
        dir.write(first)?;
        Ok(Self {
            dir: Arc::new(dir),
            generation: first.generation,
            is_dirty: false,
            due: Time::NEVER,
            not_before: Time::ZERO,
            writing: None,
            is_failing: false,
        })
    }

    /// The time at which [`SnapshotWriter::run_due`] is to be called; [`Time::NEVER`] if there is nothing to do.
    pub(super) fn due(&self) -> Time {
        self.due
    }

    /// Notes that a member's record has changed.
    pub(super) fn note_change(&mut self, now: Time) {
        self.is_dirty = true;
        self.due = self.due.min(self.not_before.max(now + SETTLING));
    }

    /// Looks after the last write, and begins the next one if something has changed. Disks are slow: writing is left to
    /// another thread.
    pub(super) fn run_due(&mut self, now: Time, member: &Member) {
        (self.due, self.not_before) = (now + INTERVAL, now + INTERVAL);
        if let Some(writing) = &mut self.writing {
            match writing.try_recv() {
                Err(TryRecvError::Empty) => return,
                Ok(Err(error)) => {
                    if !self.is_failing {
                        tracing::warn!("{error}; the last snapshot stays, and writing is tried again every {INTERVAL}");
                    }
                    (self.is_failing, self.is_dirty) = (true, true);
                }
                Ok(Ok(())) | Err(TryRecvError::Closed) => self.is_failing = false,
            }
            self.writing = None;
        }
        if !self.is_dirty {
            self.due = Time::NEVER;
            return;
        }
        let snapshot = Snapshot::of(member, self.generation);
        let (dir, (done, writing)) = (Arc::clone(&self.dir), oneshot::channel());
        (self.writing, self.is_dirty) = (Some(writing), false);
        tokio::task::spawn_blocking(move || {
            let written = dir.write(&snapshot);
            // The lock of the folder goes before the end of the writing is told.
            drop(dir);
            done.send(written)
        });
    }

    /// Waits for a write that is under way, and unlocks the folder. A disk that hangs is not waited for.
    pub(super) async fn finish(self) {
        if let Some(writing) = self.writing {
            let _ = timeout(FINISH_TIMEOUT, writing).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::Instant;

    use super::super::tests::member_of;
    use super::*;

    fn writer(folder: &std::path::Path) -> SnapshotWriter {
        SnapshotWriter::begin(StateDir::open(folder).unwrap(), &Snapshot::new("a", 1, Vec::new())).unwrap()
    }

    #[tokio::test]
    async fn a_snapshot_follows_a_change_soon_and_another_one_not_before_the_interval() {
        let (folder, member) = (tempfile::tempdir().unwrap(), member_of(3));
        let (mut writer, begun) = (writer(folder.path()), Time::ZERO + INTERVAL);
        assert_eq!(writer.due(), Time::NEVER);
        writer.note_change(begun);
        assert_eq!(writer.due(), begun + SETTLING);
        // Further changes do not defer it.
        writer.note_change(begun + SETTLING - Span::from_micros(1));
        assert_eq!(writer.due(), begun + SETTLING);
        let written = begun + SETTLING;
        writer.run_due(written, &member);
        writer.note_change(written);
        assert_eq!(writer.due(), written + INTERVAL);
        writer.finish().await;
    }

    #[tokio::test(start_paused = true)]
    async fn a_disk_that_hangs_is_waited_for_until_the_timeout() {
        let folder = tempfile::tempdir().unwrap();
        let (_hanging, writing) = oneshot::channel();
        let begun = Instant::now();
        SnapshotWriter { writing: Some(writing), ..writer(folder.path()) }.finish().await;
        assert_eq!(begun.elapsed().as_secs(), FINISH_TIMEOUT.as_secs());
    }
}
