//! An experiment and a seed fix every result to the last bit. The golden hashes below cover everything that happened in
//! a trial, in order: they change with every change of behavior, on purpose, and with nothing else.

use std::sync::Arc;

use swimlab::experiment::on_threads;
use swimlab::protocol::{MemberConfig, Span, profiles};
use swimlab::sim::{self, Setup, Start, Threads};
use swimlab::topology::{TopologyContext, topologies};
use swimlab::wire::PlainSizer;
use swimlab_selectors::{Spec, build_selector, helpers, selectors};

struct World {
    topology: &'static str,
    selector: &'static str,
    helpers: &'static str,
    protocol: &'static [(&'static str, &'static str)],
    faults: &'static [&'static str],
    loss: f64,
    start: Start,
    golden: u64,
}

const PLAIN: World = World {
    topology: "lan",
    selector: "shuffle",
    helpers: "uniform",
    protocol: &[],
    faults: &["crash:at=1s"],
    loss: 0.0,
    start: Start::Joined,
    golden: 0,
};

/// Every selector, kind of latency and fault, and every protocol part, in a few worlds.
const WORLDS: &[World] = &[
    World { golden: 0x6e4e_dddf_acf8_7404, ..PLAIN },
    World {
        topology: "lan:delay_ms=50,jitter=normal,spread_ms=5",
        selector: "uniform",
        golden: 0x55c9_f348_8fb2_775a,
        ..PLAIN
    },
    World {
        topology: "aws:jitter=true",
        selector: "neighborhood:metric=rtt,radius=8",
        helpers: "diverse",
        loss: 0.05,
        golden: 0x2a8e_abd7_62f1_d4b4,
        ..PLAIN
    },
    World {
        topology: "home",
        selector: "bucket:metric=great-circle,buckets=3",
        faults: &["churn:at=1s,times=5,every=3s", "slow:at=10s,count=3,lasts=8s"],
        golden: 0x11eb_adb0_3586_587d,
        ..PLAIN
    },
    World {
        topology: "cities",
        selector: "neighborhood:metric=great-circle,radius=8,beyond=bucket,buckets=3",
        faults: &["restart:at=1s,down=5s", "leave:at=3s", "join:at=4s,count=2", "pause:at=5s,lasts=4s"],
        golden: 0xcb89_6bf7_1d5e_e4e0,
        ..PLAIN
    },
    World {
        topology: "torus",
        selector: "neighborhood:metric=hierarchy",
        protocol: &[("suspicion", "confirmed"), ("dissemination", "gossip-buddy"), ("sync_interval", "5s")],
        faults: &["partition:at=1s,target=share:0.3,lasts=20s", "one-way-loss:at=2s,count=5,rate=0.5,lasts=20s"],
        golden: 0xb0df_8799_c3a3_1f89,
        ..PLAIN
    },
    World {
        topology: "zones",
        selector: "bucket:metric=finger,buckets=4",
        protocol: &[("suspicion", "none"), ("dissemination", "multicast"), ("prober", "classic")],
        faults: &["flip-flop:at=1s,target=zone,lasts=20s,on=3s,off=3s"],
        golden: 0x2fb6_a9cc_56e0_45ff,
        ..PLAIN
    },
    World {
        topology: "planetlab",
        selector: "bucket:metric=xor,buckets=2",
        start: Start::Joining,
        golden: 0x3349_8208_b87a_0d6e,
        ..PLAIN
    },
    World {
        topology: "planetlab",
        selector: "neighborhood:metric=vivaldi,radius=8",
        faults: &["restart:at=1s,down=5s", "slow:at=10s,count=3,lasts=8s"],
        loss: 0.02,
        golden: 0xef33_9a82_068c_1e67,
        ..PLAIN
    },
    World {
        topology: "zones",
        selector: "spatial:metric=hierarchy",
        helpers: "spatial:metric=hierarchy",
        protocol: &[("suspicion", "5s"), ("sync_interval", "10s")],
        faults: &["partial-partition:at=1s,target=share:0.3,peers=share:0.3,lasts=20s"],
        golden: 0xc6af_fbe5_65f6_d75c,
        ..PLAIN
    },
    World {
        topology: "aws",
        selector: "auto",
        helpers: "regional",
        protocol: &[("sync_interval", "10s"), ("dissemination", "gossip-buddy")],
        loss: 0.02,
        golden: 0x7c8b_57cb_a0f3_0006,
        ..PLAIN
    },
];

fn hash(world: &World) -> u64 {
    let build = |text: &&str| sim::faults().build(&Spec::parse(text).unwrap(), &()).unwrap();
    let faults: Vec<_> = world.faults.iter().map(build).collect();
    let topology = topologies().build(&Spec::parse(world.topology).unwrap(), &TopologyContext::default()).unwrap();
    let (members, seed) = (60, 42);
    let mut setup = Setup::new(&topology, members, seed, faults);
    (setup.start, setup.loss, setup.warmup) = (world.start, world.loss, Span::from_secs(2));
    let context = setup.placement.context();
    let spec = world.protocol.iter().fold(Spec::of("swim"), |spec, &(key, value)| spec.with(key, value));
    let config = MemberConfig::new(profiles().build(&spec, &()).unwrap(), Arc::new(PlainSizer)).unwrap();
    let config =
        Arc::new(config.with_helpers(helpers().build(&Spec::parse(world.helpers).unwrap(), &context).unwrap()));
    let strategy = build_selector(&selectors(), &Spec::parse(world.selector).unwrap(), &context).unwrap();
    sim::run_swim(&setup, &config, &strategy, &mut ()).trace_hash
}

#[test]
fn every_world_runs_as_it_always_did() {
    let hashes: Vec<u64> = WORLDS.iter().map(hash).collect();
    let golden: Vec<u64> = WORLDS.iter().map(|world| world.golden).collect();
    assert!(hashes == golden, "now {hashes:#x?}\ngolden {golden:#x?}");
}

#[test]
fn the_thread_that_runs_a_world_makes_no_difference() {
    let here: Vec<u64> = WORLDS.iter().map(hash).collect();
    let there: Vec<u64> = std::thread::scope(|scope| {
        let runs: Vec<_> = WORLDS.iter().map(|world| scope.spawn(move || hash(world))).collect();
        runs.into_iter().map(|run| run.join().unwrap()).collect()
    });
    assert_eq!(here, there);
}

#[test]
fn a_large_world_runs_the_same_on_two_threads() {
    let topology = Spec::parse("lan:delay_ms=20,jitter=uniform,spread_ms=10").unwrap();
    let topology = topologies().build(&topology, &TopologyContext::default()).unwrap();
    let faults = ["crash:at=1s,count=20", "partition:at=2s,target=share:0.01,lasts=2s", "restart:at=3s,down=1s"];
    let faults = faults.map(|text| sim::faults().build(&Spec::parse(text).unwrap(), &()).unwrap());
    let mut setup = Setup::new(&topology, 20_000, 3, faults.to_vec());
    setup.duration = Span::from_secs(8);
    let config =
        Arc::new(MemberConfig::new(profiles().build(&Spec::of("swim"), &()).unwrap(), Arc::new(PlainSizer)).unwrap());
    let strategy = build_selector(&selectors(), &Spec::of("shuffle"), &setup.placement.context()).unwrap();
    let run = |setup: &Setup, threads| {
        let world = sim::World::new(setup, sim::SwimFactory::new(setup, &config, &strategy), ());
        assert_eq!(world.threads(), threads);
        world.run()
    };
    let one = run(&setup, 1);
    setup.threads = Threads::at_most(2, on_threads);
    assert_eq!(run(&setup, 2), one);
}
