//! The tables of docs/selectors.md, compared with the registries.

use swimlab_selectors::{Param, Value, helpers, metrics, selectors};

const PAGE: &str = include_str!("../../docs/selectors.md");

/// Lines of the section with this heading.
fn section(heading: &str) -> Vec<&'static str> {
    let mut lines = PAGE.lines().skip_while(|line| *line != format!("## {heading}"));
    assert!(lines.next().is_some(), "docs/selectors.md has no section {heading}");
    lines.take_while(|line| !line.starts_with("## ")).collect()
}

/// Cells of the rows whose first cell is a name in backquotes.
fn rows(lines: &[&'static str]) -> Vec<Vec<&'static str>> {
    let rows = lines.iter().filter(|line| line.starts_with("| `"));
    rows.map(|line| line.trim_matches('|').split('|').map(str::trim).collect()).collect()
}

fn default_text(param: &Param) -> String {
    match &param.default {
        None => "must be given".to_owned(),
        Some(Value::Number(n)) if *n > 0.0 && *n < 1e-3 => format!("{n:e}"),
        Some(value) => value.to_string(),
    }
}

#[test]
fn every_selector_has_a_section_with_its_parameters_and_defaults() {
    for entry in selectors().entries() {
        let documented: Vec<(String, String)> = rows(&section(entry.name))
            .iter()
            .map(|cells| (cells[0].replace('`', ""), cells.last().unwrap().replace('`', "")))
            .collect();
        let declared: Vec<_> = entry.params.iter().map(|param| (param.name.to_owned(), default_text(param))).collect();
        assert_eq!(documented, declared, "parameters of {}", entry.name);
        assert!(
            section("Bounds").iter().any(|line| line.starts_with("| `") && line.contains(&format!("`{}`", entry.name))),
            "{} has no bound in the table",
            entry.name
        );
    }
}

#[test]
fn the_table_of_metrics_is_that_of_the_registry() {
    let documented: Vec<String> = rows(&section("Metrics")).iter().map(|cells| cells[0].replace('`', "")).collect();
    let registry = metrics();
    let registered: Vec<&str> = registry.entries().iter().map(|entry| entry.name).collect();
    assert_eq!(documented, registered);
}

#[test]
fn every_helper_strategy_is_listed() {
    let lines = section("Helpers");
    for entry in helpers().entries() {
        let listed = lines.iter().any(|line| line.starts_with(&format!("- `{}`", entry.name)));
        assert!(listed, "{} is not listed", entry.name);
    }
}
