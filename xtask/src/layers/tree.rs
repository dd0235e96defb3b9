//! The modules of the repository's crates, and where each name in them is defined.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::{fs, io};

use super::parse::{Source, parse};

/// A module of the tree.
pub(super) type ModuleId = usize;

/// The crates whose modules are read: the name in paths and the root file.
const CRATES: [(&str, &str); 3] =
    [("swimlab_selectors", "selectors/src/lib.rs"), ("swimlab", "src/lib.rs"), ("main", "src/main.rs")];

/// All modules of all crates.
#[derive(Debug, Default)]
pub(super) struct Tree {
    pub modules: Vec<Module>,
    /// The root modules of crates, by the crate's name.
    roots: BTreeMap<&'static str, ModuleId>,
}

/// A module: a file or a block `mod name { ... }` in one.
#[derive(Debug)]
pub(super) struct Module {
    /// The file it is written in, relative to the repository's root, with `/` between folders.
    pub file: String,
    pub parent: Option<ModuleId>,
    pub source: Source,
    root: ModuleId,
    children: BTreeMap<String, ModuleId>,
}

/// One use of a name.
pub(super) struct Mention<'a> {
    /// The module that uses it.
    pub module: ModuleId,
    pub path: &'a [String],
    pub line: usize,
    /// Module or item that defines it; none outside the tree.
    pub target: Option<ModuleId>,
}

impl Tree {
    /// Reads the crates of the repository in `root`.
    ///
    /// # Errors
    /// If a file cannot be read, or if a declared module has none.
    pub(super) fn read(root: &Path) -> io::Result<Self> {
        Self::load(&|file| match fs::read_to_string(root.join(file)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            text => text.map(Some),
        })
    }

    /// Loads the crates whose root files `text_of` knows, and the modules they declare.
    pub(super) fn load(text_of: &dyn Fn(&str) -> io::Result<Option<String>>) -> io::Result<Self> {
        let mut tree = Self::default();
        for (name, file) in CRATES {
            if let Some(text) = text_of(file)? {
                let folder = file.rsplit_once('/').map_or("", |(folder, _)| folder);
                let root = tree.add(parse(&text), file, folder, None, text_of)?;
                tree.roots.insert(name, root);
            }
        }
        Ok(tree)
    }

    /// Adds a module and those below it; `folder` holds the files of its children.
    fn add(
        &mut self,
        mut source: Source,
        file: &str,
        folder: &str,
        parent: Option<ModuleId>,
        text_of: &dyn Fn(&str) -> io::Result<Option<String>>,
    ) -> io::Result<ModuleId> {
        let id = self.modules.len();
        let root = parent.map_or(id, |parent| self.modules[parent].root);
        let declared = std::mem::take(&mut source.modules);
        self.modules.push(Module { file: file.to_owned(), parent, source, root, children: BTreeMap::new() });
        for child in declared {
            let below = format!("{folder}/{}", child.name);
            let added = match child.inline {
                Some(source) => self.add(source, file, &below, Some(id), text_of)?,
                None => {
                    let (file, text) = find(&below, text_of)?;
                    self.add(parse(&text), &file, &below, Some(id), text_of)?
                }
            };
            self.modules[id].children.insert(child.name, added);
        }
        Ok(id)
    }

    /// Every use of a name, re-exports followed to the definition. A re-export that its module does not use itself is no
    /// use, and neither is the import of a module: the paths that go through it are.
    pub(super) fn mentions(&self) -> Vec<Mention<'_>> {
        let mut mentions = Vec::new();
        for (module, Module { source, .. }) in self.modules.iter().enumerate() {
            let is_mentioned = |name: &str| source.paths.keys().any(|path| path[0] == name);
            let mut imported = BTreeSet::new();
            for import in source.imports.iter().filter(|import| import.name != "*") {
                let (path, line) = (import.path.as_slice(), import.line);
                let target = self.resolve(module, path, &mut Vec::new());
                if matches!(target, Some(Found::Module(_))) {
                    continue;
                }
                imported.insert(import.name.as_str());
                if !import.public || is_mentioned(&import.name) {
                    mentions.push(Mention { module, path, line, target: target.map(Found::module) });
                }
            }
            // What an imported name leads to is told by the import.
            for (path, &line) in source.paths.iter().filter(|(path, _)| !imported.contains(path[0].as_str())) {
                let target = self.resolve(module, path, &mut Vec::new()).map(Found::module);
                mentions.push(Mention { module, path, line, target });
            }
        }
        mentions
    }

    /// Target of a path; none if nothing in the tree defines it.
    fn resolve(&self, module: ModuleId, path: &[String], pending: &mut Vec<(ModuleId, String)>) -> Option<Found> {
        let (first, mut rest) = path.split_first()?;
        let mut found = match first.as_str() {
            "crate" => Found::Module(self.modules[module].root),
            "self" => Found::Module(module),
            "super" => Found::Module(self.modules[module].parent?),
            "Self" => return None,
            name => match self.lookup(module, name, rest.is_empty(), pending) {
                Some(found) => found,
                None => Found::Module(*self.roots.get(name)?),
            },
        };
        while let (Found::Module(at), Some((name, after))) = (found, rest.split_first()) {
            found = match name.as_str() {
                "super" => Found::Module(self.modules[at].parent?),
                "self" => found,
                name => self.lookup(at, name, after.is_empty(), pending)?,
            };
            rest = after;
        }
        Some(found)
    }

    /// Meaning of a name in a module. Where a module and a function go by one name, the last segment of a path is taken
    /// for the function.
    fn lookup(
        &self,
        module: ModuleId,
        name: &str,
        is_last: bool,
        pending: &mut Vec<(ModuleId, String)>,
    ) -> Option<Found> {
        let Module { source, children, .. } = &self.modules[module];
        if source.items.iter().any(|item| item == name) {
            return Some(Found::Item(module));
        }
        let child = children.get(name).map(|&child| Found::Module(child));
        if child.is_some() && !is_last {
            return child;
        }
        let step = (module, name.to_owned());
        if pending.contains(&step) {
            return child;
        }
        pending.push(step);
        let named = source.imports.iter().filter(|import| import.name == name);
        let item = named.filter_map(|import| self.resolve(module, &import.path, pending)).next();
        let item = item.or_else(|| {
            let globs = source.imports.iter().filter(|import| import.name == "*");
            let modules = globs.filter_map(|import| match self.resolve(module, &import.path, pending) {
                Some(Found::Module(from)) if from != module => Some(from),
                _ => None,
            });
            let modules: Vec<ModuleId> = modules.collect();
            modules.into_iter().find_map(|from| self.lookup(from, name, is_last, pending))
        });
        pending.pop();
        item.or(child)
    }
}

/// Target of a path.
#[derive(Clone, Copy, Debug)]
enum Found {
    Module(ModuleId),
    /// An item, by the module that defines it.
    Item(ModuleId),
}

impl Found {
    fn module(self) -> ModuleId {
        match self {
            Self::Module(id) | Self::Item(id) => id,
        }
    }
}

/// The file of a module: `below.rs` or `below/mod.rs`.
fn find(below: &str, text_of: &dyn Fn(&str) -> io::Result<Option<String>>) -> io::Result<(String, String)> {
    for file in [format!("{below}.rs"), format!("{below}/mod.rs")] {
        if let Some(text) = text_of(&file)? {
            return Ok((file, text));
        }
    }
    Err(io::Error::other(format!("no {below}.rs and no {below}/mod.rs")))
}
