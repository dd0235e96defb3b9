//! A selector of your own, compared with built-in ones in an experiment:
//!
//! ```sh
//! cargo run --release --example custom_selector
//! ```
//!
//! `swimlab course check examples/custom_selector.rs` judges it by the challenges of the course.
//!
//! Three steps lead there:
//!
//! 1. Implement [`Selector`]: an index that all members share, a small state per member, and the choice of targets.
//! 2. Register it under a name in a [`Lab`]; experiment files then name it like any other selector.
//! 3. Let `swimlab_selectors::laws::check` test it (feature `laws`, see tests/custom_selector.rs): whether it picks
//!    dead members, the member itself or one twice, and whether it keeps its bound while members come and go.

use swimlab::experiment::{Error, Experiment, Lab, Options, TomlSource};
use swimlab::report::table;
use swimlab_selectors::rng::below;
use swimlab_selectors::{Bound, Context, DynSelector, Peer, Selector, Slot};

/// Pings the members in the order of the member's table, in round robin from a random slot on.
///
/// Two pings of one peer are never more than one traversal apart. Round robin over a list that is shuffled again after
/// each traversal, as in SWIM, allows nearly two.
pub struct Walk;

impl Selector for Walk {
    /// Nothing that members could share.
    type RosterIndex = ();
    /// The next slot to look at.
    type State = Slot;

    fn build_index(&self, _roster: &[Peer]) {}

    fn new_state(&self, _index: &(), ctx: &mut Context<'_>) -> Slot {
        // The context's random stream, and no other source, makes runs reproducible.
        below(ctx.rng, ctx.view.slots().max(1))
    }

    fn targets(&self, _index: &(), next: &mut Slot, ctx: &mut Context<'_>, want: usize, picks: &mut Vec<Slot>) {
        // The number of slots grows when members join, so it is read in every period.
        let (slots, enough) = (ctx.view.slots(), picks.len() + want);
        for _ in 0..slots {
            if picks.len() == enough {
                return;
            }
            let slot = *next % slots;
            *next = slot + 1;
            // False for the member itself and for dead, departed and forgotten peers.
            if ctx.view.pingable(slot) {
                picks.push(slot);
            }
        }
    }

    fn bound(&self, n: u32, direct: u32) -> Bound {
        // One traversal of the n - 1 others, `direct` of them per period.
        Bound::Periods(n.saturating_sub(1).div_ceil(direct).max(1).into())
    }
}

/// The selector without its type, under its label.
pub fn selector() -> DynSelector {
    DynSelector::new("walk", Walk)
}

/// All built-in parts, and this selector.
pub fn lab() -> Lab {
    let mut lab = Lab::default();
    let about = "Round robin in the order of the member's table.";
    lab.selectors.register("walk", about, vec![], |_, _| Ok(selector()));
    lab
}

/// One crash among 60 members; every key is explained in docs/experiments.md.
const EXPERIMENT: &str = r#"
name = "walk"
topology = ["lan", "aws"]
selector = ["uniform", "shuffle", "walk"]
baseline = "shuffle"
members = 60
trials = 40
duration = "40s"
protocol = { period = "1500ms" }
fault = [{ kind = "crash", at = "3s" }]
"#;

/// Runs the experiment and prints its table.
pub fn main() -> Result<(), Error> {
    let experiment = Experiment::parse(&TomlSource::text("walk.toml", EXPERIMENT), &lab())?;
    let finished = experiment.run(Options::default())?;
    println!("{}", table(&finished.results, 120, false));
    Ok(())
}
