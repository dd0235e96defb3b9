//! What an agent keeps on disk, so that a restarted cluster finds itself: who the members were and where, and its own
//! generation.
//!
//! The file is written anew under another name, forced to the disk and renamed: whenever the process or the machine stops,
//! there is a whole file, the old one or the new one.

use std::fmt;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::protocol::Span;

/// Between two writes, if there is something new.
pub(super) const INTERVAL: Span = Span::from_secs(5);
/// From a change to the write: changes come in swarms, as when a member has just joined.
pub(super) const SETTLING: Span = Span::from_millis(500);

/// The most members that are written.
pub(super) const MOST_MEMBERS: usize = 1024;

/// The longest file that is read, in bytes.
const LONGEST: u64 = 1 << 20;

/// What stands in the file.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Snapshot {
    pub version: u32,
    pub name: String,
    pub generation: u32,
    pub members: Vec<Remembered>,
}

/// A member.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Remembered {
    pub name: String,
    pub id: String,
    pub addr: SocketAddr,
}

/// A folder that one agent keeps its snapshot in.
#[derive(Debug)]
pub(super) struct StateDir {
    path: PathBuf,
    /// Held while the agent runs: a second one would write over the first one's file.
    _lock: File,
}

/// Why there is no snapshot.
#[derive(Debug)]
pub struct StateError {
    path: PathBuf,
    why: Why,
}

#[derive(Debug)]
enum Why {
    Taken,
    Io(&'static str, io::Error),
    Unreadable(String),
}

/// The only version of the file so far.
pub(super) const VERSION: u32 = 1;

impl StateDir {
    /// Takes the folder, and makes it if there is none.
    pub fn open(path: &Path) -> Result<Self, StateError> {
        let fail = |path: &Path, what, error| StateError { path: path.to_owned(), why: Why::Io(what, error) };
        fs::create_dir_all(path).map_err(|error| fail(path, "cannot be made", error))?;
        let lock_path = path.join("lock");
        let lock = OpenOptions::new().create(true).append(true).open(&lock_path);
        let lock = lock.map_err(|error| fail(&lock_path, "cannot be opened", error))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self { path: path.to_owned(), _lock: lock }),
            Err(TryLockError::WouldBlock) => Err(StateError { path: path.to_owned(), why: Why::Taken }),
            Err(TryLockError::Error(error)) => Err(fail(&lock_path, "cannot be locked", error)),
        }
    }

    /// What an earlier life wrote.
    pub fn read(&self) -> Result<Option<Snapshot>, StateError> {
        let path = self.file();
        let fail = |why| StateError { path: path.clone(), why };
        let bytes = match fs::metadata(&path).and_then(|about| Ok((about.len(), fs::read(&path)?))) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(fail(Why::Io("cannot be read", error))),
            Ok((LONGEST.., _)) => return Err(fail(Why::Unreadable("it is too long".to_owned()))),
            Ok((_, bytes)) => bytes,
        };
        let snapshot: Snapshot =
            serde_json::from_slice(&bytes).map_err(|error| fail(Why::Unreadable(error.to_string())))?;
        match snapshot.version {
            VERSION => Ok(Some(snapshot)),
            other => Err(fail(Why::Unreadable(format!("it has version {other}, not {VERSION}")))),
        }
    }

    /// Writes a snapshot; if that fails the last one stays as it is.
    pub fn write(&self, snapshot: &Snapshot) -> Result<(), StateError> {
        let (path, fresh) = (self.file(), self.path.join("snapshot.new"));
        let fail = |what| move |error| StateError { path: self.path.clone(), why: Why::Io(what, error) };
        let bytes = serde_json::to_vec(snapshot).expect("plain data");
        File::create(&fresh)
            .and_then(|mut file| {
                file.write_all(&bytes)?;
                file.sync_all()
            })
            .map_err(fail("a snapshot cannot be written"))?;
        fs::rename(&fresh, &path).map_err(fail("a snapshot cannot be renamed"))?;
        // The new name is safe once the folder is. Where folders cannot be forced to the disk, rename is all there is.
        let _ = File::open(&self.path).and_then(|folder| folder.sync_all());
        Ok(())
    }

    fn file(&self) -> PathBuf {
        self.path.join("snapshot.json")
    }
}

impl std::error::Error for StateError {}

impl fmt::Display for StateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = self.path.display();
        match &self.why {
            Why::Taken => write!(f, "state folder {path} is in use by another agent"),
            Why::Io(what, error) => write!(f, "state in {path}: {what}: {error}"),
            Why::Unreadable(why) => write!(f, "{path} is no snapshot ({why}); move it away to begin without one"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn snapshot(generation: u32) -> Snapshot {
        let member =
            Remembered { name: "b".into(), id: "00000000000000ff".into(), addr: "127.0.0.1:7".parse().unwrap() };
        Snapshot { version: VERSION, name: "a".into(), generation, members: vec![member] }
    }

    #[test]
    fn what_was_written_is_read_and_a_new_folder_holds_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(&folder.path().join("new/folder")).unwrap();
        assert_eq!(state.read().unwrap(), None);
        state.write(&snapshot(1)).unwrap();
        state.write(&snapshot(2)).unwrap();
        assert_eq!(state.read().unwrap(), Some(snapshot(2)));
    }

    #[test]
    fn a_write_that_was_cut_short_leaves_the_last_snapshot() {
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
    fn what_is_no_snapshot_is_refused_and_not_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let state = StateDir::open(folder.path()).unwrap();
        for text in ["", "{", "[1,2]", r#"{"version":2,"name":"a","generation":1,"members":[]}"#] {
            fs::write(folder.path().join("snapshot.json"), text).unwrap();
            let error = state.read().unwrap_err().to_string();
            assert!(error.contains("is no snapshot"), "{error}");
        }
    }
}
