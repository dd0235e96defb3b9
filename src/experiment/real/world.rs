//! One trial on real sockets: the simulator's members, driven by agents with the system's clock.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep_until;

use super::lateness::Lateness;
use super::network::{AgentCommand, CpuMeter, MemberHook, RealNetwork, SharedNetwork};
use super::sockets::MemberSockets;
use crate::agent::testing::{Clock, ExperimentAgent, Paused};
use crate::agent::{Agent, CommandError};
use crate::experiment::cell::{Cell, CellDetector};
use crate::experiment::recorder::Recorder;
use crate::experiment::results::TrialResult;
use crate::experiment::seed::trial_seed;
use crate::protocol::{Address, MemberConfig, Time};
use crate::sim::{AppRequest, DetectorFactory, FaultInjector, MemberIndex, Outcome, SEEDS, Setup, Start, SwimFactory};
use crate::wire::PlainSizer;

/// Time before the start of the clock in which members are created, per member.
const LEAD_PER_MEMBER: Duration = Duration::from_micros(500);

/// A world of agents.
struct World {
    setup: Arc<Setup>,
    clock: Clock,
    factory: SwimFactory,
    sockets: Vec<MemberSockets>,
    network: SharedNetwork,
    cpu: CpuMeter,
    agents: Vec<Option<Agent>>,
    /// Paused agents; each resumes when its handle is dropped.
    paused: HashMap<MemberIndex, Paused>,
    /// Agents that stop, whose sent packets are still in flight.
    stopping: JoinSet<()>,
}

/// Runs a trial and measures the delays of its timers.
///
/// # Errors
/// If sockets cannot be opened or the task of a member died.
pub(super) async fn run(cell: &Cell, seed: u64, trial: u32) -> Result<(TrialResult, Lateness), String> {
    let seed = trial_seed(seed, trial);
    let mut world = World::open(cell, Arc::new(cell.setup(seed)))?;
    world.populate()?;
    let end = Time::ZERO + world.setup.warmup + world.setup.duration;
    let mut faults = FaultInjector::new(&world.setup);
    sleep_until(world.clock.instant(Time::ZERO + world.setup.warmup)).await;
    let cpu_before = world.cpu.total();
    while let Some(at) = faults.next().filter(|&at| at < end) {
        sleep_until(world.clock.instant(at)).await;
        let commands = {
            let mut network = world.network.lock();
            network.due = at;
            faults.act(&mut *network);
            std::mem::take(&mut network.commands)
        };
        for command in commands {
            world.execute(command).await?;
        }
    }
    sleep_until(world.clock.instant(end)).await;
    let cpu = world.cpu.total().saturating_sub(cpu_before);
    let (outcome, recorder, lateness) = world.close(end).await?;
    // A system without a clock of threads has reported nothing.
    let recorder = if cpu.is_zero() { recorder } else { recorder.with_cpu(cpu) };
    let measured = recorder.finish(&outcome);
    let Outcome { trace_hash, events, violations, .. } = outcome;
    Ok((TrialResult { trial, seed, measured, trace_hash, events, violations }, lateness))
}

impl World {
    fn open(cell: &Cell, setup: Arc<Setup>) -> Result<Self, String> {
        let hosts = setup.placement.members();
        let sockets =
            MemberSockets::open(hosts).map_err(|error| format!("cannot open sockets for {hosts} members: {error}"))?;
        let addresses: Vec<Address> = sockets.iter().map(|member| member.address).collect();
        let CellDetector::Swim { strategy, helpers, config } = &cell.detector else {
            return Err("only SWIM's variants run on real sockets".to_owned());
        };
        let config = MemberConfig::new(config.clone(), Arc::new(PlainSizer)).map_err(|error| error.to_string())?;
        let config = config.with_helpers(Arc::clone(helpers));
        let of_members = addresses.clone();
        let factory = SwimFactory::at(&setup, &Arc::new(config), strategy, move |member| of_members[member as usize]);
        let clock = Clock::start_in(LEAD_PER_MEMBER * setup.members);
        let network = SharedNetwork::new(RealNetwork::new(&setup, clock, addresses, factory.guarantees()));
        let agents = (0..hosts).map(|_| None).collect();
        let (paused, stopping) = (HashMap::new(), JoinSet::new());
        let cpu = CpuMeter::default();
        Ok(Self { setup, clock, factory, sockets, network, cpu, agents, paused, stopping })
    }

    /// Starts all initial members before the clock starts.
    fn populate(&mut self) -> Result<(), String> {
        for member in 0..self.setup.members {
            let seeds: Vec<Address> = match self.setup.start {
                Start::Joined => Vec::new(),
                Start::Joining => {
                    let seeds = (0..SEEDS.min(self.setup.members)).filter(|&seed| seed != member);
                    seeds.map(|seed| self.sockets[seed as usize].address).collect()
                }
            };
            self.begin(member, 0, seeds, self.setup.start == Start::Joined)?;
        }
        Ok(())
    }

    fn begin(
        &mut self,
        index: MemberIndex,
        generation: u32,
        seeds: Vec<Address>,
        is_initial: bool,
    ) -> Result<(), String> {
        let member = if is_initial { self.factory.initial(index) } else { self.factory.joiner(index, generation) };
        // At time zero the clock may not run yet.
        let first_period = (self.clock.now() + self.setup.phase(index)).max(Time::from_micros(1));
        let hook =
            Arc::new(MemberHook { cpu: self.cpu.clone(), network: self.network.clone(), member: index, generation });
        let failed = |error| format!("member {index} does not begin: {error}");
        let (udp, tcp) = self.sockets[index as usize].handles().map_err(failed)?;
        let agent = ExperimentAgent { member, clock: self.clock, first_period, seeds, hook, udp, tcp };
        self.agents[index as usize] = Some(agent.spawn().map_err(failed)?);
        Ok(())
    }

    async fn execute(&mut self, command: AgentCommand) -> Result<(), String> {
        match command {
            AgentCommand::Begin { member, generation, seeds } => self.begin(member, generation, seeds, false)?,
            AgentCommand::Stop(member) => {
                self.paused.remove(&member);
                if let Some(agent) = self.agents[member as usize].take() {
                    self.stopping.spawn(async move { agent.stop().await });
                }
            }
            AgentCommand::Leave(member) => {
                self.paused.remove(&member);
                if let Some(agent) = self.agents[member as usize].take() {
                    self.stopping.spawn(async move { agent.leave().await });
                }
            }
            AgentCommand::Serve { member, times, request } => {
                if let Some(agent) = &self.agents[member as usize] {
                    for _ in 0..times {
                        if serve(agent, request).await.is_err() {
                            break;
                        }
                    }
                }
            }
            AgentCommand::Freeze(member) => {
                if let Some(agent) = &self.agents[member as usize] {
                    self.paused.insert(member, Paused::new(agent).await);
                }
            }
            AgentCommand::Thaw(member) => drop(self.paused.remove(&member)),
        }
        Ok(())
    }

    /// Ends the world: checks the state of all members and stops them.
    async fn close(mut self, end: Time) -> Result<(Outcome, Recorder, Lateness), String> {
        self.network.lock().end();
        self.paused.clear();
        let mut infos = Vec::new();
        for (member, agent) in (0..).zip(&self.agents) {
            if let Some(agent) = agent {
                let info = agent.info().await.map_err(|_| format!("member {member} has died by itself"))?;
                infos.push((member, info));
            }
        }
        for agent in self.agents.drain(..).flatten() {
            self.stopping.spawn(async move { agent.stop().await });
        }
        // Ports are released when no packet is in flight any more.
        while self.stopping.join_next().await.is_some() {}
        let network = self.network.take();
        let mut checker = network.checker;
        let up = infos.len() as u32;
        for (member, info) in infos {
            checker.inspect(end, member, info.gauge);
            let [alive, suspect, ..] = info.states;
            checker.inspect_agreement(end, member, (alive + suspect) as u32, up);
        }
        let outcome = Outcome { events: network.events, trace_hash: 0, violations: checker.into_violations(), end };
        Ok((outcome, network.recorder, network.lateness))
    }
}

/// Hands an agent a request of its application.
async fn serve(agent: &Agent, request: AppRequest) -> Result<(), CommandError> {
    let content = request.content(agent.info().await?.incarnation);
    match request {
        AppRequest::Broadcast { .. } => agent.broadcast(AppRequest::EVENT, content).await,
        AppRequest::SetMeta { .. } => agent.set_meta(content).await,
    }
}
