//! The results folder during a run: keeps every finished trial, so that a later run can continue from there.
//!
//! `experiment.toml` is a copy of the experiment file and `inputs/` has copies of the files that it names,
//! `manifest.json` holds everything that the trials depend on, and `trials.jsonl` gets a line for each trial as it
//! finishes. The caller of the run writes tables beside them at the end. All but `trials.jsonl` are renamed into their
//! place when they are whole, the manifest last: a folder without one has no trials, and is begun anew.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::Experiment;
use super::error::Error;
use super::files::{UNFINISHED, digest, try_write_whole};
use super::manifest::{INPUTS, Manifest, copy_names};
use super::measures::MEASURES;
use super::results::{CellKey, TrialResult};
use super::seed::trial_seed;

pub(super) const MANIFEST: &str = "manifest.json";
/// The copy of the experiment file.
pub(super) const COPY: &str = "experiment.toml";
pub(super) const TRIALS: &str = "trials.jsonl";

/// A results folder, open for writing and locked against other runs.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    /// The trials that earlier runs finished, each with the index of its cell.
    pub(super) finished: Vec<(usize, TrialResult)>,
    trials: Mutex<File>,
    /// The digests of the keys of the cells.
    cells: Vec<String>,
}

/// A line of `trials.jsonl`.
#[derive(Serialize, Deserialize)]
struct TrialLine<'a> {
    /// The index of the cell.
    cell: usize,
    /// A digest of the cell's key.
    key: Cow<'a, str>,
    result: Cow<'a, TrialResult>,
}

/// The state of the place where a results folder is to be.
enum Found {
    /// Nothing, or files of a run that ended before its first trial.
    Free,
    /// A results folder.
    Results(Box<Manifest>),
}

impl Folder {
    /// Creates the folder `path`, which must be empty if it exists, or left by a run of this experiment that ended
    /// before its first trial.
    ///
    /// # Errors
    /// If it has other contents, is in use or cannot be written.
    pub fn create(path: &Path, experiment: &Experiment) -> Result<Self, Error> {
        match find(path, experiment)? {
            Found::Free => Self::begin(path, experiment),
            Found::Results(_) => Err(Error::folder(
                path,
                "holds results already; --resume goes on with them, another name for --out leaves them alone",
            )),
        }
    }

    /// Writes the files of a folder that has none, or some of an earlier attempt.
    fn begin(path: &Path, experiment: &Experiment) -> Result<Self, Error> {
        let io = |file: &str| {
            let file = file.to_owned();
            move |error: io::Error| Error::folder(path, format!("{file}: {error}"))
        };
        fs::create_dir_all(path).map_err(|error| Error::folder(path, error.to_string()))?;
        let trials = open_trials(path).map_err(io(TRIALS))?;
        lock(&trials, path)?;
        // Another run may have begun between the look at the folder and the lock.
        if path.join(MANIFEST).exists() && read_trials(path)?.contains(&b'\n') {
            return Err(Error::folder(path, "is in use by another run"));
        }
        trials.set_len(0).map_err(io(TRIALS))?;
        if !experiment.inputs.is_empty() {
            fs::create_dir_all(path.join(INPUTS)).map_err(io(INPUTS))?;
        }
        for (input, copy) in experiment.inputs.iter().zip(copy_names(&experiment.inputs)) {
            try_write_whole(&path.join(&copy), |out| out.write_all(&input.bytes)).map_err(io(&copy))?;
        }
        try_write_whole(&path.join(COPY), |out| out.write_all(experiment.source.text.as_bytes())).map_err(io(COPY))?;
        // Written last, so that a folder with a manifest is complete.
        let manifest = experiment.manifest();
        let write = |out: &mut io::BufWriter<File>| {
            serde_json::to_writer_pretty(&mut *out, &manifest)?;
            out.write_all(b"\n")
        };
        try_write_whole(&path.join(MANIFEST), write).map_err(io(MANIFEST))?;
        Ok(Self::open(path, Vec::new(), trials, &manifest.cells))
    }

    fn open(path: &Path, finished: Vec<(usize, TrialResult)>, trials: File, cells: &[CellKey]) -> Self {
        Self { path: path.to_owned(), finished, trials: Mutex::new(trials), cells: key_digests(cells) }
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
        let Found::Results(saved) = find(path, experiment)? else { return Self::begin(path, experiment) };
        let differences = saved.differences(&experiment.manifest());
        if !differences.is_empty() {
            return Err(Error::folder(path, format!("belongs to another experiment: {}", differences.join("; "))));
        }
        let io = |error: io::Error| Error::folder(path, format!("{TRIALS}: {error}"));
        let file = open_trials(path).map_err(io)?;
        lock(&file, path)?;
        let text = read_trials(path)?;
        let mut finished = read_lines(&text, &saved).map_err(|why| Error::folder(path, why))?;
        // A run that was killed may have left an incomplete line.
        file.set_len(whole_lines(&text).len() as u64).map_err(io)?;
        // This run may have fewer trials than the earlier one.
        finished.retain(|(_, result)| result.trial < experiment.trials);
        Ok(Self::open(path, finished, file, &saved.cells))
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

    /// Appends a finished trial. One that does not fit on the disk leaves no part of its line.
    pub(super) fn append(&self, cell: usize, result: &TrialResult) -> Result<(), Error> {
        let line = TrialLine { cell, key: Cow::Borrowed(&self.cells[cell]), result: Cow::Borrowed(result) };
        let mut line = serde_json::to_vec(&line).expect("results become JSON");
        line.push(b'\n');
        let mut file = self.trials.lock().unwrap_or_else(PoisonError::into_inner);
        let written = file.metadata().and_then(|before| {
            file.write_all(&line).inspect_err(|_| {
                // If this fails as well, the next run drops the incomplete line, unless another trial follows it.
                let _ = file.set_len(before.len());
            })
        });
        written.map_err(|source| Error::Lost { path: self.path.join(TRIALS), source })
    }
}

/// Looks at the place of a results folder.
///
/// # Errors
/// If it holds anything but results, or the remains of a run of this experiment that ended before its first trial.
fn find(path: &Path, experiment: &Experiment) -> Result<Found, Error> {
    let refuse = |why: String| Err(Error::folder(path, why));
    let entries = match fs::read_dir(path).and_then(Iterator::collect::<io::Result<Vec<_>>>) {
        Ok(entries) => entries,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Free),
        Err(error) => return refuse(error.to_string()),
    };
    let has_trials = whole_lines(&read_trials(path)?).len() > 1;
    let ways = "name another folder with --out, or remove this one";
    match fs::read(path.join(MANIFEST)) {
        Ok(text) => match serde_json::from_slice(&text) {
            Ok(manifest) => return Ok(Found::Results(Box::new(manifest))),
            Err(error) if has_trials => {
                return refuse(format!("{MANIFEST}: {error}; without it, {TRIALS} cannot be continued: {ways}"));
            }
            // A version that wrote in place was interrupted, or its disk was full.
            Err(_) => {}
        },
        Err(error) if error.kind() == ErrorKind::NotFound && has_trials => {
            return refuse(format!("has {TRIALS} but no {MANIFEST}, without which it cannot be continued: {ways}"));
        }
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return refuse(format!("{MANIFEST}: {error}")),
    }
    let mut names: Vec<String> = entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort_unstable();
    let ours = |name: &String| [MANIFEST, COPY, TRIALS, INPUTS].contains(&name.trim_end_matches(UNFINISHED));
    if let Some(other) = names.iter().find(|name| !ours(name)) {
        return refuse(format!("is not empty, and no results folder: it holds {other}"));
    }
    // Files of the user's own may have these names; only what this run would write itself is overwritten.
    let is_begun = |copy: &str, bytes: &[u8]| match fs::read(path.join(copy)) {
        Ok(found) => bytes.starts_with(&found),
        Err(error) => error.kind() == ErrorKind::NotFound,
    };
    if !is_begun(COPY, experiment.source.text.as_bytes()) {
        return refuse(format!("holds no results, and an {COPY} that is another experiment: {ways}"));
    }
    for (input, copy) in experiment.inputs.iter().zip(copy_names(&experiment.inputs)) {
        if !is_begun(&copy, &input.bytes) {
            return refuse(format!("holds no results, and a file {copy} that differs from {}: {ways}", input.name));
        }
    }
    Ok(Found::Free)
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

/// Opens `trials.jsonl` for appending.
fn open_trials(path: &Path) -> io::Result<File> {
    File::options().read(true).append(true).create(true).open(path.join(TRIALS))
}

/// The content of `trials.jsonl`; empty if it does not exist.
pub(super) fn read_trials(path: &Path) -> Result<Vec<u8>, Error> {
    match fs::read(path.join(TRIALS)) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Vec::new()),
        read => read.map_err(|error| Error::folder(path, format!("{TRIALS}: {error}"))),
    }
}

/// The lines of a text that have ended. A run that was killed may have left an incomplete last one.
fn whole_lines(text: &[u8]) -> &[u8] {
    &text[..text.iter().rposition(|&byte| byte == b'\n').map_or(0, |end| end + 1)]
}

fn key_digests(cells: &[CellKey]) -> Vec<String> {
    cells.iter().map(|key| digest(key.to_string().as_bytes())).collect()
}

/// The trials of `trials.jsonl`, each with the index of its cell.
///
/// # Errors
/// Names the line that is damaged, belongs to another experiment, or repeats a trial.
pub(super) fn read_lines(text: &[u8], manifest: &Manifest) -> Result<Vec<(usize, TrialResult)>, String> {
    let keys = key_digests(&manifest.cells);
    let mut seen = BTreeMap::new();
    let mut finished = Vec::new();
    let lines = whole_lines(text).split(|&byte| byte == b'\n').enumerate();
    for (n, line) in lines.filter(|(_, line)| !line.is_empty()) {
        let refuse = |why: String| Err(format!("{TRIALS}:{}: {why}", n + 1));
        let TrialLine { cell, key, result } = match serde_json::from_slice(line) {
            Ok(line) => line,
            Err(error) => return refuse(error.to_string()),
        };
        let (has, known) = (result.measured.readings.len(), MEASURES.len());
        if has != known {
            return refuse(format!("has {has} measures, this version of swimlab {known}; run the experiment again"));
        }
        match keys.get(cell) {
            None => return refuse(format!("is of cell {cell}; the experiment has the cells 0 to {}", keys.len() - 1)),
            Some(of) if *of != key => {
                return refuse(format!("is of another cell than cell {cell}: {}", manifest.cells[cell]));
            }
            Some(_) => {}
        }
        let (trial, seed) = (result.trial, trial_seed(manifest.seed, result.trial));
        if result.seed != seed {
            return refuse(format!("has seed {}, but trial {trial} of this experiment has {seed}", result.seed));
        }
        if let Some(first) = seen.insert((cell, trial), n + 1) {
            return refuse(format!("repeats trial {trial} of cell {cell}, which is on line {first}"));
        }
        finished.push((cell, result.into_owned()));
    }
    Ok(finished)
}
