//! The members of one trial on their sites.

use std::sync::Arc;

use swimlab_selectors::rng::{Purpose, Rng, mix, stream};
use swimlab_selectors::{BuildContext, Peer, RttSource};

use super::assign::assign_sites;
use super::latency::Latency;
use super::site_map::SiteMap;
use crate::protocol::Span;

/// The site of each member, and the delay of packets between any two. Members are numbered from 0, joiners last.
#[derive(Clone, Debug)]
pub struct Placement {
    /// Selectors' view of each member: an id spread over 64 bits, its location, zone path and site.
    pub peers: Arc<[Peer]>,
    /// Each member's site, apart from the peers because delays are looked up for every packet.
    site: Box<[u32]>,
    site_map: Arc<SiteMap>,
    title: String,
    attribution: Option<String>,
}

impl Placement {
    /// Places members and joiners on sites; title and attribution are added by [`Placement::described`].
    pub(super) fn new(site_map: Arc<SiteMap>, members: u32, joiners: u32, seed: u64) -> Self {
        let mut rng = stream(seed, Purpose::Placement, 0);
        let site = assign_sites(site_map.sites(), site_map.weights(), members, joiners, &mut rng);
        let peer = |(index, &site): (usize, &u32)| Peer {
            // Both steps are bijections, so ids are distinct.
            id: mix(mix(seed).wrapping_add(index as u64)),
            location: site_map.location(site),
            zone: site_map.path(site),
            site: Some(site),
        };
        let peers = site.iter().enumerate().map(peer).collect();
        Self { peers, site: site.into(), site_map, title: String::new(), attribution: None }
    }

    /// The same placement with the title and attribution of its topology.
    pub(super) fn described(mut self, title: String, attribution: Option<String>) -> Self {
        (self.title, self.attribution) = (title, attribution);
        self
    }

    /// The number of initial members and joiners.
    pub fn members(&self) -> u32 {
        self.site.len() as u32
    }

    /// The delay of a packet in microseconds, without jitter; at least 1, and the same in both directions.
    #[inline]
    pub fn one_way_us(&self, from: u32, to: u32) -> u32 {
        match self.site_map.latency() {
            Latency::Constant(delay) => *delay,
            latency => latency.one_way_us(self.site[from as usize], self.site[to as usize]),
        }
    }

    /// Draws the delay of one packet in microseconds, at least 1, with the topology's jitter. Without jitter nothing is
    /// drawn from `rng`.
    #[inline(always)]
    pub fn delay_us(&self, from: u32, to: u32, rng: &mut Rng) -> u32 {
        let (base, from, to) = match self.site_map.latency() {
            Latency::Constant(delay) => (*delay, 0, 0),
            latency => {
                let (from, to) = (self.site[from as usize], self.site[to as usize]);
                (latency.one_way_us(from, to), from, to)
            }
        };
        self.site_map.jitter().apply(base, from, to, rng)
    }

    /// The least delay in microseconds that [`Placement::delay_us`] can draw between members at these sites, in either
    /// direction.
    pub(crate) fn least_delay_between_us(&self, site: u32, other: u32) -> u32 {
        let least = |from, to| self.site_map.jitter().least_us(self.site_map.latency().one_way_us(from, to), from, to);
        least(site, other).min(least(other, site))
    }

    /// A delay in microseconds than which none between any two sites, or within one, is shorter.
    pub(crate) fn least_delay_us(&self) -> u32 {
        self.site_map.jitter().least_anywhere_us(self.site_map.latency().shortest_us())
    }

    /// The round-trip time in microseconds, without jitter: twice [`Placement::one_way_us`].
    pub fn rtt_us(&self, from: u32, to: u32) -> u32 {
        self.one_way_us(from, to).saturating_mul(2)
    }

    /// The longest round-trip time between any two members, without jitter; 0 where there are none. A protocol period
    /// shorter than three of these leaves no time for a direct and an indirect ping. Where members are at more than
    /// [`MAX_SITES`](super::MAX_SITES) positions of a ring, grid or torus, it is the longest possible on it.
    pub fn longest_rtt_us(&self) -> u32 {
        let mut sites = self.site.to_vec();
        sites.sort_unstable();
        sites.dedup();
        self.site_map.latency().longest_us(&sites).saturating_mul(2)
    }

    /// Time by which one packet in a thousand is later than without jitter, on the longest way between two members.
    pub(crate) fn lateness(&self) -> Span {
        let longest = self.longest_rtt_us() / 2;
        Span::from_micros(self.site_map.jitter().lateness_us(longest) as u64)
    }

    /// The number of sites, also of those without members.
    pub fn sites(&self) -> u32 {
        self.site_map.sites()
    }

    /// The site a member is at, below [`Placement::sites`].
    #[inline]
    pub fn site_of(&self, member: u32) -> u32 {
        self.site[member as usize]
    }

    /// A site's name; on a lattice its position.
    pub fn site_name(&self, site: u32) -> String {
        self.site_map.name(site)
    }

    /// The names of the zones (`region/zone`); `None` where the topology has none.
    pub fn zones(&self) -> Option<&[String]> {
        Some(self.site_map.zones()).filter(|names| !names.is_empty())
    }

    /// The names of the regions; `None` where the topology has none.
    pub fn regions(&self) -> Option<&[String]> {
        Some(self.site_map.regions()).filter(|names| !names.is_empty())
    }

    /// A member's zone as an index into [`Placement::zones`]; 0 for all where there are none.
    #[inline]
    pub fn zone_of(&self, member: u32) -> u16 {
        self.site_map.zone_of(self.site[member as usize])
    }

    /// A member's region as an index into [`Placement::regions`]; 0 for all where there are none.
    #[inline]
    pub fn region_of(&self, member: u32) -> u16 {
        self.site_map.region_of(self.site[member as usize])
    }

    /// The build context for selectors and metrics: the round-trip times between sites.
    pub fn context(&self) -> BuildContext {
        BuildContext::with_rtt(Arc::clone(&self.site_map) as Arc<dyn RttSource>)
    }

    /// A line for reports, see [`Topology::title`](super::Topology::title).
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The credit that the data ask for, see [`Topology::attribution`](super::Topology::attribution).
    pub fn attribution(&self) -> Option<&str> {
        self.attribution.as_deref()
    }
}
