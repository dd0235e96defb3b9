//! Sets `SWIMLAB_VERSION`, which `swimlab --version` prints: the version, and in a release build from a checkout the revision.
//!
//! Without git, or from a packaged crate, it is the version alone. Debug builds and tests leave the revision out, so that a
//! commit does not make them compile again.

use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let version = env::var("CARGO_PKG_VERSION").expect("cargo sets it");
    // Programs that judge a selector, of the feature `judge` without `cli`, name no revision, and are built again less often.
    let has = |feature: &str| env::var_os(format!("CARGO_FEATURE_{feature}")).is_some();
    let is_judge = has("JUDGE") && !has("CLI");
    let is_release = !is_judge && env::var("PROFILE").is_ok_and(|profile| profile == "release");
    let revision =
        if is_release { revision(Path::new(&env::var("CARGO_MANIFEST_DIR").expect("cargo sets it"))) } else { None };
    let suffix = revision.map(|revision| format!(" ({revision})")).unwrap_or_default();
    println!("cargo::rustc-env=SWIMLAB_VERSION={version}{suffix}");
}

/// The commit that is checked out in `root`; `None` if that is no checkout, or git is not installed.
fn revision(root: &Path) -> Option<String> {
    let git = |arguments: &[&str]| {
        let output = Command::new("git").arg("-C").arg(root).args(arguments).output().ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        output.status.success().then(|| text.trim().to_owned())
    };
    // A packaged crate that lies inside of another repository has no revision.
    if !root.join(".git").exists() {
        return None;
    }
    // HEAD changes with the branch, its log with every commit.
    for file in ["HEAD", "logs/HEAD"] {
        let path: PathBuf = root.join(git(&["rev-parse", "--git-path", file])?);
        if path.exists() {
            println!("cargo::rerun-if-changed={}", path.display());
        }
    }
    git(&["rev-parse", "--short=10", "HEAD"])
}
