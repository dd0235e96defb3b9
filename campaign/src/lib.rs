//! Random fault schedules: worlds of all profiles, presets, selectors, helpers and topologies with 1 to 64 members and any
//! faults, run under all checkers. A world that violates an invariant is shrunk to a small experiment file.
//!
//! A [`Generator`] draws a [`Schedule`] for each number of a campaign, [`violations`] runs it, and [`shrink`] simplifies
//! it for as long as it violates the same invariant. The method is that of property tests (Claessen, Hughes: QuickCheck,
//! ICFP 2000; Zeller, Hildebrandt: Simplifying and Isolating Failure-Inducing Input, TSE 2002).
//!
//! ```
//! use campaign::{Generator, violations};
//! use swimlab::experiment::Lab;
//!
//! let lab = Lab::default();
//! let schedule = Generator::new(&lab).draw(1, 0);
//! assert!(violations(&schedule, &lab).is_empty(), "{}", schedule.to_toml());
//! ```

mod generator;
mod progress;
mod schedule;
mod shrink;

pub use generator::Generator;
pub use progress::{Found, Progress};
pub use schedule::{Part, Schedule, violations};
pub use shrink::shrink;
