//! The work with anysystem: a member is a process on a node of its own. Names are strings, and so are messages; its
//! network draws the latencies, and its log keeps every event.

use std::process::ExitCode;

use anysystem::{Context, Message, Process, System};
use swimlab::selectors::rng::{Purpose, Rng, below, stream};
use swimlab_peers::work::{LATENCY_US, PERIOD_US, SEED, TALLY, Work};

#[derive(Clone)]
struct Member {
    me: u32,
    members: u32,
    rng: Rng,
    is_pinged: bool,
}

impl Process for Member {
    fn on_start(&mut self, context: &mut Context) -> Result<(), String> {
        context.set_timer("period", f64::from(below(&mut self.rng, PERIOD_US as u32)) / 1e6);
        Ok(())
    }

    fn on_message(&mut self, message: Message, from: String, context: &mut Context) -> Result<(), String> {
        if message.tip == "ping" {
            TALLY.ping((context.time() * 1e6) as u64, &mut self.is_pinged);
            context.send(Message::new("ack", ""), from);
        } else {
            TALLY.ack();
        }
        Ok(())
    }

    fn on_local_message(&mut self, _: Message, _: &mut Context) -> Result<(), String> {
        Err("nobody sends one".to_owned())
    }

    fn on_timer(&mut self, _: String, context: &mut Context) -> Result<(), String> {
        TALLY.period();
        context.set_timer("period", PERIOD_US as f64 / 1e6);
        let other = (self.me + 1 + below(&mut self.rng, self.members - 1)) % self.members;
        context.send(Message::new("ping", ""), other.to_string());
        Ok(())
    }
}

fn world(work: Work) -> impl FnOnce() {
    let mut system = System::new(SEED);
    system.network().set_delays(LATENCY_US.0 as f64 / 1e6, LATENCY_US.1 as f64 / 1e6);
    for me in 0..work.members {
        let name = me.to_string();
        let rng = stream(SEED, Purpose::Other(0), me.into());
        system.add_node(&name);
        system.add_process(&name, Box::new(Member { me, members: work.members, rng, is_pinged: false }), &name);
    }
    move || {
        system.step_for_duration(work.end_us() as f64 / 1e6);
    }
}

fn main() -> ExitCode {
    swimlab_peers::measure(world)
}
