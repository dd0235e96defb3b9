//! State of an agent and of all members at one moment, for views of both.

use std::sync::Arc;

use super::checks::Measurements;
use super::event::MemberInfo;
use super::metrics::Info;
use super::round_trip::{self, RoundTrip};
use crate::protocol::Member;

/// State of an agent and of all members at one moment.
#[derive(Debug)]
pub(super) struct Overview {
    pub info: Info,
    pub members: Vec<ObservedMember>,
}

/// A member, and the round-trip time to it, if that is known.
#[derive(Debug)]
pub(super) struct ObservedMember {
    pub info: MemberInfo,
    pub round_trip: Option<RoundTrip>,
}

impl Overview {
    /// The records of all members beside the agent's own state. Takes the agent's task a lookup for each member.
    pub(super) fn new(info: Info, member: &Member, measurements: &Measurements) -> Self {
        let observed = |(_, state, incarnation, node): (_, _, _, &Arc<_>)| {
            let info = MemberInfo { node: Arc::clone(node), state, incarnation };
            let round_trip = round_trip::to(member, measurements, info.id());
            ObservedMember { info, round_trip }
        };
        Self { info, members: member.table().entries().map(observed).collect() }
    }
}
