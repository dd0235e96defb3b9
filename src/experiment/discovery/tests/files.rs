//! `[discovery]` in experiment files.

use super::super::{DiscoveryConfig, InstanceChoice, Instances, MOST_CLIENTS, MOST_DISCOVERY_MEMBERS, discovery_keys};
use crate::experiment::{BadInput, Experiment, Lab, TomlSource};
use crate::protocol::Span;

fn parse(members: u32, discovery: &str) -> Result<Experiment, BadInput> {
    let text = format!("topology = 'lan'\nselector = 'shuffle'\nmembers = {members}\n[discovery]\n{discovery}\n");
    Experiment::parse(&TomlSource::text("t.toml", text), &Lab::default())
}

fn refused(discovery: &str) -> String {
    parse(9, discovery).err().unwrap_or_else(|| panic!("{discovery} is accepted")).to_string()
}

#[test]
fn an_empty_table_has_the_defaults_and_no_table_has_no_clients() {
    let of = |experiment: Experiment| experiment.cells[0].discovery;
    assert_eq!(of(parse(9, "").unwrap()), Some(DiscoveryConfig::default()));
    let none = "topology = 'lan'\nselector = 'shuffle'\nmembers = 9";
    let none = Experiment::parse(&TomlSource::text("t.toml", none), &Lab::default()).unwrap();
    assert!(!none.manifest().experiment.contains_key("discovery"));
    assert_eq!(of(none), None);
}

#[test]
fn all_keys_are_read_and_lists_become_columns() {
    let text = "instances = '50%'\nclients = 3\nrequest_rate = 0.5\nchoice = 'nearest'\ncache = ['0s', '30s']\n\
                change_every = ['5s', '10s']\nchange_ttl = '0s'";
    let experiment = parse(9, text).unwrap();
    let cells: Vec<_> = experiment.cells.iter().map(|cell| (cell.discovery.unwrap(), cell.key.swept.clone())).collect();
    let expected = |cache_s, every_s| DiscoveryConfig {
        instances: Instances::Share(0.5),
        clients: 3,
        request_rate: 0.5,
        choice: InstanceChoice::Nearest,
        cache: Span::from_secs(cache_s),
        change_every: Span::from_secs(every_s),
        change_ttl: Span::ZERO,
    };
    let configs: Vec<_> = cells.iter().map(|(config, _)| *config).collect();
    assert_eq!(configs, [expected(0, 5), expected(0, 10), expected(30, 5), expected(30, 10)]);
    let columns = |cache: Span, every: &str| {
        [("cache", cache.to_string()), ("change_every", every.to_owned())].map(|(key, value)| (key.to_owned(), value))
    };
    assert_eq!(cells[1].1, columns(Span::ZERO, "10s"));
    assert_eq!(cells[2].1, columns(Span::from_secs(30), "5s"));
    assert_eq!(experiment.manifest().experiment["instances"], "50%");
}

#[test]
fn values_out_of_range_are_refused_with_their_line() {
    let range = format!("1 to {MOST_CLIENTS}");
    for (line, part) in [
        ("clients = 0", range.as_str()),
        ("clients = 10001", range.as_str()),
        ("request_rate = 0", "a number from 0.001 to 1000"),
        ("instances = 0", "1 to 2048"),
        ("instances = '0%'", "must be more than 0%"),
        ("instances = '120%'", "percentage from 0% to 100%"),
        ("instances = 'some'", "a number of members or a percentage of them"),
        ("instances = 10", "instances = 10 is more than the 9 members there are"),
        ("choice = 'nearst'", "choice cannot be \"nearst\"; did you mean nearest?"),
        ("cache = 30", "cache must be"),
        ("cache = ['1s', '1000ms']", "cache lists 1s twice"),
        ("change_every = '10ms'", "change_every must be 0s or at least 100ms, not 10ms"),
        ("change_ttl = '2d'", "change_ttl must be"),
        ("client = 3", "discovery has no key \"client\"; did you mean clients?"),
        ("clients = []", "clients is an empty list"),
    ] {
        let message = refused(line);
        assert!(message.starts_with("t.toml:5: ") && message.contains(part), "{line}: {message}");
    }
    assert_eq!(parse(9, &format!("clients = {MOST_CLIENTS}")).unwrap().cells.len(), 1);
    let list = "topology = 'lan'\nselector = 'shuffle'\nmembers = 9\ndiscovery = 3";
    let message = Experiment::parse(&TomlSource::text("t.toml", list), &Lab::default()).err().unwrap().to_string();
    assert!(message.contains("discovery must be a table, not 3"), "{message}");
}

#[test]
fn a_world_with_services_has_as_many_members_as_can_be_followed() {
    assert!(parse(MOST_DISCOVERY_MEMBERS, "").is_ok());
    let message = parse(MOST_DISCOVERY_MEMBERS + 1, "").err().unwrap().to_string();
    assert!(message.contains("2049 members, joiners included, are more than 2048"), "{message}");
}

#[test]
fn no_key_of_the_protocol_or_of_a_detector_has_the_name_of_one_of_services() {
    let lab = Lab::default();
    let protocol = lab.profiles.entries().iter().flat_map(|entry| &entry.params).map(|param| param.name);
    let detectors = lab.detectors.entries().iter().flat_map(|entry| &entry.params).map(|param| param.name);
    let shared: Vec<_> = protocol.chain(detectors).filter(|name| discovery_keys().contains(name)).collect();
    assert_eq!(shared, [""; 0]);
}

#[test]
fn the_reference_names_every_key_of_services() {
    let page = include_str!("../../../../docs/experiments.md");
    for key in discovery_keys() {
        assert!(page.contains(&format!("\n| `{key}` |")), "{key}");
    }
}
