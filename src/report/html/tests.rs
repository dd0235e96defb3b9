use std::collections::BTreeMap;

use swimlab_selectors::Location;

use super::*;
use crate::experiment::{Experiment, Lab, MEASURES, MapNode, Options, PingMap, TomlSource};

const FILE: &str = "\
# a <b> & \"c\"
topology = ['lan', 'aws']
members = 40
selector = ['uniform', 'shuffle', { kind = 'neighborhood', metric = 'rtt', radius = 2, escape = 0.2 }]
baseline = 'shuffle'
trials = 8
warmup = '3s'
duration = '30s'
fault = [{ kind = 'crash', at = '1s' }]
";

/// A run and its report.
fn report(file: &str) -> String {
    let experiment = Experiment::parse(&TomlSource::text("small.toml", file), &Lab::default()).unwrap();
    let results = experiment.run(Options::default()).unwrap().results;
    page(&results, &experiment, &experiment.ping_maps(1).unwrap())
}

fn page(results: &Results, experiment: &Experiment, ping_maps: &[PingMap]) -> String {
    render(results, &ExportOptions { experiment: Some(experiment), ping_maps, ..ExportOptions::default() })
}

/// Checks that tags are nested strictly, and counts the elements.
fn elements(html: &str) -> BTreeMap<String, u32> {
    let (mut open, mut seen) = (Vec::new(), BTreeMap::new());
    let (before, after) = html.split_once("<script>").expect("it has a script");
    let after = after.split_once("</script>").expect("which ends").1;
    let html = [before, after].concat();
    let mut rest = html.strip_prefix("<!DOCTYPE html>").expect("it has a document type");
    while let Some(at) = rest.find('<') {
        let text = &rest[..at];
        let is_style = open.last() == Some(&"style");
        assert!(is_style || !text.contains('>'), "a stray > in {text:?}");
        for entity in text.split('&').skip(1) {
            let name = entity.split(';').next().unwrap();
            assert!(["amp", "lt", "gt", "quot", "#39"].contains(&name), "&{name}");
        }
        let end = at + rest[at..].find('>').expect("every tag ends");
        let tag = &rest[at + 1..end];
        rest = &rest[end + 1..];
        if let Some(name) = tag.strip_prefix('/') {
            assert_eq!(open.pop(), Some(name), "elements are nested");
            continue;
        }
        assert!(tag.matches('"').count().is_multiple_of(2) && !tag.contains('<'), "{tag}");
        let (name, is_closed) = (tag.split([' ', '/']).next().unwrap(), tag.ends_with('/'));
        *seen.entry(name.to_owned()).or_default() += 1;
        if !is_closed {
            open.push(name);
        }
    }
    assert_eq!(open, Vec::<&str>::new(), "all elements are closed");
    seen
}

#[test]
fn a_report_is_well_formed_and_has_all_plots() {
    let seen = elements(&report(FILE));
    // On both topologies seven distributions, seven tails, detection against mistakes and bytes against time to declare; on
    // aws three more trade-offs, traffic by distance twice, and a map for each of three selectors. On a LAN all members are
    // equally far apart. One picture opens the report.
    assert_eq!(seen["figure"], 2 * 16 + 3 + 2 + 3 + 1);
    assert_eq!((seen["section"], seen["h1"]), (4, 1));
}

#[test]
fn the_same_results_give_the_same_bytes() {
    assert!(report(FILE) == report(FILE));
}

#[test]
fn it_opens_with_what_was_found_in_three_sentences_and_a_picture() {
    let html = report(FILE);
    let (opening, rest) = html.split_once("</section>").unwrap();
    assert_eq!(opening.matches("<li><strong>").count(), 3, "{opening}");
    assert!(opening.contains("What was found for topology aws:") && opening.contains("<svg"), "{opening}");
    assert!(!opening.contains("<table") && rest.contains("<table class=\"sortable\">"));
}

#[test]
fn whatever_belongs_to_a_selector_can_be_hidden_and_tables_can_be_sorted() {
    let html = report(FILE);
    let parts = |tag: &str| html.split('<').filter(|part| part.starts_with(tag)).collect::<Vec<_>>();
    let is_tagged = |part: &&str| part.contains("data-s=\"");
    let curves = parts("path class=\"curve s");
    assert!(!curves.is_empty() && curves.iter().all(is_tagged), "{curves:?}");
    let legend = parts("li class=\"s");
    assert_eq!((legend.len(), legend.iter().all(is_tagged)), (6, true), "three selectors on two topologies");
    assert_eq!(html.matches("<figure data-s=\"").count(), 3, "a map for each selector");
    let values = html.split("data-v=\"").skip(1).map(|rest| rest.split('"').next().unwrap());
    let values: Vec<f64> = values.map(|value| value.parse().unwrap()).collect();
    assert!(values.len() > 30 && values.iter().all(|value| !value.is_nan()));
}

#[test]
fn detection_against_mistakes_has_a_point_and_a_row_for_each_strategy_and_an_arrow_where_no_mistake_was_seen() {
    let file = FILE.replace("topology =", "profile = ['swim', 'all-to-all']\nloss = 0.2\ntopology =");
    let html = report(&file);
    let part = |topology: usize| {
        let section =
            html.split("<h3>Detection against mistakes</h3>").nth(topology + 1).expect("one for each topology");
        section.split("</tbody>").next().unwrap()
    };
    for topology in 0..2 {
        // Three selectors of SWIM, and heartbeats, which have none.
        let (points, rows) =
            (part(topology).matches("<g class=\"s").count(), part(topology).matches("<tr data-s").count());
        assert_eq!((points, rows), (4, 4), "{}", part(topology));
        assert!(part(topology).contains("<path class=\"front\"") && part(topology).contains(">4. all-to-all<"));
    }
    let quiet = report(FILE);
    let (_, after) = quiet.split_once("<h3>Detection against mistakes</h3>").unwrap();
    let (figure, table) = after.split_once("</figure>").unwrap();
    assert_eq!(figure.matches("v-16m-4 5l4-5l4 5").count(), 3, "no mistake is seen on a LAN without loss: {figure}");
    assert_eq!(table.split("</table>").next().unwrap().matches('≥').count(), 3);
    let without_crashes = report(&FILE.replace("fault = [{ kind = 'crash', at = '1s' }]", ""));
    assert!(!without_crashes.contains("Detection against mistakes"));
}

#[test]
fn maps_of_the_globe_share_one_outline_of_the_land() {
    let html = report(FILE);
    assert_eq!((html.matches("id=\"land\"").count(), html.matches("href=\"#land\"").count()), (1, 3));
    assert!(!report(&FILE.replace("['lan', 'aws']", "['lan']")).contains("land\""));
}

#[test]
fn every_selector_and_measure_is_named() {
    let html = report(FILE);
    for measure in MEASURES {
        assert_eq!(html.contains(&format!("<td>{}<", measure.name)), !measure.of_services, "{}", measure.name);
    }
    for selector in ["uniform", "shuffle", "neighborhood:escape=0.2,metric=rtt,radius=2"] {
        assert!(html.contains(&format!("<span>{selector}</span>")), "{selector}");
    }
}

#[test]
fn nothing_is_loaded_from_elsewhere() {
    let html = report(FILE);
    for part in ["src=", "url(", "@import", "<script ", "<link", "<iframe", "<img"] {
        assert!(!html.contains(part), "{part}");
    }
    for link in html.split("href=\"").skip(1) {
        assert!(link.starts_with('#'), "{}", &link[..30]);
    }
}

#[test]
fn names_are_escaped() {
    let experiment = Experiment::parse(&TomlSource::text("small.toml", FILE), &Lab::default()).unwrap();
    let mut results = experiment.run(Options::default()).unwrap().results;
    results.name = "a <b> & \"c\"".to_owned();
    results.cells.iter_mut().for_each(|cell| cell.key.selector += "<i>");
    let html = page(&results, &experiment, &[]);
    elements(&html);
    assert!(html.contains("<h1>a &lt;b&gt; &amp; &quot;c&quot;</h1>") && html.contains("uniform&lt;i&gt;"));
    assert!(!html.contains("<b> &") && !html.contains("<i>"));
}

#[test]
fn a_report_has_what_is_needed_to_run_it_again() {
    let html = report(FILE);
    assert!(html.contains("<pre>swimlab run experiment.toml --seed 1 --trials 8</pre>"));
    assert!(html.contains(&escape(FILE)) && html.contains("cloudping.co"));
}

#[test]
fn a_run_without_trials_or_faults_has_a_report() {
    elements(&report(&FILE.replace("fault = [{ kind = 'crash', at = '1s' }]", "")));
    let experiment = Experiment::parse(&TomlSource::text("small.toml", FILE), &Lab::default()).unwrap();
    let mut results = experiment.run(Options::default()).unwrap().results;
    results.cells.iter_mut().for_each(|cell| cell.trials.clear());
    elements(&page(&results, &experiment, &[]));
}

#[test]
fn selectors_can_be_told_apart_without_color() {
    let selectors: Vec<String> = (1..=14).map(|radius| format!("near:{radius}")).collect();
    let cell = |selector: &String| CellResult {
        key: crate::experiment::CellKey { selector: selector.clone(), ..Default::default() },
        floors: Some(crate::experiment::FloorInputs { period_s: 1.0, first_ping_s: 0.5, suspicion_s: 1.0 }),
        duration_s: 1.0,
        trials: Vec::new(),
    };
    let results = Results { cells: selectors.iter().map(cell).collect(), ..Results::default() };
    let series = Series::of(&results);
    let looks = |label: &String| (series.class(label), series.dashes(label), series.marker(label, 0.0, 0.0));
    let all = groups(selectors.iter().map(looks), Clone::clone);
    assert_eq!(all.len(), 14);
    let plain = groups(selectors.iter().map(|label| (looks(label).1, looks(label).2)), Clone::clone);
    assert_eq!(plain.len(), 14, "dashes and markers alone tell them apart");
}

#[test]
fn locations_of_the_plane_are_drawn_to_scale() {
    let node = |x: f64, y: f64| MapNode {
        name: format!("{x} {y}"),
        location: Some(Location::Plane { x, y }),
        members_at: Vec::new(),
    };
    let ping_map = PingMap {
        topology: "grid".to_owned(),
        selector: "uniform".to_owned(),
        nodes: vec![node(0.0, 0.0), node(10.0, 0.0), node(0.0, 10.0)],
        pings: vec![0, 3, 1, 2, 0, 0, 0, 0, 4],
        classes: Vec::new(),
    };
    let html = map::draw(&[&ping_map], &Series::of(&Results::default()));
    assert_eq!(html.matches("<circle").count(), 3);
    assert!(!html.contains("NaN"), "{html}");
    assert!(html.contains("60.0 % of direct pings leave their area."), "{html}");
}
