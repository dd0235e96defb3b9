//! One trial on real sockets: the simulator's members, driven by agents against the system's clock.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio::time::sleep_until;

use super::lateness::Lateness;
use super::network::{Life, Order, RealNetwork, Shared};
use super::sockets::Port;
use crate::agent::Agent;
use crate::agent::testing::{Clock, ExperimentAgent, Paused};
use crate::experiment::cells::{Cell, CellDetector};
use crate::experiment::measures::Recorder;
use crate::experiment::results::TrialResult;
use crate::experiment::trial_seed;
use crate::protocol::{Address, MemberConfig, Time};
use crate::sim::{DetectorFactory, FaultInjector, MemberIndex, Outcome, SEEDS, Setup, Start, SwimFactory};
use crate::wire::PlainSizer;

/// How long the clock waits for a member to begin.
const LEAD_PER_MEMBER: Duration = Duration::from_micros(500);

/// A world of agents.
struct World {
    setup: Arc<Setup>,
    clock: Clock,
    factory: SwimFactory,
    ports: Vec<Port>,
    scene: Shared,
    agents: Vec<Option<Agent>>,
    /// Paused agents: each runs on when its sender is dropped.
    frozen: HashMap<MemberIndex, Paused>,
    /// Those that stop; the packets they have sent are still on their way.
    ending: JoinSet<()>,
}

/// Runs a trial, and tells how late its timers were.
///
/// # Errors
/// Why it came to nothing: no sockets, or a member's task that died.
pub(super) async fn run(cell: &Cell, seed: u64, trial: u32) -> Result<(TrialResult, Lateness), String> {
    let seed = trial_seed(seed, trial);
    let mut world = World::open(cell, Arc::new(cell.setup(seed)))?;
    world.populate()?;
    let end = Time::ZERO + world.setup.warmup + world.setup.duration;
    let mut faults = FaultInjector::new(&world.setup);
    while let Some(at) = faults.next().filter(|&at| at < end) {
        sleep_until(world.clock.instant(at)).await;
        let orders = {
            let mut scene = world.scene.lock();
            scene.due = at;
            faults.act(&mut *scene);
            std::mem::take(&mut scene.orders)
        };
        for order in orders {
            world.obey(order).await?;
        }
    }
    sleep_until(world.clock.instant(end)).await;
    let (outcome, recorder, lateness) = world.close(end).await?;
    let measured = recorder.finish(&outcome);
    let Outcome { trace_hash, events, violations, .. } = outcome;
    Ok((TrialResult { trial, seed, measured, trace_hash, events, violations }, lateness))
}

impl World {
    fn open(cell: &Cell, setup: Arc<Setup>) -> Result<Self, String> {
        let hosts = setup.placement.members();
        let ports = Port::open(hosts).map_err(|error| format!("cannot open sockets for {hosts} members: {error}"))?;
        let addresses: Vec<Address> = ports.iter().map(|port| port.address).collect();
        let CellDetector::Swim { strategy, helpers, config } = &cell.detector else {
            return Err("only SWIM's variants run on real sockets".to_owned());
        };
        let config = MemberConfig::new(config.clone(), Arc::new(PlainSizer)).map_err(|error| error.to_string())?;
        let config = config.with_helpers(Arc::clone(helpers));
        let factory = SwimFactory::at(&setup, &Arc::new(config), strategy, |member| addresses[member as usize]);
        let clock = Clock::start_in(LEAD_PER_MEMBER * setup.members);
        let scene = Shared::new(RealNetwork::new(&setup, clock, addresses, factory.guarantees()));
        let agents = (0..hosts).map(|_| None).collect();
        let (frozen, ending) = (HashMap::new(), JoinSet::new());
        Ok(Self { setup, clock, factory, ports, scene, agents, frozen, ending })
    }

    /// Starts all initial members, while the clock still waits.
    fn populate(&mut self) -> Result<(), String> {
        for member in 0..self.setup.members {
            let seeds: Vec<Address> = match self.setup.start {
                Start::Joined => Vec::new(),
                Start::Joining => {
                    let seeds = (0..SEEDS.min(self.setup.members)).filter(|&seed| seed != member);
                    seeds.map(|seed| self.ports[seed as usize].address).collect()
                }
            };
            self.begin(member, 0, seeds, self.setup.start == Start::Joined)?;
        }
        Ok(())
    }

    fn begin(&mut self, index: MemberIndex, generation: u32, seeds: Vec<Address>, founds: bool) -> Result<(), String> {
        let member = if founds { self.factory.initial(index) } else { self.factory.joiner(index, generation) };
        // At zero the clock may not run yet; the first microsecond is when it does.
        let first_period = (self.clock.now() + self.setup.phase(index)).max(Time::from_micros(1));
        let hook = Arc::new(Life { scene: self.scene.clone(), member: index, generation });
        let failed = |error| format!("member {index} does not begin: {error}");
        let (udp, tcp) = self.ports[index as usize].sockets().map_err(failed)?;
        let agent = ExperimentAgent { member, clock: self.clock, first_period, seeds, hook, udp, tcp };
        self.agents[index as usize] = Some(agent.spawn().map_err(failed)?);
        Ok(())
    }

    async fn obey(&mut self, order: Order) -> Result<(), String> {
        match order {
            Order::Begin { member, generation, seeds } => self.begin(member, generation, seeds, false)?,
            Order::Stop(member) => {
                self.frozen.remove(&member);
                if let Some(agent) = self.agents[member as usize].take() {
                    self.ending.spawn(async move { agent.stop().await });
                }
            }
            Order::Leave(member) => {
                self.frozen.remove(&member);
                if let Some(agent) = self.agents[member as usize].take() {
                    self.ending.spawn(async move { agent.leave().await });
                }
            }
            Order::Freeze(member) => {
                if let Some(agent) = &self.agents[member as usize] {
                    self.frozen.insert(member, Paused::new(agent).await);
                }
            }
            Order::Thaw(member) => drop(self.frozen.remove(&member)),
        }
        Ok(())
    }

    /// Ends the world: asks the members how they are, lets the checker look, and stops them.
    async fn close(mut self, end: Time) -> Result<(Outcome, Recorder, Lateness), String> {
        self.scene.lock().end();
        self.frozen.clear();
        let mut infos = Vec::new();
        for (member, agent) in (0..).zip(&self.agents) {
            if let Some(agent) = agent {
                let info = agent.info().await.map_err(|_| format!("member {member} has died by itself"))?;
                infos.push((member, info));
            }
        }
        for agent in self.agents.drain(..).flatten() {
            self.ending.spawn(async move { agent.stop().await });
        }
        // Ports are given back when no packet is on its way any more.
        while self.ending.join_next().await.is_some() {}
        let scene = self.scene.take();
        let mut checker = scene.checker;
        let up = infos.len() as u32;
        for (member, info) in infos {
            checker.inspect(end, member, info.gauge);
            let [alive, suspect, ..] = info.states;
            checker.inspect_agreement(end, member, (alive + suspect) as u32, up);
        }
        let outcome = Outcome { events: scene.events, trace_hash: 0, violations: checker.into_violations(), end };
        Ok((outcome, scene.recorder, scene.lateness))
    }
}
