//! The members that carry a value.

use std::collections::BTreeMap;

use swimlab_selectors::rng::mix;

use super::key::SharedKey;
use super::limits::{KEEPERS, PATIENCE, PATIENCE_SPREAD};
use crate::protocol::{Id, Span};

/// The keepers of each key: the members with the greatest hashes of it and themselves. A change of the group costs a look at
/// each key, and one at all members for each key that has lost a keeper.
#[derive(Clone, Debug, Default)]
pub(super) struct KeeperTable {
    /// The group, in order.
    members: Vec<Id>,
    keepers: BTreeMap<SharedKey, Ranking>,
}

/// The first [`KEEPERS`] members in the order of a key.
#[derive(Clone, Debug)]
struct Ranking {
    /// The hash of the key.
    key: u64,
    /// Greatest first.
    first: Vec<(u64, Id)>,
}

impl KeeperTable {
    /// Sets the group.
    pub(super) fn set_members(&mut self, members: &[Id]) {
        if members == self.members {
            return;
        }
        let mut members = members.to_vec();
        members.sort_unstable();
        let joined: Vec<Id> = members.iter().filter(|id| self.members.binary_search(id).is_err()).copied().collect();
        self.keepers.retain(|_, ranking| ranking.first.iter().all(|(_, id)| members.binary_search(id).is_ok()));
        self.keepers.values_mut().for_each(|ranking| ranking.add(&joined));
        self.members = members;
    }

    /// The keepers of a key, in their order.
    pub(super) fn of(&mut self, key: &SharedKey) -> Vec<Id> {
        let ranking = match self.keepers.get(key) {
            Some(ranking) => ranking,
            None => {
                let mut ranking = Ranking { key: hash(&key.text()), first: Vec::new() };
                ranking.add(&self.members);
                self.keepers.entry(key.clone()).or_insert(ranking)
            }
        };
        ranking.first.iter().map(|(_, id)| *id).collect()
    }

    /// Drops the keys that are of no interest any more.
    pub(super) fn retain(&mut self, is_known: impl Fn(&SharedKey) -> bool) {
        self.keepers.retain(|key, _| is_known(key));
    }
}

impl Ranking {
    /// Ranks further members.
    fn add(&mut self, members: &[Id]) {
        for member in members {
            let rank = (mix(self.key ^ mix(*member)), *member);
            let at = self.first.partition_point(|first| *first > rank);
            if at < KEEPERS {
                self.first.truncate(KEEPERS - 1);
                self.first.insert(at, rank);
            }
        }
    }
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
