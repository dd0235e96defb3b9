//! The appearance of selectors in plots: color, dashes and marker, of which any one suffices to tell them apart.

use std::collections::HashMap;

use super::escape;
use super::svg::number;
use crate::experiment::Results;

/// All selectors of an experiment in their order, which have the same appearance in every plot.
pub(super) struct Series<'a> {
    /// The index of each label.
    labels: HashMap<&'a str, usize>,
}

/// The number of color classes in the style sheet: the palette of Okabe and Ito (2008), which color-blind readers can
/// tell apart, adjusted for contrast.
const COLORS: usize = 7;

const DASHES: [&str; 7] = ["none", "7 3", "2 3", "9 3 2 3", "14 4", "5 2 1 2 1 2", "1 2"];

impl<'a> Series<'a> {
    pub(super) fn of(results: &'a Results) -> Self {
        let mut labels = HashMap::new();
        for cell in &results.cells {
            let next = labels.len();
            labels.entry(cell.key.selector.as_str()).or_insert(next);
        }
        Self { labels }
    }

    /// The color class of a selector.
    pub(super) fn class(&self, label: &str) -> String {
        format!("s{}", self.index(label) % COLORS)
    }

    /// The attribute by which readers hide what belongs to a selector.
    pub(super) fn tag(&self, label: &str) -> String {
        format!("data-s=\"{}\"", self.index(label))
    }

    /// The dashes of a selector, as the value of an attribute. Selectors of the same color have different dashes.
    pub(super) fn dashes(&self, label: &str) -> &'static str {
        let index = self.index(label);
        DASHES[(index + index / COLORS) % DASHES.len()]
    }

    /// The marker of a selector.
    pub(super) fn marker(&self, label: &str, x: f64, y: f64) -> String {
        let index = self.index(label);
        let path = match (index + 2 * (index / COLORS)) % 7 {
            0 => "m-5 0a5 5 0 1 0 10 0a5 5 0 1 0-10 0z",
            1 => "m-4.5-4.5h9v9h-9z",
            2 => "m0-6l6 6-6 6-6-6z",
            3 => "m0-6l5.5 10h-11z",
            4 => "m0 6l5.5-10h-11z",
            5 => "m-5 0h10m-5-5v10",
            _ => "m-4.5-4.5l9 9m0-9l-9 9",
        };
        format!("<path class=\"mark\" d=\"M{} {}{path}\"/>", number(x), number(y))
    }

    /// The legend of these selectors.
    pub(super) fn key(&self, used: &[&str]) -> String {
        let entry = |label: &&str| {
            let line = format!("<path class=\"curve\" stroke-dasharray=\"{}\" d=\"M0 8H44\"/>", self.dashes(label));
            format!(
                "<li class=\"{}\" {}><svg width=\"44\" height=\"16\" aria-hidden=\"true\">{line}{}</svg><span>{}</span></li>",
                self.class(label),
                self.tag(label),
                self.marker(label, 22.0, 8.0),
                escape(label)
            )
        };
        format!("<ul class=\"key\">{}</ul>\n", used.iter().map(entry).collect::<String>())
    }

    fn index(&self, label: &str) -> usize {
        self.labels.get(label).copied().unwrap_or(0)
    }
}
