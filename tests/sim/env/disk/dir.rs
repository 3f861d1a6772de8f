//! A directory of a mounted disk, as `base::env` wants it.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use base::checksum::crc32;
use base::env::{Dir, Entry, File, Lock, Space, check_name};

use super::content::Content;
use super::mount::{CALL, Mount, as_dir, as_file, walk};
use super::tree::{DirNode, FileNode, Node};
use super::volume::Volume;

pub(super) struct SimDir {
    pub(super) mount: Mount,
    pub(super) path: PathBuf,
    pub(super) node: Arc<DirNode>,
}

impl SimDir {
    fn read<T>(
        &self,
        what: &'static str,
        name: &str,
        call: impl FnOnce(&mut Volume) -> io::Result<T>,
    ) -> io::Result<T> {
        self.mount.read(
            what,
            [self.node.id, crc32(name.as_bytes()).into()],
            CALL,
            call,
        )
    }

    fn change<T>(
        &self,
        what: &'static str,
        name: &str,
        call: impl FnOnce(&mut Volume) -> io::Result<T>,
    ) -> io::Result<T> {
        self.mount.change(
            what,
            [self.node.id, crc32(name.as_bytes()).into()],
            CALL,
            call,
        )
    }
}

impl Dir for SimDir {
    fn path(&self) -> &Path {
        &self.path
    }

    fn dir(&self, name: &str) -> io::Result<Arc<dyn Dir>> {
        check_name(name)?;
        self.read("dir", name, |_| {
            let node = as_dir(self.node.names.lock().get(name).cloned())?;
            Ok(self.mount.dir_handle(self.path.join(name), node))
        })
    }

    fn make_dir(&self, name: &str) -> io::Result<Arc<dyn Dir>> {
        check_name(name)?;
        self.change("make_dir", name, |volume| {
            refuse_existing(&self.node, name)?;
            let node = DirNode::new(volume.id());
            self.node.names.lock().put(name, Node::Dir(node.clone()));
            Ok(self.mount.dir_handle(self.path.join(name), node))
        })
    }

    fn create(&self, name: &str) -> io::Result<Arc<dyn File>> {
        check_name(name)?;
        self.change("create", name, |volume| {
            refuse_existing(&self.node, name)?;
            let file = add_file(volume, &self.node, name);
            Ok(self.mount.file_handle(self.path.join(name), file))
        })
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn File>> {
        check_name(name)?;
        self.read("open", name, |_| {
            let file = as_file(self.node.names.lock().get(name))?;
            Ok(self.mount.file_handle(self.path.join(name), file))
        })
    }

    fn exists(&self, name: &str) -> io::Result<bool> {
        check_name(name)?;
        self.read("exists", name, |_| {
            Ok(self.node.names.lock().get(name).is_some())
        })
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        check_name(name)?;
        self.change("remove", name, |volume| {
            let file = as_file(self.node.names.lock().get(name))?;
            volume.unlink(&file);
            self.node.names.lock().remove(name);
            Ok(())
        })
    }

    fn remove_dir(&self, name: &str) -> io::Result<()> {
        check_name(name)?;
        self.change("remove_dir", name, |_| {
            let dir = as_dir(self.node.names.lock().get(name).cloned())?;
            refuse_full(&dir)?;
            self.node.names.lock().remove(name);
            Ok(())
        })
    }

    fn rename(&self, from: &str, to: &str) -> io::Result<()> {
        check_name(from)?;
        check_name(to)?;
        self.change("rename", to, |volume| {
            let mut names = self.node.names.lock();
            let node = names.get(from).cloned().ok_or(io::ErrorKind::NotFound)?;
            match (&node, names.get(to)) {
                (_, None) => {}
                (_, Some(old)) if old.id() == node.id() => return Ok(()),
                (Node::File(_), Some(Node::File(old))) => volume.unlink(old),
                (Node::File(_), Some(Node::Dir(_))) => {
                    return Err(io::ErrorKind::IsADirectory.into());
                }
                (Node::Dir(_), Some(Node::File(_))) => {
                    return Err(io::ErrorKind::NotADirectory.into());
                }
                (Node::Dir(_), Some(Node::Dir(old))) => refuse_full(old)?,
            }
            names.rename(from, to, node);
            Ok(())
        })
    }

    fn link(&self, from: &str, target: &dyn Dir, to: &str) -> io::Result<()> {
        check_name(from)?;
        check_name(to)?;
        self.change("link", to, |volume| {
            let source = self.node.names.lock().get(from).cloned();
            let source = source.ok_or(io::ErrorKind::NotFound)?;
            let target = walk(volume, target.path())?;
            refuse_existing(&target, to)?;
            let file = as_file(Some(&source))?;
            file.state.lock().links += 1;
            target.names.lock().put(to, Node::File(file));
            Ok(())
        })
    }

    fn list(&self) -> io::Result<Vec<Entry>> {
        self.read("list", "", |_| {
            let names = self.node.names.lock();
            let entries = names.visible().iter().map(|(name, node)| match node {
                Node::Dir(_) => Entry {
                    name: name.clone(),
                    is_dir: true,
                    len: 0,
                },
                Node::File(file) => Entry {
                    name: name.clone(),
                    is_dir: false,
                    len: file.state.lock().content.len() as u64,
                },
            });
            Ok(entries.collect())
        })
    }

    fn sync_dir(&self) -> io::Result<()> {
        self.mount.change(
            "sync_dir",
            [self.node.id, 0],
            self.mount.sync_time(),
            |volume| {
                volume.sync()?;
                let name = self.path.file_name().unwrap_or_default().to_string_lossy();
                if !volume
                    .unsynced_dirs
                    .iter()
                    .any(|start| name.starts_with(start))
                {
                    self.node.names.lock().sync();
                }
                Ok(())
            },
        )
    }

    fn space(&self) -> io::Result<Space> {
        self.read("space", "", |volume| {
            let available = volume.capacity_bytes.saturating_sub(volume.used_bytes);
            Ok(Space {
                total: volume.capacity_bytes,
                available,
            })
        })
    }

    fn lock(&self) -> io::Result<Box<dyn Lock>> {
        // The guard is made outside of the step: should the power fail in it, the guard's end would ask for the disk
        // that the step still holds.
        let directory = self.node.id;
        self.read("lock", "", |volume| match volume.locks.insert(directory) {
            true => Ok(()),
            false => Err(io::ErrorKind::WouldBlock.into()),
        })?;
        Ok(Box::new(SimLock {
            mount: self.mount.clone(),
            directory,
        }))
    }
}

struct SimLock {
    mount: Mount,
    directory: u64,
}

impl Lock for SimLock {}

impl Drop for SimLock {
    /// Only the lock's own mount releases it: a dead node's locks are gone already.
    fn drop(&mut self) {
        let mut volume = self.mount.disk.0.lock();
        if volume.mount == self.mount.number {
            volume.locks.remove(&self.directory);
        }
    }
}

fn refuse_existing(dir: &DirNode, name: &str) -> io::Result<()> {
    match dir.names.lock().get(name) {
        Some(_) => Err(io::ErrorKind::AlreadyExists.into()),
        None => Ok(()),
    }
}

fn refuse_full(dir: &DirNode) -> io::Result<()> {
    if dir.names.lock().visible().is_empty() {
        Ok(())
    } else {
        Err(io::ErrorKind::DirectoryNotEmpty.into())
    }
}

/// Adds an empty file, with its one link.
fn add_file(volume: &mut Volume, dir: &DirNode, name: &str) -> Arc<FileNode> {
    let file = FileNode::new(volume.id(), Content::default());
    file.state.lock().links = 1;
    dir.names.lock().put(name, Node::File(file.clone()));
    file
}
