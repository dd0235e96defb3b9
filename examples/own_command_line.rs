//! The whole command line with a selector of your own, by one line in `main`.
//!
//! ```text
//! cargo run --release --example own_command_line -- list selectors
//! cargo run --release --example own_command_line -- run mine.toml     # with selector = ["shuffle", "half-local"]
//! cargo run --release --example own_command_line -- agent --selector half-local --zone eu/a --name me
//! ```

use std::process::ExitCode;

use swimlab::experiment::Lab;
use swimlab_selectors::rng::bits;
use swimlab_selectors::{Bound, Context, DynSelector, Peer, Selector, Slot, pick_uniform};

/// With equal probability, a period's pings go to random members of the own region or to random members of all regions.
#[derive(Clone, Copy)]
pub struct HalfLocal;

impl Selector for HalfLocal {
    /// No index over the roster is needed.
    type RosterIndex = ();
    /// Nothing is remembered between periods.
    type State = ();

    fn build_index(&self, _: &[Peer]) {}

    fn new_state(&self, (): &(), _: &mut Context<'_>) {}

    fn targets(&self, (): &(), (): &mut (), ctx: &mut Context<'_>, want: usize, picks: &mut Vec<Slot>) {
        let (view, enough) = (ctx.view, picks.len() + want);
        let region = view.peer(view.me()).zone.region();
        if bits(ctx.rng) & 1 == 0 {
            pick_uniform(ctx, want, picks, |slot| view.peer(slot).zone.region() == region);
        }
        // The other half of the periods, or too few members in the region.
        let chosen = picks.clone();
        pick_uniform(ctx, enough - picks.len(), picks, |slot| !chosen.contains(&slot));
    }

    fn bound(&self, n: u32, direct: u32) -> Bound {
        let others = n.saturating_sub(1);
        Bound::PerPeriod(if direct >= others { 1.0 } else { 0.5 * f64::from(direct) / f64::from(others) })
    }
}

/// The built-in parts, and this selector.
fn lab() -> Lab {
    let mut lab = Lab::default();
    let about = "Half of the pings into the own region, half anywhere.";
    lab.selectors.register("half-local", about, vec![], |_, _| Ok(DynSelector::new("half-local", HalfLocal)));
    lab
}

/// Runs the command that the process's arguments name.
pub fn main() -> ExitCode {
    swimlab::cli::main(lab())
}
