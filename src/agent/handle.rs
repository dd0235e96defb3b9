//! The handle of a running agent.

use std::fmt;
use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use swimlab_selectors::Coordinate;
use tokio::sync::{broadcast, mpsc, oneshot, watch};

use super::builder::Builder;
use super::event::{AgentEvent, Events, MemberInfo};
use super::metrics::Metrics;
use super::streams::Arrival;
use crate::protocol::{Address, Gauge, Id, Incarnation, TooLong};
use crate::wire::{Key, KeyId, KeyringError};

/// A running member. Clones are handles of the same one; once the last of them is dropped it stops without a word, as if
/// its process had crashed. [`Agent::leave`] says goodbye.
#[derive(Clone)]
pub struct Agent(Arc<Shared>);

struct Shared {
    id: Id,
    name: Box<str>,
    addr: SocketAddr,
    commands: mpsc::Sender<Command>,
    events: EventSender,
    /// How many notices a slow reader may be behind.
    buffer: usize,
    end: watch::Receiver<Option<ExitReason>>,
}

/// Made with the first reader: most of thousands of agents in a process have none.
pub(super) type EventSender = Arc<OnceLock<broadcast::Sender<AgentEvent>>>;

/// How an agent came to its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitReason {
    /// It left.
    Left,
    /// Another process took its name.
    Displaced,
    /// It was stopped, or all its handles were dropped.
    Stopped,
}

/// The agent has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Closed;

/// How an agent is doing.
#[derive(Clone, Debug)]
pub struct Info {
    /// Its own incarnation.
    pub incarnation: Incarnation,
    /// Members in each state: alive, suspect, dead, left.
    pub states: [usize; 4],
    /// Whether no seed has answered yet.
    pub is_joining: bool,
    /// For how long it runs.
    pub uptime: Duration,
    /// How full its bounded stores are.
    pub gauge: Gauge,
    /// Its counts.
    pub metrics: Metrics,
    /// Where it is, if its selector learns that and has not settled yet: a network coordinate, in microseconds.
    pub coordinate: Option<Coordinate>,
    /// Its keys, the one that seals first; none if it speaks in plain text.
    pub keys: Vec<KeyId>,
}

/// What a handle asks of an agent's task.
pub(super) enum Command {
    Members(oneshot::Sender<Vec<MemberInfo>>),
    Info(oneshot::Sender<Box<Info>>),
    SetMeta(Vec<u8>, oneshot::Sender<Result<(), TooLong>>),
    Broadcast(String, Vec<u8>, oneshot::Sender<Result<(), TooLong>>),
    Keys(KeyChange, oneshot::Sender<Result<(), CommandError>>),
    Seeds(Vec<Address>),
    Arrived(Arrival),
    Failed(super::metrics::DropReason),
    /// Stand still until this is over, or dropped.
    Freeze(oneshot::Receiver<()>),
    Leave,
    Stop,
}

/// A step of a rotation.
pub(super) enum KeyChange {
    Install(Key),
    Use(KeyId),
    Remove(KeyId),
}

impl Agent {
    /// A member to be set up.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(super) fn new(
        (id, name, addr): (Id, Box<str>, SocketAddr),
        commands: mpsc::Sender<Command>,
        (events, buffer): (EventSender, usize),
        end: watch::Receiver<Option<ExitReason>>,
    ) -> Self {
        Self(Arc::new(Shared { id, name, addr, commands, events, buffer, end }))
    }

    /// Its id.
    pub fn id(&self) -> Id {
        self.0.id
    }

    /// Its name.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Where others reach it.
    pub fn addr(&self) -> SocketAddr {
        self.0.addr
    }

    /// All members that it knows, the dead and departed that it has not forgotten among them, itself included.
    pub async fn members(&self) -> Result<Vec<MemberInfo>, Closed> {
        self.ask(Command::Members).await
    }

    /// How it is doing.
    pub async fn info(&self) -> Result<Info, Closed> {
        self.ask(Command::Info).await.map(|info| *info)
    }

    /// What happens from now on. Somebody may have joined since the agent began: [`Builder::spawn_watched`] gives a reader
    /// of all that happens; else ask for [`Agent::members`] once there is a reader.
    pub fn events(&self) -> Events {
        self.read(self.0.events.get_or_init(|| broadcast::channel(self.0.buffer).0).subscribe())
    }

    pub(super) fn read(&self, events: broadcast::Receiver<AgentEvent>) -> Events {
        Events { events, end: self.0.end.clone() }
    }

    /// Replaces its metadata; the others hear of it.
    pub async fn set_meta(&self, meta: impl Into<Vec<u8>>) -> Result<(), CommandError> {
        let meta = meta.into();
        Ok(self.ask(|reply| Command::SetMeta(meta, reply)).await??)
    }

    /// Spreads an event among the applications of all members.
    pub async fn broadcast(&self, name: impl Into<String>, payload: impl Into<Vec<u8>>) -> Result<(), CommandError> {
        let (name, payload) = (name.into(), payload.into());
        Ok(self.ask(|reply| Command::Broadcast(name, payload, reply)).await??)
    }

    /// From now on it understands this key, too.
    pub async fn install_key(&self, key: Key) -> Result<(), CommandError> {
        self.change_keys(KeyChange::Install(key)).await
    }

    /// From now on it seals with this installed key.
    pub async fn use_key(&self, key: KeyId) -> Result<(), CommandError> {
        self.change_keys(KeyChange::Use(key)).await
    }

    /// From now on it does not understand this key.
    pub async fn remove_key(&self, key: KeyId) -> Result<(), CommandError> {
        self.change_keys(KeyChange::Remove(key)).await
    }

    /// Says goodbye, and waits until that is sent.
    pub async fn leave(&self) {
        self.send(Command::Leave).await;
        self.ended().await;
    }

    /// Stops without a word, as if the process had crashed.
    pub async fn stop(&self) {
        self.send(Command::Stop).await;
        self.ended().await;
    }

    /// Waits for its end.
    pub async fn ended(&self) -> ExitReason {
        let mut end = self.0.end.clone();
        // Without a last word its task was taken down with its runtime.
        end.wait_for(Option::is_some).await.ok().and_then(|end| *end).unwrap_or(ExitReason::Stopped)
    }

    /// Sends a command to the agent's task; one that has ended takes none.
    pub(super) async fn send(&self, command: Command) {
        let _ = self.0.commands.send(command).await;
    }

    async fn change_keys(&self, change: KeyChange) -> Result<(), CommandError> {
        self.ask(|reply| Command::Keys(change, reply)).await?
    }

    async fn ask<T>(&self, command: impl FnOnce(oneshot::Sender<T>) -> Command) -> Result<T, Closed> {
        let (reply, answer) = oneshot::channel();
        self.0.commands.send(command(reply)).await.map_err(|_| Closed)?;
        answer.await.map_err(|_| Closed)
    }
}

/// Why an agent did not do what it was asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CommandError {
    /// It has ended.
    Closed,
    /// That is longer than allowed.
    TooLong(TooLong),
    /// Its keys do not allow that.
    Keyring(KeyringError),
    /// It speaks in plain text.
    NoKeys,
}

impl From<Closed> for CommandError {
    fn from(_: Closed) -> Self {
        Self::Closed
    }
}

impl From<TooLong> for CommandError {
    fn from(error: TooLong) -> Self {
        Self::TooLong(error)
    }
}

impl From<KeyringError> for CommandError {
    fn from(error: KeyringError) -> Self {
        Self::Keyring(error)
    }
}

impl std::error::Error for Closed {}
impl std::error::Error for CommandError {}

impl fmt::Display for Closed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the agent has ended")
    }
}

impl fmt::Display for CommandError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Closed => Closed.fmt(f),
            Self::TooLong(error) => error.fmt(f),
            Self::Keyring(error) => error.fmt(f),
            Self::NoKeys => f.write_str("the agent speaks in plain text and has no keys"),
        }
    }
}

impl fmt::Debug for Agent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Agent").field("name", &self.0.name).field("addr", &self.0.addr).finish_non_exhaustive()
    }
}
