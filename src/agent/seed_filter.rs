//! The choice of seeds that an agent can use, and of the address that it tells others.

use std::net::{IpAddr, SocketAddr};

use super::address::{Reach, canonical, to_address, zone_of};
use super::sockets::{local_ips, outward_addr};
use crate::protocol::Address;

/// Tells seeds that are of use from those that are not.
#[derive(Clone, Debug)]
pub(super) struct SeedFilter {
    bound: SocketAddr,
    /// The address that other members are told, if it is known already.
    advertised: Option<SocketAddr>,
    reach: Reach,
}

/// An address of this machine that may be told to other members.
pub(super) enum Outward {
    Found(SocketAddr),
    /// Only a loopback address was found, which no other machine reaches.
    Loopback(SocketAddr),
    None,
}

impl SeedFilter {
    /// The filter for an agent that is bound to this address. The zone of link-local addresses is that of the address
    /// bound or advertised, or else of the first seed that has one.
    pub(super) fn new(bound: SocketAddr, advertised: Option<SocketAddr>, seeds: &[SocketAddr]) -> Self {
        let zones = advertised.iter().chain(seeds).map(|&addr| zone_of(addr));
        let zone = zones.into_iter().find(|&zone| zone != 0).unwrap_or(0);
        Self { bound, advertised, reach: Reach::of(bound).with_zone(zone) }
    }

    /// The filter for an agent whose socket has this reach.
    pub(super) fn of_reach(bound: SocketAddr, advertised: SocketAddr, reach: Reach) -> Self {
        Self { bound, advertised: Some(advertised), reach }
    }

    /// The reach of the agent's socket.
    pub(super) fn reach(&self) -> Reach {
        self.reach
    }

    /// The seeds that are of use, in their order. Left out are addresses at which no member can listen, those that the
    /// socket does not reach, the agent's own, and loopback addresses if it is not bound to one itself, unless there
    /// are no others.
    pub(super) fn usable(&self, seeds: &[SocketAddr]) -> Vec<Address> {
        let local = local_ips();
        let mut usable = Vec::new();
        for &seed in seeds {
            let address = to_address(seed);
            if !self.is_own(seed, &local) && !usable.contains(&address) && self.objection(seed).is_none() {
                usable.push(address);
            }
        }
        let is_loopback = |address: &Address| IpAddr::from(address.ip).to_canonical().is_loopback();
        if !self.bound.ip().to_canonical().is_loopback() && !usable.iter().all(is_loopback) {
            usable.retain(|address| !is_loopback(address));
        }
        usable
    }

    /// Logs which of these seeds the agent cannot use, and why.
    pub(super) fn warn_of_useless(&self, seeds: &[SocketAddr]) {
        for seed in seeds {
            if let Some(why) = self.objection(*seed) {
                tracing::warn!(%seed, "the seed is left out: {why}");
            }
        }
    }

    /// The reason why a seed is of no use.
    fn objection(&self, seed: SocketAddr) -> Option<String> {
        let address = to_address(seed);
        if let Some(fault) = address.fault() {
            return Some(fault.to_string());
        }
        if self.reach.socket_addr(address).is_none() {
            return Some(format!("an agent bound to {} does not reach it", self.bound));
        }
        let (theirs, own) = (zone_of(seed), self.reach.zone());
        (theirs != 0 && theirs != own).then(|| format!("it is on another link than zone {own}"))
    }

    /// The reason why the agent cannot join the member at an address.
    pub(super) fn objection_to_contact(&self, addr: SocketAddr) -> Option<String> {
        let is_own = self.is_own(addr, &local_ips());
        if is_own { Some("it is the agent's own address".to_owned()) } else { self.objection(addr) }
    }

    /// Whether the agent itself listens at a seed's address.
    fn is_own(&self, seed: SocketAddr, local: &[IpAddr]) -> bool {
        let seed = canonical(seed);
        let is = |addr: SocketAddr| (canonical(addr).ip(), addr.port()) == (seed.ip(), seed.port());
        let listens_everywhere = self.bound.ip().to_canonical().is_unspecified() && self.bound.port() == seed.port();
        let is_local = seed.ip().is_loopback() || local.contains(&seed.ip());
        is(self.bound) || self.advertised.is_some_and(is) || (listens_everywhere && is_local)
    }

    /// The address of this machine that packets have on their way to the first of these members that is reached, or
    /// else to the internet, or else the only one that the machine has. No packet is sent.
    pub(super) async fn outward(&self, members: &[Address]) -> Outward {
        let mut loopback = None;
        // The address of documentation that the default route leads to.
        for to in members.iter().copied().chain(self.reach.far()) {
            match outward_addr(self.bound, self.reach, to).await {
                Some(addr) if addr.ip().is_loopback() => loopback = loopback.or(Some(addr)),
                Some(addr) => return Outward::Found(addr),
                None => {}
            }
        }
        let is_candidate = |ip: &IpAddr| {
            let address = to_address(SocketAddr::new(*ip, self.bound.port()));
            !ip.is_loopback() && self.reach.socket_addr(address).is_some()
        };
        let mut candidates = local_ips().into_iter().filter(is_candidate);
        match (candidates.next(), candidates.next(), loopback) {
            (Some(only), None, _) => Outward::Found(SocketAddr::new(only, self.bound.port())),
            (_, _, Some(loopback)) => Outward::Loopback(loopback),
            _ => Outward::None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agent::to_socket;

    fn usable(bound: &str, seeds: &[&str]) -> Vec<String> {
        let seeds: Vec<SocketAddr> = seeds.iter().map(|seed| seed.parse().unwrap()).collect();
        let filter = SeedFilter::new(bound.parse().unwrap(), None, &seeds);
        filter.usable(&seeds).into_iter().map(|address| to_socket(address).to_string()).collect()
    }

    // F5: Debian's hosts file gives a host's own name the address 127.0.1.1.
    #[test]
    fn own_addresses_are_no_seeds() {
        assert_eq!(usable("0.0.0.0:7946", &["127.0.1.1:7946", "198.51.100.2:7946"]), ["198.51.100.2:7946"]);
        assert_eq!(usable("0.0.0.0:7946", &["127.0.1.1:7946"]), [""; 0]);
        assert_eq!(usable("[::]:7946", &["127.0.0.1:7946", "[::1]:7946"]), [""; 0]);
        assert_eq!(usable("198.51.100.1:7946", &["198.51.100.1:7946", "198.51.100.1:7947"]), ["198.51.100.1:7947"]);
        assert_eq!(usable("127.0.0.1:1", &["127.0.0.1:1", "127.0.0.1:2"]), ["127.0.0.1:2"]);
    }

    // F5
    #[test]
    fn loopback_seeds_of_an_agent_that_is_not_are_used_only_without_others() {
        let seeds = ["127.0.0.1:7001", "198.51.100.2:7946"];
        assert_eq!(usable("0.0.0.0:7946", &seeds), ["198.51.100.2:7946"]);
        assert_eq!(usable("0.0.0.0:7946", &seeds[..1]), ["127.0.0.1:7001"]);
        assert_eq!(usable("127.0.0.1:7946", &seeds), seeds);
    }

    // F5
    #[test]
    fn seeds_of_a_family_that_the_socket_does_not_reach_are_left_out() {
        let seeds = ["[2001:db8::7]:7946", "198.51.100.2:7946"];
        assert_eq!(usable("0.0.0.0:7946", &seeds), ["198.51.100.2:7946"]);
        assert_eq!(usable("[2001:db8::1]:7946", &seeds), ["[2001:db8::7]:7946"]);
        assert_eq!(usable("[::]:7946", &seeds), seeds);
    }

    // F15
    #[test]
    fn link_local_seeds_are_used_in_one_zone() {
        let seeds = ["[fe80::7%5]:1", "[fe80::8%6]:1", "[fe80::9]:1"];
        assert_eq!(usable("[fe80::1%6]:1", &seeds), ["[fe80::8]:1", "[fe80::9]:1"]);
        assert_eq!(usable("[::]:1", &seeds), ["[fe80::7]:1", "[fe80::9]:1"]);
        assert_eq!(usable("[::]:1", &seeds[2..]), [""; 0]);
    }
}
