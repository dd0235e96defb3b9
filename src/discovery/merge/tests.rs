//! Laws of merging, and what they are for.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::{HybridClock, MergeError, ObservedItem, Register, Stamp};
use crate::protocol::{Id, Span, Time};

fn secs(secs: u64) -> Time {
    Time::ZERO + Span::from_secs(secs)
}

/// Merged replicas of both.
fn merged(first: &ObservedItem, second: &ObservedItem) -> ObservedItem {
    let mut both = first.clone();
    both.merge(second);
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
    let (mut clock_1, mut clock_2) = (HybridClock::default(), HybridClock::default());
    let (mut first, mut second) = (ObservedItem::default(), ObservedItem::default());
    first.add(&mut clock_1, secs(1), 1).unwrap();
    second.merge(&first);
    // Member 1 removes the item; member 2 adds it again at the same time.
    assert_eq!(first.remove(&mut clock_1, secs(1)), Ok(true));
    assert_eq!(first.remove(&mut clock_1, secs(1)), Ok(false));
    second.add(&mut clock_2, secs(1), 2).unwrap();
    assert_eq!(merged(&first, &second), merged(&second, &first));
    assert!(merged(&first, &second).is_present());
    // A removal that has observed the second addition removes it.
    first.merge(&second);
    assert_eq!(first.remove(&mut clock_1, secs(1)), Ok(true));
    assert!(second.merge(&first));
    assert!(!second.is_present());
    assert!(!second.merge(&first));
}

#[test]
fn values_have_a_longest_length() {
    let (mut clock, mut register) = (HybridClock::default(), Register::default());
    let value = "v".repeat(Register::VALUE_BYTES + 1);
    assert_eq!(register.set(&mut clock, secs(1), 1, &value[1..]), Ok(()));
    assert_eq!(register.set(&mut clock, secs(1), 1, &value), Err(MergeError::LongText(value.len())));
}

#[test]
fn of_an_item_the_additions_of_the_latest_writers_are_kept_and_an_earlier_one_does_not_come_back() {
    let (mut clock, mut first) = (HybridClock::default(), ObservedItem::default());
    first.add(&mut clock, secs(1), 0).unwrap();
    let old = first.clone();
    for writer in 1..=ObservedItem::WRITER_LIMIT as Id {
        first.add(&mut clock, secs(1), writer).unwrap();
    }
    assert_eq!(first.additions().len(), ObservedItem::WRITER_LIMIT);
    assert!(!first.additions().contains_key(&0));
    first.remove(&mut clock, secs(1)).unwrap();
    assert!(!first.merge(&old));
    assert!(!first.is_present() && !merged(&old, &first).is_present());
}

#[derive(Clone, Debug)]
enum ItemStep {
    Add(usize),
    Remove(usize),
    Merge(usize, usize),
}

/// Three that are compared, and more writers than an item keeps the additions of.
const REPLICAS: usize = ObservedItem::WRITER_LIMIT + 3;

fn item_steps(replicas: usize) -> impl Strategy<Value = Vec<ItemStep>> {
    let replica = move || 0..replicas;
    let step = prop_oneof![
        replica().prop_map(ItemStep::Add),
        replica().prop_map(ItemStep::Remove),
        (replica(), replica()).prop_map(|(to, from)| ItemStep::Merge(to, from)),
    ];
    vec(step, 0..120)
}

/// Replicas after these steps, each written by a member of its own, whose clocks are seconds apart.
fn replicas(steps: &[ItemStep]) -> Vec<ObservedItem> {
    let mut replicas = vec![ObservedItem::default(); REPLICAS];
    let mut clocks = [HybridClock::default(); REPLICAS];
    for step in steps {
        match *step {
            ItemStep::Add(replica) => {
                let wall = secs(20 - replica as u64);
                replicas[replica].add(&mut clocks[replica], wall, replica as Id).unwrap();
            }
            ItemStep::Remove(replica) => {
                let wall = secs(20 - replica as u64);
                replicas[replica].remove(&mut clocks[replica], wall).unwrap();
            }
            ItemStep::Merge(to, from) => {
                let from = replicas[from].clone();
                replicas[to].merge(&from);
            }
        }
    }
    replicas
}

/// An item as the additions that a replica has seen, and those of them that were removed.
#[derive(Clone, Default)]
struct Model {
    /// The numbers of the steps that added it.
    added: Vec<usize>,
    removed: Vec<usize>,
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
    fn merging_items_is_associative_commutative_and_idempotent(steps in item_steps(REPLICAS)) {
        let replicas = replicas(&steps);
        let [a, b, c, ..] = &replicas[..] else { unreachable!() };
        prop_assert_eq!(merged(a, b), merged(b, a));
        prop_assert_eq!(merged(&merged(a, b), c), merged(a, &merged(b, c)));
        prop_assert_eq!(&merged(a, a), a);
        prop_assert_eq!(merged(&merged(a, b), b), merged(a, b));
    }

    /// After all have merged with all, the item is there if an addition of it was not observed by any removal, nor by a
    /// later addition. With few writers none is dropped.
    #[test]
    fn all_replicas_are_equal_in_the_end_with_the_additions_that_nobody_removed(steps in item_steps(3)) {
        let items = replicas(&steps);
        let all = items.iter().fold(ObservedItem::default(), |all, item| merged(&all, item));
        let mut models = vec![Model::default(); REPLICAS];
        for (number, step) in steps.iter().enumerate() {
            match *step {
                ItemStep::Add(replica) => {
                    let model = &mut models[replica];
                    model.removed.extend(&model.added);
                    model.added.push(number);
                }
                ItemStep::Remove(replica) => {
                    let model = &mut models[replica];
                    model.removed.extend(&model.added);
                }
                ItemStep::Merge(to, from) => {
                    let from = models[from].clone();
                    models[to].added.extend(from.added);
                    models[to].removed.extend(from.removed);
                }
            }
        }
        let is_removed = |at: &usize| models.iter().any(|model| model.removed.contains(at));
        let expected = models.iter().flat_map(|model| &model.added).any(|at| !is_removed(at));
        prop_assert_eq!(all.is_present(), expected);
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
