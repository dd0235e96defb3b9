//! The interface through which a fault acts on a world.

use swimlab_selectors::rng::Rng;

use super::target::Target;
use crate::protocol::{Span, Time};
use crate::sim::app_request::AppRequest;
use crate::sim::environment::{FaultEnvironment, Impairment, QueuePolicy};
use crate::sim::link::{LinkRule, RuleId};
use crate::sim::observer::{Effect, MemberIndex};

/// One activation of a fault, or a later step of it.
///
/// Every effect on a member is reported to observers and checkers under the fault's number.
pub struct Activation<'a> {
    pub(in crate::sim) world: &'a mut dyn FaultEnvironment,
    /// The fault's number in the trial, from 0.
    pub(in crate::sim) fault: u32,
    pub(in crate::sim) target: &'a Target,
    /// Number of members at the start.
    pub(in crate::sim) members: u32,
    pub(in crate::sim) rng: &'a mut Rng,
    pub(in crate::sim) next_joiner: &'a mut MemberIndex,
    /// The steps scheduled so far, in order.
    pub(in crate::sim) follow_ups: Vec<(Time, FollowUp)>,
}

/// A step that a fault has scheduled for later.
pub type FollowUp = Box<dyn FnOnce(&mut Activation<'_>) + Send>;

impl Activation<'_> {
    /// The current time.
    pub fn now(&self) -> Time {
        self.world.now()
    }

    /// Number of members that the world can hold, joiners included.
    pub fn hosts(&self) -> u32 {
        self.world.placement().members()
    }

    /// Chooses the fault's targets among the members that are up.
    pub fn choose_targets(&mut self) -> Vec<MemberIndex> {
        let up = self.world.up();
        self.target.choose(&up, self.world.placement(), self.rng)
    }

    /// Chooses a further group among the members that are up and not in `except`.
    pub fn choose_others(&mut self, target: &Target, except: &[MemberIndex]) -> Vec<MemberIndex> {
        let mut candidates = self.world.up();
        candidates.retain(|member| !except.contains(member));
        target.choose(&candidates, self.world.placement(), self.rng)
    }

    /// The most members that the fault's target can mean.
    pub fn most_targets(&self) -> u32 {
        self.target.most(self.members)
    }

    /// Whether a member runs.
    pub fn is_up(&self, member: MemberIndex) -> bool {
        self.world.is_up(member)
    }

    /// Stops members at once.
    pub fn crash(&mut self, members: &[MemberIndex]) {
        for &member in members {
            self.world.report(self.fault, member, Effect::Crashed);
            self.world.crash(member);
        }
    }

    /// Lets a member announce its departure, and stops it.
    pub fn leave(&mut self, member: MemberIndex) {
        self.world.report(self.fault, member, Effect::Left);
        self.world.leave(member);
    }

    /// Starts a stopped member in its next generation.
    pub fn restart(&mut self, member: MemberIndex) {
        self.world.report(self.fault, member, Effect::Restarted);
        let generation = self.world.generation(member) + 1;
        self.world.start(member, generation);
    }

    /// Starts `count` new members, as far as the world has room for them.
    pub fn join(&mut self, count: u32) {
        for _ in 0..count {
            let member = *self.next_joiner;
            if member >= self.hosts() {
                return;
            }
            *self.next_joiner += 1;
            self.world.report(self.fault, member, Effect::Joined);
            self.world.start(member, 0);
        }
    }

    /// Lets a member send application events, as far as it accepts them.
    pub fn broadcast(&mut self, member: MemberIndex, events: u32, bytes: u32) {
        self.world.report(self.fault, member, Effect::Broadcast);
        self.world.serve(member, events, AppRequest::Broadcast { bytes });
    }

    /// Replaces a member's metadata by others of this length.
    pub fn set_meta(&mut self, member: MemberIndex, bytes: u32) {
        self.world.report(self.fault, member, Effect::MetaChanged);
        self.world.serve(member, 1, AppRequest::SetMeta { bytes });
    }

    /// Impairs members' hosts for a time, or until they crash: a restarted member begins without.
    pub fn impair(&mut self, members: &[MemberIndex], impairment: Impairment, policy: QueuePolicy, lasts: Span) {
        for &member in members {
            self.world.report(self.fault, member, Effect::Disturbed);
            self.world.impair(member, impairment, policy);
            let life = self.world.generation(member);
            self.after(lasts, move |later| {
                later.world.report(later.fault, member, Effect::Released);
                // A later life may have the same impairment, by another fault.
                if later.world.generation(member) == life {
                    later.world.restore(member, impairment);
                }
            });
        }
    }

    /// Puts a link rule into force that disturbs these members.
    pub fn add_rule(&mut self, rule: impl LinkRule + 'static, disturbed: &[MemberIndex]) -> RuleId {
        let id = self.world.network().add_rule(rule);
        for &member in disturbed {
            self.world.report(self.fault, member, Effect::Disturbed);
        }
        id
    }

    /// Ends a link rule that has disturbed these members.
    pub fn remove_rule(&mut self, rule: RuleId, disturbed: &[MemberIndex]) {
        self.world.network().remove_rule(rule);
        for &member in disturbed {
            self.world.report(self.fault, member, Effect::Released);
        }
    }

    /// Puts a link rule into force for a time.
    pub fn add_rule_for(&mut self, lasts: Span, rule: impl LinkRule + 'static, disturbed: Vec<MemberIndex>) {
        let id = self.add_rule(rule, &disturbed);
        self.after(lasts, move |later| later.remove_rule(id, &disturbed));
    }

    /// Schedules a later step of this fault.
    pub fn after(&mut self, span: Span, step: impl FnOnce(&mut Activation<'_>) + Send + 'static) {
        self.follow_ups.push((self.now() + span, Box::new(step)));
    }
}
