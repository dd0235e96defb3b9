//! Properties of all kinds, and of the shipped data.

use std::collections::BTreeSet;

use swimlab_selectors::rng::{Purpose, stream};
use swimlab_selectors::{Location, Param, Spec};

use super::globe::{FIBER_INDEX, LIGHT_M_PER_US, light_rtt_us, point};
use super::*;

/// The kinds that need no file.
fn kinds() -> Vec<&'static str> {
    let registry = topologies();
    let is_complete = |params: &[Param]| params.iter().all(|param| param.default.is_some());
    registry.entries().iter().filter(|entry| is_complete(&entry.params)).map(|entry| entry.name).collect()
}

/// The data sets with coordinates.
const MEASURED_ON_THE_GLOBE: [&str; 3] = ["zones", "aws:zones=1", "azure"];

fn built(label: &str) -> Topology {
    topologies().build(&Spec::parse(label).unwrap(), &TopologyContext::default()).unwrap()
}

/// One member at each site.
fn one_a_site(label: &str) -> Placement {
    let topology = built(label);
    topology.place(topology.place(0, 0, 1).sites(), 0, 1)
}

fn pairs(placement: &Placement) -> impl Iterator<Item = (u32, u32)> {
    let n = placement.members();
    (0..n).flat_map(move |from| (0..n).map(move |to| (from, to)))
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn refusal(label: &str) -> String {
    topologies().build(&Spec::parse(label).unwrap(), &TopologyContext::default()).unwrap_err().to_string()
}

/// The member at the site of this name, if each site has one.
fn at(placement: &Placement, name: &str) -> u32 {
    (0..placement.members()).find(|&member| placement.site_name(placement.site_of(member)) == name).expect(name)
}

#[test]
fn every_parameter_has_a_sentence_and_no_kind_is_registered_without_one() {
    let registry = topologies();
    assert_eq!(
        registry.entries().len(),
        kinds().len() + usize::from(cfg!(feature = "experiments")),
        "csv alone needs a file"
    );
    for entry in registry.entries() {
        assert!(entry.about.ends_with('.'), "{}", entry.name);
        assert!(entry.params.iter().all(|param| !param.about.is_empty()), "{}", entry.name);
        let in_ms = entry.params.iter().filter(|param| param.name.ends_with("_ms"));
        assert!(in_ms.into_iter().all(|param| param.unit == "ms"), "{}", entry.name);
    }
}

#[test]
fn the_page_on_topologies_documents_every_kind_and_parameter() {
    let page = include_str!("../../docs/topologies.md");
    for entry in topologies().entries() {
        let section = page.split("\n## ").find(|section| section.starts_with(&format!("`{}`", entry.name)));
        let section = section.unwrap_or_else(|| panic!("no section for {}", entry.name));
        for param in &entry.params {
            let default = param.default.as_ref().map_or("required".to_owned(), ToString::to_string);
            let default = if default.is_empty() { "none".to_owned() } else { default };
            let row = format!("| `{}` | {default} ", param.name);
            assert!(section.contains(&row), "{}: no row \"{row}\"", entry.name);
        }
    }
}

#[test]
fn any_number_of_members_can_be_placed() {
    for label in kinds() {
        let topology = built(label);
        for (members, joiners) in [(0, 0), (0, 3), (1, 0), (1, 1), (2, 0), (5, 2), (1_000, 10)] {
            let placement = topology.place(members, joiners, 7);
            assert_eq!(placement.members(), members + joiners, "{label}");
            assert_eq!(placement.peers.len() as u32, members + joiners, "{label}");
            let sites = placement.sites();
            assert!((0..placement.members()).all(|member| placement.site_of(member) < sites), "{label}");
            assert_eq!(placement.longest_rtt_us() == 0, members + joiners == 0, "{label}");
        }
    }
}

#[test]
fn sites_are_used_round_robin() {
    for label in kinds() {
        let topology = built(label);
        let placement = topology.place(3_000, 500, 1);
        let mut counts = vec![0; placement.sites() as usize];
        (0..3_500).for_each(|member| counts[placement.site_of(member) as usize] += 1);
        let (least, most) = (counts.iter().min().unwrap(), counts.iter().max().unwrap());
        assert!(most - least <= 1, "{label}: {least} to {most}");
    }
}

#[test]
fn few_members_get_a_sample_of_sites_that_depends_on_the_seed() {
    let sites = |seed| {
        let placement = built("azure").place(6, 0, seed);
        (0..6).map(|member| placement.site_name(placement.site_of(member))).collect::<Vec<_>>()
    };
    assert_eq!(
        sites(1),
        ["israelcentral", "swedencentral", "southindia", "westus", "westeurope", "germanywestcentral"]
    );
    assert_eq!(sites(1), sites(1));
    assert_ne!(sites(1), sites(2));
    assert_eq!(sites(3).into_iter().collect::<BTreeSet<_>>().len(), 6);
}

#[test]
fn ids_are_distinct_spread_and_the_same_on_every_machine() {
    let peers = built("lan").place(10_000, 0, 1).peers;
    assert_eq!(peers.iter().map(|peer| peer.id).collect::<BTreeSet<_>>().len(), 10_000);
    let upper_half = peers.iter().filter(|peer| peer.id >> 63 == 1).count();
    assert!((4_800..5_200).contains(&upper_half), "{upper_half}");
    assert_eq!(peers[0].id, 6_791_897_765_849_424_158);
}

#[test]
fn delays_are_the_same_in_both_directions_and_never_0() {
    for label in kinds() {
        let placement = built(label).place(120, 0, 3);
        for (from, to) in pairs(&placement) {
            assert_eq!(placement.one_way_us(from, to), placement.one_way_us(to, from), "{label} {from} {to}");
            assert!(placement.one_way_us(from, to) >= 1, "{label} {from} {to}");
        }
        let longest = pairs(&placement).map(|(from, to)| placement.rtt_us(from, to)).max();
        assert_eq!(longest, Some(placement.longest_rtt_us()), "{label}");
    }
}

#[test]
fn the_build_context_agrees_with_the_placement() {
    for label in kinds() {
        let placement = built(label).place(50, 0, 3);
        let rtt = placement.context().rtt.unwrap();
        assert_eq!(rtt.sites(), placement.sites());
        for (from, to) in pairs(&placement) {
            let (a, b) = (&placement.peers[from as usize], &placement.peers[to as usize]);
            assert_eq!(rtt.rtt_us(a, b), Some(placement.rtt_us(from, to)), "{label}");
        }
    }
}

#[test]
fn zones_and_regions_agree_with_the_paths_that_selectors_see() {
    for (label, zones, regions) in
        [("aws", Some(99), Some(33)), ("zones", Some(40), Some(13)), ("azure", None, Some(48)), ("lan", None, None)]
    {
        let placement = one_a_site(label);
        assert_eq!(placement.zones().map(<[String]>::len), zones, "{label}");
        assert_eq!(placement.regions().map(<[String]>::len), regions, "{label}");
        for (a, b) in pairs(&placement) {
            let shared = placement.peers[a as usize].zone.shared_levels(&placement.peers[b as usize].zone);
            if regions.is_some() {
                assert_eq!(placement.region_of(a) == placement.region_of(b), shared >= 1, "{label} {a} {b}");
            }
            if zones.is_some() {
                assert_eq!(placement.zone_of(a) == placement.zone_of(b), shared >= 2, "{label} {a} {b}");
            }
        }
    }
    let tree = one_a_site("fat-tree:k=4");
    assert_eq!((tree.zones().unwrap().len(), tree.regions()), (4, None));
    assert_eq!((tree.zone_of(0), tree.zone_of(1), tree.zone_of(2)), (0, 0, 1));
}

#[test]
fn cities_lie_in_countries_of_six_continents() {
    let cities = one_a_site("cities");
    assert_eq!(cities.regions().unwrap().len(), 6);
    assert!(cities.zones().unwrap().contains(&"Europe/DE".to_owned()));
}

#[test]
fn no_measured_pair_is_faster_than_light() {
    for label in MEASURED_ON_THE_GLOBE {
        let placement = one_a_site(label);
        for (from, to) in pairs(&placement) {
            let [a, b] = [from, to].map(|member| point(placement.peers[member as usize].location).unwrap());
            assert!(f64::from(placement.rtt_us(from, to)) >= light_rtt_us(a, b), "{label} {from} {to}");
        }
    }
}

#[test]
fn medians_are_those_of_the_sources() {
    let between_sites = |label: &str, wanted: fn(&Placement, u32, u32) -> bool| {
        let placement = one_a_site(label);
        let wanted = pairs(&placement).filter(|&(from, to)| wanted(&placement, from, to));
        median(wanted.map(|(from, to)| f64::from(placement.rtt_us(from, to)) / 1e3).collect())
    };
    for (label, ms) in [("aws:zones=1", 156.0), ("azure", 149.0), ("planetlab", 133.9), ("home:jitter=false", 170.0)] {
        let found = between_sites(label, |_, from, to| from != to);
        assert!((found / ms - 1.0).abs() < 0.03, "{label}: {found} for {ms}");
    }
    assert_eq!(between_sites("zones", |_, from, to| from == to), data::SAME_ZONE_MS);
    let cross_zone = between_sites("zones", |at, from, to| from != to && at.region_of(from) == at.region_of(to));
    assert!((cross_zone - data::CROSS_ZONE_MS).abs() < 0.011, "{cross_zone}");
}

#[test]
fn published_values_are_reproduced() {
    for (label, from, to, ms) in [
        ("aws", "us-east-1a", "eu-west-1b", 69.6),
        ("aws", "us-west-2a", "ap-northeast-1a", 98.4),
        ("aws", "eu-central-1c", "eu-central-1c", 0.325),
        ("aws", "ap-east-1a", "ap-east-1a", data::SAME_REGION_MS),
        ("aws", "eu-central-1a", "eu-central-1c", data::CROSS_ZONE_MS),
        ("azure", "eastus", "westeurope", 83.0),
        ("azure", "japaneast", "westus2", 100.0),
        // Missing in one direction, taken from the other.
        ("azure", "malaysiawest", "qatarcentral", 89.0),
        ("zones", "us-south-dal10-a", "us-south-dal13-a", 2.16),
        ("zones", "eu-de-fra02-a", "eu-gb-lon04-a", 13.0),
        ("planetlab", "0", "3", 121.65),
    ] {
        let placement = one_a_site(label);
        let rtt_us = f64::from(placement.rtt_us(at(&placement, from), at(&placement, to)));
        // Directions are averaged: Azure's and AWS' differ by a millisecond.
        let tolerance_ms = if ms < 10.0 { 0.002 } else { 1.0 };
        assert!((rtt_us / 1e3 - ms).abs() <= tolerance_ms, "{from} to {to}: {rtt_us} us for {ms} ms");
    }
}

#[test]
fn round_trips_between_regions_of_aws_meet_the_measured_90th_percentiles_and_stay_slower_than_light() {
    let (placement, base) = (one_a_site("aws:zones=1,jitter=true"), one_a_site("aws:zones=1"));
    let p90 = data::Shipped::new("aws_p90.csv", include_bytes!("data/aws_p90.csv"));
    let mut rng = stream(1, Purpose::Network, 0);
    for (from, to) in pairs(&base).filter(|(from, to)| from < to) {
        let mut delay = |from, to| placement.delay_us(from, to, &mut rng);
        let mut drawn: Vec<u32> = (0..4_000).map(|_| delay(from, to) + delay(to, from)).collect();
        drawn.sort_unstable();
        let (row, column) = (from as usize, to as usize);
        let median = f64::from(base.rtt_us(from, to));
        let p90 = 500.0 * (p90.table().get(row, column).unwrap() + p90.table().get(column, row).unwrap());
        // Four standard errors of a quantile of 4,000 draws, the 90th percentile's being the larger one.
        let tolerance = 0.11 * (p90 - median) + 2.0;
        assert!((f64::from(drawn[2_000]) - median).abs() < tolerance, "{from} {to}: {} for {median}", drawn[2_000]);
        assert!((f64::from(drawn[3_600]) - p90).abs() < tolerance, "{from} {to}: {} for {p90}", drawn[3_600]);
        let [a, b] = [from, to].map(|member| point(placement.peers[member as usize].location).unwrap());
        assert!(f64::from(drawn[0]) > light_rtt_us(a, b), "{from} {to}: {}", drawn[0]);
    }
}

#[test]
fn the_stretch_of_cities_is_the_middle_one_of_three_measured_medians() {
    let stretch = |label: &str| {
        let placement = one_a_site(label);
        let ratio = |(from, to): (u32, u32)| {
            let [a, b] = [from, to].map(|member| point(placement.peers[member as usize].location).unwrap());
            let fiber_us = 2.0 * a.meters_to(b) * FIBER_INDEX / LIGHT_M_PER_US;
            (a.meters_to(b) > 200_000.0).then(|| f64::from(placement.rtt_us(from, to)) / fiber_us)
        };
        median(pairs(&placement).filter_map(ratio).collect())
    };
    let round = |x: f64| (x * 100.0).round() / 100.0;
    assert_eq!(MEASURED_ON_THE_GLOBE.map(|label| round(stretch(label))), [1.69, 1.81, 1.77]);
    let cities = stretch("cities:top=50,access_ms=0.002");
    assert!((cities - 1.77).abs() < 0.001, "{cities}");
}

#[test]
fn delays_between_cities_are_the_same_looked_up_and_computed() {
    // Up to 1,024 cities have a table; more do not.
    let (few, many) = (one_a_site("cities:top=300"), one_a_site("cities:top=2000"));
    for (from, to) in pairs(&few) {
        assert_eq!(few.one_way_us(from, to), many.one_way_us(from, to), "{from} {to}");
    }
}

#[test]
fn the_longest_delay_on_a_large_lattice_is_found_without_comparing_every_pair() {
    let longest = |label: &str, members| built(label).place(members, 0, 1).longest_rtt_us();
    assert_eq!(longest("ring:sites=1000000", 100_000), 1_000_000_000);
    // Three members on a long ring: their own longest delay, not the ring's.
    assert!(longest("ring:sites=1000000", 3) < 1_000_000_000);
}

#[test]
fn the_most_populous_cities_are_taken_first() {
    let cities = one_a_site("cities:top=3");
    assert_eq!([0, 1, 2].map(|site| cities.site_name(site)), ["Shanghai", "Beijing", "Shenzhen"]);
    assert_eq!(one_a_site("cities:top=5000").members(), 5_000);
}

#[test]
fn a_fat_tree_has_three_tiers() {
    let tree = one_a_site("fat-tree:k=4,rack_ms=0.02,pod_ms=0.2,core_ms=2");
    assert_eq!([0, 1, 2, 7].map(|to| tree.rtt_us(0, to)), [20, 200, 2_000, 2_000]);
    assert_eq!(tree.site_name(3), "pod1/rack1");
    assert_eq!(tree.peers[3].zone.levels().len(), 2);
}

#[test]
fn the_networks_of_go_swim_and_of_the_scale_study_can_be_built() {
    let mut rng = stream(1, Purpose::Network, 0);
    let mut delays = |label: &str| {
        let placement = built(label).place(2, 0, 1);
        (0..10_000).map(|_| f64::from(placement.delay_us(0, 1, &mut rng))).collect::<Vec<_>>()
    };
    let normal = delays("lan:delay_ms=50,jitter=normal,spread_ms=5");
    assert!((median(normal) - 50_000.0).abs() < 300.0);
    let uniform = delays("lan:delay_ms=30,jitter=uniform,spread_ms=20");
    assert!(uniform.iter().all(|delay| (10_000.0..=50_000.0).contains(delay)));
    assert!((median(uniform) - 30_000.0).abs() < 1_000.0);
}

#[test]
fn inconsistent_parameters_are_refused_in_a_sentence() {
    for (label, message) in [
        (
            "lan:jitter=uniform,spread_ms=2,delay_ms=1",
            "lan: spread_ms (2) must not be more than delay_ms (1) when uniform",
        ),
        ("lan:min_ms=2,delay_ms=1", "lan: min_ms (2) must not be more than delay_ms (1)"),
        ("fat-tree:k=3", "fat-tree: k must be even, not 3"),
        ("fat-tree:rack_ms=9", "fat-tree: rack_ms, pod_ms and core_ms must not decrease in this order"),
        ("cities:top=0", "cities: top must be an integer from 1 to 5000, not 0"),
        ("cites", "unknown topology \"cites\"; did you mean cities?"),
    ] {
        assert_eq!(refusal(label), message);
    }
}

#[test]
fn delays_are_the_same_on_every_machine() {
    let mut rng = stream(5, Purpose::Network, 0);
    let mut sum = |label: &str| {
        let placement = built(label).place(200, 20, 5);
        pairs(&placement).map(|(from, to)| u64::from(placement.delay_us(from, to, &mut rng))).sum::<u64>()
    };
    for (label, golden) in [
        ("lan", 2_421_479),
        ("lan:jitter=normal", 2_424_422),
        ("ring", 2_402_673_000),
        ("grid", 468_233_000),
        ("torus", 349_193_000),
        ("fat-tree", 16_352_980),
        ("zones", 3_288_720_860),
        ("aws", 3_732_981_062),
        ("aws:jitter=true", 3_759_654_047),
        ("azure", 3_518_410_900),
        ("planetlab", 3_610_680_320),
        ("home", 15_190_289_989),
        ("cities", 2_970_061_000),
    ] {
        assert_eq!(sum(label), golden, "{label}");
    }
}

#[test]
fn a_users_topology_needs_sites_and_round_trip_times() {
    let sites = vec![Site::new("here"), Site { weight: 3, ..Site::new("there") }];
    let topology = Topology::new("two sites", SiteMap::from_rtt(sites, &[100.0, 5_000.0, 7_000.0, 100.0]).unwrap());
    let placement = topology.credit("me").place(4, 0, 1);
    assert_eq!((placement.one_way_us(0, 1), placement.attribution()), (3_000, Some("me")));
    let refused = |sites: Vec<Site>, rtt_us: &[f64]| SiteMap::from_rtt(sites, rtt_us).unwrap_err();
    assert_eq!(refused(vec![], &[]), "there is no site for members to be at");
    assert_eq!(refused(vec![Site::new("a")], &[]), "1 sites need 1 round-trip times, not 0");
    assert_eq!(refused(vec![Site::new("a")], &[-1.0]), "-1 us is no round-trip time");
    let half = vec![Site { zone: Some("z".into()), ..Site::new("a") }, Site::new("b")];
    assert_eq!(refused(half, &[1.0; 4]), "a region, like a zone, is for all sites or for none");
    let tokyo = Site { location: Some(Location::Globe { lat: 139.7, lon: 35.7 }), ..Site::new("tokyo") };
    let swapped = "site \"tokyo\": latitude 139.7 is not from -90 to 90 degrees; are latitude and longitude swapped?";
    assert_eq!(refused(vec![tokyo], &[1.0]), swapped);
}

#[test]
fn a_users_topology_has_a_largest_number_of_sites() {
    let refused = |sites: usize| SiteMap::from_rtt(vec![Site::new("a"); sites], &[]).unwrap_err();
    // As many as the limit lack only their round-trip times.
    assert_eq!(refused(MAX_SITES), "5000 sites need 25000000 round-trip times, not 0");
    assert_eq!(refused(MAX_SITES + 1), "5001 sites are more than 5000, the most that are possible");
}

#[test]
fn no_packet_is_faster_than_the_least_delay() {
    let with_jitter = [
        "lan:delay_ms=0.01,jitter=uniform,spread_ms=0.01",
        "lan:delay_ms=1,jitter=normal,spread_ms=2",
        "lan:jitter=exponential",
        "aws:jitter=true",
        "home",
    ];
    for label in kinds().into_iter().chain(with_jitter) {
        let placement = built(label).place(60, 0, 1);
        let mut rng = stream(1, Purpose::Network, 0);
        for (from, to) in pairs(&placement) {
            let least = placement.least_delay_between_us(placement.site_of(from), placement.site_of(to));
            assert!(least >= placement.least_delay_us(), "{label}: {from} to {to}");
            let drawn = (0..20).map(|_| placement.delay_us(from, to, &mut rng)).min();
            assert!(drawn >= Some(least), "{label}: {from} to {to} after {drawn:?}, not {least}");
        }
    }
}
