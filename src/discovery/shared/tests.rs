//! A group whose members exchange their states at once, apart from those that a test holds back.

use std::collections::{BTreeMap, BTreeSet};

use proptest::collection::vec;
use proptest::prelude::*;
use swimlab_selectors::rng::{Purpose, below, bits, stream};

use super::keepers::KeeperTable;
use super::key::SharedKey;
use super::*;
use crate::discovery::merge::{HybridClock, MergeError, Register};
use crate::discovery::state::StateStore;
use crate::protocol::{Id, Span, Time};

/// Members with what each carries in its state.
#[derive(Default)]
struct Group {
    members: BTreeMap<Id, SharedValues>,
    states: BTreeMap<Id, BTreeMap<String, String>>,
    /// The time of all wall clocks.
    wall: Time,
    /// The time of the clocks that nobody sets.
    now: Time,
}

impl Group {
    fn of(members: impl IntoIterator<Item = Id>) -> Self {
        let members = members.into_iter().map(|id| (id, SharedValues::new(id))).collect();
        Self { members, states: BTreeMap::new(), wall: secs(1_800_000_000), now: Time::ZERO }
    }

    fn member(&mut self, id: Id) -> &mut SharedValues {
        self.members.get_mut(&id).unwrap()
    }

    fn join(&mut self, id: Id) {
        self.members.insert(id, SharedValues::new(id));
    }

    /// Ends a member; its state goes with it.
    fn crash(&mut self, id: Id) {
        self.members.remove(&id);
        self.states.remove(&id);
    }

    /// Lets members write their states, and read those of the others, until nothing changes.
    fn settle(&mut self) {
        let all: Vec<Id> = self.members.keys().copied().collect();
        self.settle_among(&all);
    }

    /// The same among some members, which take the others for dead.
    fn settle_among(&mut self, side: &[Id]) {
        for _ in 0..10 {
            self.exchange(side);
        }
        let before = self.states.clone();
        self.exchange(side);
        assert_eq!(before, self.states, "the states settle");
    }

    fn exchange(&mut self, side: &[Id]) {
        self.now += Span::from_secs(10);
        for id in side {
            self.read(*id, side);
            self.carry(*id, side);
        }
    }

    fn carry(&mut self, id: Id, members: &[Id]) {
        let Self { members: all, states, wall, now } = self;
        let carried_by = |other: Id, key: &str| states.get(&other).and_then(|state| state.get(key)).map(String::as_str);
        let pairs = all.get_mut(&id).unwrap().carry(*now, *wall, members, carried_by);
        states.insert(id, pairs);
    }

    fn read(&mut self, id: Id, from: &[Id]) {
        let states = self.states.iter().filter(|(other, _)| **other != id && from.contains(other));
        let pairs: Vec<(String, String)> = states.flat_map(|(_, state)| state.clone()).collect();
        for (key, text) in pairs {
            let wall = self.wall;
            self.member(id).observe(wall, &key, &text);
        }
    }

    fn carriers(&self, key: &str) -> usize {
        self.states.values().filter(|state| state.contains_key(key)).count()
    }

    fn value_at(&self, id: Id, name: &str) -> Option<String> {
        self.members[&id].view().values.get(name).map(|value| value.to_string())
    }
}

fn secs(secs: u64) -> Time {
    Time::ZERO + Span::from_secs(secs)
}

#[test]
fn a_value_reaches_all_and_is_carried_by_its_keepers_alone() {
    let mut group = Group::of(0..10);
    let wall = group.wall;
    for writer in 0..10 {
        group.member(writer).set(wall, "mode", &format!("by {writer}")).unwrap();
        group.settle();
        for id in 0..10 {
            assert_eq!(group.value_at(id, "mode").unwrap(), format!("by {writer}"), "member {id}");
        }
        assert_eq!(group.carriers("shared/mode"), KEEPERS);
    }
}

#[test]
fn a_value_outlives_its_writer_and_all_its_keepers_but_not_the_last_member() {
    let mut group = Group::of(0..10);
    let wall = group.wall;
    group.member(3).set(wall, "mode", "on").unwrap();
    group.member(3).add(wall, "drained", "rack-7").unwrap();
    group.settle();
    group.crash(3);
    // Those that carry it die, one after the other, with time in between.
    while group.members.len() > 1 {
        group.settle();
        let carrier = *group.states.iter().find(|(_, state)| state.contains_key("shared/mode")).unwrap().0;
        group.crash(carrier);
    }
    group.settle();
    let last = *group.members.keys().next().unwrap();
    assert_eq!(group.value_at(last, "mode").as_deref(), Some("on"));
    assert!(group.member(last).view().sets["drained"].contains("rack-7"));
    group.crash(last);
    group.join(20);
    group.settle();
    assert_eq!(group.value_at(20, "mode"), None);
}

#[test]
fn keepers_that_all_die_at_once_are_replaced_also_by_members_that_know_nothing() {
    let mut group = Group::of(0..10);
    let wall = group.wall;
    group.member(0).set(wall, "mode", "on").unwrap();
    group.settle();
    let carriers: Vec<Id> = group.states.iter().filter(|(_, state)| !state.is_empty()).map(|(id, _)| *id).collect();
    carriers.into_iter().for_each(|id| group.crash(id));
    // With 100 newcomers, all three keepers are new members.
    (100..200).for_each(|id| group.join(id));
    group.settle();
    assert_eq!(group.carriers("shared/mode"), KEEPERS);
    for id in 100..200 {
        assert_eq!(group.value_at(id, "mode").as_deref(), Some("on"), "member {id}");
    }
}

#[test]
fn what_was_removed_while_a_part_was_away_stays_removed_for_a_day() {
    for (away, expected) in [(REMOVAL_MEMORY, None), (REMOVAL_MEMORY + Span::from_secs(1), Some("on"))] {
        let mut group = Group::of(0..6);
        let wall = group.wall;
        group.member(0).set(wall, "mode", "on").unwrap();
        group.member(0).add(wall, "drained", "rack-7").unwrap();
        group.settle();
        let near: Vec<Id> = (0..3).collect();
        let far: Vec<Id> = (3..6).collect();
        assert_eq!(group.member(1).unset(wall, "mode"), Ok(true));
        assert_eq!(group.member(1).unset(wall, "mode"), Ok(false));
        assert_eq!(group.member(1).remove(wall, "drained", "rack-7"), Ok(true));
        group.settle_among(&near);
        group.settle_among(&far);
        group.wall = wall + away;
        group.settle();
        for id in 0..6 {
            assert_eq!(group.value_at(id, "mode").as_deref(), expected, "after {away}");
            assert_eq!(group.member(id).view().sets.is_empty(), expected.is_none(), "after {away}");
        }
    }
}

#[test]
fn an_item_that_was_added_long_ago_is_removed_everywhere_and_its_removal_remembered_for_a_day() {
    let mut group = Group::of(0..6);
    let (added, removed) = (group.wall, group.wall + REMOVAL_MEMORY + Span::from_secs(3600));
    group.member(0).add(added, "drained", "rack-7").unwrap();
    group.settle();
    let (near, far) = ([0, 1, 2], [3, 4, 5]);
    group.wall = removed;
    assert_eq!(group.member(1).remove(removed, "drained", "rack-7"), Ok(true));
    group.settle_among(&near);
    group.wall = removed + REMOVAL_MEMORY;
    group.settle_among(&far);
    group.settle();
    for id in 0..6 {
        assert!(group.member(id).view().sets.is_empty(), "member {id}");
    }
}

#[test]
fn a_member_whose_clock_was_ahead_and_is_set_back_writes_as_others_do() {
    let mut group = Group::of(0..2);
    let wall = group.wall;
    group.member(0).set(wall + Span::from_secs(3600), "a", "early").unwrap();
    group.member(0).set(wall, "b", "now").unwrap();
    group.carry(0, &[0, 1]);
    group.read(1, &[0]);
    assert_eq!(group.value_at(1, "b").as_deref(), Some("now"));
    assert_eq!(group.value_at(1, "a"), None);
}

#[test]
fn what_two_parts_write_is_merged_and_an_addition_survives_a_removal_at_the_same_time() {
    let mut group = Group::of(0..6);
    let wall = group.wall;
    group.member(0).add(wall, "drained", "rack-7").unwrap();
    group.settle();
    group.member(0).remove(wall, "drained", "rack-7").unwrap();
    group.member(0).set(wall, "mode", "near").unwrap();
    group.member(0).add(wall, "drained", "near").unwrap();
    group.member(4).add(wall, "drained", "rack-7").unwrap();
    group.member(4).add(wall, "drained", "far").unwrap();
    group.member(4).set(wall + Span::from_secs(1), "mode", "far").unwrap();
    group.settle();
    for id in 0..6 {
        let view = group.member(id).view();
        assert_eq!(view.sets["drained"].iter().map(|item| &**item).collect::<Vec<_>>(), ["far", "near", "rack-7"]);
        assert_eq!(&*view.values["mode"], "far");
    }
}

#[test]
fn a_write_of_which_no_keeper_has_heard_is_carried_by_a_member_that_has_once_its_writer_is_dead() {
    let all: Vec<Id> = (0..20).collect();
    let mut group = Group::of(0..20);
    let wall = group.wall;
    group.member(0).set(wall, "mode", "old").unwrap();
    group.settle();
    let is_keeper = |group: &Group, id: &Id| group.states[id].contains_key("shared/mode");
    let others: Vec<Id> = all.iter().filter(|id| !is_keeper(&group, id)).copied().collect();
    let [writer, witness, ..] = others[..] else { unreachable!() };
    group.member(writer).set(wall, "mode", "new").unwrap();
    group.carry(writer, &all);
    group.read(witness, &[writer]);
    group.crash(writer);
    group.settle();
    for id in group.members.keys() {
        assert_eq!(group.value_at(*id, "mode").as_deref(), Some("new"), "member {id}");
    }
    assert_eq!(group.carriers("shared/mode"), KEEPERS);
}

#[test]
fn a_write_by_a_member_whose_clock_is_behind_replaces_what_it_has_read() {
    let mut group = Group::of(0..5);
    let wall = group.wall;
    group.member(0).set(wall, "mode", "old").unwrap();
    group.settle();
    let behind = Time::from_micros(wall.as_micros() - 20_000_000);
    group.member(1).set(behind, "mode", "new").unwrap();
    group.settle();
    assert_eq!(group.value_at(4, "mode").as_deref(), Some("new"));
}

#[test]
fn a_write_from_a_clock_too_far_ahead_is_taken_once_it_is_not() {
    let mut group = Group::of(0..2);
    let (wall, lead) = (group.wall, HybridClock::LARGEST_LEAD + Span::from_secs(1));
    group.member(0).set(wall + lead, "mode", "on").unwrap();
    group.carry(0, &[0, 1]);
    let text = group.states[&0]["shared/mode"].clone();
    let other = group.member(1);
    assert_eq!(other.observe(wall, "shared/mode", &text), Observed::Ahead);
    assert_eq!(other.view(), SharedView::default());
    assert_eq!(other.observe(wall + Span::from_secs(1), "shared/mode", &text), Observed::Changed);
    assert_eq!(other.observe(wall + Span::from_secs(1), "shared/mode", &text), Observed::Known);
    let refused = other.set(wall, "mode", "off");
    assert_eq!(refused, Err(SharedError::Clock(MergeError::Ahead(lead))));
    assert_eq!(&*other.view().values["mode"], "on");
}

#[test]
fn names_items_and_values_have_longest_lengths() {
    let (wall, mut values) = (secs(1), SharedValues::new(1));
    let name = "n".repeat(NAME_BYTES + 1);
    assert_eq!(values.set(wall, &name[1..], ""), Ok(()));
    for wrong in [&name, "", "a/b", "a b", "ä"] {
        assert_eq!(values.set(wall, wrong, ""), Err(SharedError::Name(wrong.into())));
        assert_eq!(values.add(wall, wrong, "x"), Err(SharedError::Name(wrong.into())));
    }
    let item = "i".repeat(ITEM_BYTES + 1);
    assert_eq!(values.add(wall, &name[1..], &item[1..]), Ok(()));
    assert_eq!(values.add(wall, "s", "with a / and a ="), Ok(()));
    for wrong in [&item, "", "a\nb"] {
        assert_eq!(values.add(wall, "s", wrong), Err(SharedError::Item(wrong.into())));
    }
    let value = "v".repeat(Register::VALUE_BYTES + 1);
    assert_eq!(values.set(wall, "a", &value[1..]), Ok(()));
    assert_eq!(values.set(wall, "a", &value), Err(SharedError::LongValue(value.len())));
    // The longest of each fit a member's state.
    for (key, text) in values.carry(wall, wall, &[1], |_, _| None) {
        assert_eq!(StateStore::new(1, 1).set(Time::ZERO, &key, &text, None), Ok(true), "{key}");
        assert_eq!(SharedValues::new(2).observe(wall, &key, &text), Observed::Changed);
    }
}

#[test]
fn values_and_items_are_written_up_to_the_limits_and_observed_beyond() {
    let (wall, mut values) = (secs(1), SharedValues::new(1));
    for number in 0..ENTRY_LIMIT {
        values.set(wall, &format!("n{number}"), "").unwrap();
    }
    assert_eq!(values.set(wall, "more", ""), Err(SharedError::TooMany));
    assert_eq!(values.set(wall, "n0", "other"), Ok(()));
    assert_eq!(values.unset(wall, "n0"), Ok(true));
    // A removal counts while it is remembered.
    assert_eq!(values.set(wall, "more", ""), Err(SharedError::TooMany));
    let later = wall + REMOVAL_MEMORY + Span::from_secs(1);
    assert_eq!(values.set(later, "more", ""), Ok(()));

    let mut other = SharedValues::new(2);
    for number in 0..2 * ENTRY_LIMIT + 1 {
        let observed = other.observe(wall, &format!("shared/m{number:04}"), "1.0@1=");
        assert_eq!(observed == Observed::Changed, number < 2 * ENTRY_LIMIT, "{number}");
    }
}

#[test]
fn which_of_too_many_entries_stay_does_not_depend_on_the_order_in_which_they_arrive() {
    let wall = secs(1_800_000_000);
    // Half of all have short values: a few of those would fit where a long one does not.
    for length in [0, 300] {
        let text = |number: usize| format!("1.0@1={}", "v".repeat(if number.is_multiple_of(2) { 1 } else { length }));
        let entries: Vec<_> = (0..400).map(|number| (format!("shared/m{number}"), text(number))).collect();
        let after = |seed: u64| {
            let mut rng = stream(seed, Purpose::State, 0);
            let mut order: Vec<_> = entries.iter().map(|entry| (bits(&mut rng), entry)).collect();
            order.sort_unstable();
            let mut values = SharedValues::new(1);
            for (_, (key, text)) in &order {
                values.observe(wall, key, text);
            }
            // They are read again, in another order.
            values.begin_reading();
            order.reverse();
            for (_, (key, text)) in &order {
                values.observe(wall, key, text);
            }
            values.view()
        };
        let first = after(0);
        assert!(first.values.len() > 20 && first.values.len() <= 2 * ENTRY_LIMIT);
        let names: Vec<_> = first.values.keys().cloned().collect();
        let mut all: Vec<_> = (0..400).map(|number| format!("m{number}").into_boxed_str()).collect();
        all.sort();
        assert_eq!(names, all[..names.len()]);
        assert!((1..10).all(|seed| after(seed) == first));
    }
}

#[test]
fn a_write_that_is_refused_changes_nothing_and_what_is_removed_makes_room_for_what_was_refused() {
    let (wall, mut values) = (secs(1), SharedValues::new(2));
    let observe =
        |values: &mut SharedValues, number: usize| values.observe(wall, &format!("shared/m{number:04}"), "1.0@1=");
    for number in 0..2 * ENTRY_LIMIT {
        observe(&mut values, number);
    }
    let before = values.view();
    assert_eq!(values.set(wall, "more", "x"), Err(SharedError::TooMany));
    assert_eq!(values.view(), before);
    assert_eq!(observe(&mut values, 2 * ENTRY_LIMIT), Observed::Refused);
    let later = wall + REMOVAL_MEMORY + Span::from_secs(1);
    assert_eq!(values.unset(wall, "m0000"), Ok(true));
    values.carry(later, later, &[2], |_, _| None);
    assert_eq!(observe(&mut values, 2 * ENTRY_LIMIT), Observed::Refused);
    values.begin_reading();
    assert_eq!(observe(&mut values, 2 * ENTRY_LIMIT), Observed::Changed);
}

#[test]
fn keepers_are_the_members_with_the_greatest_hashes_however_the_group_changes() {
    let mut rng = stream(7, Purpose::State, 0);
    let keys: Vec<SharedKey> = (0..20).map(|number| SharedKey::value(&format!("n{number}")).unwrap()).collect();
    let (mut table, mut members) = (KeeperTable::default(), BTreeSet::new());
    for _ in 0..300 {
        for _ in 0..below(&mut rng, 4) {
            let id = Id::from(below(&mut rng, 12));
            if !members.remove(&id) {
                members.insert(id);
            }
        }
        let group: Vec<Id> = members.iter().copied().collect();
        table.set_members(&group);
        for key in &keys {
            let mut anew = KeeperTable::default();
            anew.set_members(&group);
            let expected = anew.of(key);
            assert_eq!(expected.len(), group.len().min(KEEPERS));
            assert_eq!(table.of(key), expected, "{group:?}");
        }
    }
}

#[test]
fn all_values_have_a_most_bytes() {
    let (wall, mut values) = (secs(1), SharedValues::new(1));
    let value = "v".repeat(Register::VALUE_BYTES);
    let refused = (0..ENTRY_LIMIT).find_map(|number| values.set(wall, &format!("n{number}"), &value).err());
    let Some(SharedError::TooLarge(bytes)) = refused else { panic!("{refused:?}") };
    assert!(bytes > BYTE_LIMIT && bytes < BYTE_LIMIT + 500, "{bytes}");
    let pairs = values.carry(wall, wall, &[1], |_, _| None);
    assert!(pairs.iter().map(|(key, text)| key.len() + text.len()).sum::<usize>() <= BYTE_LIMIT);
}

#[test]
fn entries_in_any_other_form_are_refused() {
    let mut values = SharedValues::new(1);
    for (key, text) in [("kind", "backend"), ("service/web", "80 1"), ("sharedx", "1.0@1=")] {
        assert_eq!(values.observe(secs(1), key, text), Observed::Other);
    }
    let wrong = [
        ("shared/", "1.0@1=a"),
        ("shared/a b", "1.0@1=a"),
        ("shared/a", ""),
        ("shared/a", "1@1=a"),
        ("shared/a", "01.0@1=a"),
        ("shared/a", "1.0@+1=a"),
        ("shared/a", "1.0@1 "),
        ("shared/a", "1.100000000@1=a"),
        ("set/a", "1.0@1"),
        ("set/a/", "1.0@1"),
        ("set/a/b", ""),
        ("set/a/b", "1.0@2 1.0@1"),
        ("set/a/b", "1.0@1 1.0@1"),
        ("set/a/b", "1.0@1-"),
        ("set/a/b", "1.0@1-1.0-1.0"),
        ("set/a/b", "-1.0@1"),
        ("set/a/b", "1.0@1=a"),
    ];
    for (key, text) in wrong {
        assert_eq!(values.observe(secs(1), key, text), Observed::Refused, "{key}: {text}");
    }
    let long = format!("1.0@1={}", "v".repeat(Register::VALUE_BYTES + 1));
    assert_eq!(values.observe(secs(1), "shared/a", &long), Observed::Refused);
    assert_eq!(values.view(), SharedView::default());
}

#[derive(Clone, Debug)]
enum Step {
    Set(Id, u8, u8),
    Unset(Id, u8),
    Add(Id, u8),
    Remove(Id, u8),
    /// A member reads what another carries, and writes its own state.
    Read(Id, Id),
    /// A member is replaced by a new one of another id.
    Replace(Id),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let member = || 0..6_u64;
    let step = prop_oneof![
        2 => (member(), 0..2_u8, any::<u8>()).prop_map(|(id, name, value)| Step::Set(id, name, value)),
        1 => (member(), 0..2_u8).prop_map(|(id, name)| Step::Unset(id, name)),
        2 => (member(), 0..2_u8).prop_map(|(id, item)| Step::Add(id, item)),
        1 => (member(), 0..2_u8).prop_map(|(id, item)| Step::Remove(id, item)),
        12 => (member(), member()).prop_map(|(id, from)| Step::Read(id, from)),
        1 => member().prop_map(Step::Replace),
    ];
    vec(step, 0..150)
}

proptest! {
    /// Members agree once all have read all, whatever reached whom in whatever order and whoever was replaced, and the
    /// keepers alone carry each entry.
    #[test]
    fn members_agree_in_the_end(steps in steps()) {
        let mut group = Group::of(0..6);
        let mut ids: Vec<Id> = (0..6).collect();
        for (number, step) in steps.into_iter().enumerate() {
            group.wall += Span::from_millis(1);
            // The clocks of members are seconds apart.
            let wall = |id: Id| secs(1_800_000_000 + id % 6);
            let name = |number: u8| format!("n{number}");
            match step {
                Step::Set(at, of, value) => {
                    let id = ids[at as usize];
                    group.member(id).set(wall(at), &name(of), &value.to_string()).unwrap();
                }
                Step::Unset(at, of) => {
                    group.member(ids[at as usize]).unset(wall(at), &name(of)).unwrap();
                }
                Step::Add(at, item) => group.member(ids[at as usize]).add(wall(at), "s", &name(item)).unwrap(),
                Step::Remove(at, item) => {
                    group.member(ids[at as usize]).remove(wall(at), "s", &name(item)).unwrap();
                }
                Step::Read(at, from) => {
                    group.read(ids[at as usize], &[ids[from as usize]]);
                    group.carry(ids[at as usize], &ids);
                }
                Step::Replace(at) => {
                    group.crash(ids[at as usize]);
                    ids[at as usize] = 100 + number as Id;
                    group.join(100 + number as Id);
                }
            }
        }
        group.settle();
        let views: Vec<SharedView> = group.members.values().map(SharedValues::view).collect();
        prop_assert!(views.iter().all(|view| *view == views[0]));
        let keys: BTreeSet<&String> = group.states.values().flat_map(BTreeMap::keys).collect();
        prop_assert!(keys.iter().all(|key| group.carriers(key) == KEEPERS));
    }
}
