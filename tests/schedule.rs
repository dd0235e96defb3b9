//! A region cut off from the others by both ways or one, for longer than suspicion lasts: nobody takes its own side for
//! dead by what it finds itself, and afterwards all are alive in everybody's eyes.

use std::collections::BTreeSet;
use std::ops::RangeInclusive;
use std::sync::Arc;

use swimlab::protocol::{Config, Event, EventKind, MemberConfig, Span, Time};
use swimlab::sim::{self, Effect, FaultEvent, MemberIndex, Observer, Setup};
use swimlab::topology::{TopologyContext, topologies};
use swimlab::wire::PlainSizer;
use swimlab_selectors::{DynSelector, Spec};

/// The cut is over: warm-up, the fault's beginning and how long it lasts.
const HEALS: Span = Span::from_secs(50);

/// Time after the cut within which a live member may still be taken for dead.
const BOUND: Span = Span::from_secs(500);

/// The members that each member holds dead, and the time of the last change.
#[derive(Default)]
struct Beliefs {
    ids: Vec<u64>,
    cut: BTreeSet<MemberIndex>,
    dead: BTreeSet<(MemberIndex, MemberIndex)>,
    /// Declarations of death while the cut lasted: the declaring member and the declared one.
    declared: BTreeSet<(MemberIndex, MemberIndex)>,
    healed: Time,
}

impl Observer for Beliefs {
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

    fn fault(&mut self, strike: &FaultEvent) {
        if strike.effect == Effect::Disturbed {
            self.cut.insert(strike.member);
        }
    }
}

fn cut_off(fault: &str, seed: u64) -> Beliefs {
    let members = 165;
    let fault = sim::faults().build(&Spec::parse(fault).unwrap(), &()).unwrap();
    let aws = topologies().build(&Spec::of("aws"), &TopologyContext::default()).unwrap();
    let mut setup = Setup::new(&aws, members, seed, vec![fault]);
    (setup.clock_skew, setup.warmup) = (Span::from_millis(100), Span::from_secs(5));
    setup.duration = Span::from_secs(1200);
    let ids = setup.placement.peers.iter().map(|peer| peer.id).collect();
    let config = MemberConfig::new(Config::swim(), Arc::new(PlainSizer)).unwrap();
    let auto = "auto".parse::<DynSelector>().unwrap();
    let mut beliefs = Beliefs { ids, ..Beliefs::default() };
    let outcome = sim::run_swim(&setup, &Arc::new(config), &auto, &mut beliefs);
    assert_eq!(outcome.violations, [""; 0]);
    beliefs
}

/// Cuts a region off in each of the worlds with these seeds, in each of three ways, and sees it come back.
fn all_come_back(seeds: RangeInclusive<u64>) {
    for fault in [
        "partition:at=5s,target=region,lasts=40s",
        "one-way-partition:at=5s,target=region,direction=in,lasts=40s",
        "one-way-partition:at=5s,target=region,direction=out,lasts=40s",
    ] {
        let (mut own_sides, mut times, mut remain) = (0, Vec::new(), Vec::new());
        for seed in seeds.clone() {
            let beliefs = cut_off(fault, seed);
            assert!(!beliefs.cut.is_empty(), "{fault}, seed {seed}");
            let same_side =
                |&&(a, b): &&(MemberIndex, MemberIndex)| beliefs.cut.contains(&a) == beliefs.cut.contains(&b);
            let own_side = beliefs.declared.iter().filter(same_side).count();
            own_sides += own_side;
            times.push(beliefs.healed.since(Time::ZERO + HEALS));
            assert!(!beliefs.declared.is_empty(), "{fault}, seed {seed}: the cut lasts longer than suspicion");
            // Whoever still hears the other side is told by it of its own side's death, and may believe it for a while.
            assert!(
                own_side == 0 || fault.starts_with("one-way"),
                "{fault}, seed {seed}: {own_side} about one's own side"
            );
            if !beliefs.dead.is_empty() {
                remain.push((seed, beliefs.dead.len()));
            }
        }
        times.sort_unstable();
        let (median, longest) = (times[times.len() / 2], times[times.len() - 1]);
        println!(
            "{fault}: {own_sides} declarations about one's own side; all well after {median}, at most {longest}, in {} of {}",
            times.len() - remain.len(),
            times.len()
        );
        assert!(remain.is_empty(), "{fault}: somebody is still taken for dead, seeds and how often {remain:?}");
        // Every tenth period each member tries one of its dead; in the end some have a few left.
        assert!(longest < BOUND, "{fault}: {longest}");
    }
}

#[test]
fn a_region_that_was_cut_off_comes_back_to_everybody() {
    all_come_back(5..=8);
}

#[test]
#[ignore = "forty worlds three times take minutes"]
fn whichever_region_was_cut_off_comes_back_to_everybody() {
    all_come_back(1..=40);
}
