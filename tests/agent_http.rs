//! HTTP of agents: what `curl` gets, what the command line tells of it, and clients that misbehave.

#![cfg(all(feature = "cli", feature = "agent", unix))]

pub mod agents;

use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use agents::clients::{SRV, dig, get, raw, resolve};
use agents::process::{Process, config, stderr, until, until_complete};
use agents::quick;
use serde_json::Value;
use swimlab::agent::serve_http;
use swimlab::discovery::{Description, Service};

#[tokio::test(flavor = "multi_thread")]
async fn a_service_is_found_and_its_changes_are_streamed() {
    let agent = quick("m0").spawn().await.unwrap();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let to = listener.local_addr().unwrap();
    tokio::spawn(serve_http(listener, agent.clone(), agent.discovery().await.unwrap()));
    assert_eq!(tokio::task::block_in_place(|| get(to, "/v1/services/web")), (200, "[]".to_owned()));

    let mut stream = TcpStream::connect(to).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream.write_all(b"GET /v1/watch?service=web HTTP/1.1\r\n\r\n").unwrap();
    let mut heard = String::new();
    let mut hear = |words: &str| {
        while !heard.contains(words) {
            let mut buffer = [0; 4096];
            let read = stream.read(&mut buffer).unwrap();
            assert!(read > 0, "{heard}");
            heard += std::str::from_utf8(&buffer[..read]).unwrap();
        }
    };
    tokio::task::block_in_place(|| hear("event: snapshot\n"));
    agent.describe(Description::default().with_service(Service::new("web", 8080).unwrap())).await.unwrap();
    tokio::task::block_in_place(|| {
        hear("event: added\n");
        let (status, body) = get(to, "/v1/services/web?healthy=true");
        let instances: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status, &instances[0]["port"], &instances[0]["readiness"]), (200, &8080.into(), &"ready".into()));
        assert_eq!(get(to, "/v1/services").1, r#"[{"name":"web","instances":1,"healthy":1}]"#);
        let (_, targets) = get(to, "/v1/sd?service=web");
        assert!(targets.starts_with(r#"[{"targets":["127.0.0.1:8080"],"labels":{"#), "{targets}");
    });
    agent.describe(Description::default()).await.unwrap();
    tokio::task::block_in_place(|| hear("event: removed\n"));
    // The stream ends with the agent.
    agent.leave().await;
    let mut rest = String::new();
    tokio::task::block_in_place(|| stream.read_to_string(&mut rest)).unwrap();
}

#[test]
fn members_are_served_and_the_command_line_tells_where() {
    let dir = tempfile::tempdir().unwrap();
    let config = config(dir.path(), 5.0);
    let common = ["--config", config.to_str().unwrap(), "--http", "127.0.0.1:0"];
    let first = Process::start(dir.path(), "p0", &[&common[..], &["--meta", "role=web"]].concat());
    let seed = first.addr.to_string();
    let joining = [&common[..], &["--join", &seed, "--zone", "eu/a"]].concat();
    let all = [first, Process::start(dir.path(), "p1", &joining)];
    until_complete(20, &all);

    let to = all[0].interface("http");
    assert_eq!(all[0].info()["http"], to.to_string());
    assert!(all[0].order(&["info"]).contains(&format!("http         http://{to}/\n")));
    let names = |target: &str| {
        let (status, body) = get(to, target);
        assert_eq!(status, 200, "{body}");
        let members: Vec<Value> = serde_json::from_str(&body).unwrap();
        members.iter().map(|member| member["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    until(10, "both are in the catalog", || names("/v1/members").split(' ').count() == 2);
    assert_eq!(names("/v1/members?where=zone=eu"), "p1");
    assert_eq!(names("/v1/members?where=meta.role=web"), "p0");
    assert_eq!(get(to, "/healthz"), (200, "alive\n".to_owned()));
    assert!(get(to, "/metrics").1.contains("\nswimlab_members{state=\"alive\"} 2\n"));
    let (status, description) = get(to, "/v1/openapi.json");
    assert_eq!(status, 200);
    let written: Value = serde_json::from_str(include_str!("../docs/openapi.json")).unwrap();
    assert_eq!(serde_json::from_str::<Value>(&description).unwrap(), written);
    let (status, error) = get(to, "/v1/members?where=zone");
    assert_eq!((status, error.contains("is not KEY=VALUE")), (400, true), "{error}");

    assert_eq!(all[0].order(&["services", "--format", "json"]), "[]\n");
    assert!(all[0].order(&["services", "web", "--healthy", "--where", "kind=backend"]).starts_with("SERVICE  MEMBER"));
    let listed = |args: &[&str]| {
        let output = all[0].order(&[&["members", "--format", "json"], args].concat());
        let members: Vec<Value> = serde_json::from_str(&output).unwrap();
        members.iter().map(|member| member["name"].as_str().unwrap().to_owned()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(listed(&["--where", "zone=eu", "--alive"]), "p1");
    let refused = all[0].ask(&["members", "--where", "zone"]);
    assert_eq!(refused.status.code(), Some(2));
    assert!(stderr(&refused).contains("--where") && stderr(&refused).contains("KEY=VALUE"), "{}", stderr(&refused));

    all[1].order(&["leave"]);
    until(10, "it is gone", || names("/v1/members") == "p0" && listed(&["--alive"]) == "p0");
}

#[test]
fn the_services_of_an_agent_are_found_over_http_by_dns_and_on_the_command_line() {
    let dir = tempfile::tempdir().unwrap();
    let offer = ["--service", "Web:8080", "--service-tag", "web:v2", "--service-weight", "web:7", "--kind", "backend"];
    let agent = Process::start(
        dir.path(),
        "p0",
        &[&offer[..], &["--capability", "gpu", "--http", "127.0.0.1:0", "--dns", "127.0.0.1:0"]].concat(),
    );
    let (http, dns) = (agent.interface("http"), agent.interface("dns"));
    let is_found =
        || get(http, "/v1/services/web?where=kind=backend,capability=gpu&tag=v2").1.contains("\"member\":\"p0\"");
    until(10, "it is found", is_found);
    assert_eq!(get(http, "/v1/services/web?where=kind!=backend"), (200, "[]".to_owned()));
    assert_eq!(resolve(dns, "v2.web.service.swimlab", SRV), (0, 1));
    assert_eq!(resolve(dns, "v3.web.service.swimlab", SRV), (3, 0));
    if let Some(lines) = dig(dns, &["web.service.swimlab", "SRV"]) {
        assert_eq!(lines, ["1 7 8080 p0.node.swimlab."]);
    }
    insta::assert_snapshot!(agent.order(&["services", "--where", "zone!=mars"]), @r"
    SERVICE  MEMBER  ADDRESS         READINESS  WEIGHT  KIND     TAGS  CAPABILITIES  ZONE  REASON
    web      p0      127.0.0.1:8080  ready      7       backend  v2    gpu
    ");
    let json: Value = serde_json::from_str(&agent.order(&["services", "WEB", "--format", "json"])).unwrap();
    assert_eq!(json, serde_json::from_str::<Value>(&get(http, "/v1/services/web").1).unwrap());
}

#[test]
fn a_port_in_use_is_refused_by_its_flag() {
    let dir = tempfile::tempdir().unwrap();
    for flag in ["--http", "--metrics", "--dns"] {
        let holder = TcpListener::bind("127.0.0.1:0").unwrap();
        let taken = holder.local_addr().unwrap().to_string();
        let Err(output) = Process::try_start(dir.path(), "p0", &[flag, &taken]) else { panic!("{flag} {taken}") };
        assert_eq!(output.status.code(), Some(1));
        let expected = format!("error: {flag}: cannot listen on {taken}: ");
        assert!(stderr(&output).contains(&expected), "{}", stderr(&output));
    }
}

#[test]
fn clients_that_misbehave_keep_nobody_out() {
    let dir = tempfile::tempdir().unwrap();
    let agent = Process::start(dir.path(), "p0", &["--http", "127.0.0.1:0"]);
    let to = agent.interface("http");
    let long = format!("GET /{} HTTP/1.1\r\n\r\n", "x".repeat(5000));
    let longer = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(100_000));
    for (request, status) in [
        (&b"\x00\xff\xfe\r\n\r\n"[..], "400"),
        (b"POST /v1/services HTTP/1.1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n", "405"),
        (b"GET /v1/services HTTP/1.1\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello", "413"),
        (long.as_bytes(), "414"),
        (longer.as_bytes(), "431"),
    ] {
        let answer = raw(to, request);
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{status}: {answer}");
    }
    // Some say nothing, some begin a request, some follow changes and never read.
    let mut held: Vec<TcpStream> = (0..300).map(|_| TcpStream::connect(to).unwrap()).collect();
    for (at, stream) in held.iter_mut().enumerate() {
        let begun = [&b""[..], b"GET /v1", b"GET /v1/watch HTTP/1.1\r\n\r\n"][at % 3];
        let _ = stream.write_all(begun);
    }
    assert_eq!(get(to, "/healthz"), (200, "alive\n".to_owned()));
    let mut slow = TcpStream::connect(to).unwrap();
    slow.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    slow.write_all(b"GET /healthz HTTP/1.1\r\n").unwrap();
    let mut answer = String::new();
    let _ = slow.read_to_string(&mut answer);
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert_eq!(agent.alive(), ["p0"]);
    assert!(agent.errors().lines().all(|line| line.starts_with("warning: ")), "{}", agent.errors());
}
