//! An agent's metrics in Prometheus' text format.

use std::fmt::{Display, Write};

use super::histogram::Histogram;
use super::metrics::{FAMILIES, Info, Reading};

impl Info {
    /// The page that Prometheus scrapes, in its text format 0.0.4.
    pub fn to_prometheus(&self) -> String {
        let mut page = Page::default();
        for family in FAMILIES {
            let name = family.name;
            page.head(name, family.kind.name(), family.help);
            match (family.read)(self) {
                Reading::Count(count) => page.sample(name, None, count),
                Reading::Seconds(seconds) => page.sample(name, None, seconds),
                Reading::SecondsIfKnown(seconds) => {
                    seconds.into_iter().for_each(|value| page.sample(name, None, value));
                }
                Reading::CountIfKnown(count) => count.into_iter().for_each(|value| page.sample(name, None, value)),
                Reading::Texts(labels) => page.info(name, &labels),
                Reading::Labeled(label, values) => {
                    values.iter().for_each(|(value, count)| page.sample(name, Some((label, value)), count));
                }
                Reading::Histogram(histogram) => page.histogram(name, histogram),
            }
        }
        page.0
    }
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP swimlab_{name} {help}\n# TYPE swimlab_{name} {kind}");
    }

    /// Appends a sample. Label values are names from this crate: none needs escaping.
    fn sample(&mut self, name: &str, label: Option<(&str, &dyn Display)>, value: impl Display) {
        let label = label.map_or_else(String::new, |(key, value)| format!("{{{key}=\"{value}\"}}"));
        let _ = writeln!(self.0, "swimlab_{name}{label} {value}");
    }

    /// Appends a sample of value 1 with texts as labels.
    fn info(&mut self, name: &str, labels: &[(&str, &str)]) {
        let escaped = |text: &str| text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
        let label = |(key, text): &(&str, &str)| format!("{key}=\"{}\"", escaped(text));
        let labels: Vec<String> = labels.iter().map(label).collect();
        let _ = writeln!(self.0, "swimlab_{name}{{{}}} 1", labels.join(","));
    }

    fn histogram(&mut self, name: &str, histogram: &Histogram) {
        let bucket = format!("{name}_bucket");
        let mut below = 0;
        for (bound, count) in Histogram::BOUNDS_US.iter().zip(histogram.counts) {
            below += count;
            self.sample(&bucket, Some(("le", &(*bound as f64 / 1e6))), below);
        }
        self.sample(&bucket, Some(("le", &"+Inf")), histogram.count());
        self.sample(&format!("{name}_sum"), None, histogram.sum_us as f64 / 1e6);
        self.sample(&format!("{name}_count"), None, histogram.count());
    }
}
