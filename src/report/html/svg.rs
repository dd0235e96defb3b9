//! Parts of all plots: scales, axes, and numbers that are the same on every machine.

use std::fmt::Write;

use super::super::figures::{digits, figure};
use super::{breakable, escape};
use crate::experiment::Unit;

/// The size of a plot, in the units of its view box.
pub(super) const WIDTH: f64 = 380.0;
pub(super) const HEIGHT: f64 = 230.0;
const LEFT: f64 = 52.0;
const RIGHT: f64 = 12.0;
const TOP: f64 = 10.0;
const BOTTOM: f64 = 38.0;

/// The mapping of values to positions along an axis.
pub(super) struct Scale {
    low: f64,
    high: f64,
    is_log: bool,
    from: f64,
    to: f64,
}

/// The labels of the ticks of an axis.
#[derive(Clone, Copy)]
pub(super) enum Ticks {
    /// Plain numbers.
    Plain,
    /// Numbers with a unit.
    In(Unit),
}

/// Two axes.
pub(super) struct Axes<'a> {
    pub x: Scale,
    pub y: Scale,
    pub x_label: &'a str,
    pub y_label: &'a str,
    pub x_ticks: Ticks,
    pub y_ticks: Ticks,
}

impl Scale {
    /// A horizontal scale, from left to right.
    pub(super) fn across(low: f64, high: f64, is_log: bool) -> Self {
        Self::new(low, high, is_log, LEFT, WIDTH - RIGHT)
    }

    /// A vertical scale, from bottom to top.
    pub(super) fn up(low: f64, high: f64, is_log: bool) -> Self {
        Self::new(low, high, is_log, HEIGHT - BOTTOM, TOP)
    }

    fn new(low: f64, high: f64, is_log: bool, from: f64, to: f64) -> Self {
        // A single value is drawn in the middle of the axis.
        let (low, high) = match high > low {
            true => (low, high),
            false if is_log => (low / 2.0, low * 2.0),
            false => (low - 0.5, low + 0.5),
        };
        Self { low, high, is_log, from, to }
    }

    /// The position of a value; values beyond an end are drawn at that end.
    pub(super) fn at(&self, value: f64) -> f64 {
        let share = match self.is_log {
            true => libm::log10(value.max(self.low) / self.low) / libm::log10(self.high / self.low),
            false => (value - self.low) / (self.high - self.low),
        };
        self.from + share.clamp(0.0, 1.0) * (self.to - self.from)
    }

    /// Round values between the ends, for the ticks.
    fn ticks(&self) -> Vec<f64> {
        let within = |value: &f64| (self.low * 0.999_999..=self.high * 1.000_001).contains(value);
        if self.is_log {
            let decades = libm::floor(libm::log10(self.low)) as i32..=libm::ceil(libm::log10(self.high)) as i32;
            let steps: &[f64] = if libm::log10(self.high / self.low) < 1.6 { &[1.0, 2.0, 5.0] } else { &[1.0] };
            let tick = |decade: i32| steps.iter().map(move |step| step * libm::pow(10.0, f64::from(decade)));
            return decades.flat_map(tick).filter(within).collect();
        }
        let rough = (self.high - self.low) / 4.0;
        let power = libm::pow(10.0, libm::floor(libm::log10(rough)));
        let step = [1.0, 2.0, 5.0, 10.0].map(|step| step * power).into_iter().find(|step| *step >= rough);
        let step = step.unwrap_or(10.0 * power);
        let first = libm::ceil(self.low / step - 1e-9) as i64;
        let last = libm::floor(self.high / step + 1e-9) as i64;
        (first..=last).map(|tick| tick as f64 * step).collect()
    }
}

impl Axes<'_> {
    /// The axes with their ticks and labels.
    pub(super) fn draw(&self) -> String {
        let (bottom, right) = (HEIGHT - BOTTOM, WIDTH - RIGHT);
        let mut svg = format!("<path class=\"axis\" d=\"M{LEFT} {TOP}V{bottom}H{right}\"/>");
        for tick in self.x.ticks() {
            let x = number(self.x.at(tick));
            let _ = write!(svg, "<path class=\"axis\" d=\"M{x} {bottom}v4\"/>");
            let (text, y) = (self.x_ticks.text(tick), bottom + 15.0);
            let _ = write!(svg, "<text x=\"{x}\" y=\"{y}\" text-anchor=\"middle\">{text}</text>");
        }
        for tick in self.y.ticks() {
            let (y, text) = (self.y.at(tick), self.y_ticks.text(tick));
            let _ = write!(svg, "<path class=\"axis\" d=\"M{LEFT} {}H{right}\" opacity=\".5\"/>", number(y));
            let (x, y) = (LEFT - 6.0, number(y + 4.0));
            let _ = write!(svg, "<text x=\"{x}\" y=\"{y}\" text-anchor=\"end\">{text}</text>");
        }
        let (middle, below) = ((LEFT + right) / 2.0, HEIGHT - 6.0);
        let label = escape(self.x_label);
        let _ = write!(svg, "<text x=\"{middle}\" y=\"{below}\" text-anchor=\"middle\">{label}</text>");
        let (middle, label) = ((TOP + bottom) / 2.0, escape(self.y_label));
        let turned = format!("transform=\"rotate(-90 11 {middle})\" text-anchor=\"middle\"");
        let _ = write!(svg, "<text x=\"11\" y=\"{middle}\" {turned}>{label}</text>");
        svg
    }

    /// The attribute by which scripts translate positions into values.
    fn data(&self) -> String {
        let axis = |scale: &Scale| format!("[{},{},{},{}]", scale.low, scale.high, scale.from, scale.to);
        let unit = |ticks: Ticks| match ticks {
            Ticks::Plain | Ticks::In(Unit::Seconds) => "s",
            Ticks::In(Unit::Share) => "share",
            Ticks::In(_) => "",
        };
        let json = format!(
            r#"{{"x":{},"y":{},"xLog":{},"yLog":{},"xUnit":"{}","yUnit":"{}"}}"#,
            axis(&self.x),
            axis(&self.y),
            self.x.is_log,
            self.y.is_log,
            unit(self.x_ticks),
            unit(self.y_ticks)
        );
        format!(" data-axes=\"{}\"", escape(&json))
    }

    /// A vertical line at a value.
    pub(super) fn floor(&self, value: f64) -> String {
        let (x, bottom) = (number(self.x.at(value)), HEIGHT - BOTTOM);
        format!("<path class=\"floor\" d=\"M{x} {TOP}V{bottom}\"><title>floor of the mean</title></path>")
    }
}

impl Ticks {
    fn text(self, value: f64) -> String {
        match self {
            Self::Plain => digits(value),
            Self::In(unit) => figure(value, unit),
        }
    }
}

/// A figure element: title, plot and caption. `tag` is an attribute of the figure, or empty.
pub(super) fn plot(title: &str, body: &str, caption: &str, tag: &str) -> String {
    figure_of(title, body, caption, tag, "")
}

/// A figure of curves, whose values scripts show under the pointer.
pub(super) fn plot_of_curves(title: &str, body: &str, caption: &str, axes: &Axes<'_>) -> String {
    figure_of(title, body, caption, "", &axes.data())
}

fn figure_of(title: &str, body: &str, caption: &str, tag: &str, data: &str) -> String {
    let (shown, title, caption) = (breakable(title), escape(title), escape(caption));
    let tag = if tag.is_empty() { String::new() } else { format!(" {tag}") };
    format!(
        "<figure{tag}><strong>{shown}</strong><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" \
         aria-label=\"{title}\"{data}>{body}</svg><figcaption>{caption}</figcaption></figure>\n"
    )
}

/// A coordinate, rounded to a tenth of a unit.
pub(super) fn number(value: f64) -> String {
    let text = format!("{value:.1}");
    let text = text.strip_suffix(".0").unwrap_or(&text);
    if text == "-0" { "0".to_owned() } else { text.to_owned() }
}
