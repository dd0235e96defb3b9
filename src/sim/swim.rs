//! SWIM members as a world's machines.

use std::sync::Arc;

use swimlab_selectors::rng::{Purpose, stream};
use swimlab_selectors::{Bound, DynSelector, IndexedSelector};

use super::checker::Promise;
use super::machine::Machine;
use super::network::address_of;
use super::observer::{Index, Observer};
use super::setup::Setup;
use super::world::{Breed, Outcome, World};
use crate::protocol::{
    Address, Card, Gauge, Id, Identity, Incarnation, Kind, Kit, Member, Outbox, Packet, Roster, Status, Time,
};

/// Runs one trial: a world of SWIM members with this strategy.
pub fn run(setup: &Setup, kit: &Arc<Kit>, strategy: &DynSelector, observer: &mut impl Observer) -> Outcome {
    World::new(setup, SwimBreed::new(setup, kit, strategy), observer).run()
}

/// Makes SWIM members: founders share one roster and one survey of it, newcomers begin alone.
pub struct SwimBreed {
    kit: Arc<Kit>,
    strategy: DynSelector,
    cards: Vec<Arc<Card>>,
    roster: Arc<Roster>,
    indexed: IndexedSelector,
    setup: Setup,
}

impl SwimBreed {
    /// The members of this setup.
    pub fn new(setup: &Setup, kit: &Arc<Kit>, strategy: &DynSelector) -> Self {
        Self::at(setup, kit, strategy, address_of)
    }

    /// The members of this setup, at these addresses.
    pub fn at(setup: &Setup, kit: &Arc<Kit>, strategy: &DynSelector, address: impl Fn(Index) -> Address) -> Self {
        let peers = setup.placement.peers.iter().cloned();
        let cards: Vec<_> = peers.zip(0..).map(|(peer, member)| Arc::new(Card::new(peer, address(member)))).collect();
        let founders = cards.iter().take(setup.members as usize).cloned();
        let roster = Arc::new(Roster::of_members(founders));
        let indexed = strategy.build_index(roster.peers());
        Self { kit: Arc::clone(kit), strategy: strategy.clone(), cards, roster, indexed, setup: setup.clone() }
    }

    fn identity(&self, member: Index, generation: u32) -> Identity {
        // Each life has luck of its own.
        let life = u64::from(generation) << 32 | u64::from(member);
        Identity {
            card: Arc::clone(&self.cards[member as usize]),
            incarnation: Incarnation::of_generation(generation),
            since_epoch: self.setup.since_epoch(member),
            strategy_rng: stream(self.setup.seed, Purpose::DynSelector, life),
            rng: stream(self.setup.seed, Purpose::Protocol, life),
        }
    }
}

impl Breed for SwimBreed {
    type Machine = Member;

    fn founder(&mut self, member: Index) -> Member {
        let (kit, roster) = (Arc::clone(&self.kit), Arc::clone(&self.roster));
        Member::new(kit, self.identity(member, 0), roster, &self.indexed, member)
    }

    fn newcomer(&mut self, member: Index, generation: u32) -> Member {
        let roster = Arc::new(Roster::of_members([Arc::clone(&self.cards[member as usize])]));
        let indexed = self.strategy.build_index(roster.peers());
        Member::new(Arc::clone(&self.kit), self.identity(member, generation), roster, &indexed, 0)
    }

    fn promise(&self) -> Promise {
        let settings = &self.kit.settings;
        let n = self.cards.len() as u32;
        let limits = Gauge {
            // One about each member and as many overtaken; the simulator sends no application events.
            broadcasts: 2 * self.cards.len() + 64,
            relays: Member::RELAY_LIMIT,
            buried: settings.reconnect_limit as usize,
            // A member that dies again and again has a grave for each death within the retention time.
            graves: self.cards.len() * 64,
        };
        let suspicion = settings.suspicion.timeout(settings, n, 0);
        // Members in doubt about themselves let periods last longer.
        let longest = if settings.prober.judges_health() { u64::from(settings.health_limit) + 1 } else { 1 };
        let period = settings.period * longest;
        // Everybody pings everybody within the strategy's bound, notices within two periods more and then waits for the
        // refutation: so news that dissemination drops is found out first-hand.
        let settles = match self.strategy.bound(n, settings.direct) {
            Bound::Periods(most) => Some(period * (most + 2) + suspicion),
            Bound::PerPeriod(p) if p > 0.0 => {
                // All n^2 pairs but one in a billion worlds.
                let periods = libm::ceil((libm::log(1e9) + 2.0 * libm::log(f64::from(n))) / p);
                Some(period * (periods as u64 + 2) + suspicion)
            }
            // Somebody finds out and tells; nothing is promised of each other member's own pings.
            Bound::Anybody(_) | Bound::PerPeriod(_) => None,
        };
        // Each member tries one of its dead every so often; those that are reached refute, and the news spreads. With
        // fewer than n tries for n dead, some are left: the logarithm is that of collecting all coupons.
        let rounds = 2.0 * libm::log(f64::from(n) + 1.0) + 20.0;
        let heals = settles
            .filter(|_| settings.reconnect_every > 0 && settings.anti_entropy && !settings.dead_final)
            .map(|settles| settles + period.scale(f64::from(settings.reconnect_every) * rounds));
        Promise {
            limits,
            settles: settles.filter(|_| settings.anti_entropy),
            heals,
            returns_refuted: settings.reconnect_limit > 0,
        }
    }
}

impl Machine for Member {
    type Message = Packet;
    const HOT_BYTES: usize = Member::HOT_BYTES;
    const WAKE_BYTES: usize = Member::WAKE_BYTES;

    fn start(&mut self, now: Time, first_period: Time, _out: &mut Outbox) {
        Member::start(self, now, first_period);
    }

    fn join(&mut self, now: Time, seeds: Vec<Address>, out: &mut Outbox) {
        Member::join(self, now, seeds, out);
    }

    fn leave(&mut self, _now: Time, out: &mut Outbox) {
        Member::leave(self, out);
    }

    fn handle(&mut self, now: Time, from: Address, packet: &Packet, out: &mut Outbox) {
        Member::handle(self, now, from, packet, out);
    }

    fn wake(&mut self, now: Time, out: &mut Outbox) {
        Member::wake(self, now, out);
    }

    fn stall(&mut self, now: Time, stalled: bool) {
        Member::stall(self, now, stalled);
    }

    fn deadline(&self) -> Time {
        Member::deadline(self)
    }

    fn kind(packet: &Packet) -> Kind {
        packet.body.kind()
    }

    fn believes(&self, id: Id) -> Option<Status> {
        let table = self.table();
        table.status(table.slot(id)?)
    }

    fn members(&self) -> u32 {
        self.table().members()
    }

    fn gauge(&self) -> Gauge {
        Member::gauge(self)
    }

    fn prefetch(&self, message: Option<(Index, &Packet)>) {
        match message {
            None => self.prefetch_wake(),
            // Founders have their indices for slots.
            Some((from, packet)) => self.prefetch_handle(packet, from),
        }
    }
}
