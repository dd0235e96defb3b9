//! A results folder read without its experiment file: manifest.json has the keys of the cells, trials.jsonl their
//! trials.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::manifest::Manifest;
use super::results::{CellKey, TrialResult};
use super::store::{MANIFEST, read_lines, read_trials};

/// The results folder of an earlier run.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct SavedResults {
    /// The path of the folder.
    pub path: PathBuf,
    /// Version, seed and the values of the file that its trials depend on.
    pub manifest: Manifest,
    /// The cells in the order of the experiment file, each with its finished trials in ascending order of their
    /// numbers.
    pub cells: Vec<(CellKey, Vec<TrialResult>)>,
}

impl SavedResults {
    /// Reads a results folder, finished or interrupted.
    ///
    /// # Errors
    /// If it does not exist, is not a results folder, or has a file that is damaged or from a version with other
    /// measures.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let refuse = |why: String| Error::folder(path, why);
        match fs::metadata(path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Err(refuse("there is none".to_owned())),
            Err(error) => return Err(refuse(error.to_string())),
            Ok(found) if !found.is_dir() => return Err(refuse("is no folder".to_owned())),
            Ok(_) => {}
        }
        let manifest = fs::read_to_string(path.join(MANIFEST)).map_err(|error| match error.kind() {
            ErrorKind::NotFound => refuse(format!("is no results folder: it has no {MANIFEST}")),
            _ => refuse(format!("{MANIFEST}: {error}")),
        })?;
        let manifest: Manifest =
            serde_json::from_str(&manifest).map_err(|error| refuse(format!("{MANIFEST}: {error}")))?;
        let mut cells: Vec<_> = manifest.cells.iter().map(|key| (key.clone(), Vec::new())).collect();
        for (cell, result) in read_lines(&read_trials(path)?, &manifest).map_err(refuse)? {
            cells[cell].1.push(result);
        }
        for (_, trials) in &mut cells {
            trials.sort_by_key(|result: &TrialResult| result.trial);
        }
        Ok(Self { path: path.to_owned(), manifest, cells })
    }
}
