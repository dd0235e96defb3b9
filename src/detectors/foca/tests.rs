//! foca's settings, and what the adapter reads from its messages.

use std::num::NonZeroU32;

use ::foca::{Codec, Header, Message, PostcardCodec};
use swimlab_selectors::Spec;

use super::machine::{FocaMember, Name};
use super::*;
use crate::protocol::MessageKind;
use crate::sim::FailureDetector;

fn refusal(label: &str) -> String {
    let mut registry = Registry::new("profile");
    register(&mut registry);
    let built = registry.build(&Spec::parse(label).unwrap(), &());
    built.err().map_or_else(String::new, |error| error.to_string())
}

#[test]
fn the_defaults_are_focas_own_for_a_lan() {
    let mut registry: Registry<Foca> = Registry::new("profile");
    registry.register("foca", "As it is registered.", params(), |p, ()| build(p));
    let detector = registry.build(&Spec::of("foca"), &()).unwrap();
    for n in [1, 9, 10, 100, 1000, 10_000] {
        let theirs = Config::new_lan(NonZeroU32::new(n).unwrap());
        assert_eq!(format!("{:?}", detector.config(n)), format!("{theirs:?}"), "{n} members");
    }
}

#[test]
fn settings_that_foca_does_not_support_are_refused() {
    assert_eq!(refusal("foca:probe_timeout=1s"), "foca: probe_timeout (1s) must be shorter than period (1s)");
    assert_eq!(refusal("foca:indirect=0"), "foca: indirect must be an integer from 1 to 64, not 0");
    assert_eq!(refusal("foca:gossip_nodes=0,sync_interval=0s,reconnect_every=0"), "");
}

#[test]
fn the_kind_of_every_message_is_read_from_its_bytes() {
    let [near, far] = [Node::new(3, 0), Node::new(70_000, 200)];
    let kind = |message| {
        let header = Header { src: far, src_incarnation: 1000, dst: near, message };
        let mut bytes = Vec::new();
        PostcardCodec.encode_header(&header, &mut bytes).unwrap();
        FocaMember::<Node>::kind(&bytes)
    };
    let probe_number = 200;
    assert_eq!(kind(Message::Ping(probe_number)), MessageKind::Ping);
    assert_eq!(kind(Message::Ack(probe_number)), MessageKind::Ack);
    assert_eq!(kind(Message::PingReq { target: far, probe_number }), MessageKind::PingReq);
    assert_eq!(kind(Message::IndirectPing { origin: far, probe_number }), MessageKind::Ping);
    assert_eq!(kind(Message::IndirectAck { target: far, probe_number }), MessageKind::Ack);
    assert_eq!(kind(Message::ForwardedAck { origin: far, probe_number }), MessageKind::IndirectAck);
    assert_eq!(kind(Message::Announce), MessageKind::Sync);
    assert_eq!(kind(Message::Feed), MessageKind::Sync);
    assert_eq!(kind(Message::Gossip), MessageKind::Gossip);
    assert_eq!(kind(Message::TurnUndead), MessageKind::Gossip);
}
