//! The agent's side of a control socket.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;
use tokio::io::{AsyncRead, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::{OnceCell, Semaphore, mpsc, oneshot};
use tokio::time::{sleep, timeout};
use zeroize::Zeroizing;

use super::agent_messages::{AgentSummary, Interfaces};
use super::error::ControlError;
use super::history::History;
use super::member_messages::{MemberSummary, ReachedSummary, RoundTripSummary};
use super::messages::{Answer, Request};
use super::monitor::{LogHub, Monitors};
use super::overview::overview;
use super::query;
use super::socket_file::SocketFile;
use crate::agent::command::CommandError;
use crate::agent::discovery::{Discovery, InstanceSummary};
use crate::agent::exit::Closed;
use crate::agent::handle::Agent;
use crate::agent::json_error;
use crate::agent::meta::Meta;
use crate::agent::server::{Place, ServerLimits, read_through, serve};
use crate::discovery::shared::SharedWrite;
use crate::discovery::{Filter, Health, Instance, Report};
use crate::protocol::Id;
use crate::wire::KeyId;

pub(in crate::agent) const LIMITS: ServerLimits = ServerLimits {
    clients: "clients of the control socket",
    connections: 8,
    per_source: 8,
    first_byte: Duration::from_secs(2),
    timeout: Duration::from_secs(10),
};

/// The longest name of an unknown request that is repeated to the client, in bytes.
const LONGEST_NAME: usize = 64;

/// The most requests at once that take long.
pub(super) const SLOW_REQUESTS: usize = 8;

/// The longest request, in bytes.
pub(super) const MAX_REQUEST_BYTES: usize = 1 << 16;

/// The listening control socket of an agent. Its file is removed when this is dropped, unless something else is at its
/// path by then.
#[derive(Debug)]
pub struct ControlSocket {
    // Fields are dropped in this order: the file goes while the socket still listens.
    file: SocketFile,
    listener: UnixListener,
    interfaces: Interfaces,
    reloads: Option<mpsc::Sender<ReloadRequest>>,
    log: Option<LogHub>,
}

/// A client's request to read settings again. It takes the reason why nothing was changed, if there is one.
pub type ReloadRequest = oneshot::Sender<Result<(), String>>;

/// The clients that asked an agent to leave. They are answered when this is dropped: drop it when all that a next agent
/// may need is free.
#[derive(Debug)]
pub struct Leaving(Vec<UnixStream>);

/// The agent that connections are served for, and the limits of who may ask.
struct Service {
    agent: Agent,
    interfaces: Interfaces,
    reloads: Option<mpsc::Sender<ReloadRequest>>,
    /// The user who owns the socket.
    owner: u32,
    /// Takes the connections that wait for the agent to leave.
    leaving: mpsc::Sender<UnixStream>,
    /// Permits for requests that take long.
    slow: Arc<Semaphore>,
    monitors: Monitors,
    history: History,
    /// The catalog, once it was asked for.
    discovery: OnceCell<Discovery>,
}

impl ControlSocket {
    /// Opens a socket that only its owner, and root, can use. A socket that no process listens on any more is replaced.
    ///
    /// # Errors
    /// If an agent listens there already, or anything else than a socket is at the path, which then stays as it is; or
    /// if the file cannot be created.
    pub async fn open(path: &Path) -> Result<Self, ControlError> {
        let opened = SocketFile::listen(path).await;
        let (listener, file) = opened.map_err(|fault| ControlError::new(path, fault))?;
        Ok(Self { file, listener, interfaces: Interfaces::default(), reloads: None, log: None })
    }

    /// Sets the addresses at which the agent serves other programs, which [`Request::Info`] tells.
    pub fn with_interfaces(mut self, interfaces: Interfaces) -> Self {
        self.interfaces = interfaces;
        self
    }

    /// Sets the receiver of requests to read settings again: without one they are refused.
    pub fn with_reload(mut self, reloads: mpsc::Sender<ReloadRequest>) -> Self {
        self.reloads = Some(reloads);
        self
    }

    /// Sets the log that [`monitor`](super::monitor) reads: without one it is refused.
    pub fn with_log(mut self, log: LogHub) -> Self {
        self.log = Some(log);
        self
    }

    /// Answers requests to an agent until it ends, and removes the socket. Clients that asked the agent to leave are
    /// answered when the returned value is dropped.
    pub async fn serve(self, agent: Agent) -> Leaving {
        let (leaving, mut left) = mpsc::channel(LIMITS.connections);
        let Self { file, listener, interfaces, reloads, log } = self;
        let service = Arc::new(Service {
            agent: agent.clone(),
            interfaces,
            reloads,
            owner: file.owner,
            leaving,
            slow: Arc::new(Semaphore::new(SLOW_REQUESTS)),
            monitors: Monitors::new(log),
            history: History::new(),
            discovery: OnceCell::new(),
        });
        let ending = Arc::clone(&service);
        tokio::select! {
            () = serve(&listener, LIMITS, move |stream, place| respond(stream, place, Arc::clone(&service))) => {}
            () = ending.history.follow(agent.events()) => {}
            _ = agent.ended() => {}
        }
        drop(file);
        drop(listener);
        left.close();
        ending.monitors.ended().await;
        Leaving(std::iter::from_fn(|| left.try_recv().ok()).collect())
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        let line = Answer::Done.line();
        for stream in &self.0 {
            // A few bytes, the first ones of their connection: there is room for them unless the client is gone.
            let _ = stream.try_write(&line);
        }
    }
}

async fn respond(mut stream: UnixStream, place: Place, service: Arc<Service>) -> io::Result<()> {
    // The file's permissions say the same, from a moment after its creation on.
    let user = stream.peer_cred()?.uid();
    if user != service.owner && user != 0 {
        return Ok(());
    }
    let request = read_request(&mut stream).await?;
    place.has_asked();
    let mut stream = Some(stream);
    let answer = match request {
        Ok(request) if request.longest() > Duration::ZERO => match Arc::clone(&service.slow).try_acquire_owned() {
            Ok(permit) => {
                let stream = stream.take();
                tokio::spawn(async move {
                    carry_out_slowly(request, stream, &service).await;
                    drop(permit);
                });
                return Ok(());
            }
            Err(_) => {
                Answer::Refused(format!("{SLOW_REQUESTS} requests that take long are under way: try again later"))
            }
        },
        Ok(request) => carry_out(request, &mut stream, &service).await.unwrap_or_else(Answer::Refused),
        Err(why) => Answer::Refused(why),
    };
    if let Some(mut stream) = stream {
        stream.write_all(&answer.line()).await?;
        stream.shutdown().await?;
    }
    Ok(())
}

/// Reads a request: a line of at most [`MAX_REQUEST_BYTES`] bytes, whose end may be that of the stream. A line that is
/// none is an error in words for the client.
pub(in crate::agent) async fn read_request(
    stream: &mut (impl AsyncRead + Unpin),
) -> io::Result<Result<Request, String>> {
    // Room for all of it, as it may hold a key: a buffer that grows leaves copies behind.
    let mut request = Zeroizing::new(Vec::with_capacity(MAX_REQUEST_BYTES));
    read_through(stream, &mut request, b"\n", MAX_REQUEST_BYTES).await?;
    let line = request.split(|&byte| byte == b'\n').next().unwrap_or_default();
    Ok(serde_json::from_slice(line).map_err(|error| refusal(line, &error)))
}

/// Carries out a request that takes long, and answers it. Its connection counts no more as one of the socket's.
async fn carry_out_slowly(request: Request, mut stream: Option<UnixStream>, service: &Service) {
    let longest = request.longest();
    let answer = tokio::select! {
        answer = carry_out(request, &mut stream, service) => answer.unwrap_or_else(Answer::Refused),
        _ = service.agent.ended() => Answer::Refused(Closed.to_string()),
        () = sleep(longest) => Answer::Refused(format!("the request took more than {longest:?}")),
    };
    if let Some(mut stream) = stream {
        // It fails if the client is gone.
        let _ = timeout(LIMITS.timeout, stream.write_all(&answer.line())).await;
    }
}

/// The reason why a line is no request. One of another version is named.
fn refusal(line: &[u8], error: &serde_json::Error) -> String {
    #[derive(Deserialize)]
    struct Named {
        r#do: String,
    }
    let message = json_error::describe(error);
    match serde_json::from_slice::<Named>(line) {
        Ok(Named { r#do: name }) if message.starts_with("unknown variant") && name.len() <= LONGEST_NAME => format!(
            "the agent, of version {}, does not know the request {name:?}: start it with the command's own version",
            env!("CARGO_PKG_VERSION")
        ),
        _ => format!("not a request: {message}"),
    }
}

/// Carries out a request. Takes the stream if the answer is not to be sent now.
///
/// # Errors
/// The reason why it is refused.
async fn carry_out(request: Request, stream: &mut Option<UnixStream>, service: &Service) -> Result<Answer, String> {
    let agent = &service.agent;
    match request {
        Request::Members => {
            let members = agent.members().await.map_err(text)?;
            return Ok(Answer::Members(members.iter().map(MemberSummary::from).collect()));
        }
        Request::FilteredMembers { filter } => {
            let filter: Filter = filter.parse().map_err(text)?;
            let snapshot = agent.discovery().await.map_err(text)?.snapshot();
            let chosen = snapshot.members().filter(|member| filter.allows_member(member));
            let chosen: BTreeSet<Id> = chosen.map(|member| member.node.peer.id).collect();
            let members = agent.members().await.map_err(text)?;
            let members = members.iter().filter(|member| chosen.contains(&member.id()));
            return Ok(Answer::Members(members.map(MemberSummary::from).collect()));
        }
        Request::Services { name, healthy, filter } => {
            let filter: Filter = filter.as_deref().unwrap_or_default().parse().map_err(text)?;
            let snapshot = agent.discovery().await.map_err(text)?.snapshot();
            let is_asked = |instance: &&Instance| {
                name.as_ref().is_none_or(|name| name.eq_ignore_ascii_case(&instance.service.name))
                    && (!healthy || instance.readiness.is_healthy())
            };
            return Ok(Answer::Services(
                snapshot.filtered(&filter).filter(is_asked).map(InstanceSummary::from).collect(),
            ));
        }
        Request::Info => {
            let info = agent.info().await.map_err(text)?;
            let mut summary = AgentSummary::new(agent, &info);
            service.interfaces.tell(&mut summary);
            return Ok(Answer::Info(Box::new(summary)));
        }
        Request::Overview => {
            let mut summary = overview(agent, &service.history, &service.discovery).await.map_err(text)?;
            service.interfaces.tell(&mut summary.agent);
            return Ok(Answer::Overview(Box::new(summary)));
        }
        Request::Join { seeds } => {
            let contacts = agent.join(seeds).await.map_err(text)?;
            return Ok(Answer::Contacts(contacts.into_iter().map(Into::into).collect()));
        }
        Request::Reload => {
            let nothing = "there is nothing to reload: the agent was started without --config, --key-file and --on";
            let reloads = service.reloads.as_ref().ok_or(nothing)?;
            let (done, answer) = oneshot::channel();
            reloads.send(done).await.map_err(|_| Closed.to_string())?;
            answer.await.map_err(|_| Closed.to_string())??;
        }
        Request::Leave => {
            let place = service.leaving.try_reserve().map_err(|_| "too many others have asked the agent to leave")?;
            if let Some(stream) = stream.take() {
                place.send(stream);
            }
            agent.leave().await;
        }
        Request::ForceLeave { name } => {
            agent.force_leave(&name).await.map_err(|error| format!("member {name:?}: {error}"))?;
        }
        Request::RoundTrip { from, to } => {
            let found = match &from {
                Some(from) => agent.round_trip_between(from, &to).await,
                None => agent.round_trip(&to).await,
            };
            let from = from.unwrap_or_else(|| agent.name().to_owned());
            return Ok(Answer::RoundTrip(RoundTripSummary::new(from, to, found.map_err(text)?)));
        }
        Request::Reachability => {
            let reached = agent.reachability().await.map_err(text)?;
            return Ok(Answer::Reachability(reached.iter().map(ReachedSummary::from).collect()));
        }
        Request::UpdateMeta { set, unset } => {
            agent.update_meta(Meta::from_pairs(set).map_err(text)?, unset).await.map_err(text)?;
        }
        Request::SetHealth { service, health, reason } => {
            let health = Health::named(&health, &reason).ok_or_else(|| format!("{health:?} is no health"))?;
            agent.report(Report::Health { service, health }).await.map_err(text)?;
        }
        Request::SetLoad { name, figure } => {
            agent.report(Report::Load { name, figure }).await.map_err(text)?;
        }
        Request::Shared => {
            let snapshot = agent.discovery().await.map_err(text)?.snapshot();
            return Ok(Answer::Shared(snapshot.shared().into()));
        }
        Request::SetShared { name, value } => {
            agent.write_shared(SharedWrite::Set { name, value }).await.map_err(text)?;
        }
        Request::UnsetShared { name } => {
            let missing = format!("there is no shared value {name:?}");
            found(agent.write_shared(SharedWrite::Unset { name }).await, missing)?;
        }
        Request::AddShared { set, item } => {
            agent.write_shared(SharedWrite::Add { set, item }).await.map_err(text)?;
        }
        Request::RemoveShared { set, item } => {
            let missing = format!("the shared set {set:?} has no item {item:?}");
            found(agent.write_shared(SharedWrite::Remove { set, item }).await, missing)?;
        }
        Request::Event { name, payload } => agent.broadcast(name, payload).await.map_err(text)?,
        Request::Query(request) => query::serve(request, stream, agent, LIMITS.timeout).await?,
        Request::InstallKey { key } => {
            agent.install_key(key.as_str().trim().parse().map_err(text)?).await.map_err(text)?;
        }
        Request::UseKey { id } => agent.use_key(key_id(&id)?).await.map_err(text)?,
        Request::Monitor { level } => service.monitors.start(level, stream, Answer::Done.line(), agent)?,
        Request::RemoveKey { id } => agent.remove_key(key_id(&id)?).await.map_err(text)?,
    }
    Ok(Answer::Done)
}

/// Whether a removal has found something.
fn found(removed: Result<bool, CommandError>, missing: String) -> Result<(), String> {
    if removed.map_err(text)? { Ok(()) } else { Err(missing) }
}

fn key_id(id: &str) -> Result<KeyId, String> {
    id.parse().map_err(|_| format!("{id:?} is no key's name"))
}

fn text(error: impl Display) -> String {
    error.to_string()
}
