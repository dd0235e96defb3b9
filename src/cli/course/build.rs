//! Builds the program that judges a student's selector: a crate in a cache folder, around the student's file or crate.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::AtomicBool;

use serde::Deserialize;
use swimlab_selectors::rng::mix;

use super::crates::{Crates, quoted};
use super::program::{Ended, Task, run};
use super::refuse;
use crate::cli::{Failed, output};

/// Flags of the build.
#[derive(clap::Args)]
pub(super) struct BuildFlags {
    /// The checkout of swimlab to build a single file with [default: the one that this program was built from; without
    /// one, the version of this program in the registry]. A crate says itself what it depends on.
    #[arg(long, value_name = "PATH")]
    swimlab: Option<PathBuf>,
    /// Let cargo use no network. It needs none anyway once the crates that swimlab depends on are on this machine.
    #[arg(long)]
    offline: bool,
    /// The folder for what cargo builds [default: swimlab/course in the user's folder for caches].
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
}

/// A student's selector.
enum Student {
    /// A Rust file.
    File(PathBuf),
    /// A crate with a library, by its folder and name.
    Crate { folder: PathBuf, name: String },
}

/// The end of a build.
pub(super) enum Built {
    /// The program.
    Program(PathBuf),
    /// It was stopped, as the command was asked to end.
    Interrupted,
}

/// Builds the program that judges the selector in this file or crate.
///
/// # Errors
/// If there is no such selector, cargo is missing, or it cannot build the program.
pub(super) fn build(path: &Path, flags: &BuildFlags, interrupted: &AtomicBool) -> Result<Built, Failed> {
    let (student, crates) = find(path, flags)?;
    let cache = flags.cache.clone().unwrap_or_else(cache);
    // Cargo would start relative paths in the folder of the manifest, or in the current one, by its version.
    let cache = std::path::absolute(&cache).map_err(|error| refuse(format!("--cache {}: {error}", cache.display())))?;
    let folder = student.write_program(&cache, &crates)?;
    let mut command = cargo();
    command.args(["build", "--release", "--message-format=json-render-diagnostics", "--manifest-path"]);
    command.arg(folder.join("Cargo.toml")).arg("--target-dir").arg(cache.join("target"));
    command.args(flags.offline.then_some("--offline"));
    output::report(&format!("building {} with cargo; the first time takes a few minutes", path.display()));
    // Cargo's own lines follow.
    output::flush();
    let (mut program, mut has_begun) = (None, false);
    let task = Task { input: String::new(), limit: None, interrupted };
    let ended = run(&mut command, task, |line| match serde_json::from_str(&line) {
        Ok(CargoMessage::CompilerArtifact { executable: Some(path) }) => program = Some(path),
        Ok(CargoMessage::BuildFinished) => has_begun = true,
        Ok(CargoMessage::CompilerArtifact { executable: None } | CargoMessage::Other) | Err(_) => {}
    });
    match (ended.map_err(|error| no_cargo(&error))?, program) {
        (Ended::Interrupted | Ended::TimedOut, _) => Ok(Built::Interrupted),
        (Ended::Exited(status), Some(program)) if status.success() => Ok(Built::Program(program)),
        (Ended::Exited(_), _) if has_begun => {
            let needed = "it must compile, and have: pub fn selector() -> swimlab_selectors::DynSelector";
            Err(refuse(format!("{} cannot be built, for the reasons above; {needed}", path.display())))
        }
        (Ended::Exited(_), _) => {
            let fetch = match &crates {
                Crates::Checkout(root) => format!("`cargo fetch` in {}", root.display()),
                Crates::Registry(_) => "the same command".to_owned(),
            };
            let network =
                format!("if a crate could not be fetched, run {fetch} once with a connection; later none is needed");
            Err(refuse(format!("{} cannot be built, for the reasons above; {network}", path.display())))
        }
    }
}

/// The student's selector at a path, and where its crates come from.
fn find(path: &Path, flags: &BuildFlags) -> Result<(Student, Crates), Failed> {
    let shown = path.display();
    let absolute = path.canonicalize().map_err(|error| refuse(format!("{shown}: {error}")))?;
    if absolute.is_dir() {
        return find_crate(&absolute, path, flags);
    }
    if absolute.extension().is_none_or(|extension| extension != "rs") {
        return Err(refuse(format!("{shown}: is neither a Rust file (.rs) nor the folder of a crate")));
    }
    Ok((Student::File(absolute), Crates::find(flags.swimlab.as_deref())?))
}

fn find_crate(folder: &Path, path: &Path, flags: &BuildFlags) -> Result<(Student, Crates), Failed> {
    let shown = path.display();
    let manifest = folder.join("Cargo.toml");
    if !manifest.is_file() {
        return Err(refuse(format!("{shown}: has no Cargo.toml; `swimlab course new` makes a crate")));
    }
    let mut command = cargo();
    command.args(["metadata", "--no-deps", "--format-version", "1", "--offline", "--manifest-path"]).arg(&manifest);
    let output = command.stdin(Stdio::null()).output().map_err(|error| no_cargo(&error))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        return Err(refuse(format!("{shown}: cargo refuses the crate: {}", said.trim().trim_start_matches("error: "))));
    }
    let metadata: Metadata = serde_json::from_slice(&output.stdout)
        .map_err(|error| refuse(format!("{shown}: cargo describes the crate in an unknown way: {error}")))?;
    let is_it = |package: &Package| package.manifest_path.canonicalize().is_ok_and(|path| path == manifest);
    let package = metadata.packages.into_iter().find(is_it);
    let package =
        package.ok_or_else(|| refuse(format!("{shown}: is a workspace; name the folder of the crate in it")))?;
    if !package.targets.iter().any(|target| target.kind.iter().any(|kind| kind == "lib" || kind == "rlib")) {
        return Err(refuse(format!("{shown}: the crate {} has no library, src/lib.rs", package.name)));
    }
    let crates = package.crates(path)?;
    if let Some(flag) = &flags.swimlab
        && !Crates::find(Some(flag))?.is_same(&crates)
    {
        let why = "is not what the crate depends on; without the flag, its Cargo.toml decides";
        return Err(refuse(format!("--swimlab {}: {why}", flag.display())));
    }
    Ok((Student::Crate { folder: folder.to_owned(), name: package.name }, crates))
}

impl Student {
    /// Writes the crate of the program into the cache and returns its folder. Files that are right stay as they are, so that
    /// cargo builds nothing again.
    fn write_program(&self, cache: &Path, crates: &Crates) -> Result<PathBuf, Failed> {
        let path = self.path();
        let word = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
        let stem = path.file_stem().map(|stem| stem.to_string_lossy().chars().map(word).collect::<String>());
        let digest = path.to_string_lossy().bytes().fold(0, |hash, byte| mix(hash ^ u64::from(byte)));
        let name = format!("judge-{}-{digest:016x}", stem.unwrap_or_default());
        let folder = cache.join(&name);
        let manifest = format!(
            "# Written by `swimlab course check`: the program that judges the selector.\n\
             [package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2024\"\npublish = false\n\n\
             [dependencies]\nswimlab = {}\nswimlab-selectors = {}\n{}\n{PROFILE}{}\n[workspace]\n",
            crates.judge(),
            crates.selectors(&[]),
            self.dependency(),
            self.profile()
        );
        let write = || -> io::Result<()> {
            fs::create_dir_all(folder.join("src"))?;
            write_changed(&folder.join("Cargo.toml"), &manifest)?;
            write_changed(&folder.join("src/main.rs"), &self.main())?;
            // The versions that swimlab is tested with. Cargo adds what else the student needs, and drops what nobody does.
            if let Some(lock) = crates.lock()
                && write_changed(&folder.join("swimlab.lock"), &lock)?
            {
                fs::write(folder.join("Cargo.lock"), lock)?;
            }
            Ok(())
        };
        write().map_err(|error| {
            refuse(format!("cannot write {}: {error}; --cache DIR names another folder", folder.display()))
        })?;
        Ok(folder)
    }

    fn path(&self) -> &Path {
        match self {
            Self::File(path) => path,
            Self::Crate { folder, .. } => folder,
        }
    }

    fn dependency(&self) -> String {
        match self {
            Self::File(_) => String::new(),
            Self::Crate { folder, name } => {
                format!("student = {{ package = \"{name}\", path = {} }}\n", quoted(folder))
            }
        }
    }

    /// Mistakes in the student's arithmetic are told as in tests.
    fn profile(&self) -> String {
        match self {
            Self::File(_) => String::new(),
            Self::Crate { name, .. } => {
                format!("\n[profile.release.package.{name}]\ndebug-assertions = true\noverflow-checks = true\n")
            }
        }
    }

    fn main(&self) -> String {
        let module = match self {
            Self::File(path) => format!(
                "// The file under test must have: pub fn selector() -> swimlab_selectors::DynSelector\n\
                 #[allow(dead_code)]\n#[path = {:?}]\nmod student;\n\n",
                path.to_string_lossy()
            ),
            Self::Crate { .. } => String::new(),
        };
        format!(
            "{module}fn main() -> std::process::ExitCode {{\n    \
             // The library must have: pub fn selector() -> swimlab_selectors::DynSelector\n    \
             swimlab::course::challenges::main(student::selector)\n}}\n"
        )
    }
}

/// The program is fast where worlds run, checks the student's own arithmetic, and is built as soon as possible: the crates
/// without optimization are on no hot path.
const PROFILE: &str = "\
[profile.release]
debug-assertions = true
overflow-checks = true

[profile.release.package.\"*\"]
debug-assertions = false
overflow-checks = false

[profile.release.package]
comfy-table.opt-level = 0
geo.opt-level = 0
i_overlay.opt-level = 0
toml.opt-level = 0
toml_parser.opt-level = 0
";

/// The output of `cargo metadata`.
#[derive(Deserialize)]
struct Metadata {
    packages: Vec<Package>,
}

#[derive(Deserialize)]
struct Package {
    name: String,
    manifest_path: PathBuf,
    dependencies: Vec<Dependency>,
    targets: Vec<CargoTarget>,
}

#[derive(Deserialize)]
struct Dependency {
    name: String,
    req: String,
    /// `None` for normal dependencies.
    kind: Option<String>,
    /// Of a dependency by path.
    path: Option<PathBuf>,
    source: Option<String>,
}

#[derive(Deserialize)]
struct CargoTarget {
    kind: Vec<String>,
}

/// A message of `cargo build`.
#[derive(Deserialize)]
#[serde(tag = "reason", rename_all = "kebab-case")]
enum CargoMessage {
    CompilerArtifact {
        executable: Option<PathBuf>,
    },
    BuildFinished,
    #[serde(other)]
    Other,
}

impl Package {
    /// The origin of the package's swimlab-selectors. The program must take the same, or its types are others.
    fn crates(&self, shown: &Path) -> Result<Crates, Failed> {
        let shown = shown.display();
        let normal = |dependency: &&Dependency| dependency.name == "swimlab-selectors" && dependency.kind.is_none();
        let Some(dependency) = self.dependencies.iter().find(normal) else {
            return Err(refuse(format!("{shown}: the crate {} does not depend on swimlab-selectors", self.name)));
        };
        match (&dependency.path, &dependency.source) {
            (Some(path), _) => {
                let root = path.parent().filter(|_| path.ends_with("selectors")).unwrap_or(path);
                Crates::find(Some(root)).map_err(|_| {
                    let why = "which is not the folder selectors/ of a checkout of swimlab";
                    refuse(format!("{shown}: its swimlab-selectors is {}, {why}", path.display()))
                })
            }
            (None, Some(source)) if source.starts_with("registry+") => Ok(Crates::Registry(dependency.req.clone())),
            (None, _) => Err(refuse(format!(
                "{shown}: its swimlab-selectors must be the folder selectors/ of a checkout, by path, or a version"
            ))),
        }
    }
}

fn cargo() -> Command {
    Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

fn no_cargo(error: &io::Error) -> Failed {
    let what = "cargo builds the selector, but cannot be started";
    refuse(format!("{what}: {error}; https://rustup.rs installs it. --selector judges a selector that needs no build"))
}

/// Writes a file unless it has this text; returns whether it did.
fn write_changed(path: &Path, text: &str) -> io::Result<bool> {
    let is_same = fs::read_to_string(path).is_ok_and(|old| old == text);
    if !is_same {
        fs::write(path, text)?;
    }
    Ok(!is_same)
}

/// The folder for caches of the user.
fn cache() -> PathBuf {
    let folder = |variable: &str| env::var_os(variable).map(PathBuf::from).filter(|path| path.is_absolute());
    let home = || folder("HOME");
    let caches = match env::consts::OS {
        "windows" => folder("LOCALAPPDATA"),
        "macos" => home().map(|home| home.join("Library/Caches")),
        _ => folder("XDG_CACHE_HOME").or_else(|| home().map(|home| home.join(".cache"))),
    };
    caches.unwrap_or_else(env::temp_dir).join("swimlab/course")
}
