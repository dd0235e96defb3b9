//! The check of contents: states that were invented at versions that their owner has reached or reaches later.

use super::super::delta::{Delta, DeltaEntry};
use super::super::message::Message;
use super::network::Network;
use super::{exchange, ms, store, values};
use crate::discovery::state::{CONTENT_CHECK_EVERY, CONTENT_DIGEST_BYTES, Exchange, ExchangeConfig, StateStore};
use crate::protocol::{Id, Span, Time};

const N: Id = 40;
const OWNER: Id = 0;
const SERVICES: [(&str, &str); 2] = [("service/db", "81"), ("service/web", "80")];
/// The least time between two generations that a member takes, as for agents.
const NEXT_LIFE_INTERVAL: Span = Span::from_secs(60);

/// Members of which one offers services and tells a load figure every two seconds. Membership tells of a generation at
/// once.
struct Group {
    network: Network,
    generation: u32,
    next_life_at: Time,
    figure: u64,
}

impl Group {
    fn new(seed: u64, loss: f64) -> Self {
        let network = Network::new(seed, N, ExchangeConfig::default());
        let mut group = Self { network, generation: 1, next_life_at: Time::ZERO, figure: 0 };
        group.network.loss = loss;
        group.write_services();
        group.run_for(Span::from_secs(70));
        group
    }

    fn owner<T>(&mut self, change: impl FnOnce(&mut StateStore) -> T) -> T {
        self.network.change(OWNER, |member| change(member.store_mut()))
    }

    fn write_services(&mut self) {
        let now = self.network.now;
        for (key, value) in SERVICES {
            self.owner(|store| store.set(now, key, value, None)).unwrap();
        }
    }

    fn run_for(&mut self, span: Span) {
        let end = self.network.now + span;
        while self.network.now < end {
            self.network.run_until(self.network.now + Span::from_secs(2));
            let (now, figure) = (self.network.now, self.figure);
            if self.next_life_at <= now && self.owner(StateStore::take_contradiction) {
                self.next_life_at = now + NEXT_LIFE_INTERVAL;
                self.generation += 1;
                let generation = self.generation;
                self.owner(|store| store.begin_life(generation));
                self.write_services();
                for other in 1..N {
                    self.network.change(other, |member| member.store_mut().hold_to(OWNER, generation));
                }
            }
            self.owner(|store| store.set(now, "load/requests", &figure.to_string(), Some(Span::from_secs(30))))
                .unwrap();
            self.figure += 1;
        }
    }

    /// Tells members that know nothing of the owner, as after a start, of a state that it has not written.
    fn deceive(&mut self, members: impl Iterator<Item = Id>, ahead: u64, invented: &[(&str, &str)]) {
        let (now, generation) = (self.network.now, self.generation);
        let to = self.owner(|store| store.version_of(OWNER)).unwrap().1 + ahead;
        let from = to - invented.len() as u64;
        let entries = (from + 1..).zip(invented);
        let entries =
            entries.map(|(version, (key, value))| DeltaEntry { version, left: None, key, value: Some(value) });
        let delta = Delta { member: OWNER, generation, from: 0, to, collected: 0, entries: entries.collect() };
        for id in members {
            self.network.change(id, |member| {
                member.store_mut().forget(OWNER);
                member.store_mut().admit(OWNER, generation).unwrap();
                member.store_mut().apply(now, &delta, false);
            });
            assert!(!self.is_right_at(id));
        }
    }

    fn is_right_at(&self, id: Id) -> bool {
        let shown = self.network.members[id as usize].store().keys_of(OWNER);
        shown.filter(|(key, _)| !key.starts_with("load/")).eq(SERVICES)
    }
}

/// The bound that docs/security.md states, without losses: a check within a minute, a generation within another one, and
/// news of it.
#[test]
fn a_state_invented_at_a_version_of_its_owner_is_gone_three_minutes_after_its_inventor() {
    let inventions: [&[(&str, &str)]; 4] = [
        &[("service/db", "81"), ("service/web", "666")],
        &[],
        &[("service/db", "81")],
        &[("service/db", "81"), ("service/other", "666"), ("service/web", "80")],
    ];
    for (seed, invented) in (1..).zip(inventions) {
        for (first, ahead) in [(N - 1, 0), (N - 1, 5), (N / 2, 0), (1, 0), (1, 30)] {
            let mut group = Group::new(seed, 0.0);
            group.deceive(first..N, ahead, invented);
            group.run_for(Span::from_secs(180));
            let wrong: Vec<Id> = (1..N).filter(|id| !group.is_right_at(*id)).collect();
            assert!(wrong.is_empty(), "{invented:?} at {first}.., {ahead} ahead: {wrong:?}");
            // That was the end of it.
            let generation = group.generation;
            assert!(generation > 1);
            group.run_for(Span::from_secs(180));
            assert_eq!(group.generation, generation);
        }
    }
}

#[test]
fn where_nobody_invents_anything_no_owner_takes_another_generation() {
    for (seed, loss) in [(1, 0.0), (2, 0.3)] {
        let mut group = Group::new(seed, loss);
        for number in 0..60_u64 {
            let (now, key) = (group.network.now, format!("service/{}", number % 7));
            match number % 3 {
                0 => group.owner(|store| store.delete(now, &key)),
                1 => group.owner(|store| store.set(now, &key, &"v".repeat(number as usize * 8), None)).unwrap(),
                _ => group.owner(|store| store.set(now, &key, "1", Some(Span::from_secs(5)))).unwrap(),
            };
            group.run_for(Span::from_secs(10));
            assert_eq!(group.generation, 1);
            assert!(group.network.members.iter_mut().all(|member| !member.store_mut().take_contradiction()));
        }
    }
}

#[test]
fn a_hash_is_of_the_lasting_values_alone_and_differs_with_each_of_them() {
    let of = |pairs: &[(&str, &str)], ttl: bool| {
        let mut store = store(1, []);
        for (key, value) in pairs {
            store.set(ms(0), key, value, None).unwrap();
        }
        if ttl {
            store.set(ms(0), "load/x", "1", Some(Span::from_secs(9))).unwrap();
        }
        move |salt| store.content_of(salt, 1).unwrap().hash
    };
    for salt in [1, 7, u64::MAX / 3, u64::MAX] {
        let hash = of(&[("a", "bc"), ("d", "")], false)(salt);
        assert_eq!(hash, of(&[("d", ""), ("a", "bc")], true)(salt));
        let others: [&[(&str, &str)]; 6] = [
            &[("ab", "c"), ("d", "")],
            &[("a", "bc")],
            &[("a", "bc"), ("e", "")],
            &[("a", "bd"), ("d", "")],
            &[],
            &[("a", "bcd")],
        ];
        assert!(others.iter().all(|other| of(other, false)(salt) != hash), "{salt}");
        assert_eq!(of(&[], true)(salt), 0);
    }
    let hash = of(&[("a", "bc")], false);
    assert_ne!(hash(1), hash(2));
}

/// The payloads that a member sends to its partner while it begins this number of repairs.
fn digests(member: &mut Exchange, repairs: u8) -> Vec<Vec<u8>> {
    let mut out = Vec::new();
    for _ in 0..repairs {
        member.wake(member.deadline(), &mut |_| vec![2], &mut out);
    }
    out.into_iter().map(|(_, payload)| payload).collect()
}

fn member_with_silent_news() -> Exchange {
    let mut member = exchange(ExchangeConfig::default(), store(1, [2, 3]));
    member.store_mut().set(ms(0), "a", "1", None).unwrap();
    super::exchange::silence(&mut member);
    member
}

#[test]
fn contents_are_checked_with_every_fifteenth_repair_and_cost_twenty_bytes() {
    let mut member = member_with_silent_news();
    let begun = member.repairs_until_check;
    assert_eq!(digests(&mut member, begun - 1).len(), usize::from(begun - 1));
    let check = digests(&mut member, 1);
    assert_eq!(check.iter().map(Vec::len).collect::<Vec<_>>(), [11, CONTENT_DIGEST_BYTES]);
    assert_eq!(digests(&mut member, 2 * CONTENT_CHECK_EVERY).len(), 2 * usize::from(CONTENT_CHECK_EVERY) + 2);
}

#[test]
fn contents_that_nobody_asked_for_are_not_reported_and_answers_are_bounded() {
    let mut member = member_with_silent_news();
    let mut third = store(3, []);
    third.set(ms(0), "b", "2", None).unwrap();
    super::hand_over(ms(0), &third, member.store_mut(), 3);
    let sent = digests(&mut member, CONTENT_CHECK_EVERY + 2);
    let check = sent.into_iter().find(|payload| payload.len() == CONTENT_DIGEST_BYTES).unwrap();
    let Ok(Message::ContentDigest { salt, digest, .. }) = Message::decode(&check) else { panic!("a digest") };
    let mut wrong = member.store().content_of(salt, 3).unwrap();
    wrong.hash ^= 1;
    let contents = Message::Contents { salt, contents: vec![wrong] };
    let reply = Message::ContentDigest { is_reply: true, salt, digest: digest ^ 1 };
    let mut answers = |from, message: &Message<'_>| {
        let (mut out, payload) = (Vec::new(), message.encode(60));
        member.handle(ms(90_000), from, &payload, &mut out).unwrap();
        out.into_iter().map(|(to, payload)| (to, payload.len())).collect::<Vec<_>>()
    };
    // Not before the digests of parts were sent, and only from the partner, once.
    assert_eq!(answers(2, &contents), []);
    assert_eq!(answers(3, &reply), []);
    assert_eq!(answers(2, &reply), [(2, 400)]);
    assert_eq!(answers(2, &reply), []);
    assert_eq!(answers(3, &contents), []);
    let reports = answers(2, &contents);
    assert!(reports.len() == 1 && reports[0].0 == 3 && reports[0].1 <= 180, "{reports:?}");
    assert_eq!(answers(2, &contents), []);
    // The owner of a state believes no other copy than its own.
    assert!(!values(member.store(), 1).is_empty() && !member.store_mut().take_contradiction());
}
