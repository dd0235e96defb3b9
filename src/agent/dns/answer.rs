//! Answers to DNS queries.

use std::net::{IpAddr, Ipv6Addr};

use hickory_proto::op::{Edns, Message, MessageType, OpCode, Query, ResponseCode};
use hickory_proto::rr::rdata::{A, AAAA, NS, SOA, SRV};
use hickory_proto::rr::{DNSClass, Name, RData, Record, RecordType};

use super::domain::DnsDomain;
use super::question::{Found, id_name, node_name};
use super::weighted_order::{Choice, Draw, choose};
use crate::discovery::{CatalogMember, Instance, Readiness, Snapshot};
use crate::protocol::Id;

/// The longest UDP answer to a query without EDNS (RFC 1035).
pub(super) const PLAIN_LIMIT: u16 = 512;
/// The longest UDP answer: it needs no IP fragments.
pub(super) const UDP_LIMIT: u16 = 1232;
/// The longest UDP answer to another host, as a multiple of the query: who forges the source of queries gains no more.
pub(super) const AMPLIFICATION_LIMIT: usize = 16;
/// The most instances in an answer over UDP, whose size leaves room for no more.
pub(super) const UDP_INSTANCES: usize = 80;
/// The most instances in an answer over TCP.
pub(super) const TCP_INSTANCES: usize = 500;

const HEADER_BYTES: usize = 12;

/// The guesses at how many records fit, after which their number is halved.
const MOST_GUESSES: usize = 4;

/// The way that a query has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    /// UDP, from this host or another one.
    Udp {
        /// Whether the query claims to be from another host.
        is_remote: bool,
    },
    /// TCP.
    Tcp,
}

/// The zone that a server answers for.
#[derive(Clone, Debug)]
pub(super) struct Zone {
    pub domain: DnsDomain,
    /// The member that serves it.
    pub own: Id,
}

impl Zone {
    /// The answer to a packet; `None` if it is no query, or has not even a header.
    pub(super) fn answer(
        &self,
        packet: &[u8],
        snapshot: &Snapshot,
        transport: Transport,
        draw: &mut Draw,
    ) -> Option<Vec<u8>> {
        let header = packet.get(..HEADER_BYTES)?;
        if header[2] & 0x80 != 0 {
            return None;
        }
        let id = u16::from_be_bytes([header[0], header[1]]);
        let op_code = OpCode::from_u8((header[2] >> 3) & 0x0f);
        let refused = |code| Message::error_msg(id, op_code, code).to_vec().ok();
        if op_code != OpCode::Query {
            return refused(ResponseCode::NotImp);
        }
        // The decoder makes room for as many questions as the header claims.
        if header[4..6] != [0, 1] {
            return refused(ResponseCode::FormErr);
        }
        let Ok(query) = Message::from_vec(packet) else { return refused(ResponseCode::FormErr) };
        let most = if transport == Transport::Tcp { TCP_INSTANCES } else { UDP_INSTANCES };
        let answer = self.respond(&query, snapshot, most, draw);
        fitting(answer, longest(&query, packet.len(), transport)).or_else(|| refused(ResponseCode::ServFail))
    }

    fn respond(&self, query: &Message, snapshot: &Snapshot, most: usize, draw: &mut Draw) -> Message {
        let mut answer = Message::new(query.metadata.id, MessageType::Response, OpCode::Query);
        answer.metadata.recursion_desired = query.metadata.recursion_desired;
        answer.add_queries(query.queries.iter().cloned());
        if let Some(edns) = &query.edns {
            let mut own = Edns::new();
            own.set_max_payload(UDP_LIMIT);
            answer.set_edns(own);
            if edns.version() != 0 {
                answer.metadata.response_code = ResponseCode::BADVERS;
                return answer;
            }
        }
        let Some(question) = query.queries.first() else { return answer };
        let is_transfer = matches!(question.query_type, RecordType::AXFR | RecordType::IXFR);
        let is_ours = self.domain.name().zone_of(&question.name)
            && matches!(question.query_class, DNSClass::IN | DNSClass::ANY)
            && !is_transfer;
        if !is_ours {
            answer.metadata.response_code = ResponseCode::Refused;
            return answer;
        }
        answer.metadata.authoritative = true;
        self.look_up(question, snapshot, most, draw, &mut answer);
        answer
    }

    fn look_up(&self, question: &Query, snapshot: &Snapshot, most: usize, draw: &mut Draw, answer: &mut Message) {
        let (name, kind) = (&question.name, question.query_type);
        let is_asked = |one| kind == one || kind == RecordType::ANY;
        let labels = labels(name, self.domain.name());
        match Found::of(&labels.iter().map(String::as_str).collect::<Vec<_>>(), snapshot) {
            Found::Nothing => answer.metadata.response_code = ResponseCode::NXDomain,
            Found::Middle => {}
            Found::Apex => {
                if is_asked(RecordType::SOA) {
                    answer.add_answer(self.soa(snapshot));
                }
                if is_asked(RecordType::NS) {
                    answer.add_answer(record(name, RData::NS(NS(self.own_name(snapshot)))));
                    answer.add_additionals(snapshot.member(self.own).map(|own| address(&self.own_name(snapshot), own)));
                }
            }
            Found::Nodes(members) => {
                let addresses = members.into_iter().map(|member| address(name, member));
                answer.add_answers(addresses.filter(|record| is_asked(record.record_type())).collect::<Vec<_>>());
            }
            // For ANY one type of records is enough (RFC 8482).
            Found::Instances(candidates) if is_asked(RecordType::SRV) => {
                let Choice { instances, is_cut } = choose(candidates.all, |one| candidates.fits(one), most, draw);
                answer.add_answers(instances.iter().map(|instance| self.srv(name, instance)));
                answer.add_additionals(self.glue(&instances));
                answer.metadata.truncation = is_cut && most < TCP_INSTANCES;
            }
            Found::Instances(candidates) => {
                let fits = |one: &Instance| candidates.fits(one) && address_type(&one.member) == kind;
                let Choice { instances, is_cut } = choose(candidates.all, fits, most, draw);
                let mut addresses = Vec::new();
                for instance in instances {
                    let address = address(name, &instance.member);
                    // A member may offer a service once only, but several members may share an address.
                    if !addresses.contains(&address) {
                        addresses.push(address);
                    }
                }
                answer.add_answers(addresses);
                answer.metadata.truncation = is_cut && most < TCP_INSTANCES;
            }
        }
        if answer.answers.is_empty() {
            answer.add_authority(self.soa(snapshot));
        }
    }

    fn srv(&self, name: &Name, instance: &Instance) -> Record {
        let priority = if instance.readiness == Readiness::Ready { 1 } else { 2 };
        let target = node_name(&instance.member, self.domain.name());
        record(name, RData::SRV(SRV::new(priority, instance.service.weight, instance.service.port, target)))
    }

    /// The addresses of the members behind instances.
    fn glue(&self, instances: &[&Instance]) -> Vec<Record> {
        let members = instances.iter().map(|instance| &instance.member);
        members.map(|member| address(&node_name(member, self.domain.name()), member)).collect()
    }

    fn soa(&self, snapshot: &Snapshot) -> Record {
        let domain = self.domain.name();
        let mailbox = Name::from_ascii("hostmaster").and_then(|name| name.append_domain(domain));
        let mailbox = mailbox.expect("below a short domain");
        let serial = snapshot.index() as u32;
        record(domain, RData::SOA(SOA::new(self.own_name(snapshot), mailbox, serial, 3600, 600, 86_400, 0)))
    }

    /// The name of the member that serves the zone.
    fn own_name(&self, snapshot: &Snapshot) -> Name {
        let (own, domain) = (self.own, self.domain.name());
        snapshot.member(own).map_or_else(|| id_name(own, domain), |member| node_name(member, domain))
    }
}

/// The labels of a name in front of a domain, in lower case. Bytes that are no text become a character that no name of the
/// zone has.
fn labels(name: &Name, domain: &Name) -> Vec<String> {
    let own = name.iter().count() - domain.iter().count();
    name.iter().take(own).map(|label| String::from_utf8_lossy(label).to_ascii_lowercase()).collect()
}

/// A record with the TTL 0.
fn record(name: &Name, data: RData) -> Record {
    Record::from_rdata(name.clone(), 0, data)
}

/// The A or AAAA record of a member.
fn address(name: &Name, member: &CatalogMember) -> Record {
    record(
        name,
        match ip(member) {
            IpAddr::V4(ip) => RData::A(A(ip)),
            IpAddr::V6(ip) => RData::AAAA(AAAA(ip)),
        },
    )
}

fn address_type(member: &CatalogMember) -> RecordType {
    if ip(member).is_ipv4() { RecordType::A } else { RecordType::AAAA }
}

fn ip(member: &CatalogMember) -> IpAddr {
    Ipv6Addr::from(member.node.address.ip).to_canonical()
}

/// The most bytes of an answer.
fn longest(query: &Message, query_len: usize, transport: Transport) -> usize {
    let asked = query.edns.as_ref().map_or(PLAIN_LIMIT, Edns::max_payload).clamp(PLAIN_LIMIT, UDP_LIMIT);
    match transport {
        Transport::Tcp => usize::from(u16::MAX),
        Transport::Udp { is_remote: false } => asked.into(),
        Transport::Udp { is_remote: true } => usize::from(asked).min(AMPLIFICATION_LIMIT * query_len),
    }
}

/// The bytes of an answer of at most this length. What does not fit is left out: the addresses of targets first, then
/// answers, which sets the bit that tells so.
fn fitting(mut answer: Message, longest: usize) -> Option<Vec<u8>> {
    let encoded = |answer: &Message| answer.to_vec().ok();
    let additionals = std::mem::take(&mut answer.additionals);
    let bare = encoded(&answer)?;
    if bare.len() <= longest {
        if additionals.is_empty() {
            return Some(bare);
        }
        answer.additionals = additionals;
        return encoded(&answer).filter(|whole| whole.len() <= longest).or(Some(bare));
    }
    answer.metadata.truncation = true;
    let all = std::mem::take(&mut answer.answers);
    if all.is_empty() {
        answer.authorities.clear();
    }
    let mut best = encoded(&answer).filter(|bytes| bytes.len() <= longest)?;
    // Records have nearly the same size, so a few guesses find the most that fit; else halving does.
    let (mut fitting, mut too_many, mut too_long, mut guesses) = (0, all.len(), bare.len(), 0);
    while too_many - fitting > 1 {
        guesses += 1;
        let by_size = (longest - best.len()) as f64 / (too_long - best.len()) as f64;
        let share = if guesses > MOST_GUESSES { 0.5 } else { by_size };
        let next = fitting + (share * (too_many - fitting) as f64) as usize;
        let next = next.clamp(fitting + 1, too_many - 1);
        answer.answers = all[..next].to_vec();
        let bytes = encoded(&answer)?;
        if bytes.len() <= longest {
            (fitting, best) = (next, bytes);
        } else {
            (too_many, too_long) = (next, bytes.len());
        }
    }
    Some(best)
}
