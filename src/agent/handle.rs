//! The handle of a running agent.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::{Mutex, mpsc, oneshot};

use super::command::{Command, CommandError, KeyChange};
use super::discovery::Discovery;
use super::event::MemberInfo;
use super::event_hub::{EventHub, Events};
use super::exit::{Closed, ExitReason};
use super::meta::Meta;
use super::metrics::Info;
use super::round_trip::{RoundTrip, RoundTripError};
use super::seed_filter::SeedFilter;
use crate::discovery::shared::SharedWrite;
use crate::discovery::{Description, Report};
use crate::protocol::{Id, NameError, UserEvent};
use crate::wire::{Key, KeyId, Keyring};

/// Handle of a running member.
///
/// Clones are handles of the same member. When the last one is dropped the agent stops without notice, as if its
/// process had crashed; [`Agent::leave`] tells the group first.
///
/// ```
/// use swimlab::agent::{Agent, AgentEvent, ExitReason, MemberChange};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let web = Agent::builder().name("web").spawn().await?;
/// let mut events = web.events();
/// let db = Agent::builder().name("db").join([web.addr().to_string()]).spawn().await?;
///
/// // State is asked for, changes arrive as values.
/// match events.next().await {
///     Some(AgentEvent::Member(MemberChange::Joined, member)) => assert_eq!(member.name(), "db"),
///     other => panic!("{other:?}"),
/// }
/// assert_eq!(web.members().await?.len(), 2);
///
/// // Application events reach every member.
/// db.broadcast("deploy", "v7").await?;
/// match events.next().await {
///     Some(AgentEvent::User { from_name, event, .. }) => assert_eq!((&*from_name, &*event.name), ("db", "deploy")),
///     other => panic!("{other:?}"),
/// }
///
/// db.leave().await;
/// assert_eq!(db.ended().await, ExitReason::Left);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Agent(Arc<Inner>);

struct Inner {
    identity: AgentIdentity,
    commands: mpsc::Sender<Command>,
    events: EventHub,
    /// Held during a check of reachability.
    reachability: Mutex<()>,
}

/// Properties that do not change during an agent's life.
pub(super) struct AgentIdentity {
    pub id: Id,
    pub name: Box<str>,
    /// The address that other members are told.
    pub addr: SocketAddr,
    /// Tells members that the agent can join from those that it cannot.
    pub seed_filter: SeedFilter,
}

impl Agent {
    pub(super) fn new(identity: AgentIdentity, commands: mpsc::Sender<Command>, events: EventHub) -> Self {
        Self(Arc::new(Inner { identity, commands, events, reachability: Mutex::new(()) }))
    }

    /// The member's id.
    pub fn id(&self) -> Id {
        self.0.identity.id
    }

    /// The member's name.
    pub fn name(&self) -> &str {
        &self.0.identity.name
    }

    /// The address that the member advertises.
    pub fn addr(&self) -> SocketAddr {
        self.0.identity.addr
    }

    /// All members that the agent has a record of: itself, and the dead and departed that are not forgotten yet, too.
    ///
    /// # Errors
    /// If the agent has ended.
    pub async fn members(&self) -> Result<Vec<MemberInfo>, Closed> {
        self.ask(Command::Members).await
    }

    /// The agent's state and metrics.
    ///
    /// # Errors
    /// If the agent has ended.
    pub async fn info(&self) -> Result<Info, Closed> {
        self.ask(Command::Info).await.map(|info| *info)
    }

    /// A reader of the events from now on. Members may have joined since the agent began: either read
    /// [`Agent::members`] after this, or start the agent with
    /// [`Builder::spawn_watched`](super::Builder::spawn_watched), whose reader gets every event.
    pub fn events(&self) -> Events {
        self.0.events.subscribe()
    }

    /// Replaces the member's metadata, of at most [`NodeInfo::META_LIMIT`](crate::protocol::NodeInfo::META_LIMIT)
    /// bytes, and gossips them to the group.
    ///
    /// # Errors
    /// If the metadata are too long, or the agent has ended.
    pub async fn set_meta(&self, meta: impl Into<Vec<u8>>) -> Result<(), CommandError> {
        let meta = meta.into();
        Ok(self.ask(|reply| Command::SetMeta { meta, reply }).await??)
    }

    /// Sets and removes single pairs of the member's metadata, and gossips the change to the group.
    ///
    /// # Errors
    /// If a key to remove is not there, all pairs together are too long, the metadata are no pairs as
    /// [`Meta`](super::Meta) encodes them, or the agent has ended. Nothing is changed then.
    pub async fn update_meta<T: Into<String>>(
        &self,
        set: Meta,
        unset: impl IntoIterator<Item = T>,
    ) -> Result<(), CommandError> {
        let unset = unset.into_iter().map(Into::into).collect();
        self.ask(|reply| Command::UpdateMeta { set, unset, reply }).await?
    }

    /// Sends an application event to all members: each reports it once, this one included, as
    /// [`AgentEvent::User`](super::AgentEvent::User). [`Member::broadcast`](crate::protocol::Member::broadcast) says how
    /// certain that is for others. Limits are
    /// [`UserEvent::NAME_LIMIT`](crate::protocol::UserEvent::NAME_LIMIT) and
    /// [`UserEvent::PAYLOAD_LIMIT`](crate::protocol::UserEvent::PAYLOAD_LIMIT).
    ///
    /// # Errors
    /// If the name is empty or has control characters, name or payload are too long, too many events wait to be sent
    /// already, or the agent has ended.
    pub async fn broadcast(&self, name: impl Into<String>, payload: impl Into<Vec<u8>>) -> Result<(), CommandError> {
        let (name, payload) = (name.into(), payload.into());
        NameError::check(&name, UserEvent::NAME_LIMIT)?;
        Ok(self.ask(|reply| Command::Broadcast { name, payload, reply }).await??)
    }

    /// Marks the suspected or dead member of this name as departed, at all members: it is not tried any more. If it is
    /// alive after all it comes back by itself.
    ///
    /// # Errors
    /// If no member is known by this name, or it is neither suspected nor dead, or the agent has ended.
    pub async fn force_leave(&self, name: impl Into<String>) -> Result<(), CommandError> {
        let name = name.into();
        Ok(self.ask(|reply| Command::ForceLeave { name, reply }).await??)
    }

    /// The round-trip time from this member to the one named `to`: as measured by its own pings, or else estimated from
    /// network coordinates, if the selector learns some.
    ///
    /// # Errors
    /// If it is not known, or the agent has ended.
    pub async fn round_trip(&self, to: impl Into<String>) -> Result<RoundTrip, RoundTripError> {
        self.find_round_trip(None, to.into()).await
    }

    /// The round-trip time between the members of two names. That between two others is estimated from network
    /// coordinates.
    ///
    /// # Errors
    /// If it is not known, or the agent has ended.
    pub async fn round_trip_between(
        &self,
        from: impl Into<String>,
        to: impl Into<String>,
    ) -> Result<RoundTrip, RoundTripError> {
        self.find_round_trip(Some(from.into()), to.into()).await
    }

    /// Adds a key: packets sealed with it are opened from now on.
    ///
    /// # Errors
    /// If the agent has no keyring, or a full one, or has ended.
    pub async fn install_key(&self, key: Key) -> Result<(), CommandError> {
        self.change_keys(KeyChange::Install(key)).await
    }

    /// Seals with this installed key from now on.
    ///
    /// # Errors
    /// If the key is not installed, or the agent has ended.
    pub async fn use_key(&self, key: KeyId) -> Result<(), CommandError> {
        self.change_keys(KeyChange::Use(key)).await
    }

    /// Removes a key: packets sealed with it are dropped from now on.
    ///
    /// # Errors
    /// If the key seals, or is not installed, or the agent has ended.
    pub async fn remove_key(&self, key: KeyId) -> Result<(), CommandError> {
        self.change_keys(KeyChange::Remove(key)).await
    }

    /// Replaces all keys: packets are opened with these from now on, and sealed with the first of them.
    ///
    /// # Errors
    /// If the agent has no keyring, or has ended.
    pub async fn replace_keys(&self, keyring: Keyring) -> Result<(), CommandError> {
        self.change_keys(KeyChange::Replace(keyring)).await
    }

    /// Tells the group that the member leaves, and waits until the agent has ended.
    pub async fn leave(&self) {
        self.send(Command::Leave).await;
        self.ended().await;
    }

    /// Stops without notice, as if the process had crashed, and waits until the agent has ended.
    pub async fn stop(&self) {
        self.send(Command::Stop).await;
        self.ended().await;
    }

    /// Waits until the agent has ended. Its port and its state folder are free then.
    pub async fn ended(&self) -> ExitReason {
        self.0.events.exited().await
    }

    /// The catalog of services. From the first call on the agent keeps one.
    ///
    /// # Errors
    /// If the agent has ended.
    pub async fn discovery(&self) -> Result<Discovery, Closed> {
        self.ask(Command::Discovery).await
    }

    /// Writes a value, or an item of a set, that the whole group [shares](crate::discovery::shared). Returns whether there
    /// was something to remove; `true` for other writes. [`Snapshot::shared`](crate::discovery::Snapshot::shared) has what
    /// this member knows of them.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use swimlab::agent::Agent;
    /// use swimlab::discovery::shared::SharedWrite;
    ///
    /// let agent = Agent::builder().name("a").spawn().await?;
    /// agent.write_shared(SharedWrite::Set { name: "mode".to_owned(), value: "maintenance".to_owned() }).await?;
    /// let snapshot = agent.discovery().await?.snapshot();
    /// assert_eq!(&*snapshot.shared().values["mode"], "maintenance");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If name, value or item are not allowed, there is no room, or the agent has ended.
    pub async fn write_shared(&self, write: SharedWrite) -> Result<bool, CommandError> {
        Ok(self.ask(|reply| Command::WriteShared { write, reply }).await??)
    }

    /// Publishes what this member says of itself, in place of what it said before. Load figures in it are believed for 30
    /// seconds, unless they are published again; to publish the same ones again sends nothing before half of that is over.
    ///
    /// # Errors
    /// If it is more than a member's state holds ([`discovery::state`](crate::discovery::state)), or the agent has ended.
    pub async fn describe(&self, description: Description) -> Result<(), CommandError> {
        let description = Box::new(description);
        Ok(self.ask(|reply| Command::Describe { description, reply }).await??)
    }

    /// Publishes a new health or a new load figure of this member, beside what it says of itself otherwise.
    ///
    /// ```
    /// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
    /// use swimlab::agent::Agent;
    /// use swimlab::discovery::{Description, Health, Report, Service};
    ///
    /// let agent = Agent::builder().name("a").spawn().await?;
    /// agent.describe(Description::default().with_service(Service::new("web", 8080)?)).await?;
    /// agent.report(Report::Health { service: None, health: Health::Warning("slow disk".into()) }).await?;
    /// let snapshot = agent.discovery().await?.snapshot();
    /// assert_eq!(snapshot.instances("web")[0].readiness.name(), "degraded");
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// # })?;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    ///
    /// # Errors
    /// If the member does not offer the service, the name of the figure is no word, the figure is not finite, it is more
    /// than a member's state holds, or the agent has ended.
    pub async fn report(&self, report: Report) -> Result<(), CommandError> {
        self.ask(|reply| Command::Report { report, reply }).await?
    }

    /// Sends a command. An agent that has ended drops it.
    pub(super) async fn send(&self, command: Command) {
        let _ = self.0.commands.send(command).await;
    }

    /// Tells members that the agent can join from those that it cannot.
    pub(super) fn seed_filter(&self) -> &SeedFilter {
        &self.0.identity.seed_filter
    }

    /// The lock that a check of reachability holds.
    pub(super) fn reachability_lock(&self) -> &Mutex<()> {
        &self.0.reachability
    }

    /// The way to send commands without keeping the agent running.
    pub(super) fn weak_commands(&self) -> mpsc::WeakSender<Command> {
        self.0.commands.downgrade()
    }

    async fn find_round_trip(&self, from: Option<String>, to: String) -> Result<RoundTrip, RoundTripError> {
        let found = self.ask(|reply| Command::RoundTrip { from, to, reply }).await;
        found.map_err(|Closed| RoundTripError::Closed)?
    }

    async fn change_keys(&self, change: KeyChange) -> Result<(), CommandError> {
        self.ask(|reply| Command::ChangeKeys { change, reply }).await?
    }

    /// Sends a command, and waits for its reply.
    pub(super) async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, Closed> {
        let (reply, answer) = oneshot::channel();
        self.0.commands.send(command(reply)).await.map_err(|_| Closed)?;
        answer.await.map_err(|_| Closed)
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent").field("name", &self.name()).field("addr", &self.addr()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use tokio::task::{JoinSet, yield_now};

    use super::super::launch::COMMANDS;
    use super::super::testing::Paused;
    use super::*;

    #[tokio::test]
    async fn a_command_more_than_may_wait_waits_at_its_caller_and_none_is_lost() {
        let agent = Agent::builder().spawn().await.unwrap();
        let paused = Paused::new(&agent).await;
        while agent.0.commands.capacity() < COMMANDS {
            yield_now().await;
        }
        let mut calls = JoinSet::new();
        for _ in 0..=COMMANDS {
            let agent = agent.clone();
            calls.spawn(async move { agent.info().await });
        }
        while agent.0.commands.capacity() > 0 {
            yield_now().await;
        }
        assert!(calls.try_join_next().is_none());
        drop(paused);
        let answers = calls.join_all().await;
        assert_eq!(answers.iter().filter(|answer| answer.is_ok()).count(), COMMANDS + 1);
    }
}
