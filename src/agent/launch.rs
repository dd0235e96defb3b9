//! Starts the tasks of an agent.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::mpsc;

use super::address::Reach;
use super::clock::Clock;
use super::driver::{Driver, DriverParts};
use super::event_hub::{EventHub, ExitSender};
use super::exit::ExitReason;
use super::handle::{Agent, AgentIdentity};
use super::metrics::Names;
use super::packet_codec::{PacketCodec, SharedCodec};
use super::packet_hook::PacketHook;
use super::packet_io::PacketIo;
use super::rejoin::Rejoin;
use super::seed_filter::SeedFilter;
use super::snapshot_writer::SnapshotWriter;
use super::sockets::Sockets;
use super::streams::Streams;
use super::wall_clock::WallClock;
use crate::protocol::{Member, Outbox, Span};

/// The most commands that may wait for an agent's task.
pub(super) const COMMANDS: usize = 64;

/// Parts of an agent to be started.
pub(super) struct Launch {
    pub sockets: Sockets,
    /// The addresses that the sockets can send to.
    pub reach: Reach,
    /// The address that other members are told.
    pub addr: SocketAddr,
    /// A member that has been started.
    pub member: Member,
    /// Packets and events of the member's start.
    pub outbox: Outbox,
    /// Attempts to reach the members of an earlier life.
    pub rejoin: Rejoin,
    pub codec: PacketCodec,
    pub clock: Clock,
    /// The time of day; `None` for members of experiments, whose generations and epoch do not follow it.
    pub wall_clock: Option<WallClock>,
    /// Tolerated delay of timers, so that those of many agents fire together.
    pub timer_slack: Span,
    pub snapshots: Option<SnapshotWriter>,
    pub hook: Option<Arc<dyn PacketHook>>,
    pub names: Names,
    pub events: EventHub,
    pub exit: ExitSender,
}

impl Launch {
    /// Starts one task that drives the member and one that accepts streams.
    pub(super) fn start(self) -> Agent {
        let Self {
            sockets,
            reach,
            addr,
            member,
            outbox,
            rejoin,
            codec,
            clock,
            wall_clock,
            timer_slack,
            snapshots,
            hook,
            names,
            events,
            exit,
        } = self;
        let (commands, inbox) = mpsc::channel(COMMANDS);
        let codec = SharedCodec::new(codec);
        let bound = sockets.tcp.local_addr().unwrap_or(addr);
        let streams = Streams::new(codec.clone(), commands.downgrade(), bound);
        let mut listening = tokio::spawn(streams.clone().listen(sockets.tcp));
        let io = PacketIo::new(sockets.udp, reach, codec.clone(), streams, hook.clone());
        let seed_filter = SeedFilter::of_reach(bound, addr, reach);
        let identity = AgentIdentity { id: member.id(), name: member.node().name.clone(), addr, seed_filter };
        let agent = Agent::new(identity, commands, events.clone());
        let driver = Driver::new(DriverParts {
            clock,
            wall_clock,
            timer_slack,
            member,
            outbox,
            rejoin,
            io,
            codec,
            hook,
            names,
            events,
            snapshots,
        });
        tokio::spawn(async move {
            let reason = tokio::select! {
                biased;
                reason = driver.run(inbox) => {
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
