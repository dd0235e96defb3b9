//! The network of a question: a topology of the lab, with the files that it reads held in memory.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use swimlab_selectors::{Spec, Value};

use crate::experiment::{Lab, TomlSource, trial_seed};
use crate::topology::{Placement, TopologyContext};

/// The ending of the file of places that belongs to a file of round trips.
const PLACES: &str = "-places.csv";

/// The topology `csv`.
const CSV: &str = "csv";

/// A topology and the contents of its files.
///
/// A CSV file of round trips is a network by itself. Beside `NAME.csv`, `NAME-places.csv` has its places; without that
/// file, each site is a region of its own.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Network {
    spec: Spec,
    /// The files by the names that the spec has, without folders.
    files: BTreeMap<String, Arc<[u8]>>,
}

impl Network {
    /// Reads a label, or the path of a CSV file of round trips; relative paths start in `dir`.
    pub(super) fn read(text: &str, dir: &Path, lab: &Lab) -> Result<Self, String> {
        let is_file = text.ends_with(".csv") && !text.starts_with("csv:");
        let spec = match is_file {
            true => Spec::of(CSV).with("rtt", text),
            false => Spec::parse(text).map_err(|error| error.to_string())?,
        };
        if spec.kind != CSV {
            let network = Self { spec, files: BTreeMap::new() };
            return network.build(lab).map(|_| network);
        }
        let mut network = Self { spec: spec.clone(), files: BTreeMap::new() };
        for key in ["rtt", "places"] {
            let Some(Value::Text(path)) = spec.values.get(key) else { continue };
            let name = network.keep(&dir.join(path))?;
            network.spec = network.spec.with(key, name.as_str());
        }
        if is_file {
            let beside = PathBuf::from(format!("{}{PLACES}", text.trim_end_matches(".csv")));
            match dir.join(&beside) {
                places if places.exists() => {
                    let name = network.keep(&places)?;
                    network.spec = network.spec.with("places", name.as_str());
                }
                _ => network.name_regions(lab)?,
            }
        }
        network.build(lab).map(|_| network)
    }

    /// Reads a file and returns its name without folders.
    fn keep(&mut self, path: &Path) -> Result<String, String> {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let content = fs::read(path).map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        if self.files.insert(name.clone(), content.into()).is_some() {
            return Err(format!("has two files of the name {name}"));
        }
        Ok(name)
    }

    /// Adds a file of places in which each site is a region of its own, unless a site's name cannot be that of one.
    fn name_regions(&mut self, lab: &Lab) -> Result<(), String> {
        let placement = self.build(lab)?.place(1, 0, 0);
        let sites: Vec<String> = (0..placement.sites()).map(|site| placement.site_name(site)).collect();
        if sites.iter().any(|site| site.contains('/')) {
            return Ok(());
        }
        let mut places = csv::Writer::from_writer(Vec::new());
        let rows = std::iter::once(["name", "region"]).chain(sites.iter().map(|site| [site.as_str(); 2]));
        rows.map(|row| places.write_record(row)).collect::<Result<Vec<_>, _>>().map_err(|error| error.to_string())?;
        let content = places.into_inner().map_err(|error| error.to_string())?;
        let Some(Value::Text(rtt)) = self.spec.values.get("rtt") else { return Ok(()) };
        let name = format!("{}{PLACES}", rtt.trim_end_matches(".csv"));
        self.spec = self.spec.clone().with("places", name.as_str());
        self.files.insert(name, content.into());
        Ok(())
    }

    fn build(&self, lab: &Lab) -> Result<crate::topology::Topology, String> {
        let contents = self.files.clone();
        let context = TopologyContext { contents, ..TopologyContext::default() };
        lab.topologies.build(&self.spec, &context).map_err(|error| error.to_string())
    }

    /// Checks that this number of members can be placed.
    pub(super) fn check(&self, members: u32, lab: &Lab) -> Result<(), String> {
        // An experiment checks the same before it has worlds, memory included.
        let text = format!("selector = \"shuffle\"\nmembers = {members}\n{}", self.toml());
        crate::experiment::Experiment::parse(&self.source("topology", text), lab).map(drop).map_err(|bad| bad.message)
    }

    /// A placement of this number of members.
    pub(super) fn place(&self, members: u32, seed: u64, lab: &Lab) -> Placement {
        self.build(lab).expect("it was built before").place(members, 0, trial_seed(seed, 0))
    }

    /// Whether its sites have regions.
    pub(super) fn has_regions(&self, members: u32, lab: &Lab) -> bool {
        self.place(members, 0, lab).regions().is_some()
    }

    /// The label of the topology.
    pub fn label(&self) -> String {
        self.spec.to_string()
    }

    /// The files that it reads, by name.
    pub fn files(&self) -> &BTreeMap<String, Arc<[u8]>> {
        &self.files
    }

    /// The line of an experiment file that names it.
    pub(super) fn toml(&self) -> String {
        match self.spec.kind.as_str() {
            // A file's name may have commas and colons.
            CSV => {
                let values = self.spec.values.iter().map(|(key, value)| match value {
                    Value::Text(text) => format!(", {key} = {text:?}"),
                    other => format!(", {key} = {other}"),
                });
                format!("topology = {{ kind = \"csv\"{} }}\n", values.collect::<String>())
            }
            _ => format!("topology = {:?}\n", self.label()),
        }
    }

    /// The source of an experiment that names it, which reads its files from memory.
    pub(super) fn source(&self, name: &str, text: String) -> TomlSource {
        let mut source = TomlSource::text(format!("{name}.toml"), text);
        source.contents = self.files.clone();
        source
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_site_of_a_matrix_without_places_is_a_region() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("m.csv"), "from,a,\"b, c\"\na,,10\n\"b, c\",10,\n").unwrap();
        let lab = Lab::default();
        let network = Network::read("m.csv", dir.path(), &lab).unwrap();
        let placement = network.place(4, 1, &lab);
        assert_eq!(placement.regions().unwrap(), ["a", "b, c"]);
        assert_eq!(network.toml(), "topology = { kind = \"csv\", places = \"m-places.csv\", rtt = \"m.csv\" }\n");
        assert!(network.check(4, &lab).is_ok());
    }

    #[test]
    fn places_beside_a_matrix_are_read_and_missing_files_are_named() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("m.csv"), "from,a,b\na,,10\nb,10,\n").unwrap();
        fs::write(dir.path().join("m-places.csv"), "name,region\na,north\nb,north\n").unwrap();
        let lab = Lab::default();
        assert_eq!(Network::read("m.csv", dir.path(), &lab).unwrap().place(4, 1, &lab).regions().unwrap(), ["north"]);
        assert!(Network::read("n.csv", dir.path(), &lab).unwrap_err().starts_with("cannot read "));
        assert!(Network::read("lann", dir.path(), &lab).unwrap_err().contains("did you mean lan"));
    }
}
