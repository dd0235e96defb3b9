//! Settings, code and processes that somebody has to look after.

use swimlab_selectors::{Spec, ValueRange};

use super::groups::{Contender, Groups};
use crate::experiment::Lab;
use crate::protocol::preset;
use crate::reproduce::Section;

/// Code of detectors: their names (none for SWIM and its variants), their sources below src/, and the lines of these
/// without tests, comments and blank lines, to two digits. A test counts them again.
const CODE: [(&[&str], &[&str], u32); 5] = [
    (&["majority"], &["detectors/heartbeat.rs", "detectors/message.rs", "detectors/majority.rs"], 440),
    (&["all-to-all"], &["detectors/heartbeat.rs", "detectors/message.rs", "detectors/all_to_all.rs"], 440),
    (&["gossip-heartbeat"], &["detectors/heartbeat.rs", "detectors/message.rs", "detectors/gossip_heartbeat.rs"], 460),
    (&["lease"], &["detectors/lease", "detectors/message.rs"], 420),
    (&[], &["protocol"], 5_400),
];

pub(super) fn section(groups: &Groups) -> Section {
    let lab = Lab::default();
    let row = |contender: &Contender| {
        let (of_swim, of_others) = (lab.profiles.entry(&contender.name), lab.detectors.entry(&contender.name));
        let params = of_swim.map(|entry| &entry.params).or(of_others.map(|entry| &entry.params));
        let params = params.expect("a detector of an experiment is registered");
        let is_time = |range: &ValueRange| matches!(range, ValueRange::Span { .. } | ValueRange::ChoiceOrSpan { .. });
        let times = params.iter().filter(|param| is_time(&param.range)).count();
        vec![
            contender.name.clone(),
            params.len().to_string(),
            times.to_string(),
            if contender.is_swim { "2".to_owned() } else { "0".to_owned() },
            further_processes(&lab, contender).to_string(),
            lines(contender).map_or("–".to_owned(), |lines| lines.to_string()),
        ]
    };
    let preset = preset("lan").expect("a built-in preset").values().count();
    let text = vec![
        format!(
            "- **Settings** are the parameters that the registry declares for a detector, all of which have defaults; \
             times are those among them that must fit the network and each other. SWIM has two strategies besides, the \
             selector and the helpers, and `preset = \"lan\"` sets {preset} of its settings at once."
        ),
        "- **Further processes** are those beside the members: the registry of `lease` is a service of its own in \
         production, and while none runs nobody learns of a crash. Three registries survive the loss of one."
            .to_owned(),
        "- **Lines** are those of this repository that a member runs, without tests, comments and blank lines. All variants \
         of SWIM share theirs, which also heal partitions, bound what unknown members can cause, and carry events of \
         applications; the others do none of that."
            .to_owned(),
    ];
    let columns = ["detector", "settings", "of these times", "strategies", "further processes", "lines"];
    Section::new("Operation", text).with_table(&columns, groups.contenders.iter().map(row).collect())
}

/// The registries of a detector that has some.
fn further_processes(lab: &Lab, contender: &Contender) -> u32 {
    let params = Spec::parse(&contender.label).ok().and_then(|spec| lab.detectors.check(&spec).ok());
    params.and_then(|params| params.count("registries").ok()).unwrap_or(0)
}

fn lines(contender: &Contender) -> Option<u32> {
    let name = contender.name.as_str();
    let is_its = |names: &[&str]| if contender.is_swim { names.is_empty() } else { names.contains(&name) };
    CODE.iter().find(|(names, ..)| is_its(names)).map(|(_, _, lines)| *lines)
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    fn count(path: &Path) -> usize {
        if path.is_dir() {
            let entries = fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path());
            return entries
                .filter(|entry| !entry.with_extension("").ends_with("tests"))
                .map(|entry| count(&entry))
                .sum();
        }
        let text = fs::read_to_string(path).unwrap();
        let code = text.lines().map(str::trim).take_while(|line| *line != "#[cfg(test)]");
        code.filter(|line| !line.is_empty() && !line.starts_with("//")).count()
    }

    #[test]
    fn the_lines_of_code_are_those_of_the_sources() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        for (names, sources, lines) in CODE {
            let counted: usize = sources.iter().map(|source| count(&root.join(source))).sum();
            let share = counted as f64 / f64::from(lines);
            assert!((0.95..=1.05).contains(&share), "{names:?} {sources:?}: {counted} lines, not {lines}");
        }
    }
}
