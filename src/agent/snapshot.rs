//! The snapshot that an agent keeps on disk: the members' addresses and its own generation, by which a restarted
//! cluster finds itself again.
//!
//! The file is written under another name, forced to the disk and renamed. Whenever the process or the machine stops,
//! there is a whole file: the old one or the new one.

use std::error::Error;
use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::address::{to_address, to_socket};
use super::json_error;
use crate::protocol::{Address, Id, Member, NodeInfo, Status};

/// The version of the file's format.
const VERSION: u32 = 1;

/// The most members in a snapshot.
pub(super) const MAX_MEMBERS: usize = 1024;

/// The longest file that is read, in bytes.
pub(super) const MAX_FILE_BYTES: u64 = 1 << 20;

/// Contents of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Snapshot {
    version: u32,
    pub name: String,
    pub generation: u32,
    pub members: Vec<SavedMember>,
}

/// A member in a snapshot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct SavedMember {
    name: String,
    /// In hexadecimal digits.
    id: String,
    addr: SocketAddr,
}

/// A folder that one agent keeps its snapshot in.
#[derive(Debug)]
pub(super) struct StateDir {
    path: PathBuf,
    /// Locked while the agent runs: a second one would overwrite the first one's file.
    _lock: File,
}

/// A state folder that cannot be used.
#[derive(Debug)]
pub struct StateError {
    path: PathBuf,
    fault: Fault,
}

#[derive(Debug)]
enum Fault {
    InUse,
    Io(&'static str, io::Error),
    NotSnapshot(String),
}

impl Snapshot {
    pub(super) fn new(name: &str, generation: u32, members: Vec<SavedMember>) -> Self {
        Self { version: VERSION, name: name.to_owned(), generation, members }
    }

    /// Reads the content of a file.
    ///
    /// # Errors
    /// The reason why it is no snapshot.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, String> {
        if bytes.len() as u64 > MAX_FILE_BYTES {
            return Err("it is too long".to_owned());
        }
        let mut snapshot: Self = serde_json::from_slice(bytes).map_err(|error| json_error::describe(&error))?;
        if snapshot.version != VERSION {
            return Err(format!("unsupported version {}, expected {VERSION}", snapshot.version));
        }
        // More than an agent writes: the first ones suffice to find the cluster.
        snapshot.members.truncate(MAX_MEMBERS);
        Ok(snapshot)
    }

    /// The content of a file.
    pub(super) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("plain data")
    }

    /// The other members in a member's table. The dead may return; those that left will not, and are left out.
    pub(super) fn of(member: &Member, generation: u32) -> Self {
        let saved = |node: &NodeInfo, status| status != Status::Left && node.peer.id != member.id();
        let others = member.table().entries().filter(|(_, status, _, node)| saved(node, *status));
        let others = others.map(|(.., node)| SavedMember::of(node)).take(MAX_MEMBERS);
        Self::new(&member.node().name, generation, others.collect())
    }
}

impl SavedMember {
    fn of(node: &NodeInfo) -> Self {
        let id = format!("{:016x}", node.peer.id);
        Self { name: node.name.to_string(), id, addr: to_socket(node.address) }
    }

    /// The id, if it is a number.
    pub(super) fn id(&self) -> Option<Id> {
        Id::from_str_radix(&self.id, 16).ok()
    }

    pub(super) fn address(&self) -> Address {
        to_address(self.addr)
    }
}

/// Refuses a file that may never end or never open, as a named pipe or a device. It need not be there.
fn refuse_special(path: &Path) -> io::Result<()> {
    match fs::metadata(path) {
        Ok(about) if !about.is_file() => Err(io::Error::other("it is no regular file")),
        _ => Ok(()),
    }
}

impl StateDir {
    /// Locks the folder, and creates it if there is none.
    pub(super) fn open(path: &Path) -> Result<Self, StateError> {
        let fail = |path: &Path, what, error| StateError { path: path.to_owned(), fault: Fault::Io(what, error) };
        fs::create_dir_all(path).map_err(|error| fail(path, "cannot be made", error))?;
        let lock_path = path.join("lock");
        let lock =
            refuse_special(&lock_path).and_then(|()| OpenOptions::new().create(true).append(true).open(&lock_path));
        let lock = lock.map_err(|error| fail(&lock_path, "cannot be opened", error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(StateError { path: path.to_owned(), fault: Fault::InUse }),
            Err(TryLockError::Error(error)) => Err(fail(&lock_path, "cannot be locked", error)),
        }
    }

    /// Reads the snapshot of an earlier life, if there is one.
    pub(super) fn read(&self) -> Result<Option<Snapshot>, StateError> {
        let path = self.file();
        let fail = |fault| StateError { path: path.clone(), fault };
        let mut bytes = Vec::new();
        // Bounded while it is read: a file may grow meanwhile, and a device has no length.
        let opened = refuse_special(&path).and_then(|()| File::open(&path));
        match opened.and_then(|file| file.take(MAX_FILE_BYTES + 1).read_to_end(&mut bytes)) {
            Ok(_) => Snapshot::parse(&bytes).map(Some).map_err(|why| fail(Fault::NotSnapshot(why))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(fail(Fault::Io("cannot be read", error))),
        }
    }

    /// Replaces the snapshot. If that fails the last one stays as it is.
    pub(super) fn write(&self, snapshot: &Snapshot) -> Result<(), StateError> {
        let (path, fresh) = (self.file(), self.path.join("snapshot.new"));
        let fail = |what| move |error| StateError { path: self.path.clone(), fault: Fault::Io(what, error) };
        let bytes = snapshot.to_json();
        // What is left of an interrupted write is replaced, and a link at its place is not followed.
        let _ = fs::remove_file(&fresh);
        File::create_new(&fresh)
            .and_then(|mut file| {
                file.write_all(&bytes)?;
                file.sync_all()
            })
            .map_err(fail("a snapshot cannot be written"))?;
        fs::rename(&fresh, &path).map_err(fail("a snapshot cannot be renamed"))?;
        // The new name is on the disk once the folder is. Some systems cannot sync folders: there, the rename must do.
        let _ = File::open(&self.path).and_then(|folder| folder.sync_all());
        Ok(())
    }

    fn file(&self) -> PathBuf {
        self.path.join("snapshot.json")
    }
}

impl Error for StateError {}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.fault {
            Fault::InUse => write!(f, "state folder {path} is in use by another agent"),
            Fault::Io(what, error) => write!(f, "state in {path}: {what}: {error}"),
            Fault::NotSnapshot(why) => write!(f, "{path} is no snapshot ({why}); move it away to begin without one"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::member_of;
    use super::*;

    fn snapshot(generation: u32) -> Snapshot {
        let member =
            SavedMember { name: "b".into(), id: "00000000000000ff".into(), addr: "127.0.0.1:7".parse().unwrap() };
        Snapshot::new("a", generation, vec![member])
    }

    #[test]
    fn a_snapshot_that_was_written_is_read_and_a_new_folder_holds_none() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(&folder.path().join("new/folder")).unwrap();
        assert_eq!(state.read().unwrap(), None);
        state.write(&snapshot(1)).unwrap();
        state.write(&snapshot(2)).unwrap();
        assert_eq!(state.read().unwrap(), Some(snapshot(2)));
    }

    #[test]
    fn an_interrupted_write_leaves_the_last_snapshot() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path()).unwrap();
        state.write(&snapshot(1)).unwrap();
        let whole = serde_json::to_vec(&snapshot(2)).unwrap();
        for len in 0..whole.len() {
            fs::write(folder.path().join("snapshot.new"), &whole[..len]).unwrap();
            assert_eq!(state.read().unwrap(), Some(snapshot(1)));
        }
        state.write(&snapshot(3)).unwrap();
        assert_eq!(state.read().unwrap(), Some(snapshot(3)));
    }

    #[test]
    fn a_folder_serves_one_agent_at_a_time() {
        let folder = tempfile::tempdir().unwrap();
        let first = StateDir::open(folder.path()).unwrap();
        let error = StateDir::open(folder.path()).unwrap_err().to_string();
        assert!(error.ends_with("is in use by another agent"), "{error}");
        drop(first);
        StateDir::open(folder.path()).unwrap();
    }

    #[test]
    fn a_snapshot_file_is_read_up_to_the_longest() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path()).unwrap();
        let path = folder.path().join("snapshot.json");
        let mut text = serde_json::to_string(&snapshot(1)).unwrap();
        text.push_str(&" ".repeat(MAX_FILE_BYTES as usize - text.len()));
        fs::write(&path, &text).unwrap();
        assert_eq!(state.read().unwrap(), Some(snapshot(1)));
        fs::write(&path, text + " ").unwrap();
        let error = state.read().unwrap_err().to_string();
        assert!(error.contains("is no snapshot (it is too long)"), "{error}");
    }

    #[test]
    fn members_beyond_the_limit_are_left_out_and_the_longest_file_has_room_for_the_others() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path()).unwrap();
        for (others, saved) in [(MAX_MEMBERS, MAX_MEMBERS), (MAX_MEMBERS + 1, MAX_MEMBERS)] {
            let snapshot = Snapshot::of(&member_of(1 + others as u64), 1);
            assert_eq!(snapshot.members.len(), saved);
            state.write(&snapshot).unwrap();
            assert_eq!(state.read().unwrap(), Some(snapshot));
        }
    }

    // The kind of F4 and F6
    #[cfg(unix)]
    #[test]
    fn named_pipes_are_not_waited_for_and_links_are_not_written_through() {
        let pipe = |path: &Path| assert!(std::process::Command::new("mkfifo").arg(path).status().unwrap().success());
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path()).unwrap();
        let (file, fresh) = (folder.path().join("snapshot.json"), folder.path().join("snapshot.new"));
        pipe(&file);
        assert!(state.read().unwrap_err().to_string().contains("snapshot.json: cannot be read: it is no regular file"));
        let precious = folder.path().join("notes.txt");
        fs::write(&precious, "precious").unwrap();
        std::os::unix::fs::symlink(&precious, &fresh).unwrap();
        state.write(&snapshot(1)).unwrap();
        pipe(&fresh);
        state.write(&snapshot(2)).unwrap();
        assert_eq!(state.read().unwrap(), Some(snapshot(2)));
        assert_eq!(fs::read_to_string(precious).unwrap(), "precious");
        let other = tempfile::tempdir().unwrap();
        pipe(&other.path().join("lock"));
        assert!(StateDir::open(other.path()).unwrap_err().to_string().contains("lock: cannot be opened"));
    }

    #[test]
    fn a_file_that_is_no_snapshot_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path()).unwrap();
        for text in ["", "{", "[1,2]", r#"{"version":2,"name":"a","generation":1,"members":[]}"#] {
            fs::write(folder.path().join("snapshot.json"), text).unwrap();
            let error = state.read().unwrap_err().to_string();
            assert!(error.contains("is no snapshot"), "{error}");
        }
    }

    #[test]
    fn a_file_that_is_too_long_is_refused_and_one_with_too_many_members_gives_the_first() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path()).unwrap();
        let full = Snapshot { members: vec![snapshot(1).members[0].clone(); MAX_MEMBERS + 1], ..snapshot(1) };
        state.write(&full).unwrap();
        assert_eq!(state.read().unwrap().unwrap().members.len(), MAX_MEMBERS);
        // A file without blocks: a terabyte that is not read.
        File::create(state.file()).unwrap().set_len(1 << 40).unwrap();
        let error = state.read().unwrap_err().to_string();
        assert!(error.contains("it is too long"), "{error}");
    }
}
