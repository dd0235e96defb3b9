//! A cluster in one process: all members join at once, one crashes, and all others learn of it.
//!
//! ```sh
//! cargo run --release --example cluster -- 200
//! ```

use std::error::Error;
use std::time::{Duration, Instant};

use swimlab::agent::Agent;
use swimlab::protocol::Status;

fn main() -> Result<(), Box<dyn Error>> {
    let members = std::env::args().nth(1).map_or(Ok(50), |number| number.parse())?;
    let [join, detection] = run(members)?;
    println!("{members} members knew each other after {join:.1?}, and all of them of a crash {detection:.1?} after it");
    Ok(())
}

/// Times until all members knew all others, and until all survivors knew of a crash.
pub fn run(members: usize) -> Result<[Duration; 2], Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let begun = Instant::now();
        let mut agents = vec![Agent::builder().name("m0").spawn().await?];
        let seed = agents[0].addr().to_string();
        for n in 1..members {
            agents.push(Agent::builder().name(format!("m{n}")).join([seed.clone()]).spawn().await?);
        }
        all_see(&agents, members).await?;
        let join = begun.elapsed();

        let crashed = Instant::now();
        if let Some(victim) = agents.pop() {
            victim.stop().await;
        }
        all_see(&agents, members - 1).await?;
        Ok([join, crashed.elapsed()])
    })
}

/// Waits until each agent sees exactly `members` members alive.
async fn all_see(agents: &[Agent], members: usize) -> Result<(), Box<dyn Error>> {
    for agent in agents {
        while agent.info().await?.states[Status::Alive as usize] != members {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
    Ok(())
}
