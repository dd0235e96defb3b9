//! The experiments of the course by their names, as links to trials use them
//! ([`LinkedExperiment::Named`](crate::experiment::LinkedExperiment::Named)).
//!
//! A scene is an experiment file of `docs/course/scenes/`, with one line here.

/// Names and texts of all scenes, in the order of the course.
const SCENES: &[(&str, &str)] = &[("basic", include_str!("../../docs/course/scenes/basic.toml"))];

/// All scenes: name and text of the experiment, in the order of the course.
///
/// ```
/// use swimlab::course::scenes;
/// use swimlab::experiment::{Experiment, Lab, TomlSource};
///
/// for (name, text) in scenes() {
///     Experiment::parse(&TomlSource::text(name, text), &Lab::default()).expect("valid");
/// }
/// ```
pub fn scenes() -> impl Iterator<Item = (&'static str, &'static str)> {
    SCENES.iter().copied()
}

/// The text of the scene of this name.
pub fn text(name: &str) -> Option<&'static str> {
    scenes().find(|(other, _)| *other == name).map(|(_, text)| text)
}
