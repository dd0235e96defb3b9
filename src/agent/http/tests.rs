//! Answers of the HTTP server, and its limits.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::http::{Method, Request, StatusCode};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, DuplexStream, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::time::Instant;
use utoipa::OpenApi;

use super::connection::{HEAD_TIMEOUT, LONGEST_HEAD, MAX_HEADERS, serve_connection};
use super::deadline::{ANSWER_TIMEOUT, Deadline, STREAM_TIMEOUT};
use super::openapi::Description;
use super::routes::{LONGEST_TARGET, Routes};
use super::watch::MAX_STREAMS;
use super::{serve_http, serve_metrics};
use crate::agent::Agent;
use crate::agent::discovery::Discovery;
use crate::agent::discovery::sample::{catalog, member, service};
use crate::agent::testing::Paused;
use crate::discovery::shared::SharedValues;
use crate::discovery::{Catalog, Description as MemberDescription, Health, Snapshot};
use crate::protocol::{Status, Time};

const EPOCH: u64 = 0xabc;

fn sample() -> (watch::Sender<Arc<Snapshot>>, Routes) {
    of(&mut catalog())
}

fn of(catalog: &mut Catalog) -> (watch::Sender<Arc<Snapshot>>, Routes) {
    let (snapshots, discovery) = Discovery::of(catalog.snapshot());
    (snapshots, Routes::of_discovery(discovery, EPOCH))
}

/// Status and body of an answer.
async fn ask(routes: &Routes, method: Method, target: &str) -> (StatusCode, String) {
    let request = Request::builder().method(method).uri(target).body(Body::empty()).unwrap();
    let response = routes.answer(request, Arc::new(Deadline::of_connection())).await;
    let status = response.status();
    let body = to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8(body.to_vec()).unwrap())
}

async fn get(target: &str) -> (StatusCode, String) {
    ask(&sample().1, Method::GET, target).await
}

/// The body, on several lines.
async fn pretty(target: &str) -> String {
    let (status, body) = get(target).await;
    assert_eq!(status, StatusCode::OK, "{body}");
    serde_json::to_string_pretty(&serde_json::from_str::<serde_json::Value>(&body).unwrap()).unwrap()
}

#[tokio::test]
async fn services_are_counted() {
    insta::assert_snapshot!(get("/v1/services").await.1, @r#"[{"name":"db","instances":2,"healthy":2},{"name":"web","instances":4,"healthy":2}]"#);
}

#[tokio::test]
async fn instances_are_listed_the_readiest_first() {
    insta::assert_snapshot!(pretty("/v1/services/Web?tag=v2&healthy=true").await, @r#"
    [
      {
        "address": "10.0.0.1",
        "capabilities": [
          "gpu",
          "llama-70b"
        ],
        "health": "passing",
        "id": "0000000000000001",
        "kind": "backend",
        "load": {
          "requests": 3.0
        },
        "member": "alpha",
        "meta": {
          "metrics-path": "/m",
          "rack": "r1"
        },
        "port": 8080,
        "readiness": "ready",
        "reason": "",
        "service": "web",
        "tags": [
          "canary",
          "v2"
        ],
        "weight": 5,
        "zone": "eu-west/a"
      }
    ]
    "#);
    let members = async |target: &str| {
        let instances: serde_json::Value = serde_json::from_str(&get(target).await.1).unwrap();
        let names =
            instances.as_array().unwrap().iter().map(|instance| instance["member"].as_str().unwrap().to_owned());
        names.collect::<Vec<_>>().join(" ")
    };
    assert_eq!(members("/v1/services/web").await, "alpha Beta_2 delta gamma");
    assert_eq!(members("/v1/services/web?healthy=true").await, "alpha Beta_2");
    assert_eq!(members("/v1/services/web?where=zone%3Deu-west,capability!%3Dgpu").await, "Beta_2");
    assert_eq!(members("/v1/services/nothing").await, "");
}

#[tokio::test]
async fn members_are_listed_with_what_they_say_of_themselves() {
    insta::assert_snapshot!(pretty("/v1/members?where=service%3Ddb,health%3Dwarning").await, @r#"
    [
      {
        "addr": "10.0.0.2:7946",
        "capabilities": [],
        "health": "passing",
        "id": "0000000000000002",
        "kind": null,
        "load": {},
        "meta": {},
        "name": "Beta_2",
        "reason": "",
        "services": [
          {
            "name": "db",
            "port": 5432,
            "readiness": "ready",
            "tags": [],
            "weight": 1
          },
          {
            "name": "web",
            "port": 8081,
            "readiness": "degraded",
            "tags": [
              "v1"
            ],
            "weight": 1
          }
        ],
        "state": "alive",
        "zone": "eu-west/b"
      }
    ]
    "#);
}

#[tokio::test]
async fn shared_values_are_listed() {
    assert_eq!(get("/v1/shared").await.1, r#"{"values":{},"sets":{}}"#);
    let (wall, mut values) = (Time::from_micros(1), SharedValues::new(1));
    values.set(wall, "mode", "maintenance").unwrap();
    values.add(wall, "drained", "rack-7").unwrap();
    let mut catalog = catalog();
    catalog.set_shared(values.view());
    let (_sender, routes) = of(&mut catalog);
    let (status, body) = ask(&routes, Method::GET, "/v1/shared").await;
    assert_eq!(status, StatusCode::OK);
    assert_eq!(body, r#"{"values":{"mode":"maintenance"},"sets":{"drained":["rack-7"]}}"#);
    assert_eq!(ask(&routes, Method::POST, "/v1/shared").await.0, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn targets_for_prometheus_have_labels() {
    insta::assert_snapshot!(pretty("/v1/sd?service=WEB&where=capability%3Dgpu").await, @r#"
    [
      {
        "labels": {
          "__meta_swimlab_capabilities": ",gpu,llama-70b,",
          "__meta_swimlab_health": "passing",
          "__meta_swimlab_id": "0000000000000001",
          "__meta_swimlab_kind": "backend",
          "__meta_swimlab_member": "alpha",
          "__meta_swimlab_meta_metrics_path": "/m",
          "__meta_swimlab_meta_rack": "r1",
          "__meta_swimlab_readiness": "ready",
          "__meta_swimlab_service": "web",
          "__meta_swimlab_tags": ",canary,v2,",
          "__meta_swimlab_weight": "5",
          "__meta_swimlab_zone": "eu-west/a"
        },
        "targets": [
          "10.0.0.1:8080"
        ]
      }
    ]
    "#);
    let all: Vec<serde_json::Value> = serde_json::from_str(&get("/v1/sd").await.1).unwrap();
    let targets: Vec<&str> = all.iter().map(|group| group["targets"][0].as_str().unwrap()).collect();
    assert_eq!(targets[..3], ["10.0.0.2:5432", "[fd00::3]:5433", "10.0.0.1:8080"]);
}

#[tokio::test]
async fn what_cannot_be_answered_says_why() {
    for (method, target, status, error) in [
        (Method::GET, "/v1/services/web?where=color", 400, "where: \\\"color\\\" is not KEY=VALUE or KEY!=VALUE"),
        (Method::GET, "/v1/members?where=color=red", 400, "where: \\\"color\\\" is none of name, state"),
        (Method::GET, "/v1/members?filter=a", 400, "unknown field `filter`"),
        (Method::GET, "/v1/services/web?healthy=perhaps", 400, "the query: "),
        (Method::GET, "/v1/services/%ff", 400, "the path: "),
        (Method::GET, "/v1/watch?since=yesterday", 400, "\\\"yesterday\\\" is not the id of an event"),
        (Method::GET, "/v1/watch?since=1.x", 400, "is not the id of an event"),
        (Method::GET, "/v2", 404, "there is no /v2"),
        (Method::GET, "/", 404, "there is no /"),
        (Method::PUT, "/v1/services/web", 405, "there is only GET and HEAD"),
        (Method::DELETE, "/v1/members", 405, "there is only GET and HEAD"),
    ] {
        let (got, body) = ask(&sample().1, method, target).await;
        assert_eq!(got.as_u16(), status, "{target}: {body}");
        assert!(body.starts_with("{\"error\":\"") && body.contains(error), "{target}: {body}");
    }
    let long = format!("/v1/members?where={}", "x".repeat(2000));
    assert!(get(&long).await.1.contains("a filter of 2000 bytes is longer than 1024"));
}

#[test]
fn the_description_in_the_docs_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/openapi.json");
    let current = Description::openapi().to_pretty_json().unwrap() + "\n";
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(&path, &current).unwrap();
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == current, "run `UPDATE_DOCS=1 cargo test --lib http::`");
}

/// Reads from a stream until it has read this many blank lines behind the head of the answer.
async fn events(stream: &mut (impl AsyncRead + Unpin), count: usize) -> String {
    let mut bytes = Vec::new();
    let is_enough = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        text.split_once("\r\n\r\n").is_some_and(|(_, body)| body.matches("\n\n").count() >= count).then_some(text)
    };
    loop {
        if let Some(text) = is_enough(&bytes) {
            return text.split_once("\r\n\r\n").unwrap().1.to_owned();
        }
        let read = stream.read_buf(&mut bytes).await.unwrap();
        assert!(read > 0, "{}", String::from_utf8_lossy(&bytes));
    }
}

/// The lines of events without their data.
fn outline(events: &str) -> Vec<&str> {
    events.lines().filter(|line| line.starts_with("event:") || line.starts_with("id:")).collect()
}

/// A client that has sent this to a server with these paths.
async fn client(routes: &Routes, request: &str) -> DuplexStream {
    let (mut client, server) = duplex(1 << 16);
    tokio::spawn(serve_connection(server, routes.clone(), true, || {}));
    client.write_all(request.as_bytes()).await.unwrap();
    client
}

#[tokio::test]
async fn changes_are_told_and_a_reader_goes_on_where_it_was() {
    let mut catalog = catalog();
    let (snapshots, routes) = of(&mut catalog);
    let watch = "GET /v1/watch?service=db HTTP/1.1\r\n";
    let mut reader = client(&routes, &format!("{watch}\r\n")).await;
    let first = events(&mut reader, 1).await;
    let index = catalog.snapshot().index();
    assert_eq!(outline(&first), ["event: snapshot", &format!("id: {index}.0000000000000abc")]);
    assert!(first.contains("\"member\":\"Beta_2\"") && first.contains("\"member\":\"gamma\""), "{first}");

    catalog.set_status(2, Status::Suspect);
    catalog.set_status(3, Status::Dead);
    catalog.set_member(member(9, "late", "10.0.0.9", ""));
    catalog.describe(9, MemberDescription::default().with_service(service("db", 1, 1, &[])));
    snapshots.send_replace(Arc::new(catalog.snapshot()));
    let mut bytes = Vec::new();
    while String::from_utf8_lossy(&bytes).matches("\n\n").count() < 3 {
        reader.read_buf(&mut bytes).await.unwrap();
    }
    let changes = String::from_utf8(bytes).unwrap();
    let kinds: Vec<&str> = outline(&changes).into_iter().filter(|line| line.starts_with("event")).collect();
    assert_eq!(kinds, ["event: updated", "event: removed", "event: added"]);
    assert!(changes.contains("\"member\":\"Beta_2\"") && changes.contains("\"readiness\":\"suspected\""), "{changes}");

    // From the header or the query, with the id of this server or a bare index.
    for request in [
        format!("{watch}Last-Event-ID: {index}.0000000000000abc\r\n\r\n"),
        format!("GET /v1/watch?service=db&since={index} HTTP/1.1\r\n\r\n"),
    ] {
        let mut again = client(&routes, &request).await;
        let again = events(&mut again, 3).await;
        let kinds: Vec<&str> = outline(&again).into_iter().filter(|line| line.starts_with("event")).collect();
        assert_eq!(kinds, ["event: updated", "event: removed", "event: added"], "{request}");
    }
    // An index of an earlier life of the server, or of another one, says nothing here.
    for since in ["1.0000000000000def", "999999"] {
        let mut lost = client(&routes, &format!("GET /v1/watch?since={since} HTTP/1.1\r\n\r\n")).await;
        let lost = events(&mut lost, 2).await;
        assert!(lost.contains("event: missed\ndata: {\"changes\":0}\n\n"), "{lost}");
        assert!(lost.contains("event: snapshot\n"), "{lost}");
    }
}

#[tokio::test]
async fn a_slow_reader_is_told_what_it_missed() {
    let mut catalog = catalog();
    let (snapshots, routes) = of(&mut catalog);
    let mut reader = client(&routes, "GET /v1/watch?since=3 HTTP/1.1\r\n\r\n").await;
    let before = catalog.snapshot().index();
    assert!(events(&mut reader, 1).await.contains("event: added") || before == 3);
    for turn in 0..Catalog::CHANGE_LIMIT + 10 {
        catalog.set_status(1, if turn % 2 == 0 { Status::Suspect } else { Status::Alive });
    }
    snapshots.send_replace(Arc::new(catalog.snapshot()));
    let mut text = String::new();
    while !text.contains("event: snapshot\n") {
        let mut bytes = Vec::new();
        reader.read_buf(&mut bytes).await.unwrap();
        text += std::str::from_utf8(&bytes).unwrap();
    }
    assert!(text.contains("event: missed\ndata: {\"changes\":10}\n"), "{text}");
}

#[tokio::test]
async fn a_stream_more_than_allowed_is_refused_until_another_one_ends() {
    let (_snapshots, routes) = sample();
    let request = "GET /v1/watch HTTP/1.1\r\n\r\n";
    let mut all = Vec::new();
    for _ in 0..MAX_STREAMS {
        let mut stream = client(&routes, request).await;
        assert!(events(&mut stream, 1).await.contains("event: snapshot"));
        all.push(stream);
    }
    let (status, body) = ask(&routes, Method::GET, "/v1/watch").await;
    assert_eq!((status, body.contains("64 others follow changes")), (StatusCode::SERVICE_UNAVAILABLE, true));
    all.pop();
    loop {
        let mut stream = client(&routes, request).await;
        let mut line = [0; 12];
        stream.read_exact(&mut line).await.unwrap();
        if line == *b"HTTP/1.1 200" {
            break;
        }
        tokio::task::yield_now().await;
    }
}

/// All that a client gets who has sent this.
async fn answer(routes: &Routes, request: &[u8]) -> String {
    let (mut client, server) = duplex(1 << 16);
    let serving = tokio::spawn(serve_connection(server, routes.clone(), false, || {}));
    client.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    let _ = client.read_to_end(&mut answer).await;
    serving.abort();
    String::from_utf8(answer).unwrap()
}

#[tokio::test]
async fn heads_and_targets_are_read_up_to_the_longest_and_bodies_not_at_all() {
    let (_snapshots, routes) = sample();
    let status = async |request: &str| answer(&routes, request.as_bytes()).await[9..12].to_owned();
    let of_length = |len: usize| {
        let (head, end) = ("GET /v1/services HTTP/1.1\r\nX: ", "\r\n\r\n");
        format!("{head}{}{end}", "x".repeat(len - head.len() - end.len()))
    };
    assert_eq!(status(&of_length(LONGEST_HEAD)).await, "200");
    assert_eq!(status(&of_length(LONGEST_HEAD + 1)).await, "431");
    let headers = |count| format!("GET /v1/services HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(count));
    assert_eq!(status(&headers(MAX_HEADERS)).await, "200");
    assert_eq!(status(&headers(MAX_HEADERS + 1)).await, "431");
    let target = |len: usize| format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(len - 1));
    assert_eq!(status(&target(LONGEST_TARGET)).await, "404");
    assert_eq!(status(&target(LONGEST_TARGET + 1)).await, "414");
    let with = |header: &str, body: &str| format!("GET /v1/services HTTP/1.1\r\n{header}\r\n\r\n{body}");
    assert_eq!(status(&with("Content-Length: 0", "")).await, "200");
    assert_eq!(status(&with("Content-Length: 1", "x")).await, "413");
    assert_eq!(status(&with("Content-Length: 1000000000", "x")).await, "413");
    assert_eq!(status(&with("Transfer-Encoding: chunked", "1\r\nx\r\n0\r\n\r\n")).await, "413");
    for nonsense in ["GET\r\n\r\n", "\0\0\0\r\n\r\n", "GET / HTTP/7\r\n\r\n", "GET /\r\nX\r\n\r\n"] {
        assert_eq!(status(nonsense).await, "400", "{nonsense:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_head_that_does_not_come_whole_in_time_is_answered_and_an_idle_connection_closed() {
    let (_snapshots, routes) = sample();
    let begun = Instant::now();
    let late = answer(&routes, b"GET /v1/services HTTP/1.1\r\nX: ").await;
    let (head, body) = late.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("HTTP/1.1 408 ") && body.starts_with("{\"error\""), "{late}");
    assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())), "{late}");
    assert!(begun.elapsed() >= HEAD_TIMEOUT && begun.elapsed() < HEAD_TIMEOUT.mul_f32(1.5));

    let begun = Instant::now();
    let mut idle = client(&routes, &"GET /v1/services HTTP/1.1\r\n\r\n".repeat(2)).await;
    let mut answers = String::new();
    idle.read_to_string(&mut answers).await.unwrap();
    assert_eq!((answers.matches("HTTP/1.1 200").count(), answers.matches("HTTP/1.1 ").count()), (2, 2));
    assert!(begun.elapsed() >= HEAD_TIMEOUT && begun.elapsed() < HEAD_TIMEOUT.mul_f32(1.5));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_does_not_take_its_answer_is_disconnected() {
    let (_snapshots, routes) = sample();
    for (target, longest) in [("/v1/services/web", ANSWER_TIMEOUT), ("/v1/watch", STREAM_TIMEOUT)] {
        let (mut client, server) = duplex(64);
        let begun = Instant::now();
        let serving = tokio::spawn(serve_connection(server, routes.clone(), true, || {}));
        client.write_all(format!("GET {target} HTTP/1.1\r\n\r\n").as_bytes()).await.unwrap();
        serving.await.unwrap().unwrap();
        assert!(begun.elapsed() >= longest && begun.elapsed() < longest.mul_f32(1.1), "{:?}", begun.elapsed());
    }
}

/// Sends a request over TCP and returns the answer.
async fn over_tcp(to: std::net::SocketAddr, request: &str) -> String {
    let mut stream = TcpStream::connect(to).await.unwrap();
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    answer
}

#[tokio::test]
async fn a_paused_agent_is_not_healthy() {
    let agent = Agent::builder().spawn().await.unwrap();
    let (_snapshots, discovery) = Discovery::of(catalog().snapshot());
    let mut addrs = Vec::new();
    for is_whole in [true, false] {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        addrs.push(listener.local_addr().unwrap());
        let (agent, discovery) = (agent.clone(), discovery.clone());
        tokio::spawn(async move {
            if is_whole { serve_http(listener, agent, discovery).await } else { serve_metrics(listener, agent).await }
        });
    }
    let get = async |server: usize, path: &str| {
        over_tcp(addrs[server], &format!("GET {path} HTTP/1.1\r\nConnection: close\r\n\r\n")).await
    };
    for server in [0, 1] {
        assert!(get(server, "/healthz").await.ends_with("\r\n\r\nalive\n"));
        assert!(get(server, "/metrics").await.contains("\nswimlab_members{state=\"alive\"} 1\n"));
    }
    assert!(get(0, "/v1/services").await.starts_with("HTTP/1.1 200 OK\r\n"));
    assert!(get(1, "/v1/services").await.starts_with("HTTP/1.1 404 Not Found\r\n"));
    let paused = Paused::new(&agent).await;
    for path in ["/healthz", "/metrics"] {
        let answer = get(1, path).await;
        assert!(answer.starts_with("HTTP/1.1 503 ") && answer.contains("has not answered for 2 s"), "{answer}");
    }
    // The catalog needs no answer of the agent.
    assert!(get(0, "/v1/services").await.starts_with("HTTP/1.1 200 OK\r\n"));
    drop(paused);
    agent.stop().await;
}

#[tokio::test]
async fn the_worse_health_is_shown_with_its_reason() {
    let mut catalog = catalog();
    let sick = MemberDescription { health: Health::Critical("disk".into()), ..MemberDescription::default() };
    catalog.describe(1, sick.with_service(service("web", 1, 1, &[])));
    let (_snapshots, routes) = of(&mut catalog);
    let (_, body) = ask(&routes, Method::GET, "/v1/services/web?where=name%3Dalpha").await;
    assert!(body.contains("\"health\":\"critical\",\"reason\":\"disk\",\"readiness\":\"failing\""), "{body}");
}
