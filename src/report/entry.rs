//! The entries of tables: the statistics of a cell, and the comparison that its mark judges.
//!
//! The marks of all rows with the same baseline are corrected together for their number, and a difference that is
//! smaller than the smallest effect of interest gets none.

use std::collections::HashMap;
use std::ptr;

use super::columns::Column;
use super::figures::{change, figure, mark, range};
use super::overview::Overview;
use crate::experiment::statistics::{Comparison, Summary, Verdict, holm};
use crate::experiment::{CellResult, Unit};

/// One entry of a table.
pub(super) struct Entry {
    pub summary: Summary,
    /// The comparison with the baseline; `None` for the baseline itself.
    pub judged: Option<Judged>,
    /// The least possible mean.
    pub floor: Option<f64>,
}

/// A comparison that the mark of an entry judges.
pub(super) struct Judged {
    /// The comparison, whose verdict is corrected for the number of marks.
    comparison: Comparison,
    /// Whether it is smaller than the smallest effect of interest.
    is_small: bool,
}

/// The entries of the rows of a table, by column. The marks of these columns are corrected together.
pub(super) fn entries<'c>(
    overview: &Overview<'_>,
    cells: &[&CellResult],
    columns: impl IntoIterator<Item = &'c Column>,
) -> Vec<(&'c Column, Vec<Entry>)> {
    let of = |column: &'c Column| {
        let entry = |cell: &&CellResult| {
            let comparison = overview.baseline_of(cell).map(|baseline| column.comparison(cell, baseline));
            let judged = comparison.filter(|comparison| comparison.pairs > 0).map(|comparison| Judged {
                is_small: comparison.is_below(overview.results.smallest_effect),
                comparison,
            });
            Entry { summary: column.summary(cell), judged, floor: cell.floor(column.measure) }
        };
        (column, cells.iter().map(entry).collect())
    };
    let mut columns: Vec<_> = columns.into_iter().map(of).collect();
    correct(overview, cells, &mut columns);
    columns
}

/// Corrects the verdicts on the cells that have the same baseline, over all columns. Equal values cannot get a mark, so
/// they do not count among the comparisons.
fn correct(overview: &Overview<'_>, cells: &[&CellResult], columns: &mut [(&Column, Vec<Entry>)]) {
    let mut families: HashMap<*const CellResult, Vec<&mut Comparison>> = HashMap::new();
    let baselines: Vec<_> = cells.iter().map(|cell| overview.baseline_of(cell)).collect();
    for (_, rows) in columns {
        for (entry, baseline) in rows.iter_mut().zip(&baselines) {
            let judged = entry.judged.as_mut().filter(|judged| judged.comparison.differs());
            if let (Some(judged), Some(baseline)) = (judged, baseline) {
                families.entry(ptr::from_ref(*baseline)).or_default().push(&mut judged.comparison);
            }
        }
    }
    families.values_mut().for_each(|family| holm(family));
}

impl Entry {
    /// The verdict that the mark shows.
    pub(super) fn verdict(&self) -> Option<Verdict> {
        self.judged.as_ref().and_then(Judged::verdict)
    }
}

impl Judged {
    /// The verdict that the mark shows; `None` without a mark, on a difference that is too small.
    fn verdict(&self) -> Option<Verdict> {
        let verdict = self.comparison.verdict;
        let is_unmarked = self.is_small && matches!(verdict, Verdict::Better | Verdict::Worse);
        (!is_unmarked).then_some(verdict)
    }

    /// The judged quantity with the mark, and its interval, as two lines, of which the second may be missing.
    ///
    /// It is the mean of the differences from the baseline, in percent of the baseline's mean if that is not zero. If
    /// trials are censored and none differs in the time before, the numbers of trials with less and with more are
    /// judged.
    pub(super) fn lines(&self, unit: Unit) -> Vec<String> {
        let Comparison { less, more, mean_difference, ci95, .. } = self.comparison;
        let mark = self.verdict().map(|verdict| format!(" {}", mark(verdict))).unwrap_or_default();
        if less == 0 && more == 0 {
            return vec![format!("Δ 0{mark}")];
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
            (None, None) => return vec![format!("less in {less}{mark}"), format!("more in {more}")],
        };
        let mut lines = vec![format!("Δ {value}{mark}")];
        lines.extend(Some(interval).filter(|interval| !interval.is_empty()));
        lines
    }
}
