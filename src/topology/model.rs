//! A topology: a description of a network on which members can be placed.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use super::placement::Placement;
use super::site_map::SiteMap;

/// The context in which a topology is built.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct TopologyContext {
    /// The base of relative paths: the experiment file's directory. Empty: the current directory.
    pub dir: PathBuf,
    /// Files that are read in place of those of these names: the copies in a results folder, relative to `dir`.
    pub copies: BTreeMap<String, PathBuf>,
    /// Contents of files of these names, which are not read from disk.
    pub contents: BTreeMap<String, Arc<[u8]>>,
}

impl TopologyContext {
    /// The path of a file that an experiment names.
    pub fn path_of(&self, file: &str) -> PathBuf {
        self.dir.join(self.copies.get(file).map_or_else(|| PathBuf::from(file), PathBuf::clone))
    }
}

/// A file that a topology was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct InputFile {
    /// The name in the experiment file.
    pub name: String,
    /// The content.
    pub bytes: Arc<[u8]>,
}

impl InputFile {
    /// A file of this name and content.
    pub fn new(name: impl Into<String>, bytes: impl Into<Arc<[u8]>>) -> Self {
        Self { name: name.into(), bytes: bytes.into() }
    }
}

/// A description of a network on which members can be placed.
#[derive(Clone)]
pub struct Topology {
    title: String,
    attribution: Option<String>,
    inputs: Vec<InputFile>,
    notices: Vec<String>,
    plan: Plan,
}

/// The sites for a number of members: most kinds have the same sites for all, a ring grows with its members.
type Plan = Arc<dyn Fn(u32) -> Arc<SiteMap> + Send + Sync>;

impl Topology {
    /// A topology whose sites are the same for any number of members.
    pub fn new(title: impl Into<String>, site_map: SiteMap) -> Self {
        let site_map = Arc::new(site_map);
        Self::growing(title, move |_| Arc::clone(&site_map))
    }

    /// A topology whose sites depend on the number of initial members.
    pub fn growing(title: impl Into<String>, plan: impl Fn(u32) -> Arc<SiteMap> + Send + Sync + 'static) -> Self {
        Self { title: title.into(), attribution: None, inputs: Vec::new(), notices: Vec::new(), plan: Arc::new(plan) }
    }

    /// The same topology, with the credit that its data ask for.
    pub fn credit(mut self, attribution: impl Into<String>) -> Self {
        self.attribution = Some(attribution.into());
        self
    }

    /// The same topology, with a file that it was read from. A results folder keeps a copy of the file, and a run
    /// continues only if its content is the same.
    pub fn with_input(mut self, name: impl Into<String>, bytes: impl Into<Arc<[u8]>>) -> Self {
        self.inputs.push(InputFile::new(name, bytes));
        self
    }

    /// The same topology, with a notice for the reader: data that were changed, or look unlike what they should be.
    pub fn with_notice(mut self, notice: impl Into<String>) -> Self {
        self.notices.push(notice.into());
        self
    }

    /// The files that it was read from.
    pub fn inputs(&self) -> &[InputFile] {
        &self.inputs
    }

    /// Notices for the reader.
    pub fn notices(&self) -> &[String] {
        &self.notices
    }

    /// A line for reports: kind, size and date of the data.
    pub fn title(&self) -> &str {
        &self.title
    }

    /// The credit that the data ask for, if any.
    pub fn attribution(&self) -> Option<&str> {
        self.attribution.as_deref()
    }

    /// Puts members `0..members` and joiners `members..members + joiners` onto the sites.
    ///
    /// Members are assigned round robin to the sites in their order. When they are fewer than the sites, the sites are
    /// shuffled first, so that members get a sample of them, drawn from the seed's placement stream. Joiners continue
    /// the round robin. Where sites have weights, members are assigned in proportion to them (see
    /// [`Site::weight`](super::Site::weight)).
    pub fn place(&self, members: u32, joiners: u32, seed: u64) -> Placement {
        let placement = Placement::new((self.plan)(members), members, joiners, seed);
        placement.described(self.title.clone(), self.attribution.clone())
    }
}

impl std::fmt::Debug for Topology {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Topology").field("title", &self.title).finish_non_exhaustive()
    }
}
