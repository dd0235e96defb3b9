//! The key `suspicion` of an experiment file, from the text to the declarations of simulated members.

#![cfg(feature = "lab")]

use std::collections::BTreeMap;

use swimlab::experiment::{Experiment, Lab, TomlSource, trial_seed};
use swimlab::protocol::{Event, EventKind, EventSource, Span, Time};
use swimlab::sim::{MemberIndex, Observer};

/// The times from each member's suspicion of another to its own declaration of that one.
#[derive(Default)]
struct Suspicions {
    since: BTreeMap<MemberIndex, Time>,
    lasted: Vec<Span>,
}

impl Observer for Suspicions {
    fn event(&mut self, at: Time, member: MemberIndex, event: &Event) {
        match event.kind {
            EventKind::Suspected => {
                self.since.insert(member, at);
            }
            EventKind::Died if event.source == EventSource::Own => self.lasted.push(at.since(self.since[&member])),
            _ => {}
        }
    }
}

/// Runs trials with one crash each, and returns the observed times by group size.
fn suspicions(suspicion: &str) -> Vec<(u32, Vec<Span>)> {
    let file = format!(
        r#"
        topology = "lan"
        selector = "shuffle"
        members = [5, 80]
        duration = "40s"
        protocol = {{ period = "500ms", probe_timeout = "200ms", suspicion = "{suspicion}" }}
        fault = [{{ kind = "crash", at = "1s" }}]
        "#
    );
    let experiment = Experiment::parse(&TomlSource::text("suspicion.toml", &file), &Lab::default()).unwrap();
    let observed = experiment.cells.iter().map(|cell| {
        let mut lasted = Vec::new();
        for trial in 0..10 {
            let mut suspicions = Suspicions::default();
            let outcome = cell.watch(&cell.setup(trial_seed(experiment.seed, trial)), &mut suspicions);
            assert_eq!(outcome.violations, [""; 0]);
            lasted.extend(suspicions.lasted);
        }
        (cell.key.members, lasted)
    });
    observed.collect()
}

#[test]
fn an_absolute_suspicion_ends_after_its_time_in_a_group_of_any_size() {
    for (members, lasted) in suspicions("5s") {
        assert!(lasted.len() >= 10, "{members} members: a declaration in each trial, not {}", lasted.len());
        assert!(lasted.iter().all(|&span| span == Span::from_secs(5)), "{members} members: {lasted:?}");
    }
}

#[test]
fn a_fixed_suspicion_grows_with_the_group() {
    let longest: Vec<Span> = suspicions("fixed").into_iter().map(|(_, lasted)| *lasted.iter().max().unwrap()).collect();
    assert!(longest[0] < longest[1], "{longest:?}");
}
