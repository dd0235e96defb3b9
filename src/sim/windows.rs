//! Runs the shards of a world, each on a thread of its own, in conservative time windows (Chandy and Misra 1979, Bryant
//! 1977).
//!
//! A packet from one shard to another takes at least the lookahead. A window is half as long, so what a shard sends in one
//! window arrives in the next but one at the earliest. Before a window, a shard waits for the packets that the others have
//! sent up to the window before the last; so it may be up to two windows ahead of the slowest, and small differences of
//! load cost no time. Nothing shared is written within a window: what trace, checker and observer have to see is recorded
//! and merged afterwards, on the calling thread, in the order in which one thread would have shown it.

use std::any::Any;
use std::collections::VecDeque;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};

use super::detector::FailureDetector;
use super::hosts::HostDirectory;
use super::observer::Observer;
use super::shard::{Fabric, Mail, Shard};
use super::shard_log::ShardLog;
use super::sink::Observation;
use super::threads::Job;
use crate::protocol::{Span, Time};

/// The number of windows in a lookahead.
const WINDOWS_PER_LOOKAHEAD: u64 = 2;

/// A bucket of the event queue, in microseconds. Packets that are given to a shard for a bucket that it has begun would
/// cost more.
const BUCKET_US: u64 = 1 << super::ring::BUCKET_SHIFT;

/// Consecutive windows that cover an interval.
#[derive(Clone, Copy, Debug)]
pub(super) struct Windows {
    width: Span,
    from: Time,
    until: Time,
}

impl Windows {
    /// The windows from `from` up to `until`, for a lookahead of at least two microseconds.
    pub(super) fn new(lookahead: Span, from: Time, until: Time) -> Self {
        let widest = lookahead.as_micros() / WINDOWS_PER_LOOKAHEAD;
        let aligned = widest - widest % BUCKET_US;
        Self { width: Span::from_micros(if aligned > 0 { aligned } else { widest.max(1) }), from, until }
    }

    /// The end of each window.
    fn ends(self) -> impl Iterator<Item = Time> {
        let width = self.width.as_micros();
        let first = self.from.as_micros() / width + 1;
        let end = move |number: u64| Time::from_micros(number.saturating_mul(width)).min(self.until);
        let mut next = first;
        let mut covered = self.from;
        std::iter::from_fn(move || {
            (covered < self.until).then(|| {
                covered = end(next);
                next += 1;
                covered
            })
        })
    }

    /// The same windows in pieces of this many.
    fn pieces(self, most: u64) -> impl Iterator<Item = Self> {
        let mut from = self.from;
        std::iter::from_fn(move || {
            (from < self.until).then(|| {
                let until = self.until.min(from + self.width * most);
                let piece = Self { from, until, ..self };
                from = until;
                piece
            })
        })
    }
}

/// The most windows that threads run before they are started anew. A world in which nothing is due any more, ends then.
const MOST_WINDOWS: u64 = 1 << 20;

/// Processes all events of these windows.
///
/// # Panics
/// If a thread cannot be started; or as a detector or the observer does, and then as on one thread.
pub(super) fn run<D: FailureDetector, O: Observer>(
    shards: &mut [Shard<D>],
    windows: Windows,
    fabric: &Fabric,
    observation: &mut Observation<O>,
) {
    for windows in windows.pieces(MOST_WINDOWS) {
        if windows.ends().nth(1).is_none() {
            run_here(shards, windows, fabric, observation);
        } else {
            run_on_threads(shards, windows, fabric, observation);
        }
        if shards.iter().all(Shard::is_idle) {
            return;
        }
    }
}

/// Gives the shards the packets that others have for them.
pub(super) fn exchange_mail<D: FailureDetector>(shards: &mut [Shard<D>], directory: &HostDirectory) {
    for from in 0..shards.len() {
        for to in 0..shards.len() {
            let mut mail = std::mem::take(&mut shards[from].outgoing[to]);
            shards[to].receive(&mut mail, directory);
            shards[from].outgoing[to] = mail;
        }
    }
}

/// Runs one shard after the other: for less than two windows, threads take longer to start.
fn run_here<D: FailureDetector, O: Observer>(
    shards: &mut [Shard<D>],
    windows: Windows,
    fabric: &Fabric,
    observation: &mut Observation<O>,
) {
    let whole_packets = observation.observer.watches_packets();
    let mut logs: Vec<_> = shards.iter().map(|_| ShardLog::new(whole_packets)).collect();
    for end in windows.ends() {
        for (shard, log) in shards.iter_mut().zip(&mut logs) {
            shard.run_until(end, fabric, log);
        }
        exchange_mail(shards, &fabric.directory);
        observation.merge(&mut logs);
    }
}

fn run_on_threads<D: FailureDetector, O: Observer>(
    shards: &mut [Shard<D>],
    windows: Windows,
    fabric: &Fabric,
    observation: &mut Observation<O>,
) {
    let whole_packets = observation.observer.watches_packets();
    let mut panics: Vec<Option<Panic>> = shards.iter().map(|_| None).collect();
    let mut mailboxes = Mailbox::all(shards.len());
    let (Some((own, others)), Some((own_panic, panics_of_others))) =
        (shards.split_first_mut(), panics.split_first_mut())
    else {
        return;
    };
    let own_mailbox = mailboxes.remove(0);
    let (jobs, records): (Vec<Job<'_>>, Vec<_>) = others
        .iter_mut()
        .zip(mailboxes)
        .zip(panics_of_others)
        .map(|((shard, mailbox), panic)| {
            let ((record, recorded), (emptied, spares)) = (channel(), channel());
            let keep = move |log| record.send(log).map(|()| spares.try_recv().ok()).map_err(|_| Stopped);
            let work = move || process(shard, windows, fabric, mailbox, whole_packets, keep);
            let job = move || *panic = catch_unwind(AssertUnwindSafe(work)).err();
            (Box::new(job) as Job<'_>, Records { waiting: VecDeque::new(), recorded, emptied })
        })
        .unzip();
    let mut merger = Merger { own: VecDeque::new(), others: records, observation };
    let work = move || {
        process(own, windows, fabric, own_mailbox, whole_packets, |log| Ok(merger.add(log)))?;
        merger.finish()
    };
    let mut work = Some(work);
    (fabric.setup.threads.starter)(jobs, &mut || {
        let Some(work) = work.take() else { return };
        // An end without a panic means that another shard has stopped, by a panic of its own.
        *own_panic = catch_unwind(AssertUnwindSafe(work)).err();
    });
    raise_first(shards, panics);
}

/// The value that a thread has panicked with.
type Panic = Box<dyn Any + Send>;

/// Goes on with the panic that one thread would have come to first.
fn raise_first<D: FailureDetector>(shards: &[Shard<D>], panics: Vec<Option<Panic>>) {
    let panicked = shards.iter().zip(panics).filter_map(|(shard, panic)| Some((shard.now, panic?)));
    if let Some((_, panic)) = panicked.min_by_key(|&(at, _)| at) {
        resume_unwind(panic);
    }
}

/// Another shard's thread has ended early.
struct Stopped;

/// Processes the events of one shard. `keep` takes the record of each window, and may return an empty one for the next.
fn process<D: FailureDetector>(
    shard: &mut Shard<D>,
    windows: Windows,
    fabric: &Fabric,
    mailbox: Mailbox<D::Message>,
    whole_packets: bool,
    mut keep: impl FnMut(ShardLog) -> Result<Option<ShardLog>, Stopped>,
) -> Result<(), Stopped> {
    let mut log = ShardLog::new(whole_packets);
    let mut ahead = 0;
    for end in windows.ends() {
        if ahead == WINDOWS_PER_LOOKAHEAD {
            mailbox.receive(shard, &fabric.directory)?;
            ahead -= 1;
        }
        shard.run_until(end, fabric, &mut log);
        mailbox.send(shard)?;
        ahead += 1;
        log = keep(log)?.unwrap_or_else(|| ShardLog::new(whole_packets));
    }
    for _ in 0..ahead {
        mailbox.receive(shard, &fabric.directory)?;
    }
    Ok(())
}

/// A shard's connections to all others.
struct Mailbox<T>(Vec<Peer<T>>);

/// A connection to another shard, on which each window's packets travel together, also if there are none.
struct Peer<T> {
    shard: usize,
    to: Sender<Vec<Mail<T>>>,
    from: Receiver<Vec<Mail<T>>>,
}

impl<T> Mailbox<T> {
    /// The mailboxes of this number of shards.
    fn all(shards: usize) -> Vec<Self> {
        let mut mailboxes: Vec<Self> = (0..shards).map(|_| Self(Vec::new())).collect();
        for a in 0..shards {
            for b in a + 1..shards {
                let ((to_a, from_b), (to_b, from_a)) = (channel(), channel());
                mailboxes[a].0.push(Peer { shard: b, to: to_b, from: from_b });
                mailboxes[b].0.push(Peer { shard: a, to: to_a, from: from_a });
            }
        }
        mailboxes
    }

    /// Sends the packets of a window.
    fn send<D: FailureDetector<Message = T>>(&self, shard: &mut Shard<D>) -> Result<(), Stopped> {
        for peer in &self.0 {
            let empty = shard.empty_lists.pop().unwrap_or_default();
            let mail = std::mem::replace(&mut shard.outgoing[peer.shard], empty);
            peer.to.send(mail).map_err(|_| Stopped)?;
        }
        Ok(())
    }

    /// Waits for the packets of a window from all others.
    fn receive<D>(&self, shard: &mut Shard<D>, directory: &HostDirectory) -> Result<(), Stopped>
    where
        D: FailureDetector<Message = T>,
    {
        for peer in &self.0 {
            let mut mail = peer.from.recv().map_err(|_| Stopped)?;
            shard.receive(&mut mail, directory);
            shard.empty_lists.push(mail);
        }
        Ok(())
    }
}

/// Merges the records of all shards, window by window.
struct Merger<'a, O> {
    /// Records of the calling thread's own shard that wait for those of others.
    own: VecDeque<ShardLog>,
    others: Vec<Records>,
    observation: &'a mut Observation<O>,
}

/// The records of another thread's shard.
struct Records {
    recorded: Receiver<ShardLog>,
    waiting: VecDeque<ShardLog>,
    /// Takes them back once they are merged.
    emptied: Sender<ShardLog>,
}

impl<O: Observer> Merger<'_, O> {
    /// Adds a record of the own shard, and merges the windows that all have recorded. Returns an emptied record.
    fn add(&mut self, log: ShardLog) -> Option<ShardLog> {
        self.own.push_back(log);
        for records in &mut self.others {
            records.waiting.extend(records.recorded.try_iter());
        }
        let mut emptied = None;
        while !self.own.is_empty() && self.others.iter().all(|records| !records.waiting.is_empty()) {
            emptied = self.merge_one();
        }
        emptied
    }

    /// Waits for the rest, and merges it.
    fn finish(&mut self) -> Result<(), Stopped> {
        while !self.own.is_empty() {
            for records in &mut self.others {
                if records.waiting.is_empty() {
                    records.waiting.push_back(records.recorded.recv().map_err(|_| Stopped)?);
                }
            }
            self.merge_one();
        }
        Ok(())
    }

    /// Merges a window that all have recorded.
    fn merge_one(&mut self) -> Option<ShardLog> {
        let others = self.others.iter_mut().map(|records| records.waiting.pop_front());
        let mut logs: Vec<ShardLog> = std::iter::once(self.own.pop_front()).chain(others).flatten().collect();
        self.observation.merge(&mut logs);
        let mut logs = logs.into_iter();
        let own = logs.next();
        for (records, log) in self.others.iter().zip(logs) {
            // At the end nobody wants it any more.
            let _ = records.emptied.send(log);
        }
        own
    }
}
