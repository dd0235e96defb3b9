//! `csv`: a user's table of round-trip times, with coordinates if they are known.

mod dialect;
#[cfg(test)]
mod limit_table;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::sync::Arc;

use swimlab_selectors::{Location, Param, Params, Registry, did_you_mean, nearest_names};

use super::params::local_ms;
use crate::topology::data::SAME_ZONE_MS;
use crate::topology::globe::{Point, light_rtt_us, point};
use crate::topology::model::{InputFile, Topology, TopologyContext};
use crate::topology::site_map::{Site, SiteMap};
use crate::topology::table::{RttTable, TableRow};
#[cfg(test)]
pub(in crate::topology) use limit_table::csv_limits;

/// No round trip is longer than an hour.
const LONGEST_US: f64 = 3.6e9;

/// The longest file, in bytes; it also bounds what is read from a device.
const LONGEST: u64 = 1 << 30;

/// The two directions of a pair measured the same round trip; a notice is due if they differ by more than this factor.
const MOST_UNEQUAL: f64 = 2.0;

/// The columns of a places file; only the name is required.
const COLUMNS: [&str; 6] = ["name", "lat", "lon", "region", "zone", "members"];

/// The largest weight of a site.
const MOST_MEMBERS: u32 = 1_000_000_000;

pub(super) fn register(registry: &mut Registry<Topology, TopologyContext>) {
    let about = "Round-trip times from a CSV file, with locations, regions and zones from a second one.";
    registry.register("csv", about, params(), build);
}

fn params() -> Vec<Param> {
    let places = "file of sites, with the column name and any of lat, lon, region, zone, members";
    vec![
        Param::text("rtt", "file of round-trip times, with site names in the header and the first column"),
        Param::text("places", places).or(""),
        Param::choice("unit", &["ms", "us", "s"], "ms", "unit of the round-trip times"),
        local_ms(SAME_ZONE_MS),
    ]
}

fn build(params: &Params, base: &TopologyContext) -> Result<Topology, String> {
    let rtt = read(base, params.text("rtt")?)?;
    let places = match params.text("places")? {
        "" => None,
        places => Some(read(base, places)?),
    };
    let unit_us = match params.text("unit")? {
        "us" => 1.0,
        "s" => 1e6,
        _ => 1e3,
    };
    assemble(rtt, places, unit_us, 1e3 * params.real("local_ms")?)
}

/// The topology of tables in memory, for programs that get them from elsewhere: round-trip times in milliseconds, and the
/// sites if they are known. [`topologies`](crate::topology::topologies) has it for files, as `csv`.
///
/// ```
/// use swimlab::topology::{InputFile, csv_topology};
///
/// let topology = csv_topology(InputFile::new("rtt.csv", *b"from,a,b\na,,7\nb,7,\n"), None)?;
/// assert_eq!(topology.place(2, 0, 1).rtt_us(0, 1), 7_000);
/// # Ok::<(), String>(())
/// ```
///
/// # Errors
/// A sentence that names file, row and column, if a table is not valid.
pub fn csv_topology(rtt: InputFile, places: Option<InputFile>) -> Result<Topology, String> {
    assemble(rtt, places, 1e3, 1e3 * SAME_ZONE_MS)
}

fn assemble(rtt: InputFile, places: Option<InputFile>, unit_us: f64, local_us: f64) -> Result<Topology, String> {
    let file = &rtt.name;
    let table = UserTable::read(&rtt.bytes, file)?;
    let rtt_us = complete(&table, file, unit_us, local_us)?;
    let sites = match &places {
        None => table.table.names().iter().map(Site::new).collect(),
        Some(places) => list(&places.bytes, &places.name, &table.table, file)?,
    };
    not_faster_than_light(&table, file, &rtt_us, &sites)?;
    let title = format!("{file}, {} sites", sites.len());
    let notice = asymmetry(&table, file, &rtt_us);
    let topology = Topology::new(title, SiteMap::from_rtt(sites, &rtt_us)?);
    let topology = notice.into_iter().fold(topology, Topology::with_notice);
    let inputs = [Some(rtt), places].into_iter().flatten();
    Ok(inputs.fold(topology, |topology, input| topology.with_input(input.name, input.bytes)))
}

/// Reads a file of at most [`LONGEST`] bytes.
fn read(context: &TopologyContext, file: &str) -> Result<InputFile, String> {
    if let Some(bytes) = context.contents.get(file) {
        return Ok(InputFile::new(file, Arc::clone(bytes)));
    }
    let path = context.path_of(file);
    let mut bytes = Vec::new();
    File::open(&path)
        .and_then(|opened| opened.take(LONGEST + 1).read_to_end(&mut bytes))
        .map_err(|error| format!("cannot read {}: {error}", path.display()))?;
    match bytes.len() as u64 > LONGEST {
        true => Err(format!("{} is longer than {LONGEST} bytes; that is no table of round-trip times", path.display())),
        false => Ok(InputFile::new(file, bytes)),
    }
}

/// A notice if the two directions of some pairs differ by more than [`MOST_UNEQUAL`], with the pair that differs most.
fn asymmetry(user: &UserTable, file: &str, rtt_us: &[f64]) -> Option<String> {
    let n = user.table.len();
    let pairs = (0..n).flat_map(|row| (row + 1..n).map(move |column| (row, column)));
    let ratio = |(row, column): (usize, usize)| {
        let (there, back) = (rtt_us[row * n + column], rtt_us[column * n + row]);
        // Two zeros are equal.
        if there == back { 1.0 } else { there.max(back) / there.min(back) }
    };
    let unequal: Vec<_> = pairs.map(|pair| (pair, ratio(pair))).filter(|(_, ratio)| *ratio > MOST_UNEQUAL).collect();
    let &((row, column), _) = unequal.iter().max_by(|one, other| one.1.total_cmp(&other.1))?;
    let (names, ms) = (user.table.names(), |at: usize| rtt_us[at] / 1e3);
    Some(format!(
        "{file}: of {} of {} pairs of sites, the round-trip times of the two directions differ by more than a factor of \
         {MOST_UNEQUAL}, most of \"{}\" and \"{}\" with {} and {} ms; their mean is used",
        unequal.len(),
        n * (n - 1) / 2,
        names[row],
        names[column],
        ms(row * n + column),
        ms(column * n + row),
    ))
}

/// A table from a file, which says where in the file a cell is.
struct UserTable {
    table: RttTable,
    /// The line of each row.
    lines: Vec<u64>,
}

impl UserTable {
    fn read(bytes: &[u8], file: &str) -> Result<Self, String> {
        let records: Vec<_> = dialect::reader(bytes, file, false)?.records().collect();
        if let Some(Ok(header)) = records.first()
            && header.len() == 1
        {
            let (line, text) = (line(header), &header[0]);
            let wanted = "expected a header of site names and a row for each, separated by commas, semicolons or tabs";
            return Err(format!("{file}: line {line} is one column, \"{text}\"; {wanted}"));
        }
        let rows = records.iter().map(|record| match record {
            Ok(record) => Ok(TableRow { line: line(record), cells: record.iter().collect() }),
            Err(error) => Err(format!("{file}: {error}")),
        });
        let table = RttTable::read(file, rows)?;
        let by_name: BTreeMap<_, _> =
            records.iter().skip(1).flatten().map(|record| (record.get(0), line(record))).collect();
        let lines = table.names().iter().map(|name| by_name[&Some(name.as_str())]).collect();
        Ok(Self { table, lines })
    }

    /// A cell as messages name it.
    fn cell_name(&self, row: usize, column: usize) -> String {
        let names = self.table.names();
        format!("row \"{}\" (line {}), column \"{}\"", names[row], self.lines[row], names[column])
    }
}

fn line(record: &csv::StringRecord) -> u64 {
    record.position().map_or(0, csv::Position::line)
}

/// All round-trip times in microseconds. Only the diagonal may be blank.
fn complete(user: &UserTable, file: &str, unit_us: f64, local_us: f64) -> Result<Vec<f64>, String> {
    let (table, n) = (&user.table, user.table.len());
    let cell = |at: usize| {
        let (row, column) = (at / n, at % n);
        let refuse = |why: String| Err(format!("{file}: {}: {why}", user.cell_name(row, column)));
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
fn list(bytes: &[u8], file: &str, table: &RttTable, rtt: &str) -> Result<Vec<Site>, String> {
    let mut reader = dialect::reader(bytes, file, true)?;
    let header = reader.headers().map_err(|error| format!("{file}: {error}"))?.clone();
    if let Some(unknown) = header.iter().find(|column| !COLUMNS.contains(column)) {
        let near = did_you_mean(&nearest_names(unknown, COLUMNS.iter().copied()));
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
        let (site, line) = (site(cells), line(&record));
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
    let location = match (lat, lon) {
        (None, None) => None,
        (None, Some(_)) => return Err("column \"lat\" is blank".to_owned()),
        (Some(_), None) => return Err("column \"lon\" is blank".to_owned()),
        (Some(lat), Some(lon)) => Some(Location::parse_globe(lat, lon).map_err(|error| {
            let column = if error.axis() == "latitude" { "lat" } else { "lon" };
            format!("column \"{column}\": {error}")
        })?),
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
    Ok(Site { location, region: area("region", region)?, zone: area("zone", zone)?, weight, ..Site::new(name) })
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

fn not_faster_than_light(table: &UserTable, file: &str, rtt_us: &[f64], sites: &[Site]) -> Result<(), String> {
    let points: Vec<Option<Point>> = sites.iter().map(|site| point(site.location)).collect();
    for (at, &rtt_us) in rtt_us.iter().enumerate() {
        let (row, column) = (at / sites.len(), at % sites.len());
        let (Some(from), Some(to)) = (points[row], points[column]) else { continue };
        let light_us = light_rtt_us(from, to);
        if rtt_us < light_us {
            let (cell, km, ms) = (table.cell_name(row, column), from.meters_to(to) / 1e3, rtt_us / 1e3);
            let least = format!("light needs {:.3} ms for the {km:.0} km there and back", light_us / 1e3);
            return Err(format!("{file}: {cell}: {ms:.3} ms is faster than light; {least}"));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::topology::MAX_SITES;
    use crate::topology::topologies;
    use swimlab_selectors::Spec;

    /// Builds from two files (no second one if it is empty) in a directory of the test's own.
    fn built(test: &str, rtt: impl AsRef<[u8]>, places: &str, label: &str) -> Result<Topology, String> {
        let dir = std::env::temp_dir().join(format!("swimlab-csv-{test}-{}", std::process::id()));
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("rtt.csv"), rtt).unwrap();
        std::fs::write(dir.join("places.csv"), places).unwrap();
        let mut spec = Spec::parse(&format!("csv:rtt=rtt.csv{label}")).unwrap();
        if !places.is_empty() {
            spec = spec.with("places", "places.csv");
        }
        let result = topologies().build(&spec, &TopologyContext { dir: dir.clone(), ..TopologyContext::default() });
        let result = result.map_err(|error| error.to_string());
        std::fs::remove_dir_all(dir).unwrap();
        result
    }

    const RTT: &str = "from,a,b,c\na,,10,20\nb,12,0.5,30\nc,20,30,\n";

    #[test]
    fn a_table_without_places_is_enough() {
        let placement = built("enough", RTT, "", "").unwrap().place(6, 0, 1);
        // Directions averaged; a blank diagonal is local_ms.
        assert_eq!((placement.rtt_us(0, 1), placement.rtt_us(1, 0)), (11_000, 11_000));
        assert_eq!((placement.rtt_us(0, 3), placement.rtt_us(1, 4)), (100, 500));
        assert_eq!((placement.zones(), placement.regions()), (None, None));
        assert_eq!(placement.title(), "rtt.csv, 3 sites");
    }

    #[test]
    fn the_unit_and_the_local_round_trip_can_be_set() {
        let placement = built("unit", RTT, "", ",unit=us,local_ms=0.004").unwrap().place(6, 0, 1);
        assert_eq!((placement.one_way_us(0, 2), placement.one_way_us(0, 3)), (10, 2));
    }

    #[test]
    fn rows_may_come_in_any_order_and_files_may_start_with_a_byte_order_mark() {
        let rtt = "\u{feff}from,a,b\nb,7,\na,,7\n";
        let places = "\u{feff}name,region\nb,east\na,west\n";
        let placement = built("order", rtt, places, "").unwrap().place(2, 0, 1);
        assert_eq!((placement.site_name(0), placement.rtt_us(0, 1)), ("a".to_owned(), 7_000));
        assert_eq!(placement.regions().unwrap(), ["west", "east"]);
    }

    // W5
    #[test]
    fn other_separators_comments_and_line_ends_are_read() {
        let dialects = [
            "from;a;b\na;;7\nb;7;\n",
            "from\ta\tb\na\t\t7\nb\t7\t\n",
            "sep=;\r\nfrom;a;b\r\na;;7\r\nb;7;\r\n",
            "# measured, by hand, today\n\n# in ms\nfrom,a,b\n#a,,9\na,,7\nb,7,\n",
            "\u{feff}# ms\nfrom;a;b\na;;7\nb;7;\n",
            "from,a,b\ra,,7\rb,7,\r",
            "\"from;to\",a,b\na,,7\nb,7,\n",
        ];
        for rtt in dialects {
            let topology = built("dialect", rtt, "", "").unwrap_or_else(|error| panic!("{rtt:?}: {error}"));
            let placement = topology.place(2, 0, 1);
            assert_eq!((placement.site_name(1), placement.rtt_us(0, 1)), ("b".to_owned(), 7_000), "{rtt:?}");
        }
        let places = "# of today\nname;region;members\nc;s;0\na;n;3\nb;n;1\n";
        assert_eq!(built("dialect", RTT, places, "").unwrap().place(8, 0, 1).regions().unwrap(), ["n", "s"]);
    }

    // W5
    #[test]
    fn a_file_that_is_not_csv_is_refused_with_what_it_is() {
        let utf16: Vec<u8> = RTT.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let cases: [(&[u8], &str); 9] = [
            (
                b"<!DOCTYPE html>\n<p>404</p>",
                "is HTML or XML, perhaps an error page instead of a download; expected CSV",
            ),
            (&[b"\xff\xfe", &utf16[..]].concat(), "is text in UTF-16; save it in UTF-8"),
            (&utf16, "is text in UTF-16; save it in UTF-8"),
            (b"{\"a\": 1}", "is JSON; expected CSV (it begins with \"{\"a\": 1}\")"),
            (b"PK\x03\x04\0\0", "is a spreadsheet or a ZIP archive; export it as CSV"),
            (b"f,a\nZ\xfcrich,1\n", ": line 2 is not text in UTF-8; save the file in UTF-8"),
            (b"from a b\na 0 7\n", ": line 1 is one column, \"from a b\"; expected a header of site names"),
            (b"from|a|b\n", ": line 1 is one column, \"from|a|b\"; expected a header of site names"),
            (b"# nothing\n\n", "is empty; expected a header of site names and a row for each"),
        ];
        for (rtt, what) in cases {
            let error = built("other", rtt, "", "").unwrap_err();
            let told = error.strip_prefix("csv: rtt.csv").unwrap_or(&error).trim_start();
            assert!(told.starts_with(what), "{error}");
        }
        assert!(built("other", "f;a;b\na;;1,5\nb;1,5;\n", "", "").unwrap_err().contains("\"1,5\" is no number"));
    }

    // W5
    #[test]
    fn directions_that_differ_much_are_noted() {
        let notices = |rtt: &str| built("apart", rtt, "", "").unwrap().notices().to_vec();
        assert_eq!(notices(RTT), [""; 0]);
        let notice = "rtt.csv: of 1 of 1 pairs of sites, the round-trip times of the two directions differ by more than a \
                      factor of 2, most of \"a\" and \"b\" with 1 and 1000 ms; their mean is used";
        assert_eq!(notices("from,a,b\na,,1\nb,1000,\n"), [notice]);
        assert!(notices("from,a,b\na,,0\nb,5,\n")[0].contains("with 0 and 5 ms"));
        assert_eq!(notices("from,a,b\na,,0\nb,0,\n"), [""; 0]);
    }

    #[test]
    fn places_give_coordinates_areas_and_weights() {
        let places = "name,lat,lon,region,zone,members\nc,0,2,s,x,0\na,0,0,n,x,3\nb,0,1,n,y,1\n";
        let placement = built("places", RTT, places, "").unwrap().place(8, 0, 1);
        assert_eq!(placement.peers[0].location, Some(Location::Globe { lat: 0.0, lon: 0.0 }));
        assert_eq!(placement.regions().unwrap(), ["n", "s"]);
        assert_eq!(placement.zones().unwrap(), ["n/x", "n/y", "s/x"]);
        let at = |site| (0..8).filter(|&member| placement.site_of(member) == site).count();
        assert_eq!([at(0), at(1), at(2)], [6, 2, 0]);
    }

    #[test]
    fn the_examples_of_the_page_on_topologies_can_be_used_as_they_are() {
        let page = include_str!("../../../docs/topologies.md");
        let example = |start: &str| {
            let from = page.find(start).expect("an example");
            page[from..].split("```").next().expect("its end")
        };
        let placement = built("page", example("from,fra"), example("name,lat"), "").unwrap().place(100, 0, 1);
        let at = |site| (0..100).filter(|&member| placement.site_of(member) == site).count();
        assert_eq!([at(0), at(1), at(2)], [30, 50, 20]);
    }

    #[test]
    fn what_is_wrong_in_the_table_is_named_by_file_row_and_column() {
        let refused = |rtt: &str| built("refused", rtt, "", "").unwrap_err();
        for (rtt, message) in [
            ("", "rtt.csv is empty; expected a header of site names and a row for each"),
            ("f,a,\na,,1\n,1,\n", "rtt.csv: column 3 has no name"),
            ("f,a,a\na,,1\na,1,\n", "rtt.csv: two columns are called \"a\""),
            ("f,a,b\na,,1\nx,1,\n", "rtt.csv: row \"x\" (line 3) has no column of that name"),
            ("f,a,b\na,,1\na,,1\n", "rtt.csv: row \"a\" stands on line 2 and again on line 3"),
            ("f,a,b\na,,1\n", "rtt.csv: column \"b\" has no row of that name"),
            ("f,a,b\na,,1\nb,1\n", "rtt.csv: row \"b\" (line 3) has 1 cells for 2 columns"),
            (
                "f,a,b\na,,1\nb,,\n",
                "rtt.csv: row \"b\" (line 3), column \"a\": is blank; every pair of sites needs a round-trip time",
            ),
            ("f,a,b\na,,1\nb,-4,\n", "rtt.csv: row \"b\" (line 3), column \"a\": -4 is negative"),
            ("f,a,b\na,,inf\nb,4,\n", "rtt.csv: row \"a\" (line 2), column \"b\": inf is no finite number"),
            ("f,a,b\na,,NaN\nb,4,\n", "rtt.csv: row \"a\" (line 2), column \"b\": NaN is no finite number"),
            ("f,a,b\na,,1 ms\nb,4,\n", "rtt.csv: row \"a\" (line 2), column \"b\": \"1 ms\" is no number"),
            ("f,a,b\na,,4e6\nb,4,\n", "rtt.csv: row \"a\" (line 2), column \"b\": 4000000 is longer than an hour"),
        ] {
            assert_eq!(refused(rtt), format!("csv: {message}"));
        }
    }

    #[test]
    fn what_is_wrong_in_the_places_is_named_too() {
        let refused = |places: &str| built("misplaced", RTT, places, "").unwrap_err();
        for (places, message) in [
            ("name,regoin\n", "places.csv: unknown column \"regoin\"; did you mean region?"),
            ("name,lat,lat\n", "places.csv: two columns are called \"lat\""),
            ("lat,lon\n", "places.csv: the column \"name\" is missing"),
            ("name\na\nb\n", "places.csv: there is no row for the site \"c\" of rtt.csv"),
            ("name\na\nb\nd\n", "places.csv: row \"d\" (line 4): rtt.csv has no site of that name"),
            ("name\na\na\n", "places.csv: row \"a\" stands on line 2 and again on line 3"),
            ("name,zone\n,z\n", "places.csv: row \"\" (line 2), column \"name\" is blank"),
            ("name,lat\na,3\n", "places.csv: row \"a\" (line 2), column \"lon\" is blank"),
            (
                "name,lat,lon\na,91,0\n",
                "places.csv: row \"a\" (line 2), column \"lat\": latitude 91 is not from -90 to 90 degrees; are latitude and \
                 longitude swapped?",
            ),
            (
                "name,lat,lon\na,0,0\nb,35.7,-239.7\n",
                "places.csv: row \"b\" (line 3), column \"lon\": longitude -239.7 is not from -180 to 180 degrees",
            ),
            (
                "name,lat,lon\na,nan,0\n",
                "places.csv: row \"a\" (line 2), column \"lat\": latitude NaN is not a finite number",
            ),
            (
                "name,lat,lon\na,0,4°\n",
                "places.csv: row \"a\" (line 2), column \"lon\": longitude \"4°\" is not a number of degrees",
            ),
            ("name,zone\na,z/1\n", "places.csv: row \"a\" (line 2), column \"zone\": \"z/1\" must not contain a slash"),
            (
                "name,zone\na,z\nb,\nc,z\n",
                "places.csv: row \"b\" (line 3), column \"zone\" is blank; fill it for every site or for none",
            ),
            (
                "name,members\na,0.5\n",
                "places.csv: row \"a\" (line 2), column \"members\": \"0.5\" must be an integer from 0 to 1000000000",
            ),
            ("name,members\na,0\nb,0\nc,0\n", "places.csv: column \"members\" is 0 for every site"),
            (
                "name,lat,lon\na,0,0\nb,0,90\nc,,\n",
                "rtt.csv: row \"a\" (line 2), column \"b\": 10.000 ms is faster than light; light needs 66.763 ms for the \
                 10008 km there and back",
            ),
        ] {
            assert_eq!(refused(places), format!("csv: {message}"));
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named_with_its_path() {
        let base = TopologyContext { dir: "/nowhere".into(), ..TopologyContext::default() };
        let error = topologies().build(&Spec::parse("csv:rtt=rtt.csv").unwrap(), &base).unwrap_err().to_string();
        assert!(error.starts_with("csv: cannot read /nowhere/rtt.csv: "), "{error}");
    }

    #[test]
    fn a_table_has_as_many_sites_as_are_possible_and_no_more() {
        let header = |sites: usize| {
            let names: Vec<String> = (0..sites).map(|site| format!("s{site}")).collect();
            built("sites", format!("from,{}\n", names.join(",")), "", "").unwrap_err()
        };
        assert_eq!(header(MAX_SITES), "csv: rtt.csv: column \"s0\" has no row of that name");
        assert_eq!(header(MAX_SITES + 1), "csv: rtt.csv: 5001 sites are more than 5000, the most that are possible");
    }

    #[test]
    fn a_round_trip_takes_an_hour_at_most_and_a_site_has_a_billion_members_at_most() {
        let rtt = |ms: f64| built("hour", format!("f,a,b\na,,{ms}\nb,{ms},\n"), "", "").is_ok();
        assert_eq!([LONGEST_US / 1e3, LONGEST_US / 1e3 + 0.1].map(rtt), [true, false]);
        let weight = |most: u32| built("weight", RTT, &format!("name,members\na,{most}\nb,1\nc,1\n"), "").is_ok();
        assert_eq!([MOST_MEMBERS, MOST_MEMBERS + 1].map(weight), [true, false]);
    }

    #[test]
    fn directions_may_differ_by_the_factor_without_a_notice() {
        let notices = |ms: f64| built("factor", format!("f,a,b\na,,{ms}\nb,10,\n"), "", "").unwrap().notices().len();
        assert_eq!([10.0 * MOST_UNEQUAL, 10.0 * MOST_UNEQUAL + 0.1].map(notices), [0, 1]);
    }

    #[ignore = "reads files of 1 GiB"]
    #[test]
    fn a_file_is_read_up_to_the_longest() {
        let folder = tempfile::tempdir().unwrap();
        let error = |len: u64| {
            File::create(folder.path().join("rtt.csv")).unwrap().set_len(len).unwrap();
            let base = TopologyContext { dir: folder.path().to_owned(), ..TopologyContext::default() };
            topologies().build(&Spec::parse("csv:rtt=rtt.csv").unwrap(), &base).unwrap_err().to_string()
        };
        assert!(!error(LONGEST).contains("is longer than"));
        assert!(error(LONGEST + 1).contains("is longer than 1073741824 bytes"));
    }
}
