//! The files that apply an advice.

use std::fs;
use std::io::Write;
use std::path::Path;

use super::Advice;
use crate::experiment::{Error, write_whole};
use crate::report::{ExportOptions, Exporter, HtmlReport};

/// Writes the files into a folder and returns their names.
pub(super) fn write(advice: &Advice, folder: &Path) -> Result<Vec<String>, Error> {
    fs::create_dir_all(folder).map_err(|source| Error::Lost { path: folder.to_owned(), source })?;
    let mut names = Vec::new();
    let mut text = |name: &str, content: &[u8]| {
        names.push(name.to_owned());
        write_whole(&folder.join(name), |out| out.write_all(content))
    };
    for (name, content) in advice.question.network.files() {
        text(name, content)?;
    }
    text("question.toml", advice.question.to_toml().as_bytes())?;
    text("advice.toml", advice.experiment_toml.as_bytes())?;
    match &advice.agent_toml {
        Some((_, content)) => text("agent.toml", content.as_bytes())?,
        // That of an earlier answer would be taken for this one's.
        None => drop(fs::remove_file(folder.join("agent.toml"))),
    }
    text("advice.md", advice.record().as_bytes())?;
    write_whole(&folder.join("report.html"), |out| {
        HtmlReport.export(&advice.confirmation, &ExportOptions::default(), out)
    })?;
    names.push("report.html".to_owned());
    Ok(names)
}
