//! The limits of the command line's outputs, for docs/limits.md.

#[cfg(all(feature = "agent", unix))]
use super::agent::handlers::{HANDLERS_AT_ONCE, LONGEST_RUN, MAX_OUTPUT_BYTES, MAX_WAITING};
#[cfg(all(feature = "agent", unix))]
use super::agent::reload::FILES_TIMEOUT;
use super::course::{LONGEST_LINE, MOST_LINES, TIME_LIMIT};
use super::output::{FLUSH_TIMEOUT, MAX_BYTES, MAX_LINES};
#[cfg(all(feature = "agent", unix))]
use super::top::{LONGEST_INTERVAL, MAX_FILTER_BYTES, PATIENCE, SHORTEST_INTERVAL};
use crate::limits::Amount::{Bytes, Count, Time};
use crate::limits::{Limit, Section};

/// The limits of standard output, standard error, event handlers and the live view.
pub(crate) fn stated_limits() -> Vec<Section> {
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
    vec![
        Section { title: "Standard output and standard error", limits },
        Section { title: "Judge of selectors: `swimlab course check`", limits: judge() },
        #[cfg(all(feature = "agent", unix))]
        Section { title: "Event handlers and reload", limits: handlers() },
        #[cfg(all(feature = "agent", unix))]
        Section { title: "Live view: `swimlab top`", limits: top() },
    ]
}

fn judge() -> Vec<Limit> {
    let in_parts = "it is read in parts";
    vec![
        Limit::new(
            "time for the laws, and for each challenge, without `--time-limit`",
            Time(TIME_LIMIT),
            "the program with the selector is ended, which misses the challenge",
            &["a_selector_that_panics_loops_or_ends_the_process_takes_nothing_else_with_it"],
        ),
        Limit::new(
            "a line that the selector prints",
            Bytes(LONGEST_LINE),
            in_parts,
            &["a_line_without_an_end_is_read_in_parts"],
        ),
        Limit::new(
            "lines that wait to be shown",
            Count(MOST_LINES as u64),
            "the selector waits",
            &["a_flood_of_lines_arrives_in_order"],
        ),
    ]
}

#[cfg(all(feature = "agent", unix))]
fn top() -> Vec<Limit> {
    let interval = &["intervals_have_units_and_bounds"];
    vec![
        Limit::new("the shortest `--interval`", Time(SHORTEST_INTERVAL), "a shorter one is refused", interval),
        Limit::new("the longest `--interval`", Time(LONGEST_INTERVAL), "a longer one is refused", interval),
        Limit::new(
            "time that it waits for an answer of the agent",
            Time(PATIENCE),
            "the view says so, and it asks again",
            &["an_agent_that_does_not_answer_is_waited_for_until_the_timeout"],
        ),
        Limit::new(
            "text of the filter",
            Bytes(MAX_FILTER_BYTES as u64),
            "further characters are left out",
            &["a_filter_is_edited_kept_and_cleared"],
        ),
    ]
}

#[cfg(all(feature = "agent", unix))]
fn handlers() -> Vec<Limit> {
    let at_once = &["as_many_handlers_run_and_wait_as_the_limits_say_and_all_end_with_the_agent"];
    vec![
        Limit::new("handlers that run at once", Count(HANDLERS_AT_ONCE as u64), "further runs wait", at_once),
        Limit::new(
            "runs that wait",
            Count(MAX_WAITING as u64),
            "further ones are left out and counted; the log tells of each hundredth",
            at_once,
        ),
        Limit::new(
            "time that a handler runs",
            Time(LONGEST_RUN),
            "its process group is killed",
            &["a_handler_that_hangs_is_killed_with_its_children"],
        ),
        Limit::new(
            "time that a reload waits for the files",
            Time(FILES_TIMEOUT),
            "nothing is reloaded",
            &["files_that_are_not_written_are_waited_for_until_the_timeout"],
        ),
        Limit::new(
            "output of a handler that is kept for the log",
            Bytes(MAX_OUTPUT_BYTES as u64),
            "the rest is read and dropped",
            &["a_handler_has_its_event_and_its_output_is_cut"],
        ),
    ]
}
