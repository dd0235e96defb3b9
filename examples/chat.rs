//! A chat without a server: who is there is who is a member, and what is said is an event that reaches everybody.
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
        return Err("usage: chat NAME ADDR:PORT [ADDR:PORT of somebody in the chat]...".into());
    };
    let (agent, mut news) = enter(&name, addr.parse()?, arguments.collect()).await?;

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
            notice = news.next() => match notice {
                Some(notice) => show(&notice).into_iter().for_each(|line| println!("{line}")),
                None => return Err("somebody else came in by your name".into()),
            },
        }
    }
    agent.leave().await;
    Ok(())
}

/// Joins a chat, or opens one if nobody is named.
pub async fn enter(name: &str, addr: SocketAddr, others: Vec<String>) -> Result<(Agent, Events), Box<dyn Error>> {
    Ok(Agent::builder().name(name).bind(addr).join(others).spawn_watched().await?)
}

/// The line printed for an event, if any.
pub fn show(notice: &AgentEvent) -> Option<String> {
    match notice {
        AgentEvent::User { from_name, event, .. } => {
            Some(format!("{from_name}: {}", String::from_utf8_lossy(&event.payload)))
        }
        AgentEvent::Member(change, member) => match change {
            MemberChange::Joined => Some(format!("* {} is here", member.name())),
            MemberChange::Left => Some(format!("* {} leaves", member.name())),
            MemberChange::Died => Some(format!("* {} is gone", member.name())),
            // Doubts are for operators.
            MemberChange::Suspected | MemberChange::Refuted | MemberChange::Updated => None,
        },
        AgentEvent::Missed(count) => Some(format!("* {count} lines went by too fast")),
        AgentEvent::Displaced => None,
    }
}
