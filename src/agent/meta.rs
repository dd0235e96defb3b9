//! A member's metadata as pairs of texts, as `--meta key=value` sets them.

use std::collections::BTreeMap;
use std::fmt;

use crate::protocol::{NodeInfo, first_control};

/// Metadata as pairs of texts, encoded as lines of `key=value`. Metadata that an application has encoded in another way
/// are decoded to one pair: the empty key, and the bytes in hexadecimal digits.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Meta(pub BTreeMap<String, String>);

/// Reason why pairs of texts cannot be metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum MetaError {
    /// A text is not `key=value`.
    NoPair(String),
    /// A pair has an empty key.
    Unfit(String),
    /// A pair has this control character or line break.
    Control(String, char),
    /// Two pairs have this key.
    Duplicate(String),
    /// The encoded length in bytes, more than [`NodeInfo::META_LIMIT`].
    TooLong(usize),
    /// There is no such key to remove.
    NoKey(String),
    /// The application has encoded the metadata in a way of its own: single pairs cannot be changed.
    NoPairs,
}

impl Meta {
    /// Parses texts of the form `key=value`.
    ///
    /// # Errors
    /// If a text is not a pair, has no key or a control character, repeats a key, or all together are too long.
    pub fn from_pairs<T: AsRef<str>>(pairs: impl IntoIterator<Item = T>) -> Result<Self, MetaError> {
        let mut all = BTreeMap::new();
        for pair in pairs {
            let pair = pair.as_ref();
            let (key, value) = pair.split_once('=').ok_or_else(|| MetaError::NoPair(pair.to_owned()))?;
            if key.is_empty() {
                return Err(MetaError::Unfit(pair.to_owned()));
            }
            if let Some(found) = first_control(pair) {
                return Err(MetaError::Control(pair.to_owned(), found));
            }
            if all.insert(key.to_owned(), value.to_owned()).is_some() {
                return Err(MetaError::Duplicate(key.to_owned()));
            }
        }
        Self(all).within_limit()
    }

    /// These pairs with some set to other values or added, and some removed.
    ///
    /// # Errors
    /// If a key to remove is not there, or all pairs together are too long.
    pub(super) fn edited(mut self, set: Self, unset: &[String]) -> Result<Self, MetaError> {
        // Decoded from other bytes than pairs.
        if self.0.contains_key("") {
            return Err(MetaError::NoPairs);
        }
        for key in unset {
            self.0.remove(key).ok_or_else(|| MetaError::NoKey(key.clone()))?;
        }
        self.0.extend(set.0);
        self.within_limit()
    }

    fn within_limit(self) -> Result<Self, MetaError> {
        match self.to_bytes().len() {
            ..=NodeInfo::META_LIMIT => Ok(self),
            len => Err(MetaError::TooLong(len)),
        }
    }

    /// Encodes the pairs, for [`Builder::meta`](super::Builder::meta) or [`Agent::set_meta`](super::Agent::set_meta).
    pub fn to_bytes(&self) -> Vec<u8> {
        self.0.iter().map(|(key, value)| format!("{key}={value}")).collect::<Vec<_>>().join("\n").into_bytes()
    }

    /// Decodes a member's metadata. Values are as their member set them: whoever prints them escapes them.
    pub fn from_bytes(bytes: &[u8]) -> Self {
        let pairs = |text: &str| {
            let pair = |line: &str| line.split_once('=').map(|(key, value)| (key.to_owned(), value.to_owned()));
            text.lines().map(pair).collect::<Option<BTreeMap<_, _>>>()
        };
        let read = std::str::from_utf8(bytes).ok().and_then(pairs);
        Self(read.unwrap_or_else(|| {
            let digits = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            BTreeMap::from([(String::new(), digits)])
        }))
    }
}

impl std::error::Error for MetaError {}

impl fmt::Display for MetaError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPair(text) => write!(f, "metadata are key=value, not {text:?}"),
            Self::Unfit(text) => write!(f, "metadata have a key: {text:?}"),
            Self::Control(text, found) => {
                write!(f, "{text:?} must have no control characters, but has {}", found.escape_unicode())
            }
            Self::Duplicate(key) => write!(f, "the key {key:?} is given twice"),
            Self::NoKey(key) => write!(f, "there is no key {key:?} to remove"),
            Self::NoPairs => f.write_str("the agent's application has metadata of its own, which are no pairs"),
            Self::TooLong(len) => write!(f, "metadata take {len} bytes, more than {}", NodeInfo::META_LIMIT),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_decoded_as_they_were_encoded_and_other_bytes_are_shown_as_digits() {
        let meta = Meta::from_pairs(["role=web", "url=http://a/?b=c", "empty="]).unwrap();
        assert_eq!(Meta::from_bytes(&meta.to_bytes()), meta);
        assert_eq!(Meta::from_bytes(b""), Meta::default());
        assert_eq!(Meta::from_bytes(&[0xff, 1]).0[""], "ff01");
    }

    #[test]
    fn pairs_are_set_and_removed_within_the_limit() {
        let meta = |pairs: &[&str]| Meta::from_pairs(pairs).unwrap();
        let unset = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
        let first = meta(&["role=web", "shard=1"]);
        let edited = first.clone().edited(meta(&["shard=2", "new="]), &unset(&["role"]));
        assert_eq!(edited, Ok(meta(&["new=", "shard=2"])));
        assert_eq!(first.clone().edited(meta(&["role=db"]), &unset(&["role"])), Ok(meta(&["role=db", "shard=1"])));
        let twice = first.clone().edited(meta(&[]), &unset(&["role", "role"]));
        assert_eq!(twice, Err(MetaError::NoKey("role".to_owned())));
        let value = "x".repeat(NodeInfo::META_LIMIT - "role=web\nshard=1\nk=".len());
        assert!(first.clone().edited(meta(&[&format!("k={value}")]), &[]).is_ok());
        let longer = first.edited(meta(&[&format!("k={value}x")]), &[]);
        assert_eq!(longer, Err(MetaError::TooLong(NodeInfo::META_LIMIT + 1)));
        assert_eq!(Meta::from_bytes(&[0xff]).edited(meta(&["a=b"]), &[]), Err(MetaError::NoPairs));
    }

    #[test]
    fn texts_that_are_no_pairs_or_too_long_are_refused() {
        assert_eq!(Meta::from_pairs(["role"]), Err(MetaError::NoPair("role".to_owned())));
        assert_eq!(Meta::from_pairs(["=web"]), Err(MetaError::Unfit("=web".to_owned())));
        // F11
        for found in ['\n', '\r', '\0', '\x1b', '\x7f', '\u{85}', '\u{2028}'] {
            for text in [format!("a{found}b=c"), format!("a=b{found}c"), format!("a=b{found}")] {
                assert_eq!(Meta::from_pairs([&text]), Err(MetaError::Control(text, found)));
            }
        }
        assert_eq!(Meta::from_pairs(["a=1", "b=1", "a=2"]), Err(MetaError::Duplicate("a".to_owned())));
        assert_eq!(Meta::from_pairs([format!("k={}", "x".repeat(600))]), Err(MetaError::TooLong(602)));
    }
}
