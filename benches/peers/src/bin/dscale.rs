//! The work with dscale, by its sequential scheduler, with latencies that its network draws. A jiffy is a microsecond. Its
//! table of latencies has n x n entries: 4 GB for 10,000 members.

use std::process::ExitCode;
use std::sync::atomic::{AtomicU32, Ordering};

use dscale::{
    Distr, Jiffies, Message, MessagePtr, Pid, Process, Seed, SimulationBuilder, TimerId, now, pid,
    schedule_timer_after, send_to,
};
use swimlab::selectors::rng::{Purpose, Rng, below, stream};
use swimlab_peers::work::{LATENCY_US, PERIOD_US, SEED, TALLY, Work};

/// Processes are made by `Default`, so it is told to them here.
static MEMBERS: AtomicU32 = AtomicU32::new(0);

struct Ping;
impl Message for Ping {}

struct Ack;
impl Message for Ack {}

#[derive(Default)]
struct Member {
    /// There from the start of the simulation on.
    rng: Option<Rng>,
    members: u32,
    is_pinged: bool,
}

impl Process for Member {
    fn on_start(&mut self, _: Seed) {
        self.members = MEMBERS.load(Ordering::Relaxed);
        let rng = self.rng.insert(stream(SEED, Purpose::Other(0), pid() as u64));
        schedule_timer_after(Jiffies(below(rng, PERIOD_US as u32) as usize));
    }

    fn on_message(&mut self, from: Pid, message: MessagePtr) {
        if message.is::<Ping>() {
            TALLY.ping(now().0 as u64, &mut self.is_pinged);
            send_to(from, Ack);
        } else {
            TALLY.ack();
        }
    }

    fn on_timer(&mut self, _: TimerId) {
        TALLY.period();
        schedule_timer_after(Jiffies(PERIOD_US as usize));
        let rng = self.rng.as_mut().expect("it has started");
        send_to((pid() + 1 + below(rng, self.members - 1) as usize) % self.members as usize, Ping);
    }
}

fn world(work: Work) -> impl FnOnce() {
    MEMBERS.store(work.members, Ordering::Relaxed);
    let (low, high) = (Jiffies(LATENCY_US.0 as usize), Jiffies(LATENCY_US.1 as usize));
    let mut runner = SimulationBuilder::default()
        .seed(SEED)
        .add_pool::<Member>("members", work.members as usize)
        .within_pool_latency("members", Distr::Uniform { low, high })
        .time_budget(Jiffies(work.end_us() as usize))
        .seq_sched()
        .build();
    move || {
        runner.run_full_budget();
    }
}

fn main() -> ExitCode {
    swimlab_peers::measure(world)
}
