//! Topologies from CSV files.

use swimlab::topology::{InputFile, csv_topology};

/// The line between the round-trip times and the sites in an input.
pub(crate) const SEPARATOR: &[u8] = b"\n--- places\n";

/// The longest round trip that a file may have, in microseconds: an hour.
const LONGEST_US: u32 = 3_600_000_000;

/// Tables are refused in words that name the file, or members can be placed on them at delays within an hour.
pub fn csv(bytes: &[u8]) {
    let at = bytes.windows(SEPARATOR.len()).position(|window| window == SEPARATOR);
    let (rtt, places) = match at {
        Some(at) => (&bytes[..at], Some(&bytes[at + SEPARATOR.len()..])),
        None => (bytes, None),
    };
    let places = places.map(|places| InputFile::new("places.csv", places));
    let topology = match csv_topology(InputFile::new("rtt.csv", rtt), places) {
        Ok(topology) => topology,
        Err(why) => {
            let names_file = why.contains("rtt.csv") || why.contains("places.csv");
            assert!(names_file && why.len() <= 4 * bytes.len() + 400, "{why}");
            return;
        }
    };
    let members = 6;
    let placement = topology.place(members, 2, 1);
    for from in 0..members + 2 {
        assert!(!placement.site_name(placement.site_of(from)).is_empty());
        for to in 0..members + 2 {
            let rtt_us = placement.rtt_us(from, to);
            assert!(rtt_us <= LONGEST_US && rtt_us == placement.rtt_us(to, from));
            assert!(rtt_us <= placement.longest_rtt_us() || from == to);
        }
    }
}
