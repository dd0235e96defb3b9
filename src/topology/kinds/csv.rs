//! `csv`: a table of round-trip times of one's own, with places if they are known.

use std::path::{Path, PathBuf};

use swimlab_selectors::Place;
use swimlab_selectors::registry::{Param, Params, Value, did_you_mean, nearest};

use crate::topology::data::SAME_ZONE_MS;
use crate::topology::globe::{Point, light_rtt_us, point};
use crate::topology::ground::{Ground, MAX_SITES, Site};
use crate::topology::table::Table;
use crate::topology::{Base, Topology};

pub const ABOUT: &str = "Round-trip times from a CSV file of your own, with places, regions and zones from another.";

/// No round trip is longer than an hour.
const LONGEST_US: f64 = 3.6e9;

/// What a places file may tell of a site; only the name is needed.
const COLUMNS: [&str; 6] = ["name", "lat", "lon", "region", "zone", "members"];

/// The largest weight of a site.
const MOST_MEMBERS: u32 = 1_000_000_000;

pub fn params() -> Vec<Param> {
    let places = "a file of sites: the column name, and any of lat, lon, region, zone, members";
    vec![
        Param::text("rtt", "the file of round-trip times: a header and a first column of site names"),
        Param { default: Some(Value::Text(String::new())), ..Param::text("places", places) },
        Param::choice("unit", &["ms", "us", "s"], "ms", "the unit of the round-trip times"),
        super::local_ms(SAME_ZONE_MS),
    ]
}

pub fn build(params: &Params, base: &Base) -> Result<Topology, String> {
    let file = params.text("rtt");
    let table = Table::read(&read(&base.dir, file)?, file)?;
    if table.len() > MAX_SITES {
        return Err(format!("{file}: {} sites are more than {MAX_SITES}, the most that are possible", table.len()));
    }
    let unit_us = match params.text("unit") {
        "us" => 1.0,
        "s" => 1e6,
        _ => 1e3,
    };
    let rtt_us = complete(&table, file, unit_us, 1e3 * params.real("local_ms"))?;
    let sites = match params.text("places") {
        "" => table.names().iter().map(Site::new).collect(),
        places => list(&read(&base.dir, places)?, places, &table, file)?,
    };
    not_faster_than_light(&table, file, &rtt_us, &sites)?;
    Ok(Topology::new(format!("{file}, {} sites", sites.len()), Ground::from_rtt(sites, &rtt_us)?))
}

fn read(dir: &Path, file: &str) -> Result<Vec<u8>, String> {
    let path: PathBuf = dir.join(file);
    std::fs::read(&path).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// All round-trip times in microseconds. Only the diagonal may be blank.
fn complete(table: &Table, file: &str, unit_us: f64, local_us: f64) -> Result<Vec<f64>, String> {
    let n = table.len();
    let cell = |at: usize| {
        let (row, column) = (at / n, at % n);
        let refuse = |why: String| Err(format!("{file}: {}: {why}", table.cell_name(row, column)));
        match table.get(row, column) {
            None if row == column => Ok(local_us),
            None => refuse("is blank; every pair of sites needs a round-trip time".to_owned()),
            Some(rtt) if rtt * unit_us > LONGEST_US => refuse(format!("{rtt} is longer than an hour")),
            Some(rtt) => Ok(rtt * unit_us),
        }
    };
    (0..n * n).map(cell).collect()
}

/// Reads the sites, in the table's order.
fn list(bytes: &[u8], file: &str, table: &Table, rtt: &str) -> Result<Vec<Site>, String> {
    let mut reader = csv::ReaderBuilder::new().trim(csv::Trim::All).from_reader(bytes);
    let header = reader.headers().map_err(|error| format!("{file}: {error}"))?.clone();
    if let Some(unknown) = header.iter().find(|column| !COLUMNS.contains(column)) {
        let near = did_you_mean(&nearest(unknown, COLUMNS.iter().copied()));
        return Err(format!("{file}: unknown column \"{unknown}\"{near}"));
    }
    if let Some(column) = COLUMNS.iter().find(|&name| header.iter().filter(|column| column == name).count() > 1) {
        return Err(format!("{file}: two columns are called \"{column}\""));
    }
    let columns = COLUMNS.map(|name| header.iter().position(|column| column == name));
    if columns[0].is_none() {
        return Err(format!("{file}: the column \"name\" is missing"));
    }
    let mut sites = vec![None; table.len()];
    for record in reader.records() {
        let record = record.map_err(|error| format!("{file}: {error}"))?;
        let cells = columns.map(|column| column.and_then(|column| record.get(column)).filter(|cell| !cell.is_empty()));
        let (site, line) = (site(cells), record.position().map_or(0, csv::Position::line));
        let site =
            site.map_err(|why| format!("{file}: row \"{}\" (line {line}), {why}", cells[0].unwrap_or_default()))?;
        let Some(row) = table.names().iter().position(|name| *name == site.name) else {
            return Err(format!("{file}: row \"{}\" (line {line}): {rtt} has no site of that name", site.name));
        };
        if let Some((_, first)) = sites[row] {
            return Err(format!("{file}: row \"{}\" stands on line {first} and again on line {line}", site.name));
        }
        sites[row] = Some((site, line));
    }
    if let Some(missing) = sites.iter().position(Option::is_none) {
        return Err(format!("{file}: there is no row for the site \"{}\" of {rtt}", table.names()[missing]));
    }
    let sites: Vec<(Site, u64)> = sites.into_iter().flatten().collect();
    all_or_none(&sites, file, "region", |site| site.region.is_some())?;
    all_or_none(&sites, file, "zone", |site| site.zone.is_some())?;
    if sites.iter().all(|(site, _)| site.weight == 0) {
        return Err(format!("{file}: column \"members\" is 0 for every site"));
    }
    Ok(sites.into_iter().map(|(site, _)| site).collect())
}

/// A site from its cells, in the order of [`COLUMNS`]; errors start with the column.
fn site([name, lat, lon, region, zone, members]: [Option<&str>; COLUMNS.len()]) -> Result<Site, String> {
    let name = name.ok_or("column \"name\" is blank")?;
    let place = match (lat, lon) {
        (None, None) => None,
        (lat, lon) => Some(Place::Globe { lat: degrees("lat", lat, 90.0)?, lon: degrees("lon", lon, 180.0)? }),
    };
    let area = |column: &str, name: Option<&str>| match name {
        Some(name) if name.contains('/') => Err(format!("column \"{column}\": \"{name}\" must not contain a slash")),
        name => Ok(name.map(str::to_owned)),
    };
    let weight = match members.map(|count| (count, count.parse::<u32>())) {
        None => 1,
        Some((_, Ok(count))) if count <= MOST_MEMBERS => count,
        Some((text, _)) => {
            let why = format!("\"{text}\" must be an integer from 0 to {MOST_MEMBERS}");
            return Err(format!("column \"members\": {why}"));
        }
    };
    Ok(Site { place, region: area("region", region)?, zone: area("zone", zone)?, weight, ..Site::new(name) })
}

fn degrees(column: &str, text: Option<&str>, most: f64) -> Result<f64, String> {
    let text = text.ok_or_else(|| format!("column \"{column}\" is blank"))?;
    match text.parse::<f64>() {
        Ok(degrees) if (-most..=most).contains(&degrees) => Ok(degrees),
        _ => Err(format!("column \"{column}\": \"{text}\" must be a number of degrees from -{most} to {most}")),
    }
}

/// Traffic across regions or zones can be counted only if all sites have one.
fn all_or_none(sites: &[(Site, u64)], file: &str, column: &str, has: impl Fn(&Site) -> bool) -> Result<(), String> {
    if sites.iter().any(|(site, _)| has(site))
        && let Some((site, line)) = sites.iter().find(|(site, _)| !has(site))
    {
        let why = "is blank; fill it for every site or for none";
        return Err(format!("{file}: row \"{}\" (line {line}), column \"{column}\" {why}", site.name));
    }
    Ok(())
}

fn not_faster_than_light(table: &Table, file: &str, rtt_us: &[f64], sites: &[Site]) -> Result<(), String> {
    let points: Vec<Option<Point>> = sites.iter().map(|site| point(site.place)).collect();
    for (at, &rtt_us) in rtt_us.iter().enumerate() {
        let (row, column) = (at / sites.len(), at % sites.len());
        let (Some(from), Some(to)) = (points[row], points[column]) else { continue };
        let light_us = light_rtt_us(from, to);
        if rtt_us < light_us {
            let (cell, km, ms) = (table.cell_name(row, column), from.metres_to(to) / 1e3, rtt_us / 1e3);
            let least = format!("light needs {:.3} ms for the {km:.0} km there and back", light_us / 1e3);
            return Err(format!("{file}: {cell}: {ms:.3} ms is faster than light; {least}"));
        }
    }
    Ok(())
}
