//! An agent's metrics in Prometheus' text format.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeCounterValue, EncodeGaugeValue, MetricEncoder, prometheus_text,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;
use prometheus_client::registry::Registry;

use super::histogram::Histogram;
use super::metrics::{FAMILIES, Family, FamilyKind, Info, Reading};

/// A label's name and value.
type Label<'a> = (&'a str, &'a str);

impl Info {
    /// The page that Prometheus scrapes, in its text format 0.0.4.
    pub fn to_prometheus(&self) -> String {
        let mut registry = Registry::default();
        registry.register_collector(Box::new(Families(self.clone())));
        let mut page = String::new();
        prometheus_text::encode(&mut page, &registry).expect("a string takes all");
        page
    }
}

/// All families of an agent at one moment.
#[derive(Debug)]
struct Families(Info);

impl Collector for Families {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        FAMILIES.iter().try_for_each(|family| encode_family(family, &self.0, &mut encoder))
    }
}

fn encode_family(family: &Family, info: &Info, encoder: &mut DescriptorEncoder) -> fmt::Result {
    let reading = (family.read)(info);
    let kind = match (family.kind, &reading) {
        (_, Reading::Texts(_)) => MetricType::Info,
        (FamilyKind::Counter, _) => MetricType::Counter,
        (FamilyKind::Gauge, _) => MetricType::Gauge,
        (FamilyKind::Histogram, _) => MetricType::Histogram,
    };
    // The encoder appends these to the names of counters and infos itself.
    let name = family.full_name();
    let name = name.strip_suffix("_total").or_else(|| name.strip_suffix("_info")).unwrap_or(&name);
    let mut family = encoder.encode_descriptor(name, family.help, None, kind)?;
    match reading {
        Reading::Count(count) => encode_value(&mut family, kind, &count),
        Reading::Seconds(seconds) => family.encode_gauge(&seconds),
        Reading::SecondsIfKnown(seconds) => seconds.map_or(Ok(()), |seconds| encode_value(&mut family, kind, &seconds)),
        Reading::CountIfKnown(count) => count.map_or(Ok(()), |count| family.encode_gauge(&count)),
        Reading::Texts(labels) => family.encode_info(&labels),
        Reading::Labeled(label, values) => values.iter().try_for_each(|(value, count)| {
            let labels: [Label<'_>; 1] = [(label, value)];
            encode_value(&mut family.encode_family(&labels)?, kind, count)
        }),
        Reading::Histogram(histogram) => encode_histogram(&mut family, histogram),
    }
}

fn encode_value<V: EncodeCounterValue + EncodeGaugeValue>(
    encoder: &mut MetricEncoder<'_>,
    kind: MetricType,
    value: &V,
) -> fmt::Result {
    match kind {
        MetricType::Counter => encoder.encode_counter(value, None::<&Exemplar<[Label<'_>; 0], u64>>),
        _ => encoder.encode_gauge(value),
    }
}

fn encode_histogram(encoder: &mut MetricEncoder<'_>, histogram: &Histogram) -> fmt::Result {
    let bounds = Histogram::BOUNDS_US.iter().map(|bound| *bound as f64 / 1e6).chain([f64::INFINITY]);
    let buckets: Vec<(f64, u64)> = bounds.zip(histogram.counts).collect();
    let sum_s = histogram.sum_us as f64 / 1e6;
    encoder.encode_histogram::<[Label<'_>; 0]>(sum_s, histogram.count(), &buckets, None)
}
