//! The names of a zone path. Records carry a zone path as hashes, which suffice to compare; the names ride in the
//! metadata, as the pair `zone`, so that people can be shown them.

use std::fmt::Write;

use swimlab_selectors::ZonePath;

use super::meta::Meta;
use crate::protocol::NodeInfo;

/// Key of the pair.
const KEY: &str = "zone";

/// Names from the largest area to the smallest, at most [`ZonePath::LEVELS`], with a slash in between.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct ZoneNames(String);

impl ZoneNames {
    /// Reads names. Empty ones and those beyond the last level are left out, as [`ZonePath::parse`] does.
    pub(super) fn parse(path: &str) -> Self {
        let names = path.split('/').filter(|name| !name.is_empty()).take(ZonePath::LEVELS);
        Self(names.collect::<Vec<_>>().join("/"))
    }

    /// The names that a member's metadata tell, if they are those of its zone path.
    pub(super) fn of(node: &NodeInfo) -> Option<Self> {
        let names = Self(Meta::from_bytes(&node.meta).0.remove(KEY)?);
        (node.peer.zone == ZonePath::parse(&names.0) && !names.0.is_empty()).then_some(names)
    }

    /// The names.
    pub(super) fn as_str(&self) -> &str {
        &self.0
    }

    /// Metadata with the names. Metadata that are no pairs, have the key already, or would become too long stay as they
    /// are.
    pub(super) fn beside(&self, meta: &[u8]) -> Vec<u8> {
        let pairs = Meta::from_bytes(meta);
        let is_pairs = pairs.to_bytes() == meta || meta.is_empty();
        let mut all = pairs;
        if is_pairs && !self.0.is_empty() && !all.0.contains_key(KEY) {
            all.0.insert(KEY.to_owned(), self.0.clone());
            let bytes = all.to_bytes();
            if bytes.len() <= NodeInfo::META_LIMIT {
                return bytes;
            }
        }
        meta.to_vec()
    }
}

/// The metadata of a member without the names of its zone path, and these.
pub(super) fn apart(node: &NodeInfo) -> (Meta, Option<String>) {
    let mut meta = Meta::from_bytes(&node.meta);
    let names = ZoneNames::of(node);
    if names.is_some() {
        meta.0.remove(KEY);
    }
    (meta, names.map(|names| names.0).or_else(|| hashes(&node.peer.zone)))
}

/// The first `levels` names of a member's zone path.
pub(super) fn label(node: &NodeInfo, levels: usize) -> String {
    let text = ZoneNames::of(node).map(|names| names.0).or_else(|| hashes(&node.peer.zone)).unwrap_or_default();
    text.split('/').take(levels).collect::<Vec<_>>().join("/")
}

/// A zone path whose names are not known: `#` and the hash of each level.
fn hashes(zone: &ZonePath) -> Option<String> {
    let mut text = String::new();
    for level in zone.levels() {
        let _ = write!(text, "{}#{level:08x}", if text.is_empty() { "" } else { "/" });
    }
    (!text.is_empty()).then_some(text)
}

#[cfg(test)]
mod tests {
    use swimlab_selectors::Peer;

    use super::*;
    use crate::protocol::Address;

    fn node(zone: &str, meta: &[u8]) -> NodeInfo {
        let peer = Peer { zone: ZonePath::parse(zone), ..Peer::new(1) };
        NodeInfo { meta: meta.into(), ..NodeInfo::new(peer, Address { ip: [0; 16], port: 1 }) }
    }

    #[test]
    fn names_ride_beside_other_pairs_and_are_shown_apart_from_them() {
        let meta = ZoneNames::parse("/eu//eu-1/r7/shelf").beside(b"role=web");
        assert_eq!(meta, b"role=web\nzone=eu/eu-1/r7");
        let (rest, names) = apart(&node("eu/eu-1/r7", &meta));
        assert_eq!((rest.to_bytes().as_slice(), names.as_deref()), (&b"role=web"[..], Some("eu/eu-1/r7")));
    }

    #[test]
    fn names_of_another_path_are_ordinary_metadata() {
        let (meta, names) = apart(&node("eu", b"zone=us"));
        assert_eq!(meta.0["zone"], "us");
        assert!(names.unwrap().starts_with('#'));
        assert_eq!(apart(&node("", b"zone=us")).1, None);
    }

    #[test]
    fn metadata_that_leave_no_room_stay_as_they_are() {
        let names = ZoneNames::parse("eu");
        for meta in [&b"zone=mine"[..], &[0xff, 0], &[b"k=", &[b'x'; NodeInfo::META_LIMIT - 2][..]].concat()] {
            assert_eq!(names.beside(meta), meta);
        }
        assert_eq!(ZoneNames::default().beside(b"a=b"), b"a=b");
    }
}
