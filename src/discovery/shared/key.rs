//! The keys under which shared values are carried in members' states.

use super::error::SharedError;
use super::limits::{ITEM_BYTES, NAME_BYTES};
use crate::discovery::service::check_word;
use crate::protocol::first_control;

const VALUE_PREFIX: &str = "shared/";
const SET_PREFIX: &str = "set/";

/// Subject of an entry.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum SharedKey {
    /// The value of this name: `shared/NAME`.
    Value(Box<str>),
    /// An item of the set of this name: `set/NAME/ITEM`.
    Item(Box<str>, Box<str>),
}

impl SharedKey {
    pub(super) fn value(name: &str) -> Result<Self, SharedError> {
        check_name(name).map(|()| Self::Value(name.into()))
    }

    pub(super) fn item(set: &str, item: &str) -> Result<Self, SharedError> {
        check_name(set)?;
        if item.is_empty() || item.len() > ITEM_BYTES || first_control(item).is_some() {
            return Err(SharedError::Item(item.into()));
        }
        Ok(Self::Item(set.into(), item.into()))
    }

    /// The key of a state as one of these; `None` for other keys.
    pub(super) fn parse(key: &str) -> Option<Self> {
        if let Some(name) = key.strip_prefix(VALUE_PREFIX) {
            return Self::value(name).ok();
        }
        let (set, item) = key.strip_prefix(SET_PREFIX)?.split_once('/')?;
        Self::item(set, item).ok()
    }

    pub(super) fn text(&self) -> String {
        match self {
            Self::Value(name) => format!("{VALUE_PREFIX}{name}"),
            Self::Item(set, item) => format!("{SET_PREFIX}{set}/{item}"),
        }
    }
}

/// Whether a key of a state carries a shared value.
pub(super) fn is_shared(key: &str) -> bool {
    key.starts_with(VALUE_PREFIX) || key.starts_with(SET_PREFIX)
}

fn check_name(name: &str) -> Result<(), SharedError> {
    if name.len() > NAME_BYTES || check_word(name).is_err() {
        return Err(SharedError::Name(name.into()));
    }
    Ok(())
}
