//! Requests and replies over streams, and when tables are exchanged.

use super::*;
use crate::protocol::{Address, MessageKind, Outbox, Transmit};

/// Two members: the first sends a request over a stream every 20 s, the second replies with what would otherwise be a
/// datagram.
struct Echo {
    next: Time,
    asks: bool,
}

fn echo(member: MemberIndex, _generation: u32) -> Echo {
    Echo { next: Time::NEVER, asks: member == 0 }
}

impl FailureDetector for Echo {
    type Message = MessageKind;

    fn start(&mut self, _: Time, first_period: Time, _: &mut Outbox<MessageKind>) {
        self.next = if self.asks { first_period } else { Time::NEVER };
    }
    fn handle(&mut self, _: Time, from: Address, message: &MessageKind, out: &mut Outbox<MessageKind>) {
        if *message == MessageKind::Ping {
            let (bytes, message) = (30, MessageKind::Ack);
            out.transmits.push(Transmit { to: from, bytes, stream: false, direct_ping: false, message });
        }
    }
    fn wake(&mut self, now: Time, out: &mut Outbox<MessageKind>) {
        self.next = now + Span::from_secs(20);
        let (to, bytes, message) = (address_of(1), 30, MessageKind::Ping);
        out.transmits.push(Transmit { to, bytes, stream: true, direct_ping: false, message });
    }
    fn deadline(&self) -> Time {
        self.next
    }
    fn kind(message: &MessageKind) -> MessageKind {
        *message
    }
}

/// The delays of requests and replies in milliseconds, and the number of requests sent.
#[derive(Default)]
struct Exchanges {
    asked: f64,
    requests: Vec<u64>,
    replies: Vec<u64>,
}

impl Observer for Exchanges {
    fn sent(&mut self, sent: &Sent) {
        self.asked += f64::from(u8::from(sent.kind == MessageKind::Ping));
    }
    fn delivered(&mut self, at: Time, sent: &Sent) {
        let times = if sent.kind == MessageKind::Ping { &mut self.requests } else { &mut self.replies };
        times.push(at.since(sent.at).as_micros() / 1000);
    }
}

/// A network with 50 ms in each direction and this loss, everywhere or by a fault at the second member.
fn exchange(loss: f64, fault: &[&str]) -> Exchanges {
    let mut setup = setup("lan:delay_ms=50,jitter=none", 2, 1, 5_000 * 20, fault);
    setup.loss = loss;
    setup.faults.iter_mut().for_each(|fault| (fault.at, fault.target) = (Span::ZERO, Target::Members(vec![1])));
    let mut seen = Exchanges::default();
    let outcome = World::new(&setup, echo, &mut seen).run();
    assert_eq!(outcome.violations, [""; 0]);
    seen
}

/// The share of `of` exchanges that took a single round trip.
fn swift(times: &[u64], of: f64) -> f64 {
    times.iter().filter(|&&ms| ms == 100).count() as f64 / of
}

#[test]
fn without_loss_a_request_over_a_stream_and_its_reply_take_two_round_trips() {
    let seen = exchange(0.0, &[]);
    assert_eq!((seen.requests.len(), seen.replies.len()), (seen.asked as usize, seen.asked as usize));
    assert!(seen.requests.iter().chain(&seen.replies).all(|&ms| ms == 100));
}

#[test]
fn a_reply_to_a_ping_over_a_stream_is_as_reliable_as_the_stream() {
    let seen = exchange(0.5, &[]);
    // An exchange is given up after 10 s: a request that took 7 s is answered within 1 s, one that took 3 s within 3 s.
    let slowed = |s: u64| seen.requests.iter().filter(|&&ms| ms == 100 + 1000 * s).count() as f64;
    let expected = (slowed(0) + slowed(1)) * 15.0 / 16.0 + slowed(3) * 7.0 / 8.0 + slowed(7) * 3.0 / 4.0;
    let answered = seen.replies.len() as f64;
    // 2,400 of them; the standard error is 17.
    assert!((answered - expected).abs() < 60.0, "{answered} replies, not {expected}");
    assert!((swift(&seen.replies, seen.requests.len() as f64) - 0.5).abs() < 0.05);
}

#[test]
fn a_fault_that_loses_packets_one_way_slows_down_streams_either_way_but_replies_only_theirs() {
    // The standard error of a share of 5,000 is 0.007.
    for (direction, requests, replies) in [("in", 0.25, 1.0), ("out", 0.5, 0.5), ("both", 0.125, 0.5)] {
        let fault = format!("one-way-loss:rate=0.5,direction={direction},lasts=1000000s");
        let seen = exchange(0.0, &[&fault]);
        let share = swift(&seen.requests, seen.asked);
        assert!((share - requests).abs() < 0.03, "{direction}: {share} of the requests, not {requests}");
        let share = swift(&seen.replies, seen.requests.len() as f64);
        assert!((share - replies).abs() < 0.05, "{direction}: {share} of the replies, not {replies}");
    }
}

/// The second in which each table was sent.
#[derive(Default)]
struct Tables(Vec<u64>);

impl Observer for Tables {
    fn sent(&mut self, sent: &Sent) {
        if sent.kind == MessageKind::Sync {
            self.0.push(sent.at.as_micros() / 1_000_000);
        }
    }
}

#[test]
fn initial_members_exchange_tables_at_times_spread_over_the_interval() {
    // A hundred members of memberlist's sync every 90 s.
    let setup = setup("lan", 100, 1, 86, &[]);
    let mut tables = Tables::default();
    run_swim(&setup, &member_config(Config::memberlist_lan()), &strategy("shuffle", &setup), &mut tables);
    let within = |from: u64| tables.0.iter().filter(|&&second| (from..from + 30).contains(&second)).count();
    assert!((196..=204).contains(&tables.0.len()), "a request and a reply of each: {}", tables.0.len());
    // A third of 200, within three standard errors.
    assert!([0, 30, 60].iter().all(|&from| within(from).abs_diff(67) < 30), "{:?}", [0, 30, 60].map(within));
}
