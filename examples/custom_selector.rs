//! A selector of one's own, put beside the built-in ones into an experiment.
//!
//! `cargo run --release --example custom_selector`

use swimlab::experiment::{Error, Experiment, Lab, Options, TomlSource};
use swimlab::report::table;
use swimlab_selectors::rng::below;
use swimlab_selectors::{Bound, Context, DynSelector, Peer, Selector, Slot};

/// Walks through the table in its order, round and round, from a random place on. Unlike round robin over a shuffled
/// list it never waits longer than one traversal.
pub struct Walk;

impl Selector for Walk {
    /// No index over the roster is needed.
    type RosterIndex = ();
    /// The slot to look at next.
    type State = Slot;

    fn build_index(&self, _: &[Peer]) {}

    fn new_state(&self, (): &(), ctx: &mut Context<'_>) -> Slot {
        below(ctx.rng, ctx.view.slots().max(1))
    }

    fn targets(&self, (): &(), next: &mut Slot, ctx: &mut Context<'_>, want: usize, picks: &mut Vec<Slot>) {
        let enough = picks.len() + want;
        for _ in 0..ctx.view.slots() {
            if picks.len() == enough {
                return;
            }
            let slot = *next % ctx.view.slots();
            *next = slot + 1;
            if ctx.view.pingable(slot) {
                picks.push(slot);
            }
        }
    }

    fn bound(&self, n: u32, direct: u32) -> Bound {
        Bound::Periods(u64::from(n.saturating_sub(1).div_ceil(direct).max(1)))
    }
}

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

/// The built-in strategies, and this one.
pub fn lab() -> Lab {
    let mut lab = Lab::default();
    lab.selectors.register("walk", "Walks through the table.", vec![], |_, _| Ok(DynSelector::new("walk", Walk)));
    lab
}

/// Runs the experiment.
pub fn main() -> Result<(), Error> {
    let experiment = Experiment::parse(&TomlSource::text("walk.toml", EXPERIMENT), &lab())?;
    let finished = experiment.run(Options::default())?;
    println!("{}", table(&finished.results, 120, false));
    Ok(())
}
