//! An agent's metrics in Prometheus' text format.

use std::fmt::{Display, Write};

use super::families::{FAMILIES, Reading};
use super::handle::Info;
use super::metrics::Histogram;

/// Renders the page that a scraper gets.
pub(super) fn render(info: &Info) -> String {
    let mut page = Page::default();
    for family in FAMILIES {
        let name = family.name;
        page.head(name, family.kind.name(), family.help);
        match (family.read)(info) {
            Reading::Count(count) => page.line(name, None, count),
            Reading::Seconds(seconds) => page.line(name, None, seconds),
            Reading::Labeled(label, values) => {
                values.iter().for_each(|(value, count)| page.line(name, Some((label, value)), count));
            }
            Reading::Histogram(histogram) => page.histogram(name, histogram),
        }
    }
    page.0
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP swimlab_{name} {help}\n# TYPE swimlab_{name} {kind}");
    }

    /// Appends a sample. Label values are names from this crate: none needs escaping.
    fn line(&mut self, name: &str, label: Option<(&str, &dyn Display)>, value: impl Display) {
        let label = label.map_or_else(String::new, |(key, value)| format!("{{{key}=\"{value}\"}}"));
        let _ = writeln!(self.0, "swimlab_{name}{label} {value}");
    }

    fn histogram(&mut self, name: &str, histogram: &Histogram) {
        let bucket = format!("{name}_bucket");
        let mut below = 0;
        for (bound, count) in Histogram::BOUNDS_US.iter().zip(histogram.counts) {
            below += count;
            self.line(&bucket, Some(("le", &(*bound as f64 / 1e6))), below);
        }
        self.line(&bucket, Some(("le", &"+Inf")), histogram.count());
        self.line(&format!("{name}_sum"), None, histogram.sum_us as f64 / 1e6);
        self.line(&format!("{name}_count"), None, histogram.count());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::metrics::Metrics;
    use crate::protocol::{Gauge, Incarnation, Span};

    #[test]
    fn every_family_is_explained_and_every_line_has_a_number() {
        let mut metrics = Metrics::default();
        metrics.rtt.add(Span::from_micros(300));
        let info = Info {
            incarnation: Incarnation::default(),
            states: [3, 1, 0, 0],
            is_joining: false,
            uptime: std::time::Duration::from_millis(1500),
            gauge: Gauge::default(),
            metrics,
            coordinate: None,
            keys: Vec::new(),
        };
        let page = render(&info);
        assert!(page.contains("swimlab_members{state=\"alive\"} 3\n"), "{page}");
        assert!(page.contains("swimlab_rtt_seconds_bucket{le=\"0.00025\"} 0\n"), "{page}");
        assert!(page.contains("swimlab_rtt_seconds_bucket{le=\"0.0005\"} 1\n"), "{page}");
        let mut family = "";
        for line in page.lines() {
            if let Some(rest) = line.strip_prefix("# TYPE ") {
                family = rest.split(' ').next().unwrap();
            } else if !line.starts_with('#') {
                assert!(line.starts_with(family), "{line}");
                line.rsplit(' ').next().unwrap().parse::<f64>().unwrap();
            }
        }
    }
}
