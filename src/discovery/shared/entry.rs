//! Shared values and items as text in a member's state.

use std::fmt::{self, Display, Formatter};

use super::key::SharedKey;
use crate::discovery::merge::{Addition, ObservedItem, Register, Stamp};
use crate::protocol::{Id, Time};

/// A value or an item that several members write.
///
/// As text, a value is the stamp of its last write, the writer, and the value after an equals sign:
/// `665a3c0b1f2d4.0@5f=on`; without one it was removed. An item is its additions, with spaces in between, removed ones with
/// a hyphen in front: `665a3c0b1f2d4.0@5f -665a3c0b1f2d3.1@7a`. Numbers are hexadecimal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Entry {
    Value(Register),
    Item(ObservedItem),
}

impl Entry {
    /// An entry that nobody has written yet.
    pub(super) fn empty(key: &SharedKey) -> Self {
        match key {
            SharedKey::Value(_) => Self::Value(Register::default()),
            SharedKey::Item(..) => Self::Item(ObservedItem::default()),
        }
    }

    /// The entry of this text; `None` for any other text.
    pub(super) fn parse(key: &SharedKey, text: &str) -> Option<Self> {
        let entry = match key {
            SharedKey::Value(_) => {
                let (written, value) = match text.split_once('=') {
                    Some((written, value)) => (written, Some(value)),
                    None => (text, None),
                };
                let (writer, stamp) = parse_write(written)?;
                let is_long = value.is_some_and(|value| value.len() > Register::VALUE_BYTES);
                (!is_long).then(|| Self::Value(Register::new(stamp, writer, value.map(Into::into))))?
            }
            SharedKey::Item(..) => {
                let additions = text.split(' ').map(|token| {
                    let (is_removed, written) = token.strip_prefix('-').map_or((false, token), |rest| (true, rest));
                    let (writer, stamp) = parse_write(written)?;
                    Some((writer, Addition { stamp, is_removed }))
                });
                Self::Item(additions.collect::<Option<ObservedItem>>()?)
            }
        };
        // One form of each: members compare texts.
        (entry.to_string() == text).then_some(entry)
    }

    /// The stamp of the last write.
    pub(super) fn stamp(&self) -> Stamp {
        match self {
            Self::Value(value) => value.stamp(),
            Self::Item(item) => item.latest(),
        }
    }

    /// Whether a reader finds nothing.
    pub(super) fn is_removed(&self) -> bool {
        match self {
            Self::Value(value) => value.get().is_none(),
            Self::Item(item) => !item.is_present(),
        }
    }

    /// Merges another entry of the same key. Returns whether this one changed.
    pub(super) fn merge(&mut self, other: &Self) -> bool {
        match (self, other) {
            (Self::Value(ours), Self::Value(theirs)) => ours.merge(theirs),
            (Self::Item(ours), Self::Item(theirs)) => ours.merge(theirs),
            _ => false,
        }
    }
}

impl Display for Entry {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Value(value) => {
                write_write(f, value.writer(), value.stamp())?;
                value.get().map_or(Ok(()), |value| write!(f, "={value}"))
            }
            Self::Item(item) => {
                for (number, (writer, addition)) in item.additions().iter().enumerate() {
                    f.write_str(if number > 0 { " " } else { "" })?;
                    f.write_str(if addition.is_removed { "-" } else { "" })?;
                    write_write(f, *writer, addition.stamp)?;
                }
                Ok(())
            }
        }
    }
}

fn write_write(f: &mut Formatter<'_>, writer: Id, stamp: Stamp) -> fmt::Result {
    write!(f, "{:x}.{:x}@{writer:x}", stamp.wall.as_micros(), stamp.counter)
}

fn parse_write(text: &str) -> Option<(Id, Stamp)> {
    let (stamp, writer) = text.split_once('@')?;
    let (wall, counter) = stamp.split_once('.')?;
    let wall = Time::from_micros(u64::from_str_radix(wall, 16).ok()?);
    let stamp = Stamp { wall, counter: u32::from_str_radix(counter, 16).ok()? };
    Some((Id::from_str_radix(writer, 16).ok()?, stamp))
}
