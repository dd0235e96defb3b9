//! A simulated world as the environment of its faults.

use super::{DetectorFactory, Message, World};
use crate::protocol::Time;
use crate::sim::app_request::AppRequest;
use crate::sim::detector::FailureDetector;
use crate::sim::environment::{FaultEnvironment, Impairment, QueuePolicy};
use crate::sim::host::Host;
use crate::sim::network::Network;
use crate::sim::observer::{Effect, FaultEvent, MemberIndex, Observer};
use crate::topology::Placement;

impl<B: DetectorFactory, O: Observer> World<B, O> {
    fn host(&self, member: MemberIndex) -> &Host<B::Detector, Message<B>> {
        &self.hosts[self.hosts.place(member)]
    }

    fn host_mut(&mut self, member: MemberIndex) -> &mut Host<B::Detector, Message<B>> {
        let place = self.hosts.place(member);
        &mut self.hosts[place]
    }
}

impl<B: DetectorFactory, O: Observer> FaultEnvironment for World<B, O> {
    fn placement(&self) -> &Placement {
        &self.setup.placement
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
        &mut self.network
    }

    fn report(&mut self, fault: u32, member: MemberIndex, effect: Effect) {
        let fault_event = FaultEvent { at: self.now, fault, member, effect };
        self.checker.fault(&fault_event);
        self.observer.fault(&fault_event);
    }

    fn crash(&mut self, member: MemberIndex) {
        let host = self.host_mut(member);
        host.detector = None;
        host.stalled = None;
        host.deadline = Time::NEVER;
    }

    fn leave(&mut self, member: MemberIndex) {
        let place = self.hosts.place(member);
        if let Some(detector) = &mut self.hosts[place].detector {
            detector.leave(self.now, &mut self.outbox);
            self.flush(place);
        }
        self.crash(member);
    }

    fn start(&mut self, member: MemberIndex, generation: u32) {
        let seeds = self.seeds(member);
        let mut detector = self.factory.joiner(member, generation);
        let first_period = self.now + self.setup.phase(member);
        detector.start(self.now, first_period, &mut self.outbox);
        detector.join(self.now, seeds, &mut self.outbox);
        let place = self.hosts.place(member);
        self.hosts[place].detector = Some(detector);
        self.hosts[place].generation = generation;
        self.flush(place);
    }

    fn serve(&mut self, member: MemberIndex, times: u32, request: AppRequest) {
        let place = self.hosts.place(member);
        let Some(detector) = &mut self.hosts[place].detector else { return };
        for _ in 0..times {
            if !detector.serve(self.now, request, &mut self.outbox) {
                break;
            }
        }
        self.flush(place);
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
        let place = self.hosts.place(member);
        let host = &mut self.hosts[place];
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
        self.outbox.transmits.extend(sends);
        self.send_all(place);
        self.catch_up(place);
        self.flush(place);
    }
}
