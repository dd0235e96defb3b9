//! A simulated world as the environment of its faults.

use super::{DetectorFactory, World};
use crate::protocol::Time;
use crate::sim::app_request::AppRequest;
use crate::sim::detector::FailureDetector;
use crate::sim::environment::{FaultEnvironment, Impairment, QueuePolicy};
use crate::sim::host::Host;
use crate::sim::network::Network;
use crate::sim::observer::{Effect, FaultEvent, MemberIndex, Observer};
use crate::topology::Placement;

/// The host of a member of `B`'s.
type HostOf<B> = Host<<B as DetectorFactory>::Detector, MessageOf<B>>;
type MessageOf<B> = <<B as DetectorFactory>::Detector as FailureDetector>::Message;

impl<B: DetectorFactory, O: Observer> World<B, O> {
    pub(super) fn host(&self, member: MemberIndex) -> &HostOf<B> {
        let (shard, place) = self.fabric.directory.locate(member);
        &self.shards[shard].hosts[place]
    }

    fn host_mut(&mut self, member: MemberIndex) -> &mut HostOf<B> {
        let (shard, place) = self.fabric.directory.locate(member);
        &mut self.shards[shard].hosts[place]
    }
}

impl<B: DetectorFactory, O: Observer> FaultEnvironment for World<B, O> {
    fn placement(&self) -> &Placement {
        &self.fabric.setup.placement
    }

    fn now(&self) -> Time {
        self.now
    }

    fn is_up(&self, member: MemberIndex) -> bool {
        self.host(member).detector.is_some()
    }

    fn generation(&self, member: MemberIndex) -> u32 {
        self.host(member).generation
    }

    fn network(&mut self) -> &mut Network {
        &mut self.fabric.network
    }

    fn report(&mut self, fault: u32, member: MemberIndex, effect: Effect) {
        self.observation.fault(&FaultEvent { at: self.now, fault, member, effect });
    }

    fn crash(&mut self, member: MemberIndex) {
        let host = self.host_mut(member);
        host.detector = None;
        host.stalled = None;
        host.deadline = Time::NEVER;
    }

    fn leave(&mut self, member: MemberIndex) {
        let (shard, place) = self.fabric.directory.locate(member);
        let shard = &mut self.shards[shard];
        if let Some(detector) = &mut shard.hosts[place].detector {
            detector.leave(self.now, &mut shard.outbox);
            shard.flush(place, &self.fabric, &mut self.observation);
        }
        self.crash(member);
    }

    fn start(&mut self, member: MemberIndex, generation: u32) {
        let seeds = self.seeds(member);
        let mut detector = self.factory.joiner(member, generation);
        let first_period = self.now + self.fabric.setup.phase(member);
        let (shard, place) = self.fabric.directory.locate(member);
        let shard = &mut self.shards[shard];
        detector.start(self.now, first_period, &mut shard.outbox);
        detector.join(self.now, seeds, &mut shard.outbox);
        shard.hosts[place].detector = Some(detector);
        shard.hosts[place].generation = generation;
        shard.flush(place, &self.fabric, &mut self.observation);
    }

    fn serve(&mut self, member: MemberIndex, times: u32, request: AppRequest) {
        let (shard, place) = self.fabric.directory.locate(member);
        let shard = &mut self.shards[shard];
        let Some(detector) = &mut shard.hosts[place].detector else { return };
        for _ in 0..times {
            if !detector.serve(self.now, request, &mut shard.outbox) {
                break;
            }
        }
        shard.flush(place, &self.fabric, &mut self.observation);
    }

    fn impair(&mut self, member: MemberIndex, impairment: Impairment, queue_policy: QueuePolicy) {
        let host = self.host_mut(member);
        host.impair(impairment, queue_policy);
        if impairment == Impairment::Blocked
            && let Some(detector) = &mut host.detector
        {
            detector.stall();
        }
    }

    /// Ends an impairment. With the last one, all queued packets go through in order: sends first, then received ones,
    /// and only then overdue timers.
    fn restore(&mut self, member: MemberIndex, impairment: Impairment) {
        let (shard, place) = self.fabric.directory.locate(member);
        let shard = &mut self.shards[shard];
        let host = &mut shard.hosts[place];
        // A crash in between has ended the impairment already.
        let Some(stalled) = &mut host.stalled else { return };
        *stalled.count(impairment) -= 1;
        let (is_blocked, is_impaired) = (stalled.blocked > 0, stalled.is_impaired());
        let sends = if is_impaired { Vec::new() } else { std::mem::take(&mut stalled.sends) };
        if impairment == Impairment::Blocked
            && !is_blocked
            && let Some(detector) = &mut host.detector
        {
            detector.end_stall(self.now);
        }
        if is_impaired {
            return;
        }
        shard.outbox.transmits.extend(sends);
        shard.send_all(place, &self.fabric, &mut self.observation);
        shard.catch_up(place, &self.fabric, &mut self.observation);
        shard.flush(place, &self.fabric, &mut self.observation);
    }
}
