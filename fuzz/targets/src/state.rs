//! Payloads of the exchange of states.

use swimlab::discovery::state::{ANSWER_FACTOR, CONTENT_CHECK_EVERY, Exchange, ExchangeConfig, Outgoing, StateStore};
use swimlab::protocol::{Id, Span, Time};
use swimlab_selectors::rng::{Purpose, stream};

const MEMBERS: Id = 6;

/// A payload is refused and changes nothing, or is handled: nobody but the owner changes its own state, answers are at
/// most [`ANSWER_FACTOR`] times as long, and no payload is longer than a datagram may be.
pub fn state(bytes: &[u8]) {
    let mut member = member(1, 2);
    let mtu = ExchangeConfig::default().mtu;
    let own = member.store().version_of(1);
    // The second is the one that this member has asked, so that its replies are expected.
    for from in [3, 2] {
        let (digest, mut out) = (member.store().digest(), Vec::new());
        match member.handle(Time::ZERO, from, bytes, &mut out) {
            Ok(()) if from == 3 => assert!(sent(&out) <= ANSWER_FACTOR * bytes.len()),
            Ok(()) => assert!(sent(&out) <= ANSWER_FACTOR * bytes.len() + mtu),
            Err(error) => {
                assert!(!error.to_string().is_empty() && out.is_empty() && member.store().digest() == digest);
            }
        }
        assert!(out.iter().all(|(to, payload)| *to == from && payload.len() <= mtu));
    }
    let mut out = Vec::new();
    member.wake(Time::ZERO + Span::from_secs(5), &mut |count| (2..2 + count as Id).collect(), &mut out);
    assert!(out.iter().all(|(_, payload)| payload.len() <= mtu));
    assert_eq!(member.store().version_of(1), own);
    assert_eq!(member.store().get(1, "service/web"), Some("8080"));
    assert_eq!(member.store().members().count() as Id, MEMBERS);
}

/// Payloads of members that differ, for the corpus.
pub(crate) fn payloads() -> Vec<Vec<u8>> {
    let mut members = [member(1, 2), member(2, 1)];
    let mut begun = Outgoing::new();
    // Until contents are checked, too: the digests in between are all the same.
    for repair in 2..=u64::from(CONTENT_CHECK_EVERY) {
        let at = Time::ZERO + Span::from_secs(5 + 4 * repair);
        members[0].wake(at, &mut |count: usize| vec![2; count.min(1)], &mut begun);
    }
    begun.dedup();
    let mut waiting: Vec<(Id, Id, Vec<u8>)> = begun.into_iter().map(|(to, payload)| (1, to, payload)).collect();
    let mut all = Vec::new();
    while let Some((from, to, payload)) = waiting.pop() {
        let mut answers = Outgoing::new();
        members[to as usize - 1].handle(Time::ZERO, from, &payload, &mut answers).expect("a payload of a member");
        all.push(payload);
        waiting.extend(answers.into_iter().map(|(next, payload)| (to, next, payload)));
    }
    all.sort();
    all.dedup();
    all
}

/// A member with keys that has asked another one for its digest.
fn member(me: Id, partner: Id) -> Exchange {
    let mut store = StateStore::new(me, 1);
    for other in (1..=MEMBERS).filter(|id| *id != me) {
        store.admit(other, 1).expect("a few members");
    }
    store.set(Time::ZERO, "load", "3", Some(Span::from_secs(60))).expect("a valid key");
    store.set(Time::ZERO, "service/web", "8080", None).expect("a valid key");
    store.set(Time::ZERO, "gone", "", None).expect("a valid key");
    store.delete(Time::ZERO, "gone");
    let rng = stream(me, Purpose::Protocol, me);
    let mut member = Exchange::new(Time::ZERO, ExchangeConfig::default(), store, rng).expect("valid parameters");
    member.wake(Time::ZERO + Span::from_secs(4), &mut |_| vec![partner], &mut Vec::new());
    member
}

fn sent(out: &Outgoing) -> usize {
    out.iter().map(|(_, payload)| payload.len()).sum()
}
