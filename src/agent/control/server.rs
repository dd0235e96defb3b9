//! The agent's side of a control socket.

use std::fmt::Display;
use std::fs;
use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};

use super::error::{ControlError, Fault};
use super::messages::{AgentSummary, Answer, MemberSummary, Request};
use crate::agent::handle::Agent;
use crate::agent::server::{ServerLimits, serve};
use crate::wire::KeyId;

const LIMITS: ServerLimits = ServerLimits { connections: 8, timeout: Duration::from_secs(10) };

/// The longest request, in bytes.
const MAX_REQUEST_BYTES: u64 = 1 << 16;

/// Time from the answer to a request to leave until the agent leaves: its process may end with it, and the answer is to
/// be sent before.
const LEAVE_DELAY: Duration = Duration::from_millis(50);

/// The listening control socket of an agent. Its file is removed when this is dropped.
#[derive(Debug)]
pub struct ControlSocket {
    listener: UnixListener,
    path: PathBuf,
}

impl ControlSocket {
    /// Opens a socket that only its owner can use. A file that no agent listens on any more is replaced.
    ///
    /// # Errors
    /// If an agent listens there already, or the file cannot be created.
    pub async fn open(path: &Path) -> Result<Self, ControlError> {
        let fail = |fault| ControlError::new(path, fault);
        match UnixStream::connect(path).await {
            Ok(_) => return Err(fail(Fault::InUse)),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                fs::remove_file(path).map_err(|error| fail(Fault::Io(error)))?;
            }
            Err(_) => {}
        }
        let listener = bind_private(path).map_err(|error| fail(Fault::Io(error)))?;
        Ok(Self { listener, path: path.to_owned() })
    }

    /// Answers requests to an agent until it ends.
    pub async fn serve(self, agent: Agent) {
        tokio::select! {
            () = serve(&self.listener, LIMITS, |stream| respond(stream, agent.clone())) => {}
            _ = agent.ended() => {}
        }
    }
}

impl Drop for ControlSocket {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Binds a socket in a folder that no other user can enter, restricts its permissions and moves it to its path: there
/// is no moment at which others could connect.
fn bind_private(path: &Path) -> io::Result<UnixListener> {
    let folder = path.with_extension(std::process::id().to_string());
    let inside = folder.join("socket");
    let bind = || {
        fs::DirBuilder::new().mode(0o700).create(&folder)?;
        let listener = UnixListener::bind(&inside)?;
        fs::set_permissions(&inside, fs::Permissions::from_mode(0o600))?;
        fs::rename(&inside, path)?;
        Ok(listener)
    };
    let bound = bind();
    if bound.is_err() {
        let _ = fs::remove_file(&inside);
    }
    let _ = fs::remove_dir(&folder);
    bound
}

async fn respond(mut stream: UnixStream, agent: Agent) -> io::Result<()> {
    let (from, mut to) = stream.split();
    let mut line = Vec::new();
    BufReader::new(from.take(MAX_REQUEST_BYTES)).read_until(b'\n', &mut line).await?;
    let answer = match serde_json::from_slice(&line) {
        Ok(request) => carry_out(request, &agent).await.unwrap_or_else(Answer::Refused),
        Err(error) => Answer::Refused(format!("not a request: {error}")),
    };
    let mut line = serde_json::to_vec(&answer).expect("plain data");
    line.push(b'\n');
    to.write_all(&line).await?;
    to.shutdown().await
}

/// Carries out a request.
///
/// # Errors
/// The reason why it is refused.
async fn carry_out(request: Request, agent: &Agent) -> Result<Answer, String> {
    match request {
        Request::Members => {
            let members = agent.members().await.map_err(text)?;
            return Ok(Answer::Members(members.iter().map(MemberSummary::from).collect()));
        }
        Request::Info => {
            let info = agent.info().await.map_err(text)?;
            return Ok(Answer::Info(Box::new(AgentSummary::new(agent, &info))));
        }
        Request::Leave => {
            let agent = agent.clone();
            tokio::spawn(async move {
                tokio::time::sleep(LEAVE_DELAY).await;
                agent.leave().await;
            });
        }
        Request::Event { name, payload } => agent.broadcast(name, payload).await.map_err(text)?,
        Request::InstallKey { key } => agent.install_key(key.trim().parse().map_err(text)?).await.map_err(text)?,
        Request::UseKey { id } => agent.use_key(key_id(&id)?).await.map_err(text)?,
        Request::RemoveKey { id } => agent.remove_key(key_id(&id)?).await.map_err(text)?,
    }
    Ok(Answer::Done)
}

fn key_id(id: &str) -> Result<KeyId, String> {
    id.parse().map_err(|_| format!("{id} is no key's name"))
}

fn text(error: impl Display) -> String {
    error.to_string()
}
