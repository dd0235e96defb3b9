//! How: messages, and the sans-I/O state machine of one member.

pub mod broadcast;
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
pub mod settings;
mod sorted;
pub mod suspicion;
pub mod table;
pub mod time;

pub use event::{Event, Source, What};
pub use member::{Gauge, Identity, Kit, Member, Outbox, TooLong, Transmit};
pub use message::{
    Address, Body, Card, Id, Incarnation, Kind, Located, News, Packet, PingReq, Seen, Sizer, Status, Sync, Target, Tip,
    Update, Updates, UserEvent,
};
pub use presets::{Preset, preset, presets};
pub use profiles::{Profile, profiles};
pub use roster::{Entry, Roster};
pub use settings::{Company, Settings};
pub use table::Table;
pub use time::{Span, Time};
