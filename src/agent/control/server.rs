//! The agent's side of a control socket.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::mpsc;
use zeroize::Zeroizing;

use super::error::ControlError;
use super::messages::{AgentSummary, Answer, Interfaces, MemberSummary, Request};
use super::socket_file::SocketFile;
use crate::agent::discovery::InstanceSummary;
use crate::agent::handle::Agent;
use crate::agent::json_error;
use crate::agent::server::{Place, ServerLimits, read_through, serve};
use crate::discovery::{Filter, Instance};
use crate::protocol::Id;
use crate::wire::KeyId;

pub(in crate::agent) const LIMITS: ServerLimits = ServerLimits {
    clients: "clients of the control socket",
    connections: 8,
    per_source: 8,
    first_byte: Duration::from_secs(2),
    timeout: Duration::from_secs(10),
};

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
}

/// The clients that asked an agent to leave. They are answered when this is dropped: drop it when all that a next agent
/// may need is free.
#[derive(Debug)]
pub struct Leaving(Vec<UnixStream>);

/// The agent that connections are served for, and the limits of who may ask.
struct Service {
    agent: Agent,
    interfaces: Interfaces,
    /// The user who owns the socket.
    owner: u32,
    /// Takes the connections that wait for the agent to leave.
    leaving: mpsc::Sender<UnixStream>,
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
        Ok(Self { file, listener, interfaces: Interfaces::default() })
    }

    /// Sets the addresses at which the agent serves other programs, which [`Request::Info`] tells.
    pub fn with_interfaces(mut self, interfaces: Interfaces) -> Self {
        self.interfaces = interfaces;
        self
    }

    /// Answers requests to an agent until it ends, and removes the socket. Clients that asked the agent to leave are
    /// answered when the returned value is dropped.
    pub async fn serve(self, agent: Agent) -> Leaving {
        let (leaving, mut left) = mpsc::channel(LIMITS.connections);
        let Self { file, listener, interfaces } = self;
        let service = Arc::new(Service { agent: agent.clone(), interfaces, owner: file.owner, leaving });
        tokio::select! {
            () = serve(&listener, LIMITS, move |stream, place| respond(stream, place, Arc::clone(&service))) => {}
            _ = agent.ended() => {}
        }
        drop(file);
        drop(listener);
        left.close();
        Leaving(std::iter::from_fn(|| left.try_recv().ok()).collect())
    }
}

impl Drop for Leaving {
    fn drop(&mut self) {
        let line = line(&Answer::Done);
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
        Ok(request) => carry_out(request, &mut stream, &service).await.unwrap_or_else(Answer::Refused),
        Err(why) => Answer::Refused(why),
    };
    if let Some(mut stream) = stream {
        stream.write_all(&line(&answer)).await?;
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
    Ok(serde_json::from_slice(line).map_err(|error| format!("not a request: {}", json_error::describe(&error))))
}

/// An answer as it is sent.
fn line(answer: &Answer) -> Vec<u8> {
    let mut line = serde_json::to_vec(answer).expect("plain data");
    line.push(b'\n');
    line
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
            let Interfaces { metrics, http, dns } = service.interfaces;
            let summary = AgentSummary { metrics, http, dns, ..AgentSummary::new(agent, &info) };
            return Ok(Answer::Info(Box::new(summary)));
        }
        Request::Leave => {
            let place = service.leaving.try_reserve().map_err(|_| "too many others have asked the agent to leave")?;
            if let Some(stream) = stream.take() {
                place.send(stream);
            }
            agent.leave().await;
        }
        Request::Event { name, payload } => agent.broadcast(name, payload).await.map_err(text)?,
        Request::InstallKey { key } => {
            agent.install_key(key.as_str().trim().parse().map_err(text)?).await.map_err(text)?;
        }
        Request::UseKey { id } => agent.use_key(key_id(&id)?).await.map_err(text)?,
        Request::RemoveKey { id } => agent.remove_key(key_id(&id)?).await.map_err(text)?,
    }
    Ok(Answer::Done)
}

fn key_id(id: &str) -> Result<KeyId, String> {
    id.parse().map_err(|_| format!("{id:?} is no key's name"))
}

fn text(error: impl Display) -> String {
    error.to_string()
}
