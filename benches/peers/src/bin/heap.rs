//! The work by hand, with a binary heap.

use std::collections::BinaryHeap;
use std::process::ExitCode;

use swimlab_peers::by_hand::World;

fn main() -> ExitCode {
    swimlab_peers::measure(|work| {
        let world = World::new(work, BinaryHeap::new());
        move || world.run()
    })
}
