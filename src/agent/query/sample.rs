//! A member with a query under way, which handles messages of others: for fuzz targets.

use std::borrow::Cow;

use super::answerer::Answerer;
use super::asker::{Asker, Question};
use super::limits::DEFAULT_TIMEOUT;
use super::message::{Message, Outcome};
use super::outgoing::Outgoing;
use crate::protocol::{Span, Time};

/// The number of the query under way.
const NUMBER: u64 = 7;

/// The member that is asked, and that sends the message.
const OTHER: u64 = 2;

/// Handles the payload of a direct message about queries, from a member that this one has asked something; returns what is
/// sent in answer.
///
/// # Errors
/// The reason why it is no such message.
pub(in crate::agent) fn replies(payload: &[u8]) -> Result<Vec<Vec<u8>>, String> {
    let (mut asker, mut answerer, mut out) = (Asker::default(), Answerer::default(), Outgoing::new());
    let question = Question {
        number: NUMBER,
        name: "q".into(),
        payload: [].into(),
        timeout: DEFAULT_TIMEOUT,
        count: None,
        members: [OTHER].into(),
    };
    asker.start(Time::ZERO, question).map_err(|error| format!("{error:?}"))?;
    asker.wake(Time::ZERO, &mut out, &mut Vec::new());
    out.clear();
    let message = Message::decode(payload).map_err(|error| error.to_string())?;
    assert_eq!(message.encode(), payload);
    let mut reports = Vec::new();
    asker.handle(Time::ZERO, OTHER, &message, &mut out, &mut reports);
    let delivery = answerer.handle(Time::ZERO, OTHER, &message, &mut out);
    assert!(delivery.is_none() && reports.iter().all(|report| report.answer.is_none()), "nothing is confirmed");
    Ok(out.into_iter().map(|(_, payload)| payload).collect())
}

/// A message of each kind.
pub(in crate::agent) fn messages() -> Vec<Vec<u8>> {
    let answer = |outcome| Message::Answer { number: NUMBER, token: 9, outcome: Cow::Owned(outcome) }.encode();
    let ask = |number, payload| Message::Ask { number, left: Span::from_secs(5), name: "uptime", payload }.encode();
    vec![
        ask(NUMBER, b"of the host"),
        ask(8, b""),
        Message::Ack { number: NUMBER, token: 9 }.encode(),
        Message::Confirm { number: 8, token: 9 }.encode(),
        answer(Outcome::Answered(b"up 3 days".as_slice().into())),
        answer(Outcome::Failed("exit status: 7".into())),
        answer(Outcome::Declined),
    ]
}
