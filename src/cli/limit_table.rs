//! The limits of the command line's outputs, for docs/limits.md.

use super::output::{FLUSH_TIMEOUT, MAX_BYTES, MAX_LINES};
use crate::limits::Amount::{Bytes, Count, Time};
use crate::limits::{Limit, Section};

/// The limits of standard output and standard error.
pub(crate) fn stated_limits() -> [Section; 1] {
    let dropped = "further lines are dropped and counted, and the reader is told once it reads again";
    let limits = vec![
        Limit::new(
            "lines that wait for a slow reader, for each output",
            Count(MAX_LINES as u64),
            dropped,
            &["lines_beyond_the_bound_are_dropped_counted_and_told_of_when_the_reader_returns"],
        ),
        Limit::new(
            "bytes that wait for a slow reader, for each output",
            Bytes(MAX_BYTES as u64),
            dropped,
            &["long_lines_are_bounded_in_bytes"],
        ),
        Limit::new(
            "time that the end of a process waits for a slow reader, for each output",
            Time(FLUSH_TIMEOUT),
            "what waits is lost",
            &["the_end_waits_for_a_reader_until_the_timeout"],
        ),
    ];
    [Section { title: "Standard output and standard error", limits }]
}
