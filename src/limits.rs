//! The limits of all rooms, from which docs/limits.md is written.
//!
//! Each room lists its own in a module `limit_table`, with the values of the constants that the program uses. Only tests
//! need the lists.

use std::path::{Path, PathBuf};
use std::time::Duration;
use std::{env, fmt, fs};

/// The limits of a room, or of a part of it.
pub(crate) struct Section {
    pub title: &'static str,
    pub limits: Vec<Limit>,
}

/// A limit, and the tests that drive something to it and past it.
pub(crate) struct Limit {
    /// The limited thing.
    pub what: &'static str,
    pub amount: Amount,
    /// The consequence of reaching the limit.
    pub beyond: &'static str,
    /// Names of test functions.
    pub tests: &'static [&'static str],
}

/// The value of a limit.
#[derive(Clone, Copy)]
pub(crate) enum Amount {
    Count(u64),
    Bytes(u64),
    BytesPerSecond(u64),
    /// Protocol periods.
    Periods(u64),
    Time(Duration),
}

impl Limit {
    pub(crate) fn new(
        what: &'static str,
        amount: Amount,
        beyond: &'static str,
        tests: &'static [&'static str],
    ) -> Self {
        Self { what, amount, beyond, tests }
    }
}

impl Amount {
    pub(crate) const fn micros(micros: u64) -> Self {
        Self::Time(Duration::from_micros(micros))
    }
}

impl fmt::Display for Amount {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::Count(count) => write_with_commas(f, count),
            Self::Bytes(bytes) => write_bytes(f, bytes),
            Self::BytesPerSecond(bytes) => {
                write_bytes(f, bytes)?;
                f.write_str(" per second")
            }
            Self::Periods(periods) => write!(f, "{periods} periods"),
            Self::Time(time) => write_time(f, time),
        }
    }
}

fn write_with_commas(f: &mut fmt::Formatter<'_>, number: u64) -> fmt::Result {
    let digits = number.to_string();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            f.write_str(",")?;
        }
        write!(f, "{digit}")?;
    }
    Ok(())
}

/// Writes bytes in the largest unit of which they are a whole number.
fn write_bytes(f: &mut fmt::Formatter<'_>, bytes: u64) -> fmt::Result {
    let units = [("GiB", 30), ("MiB", 20), ("KiB", 10)];
    match units.into_iter().find(|(_, shift)| bytes > 0 && bytes.is_multiple_of(1 << shift)) {
        Some((unit, shift)) => write!(f, "{} {unit}", bytes >> shift),
        None => {
            write_with_commas(f, bytes)?;
            f.write_str(" bytes")
        }
    }
}

/// Writes a length of time in the largest unit of which it is a whole number.
fn write_time(f: &mut fmt::Formatter<'_>, time: Duration) -> fmt::Result {
    let micros = time.as_micros() as u64;
    let units = [("h", 3_600_000_000), ("min", 60_000_000), ("s", 1_000_000), ("ms", 1000)];
    match units.into_iter().find(|(_, unit)| micros.is_multiple_of(*unit)) {
        Some((name, unit)) => {
            write_with_commas(f, micros / unit)?;
            write!(f, " {name}")
        }
        None => write!(f, "{micros} us"),
    }
}

/// The sections of all rooms that this build has, in the order of the rooms.
fn sections() -> Vec<Section> {
    let mut all = Vec::new();
    all.extend(crate::protocol::stated_limits());
    all.extend(crate::wire::stated_limits());
    all.extend(crate::discovery::stated_limits());
    #[cfg(feature = "agent")]
    all.extend(crate::agent::stated_limits());
    #[cfg(feature = "cli")]
    all.extend(crate::cli::stated_limits());
    all.extend(crate::topology::stated_limits());
    all.extend(crate::sim::stated_limits());
    #[cfg(feature = "experiments")]
    all.extend(crate::experiment::stated_limits());
    all
}

/// The sources in which tests are looked for, as lines.
fn sources() -> Vec<Vec<String>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut folders: Vec<PathBuf> = ["src", "tests", "selectors", "campaign"].map(|name| root.join(name)).into();
    let mut sources = Vec::new();
    while let Some(folder) = folders.pop() {
        // A packaged crate is alone.
        let Ok(entries) = fs::read_dir(folder) else { continue };
        for entry in entries {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                sources.push(fs::read_to_string(&path).unwrap().lines().map(str::to_owned).collect());
            }
        }
    }
    sources
}

/// The attributes of the only test of this name.
///
/// # Errors
/// A sentence if there is none, or more than one function of this name, or if it is no test.
fn attributes_of(name: &str, sources: &[Vec<String>]) -> Result<Vec<String>, String> {
    let declaration = format!("fn {name}(");
    let found: Vec<(&[String], usize)> = sources
        .iter()
        .flat_map(|lines| lines.iter().enumerate().map(move |(at, line)| (&lines[..], at, line)))
        .filter(|(.., line)| line.contains(&declaration))
        .map(|(lines, at, _)| (lines, at))
        .collect();
    let [(lines, at)] = found[..] else { return Err(format!("{} functions are called {name}", found.len())) };
    let attributes = lines[..at].iter().rev().map(|line| line.trim()).take_while(|line| line.starts_with("#["));
    let attributes: Vec<String> = attributes.map(str::to_owned).collect();
    let is_test = |line: &String| line.starts_with("#[test]") || line.starts_with("#[tokio::test");
    if attributes.iter().any(is_test) { Ok(attributes) } else { Err(format!("{name} is no test")) }
}

/// The page.
fn page(sections: &[Section], sources: &[Vec<String>]) -> String {
    let mut page = "<!-- Written by the test in src/limits.rs: UPDATE_DOCS=1 cargo test limits:: -->\n\n".to_owned();
    page.push_str(HEAD);
    for section in sections {
        page.push_str(&format!(
            "\n## {}\n\n| limit | value | at the limit | test |\n|---|---|---|---|\n",
            section.title
        ));
        for Limit { what, amount, beyond, tests } in &section.limits {
            let tests: Vec<String> = tests.iter().map(|name| test_cell(name, sources)).collect();
            page.push_str(&format!("| {what} | {amount} | {beyond} | {} |\n", tests.join(", ")));
        }
    }
    page
}

/// The name of a test, with the way to run it if the ordinary suite does not.
fn test_cell(name: &str, sources: &[Vec<String>]) -> String {
    let attributes = attributes_of(name, sources).unwrap_or_default();
    match attributes.iter().any(|line| line.starts_with("#[ignore")) {
        true => format!("`cargo test {name} -- --ignored`"),
        false => format!("`{name}`"),
    }
}

const HEAD: &str = "\
# Limits

Each queue, table, memory of duplicates, cap, rate and time-out of the protocol member, the wire format, the agent and
the laboratory, with what happens at it. The values are those of the constants in the program. Each row names the tests
that drive the limited thing to its limit and past it.

Not listed: the parameters of profiles, selectors, topologies and faults, whose ranges `swimlab list` prints, and sizes
that only tune a data structure or a picture.
";

#[test]
fn every_limit_names_tests_that_exist_once() {
    let sources = sources();
    let sections = sections();
    let limits = sections.iter().flat_map(|section| &section.limits);
    let wrong: Vec<String> = limits
        .flat_map(|limit| {
            let missing = limit.tests.is_empty().then(|| format!("{}: no test", limit.what));
            let tests = limit.tests.iter().filter_map(|name| attributes_of(name, &sources).err());
            missing.into_iter().chain(tests)
        })
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_page_on_limits_is_made_from_the_constants() {
    // Builds with fewer features have fewer rooms, and paths of sockets have another limit on other systems.
    if !cfg!(all(target_os = "linux", feature = "agent", feature = "cli")) {
        return;
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/docs/limits.md");
    let made = page(&sections(), &sources());
    if env::var_os("UPDATE_DOCS").is_some() {
        fs::write(path, made).unwrap();
    } else {
        let stored = fs::read_to_string(path).unwrap();
        assert!(stored == made, "docs/limits.md is outdated: UPDATE_DOCS=1 cargo test limits:: writes it");
    }
}

#[test]
fn amounts_are_written_in_their_largest_unit() {
    let cases = [
        (Amount::Count(2_097_152), "2,097,152"),
        (Amount::Count(100), "100"),
        (Amount::Bytes(1400), "1,400 bytes"),
        (Amount::Bytes(64 << 10), "64 KiB"),
        (Amount::BytesPerSecond(1 << 20), "1 MiB per second"),
        (Amount::Periods(30), "30 periods"),
        (Amount::micros(500_000), "500 ms"),
        (Amount::micros(90_000_000), "90 s"),
        (Amount::micros(600_000_000), "10 min"),
        (Amount::micros(86_400_000_000), "24 h"),
    ];
    for (amount, text) in cases {
        assert_eq!(amount.to_string(), text);
    }
}
