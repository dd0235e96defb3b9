//! A chat without a server: participants are members, and each line is an application event that reaches all of them.
//!
//! ```sh
//! cargo run --example chat -- ann 127.0.0.1:7001
//! cargo run --example chat -- bob 127.0.0.1:7002 127.0.0.1:7001    # in another terminal
//! ```

use std::error::Error;
use std::io::BufRead;
use std::net::SocketAddr;

use swimlab::agent::{Agent, AgentEvent, Events, MemberChange};
use tokio::sync::mpsc;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let (Some(name), Some(addr)) = (arguments.next(), arguments.next()) else {
        return Err("usage: chat NAME ADDR:PORT [ADDR:PORT of a participant]...".into());
    };
    let (agent, mut events) = enter(&name, addr.parse()?, arguments.collect()).await?;

    // Terminals are read in a thread of their own: a runtime cannot wait for them.
    let (say, mut said) = mpsc::channel(16);
    std::thread::spawn(move || {
        std::io::stdin().lock().lines().map_while(Result::ok).all(|line| say.blocking_send(line).is_ok())
    });
    println!("You are {name} at {}. What you write, all read; Ctrl-D leaves.", agent.addr());
    loop {
        tokio::select! {
            line = said.recv() => match line {
                Some(line) => agent.broadcast("said", line).await?,
                None => break,
            },
            event = events.next() => match event {
                // The terminal shows what was typed already.
                Some(AgentEvent::User { from, .. }) if from == agent.id() => {}
                Some(event) => show(&event).into_iter().for_each(|line| println!("{line}")),
                None => return Err("another process joined under your name".into()),
            },
        }
    }
    agent.leave().await;
    Ok(())
}

/// Joins a chat through some of its participants, or opens one if there are none.
pub async fn enter(name: &str, addr: SocketAddr, others: Vec<String>) -> Result<(Agent, Events), Box<dyn Error>> {
    Ok(Agent::builder().name(name).bind(addr).join(others).spawn_watched().await?)
}

/// The line printed for an event, if any.
pub fn show(event: &AgentEvent) -> Option<String> {
    match event {
        AgentEvent::User { from_name, event, .. } => {
            Some(format!("{from_name}: {}", String::from_utf8_lossy(&event.payload)))
        }
        AgentEvent::Member(change, member) => match change {
            MemberChange::Joined => Some(format!("* {} is here", member.name())),
            MemberChange::Left => Some(format!("* {} leaves", member.name())),
            MemberChange::Died => Some(format!("* {} is gone", member.name())),
            // Suspicions and refutations are for operators.
            _ => None,
        },
        AgentEvent::Missed(count) => Some(format!("* {count} lines went by too fast")),
        _ => None,
    }
}
