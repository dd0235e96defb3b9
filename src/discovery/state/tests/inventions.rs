//! States that somebody has invented.

use super::exchange::{repair, repair_at, silence};
use super::{exchange, hand_over, ms, store};
use crate::discovery::state::{Exchange, ExchangeConfig, StateStore};

const OWNER: u64 = 1;

/// The owner with a value, and a member that has believed the invented state of the owner, of this generation.
fn deceived(generation: u32) -> (Exchange, Exchange) {
    let mut owner = store(OWNER, [2]);
    owner.set(ms(0), "service/web", "80", None).unwrap();
    let mut insider = StateStore::new(OWNER, generation);
    for key in 0..50 {
        insider.set(ms(0), &format!("key {key}"), "invented", None).unwrap();
    }
    let mut deceived = store(2, [OWNER]);
    hand_over(ms(0), &insider, &mut deceived, OWNER);
    assert_eq!(deceived.get(OWNER, "key 7"), Some("invented"));
    let mut both = [owner, deceived].map(|store| exchange(ExchangeConfig::default(), store));
    both.iter_mut().for_each(silence);
    let [owner, deceived] = both;
    (owner, deceived)
}

fn is_as_written(member: &Exchange) -> bool {
    member.store().keys_of(OWNER).eq([("service/web", "80")])
}

#[test]
fn an_owner_notices_what_others_tell_of_it_and_its_next_life_ends_that() {
    for owner_begins in [true, false] {
        let (mut owner, mut deceived) = deceived(1);
        if owner_begins {
            repair(&mut owner, &mut deceived)
        } else {
            repair(&mut deceived, &mut owner)
        };
        assert!(owner.store_mut().take_contradiction());
        assert!(!owner.store_mut().take_contradiction(), "once");
        // Membership learns of the next generation, and the owner writes its state anew.
        owner.store_mut().begin_life(2);
        owner.store_mut().set(ms(0), "service/web", "80", None).unwrap();
        deceived.store_mut().hold_to(OWNER, 2);
        assert_eq!(deceived.store().keys_of(OWNER).count(), 0);
        silence(&mut owner);
        repair_at(ms(20_000), &mut owner, &mut deceived);
        assert!(is_as_written(&deceived));
    }
}

#[test]
fn a_state_of_a_life_that_membership_does_not_know_is_dropped_and_the_true_one_repaired() {
    let (mut owner, mut deceived) = deceived(u32::MAX);
    deceived.store_mut().hold_to(OWNER, 1);
    repair(&mut owner, &mut deceived);
    assert!(is_as_written(&deceived));
    assert!(!owner.store_mut().take_contradiction());
    // The own state and that of the right life stay.
    let digest = deceived.store().digest();
    deceived.store_mut().hold_to(OWNER, 1);
    deceived.store_mut().hold_to(2, 9);
    assert_eq!(deceived.store().digest(), digest);
}

#[test]
fn what_an_owner_has_written_itself_contradicts_nothing() {
    let (mut owner, _) = deceived(1);
    let mut other = exchange(ExchangeConfig::default(), store(3, [OWNER]));
    repair(&mut owner, &mut other);
    owner.store_mut().set(ms(0), "service/web", "81", None).unwrap();
    silence(&mut owner);
    repair(&mut owner, &mut other);
    repair(&mut other, &mut owner);
    assert_eq!(other.store().get(OWNER, "service/web"), Some("81"));
    assert!(!owner.store_mut().take_contradiction());
}
