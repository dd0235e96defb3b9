//! Meaning of names in the zone.

use std::sync::Arc;

use hickory_proto::rr::Name;

use crate::agent::id_of;
use crate::discovery::{CatalogMember, Instance, Snapshot, is_dns_label};
use crate::protocol::Id;

/// Meaning of a name in the zone.
#[derive(Debug)]
pub(super) enum Found<'a> {
    /// The zone itself.
    Apex,
    /// Other names end with it.
    Middle,
    /// Instances of a service, at least one; perhaps none of them is healthy.
    Instances(Candidates<'a>),
    /// Members of this name.
    Nodes(Vec<&'a Arc<CatalogMember>>),
    /// Nothing.
    Nothing,
}

/// The instances of a service that a name stands for.
#[derive(Debug)]
pub(super) struct Candidates<'a> {
    /// All instances of the service, the readiest first.
    pub all: &'a [Instance],
    tag: Option<Box<str>>,
    zone: Option<Box<str>>,
}

impl Candidates<'_> {
    /// Whether an instance of the service has the name's tag and zone.
    pub(super) fn fits(&self, instance: &Instance) -> bool {
        let has_tag = |tag: &str| instance.service.tags.iter().any(|found| found.eq_ignore_ascii_case(tag));
        self.tag.as_deref().is_none_or(has_tag) && self.zone.as_deref().is_none_or(|zone| is_in(&instance.member, zone))
    }
}

impl<'a> Found<'a> {
    /// The meaning of the labels in front of the zone's domain, which are in lower case.
    pub(super) fn of(labels: &[&str], snapshot: &'a Snapshot) -> Self {
        match without_underscores(labels)[..] {
            [] => Self::Apex,
            ["node" | "service"] => Self::Middle,
            [node, "node"] => nodes(node, snapshot),
            [service, "service"] => instances(service, None, None, snapshot),
            [tag, service, "service"] => instances(service, Some(tag), None, snapshot),
            ["service", zone] if has_zone(zone, snapshot) => Self::Middle,
            [zone] if has_zone(zone, snapshot) => Self::Middle,
            [service, "service", zone] => instances(service, None, Some(zone), snapshot),
            [tag, service, "service", zone] => instances(service, Some(tag), Some(zone), snapshot),
            _ => Self::Nothing,
        }
    }
}

/// The labels with those of RFC 2782 in the form of the others: `_web._tcp` is `web`, and `_web._v2` is `v2.web`, as with
/// Consul.
fn without_underscores<'a>(labels: &[&'a str]) -> Vec<&'a str> {
    let plain = |at: usize| labels.get(at).and_then(|label| label.strip_prefix('_'));
    match (plain(0), plain(1)) {
        (Some(service), Some("tcp" | "udp")) => [&[service], &labels[2..]].concat(),
        (Some(service), Some(tag)) => [&[tag, service], &labels[2..]].concat(),
        _ => labels.to_vec(),
    }
}

/// The name `NODE.node.DOMAIN` that stands for this member alone: with its own name if that is a DNS label in lower case,
/// else with its id.
pub(super) fn node_name(member: &CatalogMember, domain: &Name) -> Name {
    let (id, name) = (member.node.peer.id, &*member.node.name);
    let is_own = is_dns_label(name) && !name.bytes().any(|byte| byte.is_ascii_uppercase()) && id_in(name).is_none();
    if is_own { node_of(name, domain) } else { id_name(id, domain) }
}

/// The name of a member by its id.
pub(super) fn id_name(id: Id, domain: &Name) -> Name {
    node_of(&format!("xid-{id:016x}"), domain)
}

fn node_of(label: &str, domain: &Name) -> Name {
    let name = Name::from_ascii(label).and_then(|name| name.append_label("node"));
    name.and_then(|name| name.append_domain(domain)).expect("labels of 63 bytes at most, below a short domain")
}

/// The id that a label stands for, if it has the form `xid-` and 16 digits.
fn id_in(label: &str) -> Option<Id> {
    let digits = label.strip_prefix("xid-").filter(|digits| digits.len() == 16)?;
    Id::from_str_radix(digits, 16).ok().filter(|_| !digits.starts_with('+'))
}

fn nodes<'a>(label: &str, snapshot: &'a Snapshot) -> Found<'a> {
    if let Some(id) = id_in(label) {
        return snapshot.member(id).map_or(Found::Nothing, |member| Found::Nodes(vec![member]));
    }
    // An agent's id follows from its name.
    if let Some(member) = snapshot.member(id_of(label)).filter(|member| *member.node.name == *label) {
        return Found::Nodes(vec![member]);
    }
    let mut alike: Vec<_> = snapshot.members().filter(|member| member.node.name.eq_ignore_ascii_case(label)).collect();
    if let Some(exact) = alike.iter().find(|member| *member.node.name == *label) {
        alike = vec![*exact];
    }
    if alike.is_empty() { Found::Nothing } else { Found::Nodes(alike) }
}

fn instances<'a>(service: &str, tag: Option<&str>, zone: Option<&str>, snapshot: &'a Snapshot) -> Found<'a> {
    let all = snapshot.instances(service);
    let candidates = Candidates { all, tag: tag.map(Box::from), zone: zone.map(Box::from) };
    if all.iter().any(|instance| candidates.fits(instance)) { Found::Instances(candidates) } else { Found::Nothing }
}

/// Whether a member's zone path has this component.
fn is_in(member: &CatalogMember, zone: &str) -> bool {
    member.zone.split('/').any(|component| component.eq_ignore_ascii_case(zone))
}

fn has_zone(zone: &str, snapshot: &Snapshot) -> bool {
    !zone.is_empty() && snapshot.members().any(|member| is_in(member, zone))
}
