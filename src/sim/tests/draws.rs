//! Sources of the random numbers for delay and loss.

use std::collections::BTreeMap;

use super::*;
use crate::protocol::MessageKind;

/// Fate of each packet, by time, sender, receiver and kind; packets that agree in these are listed in order.
#[derive(Default)]
struct Fates(BTreeMap<(Time, MemberIndex, MemberIndex, MessageKind), Vec<Delivery>>);

impl Observer for Fates {
    fn sent(&mut self, sent: &Sent) {
        self.0.entry((sent.at, sent.from, sent.to, sent.kind)).or_default().push(sent.delivery);
    }
}

/// The packets of a world with 10 % loss and a crash.
fn fates(draws: NetworkDraws, profile: &str) -> Fates {
    let mut setup = Setup { loss: 0.1, ..setup("aws", 24, 7, 55, &["crash:at=5s,target=3"]) };
    setup.network_draws = draws;
    let config = profiles().build(&Spec::of(profile), &()).unwrap();
    let mut fates = Fates::default();
    run_swim(&setup, &member_config(config), &strategy("shuffle", &setup), &mut fates);
    fates
}

/// Packets of both worlds, and those with the same fate.
fn shared(draws: NetworkDraws) -> (usize, usize) {
    let (one, other) = (fates(draws, "swim"), fates(draws, "lha-suspicion"));
    // A stream's fate depends on its length, too.
    let datagrams = one.0.iter().filter(|((_, _, _, kind), _)| *kind != MessageKind::Sync);
    let both: Vec<_> = datagrams.filter_map(|(key, fate)| Some((fate, other.0.get(key)?))).collect();
    (both.len(), both.iter().filter(|(one, other)| one[0] == other[0]).count())
}

#[test]
fn drawn_by_the_packet_it_has_the_same_fate_in_two_worlds() {
    let (packets, equal) = shared(NetworkDraws::ByPacket);
    assert!(packets > 300, "{packets}");
    assert_eq!(equal, packets);
    let (packets, equal) = shared(NetworkDraws::BySender);
    assert!(equal < packets * 9 / 10, "{equal} of {packets}: worlds that differ draw other numbers");
}

#[test]
fn with_other_draws_from_a_time_on_the_past_stays_and_the_future_changes() {
    let at = Time::ZERO + Span::from_secs(20);
    let world = |draws: NetworkDraws, redraws: &[(Time, u64)]| {
        let mut setup = Setup { loss: 0.1, ..setup("aws", 24, 7, 55, &[]) };
        setup.network_draws = draws;
        let config = profiles().build(&Spec::of("swim"), &()).unwrap();
        let factory = SwimFactory::new(&setup, &member_config(config), &strategy("shuffle", &setup));
        let mut fates = Fates::default();
        let mut world = World::new(&setup, factory, &mut fates);
        for &(at, seed) in redraws {
            world.advance(at);
            world.redraw(seed);
        }
        let violations = world.run().violations;
        assert!(violations.is_empty(), "{violations:?}");
        fates
    };
    let before = |fates: &Fates| {
        fates.0.iter().filter(|((sent, ..), _)| *sent < at).map(|(k, v)| (*k, v.clone())).collect::<Vec<_>>()
    };
    for draws in [NetworkDraws::BySender, NetworkDraws::ByPacket] {
        let (plain, redrawn) = (world(draws, &[]), world(draws, &[(at, 1)]));
        assert_eq!(before(&plain), before(&redrawn));
        assert_ne!(plain.0, redrawn.0);
        let twice = world(draws, &[(at, 1), (at + Span::from_secs(1), 2)]);
        assert_eq!(before(&twice), before(&plain));
        assert_ne!(twice.0, redrawn.0);
        assert_eq!(world(draws, &[(at, 1)]).0, redrawn.0);
    }
}

/// One seed; 4.4 standard deviations of a binomial count.
#[test]
fn drawn_by_the_packet_the_loss_rate_is_right() {
    let fates = fates(NetworkDraws::ByPacket, "swim");
    let all: Vec<_> = fates.0.iter().filter(|((_, _, _, kind), _)| *kind != MessageKind::Sync).collect();
    let (packets, lost) = (all.len() as f64, all.iter().filter(|(_, fate)| fate[0] == Delivery::Lost).count() as f64);
    let tolerance = 4.4 * libm::sqrt(packets * 0.1 * 0.9);
    assert!((lost - 0.1 * packets).abs() < tolerance, "{lost} of {packets}");
}
