//! The SWIM protocol as a sans-I/O state machine: one member, its messages, and its configuration.
//!
//! SWIM (Das, Gupta, Motivala: "SWIM: Scalable Weakly-consistent Infection-style Process Group Membership Protocol",
//! DSN 2002) keeps every member of a group informed of which others are alive, at a constant load per member:
//!
//! - **Failure detection** (section 3). Once per protocol period T a member pings one other. Without an ack in time, k
//!   helpers ping it too, so that one bad path is not a failure. The [`Prober`] decides how; which member is pinged is
//!   the choice of a selector (crate `swimlab-selectors`).
//! - **Dissemination** (section 4.1). Updates ride on pings, acks and ping requests, each a logarithmic number of
//!   times: they spread like an infection. See [`Dissemination`].
//! - **Suspicion** (section 4.2). A silent member is first suspected, and may refute by raising its incarnation before
//!   the suspicion ends. See [`Suspicion`].
//!
//! Lifeguard (Dadgar, Phillips, Currey: "Lifeguard: Local Health Awareness for More Accurate Failure Detection", DSN
//! 2018) adds members that distrust themselves when they are slow ([`LocalHealth`], section IV-A), suspicions that
//! shrink with independent confirmations ([`ConfirmedSuspicion`], IV-B), and pings that tell a suspect of its suspicion
//! ([`Piggyback::buddy`], IV-C). memberlist adds gossip between the probes, state sync over streams and gossip to the
//! dead.
//!
//! [`Member`] is the state machine. It has no clock, socket, thread or random source of its own: a driver hands in
//! packets and the time, and polls an [`Outbox`] for messages and events. The simulator and the agent are such drivers.
//! [`Config`] holds all its parameters, with a constructor for each published variant.
//!
//! ```
//! use std::sync::Arc;
//!
//! use swimlab::protocol::{
//!     Address, Body, Config, EventKind, Identity, Incarnation, Member, MemberConfig, NodeInfo, Outbox, Roster, Span, Time,
//! };
//! use swimlab::wire::PlainSizer;
//! use swimlab_selectors::rng::{Purpose, stream};
//! use swimlab_selectors::{DynSelector, Peer, Shuffle};
//!
//! // Two members that know each other. Only the first one is run.
//! let address = |n| Address { ip: [n; 16], port: 7946 };
//! let node = |n: u8| Arc::new(NodeInfo::new(Peer::new(n.into()), address(n)));
//! let roster = Arc::new(Roster::of_members([node(1), node(2)]));
//! let selector = DynSelector::new("shuffle", Shuffle).build_index(roster.peers());
//! let config = Arc::new(MemberConfig::new(Config::swim_inf_susp(), Arc::new(PlainSizer))?);
//! let identity = Identity {
//!     incarnation: Incarnation::default(),
//!     since_epoch: Span::ZERO,
//!     strategy_rng: stream(1, Purpose::Selector, 1),
//!     rng: stream(1, Purpose::Protocol, 1),
//! };
//! let mut member = Member::new(config, identity, roster, &selector, 0);
//! member.start(Time::ZERO, Time::ZERO);
//!
//! // The driver's loop: sleep until the deadline, wake the member, send what it wants sent, report its events.
//! let mut out = Outbox::default();
//! member.wake(member.deadline(), &mut out);
//! let ping = out.transmits.remove(0);
//! assert_eq!(ping.to, address(2));
//! assert!(matches!(ping.message.body, Body::Ping { .. }));
//!
//! // The other member never answers: it is suspected, and at last declared dead.
//! while out.events.last().is_none_or(|event| event.kind != EventKind::Died) {
//!     member.wake(member.deadline(), &mut out);
//! }
//! let kinds: Vec<&str> = out.events.iter().map(|event| event.kind.name()).collect();
//! assert_eq!(kinds, ["suspected", "died"]);
//! # Ok::<(), swimlab::protocol::ConfigError>(())
//! ```

mod address;
mod broadcast;
mod config;
mod config_error;
mod dissemination;
mod event;
mod health;
mod id_sequence;
mod member;
mod memory_pool;
mod message;
mod name_error;
mod presets;
mod prober;
mod profiles;
mod renumbering;
mod roster;
mod rtt;
mod scale;
mod sorted_map;
mod state_hash;
mod suspicion;
mod table;
mod time;

pub use address::AddressFault;
pub use broadcast::{Broadcasts, FillLimits, USER_EVENT_LIMIT};
pub use config::{Config, DefaultStrategies};
pub use config_error::ConfigError;
pub use dissemination::{Dissemination, GossipTick, Multicast, Piggyback};
pub use event::{Event, EventKind, EventSource};
pub use health::{LifeguardVariant, LocalHealth};
pub use id_sequence::IdSequence;
#[cfg(test)]
pub(crate) use member::stated_limits;
pub use member::{
    BroadcastError, DirectError, ForceLeaveError, Gauge, Identity, Member, MemberConfig, Outbox, TooLong, Transmit,
};
pub use memory_pool::MemoryPool;
pub use message::{
    Address, Body, DirectMessage, Id, Incarnation, MessageKind, NeighborHint, NodeInfo, Packet, PeerAddress, PeerView,
    PingReq, Sizer, StateSync, Status, Update, UpdateKind, Updates, UserEvent, WithCoordinate,
};
pub use name_error::NameError;
pub(crate) use name_error::first_control;
pub use presets::{Preset, preset, presets};
pub use prober::{BatchedProber, ClassicProber, IndirectRequest, NackProber, Prober};
pub use profiles::{Profile, profiles};
pub use roster::{MemberRecord, Roster, RosterEntry};
pub use scale::Scale;
pub use suspicion::{AbsoluteSuspicion, ConfirmedSuspicion, FixedSuspicion, NoSuspicion, Suspicion};
pub use table::{MembershipTable, OngoingSuspicion};
pub use time::{Span, Time};
