//! Tests of states and their exchange.

mod contents;
mod exchange;
mod inventions;
mod laws;
mod limits;
mod messages;
mod network;
mod spread;
mod store;

use super::{Exchange, ExchangeConfig, StateStore};
use crate::protocol::{Id, Time};
use swimlab_selectors::rng::{Purpose, stream};

/// A time in milliseconds.
fn ms(millis: u64) -> Time {
    Time::from_micros(millis * 1000)
}

/// The store of a member in its first life that keeps the states of these members.
fn store(me: Id, others: impl IntoIterator<Item = Id>) -> StateStore {
    let mut store = StateStore::new(me, 1);
    others.into_iter().for_each(|other| store.admit(other, 1).unwrap());
    store
}

fn exchange(config: ExchangeConfig, store: StateStore) -> Exchange {
    let rng = stream(1, Purpose::Protocol, store.me());
    Exchange::new(Time::ZERO, config, store, rng).unwrap()
}

/// The keys and values of a member's state in a store.
fn values(store: &StateStore, of: Id) -> Vec<(String, String)> {
    store.keys_of(of).map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// Hands over all that `from` has of a member's state and `to` lacks, as an answer to versions would.
fn hand_over(now: Time, from: &StateStore, to: &mut StateStore, of: Id) -> Option<super::member_state::Applied> {
    let known = to.known(of).unwrap();
    let cut = from.after(now, &known, 1 << 20)?;
    Some(to.apply(now, &cut.delta, false))
}
