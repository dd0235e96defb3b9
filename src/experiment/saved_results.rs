//! A results folder read without its experiment file: summary.json has the keys of the cells, trials.jsonl their
//! trials.

use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::error::Error;
use super::measures::MEASURES;
use super::results::{CellKey, JsonKey, TrialResult};
use super::store::{MANIFEST, Manifest, SUMMARY, TRIALS, TrialLine};

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
        let read = |file: &str, absent: &str| {
            fs::read_to_string(path.join(file)).map_err(|error| match error.kind() {
                ErrorKind::NotFound => refuse(absent.to_owned()),
                _ => refuse(format!("{file}: {error}")),
            })
        };
        let damaged = |file: &str| {
            let file = file.to_owned();
            move |error: serde_json::Error| refuse(format!("{file}: {error}"))
        };
        let manifest = read(MANIFEST, "is no results folder: it has no manifest.json")?;
        let manifest: Manifest = serde_json::from_str(&manifest).map_err(damaged(MANIFEST))?;
        let summary = read(SUMMARY, "has no summary.json: its run did not end; run --resume goes on with it")?;
        let keys: Vec<JsonKey> = serde_json::from_str(&summary).map_err(damaged(SUMMARY))?;
        let trials = read(TRIALS, "is no results folder: it has no trials.jsonl")?;
        let mut cells: Vec<_> =
            keys.into_iter().map(|key| (key.into_key(|name| !NOT_KEYS.contains(&name)), Vec::new())).collect();
        assign_trials(&trials, &mut cells).map_err(refuse)?;
        Ok(Self { path: path.to_owned(), manifest, cells })
    }
}

/// The members of a cell in summary.json that are not part of its key.
const NOT_KEYS: [&str; 7] = ["trials", "complete", "measures", "strikes", "violations", "events", "trace_hash"];

/// Adds each trial of trials.jsonl to its cell.
fn assign_trials(text: &str, cells: &mut [(CellKey, Vec<TrialResult>)]) -> Result<(), String> {
    // A run that was killed may have left an incomplete line.
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    for (n, line) in whole.lines().enumerate() {
        let damaged = |why: &dyn std::fmt::Display| format!("{TRIALS}:{}: {why}", n + 1);
        let TrialLine { cell, result } = serde_json::from_str(line).map_err(|error| damaged(&error))?;
        let Some((_, trials)) = cells.get_mut(cell) else { return Err(damaged(&"belongs to no cell of summary.json")) };
        let (has, known) = (result.measured.readings.len(), MEASURES.len());
        if has != known {
            let why = format!("has {has} measures, this version of swimlab {known}; run the experiment again");
            return Err(damaged(&why));
        }
        trials.push(result.into_owned());
    }
    for (_, trials) in cells {
        trials.sort_by_key(|result| result.trial);
        trials.dedup_by_key(|result| result.trial);
    }
    Ok(())
}
