//! Talking to a running agent over a Unix socket that only its owner can open. A request is a line of JSON, and so is its
//! answer; a connection serves one.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::time::timeout;

use super::event::MemberInfo;
use super::families::{FAMILIES, Family, Reading};
use super::handle::{Agent, Info};
use super::meta::Meta;

/// What can be asked of an agent.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", tag = "do")]
pub enum Request {
    /// All members: [`Answer::Members`].
    Members,
    /// How it is doing: [`Answer::Info`].
    Info,
    /// To leave.
    Leave,
    /// To spread an event.
    Event {
        /// Its name.
        name: String,
        /// Its payload.
        payload: String,
    },
    /// To understand a key, given as in a key file.
    InstallKey {
        /// Base64 or hexadecimal.
        key: String,
    },
    /// To seal with an installed key.
    UseKey {
        /// The key's name.
        id: String,
    },
    /// To understand a key no longer.
    RemoveKey {
        /// The key's name.
        id: String,
    },
}

/// What an agent answers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Answer {
    /// It is done.
    Done,
    /// It is not done, and why.
    Refused(String),
    /// All members.
    Members(Vec<MemberLine>),
    /// How it is doing.
    Info(Box<InfoLines>),
}

/// A member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MemberLine {
    /// Its id: 16 hexadecimal digits.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Where it listens.
    pub addr: SocketAddr,
    /// alive, suspect, dead or left.
    pub state: String,
    /// Generation and refutations.
    pub incarnation: String,
    /// Its metadata.
    pub meta: BTreeMap<String, String>,
}

/// A network coordinate: the round trip between two members is about the distance of their positions, plus both heights
/// and adjustments. All in microseconds but the error.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct CoordinateLine {
    /// The position, in eight dimensions.
    pub position_us: [f32; 8],
    /// What the access link adds.
    pub height_us: f32,
    /// What corrects the rest.
    pub adjustment_us: f32,
    /// The estimated relative error: 0.1 is a tenth.
    pub error: f32,
}

/// How an agent is doing.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct InfoLines {
    /// swimlab's version.
    pub version: String,
    /// Its name.
    pub name: String,
    /// Its id.
    pub id: String,
    /// Where others reach it.
    pub addr: SocketAddr,
    /// Its own incarnation.
    pub incarnation: String,
    /// For how long it runs, in seconds.
    pub uptime_s: f64,
    /// Whether no seed has answered yet.
    pub is_joining: bool,
    /// The metric families that `swimlab info` shows, by their keys.
    #[serde(flatten)]
    pub counts: Counts,
    /// Where it is among the others, if its selector learns that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coordinate: Option<CoordinateLine>,
    /// The names of its keys, the one that seals first.
    pub keys: Vec<String>,
}

/// Counts by key, in the order in which they are shown: an object in JSON.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Counts(pub Vec<(String, Count)>);

/// Value of one metric family.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Count {
    /// A family without labels.
    One(u64),
    /// A value per label.
    Labeled(BTreeMap<String, u64>),
}

impl Serialize for Counts {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(key, count)| (key, count)))
    }
}

impl<'de> Deserialize<'de> for Counts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Counts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("counts by key")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Counts, A::Error> {
                let mut counts = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    counts.push(entry);
                }
                Ok(Counts(counts))
            }
        }
        deserializer.deserialize_map(Entries)
    }
}

/// Why an agent could not be asked, or its socket not be opened.
#[derive(Debug)]
pub struct ControlError {
    path: PathBuf,
    why: Why,
}

#[derive(Debug)]
enum Why {
    NoAgent(io::Error),
    Taken,
    Io(io::Error),
    Slow,
    Nonsense,
}

/// The longest request or answer, in bytes: a hundred thousand members.
const LONGEST_LINE: u64 = 64 << 20;

/// The longest request, in bytes.
const LONGEST_REQUEST: u64 = 1 << 16;

/// How long an agent may take to answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// The most askers at once; more wait.
const MOST_AT_ONCE: usize = 8;

/// A control socket; its file goes with it.
#[derive(Debug)]
pub struct Control {
    listener: UnixListener,
    path: PathBuf,
}

impl Control {
    /// Opens a socket that only its owner can use. A file that no agent listens on any more is replaced.
    ///
    /// # Errors
    /// If an agent listens there already, or the file cannot be made.
    pub async fn open(path: &Path) -> Result<Self, ControlError> {
        let fail = |why| ControlError { path: path.to_owned(), why };
        match UnixStream::connect(path).await {
            Ok(_) => return Err(fail(Why::Taken)),
            Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
                fs::remove_file(path).map_err(|error| fail(Why::Io(error)))?;
            }
            Err(_) => {}
        }
        // Bound in a folder that nobody else can enter, so that there is no moment at which others could connect.
        let folder = path.with_extension(format!("{}", std::process::id()));
        let make = || {
            fs::DirBuilder::new().mode(0o700).create(&folder)?;
            let inside = folder.join("socket");
            let listener = UnixListener::bind(&inside)?;
            fs::set_permissions(&inside, fs::Permissions::from_mode(0o600))?;
            fs::rename(&inside, path)?;
            Ok(listener)
        };
        let made = make();
        if made.is_err() {
            let _ = fs::remove_file(folder.join("socket"));
        }
        let _ = fs::remove_dir(&folder);
        Ok(Self { listener: made.map_err(|error| fail(Why::Io(error)))?, path: path.to_owned() })
    }

    /// Answers for an agent until it ends.
    pub async fn serve(self, agent: Agent) {
        let slots = Arc::new(Semaphore::new(MOST_AT_ONCE));
        let serve = async {
            loop {
                let Ok(slot) = Arc::clone(&slots).acquire_owned().await else { return };
                match self.listener.accept().await {
                    Ok((stream, _)) => {
                        let agent = agent.clone();
                        tokio::spawn(async move {
                            let _ = timeout(PATIENCE, answer(stream, &agent)).await;
                            drop(slot);
                        });
                    }
                    Err(_) => tokio::time::sleep(Duration::from_millis(100)).await,
                }
            }
        };
        tokio::select! {
            () = serve => {}
            _ = agent.ended() => {}
        }
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.path);
    }
}

/// Asks the agent that listens here.
///
/// # Errors
/// If there is none, or it does not answer.
pub async fn ask(path: &Path, request: &Request) -> Result<Answer, ControlError> {
    let fail = |why| ControlError { path: path.to_owned(), why };
    let mut stream = UnixStream::connect(path).await.map_err(|error| fail(Why::NoAgent(error)))?;
    let exchange = async {
        let mut line = serde_json::to_vec(request).expect("plain data");
        line.push(b'\n');
        stream.write_all(&line).await?;
        let mut answer = Vec::new();
        BufReader::new(stream.take(LONGEST_LINE)).read_until(b'\n', &mut answer).await?;
        Ok(answer)
    };
    let answer = timeout(PATIENCE, exchange).await.map_err(|_| fail(Why::Slow))?;
    let answer = answer.map_err(|error| fail(Why::Io(error)))?;
    serde_json::from_slice(&answer).map_err(|_| fail(Why::Nonsense))
}

async fn answer(mut stream: UnixStream, agent: &Agent) -> io::Result<()> {
    let (from, mut to) = stream.split();
    let mut line = Vec::new();
    BufReader::new(from.take(LONGEST_REQUEST)).read_until(b'\n', &mut line).await?;
    let answer = match serde_json::from_slice(&line) {
        Ok(request) => obey(request, agent).await,
        Err(error) => Answer::Refused(format!("not a request: {error}")),
    };
    let mut line = serde_json::to_vec(&answer).expect("plain data");
    line.push(b'\n');
    to.write_all(&line).await?;
    to.shutdown().await
}

async fn obey(request: Request, agent: &Agent) -> Answer {
    let refused = |error: &dyn fmt::Display| Answer::Refused(error.to_string());
    let done = match request {
        Request::Members => {
            return match agent.members().await {
                Ok(members) => Answer::Members(members.iter().map(MemberLine::from).collect()),
                Err(gone) => refused(&gone),
            };
        }
        Request::Info => {
            return match agent.info().await {
                Ok(info) => Answer::Info(Box::new(lines(agent, &info))),
                Err(gone) => refused(&gone),
            };
        }
        Request::Leave => {
            // Answered first: with the agent, this task may end.
            let agent = agent.clone();
            tokio::spawn(async move {
                tokio::time::sleep(Duration::from_millis(50)).await;
                agent.leave().await;
            });
            Ok(())
        }
        Request::Event { name, payload } => agent.broadcast(name, payload).await,
        Request::InstallKey { key } => match key.trim().parse() {
            Ok(key) => agent.install_key(key).await,
            Err(fault) => return refused(&fault),
        },
        Request::UseKey { id } => match id.parse() {
            Ok(id) => agent.use_key(id).await,
            Err(_) => return refused(&format!("{id} is no key's name")),
        },
        Request::RemoveKey { id } => match id.parse() {
            Ok(id) => agent.remove_key(id).await,
            Err(_) => return refused(&format!("{id} is no key's name")),
        },
    };
    done.map_or_else(|refusal| refused(&refusal), |()| Answer::Done)
}

pub(super) fn lines(agent: &Agent, info: &Info) -> InfoLines {
    InfoLines {
        version: env!("CARGO_PKG_VERSION").to_owned(),
        name: agent.name().to_owned(),
        id: format!("{:016x}", agent.id()),
        addr: agent.addr(),
        incarnation: info.incarnation.to_string(),
        uptime_s: info.uptime.as_secs_f64(),
        is_joining: info.is_joining,
        counts: Counts(FAMILIES.iter().filter_map(|family| count(family, info)).collect()),
        coordinate: info.coordinate.map(|at| CoordinateLine {
            position_us: at.vector,
            height_us: at.height,
            adjustment_us: at.adjustment,
            error: at.error,
        }),
        keys: info.keys.iter().map(ToString::to_string).collect(),
    }
}

/// Reads a family that `swimlab info` shows.
fn count(family: &Family, info: &Info) -> Option<(String, Count)> {
    let shown = family.info?;
    let count = match (family.read)(info) {
        Reading::Count(count) => Count::One(count),
        Reading::Labeled(_, values) => {
            let values = values.into_iter().filter(|(_, count)| *count > 0 || !shown.skips_zeros);
            Count::Labeled(values.map(|(name, count)| (name.to_owned(), count)).collect())
        }
        Reading::Seconds(_) | Reading::Histogram(_) => return None,
    };
    Some((shown.key.to_owned(), count))
}

impl From<&MemberInfo> for MemberLine {
    fn from(member: &MemberInfo) -> Self {
        Self {
            id: format!("{:016x}", member.id()),
            name: member.name().to_owned(),
            addr: member.addr(),
            state: member.state.to_string(),
            incarnation: member.incarnation.to_string(),
            meta: Meta::from_bytes(member.meta()).0,
        }
    }
}

impl std::error::Error for ControlError {}

impl fmt::Display for ControlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.why {
            Why::NoAgent(error) => write!(f, "no agent answers at {path}: {error}"),
            Why::Taken => write!(f, "another agent listens at {path}"),
            Why::Io(error) => write!(f, "control socket {path}: {error}"),
            Why::Slow => write!(f, "the agent at {path} does not answer"),
            Why::Nonsense => write!(f, "what listens at {path} is no agent of this version"),
        }
    }
}
