//! The experiments of the course by their names, as links to trials use them
//! ([`LinkedExperiment::Named`](crate::experiment::LinkedExperiment::Named)).
//!
//! A scene is an experiment file of `docs/course/scenes/`, with one line here.

/// Names and texts of all scenes, in the order of the course.
const SCENES: &[(&str, &str)] = &[
    ("heartbeats", include_str!("../../docs/course/scenes/heartbeats.toml")),
    ("basic", include_str!("../../docs/course/scenes/basic.toml")),
    ("periods", include_str!("../../docs/course/scenes/periods.toml")),
    ("infection", include_str!("../../docs/course/scenes/infection.toml")),
    ("suspicion", include_str!("../../docs/course/scenes/suspicion.toml")),
    ("round-robin", include_str!("../../docs/course/scenes/round-robin.toml")),
    ("round-robin-crash", include_str!("../../docs/course/scenes/round-robin-crash.toml")),
    ("indirect", include_str!("../../docs/course/scenes/indirect.toml")),
    ("slow", include_str!("../../docs/course/scenes/slow.toml")),
    ("locality", include_str!("../../docs/course/scenes/locality.toml")),
    ("schedule", include_str!("../../docs/course/scenes/schedule.toml")),
    ("partition", include_str!("../../docs/course/scenes/partition.toml")),
    ("small", include_str!("../../docs/course/scenes/small.toml")),
    ("one-way", include_str!("../../docs/course/scenes/one-way.toml")),
];

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
