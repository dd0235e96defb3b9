//! How: messages, and the sans-I/O state machine of one member.

pub mod event;
pub mod message;
pub mod time;

pub use event::{Event, Source, What};
pub use message::{
    Address, Body, Card, Coordinate, Id, Incarnation, Kind, News, Packet, PingReq, Seen, Sizer, Status, Sync, Target,
    Update, UserEvent,
};
pub use time::{Span, Time};
