//! The results folder during a run: keeps every finished trial, so that a later run can continue from there.
//!
//! `experiment.toml` is a copy of the file, `manifest.json` holds the values that the trials depend on, and
//! `trials.jsonl` gets a line for each trial as it finishes. The caller of the run writes tables beside them at the
//! end.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::Experiment;
use super::error::Error;
use super::measures::MEASURES;
use super::results::TrialResult;

pub(super) const MANIFEST: &str = "manifest.json";
const COPY: &str = "experiment.toml";
pub(super) const TRIALS: &str = "trials.jsonl";
pub(super) const SUMMARY: &str = "summary.json";

/// Everything that trials depend on: the trials of two runs with equal manifests can be combined.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct Manifest {
    /// The version of swimlab that wrote it.
    pub swimlab: String,
    /// The seed of the experiment.
    pub seed: u64,
    /// The keys of the experiment file with their values.
    pub experiment: BTreeMap<String, String>,
}

/// A results folder, open for writing and locked against other runs.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// The trials that earlier runs finished, each with the index of its cell.
    pub(super) finished: Vec<(usize, TrialResult)>,
    trials: Mutex<File>,
}

/// A line of `trials.jsonl`.
#[derive(Serialize, Deserialize)]
pub(super) struct TrialLine<'a> {
    pub cell: usize,
    pub result: std::borrow::Cow<'a, TrialResult>,
}

impl Folder {
    /// Creates the folder `path`, which must be empty if it exists.
    ///
    /// # Errors
    /// If it has other contents or cannot be written.
    pub fn create(path: &Path, experiment: &Experiment) -> Result<Self, Error> {
        let refuse = |why: &str| Err(Error::folder(path, why));
        if path.join(MANIFEST).exists() {
            return refuse(
                "holds results already; --resume goes on with them, another name for --out leaves them alone",
            );
        }
        let io = |error: std::io::Error| Error::folder(path, error.to_string());
        match fs::read_dir(path).map(|mut entries| entries.next().is_none()) {
            Ok(true) => {}
            Ok(false) => return refuse("is not empty, and no results folder"),
            Err(error) if error.kind() == ErrorKind::NotFound => fs::create_dir_all(path).map_err(io)?,
            Err(error) => return Err(io(error)),
        }
        fs::write(path.join(COPY), &experiment.source.text).map_err(io)?;
        let trials = File::create_new(path.join(TRIALS)).map_err(io)?;
        lock(&trials, path)?;
        // Written last, so that a folder with a manifest is complete.
        let manifest = serde_json::to_string_pretty(&experiment.manifest()).expect("strings and numbers become JSON");
        fs::write(path.join(MANIFEST), manifest + "\n").map_err(io)?;
        Ok(Self { path: path.to_owned(), finished: Vec::new(), trials: Mutex::new(trials) })
    }

    /// Creates the first of `base`, `base-2`, `base-3`, ... that does not exist.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn create_beside(base: &Path, experiment: &Experiment) -> Result<Self, Error> {
        let parent = base.parent().unwrap_or(Path::new(""));
        fs::create_dir_all(parent).map_err(|error| Error::folder(base, error.to_string()))?;
        for path in numbered(base) {
            // If two runs start at the same time, only one of them creates this folder.
            match fs::create_dir(&path) {
                Ok(()) => return Self::create(&path, experiment),
                Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                Err(error) => return Err(Error::folder(&path, error.to_string())),
            }
        }
        unreachable!("numbers do not run out")
    }

    /// Opens the folder of an earlier run to continue it, or creates it if it does not exist.
    ///
    /// # Errors
    /// If the folder belongs to another experiment, with the differences; if it is damaged, in use or cannot be
    /// written.
    pub fn resume(path: &Path, experiment: &Experiment) -> Result<Self, Error> {
        let text = match fs::read_to_string(path.join(MANIFEST)) {
            Ok(text) => text,
            Err(error) if error.kind() == ErrorKind::NotFound => return Self::create(path, experiment),
            Err(error) => return Err(Error::folder(path, error.to_string())),
        };
        let saved: Manifest =
            serde_json::from_str(&text).map_err(|error| Error::folder(path, format!("{MANIFEST}: {error}")))?;
        let differences = saved.differences(&experiment.manifest());
        if !differences.is_empty() {
            return Err(Error::folder(path, format!("belongs to another experiment: {}", differences.join("; "))));
        }
        let io = |error: std::io::Error| Error::folder(path, format!("{TRIALS}: {error}"));
        let file = File::options().read(true).append(true).create(true).open(path.join(TRIALS)).map_err(io)?;
        lock(&file, path)?;
        let text = fs::read(path.join(TRIALS)).map_err(io)?;
        // A run that was killed may have left an incomplete line.
        let whole = text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1);
        file.set_len(whole as u64).map_err(io)?;
        let finished = read_lines(&text[..whole], experiment).map_err(|why| Error::folder(path, why))?;
        Ok(Self { path: path.to_owned(), finished, trials: Mutex::new(file) })
    }

    /// Opens the last of `base`, `base-2`, `base-3`, ... that exists to continue it, or creates `base`.
    ///
    /// # Errors
    /// As those of [`Self::resume`].
    pub fn resume_beside(base: &Path, experiment: &Experiment) -> Result<Self, Error> {
        let last = numbered(base).take_while(|path| path.exists()).last();
        Self::resume(last.as_deref().unwrap_or(base), experiment)
    }

    /// The path of the folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Number of trials that earlier runs finished.
    pub fn already_finished(&self) -> usize {
        self.finished.len()
    }

    /// Appends a finished trial.
    pub(super) fn append(&self, cell: usize, result: &TrialResult) -> Result<(), Error> {
        let line = TrialLine { cell, result: std::borrow::Cow::Borrowed(result) };
        let mut line = serde_json::to_vec(&line).expect("results become JSON");
        line.push(b'\n');
        let mut file = self.trials.lock().unwrap_or_else(PoisonError::into_inner);
        file.write_all(&line).map_err(|source| Error::Lost { path: self.path.join(TRIALS), source })
    }
}

impl Manifest {
    /// The differences from the manifest of this run, in words.
    pub fn differences(&self, here: &Self) -> Vec<String> {
        let sentence = |(what, there, here): (String, String, String)| format!("{what}: {there} there, {here} here");
        self.differing(here).into_iter().map(sentence).collect()
    }

    /// The differences: the key, its value in this manifest and its value in the other one.
    pub fn differing(&self, other: &Self) -> Vec<(String, String, String)> {
        let mut differing = Vec::new();
        let mut compare = |what: &str, one: String, other: String| {
            if one != other {
                differing.push((what.to_owned(), one, other));
            }
        };
        compare("the version of swimlab", self.swimlab.clone(), other.swimlab.clone());
        compare("seed", self.seed.to_string(), other.seed.to_string());
        let keys: BTreeSet<&String> = self.experiment.keys().chain(other.experiment.keys()).collect();
        for key in keys {
            let value =
                |manifest: &Self| manifest.experiment.get(key).cloned().unwrap_or_else(|| "not given".to_owned());
            compare(key, value(self), value(other));
        }
        differing
    }
}

/// `base`, `base-2`, `base-3`, ...
fn numbered(base: &Path) -> impl Iterator<Item = PathBuf> {
    let name = base.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let later = {
        let base = base.to_owned();
        (2_u32..).map(move |n| base.with_file_name(format!("{name}-{n}")))
    };
    std::iter::once(base.to_owned()).chain(later)
}

fn lock(file: &File, path: &Path) -> Result<(), Error> {
    file.try_lock().map_err(|error| match error {
        fs::TryLockError::WouldBlock => Error::folder(path, "is in use by another run"),
        fs::TryLockError::Error(error) => Error::folder(path, error.to_string()),
    })
}

fn read_lines(text: &[u8], experiment: &Experiment) -> Result<Vec<(usize, TrialResult)>, String> {
    let mut seen = BTreeSet::new();
    let mut finished = Vec::new();
    for (n, line) in text.split(|&byte| byte == b'\n').enumerate().filter(|(_, line)| !line.is_empty()) {
        let damaged = |why: String| format!("{TRIALS}:{}: {why}", n + 1);
        let TrialLine { cell, result } = serde_json::from_slice(line).map_err(|error| damaged(error.to_string()))?;
        if cell >= experiment.cells.len() || result.measured.readings.len() != MEASURES.len() {
            return Err(damaged("was not written by this experiment".to_owned()));
        }
        // This run may have fewer trials than the earlier one.
        if result.trial < experiment.trials && seen.insert((cell, result.trial)) {
            finished.push((cell, result.into_owned()));
        }
    }
    Ok(finished)
}
