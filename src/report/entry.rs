//! The entries of tables: the statistics of a cell, and the comparison that its mark judges.

use super::columns::Column;
use super::figures::{change, figure, mark, range};
use super::overview::Overview;
use crate::experiment::statistics::{Comparison, Summary, Verdict};
use crate::experiment::{CellResult, Unit};

/// One entry of a table.
pub(super) struct Entry {
    pub summary: Summary,
    /// The comparison with the baseline; `None` for the baseline itself.
    pub judged: Option<Judged>,
    /// The least possible mean.
    pub floor: Option<f64>,
}

/// What the mark of an entry judges, and the mark.
pub(super) struct Judged {
    comparison: Comparison,
    /// The verdict that the mark shows.
    pub verdict: Verdict,
}

/// The entries of the rows of a table, by column.
pub(super) fn entries<'c>(
    overview: &Overview<'_>,
    cells: &[&CellResult],
    columns: impl IntoIterator<Item = &'c Column>,
) -> Vec<(&'c Column, Vec<Entry>)> {
    let of = |column: &'c Column| {
        let entry = |cell: &&CellResult| {
            let comparison = overview.baseline_of(cell).map(|baseline| column.comparison(cell, baseline));
            let judged = comparison
                .filter(|comparison| comparison.pairs > 0)
                .map(|comparison| Judged { verdict: comparison.verdict, comparison });
            Entry { summary: column.summary(cell), judged, floor: cell.floor(column.measure) }
        };
        (column, cells.iter().map(entry).collect())
    };
    columns.into_iter().map(of).collect()
}

impl Entry {
    /// The verdict that the mark shows.
    pub(super) fn verdict(&self) -> Option<Verdict> {
        self.judged.as_ref().map(|judged| judged.verdict)
    }
}

impl Judged {
    /// The judged quantity with the mark, and its interval, as two lines, of which the second may be missing.
    ///
    /// It is the mean of the differences from the baseline, in percent of the baseline's mean if that is not zero. If
    /// trials are censored, there is no mean, and the numbers of trials with less and with more are judged.
    pub(super) fn lines(&self, unit: Unit) -> Vec<String> {
        let Comparison { less, more, mean_difference, ci95, .. } = self.comparison;
        let mark = mark(self.verdict);
        if less == 0 && more == 0 {
            return vec![format!("Δ 0 {mark}")];
        }
        let (value, interval) = match (self.comparison.relative(), mean_difference) {
            (Some((share, interval)), _) => {
                let bounds = interval.low.zip(interval.high).map(|(low, high)| (change(low), change(high)));
                let bounds = bounds.filter(|(low, high)| low != high);
                let interval = bounds.map(|(low, high)| format!("{low} to {high} %")).unwrap_or_default();
                (format!("{} %", change(share)), interval)
            }
            (None, Some(difference)) => {
                let sign = if difference > 0.0 { "+" } else { "" };
                (format!("{sign}{}", figure(difference, unit)), range(ci95, Some(difference), unit))
            }
            (None, None) => return vec![format!("less in {less} {mark}"), format!("more in {more}")],
        };
        let mut lines = vec![format!("Δ {value} {mark}")];
        lines.extend(Some(interval).filter(|interval| !interval.is_empty()));
        lines
    }
}
