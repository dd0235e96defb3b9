//! The shipped data sets; data/README.md names the source of each.

use std::borrow::Cow;
use std::sync::OnceLock;

use swimlab_selectors::Location;

use super::site_map::Site;
use super::table::{RttTable, TableRow};

/// Two machines in one zone, round trip: the median of 40 zones (IBM Cloud, 2026).
pub(super) const SAME_ZONE_MS: f64 = 0.1;

/// Two machines in one region, zones unknown, round trip: the median of 16 regions (AWS, 2022).
pub(super) const SAME_REGION_MS: f64 = 0.19;

/// Two zones of one region, round trip: the median of 84 pairs (IBM Cloud, 2026).
pub(super) const CROSS_ZONE_MS: f64 = 0.76;

/// Bytes that `gzip -n` writes before the deflated ones.
const GZIP_HEADER: usize = 10;

/// Bytes that `gzip` writes after them: a checksum and a length.
const GZIP_TRAILER: usize = 8;

/// A table that is parsed on first use. It is valid: the tests parse all of them.
pub(super) struct Shipped {
    name: &'static str,
    bytes: &'static [u8],
    table: OnceLock<RttTable>,
}

impl Shipped {
    pub(super) const fn new(name: &'static str, bytes: &'static [u8]) -> Self {
        Self { name, bytes, table: OnceLock::new() }
    }

    pub(super) fn table(&self) -> &RttTable {
        let read = || RttTable::read(self.name, lines(&text(self.name, self.bytes)).map(Ok)).expect(self.name);
        self.table.get_or_init(read)
    }
}

/// A row of a list of places.
pub(super) struct Listed {
    pub name: String,
    pub location: Location,
    /// The further columns.
    pub more: Vec<String>,
}

impl Listed {
    pub(super) fn site(&self) -> Site {
        Site { location: Some(self.location), ..Site::new(self.name.clone()) }
    }
}

/// Reads a list `name,lat,lon,...` with a header.
pub(super) fn places(name: &'static str, bytes: &'static [u8]) -> Vec<Listed> {
    rows(name, bytes)
        .into_iter()
        .map(|row| {
            let degrees = |column: usize| row[column].parse().expect(name);
            let location = Location::Globe { lat: degrees(1), lon: degrees(2) };
            Listed { name: row[0].clone(), location, more: row[3..].to_vec() }
        })
        .collect()
}

/// The rows of a file below its header, cell by cell.
pub(super) fn rows(name: &'static str, bytes: &'static [u8]) -> Vec<Vec<String>> {
    let owned = |row: TableRow<'_>| row.cells.into_iter().map(str::to_owned).collect();
    lines(&text(name, bytes)).skip(1).map(owned).collect()
}

/// The rows of a file, its header first. Lines of shipped files are never empty, and no cell has a line break in it.
fn lines(text: &str) -> impl Iterator<Item = TableRow<'_>> {
    (1..).zip(text.lines()).map(|(line, text)| TableRow { line, cells: cells(text) })
}

/// The cells of a line. Those with commas are quoted; no cell has a quote in it.
fn cells(mut line: &str) -> Vec<&str> {
    let mut cells = Vec::new();
    loop {
        let (cell, rest) = match line.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"').expect("a closing quote"),
            None => line.split_at(line.find(',').unwrap_or(line.len())),
        };
        cells.push(cell);
        match rest.strip_prefix(',') {
            Some(rest) => line = rest,
            None => return cells,
        }
    }
}

fn text(name: &'static str, bytes: &'static [u8]) -> Cow<'static, str> {
    if !name.ends_with(".gz") {
        return std::str::from_utf8(bytes).expect(name).into();
    }
    let deflated = &bytes[GZIP_HEADER..bytes.len() - GZIP_TRAILER];
    let text = miniz_oxide::inflate::decompress_to_vec(deflated).expect(name);
    String::from_utf8(text).expect(name).into()
}
