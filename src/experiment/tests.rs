//! The meaning of experiment files.

mod limits;

use std::sync::Arc;

use super::*;
use crate::protocol::Span;
use crate::sim::{Crash, Phases, Start, Target};

fn parse(text: &str) -> Experiment {
    Experiment::parse(&TomlSource::text("mine.toml", text), &Lab::default()).unwrap_or_else(|bad| panic!("{bad}"))
}

const SHORT: &str = "topology = 'lan'\nselector = 'shuffle'\nmembers = 10\n";

#[test]
fn three_keys_are_enough() {
    let experiment = parse(SHORT);
    assert_eq!((experiment.name.as_str(), experiment.seed, experiment.trials), ("mine", 1, 100));
    assert_eq!((experiment.baseline, experiment.notices), (None, vec![]));
    let [cell] = &experiment.cells[..] else { panic!("one cell") };
    let key = &cell.key;
    assert_eq!((&*key.topology, &*key.selector, &*key.profile), ("lan", "shuffle", "swim"));
    assert_eq!((key.members, key.loss, &*key.scenario, key.swept.len()), (10, 0.0, "none", 0));
    assert_eq!((cell.environment.start, cell.environment.phases), (Start::Joined, Phases::Random));
    assert_eq!((cell.warmup, cell.duration), (Span::from_secs(20), Span::from_secs(60)));
    assert!(cell.faults.is_empty());
}

#[test]
fn without_a_selector_profiles_use_their_own_and_other_detectors_none() {
    let profiles = "topology = 'grid'\nmembers = 16\nprofile = ['medley', 'go-swim', 'lha-probe', 'majority']\n";
    let selectors = |text: &str| parse(text).cells.into_iter().map(|cell| cell.key.selector).collect::<Vec<_>>();
    let own = ["spatial:exponent=3,metric=rtt", "bucket:buckets=8,metric=ring", "shuffle", "-"];
    assert_eq!(selectors(profiles), own);
    let named = "selector = ['uniform', 'shuffle']\n";
    assert_eq!(selectors(&format!("{named}{profiles}")).join(" "), "uniform shuffle uniform shuffle uniform shuffle -");
    // Medley's helpers are near as well; the file can override them, by one value or a list.
    let listed = format!("{profiles}helpers = ['uniform', 'diverse']\n");
    assert_eq!(parse(&listed).cells.len(), 7);
    assert_eq!(parse(&listed).cells[1].key.swept_value("helpers"), Some("diverse"));
}

#[test]
fn a_profile_without_a_selector_asks_for_one() {
    let text = "topology = 'lan'\nmembers = 4\nprofile = [\n'medley',\n'swim']\n";
    let bad = Experiment::parse(&TomlSource::text("mine.toml", text), &Lab::default()).err().expect("swim has none");
    let why = "missing: selector: profile swim has none of its own; for example selector = [\"uniform\", \"shuffle\"]";
    assert_eq!(bad.to_string(), format!("mine.toml:5: {why}"));
}

#[test]
fn a_plain_value_is_a_list_of_one() {
    let lists = "topology = ['lan']\nselector = ['shuffle']\nmembers = [10]\nloss = [0.0]\nprofile = ['swim']\n\
                 helpers = ['uniform']\nstart = ['joined']\nphases = ['random']\nprotocol = { direct = [1] }\n";
    assert_eq!(parse(lists).cells[0].key, parse(SHORT).cells[0].key);
    assert_eq!(parse(lists).cells.len(), 1);
}

#[test]
fn lists_multiply_topologies_outermost_and_selectors_innermost() {
    let cells = parse(
        "topology = ['lan', 'aws']\nselector = ['uniform', 'shuffle']\nmembers = [10, 20]\nloss = [0, 0.1]\n\
         helpers = ['uniform', 'diverse']\nsuspicion = ['none', 'fixed']\n[protocol]\ndirect = [1, 2]\nindirect = 1\n",
    )
    .cells;
    assert_eq!(cells.len(), 128);
    let describe = |cell: &Cell| {
        let CellKey { topology, selector, members, loss, swept, .. } = &cell.key;
        let swept: Vec<String> = swept.iter().map(|(key, value)| format!("{key}={value}")).collect();
        format!("{topology} {members} {loss} {} {selector}", swept.join(","))
    };
    assert_eq!(describe(&cells[0]), "lan 10 0 suspicion=none,direct=1,helpers=uniform uniform");
    assert_eq!(describe(&cells[1]), "lan 10 0 suspicion=none,direct=1,helpers=uniform shuffle");
    assert_eq!(describe(&cells[2]), "lan 10 0 suspicion=none,direct=1,helpers=diverse uniform");
    assert_eq!(describe(&cells[127]), "aws 20 0.1 suspicion=fixed,direct=2,helpers=diverse shuffle");
    assert!(cells.iter().all(|cell| cell.config().unwrap().indirect == 1));
}

#[test]
fn a_topology_may_have_a_number_of_members_of_its_own() {
    let sizes = |topology: &str| {
        let text = format!("topology = {topology}\nselector = 'shuffle'\nmembers = [10, 20]\n");
        let cells = Experiment::parse(&TomlSource::text("mine.toml", text), &Lab::default()).map(|all| all.cells);
        let describe = |cell: &Cell| format!("{} {}", cell.key.topology, cell.key.members);
        cells.map(|cells| cells.iter().map(describe).collect::<Vec<_>>()).map_err(|error| error.to_string())
    };
    let own = "['lan', { kind = 'aws', members = 33 }, 'lan:delay_ms=1,members=5']";
    assert_eq!(sizes(own).unwrap(), ["lan 10", "lan 20", "aws 33", "lan:delay_ms=1 5"]);
    assert!(sizes("['lan', 'lan:members=20']").unwrap_err().contains("twice"));
    assert!(sizes("'lan:members=0'").unwrap_err().contains("must be an integer from 1"));
}

#[test]
fn clock_skew_is_a_column_and_does_not_affect_other_random_streams() {
    let cells = parse(&format!("{SHORT}clock_skew = ['0s', '100ms']\n")).cells;
    assert_eq!(cells[1].key.swept_value("clock_skew"), Some("100ms"));
    let (exact, skewed) = (cells[0].setup(7), cells[1].setup(7));
    let ahead = |member| skewed.since_epoch(member).as_micros() as i64 - exact.since_epoch(member).as_micros() as i64;
    let ahead: Vec<i64> = (0..10).map(ahead).collect();
    assert!(ahead.iter().all(|us| us.abs() <= 100_000), "{ahead:?}");
    assert!(ahead.iter().any(|&us| us < -10_000) && ahead.iter().any(|&us| us > 10_000), "{ahead:?}");
    // Shuffle does not count shared periods.
    assert_eq!(cells[0].run(1, 0).trace_hash, cells[1].run(1, 0).trace_hash);
}

#[test]
fn a_strategy_is_its_name_its_label_or_a_table() {
    let label = "neighborhood:escape=0.25,metric=rtt,radius=4";
    let table = "{ kind = 'neighborhood', radius = 4, metric = 'rtt', escape = 0.25 }";
    let key = |selector: &str| {
        parse(&format!("topology = 'aws'\nmembers = 10\nselector = {selector}\n")).cells[0].key.selector.clone()
    };
    assert_eq!(key(table), label);
    assert_eq!(key(&format!("'{label}'")), label);
    let nested = "{ kind = 'bucket', metric = { kind = 'euclid', width = 4, height = 4 } }";
    assert_eq!(key(nested), "bucket:metric=euclid;height=4;width=4");
}

#[test]
fn a_detector_that_is_not_swim_is_one_cell_for_all_selectors_and_takes_its_own_keys() {
    let cells = parse(
        "topology = 'lan'\nmembers = 10\nselector = ['uniform', 'shuffle']\nhelpers = ['uniform', 'diverse']\n\
         profile = ['swim', 'all-to-all']\n[protocol]\nperiod = '2s'\ndirect = 2\n",
    )
    .cells;
    let detectors: Vec<&Cell> = cells.iter().filter(|cell| cell.key.profile == "all-to-all").collect();
    let [detector] = &detectors[..] else { panic!("one cell") };
    assert_eq!((cells.len(), &*detector.key.selector, detector.period()), (5, "-", Span::from_secs(2)));
    assert!(detector.config().is_none() && detector.floors().is_none());
}

#[test]
fn a_key_that_no_profile_has_is_refused_for_other_detectors_as_well() {
    let file = format!("{SHORT}profile = ['majority', 'all-to-all']\n[protocol]\ntimeuot = '2s'\n");
    let error = Experiment::parse(&TomlSource::text("mine.toml", file), &Lab::default()).err().unwrap().to_string();
    assert_eq!(error, "mine.toml:6: majority has no parameter \"timeuot\"; did you mean timeout?");
}

#[test]
fn a_detector_without_pings_has_no_measures_of_pings() {
    let file = format!(
        "{SHORT}profile = 'majority'\ntrials = 6\nwarmup = '5s'\nduration = '30s'\nfault = [{{ kind = 'crash' }}]\n"
    );
    let results = parse(&file).run(Options::default()).unwrap().results;
    let read = |name: &str| results.cells[0].readings_of(name);
    for absent in ["first_ping_s", "mean_ping_rtt_s", "unmonitored_members"] {
        assert!(read(absent).iter().all(|reading| *reading == MeasuredValue::Absent), "{absent}");
    }
    // A timeout of 5 s from the last timestamp, and up to a period for the votes.
    let declared = read("first_declaration_s").into_iter().map(|reading| reading.value().unwrap());
    assert!(declared.into_iter().all(|seconds| (4.0..6.1).contains(&seconds)));
}

#[test]
fn protocol_keys_override_the_profile() {
    let experiment =
        parse(&format!("{SHORT}profile = {{ kind = 'swim', direct = 3 }}\nprotocol = {{ period = '2s' }}\n"));
    let cell = &experiment.cells[0];
    assert_eq!((cell.config().unwrap().direct, cell.period()), (3, Span::from_secs(2)));
    assert_eq!(cell.key.profile, "swim:direct=3");
}

#[test]
fn several_faults_happen_in_one_trial() {
    let faults = "[[fault]]\nkind = 'crash'\nat = '5s'\n[[fault]]\nkind = 'slow'\ntarget = [1, 3]\nlasts = '8s'\n";
    let experiment = parse(&format!("{SHORT}{faults}"));
    let cell = &experiment.cells[0];
    assert_eq!((&*cell.key.scenario, cell.faults.len()), ("crash+slow", 2));
    assert_eq!((cell.faults[0].at, &cell.faults[1].target), (Span::from_secs(5), &Target::Members(vec![1, 3])));
    assert_eq!(experiment.scenarios[0].faults, ["crash:at=5s", "slow:lasts=8s,target=1,3"]);
}

#[test]
fn scenarios_are_alternatives_and_share_the_faults_outside_of_them() {
    let scenarios = "fault = 'churn'\n[[scenario]]\nname = 'calm'\n[[scenario]]\nfault = [{ kind = 'crash' }]\n";
    let experiment = parse(&format!("{SHORT}{scenarios}"));
    let names: Vec<&str> = experiment.cells.iter().map(|cell| &*cell.key.scenario).collect();
    assert_eq!(names, ["calm", "churn+crash"]);
    assert_eq!(experiment.cells[0].faults.len(), 1);
    assert!(experiment.cells[1].faults[1].kind.is::<Crash>());
}

#[test]
fn a_baseline_can_be_named_by_its_kind_if_there_is_one_of_it() {
    let selectors = "selector = ['shuffle', 'neighborhood:metric=rtt']\nmembers = 10\ntopology = 'lan'\n";
    let baseline = |name: &str| parse(&format!("{selectors}baseline = {name}\n")).baseline.unwrap();
    assert_eq!(baseline("'shuffle'"), "shuffle");
    assert_eq!(baseline("'neighborhood'"), "neighborhood:metric=rtt");
    assert_eq!(baseline("{ kind = 'neighborhood', metric = 'rtt' }"), "neighborhood:metric=rtt");
}

#[test]
fn a_radius_beyond_the_group_is_reduced_and_the_label_keeps_the_given_one() {
    let text = "topology = 'lan'\nmembers = 10\nselector = { kind = 'neighborhood', metric = 'ring', radius = 50 }\n";
    let experiment = parse(text);
    assert_eq!(experiment.cells[0].key.selector, "neighborhood:metric=ring,radius=50");
    let cut = "neighborhood:metric=ring,radius=50: members = 10 leave 9 neighbors; radius 50 is cut to that";
    assert_eq!(experiment.notices, [cut]);
}

#[test]
fn relative_paths_start_at_the_experiment_file() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("rtt.csv"), ",a,b\na,,10\nb,10,\n").unwrap();
    let file = dir.path().join("mine.toml");
    std::fs::write(&file, SHORT.replace("'lan'", "{ kind = 'csv', rtt = 'rtt.csv' }")).unwrap();
    let experiment = Experiment::parse(&TomlSource::read(&file).unwrap(), &Lab::default()).unwrap();
    let placement = experiment.cells[0].topology.place(2, 0, 1);
    assert_eq!(placement.longest_rtt_us(), 10_000);
}

#[test]
fn a_file_may_begin_with_a_byte_order_mark_and_end_its_lines_as_windows_does() {
    assert_eq!(parse(&format!("\u{feff}{}", SHORT.replace('\n', "\r\n"))).cells.len(), 1);
}

#[test]
fn trial_seeds_are_the_same_on_every_machine_and_fit_a_double() {
    let seeds = [(1, 0), (1, 1), (2, 0)].map(|(seed, trial)| trial_seed(seed, trial));
    assert_eq!(seeds, [3_316_356_330_981_164, 4_744_253_937_173_237, 3_532_771_828_038_384]);
    assert!((0..1000).all(|trial| trial_seed(7, trial) < 1 << 53));
}

#[test]
fn manifests_differ_if_experiments_do() {
    let manifest = |more: &str| parse(&format!("{SHORT}{more}")).manifest();
    assert_eq!(manifest("").differences(&manifest("trials = 7\nname = 'other'\n")), [""; 0]);
    let differences = manifest("").differences(&manifest("seed = 2\nprotocol = { direct = 2 }\n"));
    assert_eq!(differences, ["seed: 1 there, 2 here", "direct: not given there, 2 here"]);
}

#[test]
fn experiments_can_be_shared_among_threads() {
    fn shared<T: Send + Sync>(_: &T) {}
    shared(&Arc::new(parse(SHORT)));
}

#[test]
fn the_reference_names_every_key_and_its_files_are_valid() {
    let page = include_str!("../../docs/experiments.md");
    for key in file::KEYS.iter() {
        let written = ["`K`", "`[K]`", "`[[K]]`"].map(|form| form.replace('K', key));
        assert!(written.iter().any(|form| page.contains(&format!("\n| {form} |"))), "{key}");
    }
    let files: Vec<&str> = page.split("```toml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(files.len(), 7);
    for file in files {
        parse(file);
    }
}

#[test]
fn the_reference_defines_every_measure_and_no_other() {
    let page = include_str!("../../docs/measures.md");
    let mut rows: Vec<&str> = page
        .lines()
        .filter_map(|line| line.strip_prefix("| `"))
        .filter_map(|row| row.split(" | ").next())
        .flat_map(|names| names.split(", "))
        .map(|name| name.trim_matches('`'))
        .collect();
    let mut names: Vec<&str> = MEASURES.iter().map(|measure| measure.name).collect();
    rows.sort_unstable();
    names.sort_unstable();
    assert_eq!(rows, names);
}

fn refused(text: &str) -> String {
    Experiment::parse(&TomlSource::text("t.toml", text), &Lab::default()).err().expect("it is refused").to_string()
}

#[test]
fn lists_within_selectors_and_other_strategies_multiply() {
    let selectors = |selector: &str| -> Vec<String> {
        let file = format!("topology = 'lan'\nmembers = 40\nselector = {selector}\n");
        parse(&file).cells.iter().map(|cell| cell.key.selector.clone()).collect()
    };
    assert_eq!(
        selectors("{ kind = 'neighborhood', metric = 'rtt', escape = [0.1, 0.25] }"),
        ["neighborhood:escape=0.1,metric=rtt", "neighborhood:escape=0.25,metric=rtt"]
    );
    assert_eq!(
        selectors("['shuffle', { kind = 'neighborhood', radius = [4, 8], metric = ['rtt', 'ring'] }]"),
        [
            "shuffle",
            "neighborhood:metric=rtt,radius=4",
            "neighborhood:metric=ring,radius=4",
            "neighborhood:metric=rtt,radius=8",
            "neighborhood:metric=ring,radius=8"
        ]
    );
    let nested = selectors("{ kind = 'neighborhood', metric = { kind = 'euclid', width = [8, 16], height = 8 } }");
    assert!(nested[0].contains("width=8") && nested[1].contains("width=16"), "{nested:?}");
    let sizes = parse("topology = { kind = 'lan', members = [5, 9] }\nmembers = 3\nselector = 'shuffle'\n");
    assert_eq!(sizes.cells.iter().map(|cell| cell.key.members).collect::<Vec<_>>(), [5, 9]);
    let refused = |rest: &str| refused(&format!("topology = 'lan'\nmembers = 40\n{rest}\n"));
    assert_eq!(
        refused("selector = { kind = 'neighborhood',\nmetric = 'rtt', escape = [0.1, 5] }"),
        "t.toml:4: neighborhood: escape must be a number from 0.001 to 0.999, not 5"
    );
    assert!(refused("selector = { kind = 'neighborhood', escape = [] }").contains("escape is an empty list"));
    let fault = refused("selector = 'shuffle'\nfault = [{ kind = 'crash', at = ['1s', '2s'] }]");
    assert!(
        fault.contains("t.toml:4: at must be one value here, not a list; alternative faults are scenarios"),
        "{fault}"
    );
    assert!(
        refused("selector = 'shuffle'\nfault = [{ kind = 'crash', target = ['a'] }]").contains("target must be an")
    );
}

#[test]
fn presets_can_be_varied() {
    let file = "topology = 'lan'\nselector = 'shuffle'\nmembers = 9\npreset = ['lan', 'wan']\n";
    let experiment = parse(file);
    let column: Vec<_> = experiment.cells.iter().map(|cell| cell.key.swept_value("preset").unwrap()).collect();
    assert_eq!(column, ["lan", "wan"]);
    let alone = |preset: &str| parse(&file.replace("['lan', 'wan']", &format!("'{preset}'")));
    for (cell, preset) in experiment.cells.iter().zip(["lan", "wan"]) {
        let alone = alone(preset);
        assert_eq!(format!("{:?}", cell.config()), format!("{:?}", alone.cells[0].config()), "{preset}");
    }
    let own = parse(&format!("{file}[protocol]\nperiod = '700ms'\nprobe_timeout = '300ms'\n"));
    assert!(own.cells.iter().all(|cell| cell.period().to_string() == "700ms"));
    let profile = "profile = { kind = 'swim', period = '700ms', probe_timeout = '300ms' }\n";
    for file in [file.to_owned(), file.replace("['lan', 'wan']", "'wan'")] {
        let own = parse(&format!("{file}{profile}"));
        assert!(own.cells.iter().all(|cell| cell.period().to_string() == "700ms"), "{file}");
    }
    assert!(refused(&file.replace("'wan'", "'won'")).contains("unknown preset \"won\"; did you mean wan?"));
}

#[test]
fn a_declaration_that_no_trial_reaches_is_noted_before_the_run() {
    let notices = |rest: &str| {
        let file = format!("topology = 'lan'\nselector = 'shuffle'\nmembers = 600\npreset = 'wan'\n{rest}");
        let notices = parse(&file).notices;
        notices.into_iter().filter(|notice| notice.contains("is declared after")).collect::<Vec<_>>()
    };
    let short = notices("duration = '60s'\nfault = ['crash']\n");
    assert!(
        short.len() == 1 && short[0].starts_with("duration = 1m: a trial ends 1m after its first fault"),
        "{short:?}"
    );
    assert_eq!(notices("duration = '300s'\nfault = ['crash']\n"), [""; 0]);
    assert_eq!(notices("duration = '60s'\nfault = ['pause']\n"), [""; 0]);
}

#[test]
fn selectors_whose_locality_cannot_act_are_noted_before_the_run() {
    let notices = |file: &str| {
        let notices = parse(file).notices.into_iter();
        notices.filter(|notice| !notice.starts_with("period")).collect::<Vec<_>>()
    };
    let few = notices("topology = { kind = 'aws', zones = 1 }\nselector = ['shuffle', 'auto']\nmembers = [33, 330]\n");
    assert!(
        few.len() == 1 && few[0].starts_with("auto: with members = 33 most members of aws:zones=1 are alone"),
        "{few:?}"
    );
    let unplaced = notices("topology = 'planetlab'\nselector = ['shuffle', 'auto']\nmembers = 100\n");
    assert!(unplaced.len() == 1 && unplaced[0].starts_with("auto: no member of planetlab has a zone"), "{unplaced:?}");
    let learning = "topology = 'planetlab'\nselector = 'neighborhood:metric=vivaldi'\nmembers = 100\n";
    let rough = notices(learning);
    assert!(rough.len() == 1 && rough[0].contains("the warm-up has 20 periods: before 64"), "{rough:?}");
    assert_eq!(notices(&format!("{learning}warmup = '300s'\n")), [""; 0]);
    let metric = notices("topology = 'planetlab'\nselector = 'bucket:metric=hierarchy'\nmembers = 100\n");
    assert!(metric.len() == 1 && metric[0].ends_with("has a zone path, so that all are equally far"), "{metric:?}");
    // On one network there is nothing near or far.
    assert_eq!(notices("topology = 'lan'\nselector = ['shuffle', 'auto']\nmembers = 100\n"), [""; 0]);
}
