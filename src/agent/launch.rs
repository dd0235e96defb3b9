//! Starts the tasks of an agent.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;

use cpu_time::ThreadTime;
use tokio::sync::mpsc;

use super::address::Reach;
use super::driver::{Driver, DriverParts};
use super::event_hub::ExitSender;
use super::exit::ExitReason;
use super::handle::{Agent, AgentIdentity};
use super::packet_codec::{PacketCodec, SharedCodec};
use super::packet_hook::PacketHook;
use super::packet_io::PacketIo;
use super::seed_filter::SeedFilter;
use super::sockets::Sockets;
use super::streams::Streams;

/// The most commands that may wait for an agent's task.
pub(super) const COMMANDS: usize = 64;

/// Parts of an agent to be started.
pub(super) struct Launch {
    pub sockets: Sockets,
    /// The addresses that the sockets can send to.
    pub reach: Reach,
    /// The address that other members are told.
    pub addr: SocketAddr,
    pub codec: PacketCodec,
    pub driver: DriverParts,
    pub exit: ExitSender,
}

impl Launch {
    /// Starts one task that drives the member and one that accepts streams.
    pub(super) fn start(self) -> Agent {
        let Self { sockets, reach, addr, codec, driver, exit } = self;
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let codec = SharedCodec::new(codec);
        let bound = sockets.tcp.local_addr().unwrap_or(addr);
        let streams = Streams::new(codec.clone(), commands.downgrade(), bound);
        let mut listening = tokio::spawn(streams.clone().listen(sockets.tcp));
        let io = PacketIo::new(sockets.udp, reach, codec.clone(), streams, driver.hook.clone());
        let (id, name) = (driver.member.id(), driver.member.node().name.clone());
        let identity = AgentIdentity { id, name, addr, seed_filter: SeedFilter::of_reach(bound, addr, reach) };
        let agent = Agent::new(identity, commands, driver.events.clone());
        let hook = driver.hook.clone();
        let driver = Driver::new(driver, io, codec);
        tokio::spawn(async move {
            let reason = tokio::select! {
                biased;
                reason = metered(driver.run(inbox), hook) => {
                    // Whoever is told of the end finds the port free.
                    listening.abort();
                    let _ = (&mut listening).await;
                    reason
                }
                // Without an end of its own, it has panicked, or the runtime ends.
                ended = &mut listening => match ended {
                    Err(error) if error.is_panic() => ExitReason::Panicked,
                    _ => ExitReason::Stopped,
                },
            };
            tracing::info!(?reason, "the agent has ended");
            exit.send(reason);
        });
        agent
    }
}

/// Runs a task and reports its processor time to the hook, if there is one.
async fn metered<T>(task: impl Future<Output = T>, hook: Option<Arc<dyn PacketHook>>) -> T {
    let Some(hook) = hook else { return task.await };
    let mut task = pin!(task);
    poll_fn(|context| {
        let before = ThreadTime::try_now();
        let polled = task.as_mut().poll(context);
        // A poll stays on its thread. Systems without such a clock report nothing.
        if let Some(cpu) = before.ok().and_then(|before| before.try_elapsed().ok()) {
            hook.worked(cpu);
        }
        polled
    })
    .await
}
