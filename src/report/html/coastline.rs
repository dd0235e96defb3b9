//! Outlines of land on maps of the globe: Natural Earth, 1:110m, simplified (public domain).

use std::fmt::Write;

use super::svg::number;

/// The data, whose first lines tell their source and form.
const RINGS: &str = include_str!("coastline.txt");

/// The unit of the data, in parts of a degree.
const PARTS: f64 = 5.0;

/// The outlines as a path of the drawing; `project` maps latitude and longitude in degrees to a point of it.
pub(super) fn path(project: impl Fn(f64, f64) -> (f64, f64)) -> String {
    let mut path = String::new();
    for ring in RINGS.lines().filter(|line| !line.starts_with('#')) {
        let numbers: Vec<i32> = ring.split(' ').map(|number| number.parse().expect("a whole number")).collect();
        let (mut lon, mut lat) = (0, 0);
        for (n, step) in numbers.chunks_exact(2).enumerate() {
            (lon, lat) = (lon + step[0], lat + step[1]);
            let (x, y) = project(f64::from(lat) / PARTS, f64::from(lon) / PARTS);
            let _ = write!(path, "{}{} {}", if n == 0 { 'M' } else { 'L' }, number(x), number(y));
        }
        path.push('Z');
    }
    path
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_outlines_stay_on_the_map_and_have_the_size_of_the_continents() {
        let (mut points, mut area) = (0, 0.0);
        for ring in path(|lat, lon| (lon, lat)).split('M').skip(1) {
            let ring: Vec<(f64, f64)> = ring
                .trim_end_matches('Z')
                .split('L')
                .map(|point| point.split_once(' ').unwrap())
                .map(|(x, y)| (x.parse().unwrap(), y.parse().unwrap()))
                .collect();
            assert!(ring.iter().all(|&(lon, lat)| lon.abs() <= 180.0 && lat.abs() <= 90.0));
            points += ring.len();
            let next = ring.iter().cycle().skip(1);
            area += ring.iter().zip(next).map(|(a, b)| a.0 * b.1 - b.0 * a.1).sum::<f64>().abs() / 2.0;
        }
        // Land without Antarctica takes about 14,500 of the 64,800 square degrees of the equirectangular map.
        assert!((13_000.0..16_000.0).contains(&area), "{points} points, {area} square degrees");
    }
}
