//! Checks and chores of the repository: `cargo xtask COMMAND`. CONTRIBUTING.md tells when to use which.

mod layers;
mod links;
mod page;
mod wording;

use std::env;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

const USAGE: &str = "\
Usage: cargo xtask COMMAND

Commands:
  check                        what must hold before a push: format, spelling, layers, links, wording, lints
  test [ARGS]                  all tests; ARGS go to `cargo test`
  bench [NAME] [-- ARGS]       all benchmarks but `peers`, which downloads other simulators, or one with its own arguments
  docs                         the documentation of all crates, without warnings, and the links between pages
  links                        the links between pages alone
  page [--module FILE]         the playground as one HTML file, playground/dist/swimlab.html; --module: with this
                               WebAssembly module instead of building it
  wording                      no doc comment begins with a question word
  layers [--circles] [--strict]
                               no room uses one above it; --circles: no import circles within rooms;
                               --strict: circles of a parent module and its children count, too
";

/// Description of a failure for the user.
type Failure = String;

fn main() -> ExitCode {
    let args: Vec<String> = env::args().skip(1).collect();
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    // Cargo runs the alias wherever the user stands; all paths are from the repository's root.
    let package = env::var("CARGO_MANIFEST_DIR").unwrap_or_else(|_| env!("CARGO_MANIFEST_DIR").to_owned());
    let root = Path::new(&package).parent().expect("the package is a folder of the repository");
    let outcome = match args.as_slice() {
        ["check"] => check(root),
        ["test", rest @ ..] => cargo(root, &[&["test", "--workspace", "--locked"], rest].concat()),
        ["bench", "--", rest @ ..] => cargo(root, &[&["bench", "--workspace", "--locked", "--"], rest].concat()),
        ["bench"] => cargo(root, &["bench", "--workspace", "--locked"]),
        // A package apart from the workspace, with settings of its own in that folder.
        ["bench", "peers", rest @ ..] => {
            cargo(&root.join("benches/peers"), &[&["bench", "--locked", "--bench", "peers"], rest].concat())
        }
        ["bench", name, rest @ ..] => {
            cargo(root, &[&["bench", "--workspace", "--locked", "--bench", name], rest].concat())
        }
        ["docs"] => docs(root),
        ["links"] => links(root),
        ["page"] => page::build(root).and_then(|module| page::assemble(root, &module)),
        ["page", "--module", file] => page::assemble(root, Path::new(file)),
        ["wording"] => wording(root),
        ["layers", flags @ ..] => layer_options(flags).and_then(|options| layers(root, options)),
        ["help" | "--help" | "-h"] => {
            print!("{USAGE}");
            Ok(())
        }
        [] => Err(USAGE.to_owned()),
        [other, ..] => Err(format!("unknown command, or arguments that it does not take: {other}\n\n{USAGE}")),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::FAILURE
        }
    }
}

/// Runs all checks, also after one of them failed, and names those that did.
fn check(root: &Path) -> Result<(), Failure> {
    let clippy = ["clippy", "--workspace", "--all-targets", "--all-features", "--locked", "--", "-D", "warnings"];
    let mut failed = Vec::new();
    let mut step = |name: &'static str, outcome: &dyn Fn() -> Result<(), Failure>| {
        println!("== {name}");
        if let Err(failure) = outcome() {
            eprintln!("{failure}");
            failed.push(name);
        }
    };
    step("format", &|| cargo(root, &["fmt", "--all", "--check"]));
    step("spelling", &|| spelling(root));
    step("layers", &|| layers(root, layers::Options::default()));
    step("links", &|| links(root));
    step("wording", &|| wording(root));
    step("lints", &|| cargo(root, &clippy));
    if failed.is_empty() { Ok(()) } else { Err(format!("failed: {}", failed.join(", "))) }
}

/// Runs `typos`, where it is installed.
fn spelling(root: &Path) -> Result<(), Failure> {
    let is_there = Command::new("typos").arg("--version").stdout(Stdio::null()).stderr(Stdio::null()).status();
    if is_there.is_err() {
        println!("skipped: typos is not installed (cargo install typos-cli --locked, or pip install typos)");
        return Ok(());
    }
    run(Command::new("typos").current_dir(root))
}

fn docs(root: &Path) -> Result<(), Failure> {
    links(root)?;
    let args = ["doc", "--workspace", "--no-deps", "--all-features", "--locked"];
    run(Command::new(cargo_path()).args(args).current_dir(root).env("RUSTDOCFLAGS", "-D warnings"))
}

fn links(root: &Path) -> Result<(), Failure> {
    let dead = links::dead(root).map_err(|error| format!("cannot read the pages: {error}"))?;
    dead.iter().for_each(|link| println!("{link}"));
    if dead.is_empty() { Ok(()) } else { Err(format!("dead links: {}", dead.len())) }
}

fn wording(root: &Path) -> Result<(), Failure> {
    let questions = wording::questions(root).map_err(|error| format!("cannot read the sources: {error}"))?;
    questions.iter().for_each(|question| println!("{question}"));
    if questions.is_empty() {
        Ok(())
    } else {
        Err(format!("doc comments that begin with a question word: {}", questions.len()))
    }
}

fn layer_options(flags: &[&str]) -> Result<layers::Options, Failure> {
    let mut options = layers::Options::default();
    for flag in flags {
        match *flag {
            "--circles" => options.circles = true,
            "--strict" => options.strict = true,
            other => return Err(format!("layers does not take {other}\n\n{USAGE}")),
        }
    }
    // Strictness is about circles.
    options.circles |= options.strict;
    Ok(options)
}

fn layers(root: &Path, options: layers::Options) -> Result<(), Failure> {
    if layers::check(root, options)? { Ok(()) } else { Err("the layers do not hold".to_owned()) }
}

fn cargo(root: &Path, args: &[&str]) -> Result<(), Failure> {
    run(Command::new(cargo_path()).args(args).current_dir(root))
}

/// The cargo that runs this program.
fn cargo_path() -> String {
    env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}

fn run(command: &mut Command) -> Result<(), Failure> {
    let program = command.get_program().to_string_lossy().into_owned();
    match command.status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("{program}: {status}")),
        Err(error) => Err(format!("cannot run {program}: {error}")),
    }
}
