//! Short runs of all reproductions.

use super::*;

fn short(name: &str) -> Vec<Row> {
    let rows = reproduction(name).unwrap().run(Effort::Short).unwrap();
    for row in &rows {
        println!("{row:?}");
    }
    let explained: Vec<&Row> = rows.iter().filter(|row| row.verdict == ClaimVerdict::Explained).collect();
    assert!(explained.len() * 4 <= rows.len(), "more than a quarter: {explained:#?}");
    assert!(explained.iter().all(|row| !row.closed_form), "a difference from a formula is explained: {explained:#?}");
    rows
}

/// Checks that all rows match except the known ones, whose reasons are on the page of the reproduction.
#[track_caller]
fn all_match_but(rows: &[Row], known: impl Fn(&Row) -> bool) {
    let wrong: Vec<&Row> = rows.iter().filter(|row| row.verdict != ClaimVerdict::Match && !known(row)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn swim_is_reproduced() {
    let rows = short("swim");
    // Issue 16, part 7: counted by suspicions, .0903 at k = 1.
    let lossy = rows.iter().find(|row| row.row == "q_ml = 0.9, k = 1").expect("a row of this name");
    assert!((0.95..=1.05).contains(&(lossy.ours / lossy.paper)), "{lossy:?}");
    let begins_with_two = |row: &Row| row.figure == "section 3.2, infection" && row.row == "n = 16";
    all_match_but(&rows, |row| row.figure == "section 5, 17 joins at 10 % loss" || begins_with_two(row));
}

#[test]
fn epidemics_are_reproduced() {
    // The formula halves the contacts of memberlist's settings, and a short run has too few trials for one in ten
    // thousand.
    let is_tail = |row: &Row| row.measure.ends_with("99.99 %");
    let rows = short("epidemic");
    all_match_but(&rows, |row| row.figure == "formula, at memberlist's settings" || is_tail(row));
    // Issue 16, part 7: with ping requests that carry the update, it was .853 and .918 of the formula at 25 % loss.
    for row in rows.iter().filter(|row| row.row.ends_with("loss 0.25") && row.measure.ends_with("to half")) {
        assert!((1.0..=1.12).contains(&(row.ours / row.paper)) || row.row.starts_with("n = 1000,"), "{row:?}");
    }
}

#[test]
fn small_clusters_are_reproduced() {
    all_match_but(&short("small-clusters"), |_| false);
}

#[test]
fn go_swim_is_reproduced() {
    all_match_but(&short("go-swim"), |_| false);
}

#[test]
fn medley_is_reproduced() {
    all_match_but(&short("medley"), |_| false);
}

#[test]
fn each_part_of_lifeguard_lowers_false_alarms_and_all_together_the_most() {
    let rows = short("lifeguard");
    let share = |of: &str, measure: &str| {
        let row = rows.iter().find(|row| row.row == of && row.measure.starts_with(measure));
        row.map(|row| row.ours).expect("a row of this name")
    };
    let [probe, suspicion, whole] = ["LHA-Probe", "LHA-Suspicion", "Lifeguard"].map(|of| share(of, "FP,"));
    assert!(probe < 100.0 && suspicion < 100.0, "{probe} % and {suspicion} %");
    assert!(whole <= probe && whole <= suspicion, "{whole} % with all parts");
    // A blocked member suspects others by mistake, and learns of its mistake before it can spread it.
    assert!(!rows.iter().any(|row| row.measure.starts_with("FP-")), "healthy members have no false positives");
    assert_eq!(rows.iter().filter(|row| row.figure == "Threshold experiment").count(), 16);
}

#[test]
fn memberlist_removes_crashed_members_permanently() {
    let rows = short("rapid");
    let crashes: Vec<&Row> = rows.iter().filter(|row| row.row == "ten crashes").collect();
    assert!(crashes.len() == 2 && crashes.iter().all(|row| row.verdict == ClaimVerdict::Match), "{crashes:#?}");
}

#[test]
fn page_and_table_show_every_row() {
    let row = Row {
        reproduction: "swim",
        figure: "figure 1",
        row: "n = 8".to_owned(),
        measure: "messages",
        paper: 2.0,
        ours: 0.00321,
        ci95: [Some(1.5), None],
        verdict: ClaimVerdict::Mismatch,
        note: "why; tolerance 5 %".to_owned(),
        closed_form: false,
    };
    let page = markdown(&REPRODUCTIONS[0], std::slice::from_ref(&row));
    let line = "| figure 1 | n = 8 | messages | 2.000 | 3.21e-3 | 1.500 to ? | **mismatch** | why; tolerance 5 % |";
    assert!(page.contains(line), "{page}");
    assert!(page.contains("1 rows: 0 match, 0 explained, 1 mismatch."));
    let text = table(std::slice::from_ref(&row), 120);
    assert!(text.contains("3.21e-3") && text.contains("mismatch - figure 1 n = 8: why; tolerance 5 %"), "{text}");
    let json = serde_json::to_value([row]).unwrap();
    let keys: Vec<&str> = json[0].as_object().unwrap().keys().map(String::as_str).collect();
    assert_eq!(json[0]["verdict"], "mismatch");
    let mut expected = ["reproduction", "figure", "row", "measure", "paper", "ours", "ci95", "verdict", "note"];
    expected.sort_unstable();
    let mut keys = keys;
    keys.sort_unstable();
    assert_eq!(keys, expected);
}
