//! Vivaldi against worlds whose truth is known.

use super::*;
use crate::rng::{Purpose, below, stream};

/// Lets everybody measure a random other in each cycle; gives the mean and the largest relative error of all pairs.
fn errors(seed: u64, members: u32, truth: impl Fn(u32, u32) -> f64) -> (f64, f64) {
    let mut rng = stream(seed, Purpose::Selector, 0);
    let mut space = vec![Vivaldi::default(); members as usize];
    for _ in 0..1000 {
        for me in 0..members {
            let peer = (me + 1 + below(&mut rng, members - 1)) % members;
            let at = space[peer as usize].coordinate();
            space[me as usize].update(&at, truth(me, peer) as u32, &mut rng);
        }
    }
    let pairs = (0..members).flat_map(|a| (0..members).map(move |b| (a, b))).filter(|(a, b)| a != b);
    let errors: Vec<f64> = pairs
        .map(|(a, b)| {
            let estimate = space[a as usize].coordinate().rtt_us(&space[b as usize].coordinate());
            (f64::from(estimate) - truth(a, b)).abs() / truth(a, b)
        })
        .collect();
    (errors.iter().sum::<f64>() / errors.len() as f64, errors.iter().copied().fold(0.0, f64::max))
}

/// The same as means over so many seeds: what one run ends with, its last few steps decide.
fn mean_errors(members: u32, truth: impl Fn(u32, u32) -> f64) -> (f64, f64) {
    const SEEDS: u32 = 20;
    let runs: Vec<_> = (0..SEEDS).map(|seed| errors(seed.into(), members, &truth)).collect();
    let mean = |part: fn(&(f64, f64)) -> f64| runs.iter().map(part).sum::<f64>() / f64::from(SEEDS);
    (mean(|run| run.0), mean(|run| run.1))
}

// The bounds of the next two are those of Serf's own tests, after 1000 cycles.

#[test]
fn ten_on_a_line_find_their_distances() {
    let (mean, max) = mean_errors(10, |a, b| 10_000.0 * f64::from(a.abs_diff(b)));
    assert!(mean <= 0.0031 && max <= 0.0130, "{mean} {max}");
}

#[test]
fn twenty_five_on_a_grid_find_their_distances() {
    let (mean, max) = mean_errors(25, |a, b| {
        let (x, y) = ((a % 5).abs_diff(b % 5), (a / 5).abs_diff(b / 5));
        10_000.0 * f64::from(x * x + y * y).sqrt()
    });
    assert!(mean <= 0.0016 && max <= 0.0230, "{mean} {max}");
}

#[test]
fn what_an_access_link_adds_is_height() {
    // Two groups 20 ms apart; everybody has an access link of 1 to 10 ms of its own.
    let link = |member: u32| 1000.0 + 1000.0 * f64::from(member % 10);
    let far = |a: u32, b: u32| if a % 2 == b % 2 { 0.0 } else { 20_000.0 };
    let (mean, max) = mean_errors(20, |a, b| far(a, b) + link(a) + link(b));
    assert!(mean < 0.03, "{mean} {max}");
}

fn somewhere() -> Vivaldi {
    let mut rng = stream(2, Purpose::Selector, 0);
    let mut vivaldi = Vivaldi::default();
    let peer = Coordinate { vector: [5_000.0; DIMENSIONS], height: 100.0, adjustment: 0.0, error: 0.2 };
    (0..50).for_each(|_| assert!(vivaldi.update(&peer, 30_000, &mut rng)));
    vivaldi
}

#[test]
fn a_coordinate_that_cannot_be_changes_nothing() {
    let good = Coordinate { vector: [1.0; DIMENSIONS], height: 100.0, adjustment: -5.0, error: 0.2 };
    let mut rng = stream(3, Purpose::Selector, 0);
    for wrong in [f32::NAN, f32::INFINITY, f32::NEG_INFINITY, f32::MAX, -2e7] {
        let mut vector = good.vector;
        vector[7] = wrong;
        let lies = [
            Coordinate { vector, ..good },
            Coordinate { height: wrong, ..good },
            Coordinate { adjustment: wrong, ..good },
            Coordinate { error: wrong, ..good },
        ];
        for lie in lies {
            let mut vivaldi = somewhere();
            assert!(!vivaldi.update(&lie, 20_000, &mut rng), "{lie:?}");
            assert_eq!(vivaldi.coordinate(), somewhere().coordinate());
        }
    }
    for lie in
        [Coordinate { error: 0.0, ..good }, Coordinate { error: 2.0, ..good }, Coordinate { height: -1.0, ..good }]
    {
        assert!(!lie.is_plausible(), "{lie:?}");
    }
    assert!(!somewhere().update(&good, u32::MAX, &mut rng));
}

#[test]
fn a_member_that_knows_its_place_is_not_pulled_away_by_who_claims_to_be_far_off() {
    let mut rng = stream(4, Purpose::Selector, 0);
    for vector in [[1e7; DIMENSIONS], [-1e7; DIMENSIONS], [3e5; DIMENSIONS]] {
        let lie = Coordinate { vector, height: 0.0, adjustment: 0.0, error: 1e-30 };
        let mut vivaldi = somewhere();
        assert!(!vivaldi.update(&lie, 20_000, &mut rng));
        assert_eq!(vivaldi.coordinate(), somewhere().coordinate());
    }
}

#[test]
fn a_network_that_changes_for_good_is_learnt_anew() {
    let mut rng = stream(7, Purpose::Selector, 0);
    let mut vivaldi = somewhere();
    let peer = Coordinate { vector: [5_000.0; DIMENSIONS], height: 100.0, adjustment: 0.0, error: 0.2 };
    let taken = (0..200).filter(|_| vivaldi.update(&peer, 300_000, &mut rng)).count();
    assert!((100..200).contains(&taken), "not at once, but soon: {taken}");
    let estimate = f64::from(vivaldi.coordinate().rtt_us(&peer));
    assert!((estimate / 300_000.0 - 1.0).abs() < 0.05, "{estimate}");
}

#[test]
fn whatever_is_said_coordinates_stay_plausible() {
    let mut rng = stream(5, Purpose::Selector, 0);
    let mut vivaldi = Vivaldi::default();
    for _ in 0..200_000 {
        let mut any = |most: f32| (unit(&mut rng) as f32 * 2.0 - 1.0) * most;
        let lie = Coordinate {
            vector: std::array::from_fn(|_| any(FARTHEST)),
            height: any(FARTHEST).abs(),
            adjustment: any(FARTHEST),
            error: any(1.5).abs().max(1e-30),
        };
        let rtt = below(&mut rng, 10_000_001);
        vivaldi.update(&lie, rtt, &mut rng);
        assert!(vivaldi.coordinate().is_plausible());
    }
}

#[test]
fn a_tenth_that_lies_does_not_spoil_the_rest() {
    // Members 0 to 3 claim to be at random places, surely, and answer late.
    let members = 40;
    let truth = |a: u32, b: u32| 2_000.0 + 10_000.0 * f64::from((a % 8).abs_diff(b % 8) + (a / 8).abs_diff(b / 8));
    let median = |liars: u32| {
        let mut rng = stream(6, Purpose::Selector, 0);
        let mut space = vec![Vivaldi::default(); members as usize];
        for _ in 0..1000 {
            for me in liars..members {
                let peer = (me + 1 + below(&mut rng, members - 1)) % members;
                let (mut at, mut rtt) = (space[peer as usize].coordinate(), truth(me, peer) as u32);
                if peer < liars {
                    at.vector = std::array::from_fn(|_| ((unit(&mut rng) - 0.5) * 2e7) as f32);
                    at.error = 1e-6;
                    rtt += below(&mut rng, 100_000);
                }
                space[me as usize].update(&at, rtt, &mut rng);
            }
        }
        let honest = (liars..members).flat_map(|a| (liars..members).map(move |b| (a, b))).filter(|(a, b)| a != b);
        let mut errors: Vec<f64> = honest
            .map(|(a, b)| {
                let estimate = space[a as usize].coordinate().rtt_us(&space[b as usize].coordinate());
                (f64::from(estimate) - truth(a, b)).abs() / truth(a, b)
            })
            .collect();
        errors.sort_by(f64::total_cmp);
        errors[errors.len() / 2]
    };
    let (without, with) = (median(0), median(4));
    assert!(without < 0.1 && with < 0.1, "{without} {with}");
}

#[test]
fn the_filter_passes_by_outliers() {
    let mut filter = Filter::default();
    assert!(filter.is_empty());
    let passed: Vec<u32> = [30, 90, 31, 32, 500, 33].map(|rtt| filter.take(rtt)).to_vec();
    assert_eq!(passed, [30, 30, 31, 32, 32, 33]);
}

#[test]
fn the_arithmetic_is_pinned() {
    let at = somewhere().coordinate();
    let bits = at.vector.iter().chain([&at.height, &at.adjustment, &at.error]).map(|number| number.to_bits());
    let hash = bits.fold(0, |hash, bits| crate::rng::mix(hash ^ u64::from(bits)));
    assert_eq!(hash, 7331252940880304573, "{at:?}");
}
