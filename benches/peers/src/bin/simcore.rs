//! The work with simcore: a member is a component, and periods, pings and acks are events. simcore has no network, so the
//! sender of a message draws its latency; all draws are from the simulation's own generator.

use std::cell::RefCell;
use std::process::ExitCode;
use std::rc::Rc;

use serde::Serialize;
use simcore::{Event, EventHandler, Id, Simulation, SimulationContext, cast};
use swimlab_peers::work::{LATENCY_US, PERIOD_US, SEED, TALLY, Work};

#[derive(Clone, Serialize)]
struct Period {}

#[derive(Clone, Serialize)]
struct Ping {}

#[derive(Clone, Serialize)]
struct Ack {}

struct Member {
    context: SimulationContext,
    /// Members are the first components, so their ids are the numbers from 0.
    members: Id,
    is_pinged: bool,
}

impl EventHandler for Member {
    fn on(&mut self, event: Event) {
        let from = event.src;
        cast!(match event.data {
            Period {} => {
                TALLY.period();
                let others = self.members - 1;
                let other = (self.context.id() + 1 + self.context.gen_range(0..others)) % self.members;
                self.context.emit(Ping {}, other, self.latency_s());
                self.context.emit_self(Period {}, PERIOD_US as f64 / 1e6);
            }
            Ping {} => {
                TALLY.ping((self.context.time() * 1e6) as u64, &mut self.is_pinged);
                self.context.emit(Ack {}, from, self.latency_s());
            }
            Ack {} => {
                TALLY.ack();
            }
        })
    }
}

impl Member {
    fn latency_s(&self) -> f64 {
        self.context.gen_range(LATENCY_US.0 as f64 / 1e6..LATENCY_US.1 as f64 / 1e6)
    }
}

fn world(work: Work) -> impl FnOnce() {
    let mut simulation = Simulation::new(SEED);
    for member in 0..work.members {
        let name = member.to_string();
        let context = simulation.create_context(&name);
        context.emit_self(Period {}, context.gen_range(0.0..PERIOD_US as f64 / 1e6));
        let member = Member { context, members: work.members, is_pinged: false };
        simulation.add_handler(name, Rc::new(RefCell::new(member)));
    }
    move || {
        simulation.step_until_time(work.end_us() as f64 / 1e6);
    }
}

fn main() -> ExitCode {
    swimlab_peers::measure(world)
}
