use std::sync::Arc;
use swimlab::{protocol::*, sim::*, topology::*, wire::Compact};
use swimlab_selectors::registry::Spec;
use swimlab_selectors::*;
struct Uniform;
impl Selector for Uniform {
    type Survey = ();
    type State = ();
    fn survey(&self, _: &[Peer]) {}
    fn enroll(&self, (): &(), _: &mut Turn<'_>) {}
    fn targets(&self, (): &(), (): &mut (), turn: &mut Turn<'_>, want: usize, picks: &mut Vec<Slot>) {
        pick_uniform(turn, want, picks, |_| true);
    }
    fn bound(&self, n: u32, direct: u32) -> Bound {
        Bound::PerPeriod(f64::from(direct) / f64::from(n))
    }
}
struct Anyone;
impl Helpers for Anyone {
    fn helpers(&self, turn: &mut Turn<'_>, targets: &[Slot], want: usize, picks: &mut Vec<Slot>) {
        let view = turn.view;
        pick_uniform(turn, want, picks, |slot| !targets.contains(&slot) && !view.suspect(slot));
    }
}
#[derive(Default)]
struct Dead(u32);
impl Observer for Dead {
    fn event(&mut self, _: Time, _: Index, e: &Event) {
        if e.what == What::Died {
            self.0 += 1;
        }
    }
}
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let n: u32 = args[1].parse().unwrap();
    let crash = args[2] == "crash";
    let faults: Vec<Fault> = if crash { vec![super_faults()] } else { vec![] };
    let topology = topologies()
        .build(&Spec::parse("lan:delay_ms=30,jitter=uniform,spread_ms=20").unwrap(), &Base::default())
        .unwrap();
    let setup = Setup {
        placement: Arc::new(topology.place(n, 0, 1)),
        members: n,
        seed: 1,
        start: Start::Joined,
        phases: Phases::Random,
        period: Span::from_secs(1),
        loss: 0.0,
        warmup: Span::ZERO,
        duration: Span::from_secs(20),
        faults,
    };
    let kit = Arc::new(Kit { settings: Settings::of("swim"), helpers: Arc::new(Anyone), sizer: Arc::new(Compact) });
    println!("actor {}", std::mem::size_of::<Member>());
    let start = cpu_time::ProcessTime::now();
    let mut world =
        World::new(&setup, swim::SwimBreed::new(&setup, &kit, &Strategy::new("u", Uniform)), Dead::default());
    let built = start.elapsed();
    let mut t = 0;
    loop {
        t += 1;
        world.advance(Time::from_micros(t * 1_000_000));
        if crash && world.observer().0 == n - 1 || !crash && t == 20 {
            break;
        }
    }
    let o = world.finish();
    let cpu = start.elapsed();
    let rss = std::fs::read_to_string("/proc/self/status")
        .unwrap()
        .lines()
        .find(|l| l.starts_with("VmHWM"))
        .unwrap()
        .to_owned();
    println!(
        "n {n} t {t} built {built:?} cpu {cpu:?} events {} ns/event {} {rss} {:?}",
        o.events,
        (cpu - built).as_nanos() as f64 / o.events as f64,
        o.violations
    );
}
fn super_faults() -> Fault {
    faults().build(&Spec::of("crash"), &()).unwrap()
}
