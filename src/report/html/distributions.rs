//! Plots of the distributions of times over the trials, and of their tails on a logarithmic axis.

use std::fmt::Write;

use super::series::Series;
use super::svg::{Axes, Scale, Ticks, number, plot_of_curves};
use crate::experiment::{CellResult, MEASURES, Measure, MeasuredValue, Unit};

/// The maximum number of steps of a curve; more are not visible.
const MOST_STEPS: usize = 200;

/// Two plots for each measure: the distribution and its tail.
pub(super) fn draw(cells: &[&CellResult], series: &Series<'_>) -> String {
    let mut html = String::new();
    for (column, measure) in MEASURES.iter().enumerate() {
        let Some(title) = measure.plot else { continue };
        let samples: Vec<Sample<'_>> = cells.iter().map(|cell| Sample::of(cell, column)).collect();
        if samples.iter().any(|sample| !sample.reached.is_empty()) {
            html += &distribution(measure, title, &samples, series, false);
            html += &distribution(measure, title, &samples, series, true);
        }
    }
    html
}

/// The trials of a cell.
struct Sample<'a> {
    cell: &'a CellResult,
    /// The times of the trials that reached it, in ascending order.
    reached: Vec<f64>,
    /// Number of trials that are not absent.
    trials: usize,
}

impl<'a> Sample<'a> {
    fn of(cell: &'a CellResult, column: usize) -> Self {
        let readings = cell.readings(column);
        let mut reached: Vec<f64> = readings.iter().filter_map(|reading| reading.value()).collect();
        reached.sort_unstable_by(f64::total_cmp);
        let trials = readings.iter().filter(|reading| **reading != MeasuredValue::Absent).count();
        Self { cell, reached, trials }
    }

    /// The curve of the share of trials that have reached it by a time, or for the tail, that have not.
    fn curve(&self, axes: &Axes<'_>, is_tail: bool) -> String {
        let share = |done: usize| {
            let share = done as f64 / self.trials as f64;
            if is_tail { 1.0 - share } else { share }
        };
        let start = self.reached.first().copied().unwrap_or(0.0);
        let mut path = format!("M{} {}", number(axes.x.at(start)), number(axes.y.at(share(0))));
        let stride = self.reached.len().div_ceil(MOST_STEPS).max(1);
        let last = self.reached.len() - 1;
        // All steps at the end of the tail are drawn.
        let is_drawn = |at: usize| at.is_multiple_of(stride) || at + MOST_STEPS / 4 > last;
        for (at, time) in self.reached.iter().enumerate().filter(|(at, _)| is_drawn(*at)) {
            let done = at + 1;
            let _ = write!(path, "H{}", number(axes.x.at(*time)));
            // Zero has no logarithm, so the curve ends with the last trial.
            if !is_tail || done < self.trials {
                let _ = write!(path, "V{}", number(axes.y.at(share(done))));
            }
        }
        path
    }
}

fn distribution(measure: &Measure, title: &str, samples: &[Sample<'_>], series: &Series<'_>, is_tail: bool) -> String {
    let low = samples.iter().filter_map(|sample| sample.reached.first().copied()).fold(f64::INFINITY, f64::min);
    let high = samples.iter().filter_map(|sample| sample.reached.last().copied()).fold(0.0, f64::max);
    let floors: Vec<f64> = samples.iter().filter_map(|sample| sample.cell.floor(measure)).collect();
    let low = floors.iter().copied().fold(low, f64::min).min(low);
    // The axis starts near the first time if that is far from zero.
    let low = if low < 0.3 * high { 0.0 } else { low - 0.05 * (high - low) };
    let most = samples.iter().map(|sample| sample.trials).max().unwrap_or(1);
    let axes = Axes {
        x: Scale::across(low, high, false),
        y: match is_tail {
            true => Scale::up(0.7 / most.max(2) as f64, 1.0, true),
            false => Scale::up(0.0, 1.0, false),
        },
        x_label: "seconds after the crash",
        y_label: if is_tail { "trials still without" } else { "trials done" },
        x_ticks: Ticks::Plain,
        y_ticks: Ticks::In(Unit::Share),
    };
    let mut body = axes.draw();
    if let Some(floor) = floors.first().filter(|first| floors.iter().all(|floor| floor == *first)) {
        body += &axes.floor(*floor);
    }
    for sample in samples.iter().filter(|sample| !sample.reached.is_empty()) {
        let label = &sample.cell.key.selector;
        let (class, dashes, curve) = (series.class(label), series.dashes(label), sample.curve(&axes, is_tail));
        let name = super::escape(label);
        let _ = write!(
            body,
            "<path class=\"curve {class}\" {} stroke-dasharray=\"{dashes}\" d=\"{curve}\"><title>{name}</title></path>",
            series.tag(label)
        );
    }
    let unreached: usize = samples.iter().map(|sample| sample.trials - sample.reached.len()).sum();
    let mut caption = match is_tail {
        false => format!("{} A curve farther left is faster; where it crosses 50 % is the median.", measure.about),
        true => {
            "The slowest trials: the sooner a curve falls, the fewer crashes take long. Its right end is the slowest \
                 trial of all."
                .to_owned()
        }
    };
    if !floors.is_empty() && !is_tail {
        caption += " Dotted: the least possible mean.";
    }
    if unreached > 0 {
        let _ = write!(caption, " {unreached} trials never got there, so their curves stop short.");
    }
    let _ = write!(caption, " ({})", measure.name);
    plot_of_curves(&if is_tail { format!("{title}: the tail") } else { title.to_owned() }, &body, &caption, &axes)
}
