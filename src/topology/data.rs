//! The data sets that swimlab ships. Where each is from is told in data/README.md.

use std::io::Read;
use std::sync::OnceLock;

use swimlab_selectors::Location;

use super::site_map::Site;
use super::table::Table;

/// Two machines in one zone, round trip: the median of 40 zones (IBM Cloud, 2026).
pub(super) const SAME_ZONE_MS: f64 = 0.1;

/// Two machines in one region, zones unknown, round trip: the median of 16 regions (AWS, 2022).
pub(super) const SAME_REGION_MS: f64 = 0.19;

/// Two zones of one region, round trip: the median of 84 pairs (IBM Cloud, 2026).
pub(super) const CROSS_ZONE_MS: f64 = 0.76;

/// A table that is parsed when it is first asked for. What is wrong in it is a bug, found by the tests.
pub(super) struct Shipped {
    name: &'static str,
    bytes: &'static [u8],
    table: OnceLock<Table>,
}

impl Shipped {
    pub const fn new(name: &'static str, bytes: &'static [u8]) -> Self {
        Self { name, bytes, table: OnceLock::new() }
    }

    pub fn table(&self) -> &Table {
        self.table.get_or_init(|| Table::read(&text(self.name, self.bytes), self.name).expect(self.name))
    }
}

/// A place, by name and with whatever the list says of it.
pub(super) struct Listed {
    pub name: String,
    pub location: Location,
    /// The further columns.
    pub more: Vec<String>,
}

impl Listed {
    pub fn site(&self) -> Site {
        Site { location: Some(self.location), ..Site::new(self.name.clone()) }
    }
}

/// Reads a list `name,lat,lon,...` with a header.
pub(super) fn places(name: &'static str, bytes: &'static [u8]) -> Vec<Listed> {
    rows(name, bytes)
        .map(|row| {
            let degrees = |column: usize| row[column].parse().expect(name);
            let location = Location::Globe { lat: degrees(1), lon: degrees(2) };
            Listed { name: row[0].to_owned(), location, more: row.iter().skip(3).map(str::to_owned).collect() }
        })
        .collect()
}

/// The rows of a file below its header.
pub(super) fn rows(name: &'static str, bytes: &'static [u8]) -> impl Iterator<Item = csv::StringRecord> {
    csv::Reader::from_reader(std::io::Cursor::new(text(name, bytes)))
        .into_records()
        .map(move |record| record.expect(name))
}

fn text(name: &'static str, bytes: &'static [u8]) -> Vec<u8> {
    if !name.ends_with(".gz") {
        return bytes.to_vec();
    }
    let mut text = Vec::new();
    flate2::read::GzDecoder::new(bytes).read_to_end(&mut text).expect(name);
    text
}
