//! Files of results folders: written beside their place and renamed, so that each is whole or absent; and digests.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

use swimlab_selectors::rng::mix;

#[cfg(feature = "lab")]
use super::error::Error;

/// The ending of a file that is being written.
pub(super) const UNFINISHED: &str = ".new";

/// Writes a file under another name beside its place and renames it when all of it is on the disk, so that a process
/// that ends on the way, or a full disk, leaves the earlier file or none, never a part.
///
/// # Errors
/// [`Error::Lost`], with the path.
#[cfg(feature = "lab")]
pub(crate) fn write_whole(path: &Path, fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>) -> Result<(), Error> {
    try_write_whole(path, fill).map_err(|source| Error::Lost { path: path.to_owned(), source })
}

/// As [`write_whole`], for callers with an error of their own.
pub(super) fn try_write_whole(
    path: &Path,
    fill: impl FnOnce(&mut BufWriter<File>) -> io::Result<()>,
) -> io::Result<()> {
    let fresh = unfinished(path);
    match fs::remove_file(&fresh) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let written = File::create_new(&fresh).and_then(|file| {
        let mut out = BufWriter::new(file);
        fill(&mut out)?;
        out.flush()?;
        out.get_ref().sync_all()?;
        fs::rename(&fresh, path)
    });
    if written.is_err() {
        // The error that counts is the first one.
        let _ = fs::remove_file(&fresh);
    }
    written
}

/// The name of a file while it is written.
fn unfinished(path: &Path) -> PathBuf {
    let mut name = path.file_name().map_or_else(OsString::new, OsString::from);
    name.push(UNFINISHED);
    path.with_file_name(name)
}

/// A digest of bytes in 16 hexadecimal digits. It tells files that were changed by accident, not forgeries.
pub(super) fn digest(bytes: &[u8]) -> String {
    let word = |chunk: &[u8]| {
        let mut word = [0; 8];
        word[..chunk.len()].copy_from_slice(chunk);
        u64::from_le_bytes(word)
    };
    // The length tells apart files that differ in zeros at the end.
    let hash = bytes.chunks(8).fold(mix(bytes.len() as u64), |hash, chunk| mix(hash.rotate_left(1) ^ word(chunk)));
    format!("{hash:016x}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_cannot_be_completed_leaves_the_earlier_one() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("table.csv");
        write_whole(&path, |out| out.write_all(b"first")).unwrap();
        let failed = try_write_whole(&path, |out| {
            out.write_all(b"sec")?;
            Err(io::Error::from(ErrorKind::StorageFull))
        });
        assert_eq!(failed.unwrap_err().kind(), ErrorKind::StorageFull);
        assert_eq!(fs::read(&path).unwrap(), b"first");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn what_a_link_of_the_temporary_name_points_to_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let precious = dir.path().join("precious");
        fs::write(&precious, "precious").unwrap();
        std::os::unix::fs::symlink(&precious, dir.path().join("table.csv.new")).unwrap();
        write_whole(&dir.path().join("table.csv"), |out| out.write_all(b"table")).unwrap();
        assert_eq!(fs::read_to_string(precious).unwrap(), "precious");
    }

    #[test]
    fn digests_differ_in_every_byte_and_in_the_length() {
        let texts: [&[u8]; 6] = [b"", b"\0", b"\0\0", b"a,b,1", b"a,b,2", b"a,b,1\0\0\0"];
        let digests: std::collections::BTreeSet<_> = texts.map(digest).into();
        assert_eq!(digests.len(), texts.len());
    }
}
