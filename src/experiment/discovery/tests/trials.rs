//! Whole trials with services.

use crate::experiment::{Experiment, Lab, MeasuredValue, Options, Results, TomlSource};

fn run(text: &str, threads: usize) -> Results {
    let experiment = Experiment::parse(&TomlSource::text("t.toml", text), &Lab::default()).unwrap();
    let finished = experiment.run(Options { threads, ..Options::default() }).unwrap();
    assert!(finished.failures.is_empty(), "{:?}", finished.failures);
    finished.results
}

/// The experiment files of docs/discovery.md.
const FILES: [&str; 2] = [
    include_str!("../../../../examples/experiments/discovery.toml"),
    include_str!("../../../../examples/experiments/discovery-keys.toml"),
];

fn value(reading: MeasuredValue) -> f64 {
    reading.value().unwrap_or_else(|| panic!("{reading:?}"))
}

/// All detectors of a plain build, and SWIM as agents run it.
const PROFILES: &str = "profile = ['swim', 'all-to-all', 'gossip-heartbeat', 'phi-accrual', 'majority', 'lease']\n\
                        selector = 'shuffle'\npreset = 'lan'\ntopology = 'lan'\n";

#[test]
fn without_faults_and_loss_no_answer_is_wrong_and_no_request_goes_to_the_dead() {
    let text = format!(
        "{PROFILES}members = [1, 2, 24]\ntrials = 4\nwarmup = '5s'\nduration = '60s'\n[discovery]\nclients = 20\n\
         request_rate = 10\ninstances = ['100%', 1]\nchange_every = '7s'\ncache = ['0s', '3s']\n"
    );
    let results = run(&text, 0);
    assert_eq!(results.cells.len(), 6 * 3 * 2 * 2);
    for cell in &results.cells {
        for measure in ["requests_to_dead", "wrong_answers", "missed_instances"] {
            let values: Vec<f64> = cell.readings_of(measure).into_iter().map(value).collect();
            assert_eq!(values, [0.0; 4], "{}: {measure}", cell.key);
        }
        let absent = cell.readings_of("stale_answer_s").iter().all(|reading| *reading == MeasuredValue::Absent);
        assert!(absent, "{}", cell.key);
    }
}

#[test]
fn clients_leave_the_world_as_it_is() {
    let text =
        format!("{PROFILES}members = 20\nloss = 0.1\ntrials = 2\nduration = '30s'\nfault = ['crash', 'restart']\n");
    let plain = run(&text, 0);
    let looked_up = run(&format!("{text}[discovery]\nclients = 50\n"), 0);
    assert!(!plain.has_services && looked_up.has_services);
    for (plain, looked_up) in plain.cells.iter().zip(&looked_up.cells) {
        for (plain, looked_up) in plain.trials.iter().zip(&looked_up.trials) {
            assert_eq!(plain.trace_hash, looked_up.trace_hash);
            let common = || plain.measured.readings.iter().zip(&looked_up.measured.readings);
            let of_services = common().filter(|(plain, _)| **plain == MeasuredValue::Absent);
            assert!(common().all(|(plain, other)| plain == other || *plain == MeasuredValue::Absent));
            assert!(of_services.count() >= 8);
        }
    }
}

#[test]
fn results_do_not_depend_on_the_number_of_threads() {
    let text = format!(
        "{PROFILES}members = 20\nloss = 0.1\ntrials = 3\nduration = '40s'\nfault = ['crash', 'churn']\n\
         [discovery]\nclients = 20\nrequest_rate = 5\nchange_every = '2s'\ncache = '5s'\nchoice = 'nearest'\n"
    );
    assert_eq!(run(&text, 1), run(&text, 2));
}

#[test]
fn changes_are_known_soon_and_only_swim_members_exchange_them() {
    // 40 members, 2 trials (seed 1) of 60 s, each member changes its figure every 5 s: 480 x 0.9 timed changes a trial.
    let text = format!("{PROFILES}members = 40\ntrials = 2\nduration = '60s'\n[discovery]\nchange_every = '5s'\n");
    let results = run(&text, 0);
    for cell in &results.cells {
        let reading = |measure: &str| cell.readings_of(measure)[0];
        if cell.key.profile != "swim" {
            assert_eq!(reading("propagation_99_s"), MeasuredValue::Absent);
            assert_eq!(reading("bytes_per_change"), MeasuredValue::Absent);
            continue;
        }
        let times = ["propagation_50_s", "propagation_99_s", "propagation_100_s"].map(|name| value(reading(name)));
        // Three members every 200 ms: half of 39 after three rounds, all after some more or by repair, every 4 s.
        assert!(times[0] > 0.1 && times[0] < 1.0 && times[0] <= times[1] && times[1] <= times[2], "{times:?}");
        assert!(times[1] < 4.0 && times[2] < 8.0, "{times:?}");
        // A news of some 20 bytes goes to ln 40 + 2 = 6 members, each in a datagram of its own at worst.
        let bytes = value(reading("bytes_per_change"));
        assert!(bytes > 20.0 && bytes < 6.0 * 150.0, "{bytes}");
    }
}

#[test]
fn a_restarted_and_a_joined_member_exchange_states() {
    let text = format!(
        "{PROFILES}members = 12\ntrials = 2\nduration = '60s'\nfault = [{{ kind = 'restart', at = '2s', down = '10s' }}, \
         {{ kind = 'join', at = '3s', count = 3 }}, {{ kind = 'leave', at = '20s' }}]\n[discovery]\nchange_every = '2s'\n"
    );
    for trial in &run(&text, 0).cells[0].trials {
        assert!(value(trial.measured.reading("propagation_100_s")) < 8.0);
        assert_eq!(trial.violations, [""; 0]);
    }
}

#[test]
fn the_experiments_of_the_page_run_in_small() {
    for file in FILES {
        let small = [
            ("trials = 12", "trials = 2"),
            ("members = 128", "members = 16"),
            ("warmup = \"20s\"", "warmup = \"10s\""),
            ("clients = 100", "clients = 20"),
        ];
        let text = small.iter().fold(file.to_owned(), |text, (large, small)| {
            assert!(text.contains(large), "{large}");
            text.replace(large, small)
        });
        let results = run(&text, 0);
        for cell in &results.cells {
            assert!(results.has_services);
            let label = &cell.key;
            let shares = || ["wrong_answers", "missed_instances"].map(|name| cell.readings_of(name)).concat();
            assert!(shares().into_iter().map(value).all(|share| (0.0..1.0).contains(&share)), "{label}");
            let stale = cell.readings_of("stale_answer_s");
            let is_reached = stale.iter().all(|stale| stale.value().is_some_and(|stale| stale > 1.0 && stale < 60.0));
            match (label.scenario.as_str(), label.profile.as_str()) {
                ("calm" | "cut", _) => assert_eq!(stale, [MeasuredValue::Absent; 2], "{label}"),
                // Its only registry has crashed.
                ("registry", "lease:period=3s") => assert!(stale.iter().all(|stale| stale.is_censored()), "{label}"),
                _ => assert!(is_reached, "{label}: {stale:?}"),
            }
        }
    }
}
