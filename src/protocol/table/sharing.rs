//! Rosters that tables share: those of one process that know the same hold it once.

use std::sync::Arc;

use swimlab_selectors::Slot;

use super::{ChangedRecord, MembershipTable, Overlay, Tombstone};
use crate::protocol::memory_pool::MemoryPool;
use crate::protocol::message::{Incarnation, NodeInfo, Status};
use crate::protocol::renumbering::Renumbering;
use crate::protocol::roster::{Roster, RosterEntry};

impl MembershipTable {
    /// Folds the differences into a roster that is shared with all tables in the pool that know the same. Members get
    /// slots in the order of their ids, dead and departed ones those behind. Suspicions stay apart from it.
    pub(in crate::protocol) fn share(&mut self, pool: &MemoryPool) -> Renumbering {
        let (mut members, mut gone) = (Vec::with_capacity(self.members as usize), Vec::new());
        for (slot, status, incarnation, node) in self.entries() {
            if status.is_member() {
                members.push(KnownMember { slot, incarnation, node });
            } else {
                gone.push(slot);
            }
        }
        members.sort_unstable_by_key(|member| member.node.peer.id);
        let is_equal = |known: &Roster| holds(known, &members);
        let build = || Roster::new(members.iter().map(KnownMember::entry));
        let roster = pool.roster(self.digest(), is_equal, build);
        let order = members.iter().map(|member| member.slot).chain(gone.iter().copied());
        let renumbering = Renumbering::new(self.slots, order);

        let mut overlay = Overlay::default();
        for (slot, old) in (roster.len()..).zip(gone) {
            let row = self.changed_mut(old).clone();
            overlay.count(&row);
            overlay.joiners.get_or_insert_default().added.insert(row.entry.node.peer.id, slot);
            overlay.changed.insert(slot, row);
        }
        for (old, row) in self.overlay.iter().flat_map(|before| before.changed.iter()) {
            if row.suspicion.is_some()
                && let Some(slot) = renumbering.slot(old)
            {
                overlay.by_status[Status::Alive as usize] -= 1;
                overlay.count(row);
                overlay.changed.insert(slot, row.clone());
            }
        }
        let tombstones = self.overlay.iter().flat_map(|before| &before.tombstones);
        let moved = |tombstone: &Tombstone| Some(Tombstone { slot: renumbering.slot(tombstone.slot)?, ..*tombstone });
        overlay.tombstones = tombstones.filter_map(moved).collect();
        let is_equal = overlay.changed.is_empty() && overlay.tombstones.is_empty();
        self.me = renumbering.slot(self.me).expect("it is a member itself");
        self.slots = roster.len() + overlay.joiners.as_ref().map_or(0, |joiners| joiners.added.len() as u32);
        self.roster = roster;
        self.overlay = (!is_equal).then(|| Box::new(overlay));
        renumbering
    }

    /// Whether there are enough differences for a roster that may be shared to pay off. The dead stay differences.
    pub(in crate::protocol) fn wants_sharing(&self) -> bool {
        let enough = Self::rebase_threshold(&self.roster);
        self.differences() > enough && self.foldable_differences() > enough
    }

    /// The number of differences that [`MembershipTable::share`] would fold into a roster.
    pub(in crate::protocol) fn foldable_differences(&self) -> usize {
        let is_foldable =
            |row: &ChangedRecord| row.suspicion.is_none() && row.entry.status.is_none_or(Status::is_member);
        let changed = self.overlay.iter().flat_map(|overlay| overlay.changed.iter());
        changed.filter(|(_, row)| is_foldable(row)).count()
    }
}

/// A member as a table knows it, but for a suspicion.
struct KnownMember<'a> {
    slot: Slot,
    incarnation: Incarnation,
    node: &'a Arc<NodeInfo>,
}

impl KnownMember<'_> {
    fn entry(&self) -> RosterEntry {
        RosterEntry { node: Arc::clone(self.node), incarnation: self.incarnation, status: Some(Status::Alive) }
    }
}

/// Whether a roster holds these members in their order, and no others.
fn holds(roster: &Roster, members: &[KnownMember<'_>]) -> bool {
    let is_equal = |(at, member): (Slot, &KnownMember<'_>)| {
        let (id, incarnation, node) = (member.node.peer.id, member.incarnation, member.node);
        let known = roster.record(at);
        (known.id, known.incarnation) == (id, incarnation)
            && (Arc::ptr_eq(roster.node(at), node) || roster.node(at) == node)
    };
    roster.len() as usize == members.len() && (0..).zip(members).all(is_equal)
}

impl Overlay {
    fn count(&mut self, row: &ChangedRecord) {
        if let Some(status) = row.entry.status {
            self.by_status[status as usize] += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;
    use swimlab_selectors::{Peer, View};

    use super::*;
    use crate::protocol::message::{Address, Id, Incarnation, NodeInfo};
    use crate::protocol::table::OngoingSuspicion;
    use crate::protocol::time::{Span, Time};

    fn node(id: Id, version: u16) -> Arc<NodeInfo> {
        Arc::new(NodeInfo::new(Peer::new(id), Address { ip: [1; 16], port: version }))
    }

    fn table(me: Id) -> MembershipTable {
        MembershipTable::new(Arc::new(Roster::of_members([node(me, 0)])), 0)
    }

    fn incarnation(refutations: u32) -> Incarnation {
        Incarnation { generation: 0, refutations }
    }

    /// The tables of members 0 to 2, which have admitted all others below `n` in different orders.
    fn tables(n: Id) -> Vec<MembershipTable> {
        let table = |me: Id| {
            let mut table = table(me);
            let mut others: Vec<Id> = (0..n).filter(|&id| id != me).collect();
            others.rotate_left(me as usize * 7);
            others.into_iter().for_each(|id| _ = table.admit(node(id, 0), incarnation(0)));
            table
        };
        (0..3).map(table).collect()
    }

    #[test]
    fn tables_that_know_the_same_hold_one_roster_and_nothing_else() {
        let (pool, mut all) = (MemoryPool::default(), tables(100));
        all.iter_mut().for_each(|table| _ = table.share(&pool));
        assert!(all.iter().all(|table| Arc::ptr_eq(table.roster(), all[0].roster()) && table.is_pristine()));
        assert!((0..3).all(|me| all[me].id(all[me].me()) == me as Id));
        assert_eq!(Arc::strong_count(all[0].roster()), 3);
    }

    #[test]
    fn a_difference_is_a_tables_own_until_the_others_have_it_too() {
        let (pool, mut all) = (MemoryPool::default(), tables(100));
        let change = |table: &mut MembershipTable| {
            let slot = table.slot(50).unwrap();
            table.set(Time::ZERO, slot, Status::Alive, incarnation(1), Some(node(50, 9)), None);
        };
        all.iter_mut().for_each(|table| _ = table.share(&pool));
        change(&mut all[0]);
        assert_eq!((all[0].foldable_differences(), all[1].incarnation(all[1].slot(50).unwrap())), (1, incarnation(0)));
        all[0].share(&pool);
        assert!(!Arc::ptr_eq(all[0].roster(), all[1].roster()));
        change(&mut all[1]);
        all[1].share(&pool);
        assert!(Arc::ptr_eq(all[0].roster(), all[1].roster()));
    }

    #[test]
    fn tables_with_equal_digests_and_other_descriptions_hold_rosters_of_their_own() {
        let (pool, mut one, mut other) = (MemoryPool::default(), table(0), table(0));
        one.admit(node(7, 1), incarnation(0));
        other.admit(node(7, 2), incarnation(0));
        one.share(&pool);
        other.share(&pool);
        assert_eq!(one.digest(), other.digest());
        assert_eq!([&one, &other].map(|table| table.node(table.slot(7).unwrap()).address.port), [1, 2]);
    }

    #[derive(Clone, Debug)]
    enum Step {
        /// A member is heard of in a state.
        Set(Id, Status),
        /// Those that were declared dead or left before the last few steps are forgotten.
        Forget,
        Share,
        Rebase,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let status = prop_oneof![
            3 => Just(Status::Alive), 1 => Just(Status::Suspect), 2 => Just(Status::Dead), 1 => Just(Status::Left)
        ];
        let step = prop_oneof![
            20 => (1_u64..40, status).prop_map(|(id, status)| Step::Set(id, status)),
            2 => Just(Step::Forget), 2 => Just(Step::Share), 1 => Just(Step::Rebase),
        ];
        proptest::collection::vec(step, 0..200)
    }

    proptest! {
        #[test]
        fn a_table_that_is_folded_at_any_time_says_what_a_map_of_the_same_changes_says(steps in steps()) {
            let (pool, mut table) = (MemoryPool::default(), table(0));
            // Status and incarnation, and the step of the last change.
            let mut model: BTreeMap<Id, (Status, u32, u64)> = BTreeMap::from([(0, (Status::Alive, 0, 0))]);
            for (step, what) in (1_u64..).zip(steps) {
                let now = Time::ZERO + Span::from_secs(step);
                match what {
                    Step::Set(id, status) => {
                        if let Some(slot) = table.slot(id) {
                            let suspicion = OngoingSuspicion { since: now, until: now, by: smallvec::smallvec![step] };
                            let suspicion = (status == Status::Suspect).then_some(suspicion);
                            table.set(now, slot, status, incarnation(step as u32), None, suspicion);
                            model.insert(id, (status, step as u32, step));
                        } else {
                            table.admit(node(id, 0), incarnation(step as u32));
                            model.insert(id, (Status::Alive, step as u32, step));
                        }
                    }
                    Step::Forget => {
                        let before = step.saturating_sub(9);
                        while table.forget(Time::ZERO + Span::from_secs(before)).is_some() {}
                        model.retain(|_, (status, _, since)| status.is_member() || *since > before);
                    }
                    Step::Share => {
                        let ids: Vec<_> = (0..table.slots()).map(|slot| (table.status(slot), table.id(slot))).collect();
                        let renumbering = table.share(&pool);
                        for (old, (status, id)) in (0..).zip(ids) {
                            let now_at = renumbering.slot(old).map(|slot| (table.status(slot), table.id(slot)));
                            prop_assert_eq!(now_at, status.map(|_| (status, id)));
                        }
                        prop_assert_eq!(table.foldable_differences(), 0);
                    }
                    Step::Rebase => drop(table.rebase()),
                }
                let mut by_status = [0; 4];
                model.values().for_each(|(status, ..)| by_status[*status as usize] += 1);
                prop_assert_eq!(table.by_status(), by_status);
                prop_assert_eq!(table.members(), by_status[0] + by_status[1]);
                prop_assert_eq!(table.id(table.me()), 0);
                let mut known: Vec<_> =
                    table.entries().map(|(_, status, at, node)| (node.peer.id, status, at.refutations)).collect();
                known.sort_unstable();
                let expected = model.iter().map(|(&id, &(status, at, _))| (id, status, at));
                prop_assert_eq!(known, expected.collect::<Vec<_>>());
                let digest = table.entries().filter(|(_, status, ..)| status.is_member()).map(|(_, _, at, node)| at.hash_with(node.peer.id));
                prop_assert_eq!(table.digest(), digest.fold(0, u64::wrapping_add));
                for id in 0..40 {
                    let slot = table.slot(id).filter(|&slot| table.status(slot).is_some());
                    prop_assert_eq!(slot.map(|slot| table.id(slot)), model.get(&id).map(|_| id));
                    let suspected = slot.and_then(|slot| table.suspicion(slot)).map(|suspicion| suspicion.by[0] as u32);
                    let expected = model.get(&id).filter(|(status, ..)| *status == Status::Suspect);
                    prop_assert_eq!(suspected, expected.map(|(_, at, _)| *at));
                }
            }
        }
    }
}
