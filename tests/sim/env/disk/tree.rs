//! Directories and files by name: what is visible, and which names a power failure would leave.
//!
//! A directory keeps its visible names, the names as of its last sync, and the changes in between. A power failure
//! starts from the synced names and does some changes again: in half of the mixed failures the first few, as a
//! journal would, else any of them.

use std::collections::BTreeMap;
use std::sync::Arc;

use base::env::Rng;
use parking_lot::Mutex;

use super::content::{Content, Mode};

#[derive(Clone)]
pub(super) enum Node {
    File(Arc<FileNode>),
    Dir(Arc<DirNode>),
}

pub(super) struct FileNode {
    pub(super) id: u64,
    pub(super) state: Mutex<FileState>,
}

#[derive(Clone, Default)]
pub(super) struct FileState {
    pub(super) content: Content,
    /// Visible names of this file; at zero it no longer takes room.
    pub(super) links: u32,
}

pub(super) struct DirNode {
    pub(super) id: u64,
    pub(super) names: Mutex<Names>,
}

pub(super) type Entries = BTreeMap<String, Node>;

#[derive(Clone, Default)]
pub(super) struct Names {
    visible: Entries,
    synced: Entries,
    changes: Vec<NameChange>,
}

#[derive(Clone)]
enum NameChange {
    Put(String, Node),
    Remove(String),
    Rename(String, String, Node),
}

impl Node {
    pub(super) fn id(&self) -> u64 {
        match self {
            Node::File(file) => file.id,
            Node::Dir(dir) => dir.id,
        }
    }
}

impl FileNode {
    pub(super) fn new(id: u64, content: Content) -> Arc<FileNode> {
        Arc::new(FileNode {
            id,
            state: Mutex::new(FileState { content, links: 0 }),
        })
    }
}

impl DirNode {
    pub(super) fn new(id: u64) -> Arc<DirNode> {
        Arc::new(DirNode {
            id,
            names: Mutex::default(),
        })
    }

    /// The power fails below this directory.
    pub(super) fn power_failure(&self, mode: Mode, rng: &mut Rng) {
        let entries = {
            let mut names = self.names.lock();
            names.power_failure(mode, rng);
            names.visible.clone()
        };
        for node in entries.values() {
            match node {
                Node::Dir(dir) => dir.power_failure(mode, rng),
                // A second link finds nothing left to lose.
                Node::File(file) => file.state.lock().content.power_failure(mode, rng),
            }
        }
    }

    /// Calls `visit` with every file below this directory, once per name.
    pub(super) fn visit_files(&self, path: &str, visit: &mut impl FnMut(String, &Arc<FileNode>)) {
        let entries = self.names.lock().visible.clone();
        for (name, node) in &entries {
            let path = format!("{path}/{name}");
            match node {
                Node::File(file) => visit(path, file),
                Node::Dir(dir) => dir.visit_files(&path, visit),
            }
        }
    }

    /// A copy of everything below, with files of several names copied once.
    pub(super) fn copy(&self, files: &mut BTreeMap<u64, Arc<FileNode>>) -> Arc<DirNode> {
        let names = self.names.lock();
        let mut node = |node: &Node| match node {
            Node::Dir(dir) => Node::Dir(dir.copy(files)),
            Node::File(file) => {
                let copy = || {
                    Arc::new(FileNode {
                        id: file.id,
                        state: Mutex::new(file.state.lock().clone()),
                    })
                };
                Node::File(files.entry(file.id).or_insert_with(copy).clone())
            }
        };
        let mut entries = |entries: &Entries| -> Entries {
            entries
                .iter()
                .map(|(name, entry)| (name.clone(), node(entry)))
                .collect()
        };
        let (visible, synced) = (entries(&names.visible), entries(&names.synced));
        let changes = names.changes.iter().map(|change| match change {
            NameChange::Put(name, entry) => NameChange::Put(name.clone(), node(entry)),
            NameChange::Remove(name) => NameChange::Remove(name.clone()),
            NameChange::Rename(from, to, entry) => {
                NameChange::Rename(from.clone(), to.clone(), node(entry))
            }
        });
        let names = Names {
            visible,
            synced,
            changes: changes.collect(),
        };
        Arc::new(DirNode {
            id: self.id,
            names: Mutex::new(names),
        })
    }
}

impl Names {
    pub(super) fn get(&self, name: &str) -> Option<&Node> {
        self.visible.get(name)
    }

    pub(super) fn visible(&self) -> &Entries {
        &self.visible
    }

    pub(super) fn put(&mut self, name: &str, node: Node) {
        self.change(NameChange::Put(name.to_owned(), node));
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.change(NameChange::Remove(name.to_owned()));
    }

    pub(super) fn rename(&mut self, from: &str, to: &str, node: Node) {
        self.change(NameChange::Rename(from.to_owned(), to.to_owned(), node));
    }

    pub(super) fn sync(&mut self) {
        if !self.changes.is_empty() {
            self.changes.clear();
            self.synced = self.visible.clone();
        }
    }

    fn change(&mut self, change: NameChange) {
        change.apply(&mut self.visible);
        self.changes.push(change);
    }

    fn power_failure(&mut self, mode: Mode, rng: &mut Rng) {
        let mut entries = std::mem::take(&mut self.synced);
        let changes = std::mem::take(&mut self.changes);
        let journal = rng.chance(0.5);
        let kept = rng.below(changes.len() as u64 + 1) as usize;
        for (index, change) in changes.iter().enumerate() {
            let keep = match mode {
                Mode::Lose => false,
                Mode::Keep => true,
                Mode::Mixed if journal => index < kept,
                Mode::Mixed => rng.chance(0.5),
            };
            if keep {
                change.apply(&mut entries);
            }
        }
        self.synced = entries.clone();
        self.visible = entries;
    }
}

impl NameChange {
    fn apply(&self, entries: &mut Entries) {
        match self {
            NameChange::Put(name, node) => drop(entries.insert(name.clone(), node.clone())),
            NameChange::Remove(name) => drop(entries.remove(name)),
            NameChange::Rename(from, to, node) => {
                // A change dropped before may have left another file under the old name.
                if entries
                    .get(from)
                    .is_some_and(|found| found.id() == node.id())
                {
                    entries.remove(from);
                }
                entries.insert(to.clone(), node.clone());
            }
        }
    }
}
