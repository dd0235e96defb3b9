//! Makes the faults of a setup happen: when, to whom, and until when.

use std::collections::BTreeMap;

use rand::seq::SliceRandom;
use swimlab_selectors::rng::{Purpose, Rng, below, stream};

use super::fault::{Direction, Fault, FaultKind, Target};
use super::network::{LinkEffect, LinkRule, Network};
use super::observer::{Effect, MemberIndex, Observer};
use super::setup::Setup;
use super::world::{DetectorFactory, World};
use crate::protocol::{Span, Time};
use crate::topology::Placement;

/// What faults strike: a world, whoever owns its clock.
pub trait FaultEnvironment {
    /// What it was made from.
    fn setup(&self) -> &Setup;
    /// What time it is.
    fn now(&self) -> Time;
    /// Whether a member runs.
    fn is_up(&self, member: MemberIndex) -> bool;
    /// Which life a member is in, or was in last.
    fn generation(&self, member: MemberIndex) -> u32;
    /// The network between the members.
    fn network(&mut self) -> &mut Network;
    /// Tells those who watch that a fault strikes a member, or lets go of it.
    fn report(&mut self, fault: u32, member: MemberIndex, effect: Effect);
    /// Stops a member at once.
    fn crash(&mut self, member: MemberIndex);
    /// Lets a member say goodbye, and stops it.
    fn leave(&mut self, member: MemberIndex);
    /// Starts a new member, or an old one again, which joins through seeds that are up.
    fn arrive(&mut self, member: MemberIndex, generation: u32);
    /// Holds a member back: packets queue up in each direction.
    fn hold(&mut self, member: MemberIndex, how: Impairment, queue_policy: QueuePolicy);
    /// Ends such a hold.
    fn release(&mut self, member: MemberIndex, how: Impairment);

    /// All members that are up.
    fn up(&self) -> Vec<MemberIndex> {
        (0..self.setup().placement.members()).filter(|&member| self.is_up(member)).collect()
    }
}

/// How a member is held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Impairment {
    /// Its packets wait.
    Slow,
    /// The same, and what calls a send stands still in it.
    Blocked,
    /// Its timers stop, too.
    Paused,
}

/// What waits while a member is held back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct QueuePolicy {
    /// The most packets in each direction; further ones are dropped.
    pub limit: u32,
    /// How long the member takes for each one that it received, once it is let go.
    pub per_packet: Span,
}

impl QueuePolicy {
    /// The larger of two, in both respects.
    pub fn max(self, other: Self) -> Self {
        Self { limit: self.limit.max(other.limit), per_packet: self.per_packet.max(other.per_packet) }
    }
}

/// What is still to happen.
#[derive(Default)]
pub struct FaultInjector {
    /// By time, then in the order of planning.
    schedule: BTreeMap<(Time, u64), FaultAction>,
    planned: u64,
    luck: Vec<Rng>,
    next_joiner: MemberIndex,
}

#[derive(Debug)]
enum FaultAction {
    /// A fault strikes, for the so-manieth time.
    Activate { fault: u32, round: u32 },
    /// A crashed member begins again.
    Return { fault: u32, member: MemberIndex },
    /// A slow or paused member is let go.
    Release { fault: u32, member: MemberIndex, how: Impairment },
    /// A barrier falls, to come again if it is part of a wave.
    Lower { fault: u32, inside: Vec<MemberIndex>, wave: Option<Wave> },
    /// The next barrier of a wave.
    Raise { fault: u32, inside: Vec<MemberIndex>, wave: Wave },
}

/// A partition that comes and goes.
#[derive(Clone, Copy, Debug)]
struct Wave {
    direction: Direction,
    on: Span,
    off: Span,
    until: Time,
}

/// Checks that the faults' targets exist in this placement of so many members.
///
/// # Errors
/// A sentence that names the fault (counted from 1) and what it aims at.
pub fn check_targets(placement: &Placement, members: u32, faults: &[Fault]) -> Result<(), String> {
    for (n, fault) in faults.iter().enumerate() {
        let refuse = |why: String| Err(format!("fault {}: {why}", n + 1));
        let known = |what: &str, names: Option<&[String]>, name: &Option<String>| match (names, name) {
            (None, _) => Err(format!("the topology has no {what}s")),
            (Some(names), Some(name)) if !names.iter().any(|full| is_named(full, name)) => {
                let near = swimlab_selectors::nearest_names(name, names.iter().map(String::as_str));
                Err(format!("there is no {what} \"{name}\"{}", swimlab_selectors::did_you_mean(&near)))
            }
            _ => Ok(()),
        };
        match &fault.target {
            Target::Members(list) => {
                if let Some(beyond) = list.iter().find(|&&member| member >= members) {
                    return refuse(format!("there is no member {beyond} among {members} (they count from 0)"));
                }
            }
            Target::Zone(name) => known("zone", placement.zones(), name).or_else(refuse)?,
            Target::Region(name) => known("region", placement.regions(), name).or_else(refuse)?,
            Target::Random(_) | Target::Share(_) => {}
        }
    }
    Ok(())
}

impl FaultInjector {
    /// The agenda of a setup.
    pub fn new(setup: &Setup) -> Self {
        let luck = (0..setup.faults.len() as u64).map(|fault| stream(setup.seed, Purpose::Faults, fault)).collect();
        let mut faults = Self { schedule: BTreeMap::new(), planned: 0, luck, next_joiner: setup.members };
        for (fault, plan) in setup.faults.iter().enumerate() {
            faults.plan(Time::ZERO + setup.warmup + plan.at, FaultAction::Activate { fault: fault as u32, round: 0 });
        }
        faults
    }

    /// When the next thing happens.
    pub fn next(&self) -> Option<Time> {
        self.schedule.first_key_value().map(|(&(at, _), _)| at)
    }

    /// Does the next thing.
    pub fn act(&mut self, world: &mut impl FaultEnvironment) {
        let Some((_, act)) = self.schedule.pop_first() else { return };
        match act {
            FaultAction::Activate { fault, round } => self.activate(fault, round, world),
            FaultAction::Return { fault, member } => {
                if !world.is_up(member) {
                    world.report(fault, member, Effect::Restarted);
                    let generation = world.generation(member) + 1;
                    world.arrive(member, generation);
                }
            }
            FaultAction::Release { fault, member, how } => {
                world.report(fault, member, Effect::Released);
                world.release(member, how);
            }
            FaultAction::Lower { fault, inside, wave } => {
                let inside_flags = flags(&inside, world);
                world.network().lower(fault, &inside_flags);
                for &member in &inside {
                    world.report(fault, member, Effect::Released);
                }
                if let Some(wave) = wave {
                    self.plan(world.now() + wave.off, FaultAction::Raise { fault, inside, wave });
                }
            }
            FaultAction::Raise { fault, inside, wave } => self.swell(fault, inside, wave, world),
        }
    }

    fn activate(&mut self, fault: u32, round: u32, world: &mut impl FaultEnvironment) {
        let plan = &world.setup().faults[fault as usize].clone();
        if round + 1 < plan.times {
            self.plan(world.now() + plan.every, FaultAction::Activate { fault, round: round + 1 });
        }
        let targets = match plan.kind {
            FaultKind::Join => Vec::new(),
            _ => self.choose(fault, &plan.target, world),
        };
        match &plan.kind {
            FaultKind::Crash => crash(fault, &targets, world),
            FaultKind::Restart { down } => {
                crash(fault, &targets, world);
                for member in targets {
                    self.plan(world.now() + *down, FaultAction::Return { fault, member });
                }
            }
            FaultKind::Leave => {
                for member in targets {
                    world.report(fault, member, Effect::Left);
                    world.leave(member);
                }
            }
            FaultKind::Join => {
                let most = plan.joiners(world.setup().members) / plan.times.max(1);
                self.join(fault, most, world);
            }
            FaultKind::Churn => {
                crash(fault, &targets, world);
                self.join(fault, targets.len() as u32, world);
            }
            FaultKind::Slow { blocking, lasts, queue, catch_up } => {
                let how = if *blocking { Impairment::Blocked } else { Impairment::Slow };
                let queue_policy = QueuePolicy { limit: *queue, per_packet: *catch_up };
                self.hold(fault, &targets, how, (*lasts, queue_policy), world);
            }
            FaultKind::Pause { lasts, queue } => {
                let queue_policy = QueuePolicy { limit: *queue, per_packet: Span::ZERO };
                self.hold(fault, &targets, Impairment::Paused, (*lasts, queue_policy), world);
            }
            FaultKind::Loss { rate, direction, lasts } => {
                self.raise(fault, (*direction, LinkEffect::Lose(*rate)), targets, *lasts, None, world);
            }
            FaultKind::Partition { direction, lasts } => {
                self.raise(fault, (*direction, LinkEffect::Cut), targets, *lasts, None, world);
            }
            FaultKind::FlipFlop { direction, on, off, lasts } => {
                let wave = Wave { direction: *direction, on: *on, off: *off, until: world.now() + *lasts };
                self.swell(fault, targets, wave, world);
            }
        }
    }

    fn swell(&mut self, fault: u32, inside: Vec<MemberIndex>, wave: Wave, world: &mut impl FaultEnvironment) {
        if world.now() < wave.until {
            let lasts = wave.on.min(wave.until.since(world.now()));
            self.raise(fault, (wave.direction, LinkEffect::Cut), inside, lasts, Some(wave), world);
        }
    }

    fn raise(
        &mut self,
        fault: u32,
        (direction, effect): (Direction, LinkEffect),
        inside: Vec<MemberIndex>,
        lasts: Span,
        wave: Option<Wave>,
        world: &mut impl FaultEnvironment,
    ) {
        let barrier = LinkRule { fault, inside: flags(&inside, world), direction, effect };
        world.network().raise(barrier);
        for &member in &inside {
            world.report(fault, member, Effect::Disturbed);
        }
        self.plan(world.now() + lasts, FaultAction::Lower { fault, inside, wave });
    }

    fn hold(
        &mut self,
        fault: u32,
        targets: &[MemberIndex],
        how: Impairment,
        (lasts, queue_policy): (Span, QueuePolicy),
        world: &mut impl FaultEnvironment,
    ) {
        for &member in targets {
            world.report(fault, member, Effect::Disturbed);
            world.hold(member, how, queue_policy);
            self.plan(world.now() + lasts, FaultAction::Release { fault, member, how });
        }
    }

    fn join(&mut self, fault: u32, count: u32, world: &mut impl FaultEnvironment) {
        for _ in 0..count {
            let member = self.next_joiner;
            if member >= world.setup().placement.members() {
                return;
            }
            self.next_joiner += 1;
            world.report(fault, member, Effect::Joined);
            world.arrive(member, 0);
        }
    }

    /// Whom a fault strikes this time: members that are up, in the order of their numbers.
    fn choose(&mut self, fault: u32, target: &Target, world: &impl FaultEnvironment) -> Vec<MemberIndex> {
        let rng = &mut self.luck[fault as usize];
        let placement = &*world.setup().placement;
        let up = world.up();
        let mut sample = |mut from: Vec<MemberIndex>, count: usize| {
            from.shuffle(rng);
            from.truncate(count);
            from.sort_unstable();
            from
        };
        match target {
            Target::Random(count) => sample(up, *count as usize),
            Target::Share(share) => {
                let count = libm::round(share * up.len() as f64).max(1.0) as usize;
                sample(up, count)
            }
            Target::Members(list) => list.iter().copied().filter(|&member| world.is_up(member)).collect(),
            Target::Zone(name) => {
                area(&up, placement.zones().unwrap_or(&[]), name.as_deref(), |member| placement.zone_of(member), rng)
            }
            Target::Region(name) => {
                let region = |member| placement.region_of(member);
                area(&up, placement.regions().unwrap_or(&[]), name.as_deref(), region, rng)
            }
        }
    }

    fn plan(&mut self, at: Time, act: FaultAction) {
        self.planned += 1;
        self.schedule.insert((at, self.planned), act);
    }
}

fn crash(fault: u32, targets: &[MemberIndex], world: &mut impl FaultEnvironment) {
    for &member in targets {
        world.report(fault, member, Effect::Crashed);
        world.crash(member);
    }
}

/// All that are up in the area of this name, or in a random one.
fn area(
    up: &[MemberIndex],
    names: &[String],
    name: Option<&str>,
    area_of: impl Fn(MemberIndex) -> u16,
    rng: &mut Rng,
) -> Vec<MemberIndex> {
    if up.is_empty() {
        return Vec::new();
    }
    let is_inside: Box<dyn Fn(MemberIndex) -> bool> = match name {
        Some(name) => Box::new(|member| names.get(area_of(member) as usize).is_some_and(|full| is_named(full, name))),
        None => {
            // Every area in which somebody is up is equally likely.
            let mut areas: Vec<u16> = up.iter().map(|&member| area_of(member)).collect();
            areas.sort_unstable();
            areas.dedup();
            let chosen = areas[below(rng, areas.len() as u32) as usize];
            Box::new(move |member| area_of(member) == chosen)
        }
    };
    up.iter().copied().filter(|&member| is_inside(member)).collect()
}

/// A zone is called by its full path or by its last part.
fn is_named(full: &str, name: &str) -> bool {
    full == name || full.rsplit('/').next() == Some(name)
}

fn flags(inside: &[MemberIndex], world: &impl FaultEnvironment) -> Vec<bool> {
    let mut flags = vec![false; world.setup().placement.members() as usize];
    for &member in inside {
        flags[member as usize] = true;
    }
    flags
}

impl<B: DetectorFactory, O: Observer> FaultEnvironment for World<'_, B, O> {
    fn setup(&self) -> &Setup {
        self.setup
    }

    fn now(&self) -> Time {
        self.now
    }

    fn is_up(&self, member: MemberIndex) -> bool {
        World::is_up(self, member)
    }

    fn generation(&self, member: MemberIndex) -> u32 {
        World::generation(self, member)
    }

    fn network(&mut self) -> &mut Network {
        &mut self.network
    }

    fn report(&mut self, fault: u32, member: MemberIndex, effect: Effect) {
        World::report(self, fault, member, effect);
    }

    fn crash(&mut self, member: MemberIndex) {
        World::crash(self, member);
    }

    fn leave(&mut self, member: MemberIndex) {
        World::leave(self, member);
    }

    fn arrive(&mut self, member: MemberIndex, generation: u32) {
        World::arrive(self, member, generation);
    }

    fn hold(&mut self, member: MemberIndex, how: Impairment, queue_policy: QueuePolicy) {
        World::hold(self, member, how, queue_policy);
    }

    fn release(&mut self, member: MemberIndex, how: Impairment) {
        World::release(self, member, how);
    }
}
