//! Validation against SWIM's closed forms and published figures, each with the tolerance that its number of trials
//! allows.
//!
//! The formulas are those of Das, Gupta and Motivala, "SWIM: Scalable Weakly-consistent Infection-style Process Group
//! Membership Protocol" (DSN 2002); finite-size values follow from the same argument without its limit n -> infinity.

#![cfg(feature = "lab")]

use std::collections::BTreeMap;
use std::sync::Arc;

use rayon::prelude::*;
use swimlab::protocol::{Config, Event, EventKind, EventSource, MemberConfig, MessageKind, Span, Time, profiles};
use swimlab::sim::{self, Fault, FaultEvent, MemberIndex, Observer, Outcome, Phases, Sent, Setup, World};
use swimlab::topology::{TopologyContext, topologies};
use swimlab::wire::PlainSizer;
use swimlab_selectors::{DynSelector, Spec};

/// A world of `n` on a LAN, whose delays are small against the period, as the formulas assume.
fn setup(n: u32, seed: u64, faults: &[&str]) -> Setup {
    let build = |text: &&str| sim::faults().build(&Spec::parse(text).unwrap(), &()).unwrap();
    let faults: Vec<Fault> = faults.iter().map(build).collect();
    let lan = topologies().build(&Spec::of("lan"), &TopologyContext::default()).unwrap();
    let mut setup = Setup::new(&lan, n, seed, faults);
    setup.warmup = Span::from_secs(3);
    setup
}

fn strategy(label: &str) -> DynSelector {
    label.parse().unwrap()
}

fn config(overrides: Spec) -> Arc<MemberConfig> {
    let config: Config = profiles().build(&overrides, &()).unwrap();
    Arc::new(MemberConfig::new(config, Arc::new(PlainSizer)).unwrap())
}

fn run<O: Observer>(setup: &Setup, config: &Arc<MemberConfig>, selector: &str, observer: &mut O) -> Outcome {
    let outcome = sim::run_swim(setup, config, &strategy(selector), observer);
    assert_eq!(outcome.violations, [""; 0], "seed {}", setup.seed);
    outcome
}

fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[track_caller]
fn assert_close(what: &str, measured: f64, expected: f64, tolerance: f64) {
    println!("{what}: measured {measured:.4}, expected {expected:.4} +- {tolerance}");
    assert!(
        (measured - expected).abs() <= tolerance,
        "{what}: measured {measured}, expected {expected} +- {tolerance}"
    );
}

/// Times of a member's crash and of the first ping after it.
#[derive(Default)]
struct FirstPing {
    crash: Option<(Time, MemberIndex)>,
    ping: Option<Time>,
}

impl Observer for FirstPing {
    fn fault(&mut self, event: &FaultEvent) {
        self.crash = Some((event.at, event.member));
    }
    fn sent(&mut self, sent: &Sent) {
        if let Some((_, victim)) = self.crash
            && sent.direct_ping
            && sent.to == victim
            && self.ping.is_none()
        {
            self.ping = Some(sent.at);
        }
    }
}

/// Seconds from a crash to the first ping of the victim, one for each trial; the crash is at `at` after the warm-up.
fn first_pings(n: u32, selector: &str, phases: Phases, at: &str, trials: u64) -> Vec<f64> {
    first_pings_by_clocks(n, selector, (phases, Span::ZERO), at, trials)
}

/// The same with clocks whose error is at most `clock_skew`.
fn first_pings_by_clocks(
    n: u32,
    selector: &str,
    (phases, clock_skew): (Phases, Span),
    at: &str,
    trials: u64,
) -> Vec<f64> {
    let config = config(Spec::of("swim"));
    let strategy = strategy(selector);
    let trial = |seed| {
        let mut setup = setup(n, seed, &[&format!("crash:at={at}")]);
        (setup.phases, setup.clock_skew) = (phases, clock_skew);
        let mut world = World::new(&setup, sim::SwimFactory::new(&setup, &config, &strategy), FirstPing::default());
        let mut until = Time::ZERO + setup.warmup;
        while world.observer().ping.is_none() {
            until += Span::from_millis(500);
            world.advance(until);
        }
        let FirstPing { crash, ping } = world.observer();
        ping.unwrap().since(crash.unwrap().0).as_secs_f64()
    };
    (0..trials).into_par_iter().map(trial).collect()
}

#[test]
fn with_random_phases_a_crashed_member_is_first_pinged_after_one_period_in_the_mean() {
    // Monte Carlo values of the same process, computed by separate code; standard errors here are 0.006 to 0.011.
    for (n, selector, expected, trials) in [
        (8, "uniform", 0.93, 20_000),
        (8, "shuffle", 0.89, 20_000),
        (128, "uniform", 1.006, 8_000),
        (128, "shuffle", 0.989, 8_000),
    ] {
        let measured = mean(&first_pings(n, selector, Phases::Random, "500ms", trials));
        assert_close(&format!("first ping, n={n}, {selector}"), measured, expected, 0.035);
    }
}

#[test]
fn with_a_schedule_the_first_ping_comes_after_seven_twelfths_of_a_period_and_two_at_most() {
    // A target is pinged once per period, at a random point of it. The mean time from a random moment to the next ping
    // is E[g^2]/2, where g is the gap between two pings: 1/2 + v, where v is the variance of a ping's offset in its
    // period, as long as pings arrive in the order of their periods.
    for (selector, skew, expected) in
        [("schedule", 0.0, 7.0 / 12.0), ("schedule", 0.1, 7.0 / 12.0 + 0.01 / 3.0), ("schedule:hold=1000", 0.0, 0.5)]
    {
        let clocks = (Phases::Random, Span::from_secs_f64(skew));
        let waits = first_pings_by_clocks(64, selector, clocks, "500ms", 6_000);
        // Four standard errors.
        assert_close(&format!("first ping, {selector}, clocks off by {skew} T"), mean(&waits), expected, 0.02);
        let longest = waits.iter().copied().fold(0.0, f64::max);
        assert!(longest <= 2.0 * (1.0 + skew), "{selector}: {longest}");
    }
    // Without a common clock members notice it, and ping in shuffled order.
    let clocks = (Phases::Random, Span::from_secs(100_000));
    let waits = first_pings_by_clocks(64, "schedule", clocks, "500ms", 6_000);
    assert_close("first ping, schedule, no common clock", mean(&waits), 0.98, 0.05);
}

#[test]
fn in_synchronous_periods_counted_whole_and_inclusive_the_mean_is_1_58() {
    // DSN 2002, section 3.1: each of the n-1 survivors pings the victim with probability 1/(n-1) per period, so the
    // count is geometric; e/(e-1) = 1.582 in the limit. The crash comes just before a period begins.
    for (n, trials) in [(8, 20_000), (32, 12_000), (128, 8_000)] {
        let others = f64::from(n - 1);
        let expected = 1.0 / (1.0 - (1.0 - 1.0 / others).powf(others));
        let periods: Vec<f64> =
            first_pings(n, "uniform", Phases::Synchronous, "999ms", trials).iter().map(|s| s.ceil()).collect();
        // Four standard errors of a geometric count at the fewest trials.
        assert_close(&format!("inclusive periods, n={n}"), mean(&periods), expected, 0.04);
    }
}

#[derive(Default)]
struct Messages(u64);

impl Observer for Messages {
    fn sent(&mut self, _: &Sent) {
        self.0 += 1;
    }
}

#[test]
fn the_load_is_two_messages_per_member_and_period_whatever_the_size() {
    for n in [2, 8, 64, 512] {
        let mut messages = Messages::default();
        run(&setup(n, 1, &[]), &config(Spec::of("swim")), "shuffle", &mut messages);
        // 63 periods, the first of them cut short by the random phases and the last by the end.
        assert_close(&format!("load, n={n}"), messages.0 as f64 / f64::from(n) / 63.0, 2.0, 0.04);
    }
}

/// Number of direct pings that each member sent between two to the same peer.
#[derive(Default)]
struct Gaps {
    sent: BTreeMap<MemberIndex, u64>,
    last: BTreeMap<(MemberIndex, MemberIndex), u64>,
    widest: u64,
}

impl Observer for Gaps {
    fn sent(&mut self, sent: &Sent) {
        if !sent.direct_ping {
            return;
        }
        let count = self.sent.entry(sent.from).or_default();
        *count += 1;
        let last = self.last.insert((sent.from, sent.to), *count);
        if let Some(last) = last {
            self.widest = self.widest.max(*count - last);
        }
    }
}

#[test]
fn round_robin_pings_every_member_within_2n_1_periods_also_under_churn() {
    // Size, largest size and faults: a crashed member counts until it is declared dead, well before the next crash.
    for (n, most, faults) in
        [(20, 20, vec![]), (20, 21, vec!["churn:times=40,every=20s"]), (40, 60, vec!["join:times=20,every=15s"])]
    {
        let mut setup = setup(n, 7, &faults);
        setup.duration = Span::from_secs(900);
        let mut gaps = Gaps::default();
        run(&setup, &config(Spec::of("swim")), "shuffle", &mut gaps);
        println!("n={n}, {faults:?}: widest gap {} of {}", gaps.widest, 2 * most - 1);
        assert!(gaps.widest < 2 * most, "{} periods", gaps.widest);
        assert!(gaps.widest > n.into(), "a shuffled traversal is no fixed order");
    }
}

#[derive(Default)]
struct Accusations {
    own: u64,
    deaths: u64,
    pings: u64,
}

impl Observer for Accusations {
    fn sent(&mut self, sent: &Sent) {
        self.pings += u64::from(sent.kind == MessageKind::Ping && sent.direct_ping);
    }
    fn event(&mut self, _: Time, _: MemberIndex, event: &Event) {
        self.own += u64::from(event.kind == EventKind::Suspected && event.source == EventSource::Own);
        self.deaths += u64::from(event.kind == EventKind::Died);
    }
}

#[test]
fn a_live_member_is_suspected_as_often_as_the_formula_for_lossy_links_says() {
    // DSN 2002, section 3.1, per probe: (1-q^2)(1-q^4)^k with all members up. The suspicion that a probe would repeat
    // is not counted again, which takes away less than 1 % at these rates.
    for (q, k, periods) in [(0.99_f64, 1, 36_000), (0.95, 3, 45_000)] {
        let expected_rate = (1.0 - q.powi(2)) * (1.0 - q.powi(4)).powi(k);
        let config = config(Spec::of("swim").with("indirect", f64::from(k)).with("suspicion_mult", 20.0));
        let worlds = 8;
        let counts: Vec<Accusations> = (0..worlds)
            .into_par_iter()
            .map(|seed| {
                let mut setup = setup(50, seed, &[]);
                setup.loss = 1.0 - q;
                setup.duration = Span::from_secs(periods / worlds);
                let mut counts = Accusations::default();
                run(&setup, &config, "uniform", &mut counts);
                counts
            })
            .collect();
        let (own, pings): (u64, u64) = (counts.iter().map(|c| c.own).sum(), counts.iter().map(|c| c.pings).sum());
        // A suspect is declared dead if no update about its suspicion reaches it in time, which is rare.
        let deaths: u64 = counts.iter().map(|c| c.deaths).sum();
        assert!(deaths < own, "{deaths} deaths of {own} suspicions");
        let expected = expected_rate * pings as f64;
        assert!(expected >= 1000.0, "{expected} events are too few");
        // Three standard errors of a Poisson count of 1,000 or more.
        assert_close(&format!("PM(F), q={q}, k={k}"), own as f64 / expected, 1.0, 0.1);
    }
}

/// Times at which the initial members learned of the join.
struct Infection {
    initial_members: u32,
    times: Vec<Time>,
}

impl Observer for Infection {
    fn event(&mut self, at: Time, member: MemberIndex, event: &Event) {
        // The joiner itself learns of all other members.
        if event.kind == EventKind::Joined && member < self.initial_members {
            self.times.push(at);
        }
    }
}

#[test]
fn updates_spread_as_fast_as_the_epidemic_model_predicts() {
    let config = config(Spec::of("swim").with("retransmit_mult", 20.0));
    // Periods until half and 99 % of the group know of a joiner, from the moment its seed does. The Monte Carlo of the
    // bare process (each member pings one random other per period, updates pass both ways) was computed by separate
    // code.
    for (initial_members, trials, monte_carlo) in [(64, 1000, (2.067, 3.435)), (512, 300, (3.402, 4.929))] {
        let n = f64::from(initial_members) + 1.0;
        let times: Vec<(f64, f64)> = (0..trials)
            .into_par_iter()
            .map(|seed| {
                let mut infection = Infection { initial_members, times: Vec::new() };
                let mut setup = setup(initial_members, seed, &["join:at=500ms"]);
                setup.duration = Span::from_secs(20);
                run(&setup, &config, "uniform", &mut infection);
                let times = infection.times;
                assert_eq!(times.len(), initial_members as usize, "all have learned");
                // The joiner knows too, so the second to know is the first in the list.
                let when = |share: f64| times[(share * n) as usize - 2].since(times[0]).as_secs_f64();
                (when(0.5), when(0.99))
            })
            .collect();
        let (half, nearly): (Vec<f64>, Vec<f64>) = times.into_iter().unzip();
        assert_close(&format!("infection, n={n}, 50 %"), mean(&half), monte_carlo.0, 0.05 * monte_carlo.0);
        assert_close(&format!("infection, n={n}, 99 %"), mean(&nearly), monte_carlo.1, 0.05 * monte_carlo.1);
        if initial_members > 500 {
            // DSN 2002, section 3.2: x(t) = n / (1 + (n/x0 - 1) exp(-(2 - 1/n) t)) with x0 = 2. This mean-field
            // approximation starts faster than the random process and ends slower than whole periods; the two agree at
            // 99 % of a group of this size.
            let logistic = ((n / 2.0 - 1.0) * 99.0).ln() / (2.0 - 1.0 / n);
            assert_close("infection, 99 %, logistic", mean(&nearly), logistic, 0.08 * logistic);
        }
    }
}
