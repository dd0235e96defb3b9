//! Shared values and items as text in a member's state.

use std::fmt::{self, Display, Formatter};

use super::key::SharedKey;
use crate::discovery::merge::{Addition, ObservedItem, Register, Stamp};
use crate::protocol::{Id, Time};

/// A value or an item that several members write.
///
/// As text, a value is the stamp of its last write, the writer, and the value after an equals sign:
/// `665a3c0b1f2d4.0@5f=on`; without one it was removed. An item is its additions, with spaces in between, and removed ones
/// have the stamp of their removal after a hyphen: `665a3c0b1f2d4.0@5f 665a3c0b1f2d3.1@7a-665a3c0b1f2d3.2`. Numbers are
/// hexadecimal.
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
                    let (added, removed) = match token.split_once('-') {
                        Some((added, removed)) => (added, Some(parse_stamp(removed)?)),
                        None => (token, None),
                    };
                    let (writer, stamp) = parse_write(added)?;
                    Some((writer, Addition { stamp, removed }))
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
                write!(f, "{}@{:x}", Hex(value.stamp()), value.writer())?;
                value.get().map_or(Ok(()), |value| write!(f, "={value}"))
            }
            Self::Item(item) => {
                for (number, (writer, addition)) in item.additions().iter().enumerate() {
                    f.write_str(if number > 0 { " " } else { "" })?;
                    write!(f, "{}@{writer:x}", Hex(addition.stamp))?;
                    addition.removed.map_or(Ok(()), |removed| write!(f, "-{}", Hex(removed)))?;
                }
                Ok(())
            }
        }
    }
}

/// A stamp as text.
struct Hex(Stamp);

impl Display for Hex {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{:x}.{:x}", self.0.wall.as_micros(), self.0.counter)
    }
}

fn parse_write(text: &str) -> Option<(Id, Stamp)> {
    let (stamp, writer) = text.split_once('@')?;
    Some((Id::from_str_radix(writer, 16).ok()?, parse_stamp(stamp)?))
}

fn parse_stamp(text: &str) -> Option<Stamp> {
    let (wall, counter) = text.split_once('.')?;
    let wall = Time::from_micros(u64::from_str_radix(wall, 16).ok()?);
    Some(Stamp { wall, counter: u32::from_str_radix(counter, 16).ok()? })
}
