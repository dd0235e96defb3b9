//! How: messages, and the sans-I/O state machine of one member.

pub mod broadcast;
pub mod config;
pub mod dissemination;
pub mod event;
pub mod health;
pub mod member;
pub mod message;
pub mod presets;
pub mod prober;
pub mod profiles;
pub mod roster;
pub mod rtt;
pub mod scale;
mod sorted_map;
pub mod suspicion;
pub mod table;
pub mod time;

pub use config::{Config, DefaultStrategies};
pub use event::{Event, EventKind, EventSource};
pub use member::{Gauge, Identity, Member, MemberConfig, Outbox, TooLong, Transmit};
pub use message::{
    Address, Body, Id, Incarnation, MessageKind, NeighborHint, NodeInfo, Packet, PeerView, PingReq, Sizer, StateSync,
    Status, Target, Update, UpdateKind, Updates, UserEvent, WithCoordinate,
};
pub use presets::{Preset, preset, presets};
pub use profiles::{Profile, profiles};
pub use roster::{Roster, RosterEntry};
pub use table::Table;
pub use time::{Span, Time};
