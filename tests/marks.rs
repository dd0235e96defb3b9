//! The marks of tables between equals: an experiment with the same strategy under two labels.

#![cfg(feature = "lab")]

use swimlab::experiment::statistics::{Verdict, compare};
use swimlab::experiment::{CellResult, Experiment, Lab, MEASURES, Options, Results, TomlSource};
use swimlab::report::table;

/// Trials of each side of a table.
const TRIALS: usize = 16;

const TABLES: usize = 150;

const FILE: &str = "\
topology = 'lan'
members = 8
selector = 'shuffle'
loss = 0.05
warmup = '2s'
duration = '15s'
preset = 'local'
fault = [{ kind = 'crash', at = '1s' }]
";

/// Results with `table`-th trials of a cell, as two cells whose trials are independent of each other.
fn two_labels(results: &Results, table: usize) -> Results {
    let cell = |label: &str, side: usize| {
        let mut cell: CellResult = results.cells[0].clone();
        let first = (2 * table + side) * TRIALS;
        cell.trials = cell.trials[first..first + TRIALS].to_vec();
        cell.trials.iter_mut().zip(0..).for_each(|(trial, number)| trial.trial = number);
        cell.key.selector = label.to_owned();
        cell
    };
    let mut two = results.clone();
    two.baseline = Some("shuffle".to_owned());
    two.cells = vec![cell("shuffle", 0), cell("again", 1)];
    two
}

fn has_raw_verdict(results: &Results) -> bool {
    let verdict = |measure| {
        let pairs = results.cells[1].pairs(&results.cells[0], |_, trial| trial.measured.readings[measure]);
        compare(&pairs).verdict
    };
    (0..MEASURES.len()).any(|measure| matches!(verdict(measure), Verdict::Better | Verdict::Worse))
}

/// Of 150 tables between equals, 5 % are 7.5; three standard deviations above that are 15.5. Seeds are fixed.
#[test]
fn at_most_one_table_in_twenty_between_equals_has_a_mark() {
    let mut experiment = Experiment::parse(&TomlSource::text("equal.toml", FILE), &Lab::default()).unwrap();
    experiment.trials = (2 * TABLES * TRIALS) as u32;
    experiment.smallest_effect = 0.0;
    let results = experiment.run(Options::default()).unwrap().results;
    let (mut marked, mut raw) = (0, 0);
    for number in 0..TABLES {
        let results = two_labels(&results, number);
        let text = table(&results, 200, false);
        let (rows, _) = text.split_once("Each entry:").unwrap();
        assert!(rows.contains("again") && rows.contains('≈'), "{text}");
        marked += usize::from(rows.contains(['✓', '✗']));
        raw += usize::from(has_raw_verdict(&results));
    }
    println!("marked {marked} of {TABLES} tables between equals; {raw} without the correction");
    assert!(marked <= 15, "{marked} of {TABLES}");
    assert!(raw > 2 * marked && raw > 15, "without the correction {raw} of {TABLES}, with it {marked}");
}
