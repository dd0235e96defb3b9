//! Maps of pings: areas on the globe, on the plane or on a circle, with a line for each pair of areas with pings.

use std::fmt::Write;

use geo::{Area, ConvexHull, Distance, Haversine, InterpolatePoint, MultiPoint};
use swimlab_selectors::Location;

use super::coastline;
use super::series::Series;
use super::svg::{number, plot};
use crate::experiment::{MapNode, PingMap};

/// The size of the drawing, within that of a plot.
const WIDTH: f64 = 380.0;
const HEIGHT: f64 = 230.0;
const MARGIN: f64 = 12.0;

/// The maximum number of lines; more would cover each other.
const MOST_LINES: usize = 600;

/// Number of line weights; lines of one weight share a path.
const WEIGHTS: usize = 5;

/// The maximum length of a segment of a great circle, in meters: 12 degrees.
const ARC_M: f64 = 1_335_000.0;

/// The minimum area of an outline, in square units of the drawing.
const SMALLEST_OUTLINE: f64 = 1.0;

/// A point of the drawing.
type Point = (f64, f64);

/// A map for each selector.
pub(super) fn draw(ping_maps: &[&PingMap], series: &Series<'_>) -> String {
    // The same line width means the same share of pings in all maps.
    let lines: Vec<_> = ping_maps.iter().map(|ping_map| lines(ping_map)).collect();
    let share = |(ping_map, lines): (&&PingMap, &Vec<(usize, usize, u64)>)| {
        lines.first().map_or(0.0, |line| line.2 as f64 / pings(ping_map).max(1) as f64)
    };
    let heaviest = ping_maps.iter().zip(&lines).map(share).fold(0.0, f64::max);
    let drawn = ping_maps.iter().zip(&lines).filter(|(ping_map, _)| ping_map.nodes.len() > 1);
    drawn.map(|(ping_map, lines)| map(ping_map, lines, heaviest, series)).collect()
}

fn pings(ping_map: &PingMap) -> u64 {
    ping_map.pings.iter().map(|&pings| u64::from(pings)).sum()
}

/// Pairs of different nodes with the number of pings in both directions, in descending order.
fn lines(ping_map: &PingMap) -> Vec<(usize, usize, u64)> {
    let n = ping_map.nodes.len();
    let pair =
        |from: usize, to: usize| u64::from(ping_map.pings[from * n + to]) + u64::from(ping_map.pings[to * n + from]);
    let pairs = (0..n).flat_map(|from| (from + 1..n).map(move |to| (from, to)));
    let mut lines: Vec<_> = pairs.map(|(from, to)| (from, to, pair(from, to))).filter(|line| line.2 > 0).collect();
    lines.sort_by_key(|&(from, to, pings)| (std::cmp::Reverse(pings), from, to));
    lines
}

fn map(ping_map: &PingMap, lines: &[(usize, usize, u64)], heaviest: f64, series: &Series<'_>) -> String {
    let all = pings(ping_map).max(1) as f64;
    let layout = Layout::of(ping_map);
    let shown = &lines[..lines.len().min(MOST_LINES)];
    let mut paths = vec![String::new(); WEIGHTS];
    for &(from, to, pings) in shown.iter().rev() {
        let weight = libm::sqrt(pings as f64 / all / heaviest);
        let class = ((weight * WEIGHTS as f64) as usize).min(WEIGHTS - 1);
        paths[class] += &layout.line(from, to);
    }
    let mut body = layout.grid();
    let class = series.class(&ping_map.selector);
    let _ = write!(body, "<g class=\"{class}\">");
    let outlines: String = ping_map.nodes.iter().map(|node| layout.outline(node)).collect();
    if !outlines.is_empty() {
        let _ = write!(body, "<path class=\"outline\" d=\"{outlines}\"/>");
    }
    for (weight, path) in paths.iter().enumerate().filter(|(_, path)| !path.is_empty()) {
        let share = (weight + 1) as f64 / WEIGHTS as f64;
        let (width, opacity) = (number(0.4 + 1.6 * share), 0.12 + 0.6 * share * share);
        let _ = write!(body, "<path class=\"edge\" stroke-width=\"{width}\" opacity=\"{opacity:.2}\" d=\"{path}\"/>");
    }
    let n = ping_map.nodes.len();
    let is_drawn = |node: &usize| layout.is_circle() || ping_map.nodes[*node].location.is_some();
    for node in (0..n).filter(is_drawn) {
        let location = layout.points[node];
        let own = f64::from(ping_map.pings[node * (n + 1)]) / all * n as f64;
        let radius = if n > 120 { 1.6 } else { 2.0 + 4.0 * libm::sqrt(own) };
        let (x, y, name) = (number(location.0), number(location.1), super::escape(&ping_map.nodes[node].name));
        let sent: u64 = ping_map.pings[node * n..(node + 1) * n].iter().map(|&pings| u64::from(pings)).sum();
        let stays = 100.0 * f64::from(ping_map.pings[node * (n + 1)]) / sent.max(1) as f64;
        let _ = write!(
            body,
            "<circle class=\"node\" cx=\"{x}\" cy=\"{y}\" r=\"{}\"><title>{name}: {stays:.0} % of its pings stay \
             inside</title></circle>",
            number(radius)
        );
    }
    body += "</g>";
    let far: u64 = lines.iter().map(|line| line.2).sum();
    let mut caption = format!(
        "{:.1} % of direct pings leave their area. Larger dots keep more pings inside; heavier lines carry more, on one \
         scale for all maps.",
        100.0 * far as f64 / all
    );
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
    plot(&format!("Pings between places: {}", ping_map.selector), &body, &caption, &series.tag(&ping_map.selector))
}

/// The positions of the nodes in the drawing.
struct Layout {
    points: Vec<Point>,
    /// Latitudes and longitudes in degrees, if it is a map of the globe.
    globe: Option<Vec<Point>>,
    /// The projection, if it is a map of the plane.
    plane: Option<Fit>,
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
        // Nodes without members have no location; they are not drawn, so any point will do.
        let locations = || ping_map.nodes.iter().map(|node| node.location);
        let all = |place: &dyn Fn(Option<Location>) -> Option<Point>| -> Option<Vec<Point>> {
            locations().map(|location| if location.is_none() { Some((0.0, 0.0)) } else { place(location) }).collect()
        };
        if locations().flatten().count() > 0 {
            if let Some(known) = all(&globe) {
                let points = known.iter().map(|&(lat, lon)| projected(lat, lon)).collect();
                return Self { points, globe: Some(known), plane: None };
            }
            if let Some(known) = all(&plane) {
                let members = ping_map.nodes.iter().flat_map(|node| &node.members_at);
                let places = locations().filter_map(plane).chain(members.filter_map(|&at| plane(Some(at))));
                let fit = Fit::of(places);
                return Self {
                    points: known.iter().map(|&point| fit.at(point)).collect(),
                    globe: None,
                    plane: Some(fit),
                };
            }
        }
        let n = ping_map.nodes.len() as f64;
        let point = |node: usize| {
            let turn = std::f64::consts::TAU * node as f64 / n;
            let radius = HEIGHT / 2.0 - MARGIN;
            (WIDTH / 2.0 + radius * libm::sin(turn), HEIGHT / 2.0 - radius * libm::cos(turn))
        };
        Self { points: (0..ping_map.nodes.len()).map(point).collect(), globe: None, plane: None }
    }

    /// Whether the nodes stand on a circle because their places are unknown.
    fn is_circle(&self) -> bool {
        self.globe.is_none() && self.plane.is_none()
    }

    /// The grid of a map of the globe: meridians and parallels every 30 degrees.
    fn grid(&self) -> String {
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
        format!("<use class=\"land\" href=\"#{LAND}\"/><path class=\"axis\" opacity=\".4\" d=\"{path}\"/>")
    }

    /// The outline of a node: the convex hull of the locations of its members. Empty across the date line, where a hull
    /// in longitudes would extend around the globe.
    fn outline(&self, node: &MapNode) -> String {
        let globe = |location: &Location| match location {
            Location::Globe { lat, lon } => Some((*lat, *lon)),
            _ => None,
        };
        if self.globe.is_some() {
            let locations: Vec<Point> = node.members_at.iter().filter_map(globe).collect();
            let west = locations.iter().map(|location| location.1).fold(f64::INFINITY, f64::min);
            let east = locations.iter().map(|location| location.1).fold(f64::NEG_INFINITY, f64::max);
            let is_broken = east - west > 180.0;
            return if is_broken {
                String::new()
            } else {
                hull(&locations.iter().map(|&(lat, lon)| projected(lat, lon)).collect::<Vec<_>>())
            };
        }
        let Some(fit) = &self.plane else { return String::new() };
        let plane = |location: &Location| match location {
            Location::Plane { x, y } => Some(fit.at((*x, *y))),
            _ => None,
        };
        hull(&node.members_at.iter().filter_map(plane).collect::<Vec<_>>())
    }

    /// The line from one node to another: a great circle on the globe, straight otherwise.
    fn line(&self, from: usize, to: usize) -> String {
        let Some(globe) = &self.globe else {
            let [(x, y), (to_x, to_y)] = [from, to].map(|node| self.points[node]);
            return format!("M{} {}L{} {}", number(x), number(y), number(to_x), number(to_y));
        };
        let mut path = String::new();
        let mut last: Option<f64> = None;
        for (lat, lon) in great_circle(globe[from], globe[to]) {
            let (x, y) = projected(lat, lon);
            // The path is interrupted at the date line.
            let is_broken = last.is_none_or(|last| (last - lon).abs() > 180.0);
            let _ = write!(path, "{}{} {}", if is_broken { 'M' } else { 'L' }, number(x), number(y));
            last = Some(lon);
        }
        path
    }
}

/// The id of the outlines of land.
const LAND: &str = "land";

/// The outlines of land, which maps of the globe refer to; empty if there is none among these.
pub(super) fn land(ping_maps: &[PingMap]) -> String {
    let is_globe = |node: &MapNode| matches!(node.location, Some(Location::Globe { .. }));
    match ping_maps.iter().any(|ping_map| ping_map.nodes.iter().any(is_globe)) {
        true => format!(
            "<svg width=\"0\" height=\"0\" aria-hidden=\"true\"><defs><path id=\"{LAND}\" d=\"{}\"/></defs></svg>\n",
            coastline::path(projected)
        ),
        false => String::new(),
    }
}

/// The equirectangular projection of degrees.
pub(super) fn projected(lat: f64, lon: f64) -> Point {
    let scale = ((WIDTH - 2.0 * MARGIN) / 360.0).min((HEIGHT - 2.0 * MARGIN) / 180.0);
    (WIDTH / 2.0 + lon * scale, HEIGHT / 2.0 - lat * scale)
}

/// The projection of the plane into the drawing, without distortion.
struct Fit {
    center: Point,
    scale: f64,
}

impl Fit {
    fn of(locations: impl Iterator<Item = Point>) -> Self {
        let (mut low, mut high) = ((f64::INFINITY, f64::INFINITY), (f64::NEG_INFINITY, f64::NEG_INFINITY));
        for (x, y) in locations {
            low = (low.0.min(x), low.1.min(y));
            high = (high.0.max(x), high.1.max(y));
        }
        let scale = ((WIDTH - 2.0 * MARGIN) / (high.0 - low.0).max(1e-9))
            .min((HEIGHT - 2.0 * MARGIN) / (high.1 - low.1).max(1e-9));
        Self { center: ((low.0 + high.0) / 2.0, (low.1 + high.1) / 2.0), scale }
    }

    fn at(&self, (x, y): Point) -> Point {
        (WIDTH / 2.0 + (x - self.center.0) * self.scale, HEIGHT / 2.0 - (y - self.center.1) * self.scale)
    }
}

/// Points, in degrees, of the great circle between two points, no more than [`ARC_M`] apart. Antipodes have no unique
/// great circle, so their line is straight in degrees.
fn great_circle(from: Point, to: Point) -> Vec<Point> {
    let [start, end] = [from, to].map(|(lat, lon)| geo::Point::new(lon, lat));
    let half_way_around = std::f64::consts::PI * Haversine.radius();
    if half_way_around - Haversine.distance(start, end) < 1.0 {
        return vec![from, to];
    }
    let points = Haversine.points_along_line(start, end, ARC_M, true);
    points.map(|point| (point.y(), point.x())).collect()
}

/// The convex hull of points of the drawing as a closed path; empty if it has no area.
fn hull(points: &[Point]) -> String {
    let points: MultiPoint = points.iter().copied().collect();
    let hull = points.convex_hull();
    if hull.unsigned_area() < SMALLEST_OUTLINE {
        return String::new();
    }
    let corners = hull.exterior().coords().map(|corner| format!("{} {}", number(corner.x), number(corner.y)));
    format!("M{}Z", corners.collect::<Vec<_>>().join("L"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn great_circles_go_over_the_north_and_end_where_they_should() {
        let path = great_circle((50.0, -120.0), (50.0, 20.0));
        let (first, last) = (path[0], path[path.len() - 1]);
        assert!((first.0 - 50.0).abs() < 1e-9 && (first.1 + 120.0).abs() < 1e-9, "{first:?}");
        assert!((last.0 - 50.0).abs() < 1e-9 && (last.1 - 20.0).abs() < 1e-9, "{last:?}");
        assert!(path.iter().any(|point| point.0 > 70.0), "{path:?}");
        assert_eq!(great_circle((10.0, 0.0), (10.0, 0.0)).len(), 2);
    }

    #[test]
    fn antipodes_are_joined_by_a_straight_line() {
        assert_eq!(great_circle((0.0, 0.0), (0.0, 180.0)), [(0.0, 0.0), (0.0, 180.0)]);
        let path = great_circle((40.0, 10.0), (-40.0, -170.0));
        assert!(path.iter().all(|point| point.0.is_finite() && point.1.is_finite()), "{path:?}");
    }

    #[test]
    fn an_outline_goes_around_all_members_and_needs_an_area() {
        let square = [(0.0, 0.0), (4.0, 0.0), (2.0, 2.0), (4.0, 4.0), (0.0, 4.0)];
        let path = hull(&square);
        assert!(path.starts_with('M') && path.ends_with('Z') && !path.contains("2 2"), "{path}");
        assert_eq!(hull(&square[..2]), "");
        assert_eq!(hull(&[(1.0, 1.0); 5]), "");
        assert_eq!(hull(&[]), "");
    }
}
