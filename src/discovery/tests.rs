//! Catalogs of services.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use proptest::prelude::*;
use swimlab_selectors::Peer;

use super::*;
use crate::protocol::{Address, Id, NodeInfo, Status};

fn node(id: Id) -> Arc<NodeInfo> {
    let address = Address { ip: [0; 16], port: 7000 + id as u16 };
    Arc::new(NodeInfo { name: format!("node{id}").into(), ..NodeInfo::new(Peer::new(id), address) })
}

fn record(id: Id, status: Status) -> MemberRecord {
    MemberRecord::new(node(id), status)
}

fn web(port: u16) -> Description {
    Description::default().with_service(Service::new("web", port).unwrap())
}

fn with_health(health: Health) -> Description {
    Description { health, ..web(80) }
}

/// The instances of `web` as name and readiness.
fn listed(catalog: &mut Catalog) -> Vec<(String, Readiness)> {
    let snapshot = catalog.snapshot();
    snapshot.instances("WEB").iter().map(|at| (at.member.node.name.to_string(), at.readiness)).collect()
}

fn kinds(since: Since) -> Vec<(u64, ChangeKind)> {
    let Since::Changes(changes) = since else { panic!("{since:?}") };
    changes.iter().map(|change| (change.index, change.kind)).collect()
}

#[test]
fn suspected_instances_are_kept_at_the_end_and_those_of_the_dead_and_departed_are_removed() {
    let mut catalog = Catalog::default();
    for id in 1..=4 {
        catalog.set_member(record(id, Status::Alive));
        catalog.describe(id, web(80));
    }
    catalog.set_status(1, Status::Suspect);
    catalog.set_status(2, Status::Dead);
    catalog.set_status(3, Status::Left);
    let expected = [("node4".to_owned(), Readiness::Ready), ("node1".to_owned(), Readiness::Suspected)];
    assert_eq!(listed(&mut catalog), expected);
    catalog.set_status(1, Status::Alive);
    assert_eq!(listed(&mut catalog)[0], ("node1".to_owned(), Readiness::Ready));
    // A member that returns has nothing left of its earlier life.
    catalog.set_member(record(2, Status::Alive));
    assert_eq!(listed(&mut catalog).len(), 2);
}

#[test]
fn readiness_is_as_the_table_says() {
    let (warning, critical) = (Health::Warning("slow".into()), Health::Critical("no disk".into()));
    let rows = [
        (Status::Alive, [Readiness::Ready, Readiness::Degraded, Readiness::Failing]),
        (Status::Suspect, [Readiness::Suspected, Readiness::Suspected, Readiness::Failing]),
    ];
    for (status, expected) in rows {
        for (health, expected) in [Health::Passing, warning.clone(), critical.clone()].into_iter().zip(expected) {
            let is = [(&health, &Health::Passing), (&Health::Passing, &health), (&health, &health)];
            assert!(is.iter().all(|(member, service)| Readiness::of(status, member, service) == Some(expected)));
            assert_eq!(expected.is_healthy(), expected <= Readiness::Degraded);
        }
    }
    for status in [Status::Dead, Status::Left] {
        assert_eq!(Readiness::of(status, &Health::Passing, &Health::Passing), None);
    }
}

#[test]
fn a_description_that_comes_before_its_member_is_used_when_that_is_known_and_few_are_kept() {
    let mut catalog = Catalog::default();
    catalog.describe(0, web(80));
    catalog.set_member(record(0, Status::Alive));
    assert_eq!(listed(&mut catalog).len(), 1);
    for id in 1..=Catalog::EARLY_LIMIT as Id + 1 {
        catalog.describe(id, web(80));
    }
    for id in 1..=Catalog::EARLY_LIMIT as Id + 1 {
        catalog.set_member(record(id, Status::Alive));
    }
    assert_eq!(listed(&mut catalog).len(), 1 + Catalog::EARLY_LIMIT);
}

#[test]
fn changes_are_numbered_and_a_reader_that_falls_behind_is_told_what_it_missed() {
    let mut catalog = Catalog::default();
    catalog.set_member(record(1, Status::Alive));
    catalog.describe(1, web(80));
    catalog.set_status(1, Status::Suspect);
    catalog.describe(1, with_health(Health::Critical("full".into())));
    // Load alone is no change.
    let loaded = Description {
        load: BTreeMap::from([("in_flight".into(), 3.0)]),
        ..with_health(Health::Critical("full".into()))
    };
    catalog.describe(1, loaded);
    catalog.set_status(1, Status::Dead);
    let snapshot = catalog.snapshot();
    let expected =
        [(1, ChangeKind::Added), (2, ChangeKind::Updated), (3, ChangeKind::Updated), (4, ChangeKind::Removed)];
    assert_eq!(kinds(snapshot.since(0)), expected);
    assert_eq!(kinds(snapshot.since(2)), expected[2..]);
    assert_eq!(kinds(snapshot.since(4)), []);
    for port in 1..=Catalog::CHANGE_LIMIT as u16 {
        catalog.set_member(record(2, Status::Alive));
        catalog.describe(2, web(port));
    }
    let snapshot = catalog.snapshot();
    assert_eq!(snapshot.since(3), Since::Missed(1));
    assert_eq!(kinds(snapshot.since(4)).len(), Catalog::CHANGE_LIMIT);
}

#[test]
fn an_older_snapshot_stays_as_it_was_and_shows_the_load_of_its_time() {
    let mut catalog = Catalog::default();
    catalog.set_member(record(1, Status::Alive));
    catalog.describe(1, web(80));
    let before = catalog.snapshot();
    catalog.describe(1, Description { load: BTreeMap::from([("in_flight".into(), 3.0)]), ..web(80) });
    let after = catalog.snapshot();
    let load = |snapshot: &Snapshot| snapshot.instances("web")[0].member.description.load.get("in_flight").copied();
    assert_eq!((load(&before), load(&after)), (None, Some(3.0)));
    assert_eq!(before.members().count(), 1);
}

#[test]
fn services_have_names_that_dns_can_ask_for() {
    for name in ["web", "a", "web-2", "0", &"x".repeat(63)] {
        assert_eq!(*Service::new(name, 80).unwrap().name, *name);
    }
    assert_eq!(*Service::parse("Web:8080").unwrap().name, *"web");
    for name in ["", "-web", "web-", "web_1", "web.db", "we b", "wéb", "web\n", &"x".repeat(64)] {
        assert_eq!(Service::new(name, 80), Err(ServiceError::Name(name.into())), "{name}");
    }
    assert_eq!(Service::parse("web"), Err(ServiceError::Form("web".into())));
    for text in ["web:0", "web:65536", "web:", "web:http", "web:-1"] {
        assert!(matches!(Service::parse(text), Err(ServiceError::Port(_))), "{text}");
    }
    let mut service = Service::new("web", 80).unwrap();
    for tag in 0..Service::TAG_LIMIT {
        service.add_tag(&format!("v{tag}")).unwrap();
    }
    service.add_tag("v1").unwrap();
    assert_eq!(service.add_tag("one-more"), Err(ServiceError::TooManyTags("web".into())));
    for word in ["", "a b", "a,b", "a=b", "a/b", "ä", "a\n"] {
        assert_eq!(check_word(word), Err(ServiceError::Word(word.into())));
    }
}

#[test]
fn a_reason_is_cut_at_its_limit_and_has_no_control_characters() {
    let Some(Health::Warning(reason)) = Health::named("warning", &"é".repeat(200)) else { panic!("a warning") };
    assert_eq!(reason.len(), Health::REASON_LIMIT);
    assert_eq!(Health::named("critical", "a\nb\u{2028}"), Some(Health::Critical("a b ".into())));
    assert_eq!(Health::named("fine", ""), None);
}

#[test]
fn filters_choose_by_each_of_their_keys() {
    let mut catalog = Catalog::default();
    let meta = BTreeMap::from([("rack".into(), "r1".into())]);
    catalog.set_member(record(1, Status::Alive).with_zone("eu-west/a").with_meta(meta));
    let mut service = Service::new("web", 80).unwrap();
    service.add_tag("v2").unwrap();
    catalog.describe(
        1,
        Description {
            kind: Some("backend".into()),
            capabilities: BTreeSet::from(["gpu".into()]),
            ..Description::default().with_service(service).with_service(Service::new("db", 90).unwrap())
        },
    );
    let snapshot = catalog.snapshot();
    let chosen = |text: &str| -> Vec<String> {
        let filter = text.parse().unwrap();
        snapshot.filtered(&filter).map(|instance| instance.service.name.to_string()).collect()
    };
    for both in [
        "",
        "name=node1",
        "state=alive",
        "kind=backend",
        "zone=eu-west",
        "zone=eu-west/a",
        "capability=gpu",
        "health=passing",
        "readiness=ready",
        "meta.rack=r1",
        "kind=backend, capability = gpu",
        "kind!=proxy",
    ] {
        assert_eq!(chosen(both), ["db", "web"], "{both}");
    }
    for neither in [
        "name=node2",
        "state=suspect",
        "kind=proxy",
        "zone=eu",
        "zone=a",
        "capability=cpu",
        "readiness=degraded",
        "meta.rack=r2",
        "meta.row=r1",
        "kind=backend,capability!=gpu",
    ] {
        assert!(chosen(neither).is_empty(), "{neither}");
    }
    assert_eq!(chosen("tag=v2"), ["web"]);
    assert_eq!(chosen("service=db"), ["db"]);
    let member = snapshot.members().next().unwrap();
    assert!("tag=v2,service=db".parse::<Filter>().unwrap().allows_member(member));
}

#[test]
fn texts_that_are_no_filters_are_refused_with_the_part_that_is_wrong() {
    let refusal = |text: &str| text.parse::<Filter>().unwrap_err().to_string();
    assert_eq!(refusal("kind"), "\"kind\" is not KEY=VALUE or KEY!=VALUE");
    assert_eq!(refusal("kind=a,=b"), "\"=b\" is not KEY=VALUE or KEY!=VALUE");
    assert_eq!(refusal("kind="), "\"kind=\" is not KEY=VALUE or KEY!=VALUE");
    assert!(refusal("color=red").starts_with("\"color\" is none of name, state, kind,"));
    assert!(refusal("meta.=x").starts_with("\"meta.\" is none of"));
    assert!(refusal(&"x".repeat(Filter::LIMIT + 1)).contains("is longer than 1024"));
}

fn words() -> impl Strategy<Value = Box<str>> {
    "[a-z0-9]{1,3}".prop_map(Into::into)
}

fn healths() -> impl Strategy<Value = Health> {
    prop_oneof![
        Just(Health::Passing),
        "[ -~]{0,8}".prop_map(|reason| Health::Warning(reason.into())),
        "[ -~]{0,8}".prop_map(|reason| Health::Critical(reason.into())),
    ]
}

fn descriptions() -> impl Strategy<Value = Description> {
    let service = (prop_oneof![Just("web"), Just("db")], 1..u16::MAX, any::<u16>(), healths());
    let services = service.prop_map(|(name, port, weight, health)| Service {
        weight,
        health,
        ..Service::new(name, port).unwrap()
    });
    let load = proptest::collection::btree_map(words(), -1e9..1e9, 0..3);
    let words_of = || proptest::collection::btree_set(words(), 0..3);
    (
        proptest::option::of(words()),
        words_of(),
        proptest::collection::vec((services, words_of()), 0..3),
        healths(),
        load,
    )
        .prop_map(|(kind, capabilities, services, health, load)| {
            let mut description = Description { kind, capabilities, health, load, ..Description::default() };
            for (service, tags) in services {
                description = description.with_service(Service { tags, ..service });
            }
            description
        })
}

proptest! {
    #[test]
    fn a_description_is_read_as_it_was_published(description in descriptions()) {
        let pairs = description.pairs();
        let read = Description::from_pairs(pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())));
        prop_assert_eq!(read, description);
    }

    #[test]
    fn any_keys_and_values_are_read_without_a_panic(pairs in proptest::collection::vec(("(kind|service/|health/|load/|capability/|)\\PC{0,9}", "\\PC{0,12}"), 0..9)) {
        Description::from_pairs(pairs.iter().map(|(key, value)| (key.as_str(), value.as_str())));
    }

    /// A catalog lists what the latest record and description of each member say, after any history, and a reader of
    /// its changes knows the same.
    #[test]
    fn a_catalog_and_its_changes_agree_with_the_latest_records(
        steps in proptest::collection::vec((1_u64..4, 0..5_u8, descriptions()), 0..40)
    ) {
        let mut catalog = Catalog::default();
        let (mut known, mut said): (BTreeMap<Id, Status>, BTreeMap<Id, Description>) = Default::default();
        let mut followed: BTreeSet<(String, Id)> = BTreeSet::new();
        let mut index = 0;
        for (id, step, description) in steps {
            match [Status::Alive, Status::Suspect, Status::Dead, Status::Left].get(usize::from(step)) {
                Some(&status) => {
                    catalog.set_member(record(id, status));
                    if status.is_member() {
                        known.insert(id, status);
                    } else {
                        known.remove(&id);
                        said.remove(&id);
                    }
                }
                None => {
                    catalog.describe(id, description.clone());
                    said.insert(id, description);
                }
            }
            let snapshot = catalog.snapshot();
            let Since::Changes(changes) = snapshot.since(index) else { panic!("nothing is missed") };
            for change in changes {
                let at = (change.instance.service.name.to_string(), change.instance.member.node.peer.id);
                prop_assert_eq!(change.index, index + 1);
                index = change.index;
                match change.kind {
                    ChangeKind::Added => prop_assert!(followed.insert(at)),
                    ChangeKind::Updated => prop_assert!(followed.contains(&at)),
                    ChangeKind::Removed => prop_assert!(followed.remove(&at)),
                }
            }
            let mut expected = BTreeSet::new();
            for (id, status) in &known {
                for (name, service) in said.get(id).iter().flat_map(|said| &said.services) {
                    let readiness = Readiness::of(*status, &said[id].health, &service.health).unwrap();
                    let found = snapshot.instances(name).iter().find(|instance| instance.member.node.peer.id == *id);
                    prop_assert_eq!(found.map(|found| found.readiness), Some(readiness));
                    expected.insert((name.to_string(), *id));
                }
            }
            prop_assert_eq!(&followed, &expected);
            for name in snapshot.services() {
                prop_assert!(snapshot.instances(name).is_sorted_by_key(|instance| instance.readiness));
            }
        }
    }
}
