//! The origin of swimlab for crates of students: a checkout on this machine, or the registry.

use std::fs;
use std::path::{Path, PathBuf};

use super::refuse;
use crate::cli::Failed;

/// The origin of the crates `swimlab` and `swimlab-selectors`.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Crates {
    /// A checkout of the repository.
    Checkout(PathBuf),
    /// A requirement on the version in the registry.
    Registry(String),
}

impl Crates {
    /// The checkout that the flag names, else the one that this program was built from if it still exists, else the
    /// registry.
    ///
    /// # Errors
    /// If the flag names no checkout.
    pub(super) fn find(flag: Option<&Path>) -> Result<Self, Failed> {
        let built_from = Path::new(env!("CARGO_MANIFEST_DIR"));
        match flag {
            Some(path) if is_checkout(path) => match std::path::absolute(path) {
                Ok(path) => Ok(Self::Checkout(path)),
                Err(error) => Err(refuse(format!("--swimlab {}: {error}", path.display()))),
            },
            Some(path) => Err(refuse(format!(
                "--swimlab {}: is no checkout of swimlab: it has no selectors/Cargo.toml",
                path.display()
            ))),
            None if is_checkout(built_from) => Ok(Self::Checkout(built_from.to_owned())),
            None => Ok(Self::Registry(env!("CARGO_PKG_VERSION").to_owned())),
        }
    }

    /// Whether both are the same folder, or the same version.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Checkout(one), Self::Checkout(other)) => one.canonicalize().ok() == other.canonicalize().ok(),
            _ => self == other,
        }
    }

    /// The dependency on `swimlab-selectors`, as a value in a Cargo.toml.
    pub(super) fn selectors(&self, features: &[&str]) -> String {
        self.dependency("selectors", &format!("features = {features:?}"), features.is_empty())
    }

    /// The dependency on `swimlab` with what judges selectors.
    pub(super) fn judge(&self) -> String {
        self.dependency("", "default-features = false, features = [\"judge\"]", false)
    }

    fn dependency(&self, folder: &str, options: &str, is_plain: bool) -> String {
        let origin = match self {
            Self::Checkout(root) if folder.is_empty() => format!("path = {}", quoted(root)),
            Self::Checkout(root) => format!("path = {}", quoted(&root.join(folder))),
            Self::Registry(version) => format!("version = \"{version}\""),
        };
        if is_plain { format!("{{ {origin} }}") } else { format!("{{ {origin}, {options} }}") }
    }

    /// The versions of all dependencies that swimlab is tested with, as the content of a Cargo.lock. Cargo asks no server
    /// about what is in it.
    pub(super) fn lock(&self) -> Option<String> {
        match self {
            Self::Checkout(root) => fs::read_to_string(root.join("Cargo.lock")).ok(),
            Self::Registry(_) => None,
        }
    }
}

/// A path as a string in TOML.
pub(super) fn quoted(path: &Path) -> String {
    toml::Value::from(path.to_string_lossy().into_owned()).to_string()
}

fn is_checkout(path: &Path) -> bool {
    let has_package = |file: &str, name: &str| {
        let text = fs::read_to_string(path.join(file)).unwrap_or_default();
        text.lines().any(|line| line == format!("name = \"{name}\""))
    };
    has_package("Cargo.toml", "swimlab") && has_package("selectors/Cargo.toml", "swimlab-selectors")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dependencies_are_by_path_from_a_checkout_and_by_version_otherwise() {
        let checkout = Crates::Checkout("/a \"b\"".into());
        assert_eq!(checkout.selectors(&[]), "{ path = '/a \"b\"/selectors' }");
        assert_eq!(checkout.selectors(&["laws"]), "{ path = '/a \"b\"/selectors', features = [\"laws\"] }");
        let registry = Crates::Registry("0.1.0".to_owned());
        let judge = "{ version = \"0.1.0\", default-features = false, features = [\"judge\"] }";
        assert_eq!((registry.judge().as_str(), registry.lock()), (judge, None));
    }

    #[test]
    fn this_checkout_is_found() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        assert_eq!(Crates::find(None).ok(), Some(Crates::Checkout(root.to_owned())));
        assert!(Crates::find(Some(&root.join("docs"))).is_err());
    }
}
