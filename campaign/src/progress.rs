//! Progress of a campaign, kept in a file so that it can be continued.

use std::fs;
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

/// Progress of a campaign.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// Seed of the campaign.
    pub seed: u64,
    /// Number of finished schedules: the first ones of the campaign.
    pub done: u64,
    /// The violations found.
    pub found: Vec<Found>,
}

/// A schedule that violates an invariant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Found {
    /// Number of the schedule.
    pub number: u64,
    /// The first violation of the schedule as drawn.
    pub violation: String,
    /// The experiment file of the schedule after shrinking.
    pub toml: String,
}

impl Progress {
    /// Reads the progress of the campaign with this seed; a new one if the file does not exist.
    ///
    /// # Errors
    /// If the file cannot be read, or belongs to a campaign with another seed.
    pub fn read(path: &Path, seed: u64) -> io::Result<Self> {
        let text = match fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Self { seed, ..Self::default() }),
            Err(error) => return Err(error),
        };
        let progress: Self = serde_json::from_str(&text)?;
        if progress.seed != seed {
            let message = format!("{} is of the campaign with seed {}", path.display(), progress.seed);
            return Err(io::Error::new(io::ErrorKind::InvalidInput, message));
        }
        Ok(progress)
    }

    /// Replaces the file as a whole.
    ///
    /// # Errors
    /// If it cannot be written; the old file remains.
    pub fn write(&self, path: &Path) -> io::Result<()> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(&serde_json::to_vec_pretty(self)?)?;
        file.persist(path)?;
        Ok(())
    }
}
