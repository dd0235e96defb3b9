//! Joining other members while the agent runs.

use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use super::address::to_address;
use super::command::Command;
use super::exit::Closed;
use super::handle::Agent;
use super::seed::{Host, Seed, SeedError};
use super::seeds::ROUND_PATIENCE;

/// The most seeds of one join, and the most addresses that they may stand for.
pub(super) const JOIN_LIMIT: usize = 64;

/// The number of members that are asked for their table at the same time.
const AT_ONCE: usize = 4;

/// The longest wait for the table of one member.
pub(super) const CONTACT_PATIENCE: Duration = Duration::from_secs(5);

/// The longest that a join takes.
pub(super) const LONGEST_JOIN: Duration =
    Duration::from_secs(ROUND_PATIENCE.as_secs() + CONTACT_PATIENCE.as_secs() * (JOIN_LIMIT / AT_ONCE) as u64);

/// Outcome for one address that a seed of [`Agent::join`] stands for.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SeedContact {
    /// The seed as it was given.
    pub seed: String,
    /// The address; `None` if the seed has none.
    pub addr: Option<SocketAddr>,
    /// The reason why no member has answered there; `None` if one has.
    pub failure: Option<ContactFailure>,
}

/// Reason why a member could not be contacted.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ContactFailure {
    /// The name has no address, for this reason.
    NoAddress(String),
    /// The agent cannot use the address, for this reason.
    Unusable(String),
    /// There is no connection to the address, or it was ended.
    NoConnection,
    /// No answer came in time.
    NoAnswer,
}

/// Reason why [`Agent::join`] has joined nobody.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum JoinError {
    /// The agent has ended.
    Closed,
    /// No seed was given.
    NoSeed,
    /// There are this many seeds, or addresses that they stand for: more than 64.
    TooMany(usize),
    /// A seed is malformed.
    Seed(String, SeedError),
    /// None could be contacted, for these reasons.
    NoContact(Vec<SeedContact>),
}

impl Agent {
    /// Joins the group of any of these members, as [`Builder::join`](super::Builder::join) does at the start: `host`,
    /// `host:port`, `address` or `address:port`. All of them are asked for their table, four at a time, at most 64.
    /// Two groups become one when a member of each is in contact.
    ///
    /// Unlike the seeds of a start they are not tried again: neither now nor after a partition.
    ///
    /// Returns what became of each address, once they have answered or five seconds are over for each four of them.
    ///
    /// # Errors
    /// If a seed is malformed, there are none or too many, none can be contacted, or the agent has ended.
    pub async fn join<T: Into<String>>(
        &self,
        seeds: impl IntoIterator<Item = T>,
    ) -> Result<Vec<SeedContact>, JoinError> {
        let seeds: Vec<String> = seeds.into_iter().map(Into::into).collect();
        if seeds.is_empty() {
            return Err(JoinError::NoSeed);
        }
        if seeds.len() > JOIN_LIMIT {
            return Err(JoinError::TooMany(seeds.len()));
        }
        let parse = |text: String| Seed::parse(&text).map_err(|error| JoinError::Seed(text, error));
        let seeds: Vec<Seed> = seeds.into_iter().map(parse).collect::<Result<_, _>>()?;
        let mut contacts = resolve(seeds).await;
        if contacts.len() > JOIN_LIMIT {
            return Err(JoinError::TooMany(contacts.len()));
        }
        for contact in &mut contacts {
            let objection = contact.addr.and_then(|addr| self.seed_filter().objection_to_contact(addr));
            contact.failure = contact.failure.take().or(objection.map(ContactFailure::Unusable));
        }
        // It goes on if the caller does not wait for it any more, so that a join without an answer has an end.
        let joining = tokio::spawn(contact_all(contacts, self.weak_commands()));
        let contacts = joining.await.map_err(|_| JoinError::Closed)?.map_err(|Closed| JoinError::Closed)?;
        let has_any = contacts.iter().any(|contact| contact.failure.is_none());
        if has_any { Ok(contacts) } else { Err(JoinError::NoContact(contacts)) }
    }
}

/// Looks up the addresses of all seeds at once. Each address is listed once.
async fn resolve(seeds: Vec<Seed>) -> Vec<SeedContact> {
    let until = Instant::now() + ROUND_PATIENCE;
    let lookups = seeds.into_iter().map(|Seed { text, host }| {
        let lookup = tokio::spawn(async move {
            match host {
                Host::Address(addr) => Ok(vec![addr]),
                Host::Name(name, port) => match timeout_at(until, lookup_host((name, port))).await {
                    Ok(Ok(found)) => Ok(found.collect()),
                    Ok(Err(error)) => Err(error.to_string()),
                    Err(_) => Err("the resolver does not answer".to_owned()),
                },
            }
        });
        (text, lookup)
    });
    let lookups: Vec<_> = lookups.collect();
    let mut contacts: Vec<SeedContact> = Vec::new();
    for (seed, lookup) in lookups {
        let found: Result<Vec<SocketAddr>, String> = lookup.await.unwrap_or_else(|error| Err(error.to_string()));
        let (found, why) = match found {
            Ok(found) if found.is_empty() => (found, Some("it has no address".to_owned())),
            Ok(found) => (found, None),
            Err(why) => (Vec::new(), Some(why)),
        };
        for addr in found {
            if contacts.iter().all(|contact| contact.addr != Some(addr)) {
                contacts.push(SeedContact { seed: seed.clone(), addr: Some(addr), failure: None });
            }
        }
        if let Some(why) = why {
            contacts.push(SeedContact { seed, addr: None, failure: Some(ContactFailure::NoAddress(why)) });
        }
    }
    contacts
}

/// Asks the members at all usable addresses for their tables, a few at a time.
async fn contact_all(
    mut contacts: Vec<SeedContact>,
    commands: mpsc::WeakSender<Command>,
) -> Result<Vec<SeedContact>, Closed> {
    let mut usable: Vec<&mut SeedContact> = contacts.iter_mut().filter(|contact| contact.failure.is_none()).collect();
    for some in usable.chunks_mut(AT_ONCE) {
        let mut answers = Vec::new();
        for contact in some.iter_mut() {
            let Some(addr) = contact.addr else { continue };
            let (answered, answer) = oneshot::channel();
            let command = Command::Contact { address: to_address(addr), answered };
            commands.upgrade().ok_or(Closed)?.send(command).await.map_err(|_| Closed)?;
            answers.push((contact, answer));
        }
        let until = Instant::now() + CONTACT_PATIENCE;
        for (contact, answer) in answers {
            contact.failure = match timeout_at(until, answer).await {
                Ok(Ok(true)) => None,
                Ok(Ok(false)) => Some(ContactFailure::NoConnection),
                Ok(Err(_)) => return Err(Closed),
                Err(_) => Some(ContactFailure::NoAnswer),
            };
        }
        commands.upgrade().ok_or(Closed)?.send(Command::EndContacts).await.map_err(|_| Closed)?;
    }
    Ok(contacts)
}

impl SeedContact {
    /// The seed, with its address if that says more.
    fn label(&self) -> String {
        match self.addr.map(|addr| addr.to_string()) {
            Some(addr) if addr != self.seed => format!("{} ({addr})", self.seed),
            _ => self.seed.clone(),
        }
    }
}

impl fmt::Display for SeedContact {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.failure {
            None => write!(f, "{}: contacted", self.label()),
            Some(failure) => write!(f, "{}: {failure}", self.label()),
        }
    }
}

impl fmt::Display for ContactFailure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoAddress(why) => write!(f, "no address: {why}"),
            Self::Unusable(why) => f.write_str(why),
            Self::NoConnection => f.write_str("no connection"),
            Self::NoAnswer => {
                write!(f, "no answer in {CONTACT_PATIENCE:?}: no agent is there, or one with another key or label")
            }
        }
    }
}

impl Error for JoinError {}

impl fmt::Display for JoinError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => Closed.fmt(f),
            Self::NoSeed => f.write_str("no member to join is given"),
            Self::TooMany(count) => {
                write!(f, "{count} members to join, or addresses of them, are more than {JOIN_LIMIT}: some suffice")
            }
            Self::Seed(seed, error) => write!(f, "seed {seed:?}: {error}"),
            Self::NoContact(contacts) => {
                f.write_str("no member could be contacted")?;
                contacts.iter().try_for_each(|contact| write!(f, "; {contact}"))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_join_may_have_as_many_seeds_as_the_limit() {
        let agent = Agent::builder().spawn().await.unwrap();
        let own = agent.addr().to_string();
        let seeds = |count: usize| vec![own.clone(); count];
        let error = agent.join(seeds(JOIN_LIMIT + 1)).await.unwrap_err();
        assert_eq!(error, JoinError::TooMany(JOIN_LIMIT + 1));
        // Each address is listed once.
        let JoinError::NoContact(contacts) = agent.join(seeds(JOIN_LIMIT)).await.unwrap_err() else { panic!() };
        assert_eq!(contacts.len(), 1);
        assert!(contacts[0].to_string().ends_with("it is the agent's own address"), "{}", contacts[0]);
        assert_eq!(agent.join([""; 0]).await, Err(JoinError::NoSeed));
    }

    #[tokio::test]
    async fn an_agent_that_answers_nothing_is_waited_for_and_the_join_then_ends() {
        let silent = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let agent = Agent::builder().spawn().await.unwrap();
        let begun = Instant::now();
        let seed = silent.local_addr().unwrap().to_string();
        let error = timeout(CONTACT_PATIENCE * 4, agent.join([seed])).await.unwrap().unwrap_err();
        assert!(error.to_string().contains("no answer in 5s"), "{error}");
        assert!(begun.elapsed() >= CONTACT_PATIENCE);
        assert!(!agent.info().await.unwrap().is_joining);
    }
}
