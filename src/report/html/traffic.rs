//! Plots of traffic by distance: the shares of bytes and of pings over round-trip times up to a limit.

use std::fmt::Write;

use super::series::Series;
use super::svg::{Axes, Scale, Ticks, number, plot_of_curves};
use crate::experiment::{DistanceClass, PingMap, Unit};

/// Two plots for a topology: bytes and direct pings by distance.
pub(super) fn draw(ping_maps: &[&PingMap], series: &Series<'_>) -> String {
    let classes = ping_maps.iter().map(|ping_map| ping_map.classes.len()).max().unwrap_or(0);
    // If all members are equally far apart, there is nothing to show.
    if classes < 2 {
        return String::new();
    }
    plot_shares("Bytes by distance", "bytes sent", ping_maps, series, |class| class.bytes)
        + &plot_shares("Direct pings by distance", "direct pings", ping_maps, series, |class| class.pings)
}

fn plot_shares(
    title: &str,
    what: &str,
    ping_maps: &[&PingMap],
    series: &Series<'_>,
    count: impl Fn(&DistanceClass) -> u64,
) -> String {
    let ends = || ping_maps.iter().flat_map(|ping_map| &ping_map.classes).map(|class| class.below_us as f64 / 1e6);
    let (low, high) = (ends().fold(f64::INFINITY, f64::min), ends().fold(0.0, f64::max));
    let axes = Axes {
        x: Scale::across(low / 1.5, high, true),
        y: Scale::up(0.0, 1.0, false),
        x_label: "round trip between sender and receiver",
        y_label: what,
        x_ticks: Ticks::In(Unit::Seconds),
        y_ticks: Ticks::In(Unit::Share),
    };
    let mut body = axes.draw();
    for ping_map in ping_maps {
        let all: u64 = ping_map.classes.iter().map(&count).sum();
        if all == 0 {
            continue;
        }
        let (mut sum, mut path) = (0, format!("M{} {}", number(axes.x.at(low / 1.5)), number(axes.y.at(0.0))));
        for class in &ping_map.classes {
            sum += count(class);
            let (x, y) = (axes.x.at(class.below_us as f64 / 1e6), axes.y.at(sum as f64 / all as f64));
            let _ = write!(path, "H{}V{}", number(x), number(y));
        }
        let _ = write!(path, "H{}", number(axes.x.at(high)));
        let (class, dashes) = (series.class(&ping_map.selector), series.dashes(&ping_map.selector));
        let name = super::escape(&ping_map.selector);
        let _ = write!(
            body,
            "<path class=\"curve {class}\" {} stroke-dasharray=\"{dashes}\" d=\"{path}\"><title>{name}</title></path>",
            series.tag(&ping_map.selector)
        );
    }
    let caption = format!(
        "The share of {what} that goes no farther than this round trip, in trial 0. A curve farther up and left keeps more \
         of it near. Four classes to an octave."
    );
    plot_of_curves(title, &body, &caption, &axes)
}
