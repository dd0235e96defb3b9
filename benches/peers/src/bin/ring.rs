//! The work by hand, with a ring of buckets.

use std::process::ExitCode;

use swimlab_peers::by_hand::{Ring, World};

fn main() -> ExitCode {
    swimlab_peers::measure(|work| {
        let world = World::new(work, Ring::default());
        move || world.run()
    })
}
