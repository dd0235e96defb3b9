//! Differences of the variants.

use super::*;

/// Time of the next ping of a fresh period.
fn periods(member: &mut Member, until: f64) -> Vec<f64> {
    let mut times = Vec::new();
    while member.deadline() <= at(until) {
        let now = member.deadline();
        let mut out = Outbox::default();
        member.wake(now, &mut out);
        if out.transmits.iter().any(|transmit| transmit.direct_ping) {
            times.push(now.as_secs_f64());
        }
    }
    times
}

#[test]
fn a_member_without_any_answer_probes_more_and_more_slowly() {
    let mut member = member_with(9, Spec::of("lha-probe"));
    // A failed probe and three missing nacks: 4 points a period, 8 at most.
    assert_eq!(periods(&mut member, 20.0), [0.0, 1.0, 6.0, 15.0]);
}

#[test]
fn memberlist_counts_missing_nacks_alone_and_ends_at_seven() {
    let mut member = member_with(9, Spec::of("memberlist-lan"));
    assert_eq!(periods(&mut member, 26.0), [0.0, 1.0, 5.0, 12.0, 20.0]);
}

#[test]
fn nacks_show_that_the_target_is_the_silent_one() {
    let mut member = member_with(9, Spec::of("lha-probe"));
    member.due(at(0.0));
    let out = member.due(at(0.5));
    let requests: Vec<_> = out
        .transmits
        .iter()
        .filter_map(|transmit| match &transmit.message.body {
            Body::PingReq(request) => Some((request.seq, request.nack_after_us, request.targets[0].id)),
            _ => None,
        })
        .collect();
    let [(seq, nack_after_us, target), ..] = requests[..] else { panic!("{out:?}") };
    // 80 % of the probe timeout.
    assert_eq!((requests.len(), nack_after_us), (3, 400_000));
    for helper in 1..9 {
        member.hear(at(0.95), helper, Body::Nack { seq, target }, vec![]);
    }
    // One point, for the failed probe alone.
    assert_eq!(periods(&mut member, 3.5), [1.0, 3.0]);
}

#[test]
fn nacks_of_members_that_were_not_asked_do_not_count() {
    let mut member = member_with(9, Spec::of("lha-probe"));
    let target = target_of(&member.due(at(0.0)));
    let requests = member.due(at(0.5));
    for n in (1..9).filter(|&n| requests.transmits.iter().all(|transmit| transmit.to != address(n))) {
        member.hear(at(0.95), n, Body::Nack { seq: 1, target: id(target) }, vec![]);
    }
    // One point for the failed probe, and three for missing nacks.
    assert_eq!(periods(&mut member, 6.5), [1.0, 6.0]);
}

#[test]
fn the_health_score_falls_a_point_at_a_time_and_rises_by_one_with_an_accusation() {
    let mut member = member_with(9, Spec::of("lha-probe"));
    member.learns_of(suspect(0, 0));
    let mut starts = Vec::new();
    while starts.len() < 3 {
        let now = member.deadline();
        let mut out = Outbox::default();
        member.wake(now, &mut out);
        let Some(ping) = out.transmits.iter().find(|transmit| transmit.direct_ping) else { continue };
        starts.push(now.as_secs_f64());
        let Body::Ping { seq } = ping.message.body else { panic!() };
        let target = (1..9).find(|&n| address(n) == ping.to).unwrap();
        member.hear(now, target, Body::Ack { seq }, vec![]);
    }
    assert_eq!(starts, [0.0, 2.0, 3.0]);
}

#[test]
fn with_memberlists_pacing_an_answer_ends_the_round_and_only_silence_stretches_it() {
    let mut member = member_with(9, Spec::of("lha-probe").with("health_pacing", "memberlist"));
    (0..4).for_each(|accusation| drop(member.learns_of(suspect(0, accusation))));
    let out = member.due(at(0.0));
    let Body::Ping { seq } = bodies(&out)[0].clone() else { panic!("{out:?}") };
    let target = (1..9).find(|&n| address(n) == out.transmits[0].to).unwrap();
    member.hear(at(0.2), target, Body::Ack { seq }, vec![]);
    // After an answer the next round begins on time. With three points, four less one for the answer, the silent round
    // takes four periods. Its helpers are asked as early as without points.
    let requests = |out: &Outbox| bodies(out).iter().filter(|body| matches!(body, Body::PingReq(_))).count();
    assert_eq!(requests(&member.due(at(1.0))), 0);
    assert_eq!(requests(&member.due(at(1.5))), 3);
    assert_eq!(periods(&mut member, 5.5), [5.0]);
}

#[test]
fn with_memberlists_pacing_a_late_answer_is_followed_by_the_next_round_at_once() {
    let mut member = member_with(9, Spec::of("lha-probe").with("health_pacing", "memberlist"));
    (0..4).for_each(|accusation| drop(member.learns_of(suspect(0, accusation))));
    let out = member.due(at(0.0));
    let Body::Ping { seq } = bodies(&out)[0].clone() else { panic!("{out:?}") };
    let target = (1..9).find(|&n| address(n) == out.transmits[0].to).unwrap();
    member.due(at(0.5));
    member.hear(at(3.2), target, Body::Ack { seq }, vec![]);
    assert_eq!(periods(&mut member, 6.0), [3.2]);
}

#[test]
fn without_the_nack_prober_no_nack_is_asked_for_and_periods_stay_as_they_are() {
    let mut member = member_with(9, Spec::of("swim"));
    member.due(at(0.0));
    let out = member.due(at(0.5));
    for body in bodies(&out) {
        let Body::PingReq(request) = body else { panic!("{body:?}") };
        assert_eq!(request.nack_after_us, 0);
    }
    assert_eq!(periods(&mut member, 4.5), [1.0, 2.0, 3.0, 4.0]);
}

#[test]
fn the_first_k_confirmations_shorten_a_suspicion_and_are_passed_on() {
    let mut member = member_with(128, Spec::of("lha-suspicion"));
    let by = |n| update(1, 0, UpdateKind::Suspect { by: id(n) });
    let until = |member: &Member| {
        let slot = member.table.slot(id(1)).unwrap();
        member.table.suspicion(slot).unwrap().until.as_secs_f64()
    };
    let mut ends = Vec::new();
    let mut passed_on = Vec::new();
    for suspecter in [9, 9, 10, 11, 12, 13] {
        member.learns_of(by(suspecter));
        ends.push(until(&member).round());
        let ack = member.hear(at(0.0), 2, Body::Ping { seq: 1 }, vec![]);
        passed_on.push(ack.transmits[0].message.updates.contains(&by(suspecter)));
    }
    assert_eq!(ends, [63.0, 63.0, 37.0, 21.0, 11.0, 11.0]);
    // A repeated confirmation is not new, but still being sent; the fourth one exceeds K.
    assert_eq!(passed_on, [true, true, true, true, true, false]);
}

#[test]
fn recently_dead_members_get_gossip_for_the_configured_time() {
    let spec = Spec::of("memberlist-lan").with("gossip_nodes", 8.0);
    let mut member = member_with(4, spec);
    member.learns_of(update(1, 0, UpdateKind::Dead));
    member.learns_of(update(2, 0, UpdateKind::Dead));
    let gossip_to = |out: &Outbox, n| {
        let gossip = out.transmits.iter().filter(|transmit| matches!(transmit.message.body, Body::Gossip));
        gossip.filter(|transmit| transmit.to == address(n)).count()
    };
    let soon = member.due(at(1.0));
    assert!(gossip_to(&soon, 1) + gossip_to(&soon, 2) > 0, "two of three candidates are dead: {soon:?}");
    member.due(at(32.0));
    member.learns_of(alive(3, 1));
    let late = member.due(at(34.0));
    assert_eq!((gossip_to(&late, 1), gossip_to(&late, 2)), (0, 0));
}

#[test]
fn in_the_2002_paper_the_dead_stay_dead() {
    for profile in ["swim-basic", "swim-inf", "swim-inf-susp"] {
        let mut member = member_with(9, Spec::of(profile));
        member.learns_of(update(1, 0, UpdateKind::Dead));
        member.learns_of(alive(1, 1));
        assert_eq!(member.belief(1), Some((incarnation(0), Status::Dead)), "{profile}");
    }
}
