//! The fuzz targets of swimlab: functions of any bytes that panic if a parser or a member breaks a rule.
//!
//! Two drivers call them: libFuzzer by the binaries in `fuzz/fuzz_targets`, guided by coverage and for as long as one
//! likes, and `tests/properties.rs` as an ordinary test, on the corpus in `fuzz/corpus`, on mutations of it and on
//! random bytes. For all targets no input panics or overflows, and none takes memory or time out of proportion to its
//! length; `tests/proportion.rs` has inputs that claim much.

mod bytes;
mod control;
mod csv;
mod decode;
mod experiment;
mod http;
mod member;
mod open;
mod query;
mod seeds;
mod snapshot;
mod state;

pub use control::control;
pub use csv::csv;
pub use decode::decode;
pub use experiment::experiment;
pub use http::http;
pub use member::member;
pub use open::open;
pub use query::query;
pub use seeds::seeds;
pub use snapshot::snapshot;
pub use state::state;

/// A fuzz target.
pub struct Target {
    /// The name of the binary and of the corpus.
    pub name: &'static str,
    /// Runs the target on one input.
    ///
    /// # Panics
    /// If a rule is broken.
    pub run: fn(&[u8]),
}

/// All targets.
pub const TARGETS: &[Target] = &[
    Target { name: "decode", run: decode },
    Target { name: "open", run: open },
    Target { name: "member", run: member },
    Target { name: "control", run: control },
    Target { name: "http", run: http },
    Target { name: "snapshot", run: snapshot },
    Target { name: "experiment", run: experiment },
    Target { name: "csv", run: csv },
    Target { name: "state", run: state },
    Target { name: "query", run: query },
];
