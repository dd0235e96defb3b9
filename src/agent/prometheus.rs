//! An agent's figures in Prometheus' text format.

use std::fmt::{Display, Write};

use super::handle::Info;
use super::metrics::{DropReason, Histogram, Metrics, Traffic};
use crate::protocol::{MessageKind, Status};

/// The page that a scraper gets.
pub(super) fn render(info: &Info) -> String {
    let mut page = Page::default();
    let (metrics, gauge) = (&info.metrics, info.gauge);
    let states = [Status::Alive, Status::Suspect, Status::Dead, Status::Left];
    page.family("members", "gauge", "Members by state, as this one sees them.");
    for (status, count) in states.iter().zip(info.states) {
        page.line("members", &[("state", &status)], count);
    }
    page.single("probes_total", "counter", "Direct pings of own probe rounds.", metrics.probes);
    page.histogram("rtt_seconds", "Round trips of direct pings.", &metrics.rtt);
    events(&mut page, metrics);
    traffic(&mut page, "sent", &metrics.sent);
    traffic(&mut page, "received", &metrics.received);
    page.family("dropped_total", "counter", "What was not handled or not sent, by reason.");
    for why in DropReason::ALL {
        page.line("dropped_total", &[("reason", &why.name())], metrics.dropped(why));
    }
    page.family("queue_depth", "gauge", "How full bounded stores are.");
    let stores = [
        ("broadcasts", gauge.broadcasts),
        ("relays", gauge.relays),
        ("reconnect", gauge.forgotten),
        ("graves", gauge.tombstones),
    ];
    for (name, depth) in stores {
        page.line("queue_depth", &[("queue", &name)], depth);
    }
    let lag =
        "Local health: how late this member's timers were. High values mean that the process gets no time to run.";
    page.histogram("timer_lag_seconds", lag, &metrics.timer_lag);
    page.single("joining", "gauge", "1 while no seed has answered.", u8::from(info.is_joining));
    page.single("incarnation_generation", "gauge", "Which life this is.", info.incarnation.generation);
    page.single("incarnation_refutations", "gauge", "Refutations in this life.", info.incarnation.refutations);
    page.single("uptime_seconds", "gauge", "For how long the member runs.", info.uptime.as_secs_f64());
    page.0
}

fn events(page: &mut Page, metrics: &Metrics) {
    let about = "Members that own probes began to suspect.";
    page.single("own_suspicions_total", "counter", about, metrics.own_suspicions);
    page.single("suspicions_total", "counter", "Suspicions begun or heard of.", metrics.suspicions);
    page.single("refutations_total", "counter", "Suspects that spoke up.", metrics.refutations);
    let about = "How often this member had to speak up against doubts about itself.";
    page.single("accusations_total", "counter", about, metrics.accusations);
    page.single("deaths_total", "counter", "Deaths declared or heard of.", metrics.deaths);
    page.single("joins_total", "counter", "Members that joined or came back.", metrics.joins);
    page.single("departures_total", "counter", "Members that left.", metrics.departures);
    page.single("user_events_total", "counter", "Applications' events received.", metrics.user_events);
}

fn traffic(page: &mut Page, direction: &str, by_kind: &[Traffic; MessageKind::ALL.len()]) {
    type Read = fn(&Traffic) -> u64;
    let columns: [(&str, Read); 2] = [("messages", |traffic| traffic.messages), ("bytes", |traffic| traffic.bytes)];
    for (what, read) in columns {
        let name = format!("{direction}_{what}_total");
        page.family(&name, "counter", &format!("{what} {direction}, by type"));
        for kind in MessageKind::ALL {
            page.line(&name, &[("type", &kind.name())], read(&by_kind[kind as usize]));
        }
    }
}

#[derive(Default)]
struct Page(String);

impl Page {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP swimlab_{name} {help}\n# TYPE swimlab_{name} {kind}");
    }

    /// Label values are names of our own: nothing in them needs escaping.
    fn line(&mut self, name: &str, labels: &[(&str, &dyn Display)], value: impl Display) {
        let labels: Vec<String> = labels.iter().map(|(key, value)| format!("{key}=\"{value}\"")).collect();
        let labels = if labels.is_empty() { String::new() } else { format!("{{{}}}", labels.join(",")) };
        let _ = writeln!(self.0, "swimlab_{name}{labels} {value}");
    }

    fn single(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.family(name, kind, help);
        self.line(name, &[], value);
    }

    fn histogram(&mut self, name: &str, help: &str, histogram: &Histogram) {
        self.family(name, "histogram", help);
        let bucket = format!("{name}_bucket");
        let mut below = 0;
        for (bound, count) in Histogram::BOUNDS_US.iter().zip(histogram.counts) {
            below += count;
            self.line(&bucket, &[("le", &(*bound as f64 / 1e6))], below);
        }
        self.line(&bucket, &[("le", &"+Inf")], histogram.count());
        self.line(&format!("{name}_sum"), &[], histogram.sum_us as f64 / 1e6);
        self.line(&format!("{name}_count"), &[], histogram.count());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
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
