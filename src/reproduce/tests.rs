//! Short runs of all reproductions, held to what they state.

use super::*;

fn short(name: &str) -> Vec<Row> {
    let rows = reproduction(name).unwrap().run(Effort::Short).unwrap();
    for row in &rows {
        println!("{row:?}");
    }
    rows
}

/// Rows that are known not to match, each for the reason that its page gives; no others may differ.
#[track_caller]
fn all_match_but(rows: &[Row], known: impl Fn(&Row) -> bool) {
    let wrong: Vec<&Row> = rows.iter().filter(|row| row.verdict != Verdict::Match && !known(row)).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn swim_is_reproduced() {
    let rows = short("swim");
    let known =
        |row: &Row| row.figure == "section 5, 17 joins at 10 % loss" || row.measure == "periods until half know";
    all_match_but(&rows, known);
}

#[test]
fn epidemics_are_reproduced() {
    all_match_but(&short("epidemic"), |_| false);
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
fn no_formula_is_explained_away_and_a_quarter_of_the_rows_at_most() {
    for reproduction in REPRODUCTIONS {
        let rows = short(reproduction.name);
        let explained: Vec<&Row> = rows.iter().filter(|row| row.verdict == Verdict::Explained).collect();
        assert!(explained.len() * 4 <= rows.len(), "{}: {explained:#?}", reproduction.name);
        assert!(explained.iter().all(|row| !row.closed_form));
    }
}

#[test]
fn a_page_and_a_table_show_every_row() {
    let row = Row {
        reproduction: "swim",
        figure: "figure 1",
        row: "n = 8".to_owned(),
        measure: "messages",
        paper: 2.0,
        ours: 0.00321,
        ci95: [Some(1.5), None],
        verdict: Verdict::Mismatch,
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
