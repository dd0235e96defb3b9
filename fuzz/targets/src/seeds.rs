//! The first inputs of the corpora, which coverage-guided runs grow from.

use swimlab::wire::encode;
use swimlab_selectors::rng::{Purpose, Rng, bits, stream};

use super::bytes::Bytes;
use super::csv::SEPARATOR;
use super::member::sample_packet;
use super::query::query_payloads;
use super::state::payloads;

/// Inputs of a target to begin with, each with a name for its file.
pub fn seeds(target: &str) -> Vec<(String, Vec<u8>)> {
    let inputs = match target {
        "decode" => packets(),
        "open" => packets().into_iter().chain(lines(KEY_FILES)).collect(),
        "member" => (0..8).map(|number| random(number, 160)).collect(),
        "control" => lines(CONTROL),
        "http" => lines(HTTP),
        "snapshot" => lines(SNAPSHOTS),
        "experiment" => lines(EXPERIMENTS),
        "csv" => TABLES.iter().map(joined).collect(),
        "state" => payloads(),
        "query" => query_payloads(),
        other => panic!("no target {other}"),
    };
    inputs.into_iter().enumerate().map(|(number, input)| (format!("seed-{number:02}"), input)).collect()
}

/// Encodings of packets of all kinds.
fn packets() -> Vec<Vec<u8>> {
    let encoded = (0..10_000).map(|number| {
        let mut bytes = Vec::new();
        let packet = sample_packet(&mut Bytes(&random(number, 200)))?;
        encode(&packet, &mut bytes).ok()?;
        // The kind on the wire, of which a sync has three.
        Some((bytes[1] & 0xf, bytes))
    });
    let mut all: Vec<_> = encoded.flatten().filter(|(_, bytes)| bytes.len() <= 200).collect();
    all.sort();
    // Two of each kind: the shortest and the longest.
    let mut chosen: Vec<Vec<u8>> = Vec::new();
    for of_kind in all.chunk_by(|one, other| one.0 == other.0) {
        let by_length = |(_, bytes): &&(_, Vec<u8>)| bytes.len();
        chosen.extend(of_kind.iter().min_by_key(by_length).map(|(_, bytes)| bytes.clone()));
        chosen.extend(of_kind.iter().max_by_key(by_length).map(|(_, bytes)| bytes.clone()));
    }
    chosen
}

fn random(number: u64, len: usize) -> Vec<u8> {
    let mut rng: Rng = stream(number, Purpose::Protocol, 0);
    (0..len).map(|_| bits(&mut rng) as u8).collect()
}

fn lines(texts: &[&str]) -> Vec<Vec<u8>> {
    texts.iter().map(|text| text.as_bytes().to_vec()).collect()
}

fn joined((rtt, places): &(&str, &str)) -> Vec<u8> {
    match *places {
        "" => rtt.as_bytes().to_vec(),
        places => [rtt.as_bytes(), SEPARATOR, places.as_bytes()].concat(),
    }
}

const KEY_FILES: &[&str] = &[
    "L8KCyvSWuKWmVGmLxXtLUPoKcKgBZ06r0jSCdQR0KJA=\n",
    "# the first one seals\n0707070707070707070707070707070707070707070707070707070707070707\n\n\
     L8KCyvSWuKWmVGmLxXtLUPoKcKgBZ06r0jSCdQR0KJA=\r\n",
    "L8KCyvSWuKWmVGmLxXtLUPoKcKgBZ06r0jSCdQR0KJA\n",
    "07\n",
];

const CONTROL: &[&str] = &[
    "{\"do\":\"members\"}\n",
    "{\"do\":\"info\"}",
    "{\"do\":\"leave\"}\n{\"do\":\"info\"}\n",
    "{\"do\":\"event\",\"name\":\"deploy\",\"payload\":\"v1 \\u00e9\"}\n",
    "{\"payload\":\"\",\"name\":\"e\",\"do\":\"event\"}\n",
    "{\"do\":\"install_key\",\"key\":\"L8KCyvSWuKWmVGmLxXtLUPoKcKgBZ06r0jSCdQR0KJA=\"}\n",
    "{\"do\":\"install_key\",\"key\":\"0707070707070707070707070707070707070707070707070707070707070707\"}\n",
    "{\"do\":\"use_key\",\"id\":\"5d7ce9e9\"}\n",
    "{\"do\":\"remove_key\",\"id\":\"zz\"}\n",
    "{\"do\":\"stop\"}\n",
    "[[[[[[[[1]]]]]]]]\n",
    "\n",
    "\"done\"",
    "{\"refused\":\"why\"}",
    "{\"members\":[{\"id\":\"00000000000000ff\",\"name\":\"a\",\"addr\":\"127.0.0.1:7\",\"state\":\"alive\",\
     \"incarnation\":\"1.0\",\"meta\":{\"role\":\"web\"}}]}",
];

const HTTP: &[&str] = &[
    "GET /v1/services HTTP/1.1\r\nHost: a\r\n\r\n",
    "HEAD /v1/services HTTP/1.0\r\n\r\n",
    "GET /v1/services/web?where=kind%3Dbackend&healthy=true&tag=a#z HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n\r\n",
    "GET http://host:8500/v1/members?where=zone HTTP/1.1\r\n\r\n",
    "GET /v1/watch?service=web HTTP/1.1\r\nLast-Event-ID: 7.00000000000000ab\r\n\r\n",
    "GET /v1/sd?service=web&where=tag!=a HTTP/1.1\r\nConnection: close\r\n\r\n",
    "GET /v1/openapi.json HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n0\r\n\r\n",
    "POST /v1/members HTTP/1.1\r\nContent-Length: 1\r\n\r\n1",
    "\r\n\r\n",
    "GET  /v1/services\r\r\n\r\n",
    "GET /%ff HTTP/1.1\n\n",
    "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "HEAD http:// HTTP/1.1\r\n\r\n",
];

const SNAPSHOTS: &[&str] = &[
    r#"{"version":1,"name":"a","generation":1767225600,"members":[]}"#,
    r#"{"version":1,"name":"a","generation":1,"members":[{"name":"b","id":"00000000000000ff","addr":"127.0.0.1:7"}]}"#,
    r#"{"members":[{"addr":"[fe80::1%2]:7946","id":"zz","name":"\u00e9\ud83d\ude00"}],"generation":4294967295,"version":1,
"name":""}"#,
    r#"{"version":1,"name":"a","generation":0,"members":[{"name":"","id":"","addr":"[::ffff:1.2.3.4]:0"}]}"#,
    r#"{"version":2,"name":"a","generation":1,"members":[]}"#,
    r#"{"version":1,"name":"a","generation":4294967296,"members":[]}"#,
    r#"{"version":1,"name":"a","generation":1,"members":[],"more":[[[{}]]]}"#,
    r#"[1,"a",1,[["b","ff","1.2.3.4:5"]]]"#,
    "{",
];

const EXPERIMENTS: &[&str] = &[
    "topology = 'lan'\nselector = ['uniform', 'shuffle']\nmembers = 10\n",
    "name = 'a b'\nseed = 9\ntrials = 3\ntopology = 'aws:zones=3'\nselector = 'neighborhood:metric=rtt,radius=4'\n\
     members = [8, 0x10]\nbaseline = 'neighborhood'\n[[fault]]\nkind = 'crash'\nat = '5s'\ntarget = [1, 2]\n",
    "topology = ['ring', 'grid:members=9']\nselector = 'auto'\nmembers = 4\nloss = [0, 0.05]\nstart = 'joining'\n\
     phases = ['random', 'synchronous']\nclock_skew = '1.5ms'\nwarmup = '1m 30s'\nduration = '500ms'\n",
    "topology = { kind = 'zones', zones = [2, 3] }\nprofile = ['lifeguard', 'all-to-all']\nmembers = 6\n\
     selector = 'shuffle'\nhelpers = ['uniform', 'diverse']\n[protocol]\nperiod = ['1s', '2s']\n",
    "topology = 'home'\nprofile = 'memberlist-lan'\nmembers = 5\nsuspicion = '5s'\nprober = 'classic'\n\
     dissemination = { kind = 'piggyback', factor = 4 }\nselector = 'bucket:metric=ring'\n",
    "preset = ['lan', 'wan']\ntopology = 'torus:sites=9'\nselector = 'schedule'\nmembers = 9\n\
     fault = [{ kind = 'pause', at = '1s', for = '2s', target = 'share:0.5' }]\n",
    "topology = 'planetlab'\nselector = 'spatial:metric=great-circle'\nmembers = 3\n\
     scenario = [{ name = 'x', fault = [{ kind = 'churn', times = 3 }] }, { fault = [] }]\n",
    "topology = 'fat-tree'\nmembers = 1\n\
     selector = { kind = 'neighborhood', radius = [1, 2], metric = { kind = 'euclid', width = 3 } }\n",
    "preset = 'local'\n[protocol]\nprobe_timeout = '1s'\ndirect = 3\nindirect = 0\nperiod = '3s'\n",
    "topology = 'lan'\nselector = 'uniform'\nmembers = 2\n[[fault]]\nkind = 'partition'\nat = '1s'\n\
     [[fault]]\nkind = 'partial-partition'\npeers = '0'\ntarget = '1'\n[[fault]]\nkind = 'join'\ncount = 2\n",
    "members = 1e3\ntopology = 'cities'\nselector = 'uniform'\nwarmup = '0s'\nduration = '11d'\n",
    "topology = 'lam'\nselector = ['shuffle', 'shuffle']\nmembers = 1_000_000_000\n",
    "topology = 'lan'\nselector = 'shuffle'\nmembers = [4, 9]\n[[fault]]\nkind = 'crash'\n\
     [discovery]\ninstances = ['50%', 3]\nclients = 5\nrequest_rate = [0.5, 2]\nchoice = ['random', 'nearest']\ncache = '1s'\n",
    "topology = 'lan'\nprofile = ['swim', 'lease']\nselector = 'shuffle'\nmembers = 5\n\
     discovery = { change_every = ['100ms', '0s'], change_ttl = '30s' }\n",
    "topology = 'lan'\nselector = 'shuffle'\nmembers = 2049\n[discovery]\n\
     instances = '0%'\nchange_every = '1ms'\nclient = 1\n",
    "a.b.c = 1\n[a]\n",
    "\u{feff}topology = 'lan'",
    "topology = 'lan'\nselector = 'shuffle'\nmembers = 5\n[challenge]\ntitle = 'a'\nhint = 'b'\n\
     bar = [{ measure = 'bytes_sent', at_most = '5%', relative_to = 'auto' }, { measure = 'first_ping_s', at_least = '1 T' }]\n",
];

/// Round-trip times, and sites where there are any.
const TABLES: &[(&str, &str)] = &[
    ("from,a,b,c\na,,10,20\nb,12,0.5,30\nc,20,30,\n", ""),
    ("\u{feff}from;a;b\nb;7;\na;;7\n", "\u{feff}name;region\nb;east\na;west\n"),
    ("sep=;\r\nfrom;a;b\r\na;;7\r\nb;7;\r\n", ""),
    ("# ms\nfrom\ta\tb\na\t\t7e1\nb\t7\t\n", "name\tmembers\na\t0\nb\t3\n"),
    ("from,a,b\na,,200\nb,200,\n", "name,lat,lon,region,zone,members\na,52.5,13.4,eu,1,2\nb,-33.9,151.2,au,2,1\n"),
    ("from,a,b\na,,1\nb,1,\n", "name,lat,lon\na,52.5,13.4\nb,-33.9,151.2\n"),
    ("from,\"a\"\"x\",b\n\"a\"\"x\",,3\nb,,\n", ""),
    ("from,a,b\na,,nan\nb,-1,inf\n", ""),
    ("from,a\na,1e300\n", ""),
    ("a\nb\n", ""),
    ("{\"a\":1}", ""),
    ("\u{0}f\u{0}r", ""),
    ("from,a,a\n", "name\n"),
];
