//! Plots of trade-offs: what each selector costs, against the time until a crash is declared or known.

use std::fmt::Write;

use super::super::columns::Column;
use super::super::figures::figure;
use super::series::Series;
use super::svg::{Axes, Scale, Ticks, number, plot};
use crate::experiment::CellResult;
use crate::experiment::statistics::Summary;

/// Pairs of measures that are traded for each other: cost, time, and the labels of the axes.
const TRADES: [(&str, &str, &str, &str); 5] = [
    ("bytes_sent", "first_declaration_s", "bytes sent", "declared"),
    ("cross_region_bytes", "informed_100_s", "bytes between regions", "all know"),
    ("cross_zone_bytes", "informed_100_s", "bytes between zones", "all know"),
    ("mean_ping_rtt_s", "informed_100_s", "mean round trip of a ping", "all know"),
    ("mean_ping_rtt_s", "first_declaration_s", "mean round trip of a ping", "declared"),
];

/// One selector in the plane of two measures.
struct Point<'a> {
    cell: &'a CellResult,
    cost: Summary,
    time: Summary,
}

/// A plot for each trade-off with at least two selectors.
pub(super) fn draw(cells: &[&CellResult], series: &Series<'_>) -> String {
    let column = Column::of;
    let has_regions =
        column("cross_region_bytes").is_some_and(|column| cells.iter().any(|cell| column.summary(cell).n > 0));
    let mut html = String::new();
    for (cost, time, across, up) in TRADES {
        // Regions are more informative than zones if there are both.
        if cost == "cross_zone_bytes" && has_regions {
            continue;
        }
        let (Some(cost), Some(time)) = (column(cost), column(time)) else { continue };
        let point = |cell: &&'_ CellResult| (cost.summary(cell), time.summary(cell));
        let points: Vec<Point<'_>> = cells
            .iter()
            .map(|cell| {
                let (cost, time) = point(cell);
                Point { cell, cost, time }
            })
            .filter(|point| point.cost.median.is_some() && point.time.median.is_some())
            .collect();
        // If all costs are equal, nothing is traded.
        let costs = points.iter().map(|point| point.position().0);
        let (least, most) = (costs.clone().fold(f64::INFINITY, f64::min), costs.fold(0.0, f64::max));
        if points.len() > 1 && most > 1.001 * least {
            html += &trade_off((cost, across), (time, up), &points, series);
        }
    }
    html
}

impl Point<'_> {
    fn position(&self) -> (f64, f64) {
        (self.cost.median.unwrap_or(f64::NAN), self.time.median.unwrap_or(f64::NAN))
    }
}

/// The positions of the points that no other one beats: that none equals in one measure at least and excels in the
/// other. In ascending order of their costs.
fn front(points: &[Point<'_>]) -> Vec<(f64, f64)> {
    let mut positions: Vec<_> = points.iter().map(Point::position).collect();
    positions.sort_by(|one, other| one.0.total_cmp(&other.0).then(one.1.total_cmp(&other.1)));
    let mut front: Vec<(f64, f64)> = Vec::new();
    for position in positions {
        if front.last().is_none_or(|last| position.1 < last.1 || position == *last) {
            front.push(position);
        }
    }
    front
}

fn trade_off(cost: (&Column, &str), time: (&Column, &str), points: &[Point<'_>], series: &Series<'_>) -> String {
    let ends = |of: for<'a, 'b> fn(&'a Point<'b>) -> &'a Summary| {
        let values = || points.iter().map(of).flat_map(|it| [it.median, it.ci95.low, it.ci95.high]).flatten();
        let (low, high) = (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max));
        let room = 0.08 * (high - low).max(high * 0.05);
        ((low - room).max(0.0), high + room)
    };
    let (left, right) = ends(|point| &point.cost);
    let (bottom, top) = ends(|point| &point.time);
    let (cost, across) = cost;
    let (time, up) = time;
    let axes = Axes {
        x: Scale::across(left, right, false),
        y: Scale::up(bottom, top, false),
        x_label: across,
        y_label: up,
        x_ticks: Ticks::In(cost.unit()),
        y_ticks: Ticks::In(time.unit()),
    };
    let at = |(cost, time): (f64, f64)| (axes.x.at(cost), axes.y.at(time));
    let mut body = axes.draw();
    let mut path = String::new();
    for (n, position) in front(points).iter().enumerate() {
        let (x, y) = at(*position);
        let _ = match n {
            0 => write!(path, "M{} {}", number(x), number(y)),
            // Nothing was measured between two selectors: the corner is reached by both.
            _ => write!(path, "H{}V{}", number(x), number(y)),
        };
    }
    let _ = write!(body, "<path class=\"front\" d=\"{path}\"/>");
    for point in points {
        let label = &point.cell.key.selector;
        let (x, y) = at(point.position());
        let mut bars = String::new();
        if let (Some(low), Some(high)) = (point.cost.ci95.low, point.cost.ci95.high) {
            let _ = write!(bars, "M{} {}H{}", number(axes.x.at(low)), number(y), number(axes.x.at(high)));
        }
        if let (Some(low), Some(high)) = (point.time.ci95.low, point.time.ci95.high) {
            let _ = write!(bars, "M{} {}V{}", number(x), number(axes.y.at(low)), number(axes.y.at(high)));
        }
        let (class, name, marker) = (series.class(label), super::escape(label), series.marker(label, x, y));
        let (spent, taken) = point.position();
        let values = format!("{up} {}, {across} {}", figure(taken, time.unit()), figure(spent, cost.unit()));
        let _ = write!(
            body,
            "<g class=\"{class}\" {}><title>{name}: {values}</title><path class=\"curve\" d=\"{bars}\"/>{marker}</g>",
            series.tag(label)
        );
    }
    let caption = format!(
        "Cheaper to the left, faster below: the lower left is better. Dashed: the selectors that no other one beats in \
         both; the rest can be ruled out. Medians of {} and {} with 95 % intervals.",
        cost.measure.name, time.measure.name
    );
    plot(&format!("{up} against {across}"), &body, &caption, "")
}
