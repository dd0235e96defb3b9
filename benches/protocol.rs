//! Steps of one member: a ping, a period, a suspicion, a packet filled with updates, and the encoding of packets.

use std::hint::black_box;
use std::sync::Arc;
use std::time::Duration;

use criterion::{BatchSize, BenchmarkId, Criterion, criterion_group, criterion_main};
use swimlab::protocol::{
    Address, Body, Broadcasts, Config, FillLimits, Id, Identity, Incarnation, Member, MemberConfig, NodeInfo, Outbox,
    Packet, PeerView, Roster, Sizer, Span, Time, Update, UpdateKind, Updates,
};
use swimlab::wire::{PlainSizer, decode, encode};
use swimlab_selectors::rng::{Purpose, mix, stream};
use swimlab_selectors::{DynSelector, Peer, Shuffle};

/// Number of members that know each other.
const MEMBERS: u32 = 1000;

fn member(criterion: &mut Criterion) {
    let (config, roster) = (config(), roster());
    let initial = || initial(&config, &roster);
    let mut group = criterion.benchmark_group("member");

    group.bench_function("answers a ping", |bencher| {
        let (mut member, mut out) = (initial(), Outbox::default());
        let ping = packet(1, Body::Ping { seq: 7 }, Updates::new());
        bencher.iter(|| {
            member.handle(Time::ZERO, address(1), black_box(&ping), &mut out);
            out.transmits.clear();
        });
    });

    group.bench_function("goes through a period", |bencher| {
        let (mut member, mut out) = (initial(), Outbox::default());
        let rtt = Span::from_millis(60);
        bencher.iter(|| {
            let now = member.deadline();
            member.wake(now, &mut out);
            let ping = out.transmits.pop().expect("a ping in every period");
            let Body::Ping { seq } = ping.message.body else { unreachable!("every target answers") };
            let target = u32::from_be_bytes(*ping.to.ip.last_chunk().expect("sixteen bytes"));
            member.handle(now + rtt, ping.to, &packet(target, Body::Ack { seq }, Updates::new()), &mut out);
        });
    });

    group.bench_function("learns of a suspicion", |bencher| {
        let suspicion = packet(1, Body::Gossip, [suspect(2)].into());
        bencher.iter_batched(
            || (initial(), Outbox::default(), suspicion.clone()),
            |(mut member, mut out, suspicion)| {
                member.handle(Time::ZERO, address(1), &suspicion, &mut out);
                (member, out)
            },
            BatchSize::SmallInput,
        );
    });
    group.finish();
}

fn broadcasts(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("fill a packet, pieces queued");
    let limits = FillLimits { bytes: 1400, updates: usize::MAX, transmissions: 16 };
    for queued in [1, 100, 1000] {
        let waiting = || {
            let mut queue = Broadcasts::default();
            for about in 1..=queued {
                queue.push(suspect(about), Some(about), &PlainSizer, None);
            }
            queue
        };
        group.bench_function(BenchmarkId::from_parameter(queued), |bencher| {
            bencher.iter_batched_ref(
                waiting,
                |queue| {
                    let mut updates = Updates::new();
                    queue.fill(id(0), limits, |_, _| true, &mut updates);
                    updates
                },
                BatchSize::SmallInput,
            );
        });
    }
    group.finish();
}

fn wire(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("a ping with ten updates");
    let ping = packet(1, Body::Ping { seq: 7 }, (2..12).map(suspect).collect());
    let mut bytes = Vec::new();
    encode(&ping, &mut bytes).expect("a valid packet");

    group.bench_function("size", |bencher| {
        bencher.iter(|| {
            let ping = black_box(&ping);
            PlainSizer.bare(ping) + ping.updates.iter().map(|update| PlainSizer.update(update)).sum::<u32>()
        });
    });
    group.bench_function("encode", |bencher| {
        let mut out = Vec::new();
        bencher.iter(|| {
            out.clear();
            encode(black_box(&ping), &mut out)
        });
    });
    group.bench_function("decode", |bencher| bencher.iter(|| decode(black_box(&bytes))));
    group.finish();
}

fn config() -> Arc<MemberConfig> {
    Arc::new(MemberConfig::new(Config::swim(), Arc::new(PlainSizer)).expect("a valid profile"))
}

fn roster() -> Arc<Roster> {
    Arc::new(Roster::of_members((0..MEMBERS).map(node)))
}

/// The first member, started.
fn initial(config: &Arc<MemberConfig>, roster: &Arc<Roster>) -> Member {
    let indexed = DynSelector::new("shuffle", Shuffle).build_index(roster.peers());
    let identity = Identity {
        incarnation: Incarnation::default(),
        since_epoch: Span::ZERO,
        strategy_rng: stream(1, Purpose::Selector, 0),
        rng: stream(1, Purpose::Protocol, 0),
    };
    let mut member = Member::new(Arc::clone(config), identity, Arc::clone(roster), &indexed, 0);
    member.start(Time::ZERO, Time::ZERO);
    member
}

fn node(index: u32) -> Arc<NodeInfo> {
    Arc::new(NodeInfo::new(Peer::new(id(index)), address(index)))
}

fn id(index: u32) -> Id {
    mix(u64::from(index))
}

fn address(index: u32) -> Address {
    let mut ip = [0; 16];
    ip[12..].copy_from_slice(&index.to_be_bytes());
    Address { ip, port: 7946 }
}

/// A packet from a member with a current record of the first one.
fn packet(from: u32, body: Body, updates: Updates) -> Packet {
    let peer_view = PeerView::Member(Incarnation::default());
    Packet { from: id(from), incarnation: Incarnation::default(), peer_view, body, updates, coordinate: None }
}

fn suspect(about: u32) -> Update {
    Update { id: id(about), incarnation: Incarnation::default(), kind: UpdateKind::Suspect { by: id(1) } }
}

criterion_group! {
    name = protocol;
    config = Criterion::default()
        .sample_size(50)
        .warm_up_time(Duration::from_millis(500))
        .measurement_time(Duration::from_secs(2));
    targets = member, broadcasts, wire
}
criterion_main!(protocol);
