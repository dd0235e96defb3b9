//! Questions and answers over streams, and when tables are exchanged.

use super::*;
use crate::protocol::{Address, Gauge, Id, MessageKind, Outbox, Status, Transmit};

/// Two members: the first asks over a stream every 20 s, the second answers with what is a datagram otherwise.
struct Echoes;

struct Echo {
    next: Time,
    asks: bool,
}

impl DetectorFactory for Echoes {
    type Detector = Echo;
    fn initial(&mut self, member: MemberIndex) -> Echo {
        Echo { next: Time::NEVER, asks: member == 0 }
    }
    fn joiner(&mut self, member: MemberIndex, _: u32) -> Echo {
        self.initial(member)
    }
    fn guarantees(&self) -> Guarantees {
        Guarantees::default()
    }
}

impl FailureDetector for Echo {
    type Message = MessageKind;
    const HOT_BYTES: usize = size_of::<Self>();

    fn start(&mut self, _: Time, first_period: Time, _: &mut Outbox<MessageKind>) {
        self.next = if self.asks { first_period } else { Time::NEVER };
    }
    fn join(&mut self, _: Time, _: Vec<Address>, _: &mut Outbox<MessageKind>) {}
    fn leave(&mut self, _: Time, _: &mut Outbox<MessageKind>) {}
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
    fn believes(&self, _: Id) -> Option<Status> {
        None
    }
    fn members(&self) -> u32 {
        2
    }
    fn gauge(&self) -> Gauge {
        Gauge::default()
    }
}

/// How long questions and answers were on their way, in milliseconds; and how many there were.
#[derive(Default)]
struct Exchanges {
    asked: f64,
    questions: Vec<u64>,
    answers: Vec<u64>,
}

impl Observer for Exchanges {
    fn sent(&mut self, sent: &Sent) {
        self.asked += f64::from(u8::from(sent.kind == MessageKind::Ping));
    }
    fn delivered(&mut self, at: Time, sent: &Sent) {
        let times = if sent.kind == MessageKind::Ping { &mut self.questions } else { &mut self.answers };
        times.push(at.since(sent.at).as_micros() / 1000);
    }
}

/// A network in which each way takes 50 ms, and so many packets are lost: everywhere, or by a fault around the second.
fn exchange(loss: f64, fault: &[&str]) -> Exchanges {
    let mut setup = setup("lan:delay_ms=50,jitter=none", 2, 1, 5_000 * 20, fault);
    setup.loss = loss;
    setup.faults.iter_mut().for_each(|fault| (fault.at, fault.target) = (Span::ZERO, Target::Members(vec![1])));
    let mut seen = Exchanges::default();
    let outcome = World::new(&setup, Echoes, &mut seen).run();
    assert_eq!(outcome.violations, [""; 0]);
    seen
}

/// The share of those that were not slowed down.
fn swift(times: &[u64], of: f64) -> f64 {
    times.iter().filter(|&&ms| ms == 100).count() as f64 / of
}

#[test]
fn without_loss_a_question_over_a_stream_and_its_answer_take_two_round_trips() {
    let seen = exchange(0.0, &[]);
    assert_eq!((seen.questions.len(), seen.answers.len()), (seen.asked as usize, seen.asked as usize));
    assert!(seen.questions.iter().chain(&seen.answers).all(|&ms| ms == 100));
}

#[test]
fn an_answer_to_a_ping_over_a_stream_is_as_safe_as_the_stream() {
    let seen = exchange(0.5, &[]);
    // After 10 s in all nobody waits any more: who asked after 7 s is answered within 1 s, who asked after 3 s within 3 s.
    let slowed = |s: u64| seen.questions.iter().filter(|&&ms| ms == 100 + 1000 * s).count() as f64;
    let expected = (slowed(0) + slowed(1)) * 15.0 / 16.0 + slowed(3) * 7.0 / 8.0 + slowed(7) * 3.0 / 4.0;
    let answered = seen.answers.len() as f64;
    // 2,400 of them; the standard error is 17.
    assert!((answered - expected).abs() < 60.0, "{answered} answers, not {expected}");
    assert!((swift(&seen.answers, seen.questions.len() as f64) - 0.5).abs() < 0.05);
}

#[test]
fn a_fault_that_loses_packets_one_way_slows_down_streams_either_way_but_answers_only_theirs() {
    // The standard error of a share of 5,000 is 0.007.
    for (direction, questions, answers) in [("in", 0.25, 1.0), ("out", 0.5, 0.5), ("both", 0.125, 0.5)] {
        let fault = format!("one-way-loss:rate=0.5,direction={direction},lasts=1000000s");
        let seen = exchange(0.0, &[&fault]);
        let share = swift(&seen.questions, seen.asked);
        assert!((share - questions).abs() < 0.03, "{direction}: {share} of the questions, not {questions}");
        let share = swift(&seen.answers, seen.questions.len() as f64);
        assert!((share - answers).abs() < 0.05, "{direction}: {share} of the answers, not {answers}");
    }
}

/// In which second each table was sent.
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
fn founders_exchange_tables_at_moments_spread_over_the_interval() {
    // A hundred members of memberlist's sync every 90 s.
    let setup = setup("lan", 100, 1, 86, &[]);
    let mut tables = Tables::default();
    swim::run(&setup, &member_config(Config::memberlist_lan()), &strategy("shuffle", &setup), &mut tables);
    let within = |from: u64| tables.0.iter().filter(|&&second| (from..from + 30).contains(&second)).count();
    assert!((196..=204).contains(&tables.0.len()), "a question and an answer of each: {}", tables.0.len());
    // A third of 200, within three standard errors.
    assert!([0, 30, 60].iter().all(|&from| within(from).abs_diff(67) < 30), "{:?}", [0, 30, 60].map(within));
}
