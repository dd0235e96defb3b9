//! The file of a control socket: who may create, replace and remove it.

use std::fs::{self, File, FileType, Metadata, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::net::{UnixListener, UnixStream};
use tokio::time::{Instant, sleep};

use super::error::Fault;

/// The longest wait for other agents that open a socket in the same folder.
pub(super) const LOCK_TIMEOUT: Duration = Duration::from_secs(5);

/// Pause between two attempts to lock the folder.
const LOCK_RETRY: Duration = Duration::from_millis(10);

/// A socket file that this process has created. It is removed when this is dropped, unless something else is at its path
/// by then.
#[derive(Debug)]
pub(super) struct SocketFile {
    path: PathBuf,
    identity: Identity,
    /// The user who owns the file.
    pub owner: u32,
}

/// Device and inode of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Identity(u64, u64);

impl SocketFile {
    /// Creates a listening socket that only its owner can open. A socket at the path that no process listens on is
    /// replaced; anything else stays as it is, and is refused.
    ///
    /// Agents that start at the same time take turns: their folder is locked meanwhile.
    pub(super) async fn listen(path: &Path) -> Result<(UnixListener, Self), Fault> {
        // An empty path would be a name that the system chooses, and that has no file.
        let is_valid = !path.as_os_str().is_empty() && SocketAddr::from_pathname(path).is_ok();
        if !is_valid {
            return Err(Fault::Path(path.as_os_str().len()));
        }
        let _lock = lock(parent(path)).await?;
        make_way(path).await?;
        let listener = UnixListener::bind(path).map_err(Fault::Io)?;
        let about = fs::symlink_metadata(path).map_err(Fault::Io)?;
        let file = Self { path: path.to_owned(), identity: Identity::of(&about), owner: about.uid() };
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).map_err(Fault::Io)?;
        Ok((listener, file))
    }
}

impl Drop for SocketFile {
    fn drop(&mut self) {
        // The socket still listens, so that no other agent replaces its file between these two steps.
        if fs::symlink_metadata(&self.path).is_ok_and(|about| Identity::of(&about) == self.identity) {
            let _ = fs::remove_file(&self.path);
        }
    }
}

impl Identity {
    fn of(about: &Metadata) -> Self {
        Self(about.dev(), about.ino())
    }
}

/// The folder of a file.
fn parent(path: &Path) -> &Path {
    path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

/// Locks a folder against other agents, until the file is closed.
async fn lock(folder: &Path) -> Result<File, Fault> {
    let fail = |error| Fault::Folder(folder.to_owned(), error);
    let file = File::open(folder).map_err(fail)?;
    let begun = Instant::now();
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if begun.elapsed() < LOCK_TIMEOUT => sleep(LOCK_RETRY).await,
            Err(TryLockError::WouldBlock) => return Err(fail(io::Error::other("another process has locked it"))),
            Err(TryLockError::Error(error)) => return Err(fail(error)),
        }
    }
}

/// Removes a socket that no process listens on. Refuses anything else.
async fn make_way(path: &Path) -> Result<(), Fault> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(Fault::Io(error)),
        Ok(about) if !about.file_type().is_socket() => Err(Fault::Occupied(kind_name(about.file_type()))),
        Ok(_) => match UnixStream::connect(path).await {
            Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path).map_err(Fault::Io),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
            Err(error) if error.kind() == ErrorKind::PermissionDenied => Err(Fault::Io(error)),
            // Also with a queue that is full: some process listens.
            _ => Err(Fault::InUse),
        },
    }
}

/// The name of a kind of file, for messages.
fn kind_name(kind: FileType) -> &'static str {
    match () {
        () if kind.is_symlink() => "a symbolic link",
        () if kind.is_dir() => "a folder",
        () if kind.is_fifo() => "a named pipe",
        () if kind.is_file() => "a regular file",
        () => "a device",
    }
}
