//! Campaigns find planted faults and shrink them, and find none where none is planted.

use std::sync::Arc;

use campaign::{Generator, Progress, Schedule, shrink, violations};
use swimlab::detectors::Detector;
use swimlab::experiment::Lab;
use swimlab::protocol::{
    Address, Config, Event, EventKind, Gauge, Id, Incarnation, Member, MemberConfig, MessageKind, Outbox, Packet, Span,
    Time, Update, UpdateKind,
};
use swimlab::sim::{
    AppRequest, DetectorFactory, FailureDetector, Guarantees, MemberIndex, Observer, Outcome, Setup, SwimFactory, World,
};
use swimlab::wire::PlainSizer;
use swimlab_selectors::{DynSelector, Shuffle};

/// A fault in a member's handling of packets.
#[derive(Clone, Copy)]
enum Planted {
    /// It raises the incarnation of another member that it hears to be suspected.
    RaisesOthers,
    /// It remembers eight application events.
    ForgetsEvents,
}

struct PlantedMember {
    member: Member,
    planted: Planted,
    remembered: Vec<(Id, Incarnation, u32)>,
}

struct PlantedFactory {
    factory: SwimFactory,
    planted: Planted,
}

impl Detector for Planted {
    fn period(&self) -> Span {
        Span::from_secs(1)
    }

    fn run(&self, setup: &Setup, observer: &mut dyn Observer) -> Outcome {
        let config = Arc::new(MemberConfig::new(Config::swim(), Arc::new(PlainSizer)).unwrap());
        let factory = SwimFactory::new(setup, &config, &DynSelector::new("shuffle", Shuffle));
        World::new(setup, PlantedFactory { factory, planted: *self }, observer).run()
    }
}

impl PlantedFactory {
    fn plant(&self, member: Member) -> PlantedMember {
        PlantedMember { member, planted: self.planted, remembered: Vec::new() }
    }
}

impl DetectorFactory for PlantedFactory {
    type Detector = PlantedMember;

    fn initial(&mut self, member: MemberIndex) -> PlantedMember {
        let member = self.factory.initial(member);
        self.plant(member)
    }

    fn joiner(&mut self, member: MemberIndex, generation: u32) -> PlantedMember {
        let member = self.factory.joiner(member, generation);
        self.plant(member)
    }

    fn guarantees(&self) -> Guarantees {
        self.factory.guarantees()
    }
}

impl PlantedMember {
    /// A packet as a member with the fault understands it.
    fn tamper(&self, packet: &Packet) -> Packet {
        let mut packet = packet.clone();
        if let Planted::RaisesOthers = self.planted {
            for update in &mut packet.updates {
                if matches!(update.kind, UpdateKind::Suspect { .. }) && update.id != self.member.id() {
                    update.incarnation = update.incarnation.next();
                }
            }
        }
        packet
    }

    /// Reports the event in an update again if it is not among the last eight.
    fn report_forgotten(&mut self, update: &Update, out: &mut Outbox) {
        let UpdateKind::User(user) = &update.kind else { return };
        let key = (update.id, update.incarnation, user.seq);
        let is_reported = out.events.iter().any(|event| event.kind == EventKind::User(Arc::clone(user)));
        if self.remembered.contains(&key) || update.id == self.member.id() {
            return;
        }
        if !is_reported {
            let source = swimlab::protocol::EventSource::Own;
            let kind = EventKind::User(Arc::clone(user));
            out.events.push(Event::new(update.id, update.incarnation, kind, source));
        }
        self.remembered.push(key);
        if self.remembered.len() > 8 {
            self.remembered.remove(0);
        }
    }
}

impl FailureDetector for PlantedMember {
    type Message = Packet;

    fn start(&mut self, now: Time, first_period: Time, _: &mut Outbox) {
        self.member.start(now, first_period);
    }

    fn join(&mut self, now: Time, seeds: Vec<Address>, out: &mut Outbox) {
        self.member.join(now, seeds, out);
    }

    fn leave(&mut self, _: Time, out: &mut Outbox) {
        self.member.leave(out);
    }

    fn handle(&mut self, now: Time, from: Address, packet: &Packet, out: &mut Outbox) {
        let tampered = self.tamper(packet);
        self.member.handle(now, from, &tampered, out);
        if let Planted::ForgetsEvents = self.planted {
            packet.updates.iter().for_each(|update| self.report_forgotten(update, out));
        }
    }

    fn wake(&mut self, now: Time, out: &mut Outbox) {
        self.member.wake(now, out);
    }

    fn serve(&mut self, now: Time, request: AppRequest, out: &mut Outbox) -> bool {
        FailureDetector::serve(&mut self.member, now, request, out)
    }

    fn deadline(&self) -> Time {
        self.member.deadline()
    }

    fn kind(packet: &Packet) -> MessageKind {
        packet.body.kind()
    }

    fn members(&self) -> Option<u32> {
        Some(self.member.table().members())
    }

    fn gauge(&self) -> Gauge {
        self.member.gauge()
    }
}

fn with(planted: Planted) -> Lab {
    let mut lab = Lab::default();
    lab.detectors.register("planted", "A fault.", vec![], move |_, ()| Ok(Arc::new(planted)));
    lab
}

/// The first schedule of the campaign with a violation, and its number.
fn find(lab: &Lab) -> (u64, Schedule) {
    let mut generator = Generator::new(lab);
    generator.profiles.clear();
    generator.detectors = vec!["planted"];
    generator.most_members = 16;
    let drawn = (0..10_000).map(|number| (number, generator.draw(1, number)));
    drawn.into_iter().find(|(_, schedule)| !violations(schedule, lab).is_empty()).expect("found within 10,000 worlds")
}

#[test]
fn a_planted_fault_is_found_and_shrunk_to_a_few_lines() {
    for (planted, wanted) in [(Planted::RaisesOthers, "knows incarnation"), (Planted::ForgetsEvents, "reports event")] {
        let lab = with(planted);
        let (number, schedule) = find(&lab);
        let shrunk = shrink(&schedule, &lab);
        let toml = shrunk.to_toml();
        println!("world {number}:\n{toml}");
        assert!(violations(&shrunk, &lab)[0].contains(wanted), "{:?}", violations(&shrunk, &lab));
        assert!(toml.lines().count() <= 10, "{toml}");
    }
}

#[test]
fn worlds_without_a_planted_fault_keep_the_rules() {
    let lab = Lab::default();
    let mut generator = Generator::new(&lab);
    generator.most_members = 8;
    for number in 0..60 {
        let schedule = generator.draw(7, number);
        assert_eq!(violations(&schedule, &lab), [""; 0], "world {number}\n{}", schedule.to_toml());
    }
}

#[test]
fn a_campaign_goes_on_where_it_was_and_not_with_another_seed() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("campaign.json");
    let mut progress = Progress::read(&path, 3).unwrap();
    assert_eq!(progress, Progress { seed: 3, ..Progress::default() });
    progress.done = 400;
    progress.write(&path).unwrap();
    assert_eq!(Progress::read(&path, 3).unwrap(), progress);
    assert!(Progress::read(&path, 4).unwrap_err().to_string().contains("is of the campaign with seed 3"));
}
