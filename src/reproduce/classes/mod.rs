//! `classes`: small, medium and large groups under SWIM, heartbeats, a majority of timestamps and a central lease.
//!
//! For each detector and size: messages, bytes and processor time, detection of a crash, and false deaths on lossy links; for
//! each detector: the exponents by which they grow with the group, the largest group under a stated load, and what must be
//! operated. The page answers from which size SWIM pays. Values that have closed forms are rows beside them.
//!
//! | file | |
//! |---|---|
//! | `groups` | runs the experiments; all measured values by detector and size |
//! | `cpu_meter` | processor time of a trial |
//! | `figure` | a measured value with its interval, or the reason why there is none |
//! | `power_law` | growth with the size of the group |
//! | `crossing` | the size from which one side is better |
//! | `answer`, `operation`, `sections` | the parts of the page |
//! | `closed_rows` | measured values beside closed forms |

mod answer;
mod closed_rows;
mod cpu_meter;
mod crossing;
mod figure;
mod groups;
mod operation;
mod power_law;
mod sections;

use self::groups::Groups;
use super::runner::Runner;
use super::{Reproduced, Reproduction};
use crate::experiment::Error;

pub(super) const REPRODUCTION: Reproduction = Reproduction {
    name: "classes",
    about: "Small, medium and large groups, 5 to 1,000 members: SWIM and its variants against heartbeats, a majority of \
            timestamps and a central lease, in work, traffic, detection, false deaths and operation.",
    source: "closed forms: A. Das, I. Gupta, A. Motivala, SWIM, DSN 2002, sections 2 and 3; the sums for heartbeats, \
             majority and lease are spelled out in docs/detectors.md. No paper has a table of all of them",
    experiments: &[
        ("classes", include_str!("../../../examples/reproductions/classes.toml")),
        ("classes-large", include_str!("../../../examples/reproductions/classes-large.toml")),
        ("classes-loss-small", include_str!("../../../examples/reproductions/classes-loss-small.toml")),
        ("classes-loss", include_str!("../../../examples/reproductions/classes-loss.toml")),
        ("classes-loss-large", include_str!("../../../examples/reproductions/classes-loss-large.toml")),
    ],
    figures,
};

/// The profile that the others are compared with.
const SWIM: &str = "swim";

fn figures(runner: &Runner<'_>) -> Result<Reproduced, Error> {
    let groups = Groups::measure(runner)?;
    Ok(Reproduced { rows: closed_rows::rows(runner, &groups), sections: sections::sections(&groups) })
}
