//! Laws of merging, and what they are for.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::{HybridClock, MergeError, ObservedSet, Register, Stamp};
use crate::protocol::{Id, Span, Time};

fn secs(secs: u64) -> Time {
    Time::ZERO + Span::from_secs(secs)
}

fn items(set: &ObservedSet) -> Vec<&str> {
    set.iter().collect()
}

/// Merged replicas of both.
fn merged(first: &ObservedSet, second: &ObservedSet) -> ObservedSet {
    let mut both = first.clone();
    both.merge(second).unwrap();
    both
}

#[test]
fn a_write_by_a_member_whose_clock_is_behind_is_not_lost_as_with_wall_clocks() {
    // The clock of member 1 is 5 s ahead of that of member 2.
    let (mut ahead, mut behind) = (HybridClock::default(), HybridClock::default());
    let mut first = Register::default();
    first.set(&mut ahead, secs(105), 1, "old").unwrap();
    // Two seconds later, member 2 has read the value and replaces it.
    behind.observe(secs(102), first.stamp()).unwrap();
    let mut second = first.clone();
    second.set(&mut behind, secs(102), 2, "new").unwrap();
    // By the wall clocks of the writers, the replaced value is the later one, and the write is lost.
    let by_wall_clock = [(secs(105), "old"), (secs(102), "new")].into_iter().max().unwrap();
    assert_eq!(by_wall_clock.1, "old");
    // By the hybrid clock it is not, in both directions.
    assert!(first.clone().merge(&second));
    assert!(!second.clone().merge(&first));
    first.merge(&second);
    assert_eq!((first.get(), first.writer()), (Some("new"), 2));
}

#[test]
fn a_clock_that_is_set_back_does_not_lose_writes() {
    let (mut clock, mut value) = (HybridClock::default(), Register::default());
    value.set(&mut clock, secs(100), 1, "old").unwrap();
    let before = value.clone();
    value.set(&mut clock, secs(90), 1, "new").unwrap();
    assert!(!value.merge(&before));
    assert_eq!(value.get(), Some("new"));
}

#[test]
fn a_stamp_too_far_ahead_is_refused_and_draws_no_clock_along() {
    let (mut clock, lead) = (HybridClock::default(), HybridClock::LARGEST_LEAD);
    let stamp = |lead: Span| Stamp { wall: secs(100) + lead, counter: 0 };
    let beyond = lead + Span::from_micros(1);
    assert_eq!(clock.observe(secs(100), stamp(beyond)), Err(MergeError::Ahead(beyond)));
    assert_eq!(clock.stamp(secs(100)), Stamp { wall: secs(100), counter: 0 });
    assert_eq!(clock.observe(secs(100), stamp(lead)), Ok(()));
    assert_eq!(clock.stamp(secs(100)), Stamp { wall: secs(100) + lead, counter: 1 });
    // A register whose value is from such a clock is not written either, as the write would be lost.
    let mut wrong = Register::default();
    wrong.set(&mut HybridClock::default(), secs(500), 1, "wrong").unwrap();
    assert!(matches!(wrong.set(&mut clock, secs(100), 2, "right"), Err(MergeError::Ahead(_))));
    assert_eq!(wrong.get(), Some("wrong"));
}

#[test]
fn the_counter_of_stamps_carries_into_the_wall_clock() {
    let mut clock = HybridClock::default();
    clock.observe(secs(1), Stamp { wall: secs(1), counter: u32::MAX }).unwrap();
    assert_eq!(clock.stamp(secs(1)), Stamp { wall: secs(1) + Span::from_micros(1), counter: 0 });
}

#[test]
fn concurrent_writes_with_one_stamp_are_ordered_by_writer() {
    let write = |writer, value: &str| {
        let mut register = Register::default();
        register.set(&mut HybridClock::default(), secs(1), writer, value).unwrap();
        register
    };
    let (mut first, mut second) = (write(1, "z"), write(2, "a"));
    first.merge(&second);
    second.merge(&write(1, "z"));
    assert_eq!((first.get(), second.get()), (Some("a"), Some("a")));
}

#[test]
fn a_cleared_register_is_not_filled_by_an_earlier_write() {
    let (mut clock, mut value) = (HybridClock::default(), Register::default());
    value.set(&mut clock, secs(1), 1, "a").unwrap();
    let before = value.clone();
    value.clear(&mut clock, secs(1), 1).unwrap();
    assert!(!value.merge(&before));
    assert_eq!(value.get(), None);
}

#[test]
fn a_removal_removes_what_was_observed_and_a_concurrent_addition_wins() {
    let (mut first, mut second) = (ObservedSet::default(), ObservedSet::default());
    first.add(1, "gpu").unwrap();
    first.add(1, "disk").unwrap();
    second.merge(&first).unwrap();
    // Member 1 removes both; member 2 adds one of them again at the same time.
    first.remove("gpu");
    first.remove("disk");
    second.add(2, "gpu").unwrap();
    assert_eq!(merged(&first, &second), merged(&second, &first));
    assert_eq!(items(&merged(&first, &second)), ["gpu"]);
    // A removal that has observed the second addition removes it.
    first.merge(&second).unwrap();
    assert!(first.remove("gpu"));
    second.merge(&first).unwrap();
    assert!(second.is_empty());
    assert!(!second.merge(&first).unwrap());
}

#[test]
fn values_and_items_have_longest_lengths() {
    let (mut clock, mut register, mut set) = (HybridClock::default(), Register::default(), ObservedSet::default());
    let value = "v".repeat(Register::VALUE_BYTES + 1);
    assert_eq!(register.set(&mut clock, secs(1), 1, &value[1..]), Ok(()));
    assert_eq!(register.set(&mut clock, secs(1), 1, &value), Err(MergeError::LongText(value.len())));
    let item = "i".repeat(ObservedSet::ITEM_BYTES + 1);
    assert_eq!(set.add(1, &item[1..]), Ok(()));
    assert_eq!(set.add(1, &item), Err(MergeError::LongText(item.len())));
}

#[test]
fn sets_have_most_items_also_when_they_are_merged() {
    let (mut first, mut second) = (ObservedSet::default(), ObservedSet::default());
    for number in 0..ObservedSet::ITEM_LIMIT {
        first.add(1, &number.to_string()).unwrap();
    }
    assert_eq!(first.add(1, "more"), Err(MergeError::TooManyItems));
    assert_eq!(first.add(1, "0"), Ok(()));
    second.add(2, "more").unwrap();
    let before = first.clone();
    assert_eq!(first.merge(&second), Err(MergeError::TooManyItems));
    assert_eq!(first, before);
    first.remove("7");
    assert_eq!(first.merge(&second), Ok(true));
    assert_eq!(first.len(), ObservedSet::ITEM_LIMIT);
}

#[test]
fn sets_have_most_writers_also_when_they_are_merged() {
    let (mut first, mut second) = (ObservedSet::default(), ObservedSet::default());
    for writer in 0..ObservedSet::WRITER_LIMIT as Id {
        first.add(writer, "a").unwrap();
    }
    let next = ObservedSet::WRITER_LIMIT as Id;
    assert_eq!(first.add(next, "b"), Err(MergeError::TooManyWriters));
    assert_eq!(first.add(0, "b"), Ok(()));
    second.add(next, "b").unwrap();
    assert_eq!(first.merge(&second), Err(MergeError::TooManyWriters));
    assert!(first.contains("b"));
}

#[derive(Clone, Debug)]
enum SetStep {
    Add(usize, u8),
    Remove(usize, u8),
    Merge(usize, usize),
}

const REPLICAS: usize = 3;

fn set_steps() -> impl Strategy<Value = Vec<SetStep>> {
    let replica = || 0..REPLICAS;
    let step = prop_oneof![
        (replica(), 0_u8..4).prop_map(|(replica, item)| SetStep::Add(replica, item)),
        (replica(), 0_u8..4).prop_map(|(replica, item)| SetStep::Remove(replica, item)),
        (replica(), replica()).prop_map(|(to, from)| SetStep::Merge(to, from)),
    ];
    vec(step, 0..60)
}

/// Replicas after these steps, each written by a member of its own.
fn replicas(steps: &[SetStep]) -> Vec<ObservedSet> {
    let mut replicas = vec![ObservedSet::default(); REPLICAS];
    for step in steps {
        match *step {
            SetStep::Add(replica, item) => replicas[replica].add(replica as Id, &item.to_string()).unwrap(),
            SetStep::Remove(replica, item) => {
                replicas[replica].remove(&item.to_string());
            }
            SetStep::Merge(to, from) => {
                let from = replicas[from].clone();
                replicas[to].merge(&from).unwrap();
            }
        }
    }
    replicas
}

/// A set as the additions that a replica has seen, and those of them that were removed.
#[derive(Clone, Default)]
struct Model {
    /// Items, with the steps that added them.
    added: Vec<(u8, usize)>,
    removed: Vec<usize>,
}

impl Model {
    /// Removes all additions of an item that are here.
    fn remove(&mut self, item: u8) {
        self.removed.extend(self.added.iter().filter(|(added, _)| *added == item).map(|(_, at)| *at));
    }
}

fn registers() -> impl Strategy<Value = Register> {
    // Few different stamps and writers, so that many are equal.
    (0_u64..3, 0_u32..2, 0_u64..3, option::of("[ab]")).prop_map(|(wall, counter, writer, value)| {
        let (mut clock, mut register) = (HybridClock::default(), Register::default());
        clock.observe(secs(wall), Stamp { wall: secs(wall), counter }).unwrap();
        match value {
            Some(value) => register.set(&mut clock, secs(wall), writer, &value).unwrap(),
            None => register.clear(&mut clock, secs(wall), writer).unwrap(),
        }
        register
    })
}

proptest! {
    #[test]
    fn merging_sets_is_associative_commutative_and_idempotent(steps in set_steps()) {
        let replicas = replicas(&steps);
        let [a, b, c] = &replicas[..] else { unreachable!() };
        prop_assert_eq!(merged(a, b), merged(b, a));
        prop_assert_eq!(merged(&merged(a, b), c), merged(a, &merged(b, c)));
        prop_assert_eq!(&merged(a, a), a);
        prop_assert_eq!(merged(&merged(a, b), b), merged(a, b));
    }

    /// After all have merged with all, an item is there if an addition of it was not observed by any removal.
    #[test]
    fn all_replicas_are_equal_in_the_end_with_the_additions_that_nobody_removed(steps in set_steps()) {
        let sets = replicas(&steps);
        let all = merged(&merged(&sets[0], &sets[1]), &sets[2]);
        let mut models = vec![Model::default(); REPLICAS];
        for (number, step) in steps.iter().enumerate() {
            match *step {
                SetStep::Add(replica, item) => {
                    models[replica].remove(item);
                    models[replica].added.push((item, number));
                }
                SetStep::Remove(replica, item) => models[replica].remove(item),
                SetStep::Merge(to, from) => {
                    let from = models[from].clone();
                    models[to].added.extend(from.added);
                    models[to].removed.extend(from.removed);
                }
            }
        }
        let removed: Vec<usize> = models.iter().flat_map(|model| model.removed.clone()).collect();
        let added = models.iter().flat_map(|model| &model.added).filter(|(_, at)| !removed.contains(at));
        let mut expected: Vec<String> = added.map(|(item, _)| item.to_string()).collect();
        expected.sort();
        expected.dedup();
        prop_assert_eq!(items(&all), expected);
    }

    #[test]
    fn merging_registers_is_associative_commutative_and_idempotent(a in registers(), b in registers(), c in registers()) {
        let merged = |first: &Register, second: &Register| {
            let mut both = first.clone();
            both.merge(second);
            both
        };
        prop_assert_eq!(merged(&a, &b), merged(&b, &a));
        prop_assert_eq!(merged(&merged(&a, &b), &c), merged(&a, &merged(&b, &c)));
        prop_assert_eq!(merged(&a, &a), a);
    }

    #[test]
    fn stamps_increase_whatever_the_wall_clock_does(walls in vec((0_u64..5, option::of((0_u64..5, 0_u32..3))), 1..40)) {
        let (mut clock, mut last) = (HybridClock::default(), Stamp::default());
        for (wall, observed) in walls {
            if let Some((wall, counter)) = observed {
                let stamp = Stamp { wall: secs(wall), counter };
                clock.observe(secs(wall), stamp).unwrap();
                last = last.max(stamp);
            }
            let stamp = clock.stamp(secs(wall));
            prop_assert!(stamp > last);
            last = stamp;
        }
    }
}
