//! Askers and answerers without I/O: what is sent to whom and when, which messages count, and what is lost with packets.

mod network;

use std::borrow::Cow;
use std::collections::BTreeSet;

use self::network::Network;
use super::answerer::{Answerer, Delivery};
use super::asker::{Asker, QueryEnd, QueryTotals, Question, Report, StartError, time_to_ask};
use super::limits::{
    ASKED_LIMIT, BATCH, BATCH_INTERVAL, CONFIRMATIONS, DEFAULT_TIMEOUT, FIRST_RETRY, LONGEST_RETRY,
    MESSAGES_PER_SECOND, QUERIES_AT_ONCE, REMEMBERED, REMEMBERED_PER_ASKER, RESEND_INTERVAL,
};
use super::message::{Message, Outcome};
use super::outgoing::Outgoing;
use crate::protocol::{Id, Span, Time};

const NUMBER: u64 = 77;

fn at(seconds: f64) -> Time {
    Time::ZERO + Span::from_secs_f64(seconds)
}

fn question(number: u64, members: impl IntoIterator<Item = Id>) -> Question {
    let members = members.into_iter().collect();
    Question { number, name: "q".into(), payload: [].into(), timeout: DEFAULT_TIMEOUT, count: None, members }
}

/// Messages and reports that an asker or an answerer leaves.
#[derive(Default)]
struct Left {
    out: Outgoing,
    reports: Vec<Report>,
}

impl Left {
    /// The receivers and the kinds of the messages: `a`sk, a`c`k, con`f`irm, a`n`swer.
    fn kinds(&mut self) -> Vec<(Id, char)> {
        let kind = |payload: Vec<u8>| ['a', 'c', 'f', 'n'][usize::from(payload[1])];
        self.out.drain(..).map(|(to, payload)| (to, kind(payload))).collect()
    }
}

fn answer(token: u64, outcome: Outcome) -> Message<'static> {
    Message::Answer { number: NUMBER, token, outcome: Cow::Owned(outcome) }
}

fn ask(number: u64) -> Message<'static> {
    Message::Ask { number, left: Span::from_secs(5), name: "q", payload: &[] }
}

/// The token with which a member acknowledges.
fn token(out: &mut Outgoing) -> Option<u64> {
    let (_, payload) = out.pop_front()?;
    match Message::decode(&payload) {
        Ok(Message::Ack { token, .. }) => Some(token),
        other => panic!("{other:?}"),
    }
}

#[test]
fn each_member_answers_once_and_the_query_is_over_with_four_datagrams_each() {
    for n in [1, 3, 600] {
        let mut network = Network::new(1, n);
        network.ask(NUMBER, DEFAULT_TIMEOUT + time_to_ask(n), None);
        network.run_until(Time::NEVER);
        let answered: BTreeSet<Id> = network.answered().into_iter().collect();
        assert_eq!((answered.len(), network.answered().len()), (n, n));
        let last = network.reports.last().unwrap();
        let n = n as u32;
        let totals = QueryTotals { members: n, asked: n, acknowledged: n, answered: n, ..QueryTotals::default() };
        assert_eq!((last.totals, last.end), (totals, Some(QueryEnd::Complete)));
        assert_eq!(network.sent, 4 * u64::from(n));
        assert!(network.now < at(0.05) + time_to_ask(n as usize), "{}", network.now);
    }
}

#[test]
fn answers_come_as_spread_as_members_are_asked() {
    let mut network = Network::new(1, 600);
    network.ask(NUMBER, Span::from_secs(10), None);
    network.run_until(Time::NEVER);
    let in_interval = |from: Time| {
        let arrivals = network.arrivals.iter().filter(|at| **at >= from && **at < from + BATCH_INTERVAL);
        arrivals.count()
    };
    // An ack and an answer each; the own member's four messages are among them here.
    let most = network.arrivals.iter().map(|at| in_interval(*at)).max().unwrap();
    assert!(most <= 2 * BATCH as usize + 4, "{most}");
    assert!(*network.arrivals.last().unwrap() >= Time::ZERO + time_to_ask(600) - BATCH_INTERVAL);
}

#[test]
fn messages_leave_at_a_bounded_rate_whatever_the_number_of_members() {
    let (mut asker, mut left) = (Asker::default(), Left::default());
    asker.start(Time::ZERO, question(1, 0..3000)).unwrap();
    asker.start(Time::ZERO, question(2, 0..3000)).unwrap();
    let mut in_first_second = 0;
    while asker.deadline() < at(1.0) {
        asker.wake(asker.deadline(), &mut left.out, &mut left.reports);
        in_first_second += left.kinds().len() as u64;
    }
    assert_eq!(in_first_second, MESSAGES_PER_SECOND);
    // The members that have not had their turn when the time is over are not counted as asked.
    while asker.deadline() < Time::NEVER {
        asker.wake(asker.deadline(), &mut left.out, &mut left.reports);
    }
    let ends: Vec<&Report> = left.reports.iter().filter(|report| report.end.is_some()).collect();
    assert!(ends.len() == 2 && ends.iter().all(|report| report.end == Some(QueryEnd::Deadline)), "{ends:?}");
    let asked: u32 = ends.iter().map(|report| report.totals.asked).sum();
    assert_eq!(u64::from(asked), 5 * MESSAGES_PER_SECOND);
}

/// The times of the messages to a member that does not answer, in seconds.
fn attempts() -> impl Iterator<Item = f64> {
    [0.0, 0.25].into_iter().chain((0..).map(|second| f64::from(second) + 0.75))
}

/// The probability that the answer of a member is missing after a time in seconds, if a share of the packets is lost: an
/// attempt to get an ack fails if either packet is lost, and so does each attempt to get the answer after that.
fn probability_of_missing(loss: f64, timeout: f64) -> f64 {
    let failure = 1.0 - (1.0 - loss).powi(2);
    let none_succeeds = |from: f64| failure.powi(attempts().take_while(|at| from + at < timeout).count() as i32);
    let acknowledged_at = attempts().take_while(|at| *at < timeout).zip(0..);
    let later =
        acknowledged_at.map(|(at, failures)| failure.powi(failures) * (1.0 - failure) * none_succeeds(at + 0.01));
    none_succeeds(0.0) + later.sum::<f64>()
}

#[test]
fn packet_loss_delays_answers_and_loses_as_few_as_the_formula_says() {
    for percent in [1, 10, 20, 30] {
        let (loss, mut missing) = (f64::from(percent) / 100.0, 0.0);
        for seed in 0..1000 {
            let mut network = Network::new(seed, 20);
            network.loss = loss;
            network.ask(NUMBER, DEFAULT_TIMEOUT, None);
            network.run_until(Time::NEVER);
            let answered: BTreeSet<Id> = network.answered().into_iter().collect();
            assert_eq!(answered.len(), network.answered().len(), "one answer of each member");
            let delivered: BTreeSet<Id> = network.delivered.iter().map(|(id, _)| *id).collect();
            assert_eq!(delivered.len(), network.delivered.len(), "each application gets it once");
            missing += (20 - answered.len()) as f64;
        }
        let expected = 20_000.0 * probability_of_missing(loss, 5.0);
        println!("{percent} % loss: {missing} of 20,000 answers are missing after 5 s, {expected:.2} expected");
        // Four standard deviations, of 600 events at a loss of 30 %.
        assert!((missing - expected).abs() <= 4.0 * expected.sqrt().max(1.0), "{percent} %: {missing} and {expected}");
    }
}

#[test]
fn a_query_ends_with_the_wanted_number_of_answers_or_with_its_time() {
    let mut network = Network::new(1, 10);
    network.ask(NUMBER, DEFAULT_TIMEOUT, Some(3));
    network.run_until(Time::NEVER);
    assert_eq!((network.answered().len(), network.reports.last().unwrap().end), (3, Some(QueryEnd::Count)));

    let mut network = Network::new(1, 10);
    network.answers_after = |id| (id != 4).then_some(Span::from_millis(1));
    network.ask(NUMBER, DEFAULT_TIMEOUT, None);
    network.run_until(Time::NEVER);
    let last = network.reports.last().unwrap();
    assert_eq!((last.totals.answered, last.totals.acknowledged, last.end), (9, 10, Some(QueryEnd::Deadline)));
    assert_eq!(network.now, Time::ZERO + DEFAULT_TIMEOUT);
    // What comes later counts no more.
    let (out, reports) = (&mut Outgoing::new(), &mut Vec::new());
    network.asker.handle(network.now, 4, &answer(0, Outcome::Declined), out, reports);
    assert!(reports.is_empty() && network.asker.deadline() == Time::NEVER);

    // A query for nobody.
    let (mut asker, mut left) = (Asker::default(), Left::default());
    asker.start(Time::ZERO, question(1, [])).unwrap();
    asker.wake(asker.deadline(), &mut left.out, &mut left.reports);
    assert_eq!(left.reports[0].end, Some(QueryEnd::Complete));
}

#[test]
fn answers_that_nobody_has_asked_for_are_ignored() {
    let (mut asker, mut left) = (Asker::default(), Left::default());
    asker.start(Time::ZERO, question(NUMBER, [2, 3])).unwrap();
    let mut handle = |now, from, message: Message<'_>| {
        asker.handle(now, from, &message, &mut left.out, &mut left.reports);
        (left.kinds(), std::mem::take(&mut left.reports).len())
    };
    let ack = |number, token| Message::Ack { number, token };
    let nothing = (vec![], 0);
    // Before it was asked.
    assert_eq!(handle(Time::ZERO, 2, ack(NUMBER, 5)), nothing);
    asker.wake(Time::ZERO, &mut left.out, &mut left.reports);
    assert_eq!(left.kinds(), [(2, 'a'), (3, 'a')]);
    left.reports.clear();
    let mut handle = |now, from, message: Message<'_>| {
        asker.handle(now, from, &message, &mut left.out, &mut left.reports);
        (left.kinds(), std::mem::take(&mut left.reports).len())
    };
    let answered = || Outcome::Answered([1].into());
    assert_eq!(handle(Time::ZERO, 4, ack(NUMBER, 5)), nothing, "a member that is not asked");
    assert_eq!(handle(Time::ZERO, 2, ack(NUMBER + 1, 5)), nothing, "an unknown number");
    assert_eq!(handle(Time::ZERO, 2, answer(5, answered())), nothing, "an answer before the ack");
    assert_eq!(handle(Time::ZERO, 2, ask(NUMBER)), nothing, "a message to the other side");
    assert_eq!(handle(Time::ZERO, 2, ack(NUMBER, 5)), (vec![(2, 'f')], 1));
    assert_eq!(handle(Time::ZERO, 2, ack(NUMBER, 6)), nothing, "another token");
    assert_eq!(handle(Time::ZERO, 2, answer(6, answered())), nothing, "another token");
    assert_eq!(handle(at(5.0), 2, answer(5, answered())), nothing, "after the deadline");
    assert_eq!(handle(at(4.9), 2, answer(5, answered())), (vec![], 1));
    assert_eq!(handle(at(4.9), 2, answer(5, answered())), nothing, "a second answer");
}

#[test]
fn an_outcome_of_each_kind_is_counted() {
    let (mut asker, mut left) = (Asker::default(), Left::default());
    asker.start(Time::ZERO, question(NUMBER, [1, 2, 3])).unwrap();
    asker.wake(Time::ZERO, &mut left.out, &mut left.reports);
    let outcomes = [Outcome::Answered([7].into()), Outcome::Failed("why".into()), Outcome::Declined];
    for (id, outcome) in (1..).zip(outcomes) {
        asker.handle(Time::ZERO, id, &Message::Ack { number: NUMBER, token: id }, &mut left.out, &mut left.reports);
        asker.handle(Time::ZERO, id, &answer(id, outcome), &mut left.out, &mut left.reports);
    }
    let last = left.reports.last().unwrap();
    let QueryTotals { answered, failed, declined, .. } = last.totals;
    assert_eq!(((answered, failed, declined), last.end), ((1, 1, 1), Some(QueryEnd::Complete)));
    let answers: Vec<_> = left.reports.iter().filter_map(|report| report.answer.clone()).collect();
    assert_eq!(answers, [(1, Ok([7].into())), (2, Err("why".into()))]);
}

#[test]
fn a_member_that_does_not_answer_is_asked_again_at_growing_intervals() {
    let (mut asker, mut left) = (Asker::default(), Left::default());
    asker.start(Time::ZERO, question(NUMBER, [2])).unwrap();
    let mut sent = Vec::new();
    while asker.deadline() < Time::NEVER {
        let now = asker.deadline();
        if now == at(3.0) {
            break;
        }
        asker.wake(now, &mut left.out, &mut left.reports);
        sent.extend(left.kinds().iter().map(|_| now.as_secs_f64()));
    }
    assert_eq!(sent, [0.0, 0.25, 0.75, 1.75, 2.75, 3.75, 4.75]);
    assert_eq!((FIRST_RETRY, LONGEST_RETRY), (Span::from_millis(250), Span::from_secs(1)));
}

#[test]
fn a_member_that_has_restarted_after_its_ack_is_asked_again_and_answers() {
    for restarted_at in [0.011, 0.3, 2.0] {
        let mut network = Network::new(1, 3);
        // Its application takes the query, and does not come to answer it.
        network.answers_after = |id| (id != 2).then_some(Span::from_millis(1));
        network.ask(NUMBER, DEFAULT_TIMEOUT * 2, None);
        network.run_until(at(restarted_at));
        network.members[2] = Answerer::default();
        network.answers_after = |_| Some(Span::from_millis(1));
        network.run_until(Time::NEVER);
        let last = network.reports.last().unwrap();
        let totals = QueryTotals { members: 3, asked: 3, acknowledged: 3, answered: 3, ..QueryTotals::default() };
        assert_eq!((last.totals, last.end), (totals, Some(QueryEnd::Complete)), "restarted at {restarted_at}");
        // Three confirmations a second apart, and a question half a second after the last.
        assert!(network.now < at(restarted_at + 4.0), "{}", network.now);
    }
}

#[test]
fn a_member_that_takes_its_time_is_asked_again_and_its_application_is_not() {
    let mut network = Network::new(1, 3);
    network.answers_after = |id| Some(Span::from_secs(if id == 2 { 20 } else { 0 }));
    network.ask(NUMBER, DEFAULT_TIMEOUT * 5, None);
    network.run_until(Time::NEVER);
    assert_eq!(network.reports.last().unwrap().end, Some(QueryEnd::Complete));
    assert_eq!(network.delivered.len(), 3);
}

#[test]
fn confirmations_keep_their_times_and_a_new_token_counts_only_after_a_new_question() {
    let (mut asker, mut left) = (Asker::default(), Left::default());
    asker.start(Time::ZERO, question(NUMBER, [2])).unwrap();
    asker.wake(Time::ZERO, &mut left.out, &mut left.reports);
    let ack = |token| Message::Ack { number: NUMBER, token };
    asker.handle(Time::ZERO, 2, &ack(5), &mut left.out, &mut left.reports);
    assert_eq!(left.kinds(), [(2, 'a'), (2, 'f')]);
    let mut sent = Vec::new();
    while asker.deadline() < at(4.0) {
        let now = asker.deadline();
        asker.wake(now, &mut left.out, &mut left.reports);
        sent.extend(left.kinds().iter().map(|(_, kind)| (now.as_secs_f64(), *kind)));
        let is_asked_again = sent.iter().any(|(_, kind)| *kind == 'a');
        asker.handle(now, 2, &ack(5), &mut left.out, &mut left.reports);
        if !is_asked_again {
            asker.handle(now, 2, &ack(6), &mut left.out, &mut left.reports);
        }
        assert_eq!(left.kinds(), []);
    }
    assert_eq!(sent, [(0.25, 'f'), (0.75, 'f'), (1.25, 'a'), (1.75, 'f'), (2.75, 'f'), (3.75, 'f')]);
    assert_eq!(CONFIRMATIONS, 3);
    // The new token is confirmed, once, and the answer has to bear it.
    asker.handle(at(4.0), 2, &ack(6), &mut left.out, &mut left.reports);
    asker.handle(at(4.0), 2, &ack(7), &mut left.out, &mut left.reports);
    assert_eq!(left.kinds(), [(2, 'f')]);
    left.reports.clear();
    asker.handle(at(4.1), 2, &answer(5, Outcome::Declined), &mut left.out, &mut left.reports);
    assert!(left.reports.is_empty());
    asker.handle(at(4.1), 2, &answer(6, Outcome::Declined), &mut left.out, &mut left.reports);
    let last = left.reports.last().unwrap();
    assert_eq!((last.totals.acknowledged, last.end), (1, Some(QueryEnd::Complete)));
}

#[test]
fn an_agent_has_as_many_queries_at_once_as_the_limit_and_each_asks_as_many_members_as_the_limit() {
    let (mut asker, mut left) = (Asker::default(), Left::default());
    let members = ASKED_LIMIT as Id;
    assert_eq!(asker.start(Time::ZERO, question(0, 0..=members)), Err(StartError::Members(ASKED_LIMIT + 1)));
    assert_eq!(asker.start(Time::ZERO, question(0, 0..members)), Ok(()));
    for number in 1..QUERIES_AT_ONCE as u64 {
        asker.start(Time::ZERO, question(number, [1])).unwrap();
    }
    assert_eq!(asker.start(Time::ZERO, question(99, [1])), Err(StartError::Busy));
    asker.cancel(3, &mut left.reports);
    assert_eq!(left.reports[0].end, Some(QueryEnd::Canceled));
    assert_eq!(asker.start(Time::ZERO, question(99, [1])), Ok(()));
}

#[test]
fn the_application_gets_a_query_once_when_the_asker_has_proven_its_address() {
    let (mut member, mut out) = (Answerer::default(), Outgoing::new());
    assert_eq!(member.handle(at(0.0), 1, &ask(NUMBER), &mut out), None);
    let token_of_first = token(&mut out).unwrap();
    // A repeated question is the same one.
    assert_eq!(member.handle(at(0.1), 1, &ask(NUMBER), &mut out), None);
    assert_eq!(token(&mut out), Some(token_of_first));
    let mut confirm = |member: &mut Answerer, now, token| {
        let delivery = member.handle(now, 1, &Message::Confirm { number: NUMBER, token }, &mut out);
        (delivery, out.drain(..).count())
    };
    assert_eq!(confirm(&mut member, at(0.2), token_of_first ^ 1), (None, 0), "a guess");
    let of_another = Message::Confirm { number: NUMBER, token: token_of_first };
    assert_eq!(member.handle(at(0.2), 2, &of_another, &mut Outgoing::new()), None, "another asker");
    let delivery = Delivery { key: (1, NUMBER), name: "q".into(), payload: [].into(), left: Span::from_millis(4800) };
    assert_eq!(confirm(&mut member, at(0.2), token_of_first), (Some(delivery), 0));
    assert_eq!(confirm(&mut member, at(0.2), token_of_first), (None, 0), "it has no answer yet");
    let mut sent = Outgoing::new();
    member.reply(at(0.3), (1, NUMBER), Outcome::Answered([7].into()), &mut sent);
    member.reply(at(0.3), (1, NUMBER), Outcome::Answered([8].into()), &mut sent);
    assert_eq!(sent.len(), 1);
    // Asked again, it answers again, without its application, but not at any rate.
    assert_eq!(confirm(&mut member, at(0.3) + RESEND_INTERVAL, token_of_first), (None, 1));
    let moment = Span::from_micros(1);
    assert_eq!(confirm(&mut member, at(0.3) + RESEND_INTERVAL * 2 - moment, token_of_first), (None, 0));
    assert_eq!(confirm(&mut member, at(0.3) + RESEND_INTERVAL * 2, token_of_first), (None, 1));

    // After a restart it knows of nothing, and a confirmation of before runs nothing.
    let mut restarted = Answerer::default();
    assert_eq!(confirm(&mut restarted, at(0.4), token_of_first), (None, 0));
    assert_eq!(restarted.handle(at(0.4), 1, &ask(NUMBER), &mut sent), None);
    assert_eq!(confirm(&mut restarted, at(0.4), token_of_first), (None, 0));
}

#[test]
fn queries_are_forgotten_when_their_time_is_over() {
    let (mut member, mut out) = (Answerer::default(), Outgoing::new());
    member.handle(at(0.0), 1, &ask(NUMBER), &mut out);
    let first = token(&mut out);
    assert_eq!(member.deadline(), at(5.0));
    member.wake(at(5.0));
    assert_eq!(member.deadline(), Time::NEVER);
    member.handle(at(5.0), 1, &ask(NUMBER), &mut out);
    assert_ne!(token(&mut out), first);
}

#[test]
fn a_member_remembers_as_many_queries_of_an_asker_and_in_all_as_the_limits_and_those_of_its_application_longest() {
    let (mut member, mut out) = (Answerer::default(), Outgoing::new());
    // All with the application.
    let deliver = |member: &mut Answerer, asker, number| {
        let mut out = Outgoing::new();
        member.handle(at(0.0), asker, &ask(number), &mut out);
        let token = token(&mut out)?;
        member.handle(at(0.0), asker, &Message::Confirm { number, token }, &mut out)
    };
    let per_asker = REMEMBERED_PER_ASKER as u64;
    for number in 0..per_asker {
        assert!(deliver(&mut member, 1, number).is_some());
    }
    assert_eq!(deliver(&mut member, 1, per_asker), None, "one more of this asker");
    assert!(deliver(&mut member, 2, 0).is_some(), "one of another");
    member.reply(at(0.0), (1, 3), Outcome::Declined, &mut out);
    assert!(deliver(&mut member, 1, per_asker).is_some(), "in the place of one that is answered");

    let mut member = Answerer::default();
    for number in 0..REMEMBERED as u64 {
        assert!(deliver(&mut member, number / per_asker, number).is_some());
    }
    assert_eq!(deliver(&mut member, Id::MAX, 0), None);
    member.reply(at(0.0), (5, 5 * per_asker), Outcome::Declined, &mut out);
    // One that is not confirmed makes room, too.
    member.handle(at(0.0), Id::MAX, &ask(0), &mut out);
    assert!(deliver(&mut member, Id::MAX, 1).is_some());
    assert_eq!(deliver(&mut member, Id::MAX, 2), None);
}
