//! The members that carry a value.

use swimlab_selectors::rng::mix;

use super::limits::{PATIENCE, PATIENCE_SPREAD};
use crate::protocol::{Id, Span};

/// The members with the greatest hashes of a key and themselves, in that order, `count` at most.
pub(super) fn keepers(key: &str, members: &[Id], count: usize) -> Vec<Id> {
    let key = hash(key);
    let mut ranked: Vec<(u64, Id)> = members.iter().map(|member| (mix(key ^ mix(*member)), *member)).collect();
    if ranked.len() > count {
        ranked.select_nth_unstable_by(count, |one, other| other.cmp(one));
        ranked.truncate(count);
    }
    ranked.sort_unstable_by(|one, other| other.cmp(one));
    ranked.into_iter().map(|(_, member)| member).collect()
}

/// The time after which a member carries what it knows of a key, if no keeper does. It differs from member to member, so
/// that few of those that know it begin before the keepers have it from them.
pub(super) fn patience(key: &str, member: Id) -> Span {
    let spread = mix(!hash(key) ^ mix(member)) % PATIENCE_SPREAD.as_micros();
    PATIENCE + Span::from_micros(spread)
}

fn hash(key: &str) -> u64 {
    key.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| mix(hash ^ u64::from(byte)))
}
