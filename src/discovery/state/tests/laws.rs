//! Laws for all writes, losses, duplicates and orders of messages.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use swimlab_selectors::rng::{Purpose, stream};

use super::{exchange, ms, values};
use crate::discovery::state::{ANSWER_FACTOR, Exchange, ExchangeConfig, Outgoing, StateStore};
use crate::protocol::{Id, Span, Time};

const MEMBERS: Id = 4;
const CONFIG: ExchangeConfig =
    ExchangeConfig { mtu: 800, interval: Span::from_millis(200), fanout: 2, repair_every: Span::from_millis(1000) };
const SALT: u64 = 0x1234_5678_9abc_def0;
const LONGEST_TTL_HERE: u64 = 5000;

#[derive(Clone, Debug)]
enum Step {
    Set {
        member: Id,
        key: u8,
        value: u8,
        length: usize,
        ttl: Option<u64>,
    },
    Delete {
        member: Id,
        key: u8,
    },
    /// Milliseconds pass.
    Pass(u64),
    Wake {
        member: Id,
        partner: u64,
    },
    Deliver(usize),
    Duplicate(usize),
    Lose(usize),
    Restart(Id),
}

/// The writes of owners, by owner and life, in the order of their versions.
type History = BTreeMap<(Id, u32), Vec<(String, Option<String>)>>;

#[derive(Clone, Default)]
struct Shown {
    generation: u32,
    version: u64,
    values: Vec<(String, String)>,
}

struct Group {
    now: Time,
    members: Vec<Exchange>,
    in_flight: Vec<(Id, Id, Vec<u8>)>,
    history: History,
    /// Each state in each store after the last step.
    shown: BTreeMap<(Id, Id), Shown>,
}

impl Group {
    fn new() -> Self {
        let member = |me| exchange(CONFIG, super::store(me, (0..MEMBERS).filter(|id| *id != me)));
        Self {
            now: Time::ZERO,
            members: (0..MEMBERS).map(member).collect(),
            in_flight: Vec::new(),
            history: History::new(),
            shown: BTreeMap::new(),
        }
    }

    fn store(&self, id: Id) -> &StateStore {
        self.members[id as usize].store()
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Set { member, key, value, length, ttl } => {
                let (key, value) = (format!("key {key}"), format!("{value}").repeat(*length));
                let store = self.members[*member as usize].store_mut();
                if store.set(self.now, &key, &value, ttl.map(Span::from_millis)).unwrap() {
                    self.note(*member, key, Some(value));
                }
            }
            Step::Delete { member, key } => {
                let key = format!("key {key}");
                if self.members[*member as usize].store_mut().delete(self.now, &key) {
                    self.note(*member, key, None);
                }
            }
            Step::Pass(millis) => self.now += Span::from_millis(*millis),
            Step::Wake { member, partner } => self.wake(*member, (member + 1 + partner % (MEMBERS - 1)) % MEMBERS),
            Step::Deliver(at) => {
                if let Some(at) = at.checked_rem(self.in_flight.len()) {
                    let (from, to, payload) = self.in_flight.swap_remove(at);
                    self.deliver(from, to, &payload);
                }
            }
            Step::Duplicate(at) => {
                if let Some(at) = at.checked_rem(self.in_flight.len()) {
                    let (from, to, payload) = self.in_flight[at].clone();
                    self.deliver(from, to, &payload);
                }
            }
            Step::Lose(at) => {
                if let Some(at) = at.checked_rem(self.in_flight.len()) {
                    self.in_flight.swap_remove(at);
                }
            }
            Step::Restart(member) => self.restart(*member),
        }
        self.check();
    }

    fn note(&mut self, member: Id, key: String, value: Option<String>) {
        let (generation, version) = self.store(member).version_of(member).unwrap();
        let writes = self.history.entry((member, generation)).or_default();
        writes.push((key, value));
        assert_eq!(writes.len() as u64, version);
    }

    fn wake(&mut self, member: Id, partner: Id) {
        let mut out = Vec::new();
        self.members[member as usize].wake(self.now, &mut |_| vec![partner], &mut out);
        self.post(member, out);
    }

    fn deliver(&mut self, from: Id, to: Id, payload: &[u8]) {
        let mut out = Vec::new();
        let (round, member) = (self.members[to as usize].round.is_some(), &mut self.members[to as usize]);
        member.handle(self.now, from, payload, &mut out).unwrap();
        let answer: usize = out.iter().map(|(_, payload)| payload.len()).sum();
        assert!(answer <= ANSWER_FACTOR * payload.len() || round, "{answer} bytes for {}", payload.len());
        self.post(to, out);
    }

    fn post(&mut self, from: Id, out: Outgoing) {
        for (to, payload) in out {
            assert!(payload.len() <= CONFIG.mtu && to != from);
            self.in_flight.push((from, to, payload));
        }
    }

    fn restart(&mut self, member: Id) {
        let generation = self.store(member).version_of(member).unwrap().0 + 1;
        let mut store = StateStore::new(member, generation);
        for other in (0..MEMBERS).filter(|id| *id != member) {
            store.admit(other, 1).unwrap();
        }
        let rng = stream(generation.into(), Purpose::Protocol, member);
        self.members[member as usize] = Exchange::new(self.now, CONFIG, store, rng).unwrap();
        self.shown.retain(|(reader, _), _| *reader != member);
    }

    /// No copy becomes older. Each value that is shown is the last that its owner wrote up to the version of the copy, or
    /// an earlier one of a key that was written again since, as superseded values are not sent. And it is no older than
    /// what the copy has shown or deleted before: no deleted key returns.
    fn check(&mut self) {
        for (reader, of) in (0..MEMBERS).flat_map(|reader| (0..MEMBERS).map(move |of| (reader, of))) {
            let (generation, version) = self.store(reader).version_of(of).unwrap();
            let now = Shown { generation, version, values: values(self.store(reader), of) };
            let before = self.shown.insert((reader, of), now.clone()).unwrap_or_default();
            let age = |shown: &Shown| (shown.generation, shown.version);
            assert!(age(&before) <= age(&now), "{:?} became {:?}", age(&before), age(&now));
            let none = Vec::new();
            let writes = self.history.get(&(of, generation)).unwrap_or(&none);
            for (key, value) in &now.values {
                let of_key = || (1..).zip(writes).filter(|(_, (written, _))| written == key);
                let last_up_to =
                    |version| of_key().map(|(at, _)| at).take_while(|at| *at <= version).last().unwrap_or(0);
                let at = of_key().filter(|(at, (_, written))| *at <= version && written.as_ref() == Some(value));
                let newest = at.map(|(at, _)| at).last().unwrap_or(0);
                let is_superseded = of_key().any(|(at, _)| at > version);
                assert!(newest > 0 && (newest == last_up_to(version) || is_superseded), "{key} of {of} at {reader}");
                let is_same_life = before.generation == generation;
                let is_unchanged = is_same_life && before.values.contains(&(key.clone(), value.clone()));
                let least = if is_same_life { last_up_to(before.version) } else { 0 };
                assert!(is_unchanged || newest >= least, "{key} of {of} returned at {reader}");
            }
            // No copy that comes from its owner contradicts it, at whatever version.
            let mut owner = self.store(of).clone();
            owner.check_own(SALT, &self.store(reader).content_of(SALT, of).unwrap());
            assert!(!owner.take_contradiction(), "the copy of {of} at {reader}");
        }
    }

    /// Lets membership tell of all lives, everybody talk to everybody without losses, and all times to live end.
    fn settle(&mut self) {
        for of in 0..MEMBERS {
            let (generation, _) = self.store(of).version_of(of).unwrap();
            self.members.iter_mut().for_each(|member| member.store_mut().admit(of, generation).unwrap());
        }
        for round in 0..60 {
            for member in 0..MEMBERS {
                self.take(&Step::Wake { member, partner: round });
            }
            let mut delivered = 0;
            while let Some((from, to, payload)) = self.in_flight.pop() {
                self.deliver(from, to, &payload);
                delivered += 1;
                assert!(delivered < 20_000, "messages cause messages without end");
            }
            self.now += Span::from_millis(500);
        }
        for member in &mut self.members {
            member.store_mut().expire(self.now + Span::from_millis(LONGEST_TTL_HERE));
        }
        self.check();
    }
}

fn steps() -> impl Strategy<Value = Step> {
    let member = || 0..MEMBERS;
    let set = (member(), 0_u8..6, 0_u8..10, prop_oneof![Just(1_usize), Just(250), Just(500)]);
    let set = (set, option::weighted(0.3, 1..=LONGEST_TTL_HERE));
    prop_oneof![
        6 => set.prop_map(|((member, key, value, length), ttl)| Step::Set { member, key, value, length, ttl }),
        3 => (member(), 0_u8..6).prop_map(|(member, key)| Step::Delete { member, key }),
        4 => (1_u64..2000).prop_map(Step::Pass),
        // Deletions are forgotten.
        1 => Just(Step::Pass(601_000)),
        6 => (member(), any::<u64>()).prop_map(|(member, partner)| Step::Wake { member, partner }),
        12 => any::<usize>().prop_map(Step::Deliver),
        3 => any::<usize>().prop_map(Step::Duplicate),
        3 => any::<usize>().prop_map(Step::Lose),
        1 => member().prop_map(Step::Restart),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn all_stores_are_equal_in_the_end_and_no_deleted_key_returns(steps in vec(steps(), 0..160)) {
        let mut group = Group::new();
        steps.iter().for_each(|step| group.take(step));
        group.settle();
        for reader in 0..MEMBERS {
            prop_assert_eq!(group.store(reader).digest(), group.store(0).digest());
            for of in 0..MEMBERS {
                prop_assert_eq!(group.store(reader).version_of(of), group.store(of).version_of(of));
                prop_assert_eq!(values(group.store(reader), of), values(group.store(of), of));
            }
        }
    }

    /// The digest that is kept with each change is that of the states.
    #[test]
    fn the_digest_is_that_of_a_store_with_the_same_states(steps in vec(steps(), 0..80)) {
        let mut group = Group::new();
        steps.iter().for_each(|step| group.take(step));
        for member in &group.members {
            let parts = member.store().part_digests(1);
            prop_assert_eq!(parts[0], member.store().digest() as u32);
        }
    }

    #[test]
    fn any_bytes_change_nothing_or_are_a_message(bytes in vec(any::<u8>(), 0..200), kind in 0_u8..13) {
        let mut member = exchange(CONFIG, super::store(1, [2, 3]));
        member.store_mut().set(ms(0), "a", "1", None).unwrap();
        let (digest, mut out) = (member.store().digest(), Vec::new());
        let _ = member.handle(ms(0), 2, &bytes, &mut out);
        let bytes = [vec![1, kind], bytes].concat();
        if member.handle(ms(0), 2, &bytes, &mut out).is_err() {
            prop_assert_eq!(member.store().digest(), digest);
        }
        prop_assert_eq!(member.store().get(1, "a"), Some("1"));
    }
}
