//! `swimlab course new`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use super::crates::Crates;
use super::refuse;
use crate::cli::{Failed, print};

#[derive(clap::Args)]
pub(super) struct NewArgs {
    /// The folder to make; its name is that of the crate: letters, digits, `_` and `-`.
    #[arg(value_name = "NAME")]
    folder: PathBuf,
    /// The checkout of swimlab that the crate depends on [default: the one that this program was built from; without one,
    /// the version of this program in the registry].
    #[arg(long, value_name = "PATH")]
    swimlab: Option<PathBuf>,
}

/// The files of the crate and their texts. `NAME` stands for the crate's name, `SELECTORS` for the dependency on
/// swimlab-selectors, and `LAWS` for the same with its test kit.
const FILES: [(&str, &str); 5] = [
    ("Cargo.toml", include_str!("starter/manifest.txt")),
    (".gitignore", "/target\n"),
    ("README.md", include_str!("starter/readme.txt")),
    ("src/lib.rs", include_str!("starter/lib.txt")),
    ("tests/laws.rs", include_str!("starter/laws.txt")),
];

/// Names that cargo refuses, or that cannot be used beside the crates that the selector needs.
const TAKEN: [&str; 9] =
    ["swimlab", "swimlab_selectors", "core", "std", "alloc", "test", "proc_macro", "crate", "student"];

pub(super) fn new(args: &NewArgs) -> Result<ExitCode, Failed> {
    let folder = &args.folder;
    let name = crate_name(folder)?;
    let crates = Crates::find(args.swimlab.as_deref())?;
    if folder.exists() {
        return Err(refuse(format!(
            "{} exists already; nothing is overwritten: choose another name",
            folder.display()
        )));
    }
    let lock = crates.lock().map(|text| ("Cargo.lock", text));
    let fill = |text: &str| {
        let text = text.replace("{NAME}", &name).replace("{CRATE}", &name.replace('-', "_"));
        text.replace("{SELECTORS}", &crates.selectors(&[])).replace("{LAWS}", &crates.selectors(&["laws"]))
    };
    let files = FILES.into_iter().map(|(file, text)| (file, fill(text)));
    for (file, text) in files.chain(lock) {
        write(&folder.join(file), &text)?;
    }
    let next = format!("cd {} && cargo test", folder.display());
    print(format!("made the crate {name} in {}; next: {next}, then: swimlab course check .\n", folder.display()))?;
    Ok(ExitCode::SUCCESS)
}

fn crate_name(folder: &Path) -> Result<String, Failed> {
    let name = folder.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !name.starts_with(|c: char| c.is_ascii_alphabetic()) || !name.chars().all(is_word) || name.len() > 64 {
        let wanted = "a letter, then letters, digits, _ and -, 64 characters at most";
        return Err(refuse(format!("{}: the folder's name must be that of a crate: {wanted}", folder.display())));
    }
    if TAKEN.contains(&name.replace('-', "_").as_str()) {
        return Err(refuse(format!("{name}: a crate cannot have this name here; my_selector would do")));
    }
    Ok(name)
}

fn write(path: &Path, text: &str) -> Result<(), Failed> {
    let folder = path.parent().expect("a file is in a folder");
    let written = fs::create_dir_all(folder).and_then(|()| fs::write(path, text));
    written.map_err(|error| Failed { code: 1, message: format!("cannot write {}: {error}", path.display()) })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_crates() {
        let name = |folder: &str| crate_name(Path::new(folder)).map_err(|failed| failed.message);
        assert_eq!(name("work/my_selector/").as_deref(), Ok("my_selector"));
        for bad in ["", "7up", "a b", "..", "é"] {
            assert!(name(bad).unwrap_err().contains("must be that of a crate"), "{bad}");
        }
        assert!(name("swimlab-selectors").unwrap_err().contains("my_selector would do"));
    }
}
