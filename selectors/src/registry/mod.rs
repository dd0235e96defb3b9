//! Registries of named things with parameters: how a selector, metric, topology, ... is found by name, listed and
//! labeled.
//!
//! An entry has a name, declared parameters ([`Param`]) and a function that builds a value from checked ones
//! ([`Params`]). A [`Spec`] is the text that a user writes: `kind` or `kind:key=value,...`. Users add entries of their
//! own to a [`Registry`] value.

mod params;
mod spec;
mod text;
mod value;

use std::collections::BTreeMap;

pub use params::{Param, Params};
pub use spec::{Spec, SpecError};
pub use text::{did_you_mean, nearest_names, parse_seconds};
pub use value::{Value, ValueRange};

/// Named builders of values of type `T`, from parameters and a context `C`.
///
/// ```
/// use swimlab_selectors::{Param, Registry, Spec};
///
/// let mut registry: Registry<u32> = Registry::new("number");
/// let params = vec![Param::count("of", 0, 100, 21, "number to double")];
/// registry.register("double", "Twice a number.", params, |params, ()| Ok(2 * params.count("of")?));
///
/// assert_eq!(registry.build(&Spec::parse("double")?, &()), Ok(42));
/// assert_eq!(registry.build(&Spec::parse("double:of=3")?, &()), Ok(6));
/// let error = registry.build(&Spec::parse("double:off=3")?, &()).unwrap_err();
/// assert_eq!(error.to_string(), "double has no parameter \"off\"; did you mean of?");
/// # Ok::<(), swimlab_selectors::SpecError>(())
/// ```
pub struct Registry<T, C = ()> {
    what: &'static str,
    entries: Vec<Registration<T, C>>,
}

/// Entry of a registry.
#[non_exhaustive]
pub struct Registration<T, C = ()> {
    /// Name in files, tables and on the command line.
    pub name: &'static str,
    /// Description in one sentence.
    pub about: &'static str,
    /// Declared parameters.
    pub params: Vec<Param>,
    build: Build<T, C>,
}

type Build<T, C> = Box<dyn Fn(&Params, &C) -> Result<T, String> + Send + Sync>;

impl<T, C> Registry<T, C> {
    /// Empty registry; `what` names its things in messages ("selector", "metric", ...).
    pub fn new(what: &'static str) -> Self {
        Self { what, entries: Vec::new() }
    }

    /// Adds an entry, in place of one of the same name.
    ///
    /// `build` gets a value for each of `params`; its error says why nothing can be built from them.
    pub fn register(
        &mut self,
        name: &'static str,
        about: &'static str,
        params: Vec<Param>,
        build: impl Fn(&Params, &C) -> Result<T, String> + Send + Sync + 'static,
    ) -> &mut Self {
        self.entries.retain(|entry| entry.name != name);
        self.entries.push(Registration { name, about, params, build: Box::new(build) });
        self
    }

    /// Entries in the order of their registration.
    pub fn entries(&self) -> &[Registration<T, C>] {
        &self.entries
    }

    /// Returns the entry of this name.
    ///
    /// # Errors
    /// [`SpecError::UnknownKind`].
    pub fn entry(&self, kind: &str) -> Result<&Registration<T, C>, SpecError> {
        self.entries.iter().find(|entry| entry.name == kind).ok_or_else(|| SpecError::UnknownKind {
            what: self.what,
            kind: kind.to_owned(),
            nearest: nearest_names(kind, self.entries.iter().map(|entry| entry.name)),
        })
    }

    /// Checks a spec and fills in defaults, without building anything.
    ///
    /// # Errors
    /// [`SpecError::UnknownKind`], [`SpecError::UnknownParam`] or [`SpecError::Invalid`].
    pub fn check(&self, spec: &Spec) -> Result<Params, SpecError> {
        let entry = self.entry(&spec.kind)?;
        for key in spec.values.keys() {
            if !entry.params.iter().any(|param| param.name == key) {
                return Err(SpecError::UnknownParam {
                    kind: spec.kind.clone(),
                    param: key.clone(),
                    nearest: nearest_names(key, entry.params.iter().map(|param| param.name)),
                });
            }
        }
        let mut params = BTreeMap::new();
        for param in &entry.params {
            let invalid =
                |why: String| SpecError::Invalid { kind: spec.kind.clone(), param: param.name.to_owned(), why };
            let given = spec.values.get(param.name);
            let value = match (given, &param.default) {
                (Some(value), _) => param.range.admit(value).map_err(invalid)?,
                (None, Some(value)) => value.clone(),
                (None, None) => return Err(invalid(format!("is missing ({})", param.about))),
            };
            params.insert(param.name, value);
        }
        Ok(Params::new(params))
    }

    /// Builds what a spec describes.
    ///
    /// # Errors
    /// As [`Registry::check`], and [`SpecError::Refused`].
    pub fn build(&self, spec: &Spec, context: &C) -> Result<T, SpecError> {
        let params = self.check(spec)?;
        let entry = self.entry(&spec.kind)?;
        (entry.build)(&params, context).map_err(|why| SpecError::Refused { kind: spec.kind.clone(), why })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn animals() -> Registry<u32> {
        let mut registry = Registry::new("animal");
        registry.register("horse", "Has legs.", vec![Param::count("legs", 0, 4, 4, "number of legs")], |p, ()| {
            p.count("legs")
        });
        registry.register("cat", "Has lives.", vec![], |_, ()| Err("no cats today".into()));
        registry.register(
            "dog",
            "Reads another name than it declares.",
            vec![Param::flag("tail", true, "")],
            |p, ()| p.count("tails"),
        );
        registry.register(
            "cow",
            "Reads another type than it declares.",
            vec![Param::flag("horns", true, "")],
            |p, ()| p.count("horns"),
        );
        registry
    }

    #[test]
    fn values_are_built_from_labels() {
        assert_eq!(animals().build(&Spec::parse("horse:legs=3").unwrap(), &()), Ok(3));
        assert_eq!(animals().build(&Spec::parse("horse").unwrap(), &()), Ok(4));
    }

    #[test]
    fn errors_name_the_most_similar_names() {
        let error = |label: &str| animals().build(&Spec::parse(label).unwrap(), &()).unwrap_err().to_string();
        assert_eq!(error("hors"), "unknown animal \"hors\"; did you mean horse?");
        assert_eq!(error("horse:leg=1"), "horse has no parameter \"leg\"; did you mean legs?");
        assert_eq!(error("horse:legs=5"), "horse: legs must be an integer from 0 to 4, not 5");
        assert_eq!(error("horse:legs=1.5"), "horse: legs must be an integer from 0 to 4, not 1.5");
        assert_eq!(error("cat"), "cat: no cats today");
    }

    #[test]
    fn a_parameter_that_is_read_but_not_declared_is_an_error() {
        let error = |kind: &str| animals().build(&Spec::of(kind), &()).unwrap_err().to_string();
        assert_eq!(error("dog"), "dog: its code reads the parameter tails, which it does not declare");
        assert_eq!(error("cow"), "cow: its code reads the parameter horns as an integer, but the value is true");
    }

    #[test]
    fn labels_are_read_and_written_alike() {
        for label in ["shuffle", "a:b=1,c=true,d=x", "a:b=0.5"] {
            assert_eq!(Spec::parse(label).unwrap().to_string(), label);
        }
        assert!(Spec::parse(":a=1").is_err());
        assert!(Spec::parse("a:b").is_err());
        assert!(Spec::parse("a:b=1,b=2").is_err());
    }
}
