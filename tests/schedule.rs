//! A region that is cut off from the others in both directions or one, for longer than a suspicion lasts: no member
//! declares members of its own side dead by its own probes, and afterwards every member sees all others alive.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::Arc;

use swimlab::protocol::{Config, Event, EventKind, MemberConfig, Span, Time};
use swimlab::sim::{self, Effect, FaultEvent, MemberIndex, Observer, Setup};
use swimlab::topology::{TopologyContext, topologies};
use swimlab::wire::PlainSizer;
use swimlab_selectors::{DynSelector, Spec};

/// End of the cut: warm-up, start of the fault and its length.
const HEALS: Span = Span::from_secs(50);

/// Time after the cut within which a record of a live member may still say that it is dead.
const BOUND: Span = Span::from_secs(500);

/// The members that each member has declared dead, and the time of the last return.
#[derive(Default)]
struct Declarations {
    ids: Vec<u64>,
    cut: BTreeSet<MemberIndex>,
    dead: BTreeSet<(MemberIndex, MemberIndex)>,
    /// Declarations of death while the cut lasted: the declaring member and the declared one.
    declared: BTreeSet<(MemberIndex, MemberIndex)>,
    healed: Time,
}

impl Observer for Declarations {
    fn event(&mut self, at: Time, member: MemberIndex, event: &Event) {
        let Some(about) = self.ids.iter().position(|&id| id == event.about) else { return };
        let pair = (member, about as MemberIndex);
        match event.kind {
            EventKind::Died => {
                self.dead.insert(pair);
                if at < Time::ZERO + HEALS {
                    self.declared.insert(pair);
                }
            }
            EventKind::Joined if self.dead.remove(&pair) => self.healed = at,
            _ => {}
        }
    }

    fn fault(&mut self, event: &FaultEvent) {
        if event.effect == Effect::Disturbed {
            self.cut.insert(event.member);
        }
    }
}

fn cut_off(fault: &str, seed: u64) -> Declarations {
    let members = 165;
    let fault = sim::faults().build(&Spec::parse(fault).unwrap(), &()).unwrap();
    let aws = topologies().build(&Spec::of("aws"), &TopologyContext::default()).unwrap();
    let mut setup = Setup::new(&aws, members, seed, vec![fault]);
    (setup.clock_skew, setup.warmup) = (Span::from_millis(100), Span::from_secs(5));
    setup.duration = Span::from_secs(1200);
    let ids = setup.placement.peers.iter().map(|peer| peer.id).collect();
    let config = MemberConfig::new(Config::swim(), Arc::new(PlainSizer)).unwrap();
    let auto = "auto".parse::<DynSelector>().unwrap();
    let mut declarations = Declarations { ids, ..Declarations::default() };
    let outcome = sim::run_swim(&setup, &Arc::new(config), &auto, &mut declarations);
    assert_eq!(outcome.violations, [""; 0]);
    declarations
}

/// Cuts a region off in each of the worlds with these seeds, in each of three ways, and checks that its members return.
fn all_return(seeds: RangeInclusive<u64>) {
    for fault in [
        "partition:at=5s,target=region,lasts=40s",
        "one-way-partition:at=5s,target=region,direction=in,lasts=40s",
        "one-way-partition:at=5s,target=region,direction=out,lasts=40s",
    ] {
        let (mut own_sides, mut times, mut remain) = (0, Vec::new(), Vec::new());
        for seed in seeds.clone() {
            let declarations = cut_off(fault, seed);
            assert!(!declarations.cut.is_empty(), "{fault}, seed {seed}");
            let same_side =
                |&&(a, b): &&(MemberIndex, MemberIndex)| declarations.cut.contains(&a) == declarations.cut.contains(&b);
            let own_side = declarations.declared.iter().filter(same_side).count();
            own_sides += own_side;
            times.push(declarations.healed.since(Time::ZERO + HEALS));
            assert!(!declarations.declared.is_empty(), "{fault}, seed {seed}: the cut lasts longer than suspicion");
            // A member that still receives packets from the other side learns from it that its own side is dead, and
            // declares it.
            assert!(
                own_side == 0 || fault.starts_with("one-way"),
                "{fault}, seed {seed}: {own_side} about the own side"
            );
            if !declarations.dead.is_empty() {
                remain.push((seed, declarations.dead.len()));
            }
        }
        times.sort_unstable();
        let (median, longest) = (times[times.len() / 2], times[times.len() - 1]);
        println!(
            "{fault}: {own_sides} declarations about the own side; all healed after {median}, at most {longest}, in {} of {}",
            times.len() - remain.len(),
            times.len()
        );
        assert!(
            remain.is_empty(),
            "{fault}: records still say that live members are dead; seeds and numbers of records: {remain:?}"
        );
        // Every tenth period each member tries one of its dead members.
        assert!(longest < BOUND, "{fault}: {longest}");
    }
}

#[test]
fn a_region_that_was_cut_off_returns_for_every_member() {
    all_return(5..=8);
}

#[test]
#[ignore = "forty worlds three times take minutes"]
fn any_region_that_was_cut_off_returns_for_every_member() {
    all_return(1..=40);
}
