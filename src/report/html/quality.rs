//! The plot and the table of the quality of service of detectors: detection time against mistake recurrence time.

use std::fmt::Write;

use super::super::figures::{figure, range};
use super::super::overview::{Overview, groups};
use super::super::quality::{Estimate, Quality, front};
use super::series::Series;
use super::svg::{Axes, Scale, Ticks, number, plot};
use super::{MOST_CURVES, breakable, key_value};
use crate::experiment::{CellResult, Unit};

/// The dimensions that a plot does not vary: it compares strategies, not conditions.
const CONDITIONS: [&str; 3] = ["members", "loss", "scenario"];

/// The most plots of one topology.
const MOST_PLOTS: usize = 10;

/// Time from which on the axis counts days, in seconds.
const LONG_S: f64 = 2.0 * DAY_S;
const DAY_S: f64 = 86_400.0;

/// A strategy in the plane of detection time and mistake recurrence time.
struct Point<'a> {
    cell: &'a CellResult,
    /// The values that distinguish it from the other points.
    name: String,
    quality: Quality,
}

/// A plot and a table for each set of conditions of one topology. Empty without crashes.
pub(super) fn draw(overview: &Overview<'_>, cells: &[&CellResult], series: &Series<'_>) -> String {
    let conditions = |cell: &&CellResult| {
        let keys = CONDITIONS.iter().filter(|key| overview.is_varied(key));
        keys.map(|key| format!("{key} {}", key_value(cell, key))).collect::<Vec<_>>().join(", ")
    };
    let mut html = String::new();
    for (conditions, cells) in groups(cells.iter().copied(), conditions).into_iter().take(MOST_PLOTS) {
        let found: Vec<(&CellResult, Quality)> =
            cells.iter().filter_map(|cell| Some((*cell, Quality::of(cell)?))).collect();
        if found.is_empty() || found.len() > MOST_CURVES {
            continue;
        }
        let names = distinct_names(overview, &found);
        let points: Vec<Point<'_>> =
            found.into_iter().zip(names).map(|((cell, quality), name)| Point { cell, name, quality }).collect();
        if !conditions.is_empty() {
            let _ = writeln!(html, "<h4>{}</h4>", super::escape(&conditions));
        }
        let _ = write!(html, "<div class=\"grid\">\n{}</div>\n{}", frontier(&points, series), table(&points, series));
    }
    if html.is_empty() { html } else { format!("<h3>Detection against mistakes</h3>\n{html}") }
}

/// The selector, with the profile and the swept keys where these differ.
fn distinct_names(overview: &Overview<'_>, points: &[(&CellResult, Quality)]) -> Vec<String> {
    let keys = overview.key_names.iter().filter(|key| **key != "topology" && !CONDITIONS.contains(key));
    let varied: Vec<&&str> = keys.filter(|key| overview.is_varied(key) || **key == "selector").collect();
    let name = |cell: &CellResult| {
        let parts = varied.iter().map(|key| (**key, key_value(cell, key)));
        let parts = parts.filter(|(key, value)| !(*key == "selector" && value == "-"));
        let parts = parts.map(|(key, value)| match key {
            "selector" | "profile" => value,
            key => format!("{key} {value}"),
        });
        parts.collect::<Vec<_>>().join(", ")
    };
    points.iter().map(|(cell, _)| name(cell)).collect()
}

fn frontier(points: &[Point<'_>], series: &Series<'_>) -> String {
    let times = points.iter().flat_map(|point| ends(&point.quality.detection));
    let (fastest, slowest) = times.fold((f64::INFINITY, 0.0_f64), |(low, high), time| (low.min(time), high.max(time)));
    let gaps = points.iter().flat_map(|point| ends(&point.quality.recurrence));
    let (shortest, longest) = gaps.fold((f64::INFINITY, 0.0_f64), |(low, high), gap| (low.min(gap), high.max(gap)));
    let (unit_s, unit) = if longest > LONG_S { (DAY_S, "days") } else { (1.0, "seconds") };
    let room = 0.12 * (slowest - fastest).max(0.1 * slowest);
    let axes = Axes {
        x: Scale::across((fastest - room).max(0.0), slowest + room, false),
        // Arrows upward need room.
        y: Scale::up(shortest / unit_s / 2.0, longest / unit_s * 4.0, true),
        x_label: "T_D: mean time to detect a crash",
        y_label: &format!("T_MR: {unit} between mistakes of a pair"),
        x_ticks: Ticks::In(Unit::Seconds),
        y_ticks: Ticks::Plain,
    };
    let at = |quality: &Quality| (axes.x.at(quality.detection.value), axes.y.at(quality.recurrence.value / unit_s));
    let mut body = axes.draw();
    let qualities: Vec<Quality> = points.iter().map(|point| point.quality).collect();
    let mut path = String::new();
    for (n, index) in front(&qualities).into_iter().enumerate() {
        let (x, y) = at(&qualities[index]);
        let _ = match n {
            0 => write!(path, "M{} {}", number(x), number(y)),
            // Nothing was measured between two strategies: the corner is what both reach.
            _ => write!(path, "H{}V{}", number(x), number(y)),
        };
    }
    let _ = write!(body, "<path class=\"front\" d=\"{path}\"/>");
    for (n, point) in points.iter().enumerate() {
        let Point { cell, name, quality } = point;
        let Quality { detection, recurrence, .. } = quality;
        let (x, y) = at(quality);
        let mut bars = String::new();
        if let (Some(low), Some(high)) = (detection.ci95.low, detection.ci95.high) {
            let _ = write!(bars, "M{} {}H{}", number(axes.x.at(low)), number(y), number(axes.x.at(high)));
        }
        if let (Some(low), Some(high)) = (recurrence.ci95.low, recurrence.ci95.high) {
            let [low, high] = [low, high].map(|gap| number(axes.y.at(gap / unit_s)));
            let _ = write!(bars, "M{} {low}V{high}", number(x));
        }
        if recurrence.is_bound {
            let _ = write!(bars, "M{} {}v-16m-4 5l4-5l4 5", number(x), number(y - 6.0));
        }
        if detection.is_bound {
            let _ = write!(bars, "M{} {}h16m-5-4l5 4l-5 4", number(x + 6.0), number(y));
        }
        let label = &cell.key.selector;
        let title = format!("{name}: T_D {}, T_MR {}", shown(detection), shown(recurrence));
        let _ = write!(
            body,
            "<g class=\"{}\" {}><title>{}</title><path class=\"curve\" d=\"{bars}\"/>{}\
             <text x=\"{}\" y=\"{}\">{}</text></g>",
            series.class(label),
            series.tag(label),
            super::escape(&title),
            series.marker(label, x, y),
            number(x + 8.0),
            number(y + 12.0),
            n + 1
        );
    }
    let caption = "Faster to the left, rarer mistakes above: the upper left is better. Dashed: the strategies that no other \
                   one beats in both; the rest can be ruled out. An arrow upward: no mistake was seen, so T_MR is at least \
                   this, and the point may belong anywhere above; longer or more trials raise it. An arrow to the right: \
                   some survivors never noticed. Lines are 95 % intervals, numbers the rows of the table. (detection_mean_s, \
                   mistake_recurrence_s)";
    plot("Detection time against mistake recurrence time", &body, caption, "")
}

fn table(points: &[Point<'_>], series: &Series<'_>) -> String {
    let mut html = String::from(
        "<div class=\"wide\"><table class=\"sortable\"><thead><tr><th>strategy</th><th>T_D</th><th>mistakes</th>\
         <th>T_MR</th><th>T_M</th><th>1 − P_A</th><th>on the front</th></tr></thead><tbody>",
    );
    let qualities: Vec<Quality> = points.iter().map(|point| point.quality).collect();
    let best = front(&qualities);
    for (n, Point { cell, name, quality }) in points.iter().enumerate() {
        let Quality { detection, recurrence, mistakes, duration, inaccuracy } = quality;
        let _ = write!(html, "<tr {}><td>{}. {}</td>", series.tag(&cell.key.selector), n + 1, breakable(name));
        html += &estimate(detection);
        let _ = write!(html, "<td data-v=\"{mistakes}\">{mistakes}</td>");
        html += &estimate(recurrence);
        let (sorted, text) = match (duration.n, duration.mean) {
            (0, _) => (0.0, String::new()),
            (_, Some(mean)) => (mean, figure(mean, Unit::Seconds)),
            (_, None) => (f64::INFINITY, "&gt;end".to_owned()),
        };
        let sorted = if sorted.is_finite() { sorted.to_string() } else { "Infinity".to_owned() };
        let _ = write!(html, "<td data-v=\"{sorted}\">{text}</td>");
        let _ = write!(html, "<td data-v=\"{inaccuracy}\">{}</td>", tiny(*inaccuracy));
        let (sorted, text) = if best.contains(&n) { (0, "yes") } else { (1, "") };
        let _ = write!(html, "<td data-v=\"{sorted}\">{text}</td></tr>");
    }
    html + "</tbody></table></div>\n"
}

fn estimate(estimate: &Estimate) -> String {
    let interval = match estimate.is_bound {
        true => String::new(),
        false => range(estimate.ci95, Some(estimate.value), Unit::Seconds),
    };
    format!("<td data-v=\"{}\">{}<small>{interval}</small></td>", estimate.value, shown(estimate))
}

fn shown(estimate: &Estimate) -> String {
    format!("{}{}", if estimate.is_bound { "≥" } else { "" }, figure(estimate.value, Unit::Seconds))
}

/// A probability, with three digits however small it is.
fn tiny(share: f64) -> String {
    if share == 0.0 || share >= 1e-3 { format!("{share:.3}") } else { format!("{share:.2e}") }
}

/// The value and the ends of its interval.
fn ends(estimate: &Estimate) -> impl Iterator<Item = f64> {
    [Some(estimate.value), estimate.ci95.low, estimate.ci95.high].into_iter().flatten()
}
