//! Who pings whom: areas on the globe, on the plane or on a circle, with a line for each pair that pings.

use std::fmt::Write;

use swimlab_selectors::Location;

use super::series::Series;
use super::svg::{number, plot};
use crate::experiment::PingMap;

/// The drawing, within the size of a plot.
const WIDTH: f64 = 380.0;
const HEIGHT: f64 = 230.0;
const MARGIN: f64 = 12.0;

/// More lines than these hide each other.
const MOST_LINES: usize = 600;

/// Lines of about the same weight are one path.
const WEIGHTS: usize = 5;

/// A point of the drawing.
type Point = (f64, f64);

/// A map for each strategy.
pub(super) fn draw(sketches: &[&PingMap], series: &Series<'_>) -> String {
    // Side by side, a line of one width means the same everywhere.
    let lines: Vec<_> = sketches.iter().map(|ping_map| lines(ping_map)).collect();
    let share = |(ping_map, lines): (&&PingMap, &Vec<(usize, usize, u64)>)| {
        lines.first().map_or(0.0, |line| line.2 as f64 / pings(ping_map).max(1) as f64)
    };
    let heaviest = sketches.iter().zip(&lines).map(share).fold(0.0, f64::max);
    let drawn = sketches.iter().zip(&lines).filter(|(ping_map, _)| ping_map.nodes.len() > 1);
    drawn.map(|(ping_map, lines)| picture(ping_map, lines, heaviest, series)).collect()
}

fn pings(ping_map: &PingMap) -> u64 {
    ping_map.pings.iter().map(|&pings| u64::from(pings)).sum()
}

/// Pairs of different nodes with the pings in both directions, the busiest first.
fn lines(ping_map: &PingMap) -> Vec<(usize, usize, u64)> {
    let n = ping_map.nodes.len();
    let pair =
        |from: usize, to: usize| u64::from(ping_map.pings[from * n + to]) + u64::from(ping_map.pings[to * n + from]);
    let pairs = (0..n).flat_map(|from| (from + 1..n).map(move |to| (from, to)));
    let mut lines: Vec<_> = pairs.map(|(from, to)| (from, to, pair(from, to))).filter(|line| line.2 > 0).collect();
    lines.sort_by_key(|&(from, to, pings)| (std::cmp::Reverse(pings), from, to));
    lines
}

fn picture(ping_map: &PingMap, lines: &[(usize, usize, u64)], heaviest: f64, series: &Series<'_>) -> String {
    let all = pings(ping_map).max(1) as f64;
    let layout = Layout::of(ping_map);
    let shown = &lines[..lines.len().min(MOST_LINES)];
    let mut paths = vec![String::new(); WEIGHTS];
    for &(from, to, pings) in shown.iter().rev() {
        let weight = libm::sqrt(pings as f64 / all / heaviest);
        let class = ((weight * WEIGHTS as f64) as usize).min(WEIGHTS - 1);
        paths[class] += &layout.line(from, to);
    }
    let mut body = layout.ground();
    let class = series.class(&ping_map.selector);
    let _ = write!(body, "<g class=\"{class}\">");
    for (weight, path) in paths.iter().enumerate().filter(|(_, path)| !path.is_empty()) {
        let share = (weight + 1) as f64 / WEIGHTS as f64;
        let (width, opacity) = (number(0.4 + 1.6 * share), 0.12 + 0.6 * share * share);
        let _ = write!(body, "<path class=\"edge\" stroke-width=\"{width}\" opacity=\"{opacity:.2}\" d=\"{path}\"/>");
    }
    let n = ping_map.nodes.len();
    for (node, location) in layout.points.iter().enumerate() {
        let own = f64::from(ping_map.pings[node * (n + 1)]) / all * n as f64;
        let radius = if n > 120 { 1.6 } else { 2.0 + 4.0 * libm::sqrt(own) };
        let (x, y, name) = (number(location.0), number(location.1), super::escape(&ping_map.nodes[node].name));
        let _ = write!(
            body,
            "<circle class=\"node\" cx=\"{x}\" cy=\"{y}\" r=\"{}\"><title>{name}</title></circle>",
            number(radius)
        );
    }
    body += "</g>";
    let far: u64 = lines.iter().map(|line| line.2).sum();
    let mut caption = format!("{:.1} % of direct pings leave their area.", 100.0 * far as f64 / all);
    if shown.len() < lines.len() {
        let seen: u64 = shown.iter().map(|line| line.2).sum();
        let _ = write!(
            caption,
            " The busiest {} of {} pairs are drawn, with {:.0} % of those.",
            shown.len(),
            lines.len(),
            100.0 * seen as f64 / far.max(1) as f64
        );
    }
    plot(&format!("Who pings whom: {}", ping_map.selector), &body, &caption)
}

/// Where the nodes are drawn.
struct Layout {
    points: Vec<Point>,
    /// Latitude and longitude in degrees, if the drawing is a map of the globe.
    globe: Option<Vec<Point>>,
}

impl Layout {
    fn of(ping_map: &PingMap) -> Self {
        let globe = |location: Option<Location>| match location {
            Some(Location::Globe { lat, lon }) => Some((lat, lon)),
            _ => None,
        };
        let plane = |location: Option<Location>| match location {
            Some(Location::Plane { x, y }) => Some((x, y)),
            _ => None,
        };
        let places = || ping_map.nodes.iter().map(|node| node.location);
        // A node without members has no place; all others decide.
        if places().flatten().count() > 0 {
            if let Some(known) = places().map(globe).collect::<Option<Vec<Point>>>() {
                let points = known.iter().map(|&(lat, lon)| projected(lat, lon)).collect();
                return Self { points, globe: Some(known) };
            }
            if let Some(known) = places().map(plane).collect::<Option<Vec<Point>>>() {
                return Self { points: fitted(&known), globe: None };
            }
        }
        let n = ping_map.nodes.len() as f64;
        let point = |node: usize| {
            let turn = std::f64::consts::TAU * node as f64 / n;
            let radius = HEIGHT / 2.0 - MARGIN;
            (WIDTH / 2.0 + radius * libm::sin(turn), HEIGHT / 2.0 - radius * libm::cos(turn))
        };
        Self { points: (0..ping_map.nodes.len()).map(point).collect(), globe: None }
    }

    /// What lies under the lines: meridians and parallels every 30 degrees.
    fn ground(&self) -> String {
        if self.globe.is_none() {
            return String::new();
        }
        let mut path = String::new();
        for lon in (-180..=180).step_by(30) {
            let ((x, top), (_, bottom)) = (projected(90.0, f64::from(lon)), projected(-90.0, f64::from(lon)));
            let _ = write!(path, "M{} {}V{}", number(x), number(top), number(bottom));
        }
        for lat in (-90..=90).step_by(30) {
            let ((left, y), (right, _)) = (projected(f64::from(lat), -180.0), projected(f64::from(lat), 180.0));
            let _ = write!(path, "M{} {}H{}", number(left), number(y), number(right));
        }
        format!("<path class=\"axis\" opacity=\".6\" d=\"{path}\"/>")
    }

    /// The way from one node to another: along the great circle on the globe, straight elsewhere.
    fn line(&self, from: usize, to: usize) -> String {
        let Some(globe) = &self.globe else {
            let [(x, y), (to_x, to_y)] = [from, to].map(|node| self.points[node]);
            return format!("M{} {}L{} {}", number(x), number(y), number(to_x), number(to_y));
        };
        let mut path = String::new();
        let mut last: Option<f64> = None;
        for (lat, lon) in great_circle(globe[from], globe[to]) {
            let (x, y) = projected(lat, lon);
            // Across the date line the pen is lifted.
            let is_broken = last.is_none_or(|last| (last - lon).abs() > 180.0);
            let _ = write!(path, "{}{} {}", if is_broken { 'M' } else { 'L' }, number(x), number(y));
            last = Some(lon);
        }
        path
    }
}

/// The equirectangular projection: degrees are even steps.
fn projected(lat: f64, lon: f64) -> Point {
    let scale = ((WIDTH - 2.0 * MARGIN) / 360.0).min((HEIGHT - 2.0 * MARGIN) / 180.0);
    (WIDTH / 2.0 + lon * scale, HEIGHT / 2.0 - lat * scale)
}

/// Points of the plane, fitted into the drawing without distorting it.
fn fitted(places: &[Point]) -> Vec<Point> {
    let ends = |of: fn(&Point) -> f64| {
        let values = || places.iter().map(of);
        (values().fold(f64::INFINITY, f64::min), values().fold(f64::NEG_INFINITY, f64::max))
    };
    let ((left, right), (low, high)) = (ends(|location| location.0), ends(|location| location.1));
    let scale =
        ((WIDTH - 2.0 * MARGIN) / (right - left).max(1e-9)).min((HEIGHT - 2.0 * MARGIN) / (high - low).max(1e-9));
    let at = |&(x, y): &Point| {
        (WIDTH / 2.0 + (x - (left + right) / 2.0) * scale, HEIGHT / 2.0 - (y - (low + high) / 2.0) * scale)
    };
    places.iter().map(at).collect()
}

/// Points of the great circle between two places in degrees, no more than 12 degrees apart. Antipodes have no one great
/// circle; their line goes straight through longitudes.
fn great_circle(from: Point, to: Point) -> Vec<Point> {
    let vector = |(lat, lon): Point| {
        let (lat, lon) = (lat.to_radians(), lon.to_radians());
        [libm::cos(lat) * libm::cos(lon), libm::cos(lat) * libm::sin(lon), libm::sin(lat)]
    };
    let (a, b) = (vector(from), vector(to));
    let dot: f64 = a.iter().zip(&b).map(|(a, b)| a * b).sum();
    let angle = libm::acos(dot.clamp(-1.0, 1.0));
    let sine = libm::sin(angle);
    if sine < 1e-6 {
        return vec![from, to];
    }
    let steps = libm::ceil(angle.to_degrees() / 12.0).max(1.0) as u32;
    let between = |step: u32| {
        let share = f64::from(step) / f64::from(steps);
        let (left, right) = (libm::sin((1.0 - share) * angle) / sine, libm::sin(share * angle) / sine);
        let [x, y, z] = [0, 1, 2].map(|axis| left * a[axis] + right * b[axis]);
        (libm::asin(z.clamp(-1.0, 1.0)).to_degrees(), libm::atan2(y, x).to_degrees())
    };
    (0..=steps).map(between).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn great_circles_go_over_the_north_and_end_where_they_should() {
        let way = great_circle((50.0, -120.0), (50.0, 20.0));
        let (first, last) = (way[0], way[way.len() - 1]);
        assert!((first.0 - 50.0).abs() < 1e-9 && (first.1 + 120.0).abs() < 1e-9, "{first:?}");
        assert!((last.0 - 50.0).abs() < 1e-9 && (last.1 - 20.0).abs() < 1e-9, "{last:?}");
        assert!(way.iter().any(|point| point.0 > 70.0), "{way:?}");
        assert_eq!(great_circle((10.0, 0.0), (10.0, 0.0)).len(), 2);
    }
}
