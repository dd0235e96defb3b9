//! Cost of a member on real sockets: many in one process on loopback, all joining at once, then running steadily, then
//! losing one.
//!
//! `cargo bench --bench agents -- --members N [--peer foca] [--sealed] [--services N] [--window SECONDS] [--threads T]
//! [--patience SECONDS]` prints one line of JSON. With `--services N` each member of swimlab offers that many. With `--peer foca` the same is
//! done with foca on a lean loop of its own: one task, one socket and one timer queue per member. Settings are the same: a
//! period of 1 s, a probe timeout of 500 ms, three helpers, gossip of updates to three every 200 ms.

mod foca;
mod ours;

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use cpu_time::ProcessTime;
use serde_json::json;

/// Implementation of SWIM whose members the bench runs on real sockets.
trait Peer: Sized {
    /// A member that others join through.
    async fn begin(bench: &Bench, number: usize, seeds: &[String]) -> Self;
    /// Address at which it listens.
    fn addr(&self) -> String;
    /// Number of members that it knows to be alive, itself included.
    async fn alive(&self) -> usize;
    /// Packets and bytes that it has sent, and deaths that it has learned of.
    async fn counts(&self) -> [u64; 3];
    /// Stops it without an announcement.
    async fn crash(self);
}

/// Options of a run.
struct Bench {
    members: usize,
    is_sealed: bool,
    /// Number of services that each member offers.
    services: usize,
    window: Duration,
    /// Time-out of every wait.
    patience: Duration,
}

/// Number of members through which the others join.
const SEEDS: usize = 3;

/// Number of members that are asked at the same time. One after the other, thousands of busy ones would take long.
const ASKED_AT_ONCE: usize = 256;

fn main() -> Result<(), lexopt::Error> {
    use lexopt::prelude::*;
    let (window, patience) = (Duration::from_secs(20), Duration::from_secs(120));
    let mut bench = Bench { members: 100, is_sealed: false, services: 0, window, patience };
    let mut peer = "swimlab".to_owned();
    let mut threads: usize = 2;
    let mut arguments = lexopt::Parser::from_env();
    while let Some(argument) = arguments.next()? {
        match argument {
            Long("members") => bench.members = arguments.value()?.parse()?,
            Long("peer") => peer = arguments.value()?.parse()?,
            Long("sealed") => bench.is_sealed = true,
            Long("services") => bench.services = arguments.value()?.parse()?,
            Long("window") => bench.window = Duration::from_secs(arguments.value()?.parse()?),
            Long("patience") => bench.patience = Duration::from_secs(arguments.value()?.parse()?),
            Long("threads") => threads = arguments.value()?.parse()?,
            Long("bench") => {}
            other => return Err(other.unexpected()),
        }
    }
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(threads).enable_all().build();
    let runtime = runtime.map_err(|error| error.to_string())?;
    match &peer[..] {
        "swimlab" => runtime.block_on(run::<ours::Ours>(&bench, &peer)),
        "foca" if bench.is_sealed => return Err("foca leaves sealing to its users".into()),
        "foca" if bench.services > 0 => return Err("foca has no services".into()),
        "foca" => runtime.block_on(run::<foca::Theirs>(&bench, &peer)),
        other => return Err(format!("--peer is swimlab or foca, not {other}").into()),
    }
    Ok(())
}

async fn run<P: Peer>(bench: &Bench, name: &str) {
    let empty = rss_kib();
    let (begun, cpu) = (Instant::now(), ProcessTime::now());
    let mut all = Vec::with_capacity(bench.members);
    let mut seeds: Vec<String> = Vec::new();
    for number in 0..bench.members {
        let member = P::begin(bench, number, &seeds).await;
        if number < SEEDS {
            seeds.push(member.addr());
        }
        all.push(member);
    }
    eprintln!("all have begun after {:.1} s", begun.elapsed().as_secs_f64());
    let join_all_s = reached(bench, begun, &all, |alive| alive == bench.members).await;
    let join_cpu_s = cpu.elapsed().as_secs_f64();
    eprintln!("all know all: {join_all_s:?} s, {join_cpu_s:.1} s of CPU time; {} MiB", rss_kib() / 1024);
    let settled_s = calm(bench, &all).await;
    eprintln!("the updates about the joins are no longer sent after further {settled_s:.0} s");

    let before = sum(&all).await;
    let (cpu, wall) = (ProcessTime::now(), Instant::now());
    tokio::time::sleep(bench.window).await;
    let (cpu, wall) = (cpu.elapsed(), wall.elapsed().as_secs_f64());
    let after = sum(&all).await;
    let per_member_s = |at: usize| (after[at] - before[at]) as f64 / bench.members as f64 / wall;
    eprintln!("{} MiB after the window", rss_kib() / 1024);
    let rss_kib = (rss_kib() - empty) as f64 / bench.members as f64;
    let false_deaths = after[2];

    let victim = all.swap_remove(bench.members / 2);
    let crashed = Instant::now();
    victim.crash().await;
    let detect_first_s = first(bench, crashed, &all, bench.members - 1).await;
    let detect_all_s = reached(bench, crashed, &all, |alive| alive == bench.members - 1).await;
    let late_deaths = sum(&all).await[2] - after[2];
    let round = |value: f64| (value * 1000.0).round() / 1000.0;
    println!(
        "{}",
        json!({
            "members": bench.members,
            "peer": name,
            "sealed": bench.is_sealed,
            "services": bench.services,
            "cpu_us_per_member_s": round(cpu.as_secs_f64() * 1e6 / bench.members as f64 / wall),
            "rss_kib_per_member": round(rss_kib),
            "packets_per_member_s": round(per_member_s(0)),
            "bytes_per_member_s": round(per_member_s(1)),
            "join_all_s": join_all_s.map(round),
            "join_cpu_s": round(join_cpu_s),
            "detect_first_s": detect_first_s.map(round),
            "detect_all_s": detect_all_s.map(round),
            "false_deaths": false_deaths + late_deaths.saturating_sub(bench.members as u64 - 1),
        })
    );
}

/// Seconds until each member knows the expected number of members.
async fn reached<P: Peer>(bench: &Bench, since: Instant, all: &[P], is_enough: impl Fn(usize) -> bool) -> Option<f64> {
    let mut waiting: Vec<&P> = all.iter().collect();
    let mut next_message = Duration::from_secs(10);
    while since.elapsed() < bench.patience {
        let alive = ask(waiting.iter().copied(), P::alive).await;
        let mut enough = alive.into_iter().map(&is_enough);
        waiting.retain(|_| !enough.next().unwrap_or(false));
        if waiting.is_empty() {
            return Some(since.elapsed().as_secs_f64());
        }
        if since.elapsed() > next_message {
            next_message += Duration::from_secs(10);
            print_waiting(&waiting, all.len(), "members still wait").await;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    print_waiting(&waiting, all.len(), "members waited in vain").await;
    None
}

/// Prints how many members wait, and the numbers of members that the first of them know.
async fn print_waiting<P: Peer>(waiting: &[&P], all: usize, state: &str) {
    let known = ask(waiting.iter().copied().take(8), P::alive).await;
    eprintln!("{} of {all} {state}; the first of them know {known:?}", waiting.len());
}

/// Seconds until one of the members knows of the crash.
async fn first<P: Peer>(bench: &Bench, since: Instant, all: &[P], left: usize) -> Option<f64> {
    while since.elapsed() < bench.patience {
        if ask(all, P::alive).await.contains(&left) {
            return Some(since.elapsed().as_secs_f64());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    None
}

/// Waits until members send hardly more than a ping and an ack per period, as they do without updates, and a digest of
/// states every four seconds if they have services.
async fn calm<P: Peer>(bench: &Bench, all: &[P]) -> f64 {
    let (begun, sample) = (Instant::now(), Duration::from_secs(2));
    let most = ((if bench.services > 0 { 2.31 } else { 2.05 }) * all.len() as f64 * sample.as_secs_f64()) as u64;
    let mut before = sum(all).await[0];
    while begun.elapsed() < bench.patience {
        tokio::time::sleep(sample).await;
        let after = sum(all).await[0];
        if after - before < most {
            break;
        }
        before = after;
    }
    begun.elapsed().as_secs_f64()
}

async fn sum<P: Peer>(all: &[P]) -> [u64; 3] {
    let counts = ask(all, P::counts).await;
    counts.into_iter().fold([0; 3], |sums, counts| std::array::from_fn(|at| sums[at] + counts[at]))
}

/// The answers of members, in their order, to a question that a few hundred are asked at the same time.
async fn ask<'a, P: 'a, F: Future>(
    members: impl IntoIterator<Item = &'a P>,
    question: impl Fn(&'a P) -> F,
) -> Vec<F::Output> {
    let mut members = members.into_iter().peekable();
    let mut answers = Vec::new();
    while members.peek().is_some() {
        let asked = members.by_ref().take(ASKED_AT_ONCE).map(|member| MaybeDone::Waiting(Box::pin(question(member))));
        let mut asked: Vec<MaybeDone<F>> = asked.collect();
        poll_fn(|context| {
            // Each is polled, so that all wait at once.
            let mut is_done = true;
            asked.iter_mut().for_each(|one| is_done &= one.poll(context));
            if is_done { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
        answers.extend(asked.into_iter().map(MaybeDone::answer));
    }
    answers
}

/// A question, or its answer.
enum MaybeDone<F: Future> {
    Waiting(Pin<Box<F>>),
    Done(F::Output),
}

impl<F: Future> MaybeDone<F> {
    fn poll(&mut self, context: &mut Context<'_>) -> bool {
        if let Self::Waiting(question) = self
            && let Poll::Ready(answer) = question.as_mut().poll(context)
        {
            *self = Self::Done(answer);
        }
        matches!(self, Self::Done(_))
    }

    fn answer(self) -> F::Output {
        match self {
            Self::Done(answer) => answer,
            Self::Waiting(_) => unreachable!("all were waited for"),
        }
    }
}

fn rss_kib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}
