//! Hostile input on the real ports of real processes: noise, damaged and repeated packets, wrong keys and labels,
//! lengths that promise gigabytes, idle connections, a flood. Through all of it the members must stay as they are.

#![cfg(all(feature = "cli", feature = "agent", target_os = "linux"))]

pub mod agents;

use std::fs;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use agents::process::{Process, config, until, until_complete};
use swimlab::agent::{id_of, to_address};
use swimlab::protocol::{Body, Incarnation, NodeInfo, Packet, PeerView, StateSync, Update, UpdateKind, Updates};
use swimlab::wire::{FRAME_PREFIX, Key, Keyring, SEAL_VERSION, SEALED_PREFIX, Seal, decode, encode, frame};
use swimlab_selectors::Peer;
use swimlab_selectors::rng::{Purpose, Rng, below, bits, stream};

/// A cluster's key, and an outsider's.
const KEYS: [[u8; Key::LEN]; 2] = [[0x5a; Key::LEN], [0xa5; Key::LEN]];

/// Limit of the growth of an agent's memory while it is attacked, in KiB.
const GROWTH: u64 = 24 << 10;

/// Three members with a key, or without.
fn cluster(dir: &Path, is_sealed: bool, suspicion_mult: f64) -> Vec<Process> {
    let (config, key) = (config(dir, suspicion_mult), dir.join("key"));
    fs::write(&key, "5a".repeat(Key::LEN)).unwrap();
    fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
    let mut args = vec!["--config", config.to_str().unwrap()];
    if is_sealed {
        args.extend(["--key-file", key.to_str().unwrap()]);
    }
    let mut all = vec![Process::start(dir, "p0", &args)];
    let seed = all[0].addr.to_string();
    args.extend(["--join", &seed]);
    all.extend(["p1", "p2"].map(|name| Process::start(dir, name, &args)));
    until_complete(20, &all);
    all
}

fn seal(key: usize, label: &str) -> Seal {
    Seal::new(Keyring::new(Key::new(&KEYS[key])), label).unwrap()
}

/// A socket of a process that is no member.
struct Outsider {
    socket: UdpSocket,
    sent: usize,
}

impl Outsider {
    fn at(addr: &str) -> Self {
        let socket = UdpSocket::bind(addr).unwrap();
        socket.set_nonblocking(true).unwrap();
        Self { socket, sent: 0 }
    }

    fn send(&mut self, to: SocketAddr, bytes: &[u8]) {
        // A socket's own queue may be full for a moment.
        while self.socket.send_to(bytes, to).is_err_and(|error| error.kind() == ErrorKind::WouldBlock) {
            thread::yield_now();
        }
        self.sent += bytes.len();
    }

    /// Answers that have arrived, after all that was sent has been read.
    fn answers(&self) -> Vec<Vec<u8>> {
        thread::sleep(Duration::from_millis(500));
        let mut buffer = [0; 1 << 16];
        std::iter::from_fn(|| self.socket.recv(&mut buffer).ok().map(|len| buffer[..len].to_vec())).collect()
    }

    /// Records real packets of real members: introduces itself to one, and keeps what all send it until they declare it
    /// dead.
    fn records(&mut self, to: SocketAddr, mut seal: Option<&mut Seal>) -> Vec<Vec<u8>> {
        let id = id_of("outsider");
        let node = NodeInfo::new(Peer::new(id), to_address(self.socket.local_addr().unwrap()));
        let node = Arc::new(NodeInfo { name: "outsider".into(), ..node });
        let incarnation = Incarnation::of_generation(1);
        let alive = Update { id, incarnation, kind: UpdateKind::Alive(node) };
        let packet = packet(id, Body::Gossip, [alive].into_iter().collect());
        let mut bytes = Vec::new();
        match &mut seal {
            Some(seal) => seal.encode(SystemTime::now(), &packet, &mut bytes).unwrap(),
            None => encode(&packet, &mut bytes).unwrap(),
        }
        self.send(to, &bytes);
        let (begun, mut heard) = (Instant::now(), Vec::new());
        while heard.len() < 12 && begun.elapsed() < Duration::from_secs(8) {
            heard.extend(self.answers());
        }
        assert!(heard.len() >= 4, "only {} packets came", heard.len());
        heard
    }
}

fn packet(from: u64, body: Body, updates: Updates) -> Packet {
    let incarnation = Incarnation::of_generation(1);
    Packet { from, incarnation, peer_view: PeerView::Unknown, body, updates, coordinate: None }
}

fn noise(rng: &mut Rng, len: usize) -> Vec<u8> {
    (0..len).map(|_| bits(rng) as u8).collect()
}

/// Every truncation of a packet, and the packet with every single bit flipped.
fn damaged(whole: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let turned = |bit: usize| {
        let mut bytes = whole.to_vec();
        bytes[bit / 8] ^= 1 << (bit % 8);
        bytes
    };
    (0..whole.len()).map(|len| whole[..len].to_vec()).chain((0..8 * whole.len()).map(turned))
}

/// Members, their addresses and generations, as one of them sees them.
fn view(of: &Process) -> Vec<(String, String, String)> {
    let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
    let members = of.members().into_iter().filter(|member| member["name"].as_str().unwrap().starts_with('p'));
    let life = |incarnation: String| incarnation.split('.').next().unwrap().to_owned();
    members.map(|member| (text(&member["name"]), text(&member["addr"]), life(text(&member["incarnation"])))).collect()
}

fn views(all: &[Process]) -> Vec<Vec<(String, String, String)>> {
    all.iter().map(view).collect()
}

fn dropped(of: &Process, why: &str) -> u64 {
    of.info()["dropped"][why].as_u64().unwrap_or(0)
}

/// Checks that all members hold each other alive, and always have.
fn assert_unharmed(all: &[Process]) {
    for process in all {
        let alive = process.alive();
        assert!(all.iter().all(|other| alive.contains(&other.name)), "{} knows {alive:?}", process.name);
        assert!(all.iter().all(|other| !process.saw("died", &other.name)), "{} declared a member dead", process.name);
        assert!(!process.errors().contains("panic"), "{}", process.errors());
    }
}

#[test]
fn packets_without_the_key_are_not_answered_and_change_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let all = cluster(dir.path(), true, 20.0);
    let mut recorder = Outsider::at("127.0.0.1:0");
    let real = recorder.records(all[0].addr, Some(&mut seal(0, "swimlab")));
    let (before, memory) = (views(&all), all[0].memory_kib());

    let mut outsider = Outsider::at("127.0.0.1:0");
    let (mut rng, now) = (stream(1, Purpose::Faults, 0), SystemTime::now());
    let ping = packet(id_of("p1"), Body::Ping { seq: 7 }, Updates::new());
    let mut forged = 0;
    for at in 0..3000 {
        let len = below(&mut rng, 1500) as usize;
        outsider.send(all[0].addr, &noise(&mut rng, len));
        // Looks freshly sealed, and is not.
        let mut fresh = noise(&mut rng, 64 + len % 64);
        let stamp = now.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros() as u64 + at;
        fresh[..8].copy_from_slice(&(u64::from(SEAL_VERSION) << 56 | stamp).to_be_bytes());
        outsider.send(all[0].addr, &fresh);
        forged += 2;
    }
    for bytes in real.iter().flat_map(|whole| damaged(whole)) {
        outsider.send(all[0].addr, &bytes);
    }
    for mut liar in [seal(1, "swimlab"), seal(0, "another cluster")] {
        for _ in 0..100 {
            let mut bytes = Vec::new();
            liar.encode(SystemTime::now(), &ping, &mut bytes).unwrap();
            outsider.send(all[0].addr, &bytes);
            forged += 1;
        }
    }
    // In plain text, as if there were no key.
    let mut bytes = Vec::new();
    encode(&ping, &mut bytes).unwrap();
    outsider.send(all[0].addr, &bytes);

    assert_eq!(outsider.answers(), Vec::<Vec<u8>>::new());
    assert!(dropped(&all[0], "forged") >= forged / 2, "{} of {forged} were read", dropped(&all[0], "forged"));
    assert_eq!(views(&all), before);
    assert_unharmed(&all);
    let grown = all[0].memory_kib().saturating_sub(memory);
    assert!(grown < GROWTH, "{grown} KiB more");
}

#[test]
fn replayed_packets_change_no_record_and_are_answered_once_at_most() {
    let dir = tempfile::tempdir().unwrap();
    let all = cluster(dir.path(), true, 20.0);
    let mut recorder = Outsider::at("127.0.0.1:0");
    let real = recorder.records(all[0].addr, Some(&mut seal(0, "swimlab")));
    let before = views(&all);

    // From another address, to all, again and again.
    let mut player = Outsider::at("127.0.0.9:0");
    for _ in 0..50 {
        for bytes in &real {
            all.iter().for_each(|process| player.send(process.addr, bytes));
        }
    }
    let answers = player.answers();
    assert!(answers.len() <= real.len() * all.len(), "{} answers to {} packets", answers.len(), real.len());
    assert!(all.iter().all(|process| dropped(process, "stale") > 0));
    // Each packet was taken once by each member: they had not come to them before.
    let (first, again) = (answers.len(), player.sent);
    for bytes in &real {
        all.iter().for_each(|process| player.send(process.addr, bytes));
    }
    assert!(player.sent > again && player.answers().is_empty(), "{first} answers at first");
    // No member moved to the address that the packets seemed to come from.
    assert_eq!(views(&all), before);
    assert_unharmed(&all);
}

#[test]
fn noise_in_plain_text_is_dropped_and_damaged_packets_lead_to_no_death() {
    let dir = tempfile::tempdir().unwrap();
    let all = cluster(dir.path(), false, 20.0);
    let mut recorder = Outsider::at("127.0.0.1:0");
    let mut real = recorder.records(all[0].addr, None);
    // Not its own: damaged, one could claim a later life of p0, to which p0 would give way.
    real.retain(|bytes| decode(bytes).unwrap().from != id_of("p0"));
    let memory = all[0].memory_kib();
    let (mut outsider, mut rng) = (Outsider::at("127.0.0.1:0"), stream(2, Purpose::Faults, 0));
    for _ in 0..5000 {
        let len = below(&mut rng, 1500) as usize;
        outsider.send(all[0].addr, &noise(&mut rng, len));
        // Noise behind an envelope in order: it reaches the decoder's depths.
        let mut packet = real[len % real.len()].clone();
        let from = 4 + len % (packet.len() - 4);
        packet[from..].iter_mut().for_each(|byte| *byte = bits(&mut rng) as u8);
        outsider.send(all[0].addr, &packet);
        // Packets beyond the socket's queue test nothing.
        if len.is_multiple_of(16) {
            thread::sleep(Duration::from_millis(2));
        }
    }
    assert_eq!(outsider.answers().iter().map(Vec::len).filter(|&len| len > 1400).count(), 0);
    for bytes in real.iter().flat_map(|whole| damaged(whole)) {
        outsider.send(all[0].addr, &bytes);
    }
    until(5, "much of it is read", || dropped(&all[0], "malformed") > 1000);
    // Bits flipped in plain text may say anything, a suspicion for example: live members refute.
    until(10, "all are alive", || {
        all.iter()
            .all(|process| ["p0", "p1", "p2"].iter().all(|name| process.alive().iter().any(|alive| alive == name)))
    });
    assert_unharmed(&all);
    let grown = all[0].memory_kib().saturating_sub(memory);
    assert!(grown < GROWTH, "{grown} KiB more");
}

// F11: one rule for names, on entry and from packets.
#[test]
fn members_without_a_name_or_with_control_characters_in_it_are_refused_from_packets() {
    let dir = tempfile::tempdir().unwrap();
    let agent = Process::start(dir.path(), "p0", &[]);
    let mut outsider = Outsider::at("127.0.0.1:0");
    let address = to_address(outsider.socket.local_addr().unwrap());
    let introduction = |name: &str| {
        let id = id_of(name);
        let node = NodeInfo { name: name.into(), ..NodeInfo::new(Peer::new(id), address) };
        let kind = UpdateKind::Alive(Arc::new(node));
        let alive = Update { id, incarnation: Incarnation::of_generation(1), kind };
        let mut bytes = Vec::new();
        encode(&packet(id, Body::Gossip, [alive].into_iter().collect()), &mut bytes).unwrap();
        bytes
    };
    outsider.send(agent.addr, &introduction(""));
    // The encoder writes no such name.
    for control in [b'\n', b'\r', 0x1b, 0x7f] {
        let mut bytes = introduction("web1~joined");
        let at = bytes.iter().rposition(|&byte| byte == b'~').unwrap();
        bytes[at] = control;
        outsider.send(agent.addr, &bytes);
    }
    until(10, "all are dropped", || dropped(&agent, "malformed") == 5);
    assert_eq!(agent.members().len(), 1);
    // Without a fault it is admitted.
    outsider.send(agent.addr, &introduction("web1~joined"));
    until(10, "it is asked", || !outsider.answers().is_empty());
}

#[test]
fn connections_that_promise_much_or_send_nothing_delay_no_member() {
    for is_sealed in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let all = cluster(dir.path(), is_sealed, 20.0);
        let (before, memory) = (views(&all), all[0].memory_kib());
        let mut rng = stream(3, Purpose::Faults, u64::from(is_sealed));
        let mut real = Vec::new();
        let join = Body::Sync(Box::new(StateSync::whole(true, true, Vec::new())));
        seal(1, "swimlab").frame(SystemTime::now(), &packet(7, join, Updates::new()), &mut real).unwrap();
        let openings = [
            vec![0xff; 4],                        // Four gigabytes.
            (64u32 << 20).to_be_bytes().to_vec(), // More than so few members can say.
            (1u32 << 20).to_be_bytes().to_vec(),  // As much as they may, of which nothing comes.
            [&[0, 0, 1, 0], &noise(&mut rng, 256)[..]].concat(),
            noise(&mut rng, SEALED_PREFIX),
            noise(&mut rng, 5000),
            real, // Sealed with another key.
            Vec::new(),
        ];
        let mut open = Vec::new();
        for at in 0..160 {
            let Ok(mut stream) = TcpStream::connect(all[0].addr) else { continue };
            stream.set_read_timeout(Some(Duration::from_millis(200))).unwrap();
            let _ = stream.write_all(&openings[at % openings.len()]);
            open.push(stream);
        }
        // More than 32 are not served at once, and none for longer than ten seconds.
        thread::sleep(Duration::from_secs(2));
        for stream in &mut open {
            let mut answer = [0; 1];
            assert!(!matches!(stream.read(&mut answer), Ok(1..)), "an answer");
        }
        assert_eq!(views(&all), before);
        assert_unharmed(&all);
        let grown = all[0].memory_kib().saturating_sub(memory);
        assert!(grown < GROWTH, "{grown} KiB more");
        drop(open);
        let info = all[0].info();
        let dropped = &info["dropped"];
        let why = if is_sealed { "forged" } else { "frame_too_long" };
        assert!(dropped[why].as_u64().is_some(), "{dropped}");
        // A member with the key still gets in.
        let (config, key) = (config(dir.path(), 20.0), dir.path().join("key"));
        let (config, key, seed) = (config.to_str().unwrap(), key.to_str().unwrap(), all[0].addr.to_string());
        let mut args = vec!["--config", config, "--join", &seed];
        if is_sealed {
            args.extend(["--key-file", key]);
        }
        let late = Process::start(dir.path(), "p3", &args);
        until(20, "a joiner gets through", || late.alive().len() == 4 && all[2].alive().len() == 4);
    }
}

// A4
#[test]
fn idle_connections_of_one_address_keep_out_no_joiner_from_another() {
    for is_sealed in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let all = cluster(dir.path(), is_sealed, 20.0);
        let (config, key) = (config(dir.path(), 20.0), dir.path().join("key"));
        let (config, key, seed) = (config.to_str().unwrap(), key.to_str().unwrap(), all[0].addr.to_string());
        let mut args = vec!["--config", config, "--join", &seed, "--bind", "127.0.0.2:0"];
        if is_sealed {
            args.extend(["--key-file", key]);
        }
        // Without a word, and with the first bytes of a packet of which no more comes.
        let small = 100u32.to_be_bytes();
        for (at, (count, opening)) in [(64, &[][..]), (1000, &[]), (200, &small)].into_iter().enumerate() {
            let connect = |_| {
                let mut stream = TcpStream::connect(all[0].addr).unwrap();
                let _ = stream.write_all(opening);
                stream
            };
            let open: Vec<TcpStream> = (0..count).map(connect).collect();
            let name = format!("late{at}");
            let joiner = Process::start(dir.path(), &name, &args);
            until(8, &format!("{name} is in, sealed: {is_sealed}"), || {
                joiner.alive().len() == 4 && all[0].alive().contains(&name)
            });
            drop(open);
            let mut joiner = joiner;
            joiner.signal("TERM");
            joiner.ended();
            until(20, "it has left", || all[0].alive().len() == 3);
        }
    }
}

// A10
#[test]
fn a_sync_by_datagram_opens_no_connection_and_is_not_answered() {
    for is_sealed in [true, false] {
        let dir = tempfile::tempdir().unwrap();
        let all = cluster(dir.path(), is_sealed, 20.0);
        let mut outsider = Outsider::at("127.0.0.9:0");
        let listener = TcpListener::bind(outsider.socket.local_addr().unwrap()).unwrap();
        listener.set_nonblocking(true).unwrap();
        let mut seal = seal(0, "swimlab");
        for joining in [true, false] {
            for wants_reply in [true, false] {
                let body = Body::Sync(Box::new(StateSync::whole(wants_reply, joining, Vec::new())));
                let (packet, mut bytes) = (packet(7, body, Updates::new()), Vec::new());
                // With a key: a recorded packet of a stream, without its prefix.
                if is_sealed {
                    seal.encode(SystemTime::now(), &packet, &mut bytes).unwrap();
                } else {
                    encode(&packet, &mut bytes).unwrap();
                }
                outsider.send(all[0].addr, &bytes);
            }
        }
        assert_eq!(outsider.answers(), Vec::<Vec<u8>>::new());
        // A sender that calls the member dead is asked for its table, if it is a member.
        let in_an_hour = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as u32 + 3600;
        let dead = PeerView::Dead(Incarnation::of_generation(in_an_hour));
        let ping = Packet { peer_view: dead, ..packet(7, Body::Ping { seq: 1 }, Updates::new()) };
        let mut bytes = Vec::new();
        if is_sealed {
            seal.encode(SystemTime::now(), &ping, &mut bytes).unwrap();
        } else {
            encode(&ping, &mut bytes).unwrap();
        }
        outsider.send(all[0].addr, &bytes);
        assert_eq!(outsider.answers().len(), 1);
        assert!(listener.accept().is_err_and(|error| error.kind() == ErrorKind::WouldBlock), "a connection");
        assert_eq!(dropped(&all[0], "malformed"), 4);
        assert_unharmed(&all);
    }
}

/// Sends a packet in plain text on a new connection, and returns the packet that comes back.
fn exchange(to: SocketAddr, packet: &Packet) -> Packet {
    let (mut stream, mut bytes) = (TcpStream::connect(to).unwrap(), Vec::new());
    frame(packet, &mut bytes).unwrap();
    stream.write_all(&bytes).unwrap();
    read_packet(stream)
}

fn read_packet(mut stream: TcpStream) -> Packet {
    let mut bytes = Vec::new();
    stream.set_nonblocking(false).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.read_to_end(&mut bytes).unwrap();
    decode(&bytes[FRAME_PREFIX..]).unwrap()
}

/// The number of requests for parts on the connections that wait to be accepted. Others bring pings.
fn requests_for_parts(listener: &TcpListener) -> usize {
    let packets = std::iter::from_fn(|| listener.accept().ok()).map(|(stream, _)| read_packet(stream).body);
    packets.filter(|body| matches!(body, Body::Sync(sync) if sync.wants_reply && !sync.parts.is_empty())).count()
}

// The kind of A10
#[test]
fn a_request_for_parts_is_answered_and_causes_one_to_the_host_that_has_connected_and_to_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let config = dir.path().join("syncs.toml");
    fs::write(&config, "preset = 'local'\n[protocol]\nsync_interval = '10m'\n").unwrap();
    // Connections come from 127.0.0.1.
    for (name, ip) in [("known", "127.0.0.1:0"), ("elsewhere", "127.0.0.9:0")] {
        let agent = Process::start(dir.path(), name, &["--config", config.to_str().unwrap()]);
        let listener = TcpListener::bind(ip).unwrap();
        listener.set_nonblocking(true).unwrap();
        let (id, incarnation) = (id_of("asker"), Incarnation::of_generation(1));
        let node = NodeInfo::new(Peer::new(id), to_address(listener.local_addr().unwrap()));
        let node = Arc::new(NodeInfo { name: "asker".into(), ..node });
        let records = vec![Update { id, incarnation, kind: UpdateKind::Alive(node) }];
        let sync = StateSync { parts: vec![7; 16], ..StateSync::whole(true, false, records) };
        let request = packet(id, Body::Sync(Box::new(sync)), Updates::new());
        for _ in 0..3 {
            let Body::Sync(answer) = exchange(agent.addr, &request).body else { panic!("no table") };
            assert!(!answer.wants_reply && answer.records.iter().any(|record| record.id == id_of(name)));
        }
        let mut requests = 0;
        if name == "known" {
            until(20, "it asks in return", || {
                requests += requests_for_parts(&listener);
                requests > 0
            });
        } else {
            until(20, "it is kept from asking", || dropped(&agent, "reply_limit") == 1);
        }
        thread::sleep(Duration::from_millis(500));
        requests += requests_for_parts(&listener);
        assert_eq!(requests, usize::from(name == "known"), "{name}");
    }
}

// A10
#[test]
fn packets_of_senders_that_are_no_members_make_an_agent_send_a_bounded_number_of_bytes() {
    let dir = tempfile::tempdir().unwrap();
    let (config, meta) = (config(dir.path(), 20.0), format!("large={}", "x".repeat(480)));
    let all = [Process::start(dir.path(), "p0", &["--config", config.to_str().unwrap(), "--meta", &meta])];
    let mut outsider = Outsider::at("127.0.0.9:0");
    let (mut answers, begun) = (0, Instant::now());
    for seq in 0..20_000 {
        let mut bytes = Vec::new();
        encode(&packet(id_of("outsider"), Body::Ping { seq }, Updates::new()), &mut bytes).unwrap();
        outsider.send(all[0].addr, &bytes);
        if seq % 16 == 0 {
            thread::sleep(Duration::from_millis(1));
            let mut buffer = [0; 1 << 16];
            answers += std::iter::from_fn(|| outsider.socket.recv(&mut buffer).ok()).sum::<usize>();
        }
    }
    answers += outsider.answers().iter().map(Vec::len).sum::<usize>();
    // 64 KiB at once and per second; an ack without updates is as long as its ping, but for the incarnation.
    let bound = outsider.sent * 5 / 4 + (64 << 10) * (2 + begun.elapsed().as_secs() as usize);
    assert!(answers > outsider.sent / 4 && answers <= bound, "{answers} for {} bytes", outsider.sent);
    assert_unharmed(&all);
}

// W4
#[test]
fn a_key_a_label_or_a_clock_that_differs_is_logged_once_with_the_address() {
    let dir = tempfile::tempdir().unwrap();
    let all = cluster(dir.path(), true, 20.0);
    let mut outsider = Outsider::at("127.0.0.9:0");
    let ping = packet(7, Body::Ping { seq: 1 }, Updates::new());
    let hour = Duration::from_secs(3600);
    for _ in 0..100 {
        let [mut key, mut label, mut early, mut late, mut plain] = [const { Vec::new() }; 5];
        seal(1, "swimlab").encode(SystemTime::now(), &ping, &mut key).unwrap();
        seal(0, "another cluster").encode(SystemTime::now(), &ping, &mut label).unwrap();
        seal(0, "swimlab").encode(SystemTime::now() + hour, &ping, &mut early).unwrap();
        seal(0, "swimlab").encode(SystemTime::now() - hour, &ping, &mut late).unwrap();
        let left = Update { id: id_of("p9"), incarnation: ping.incarnation, kind: UpdateKind::Left };
        encode(&Packet { updates: [left.clone(), left].into_iter().collect(), ..ping.clone() }, &mut plain).unwrap();
        [key, label, early, late, plain].iter().for_each(|bytes| outsider.send(all[0].addr, bytes));
    }
    until(20, "all are refused", || dropped(&all[0], "forged") + dropped(&all[0], "stale") > 100);
    for cause in ["its sender has another key or label", "refused: clocks differ", "has no key, and this agent has one"]
    {
        until(20, cause, || all[0].errors().contains(cause));
        assert_eq!(all[0].errors().matches(cause).count(), 1, "{}", all[0].errors());
    }
    assert!(all[0].errors().contains(&outsider.socket.local_addr().unwrap().to_string()), "{}", all[0].errors());

    // The other side is told, too: a joiner with another label.
    let (config, key) = (config(dir.path(), 20.0), dir.path().join("key"));
    let (config, key, seed) = (config.to_str().unwrap(), key.to_str().unwrap(), all[1].addr.to_string());
    let args = ["--config", config, "--key-file", key, "--label", "other", "--join", &seed];
    let other = Process::start(dir.path(), "other", &args);
    until(20, "the joiner is told", || other.errors().contains("did not answer: its key or label differs"));
    until(20, "the seed is told", || all[1].errors().contains("another key or label"));
    assert!(other.errors().contains(&seed));
}

#[test]
fn a_flood_of_a_million_packets_fills_no_memory_and_leads_to_no_death() {
    const FLOOD: usize = 1_000_000;
    let dir = tempfile::tempdir().unwrap();
    let all = cluster(dir.path(), true, 40.0);
    let mut recorder = Outsider::at("127.0.0.1:0");
    let real = recorder.records(all[0].addr, Some(&mut seal(0, "swimlab")));
    let memory = all[0].memory_kib();
    let mut rng = stream(4, Purpose::Faults, 0);
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_micros() as u64;
    let mut kinds: Vec<Vec<u8>> = (0..64).map(|_| noise(&mut rng, 100)).collect();
    kinds.iter_mut().skip(1).step_by(2).enumerate().for_each(|(at, bytes)| {
        bytes[..8].copy_from_slice(&(u64::from(SEAL_VERSION) << 56 | (now + at as u64)).to_be_bytes());
    });
    kinds.extend(real.iter().cloned());
    let mut outsider = Outsider::at("127.0.0.1:0");
    let (begun, mut most) = (Instant::now(), memory);
    for at in 0..FLOOD {
        outsider.send(all[0].addr, &kinds[at % kinds.len()]);
        if at % 50_000 == 0 {
            most = most.max(all[0].memory_kib());
        }
    }
    let took = begun.elapsed();
    most = most.max(all[0].memory_kib());
    assert!(most - memory < GROWTH, "{} KiB more", most - memory);
    // Updates that other members had sent to the outsider were new to this one: once.
    assert!(outsider.answers().len() <= real.len());
    let read = dropped(&all[0], "forged") + dropped(&all[0], "stale");
    assert!(read > FLOOD as u64 / 100, "{read} were read");
    until(10, "all are well", || all.iter().all(|process| process.alive().len() >= 3));
    assert_unharmed(&all);
    println!("{FLOOD} packets in {took:.1?}: {read} were read and refused, {} KiB more", most - memory);
}

#[test]
fn nonsense_on_the_control_socket_and_the_metrics_port_is_survived() {
    let dir = tempfile::tempdir().unwrap();
    let metrics = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string();
    let agent = Process::start(dir.path(), "p0", &["--metrics", &metrics]);
    let mut rng = stream(5, Purpose::Faults, 0);
    for len in [0, 1, 100, 70_000, 1 << 20] {
        for line in [noise(&mut rng, len), vec![b'['; len], [&b"{\"do\":\""[..], &vec![b'x'; len]].concat()] {
            let mut control = UnixStream::connect(dir.path().join("p0.sock")).unwrap();
            let _ = control.write_all(&line);
            let _ = control.write_all(b"\n");
            let mut http = TcpStream::connect(&metrics).unwrap();
            let _ = http.write_all(&line);
            let _ = http.write_all(b"\r\n\r\n");
        }
    }
    until(15, "it answers", || agent.alive() == ["p0"]);
    assert!(agent.errors().lines().all(|line| line.starts_with("warning: ")), "{}", agent.errors());
}
