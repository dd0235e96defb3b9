//! Messages of the application.

use super::*;
use crate::protocol::{DirectError, DirectMessage, TooLong};

fn message(bytes: usize) -> DirectMessage {
    DirectMessage { channel: 3, payload: vec![7; bytes].into() }
}

fn reported(out: &Outbox) -> Vec<(Id, usize)> {
    let reports = out.events.iter().filter_map(|event| match &event.kind {
        EventKind::Direct(message) => Some((event.about, message.payload.len())),
        _ => None,
    });
    reports.collect()
}

#[test]
fn a_direct_message_is_one_datagram_to_a_member_without_updates() {
    let mut member = member(10);
    // Something that other messages would carry.
    member.learns_of(alive(3, 1));
    let mut out = Outbox::default();
    member.send_direct(id(4), message(100), &mut out).unwrap();
    let [sent] = &out.transmits[..] else { panic!("{:?}", out.transmits) };
    assert_eq!((sent.to, sent.stream, sent.message.updates.len()), (address(4), false, 0));
    assert_eq!(sent.message.body, Body::Direct(Arc::new(message(100))));
}

#[test]
fn the_longest_direct_message_fits_into_a_datagram_of_any_size() {
    for (packet_bytes, room) in [(1400, DirectMessage::PAYLOAD_LIMIT), (600, 560)] {
        let mut member = member_with(10, Spec::of("swim").with("packet_bytes", f64::from(packet_bytes)));
        assert_eq!(member.direct_room(), room);
        let mut out = Outbox::default();
        member.send_direct(id(4), message(room), &mut out).unwrap();
        assert!(out.transmits[0].bytes <= packet_bytes, "{} of {packet_bytes}", out.transmits[0].bytes);
        let refused = member.send_direct(id(4), message(room + 1), &mut out);
        assert!(
            matches!(refused, Err(DirectError::TooLong(TooLong { bytes, .. })) if bytes == room + 1),
            "{refused:?}"
        );
    }
}

#[test]
fn nothing_is_sent_to_those_who_are_no_members_nor_after_the_end() {
    let mut member = member(10);
    let mut out = Outbox::default();
    assert_eq!(member.send_direct(id(50), message(1), &mut out), Err(DirectError::NoMember));
    member.learns_of(Update { id: id(4), incarnation: incarnation(0), kind: UpdateKind::Dead });
    assert_eq!(member.send_direct(id(4), message(1), &mut out), Err(DirectError::NoMember));
    member.leave(&mut Outbox::default());
    assert_eq!(member.send_direct(id(5), message(1), &mut out), Err(DirectError::Stopped));
    assert!(out.transmits.is_empty());
}

#[test]
fn a_direct_message_is_reported_if_it_comes_from_a_member_at_its_address() {
    let mut member = member(10);
    let body = || Body::Direct(Arc::new(message(5)));
    assert_eq!(reported(&member.hear(at(0.1), 3, body(), vec![])), [(id(3), 5)]);
    assert_eq!(reported(&member.hear(at(0.1), 50, body(), vec![])), []);
    let mut out = Outbox::default();
    member.handle(at(0.2), address(4), &packet(3, body(), vec![]), &mut out);
    assert_eq!(reported(&out), []);
}
