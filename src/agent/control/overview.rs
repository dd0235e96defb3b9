//! Makes the answer to [`Request::Overview`](super::Request::Overview).

use tokio::sync::OnceCell;

use super::agent_messages::AgentSummary;
use super::history::History;
use super::member_messages::{MemberSummary, millis};
use super::overview_messages::{MemberOverview, OverviewSummary, TrafficSummary};
use crate::agent::command::Command;
use crate::agent::discovery::Discovery;
use crate::agent::exit::Closed;
use crate::agent::handle::Agent;
use crate::agent::metrics::Metrics;
use crate::agent::overview::Overview;
use crate::agent::round_trip::RoundTripSource;
use crate::agent::traffic::Traffic;

/// Makes the answer. Its agent is asked once, and once more for its catalog, the first time.
///
/// # Errors
/// If the agent has ended.
pub(super) async fn overview(
    agent: &Agent,
    history: &History,
    discovery: &OnceCell<Discovery>,
) -> Result<OverviewSummary, Closed> {
    let catalog = discovery.get_or_try_init(|| agent.discovery()).await?.snapshot();
    let Overview { info, members } = *agent.ask(Command::Overview).await?;
    let (pasts, events) = history.read(agent.id(), members.iter().map(|member| &member.info));
    let members = members.iter().zip(pasts).map(|(observed, past)| {
        let offered = catalog.member(observed.info.id()).map(|member| &member.description.services);
        let services = offered.into_iter().flat_map(|services| services.values());
        let source = observed.round_trip.map(|found| found.source);
        MemberOverview {
            member: MemberSummary::from(&observed.info),
            since_s: past.map(|past| past.since.elapsed().as_secs_f64()),
            suspicions: past.map_or(0, |past| past.suspicions),
            rtt_ms: observed.round_trip.map(|found| millis(found.rtt)),
            is_estimate: matches!(source, Some(RoundTripSource::Coordinates { .. })),
            services: services.map(|service| format!("{}:{}", service.name, service.port)).collect(),
        }
    });
    let Metrics { sent, received, counters, .. } = &info.metrics;
    Ok(OverviewSummary {
        health_score: info.health_score,
        sent: sum(sent),
        received: sum(received),
        own_suspicions: counters.own_suspicions,
        members: members.collect(),
        events,
        agent: AgentSummary::new(agent, &info),
    })
}

/// The sum of packets of all kinds.
fn sum(all: &[Traffic]) -> TrafficSummary {
    let add = |sum: TrafficSummary, one: &Traffic| TrafficSummary {
        packets: sum.packets + one.messages,
        bytes: sum.bytes + one.bytes,
    };
    all.iter().fold(TrafficSummary::default(), add)
}
