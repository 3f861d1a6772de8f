//! A file of a mounted disk, as `base::env` wants it.

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use base::checksum::crc32;
use base::env::File;

use super::content::SECTOR_BYTES;
use super::mount::{CALL, Mount, SEEK, transfer};
use super::tree::FileNode;
use super::volume::Volume;

pub(super) struct SimFile {
    pub(super) mount: Mount,
    /// The path it was opened by.
    pub(super) path: PathBuf,
    pub(super) node: Arc<FileNode>,
}

impl SimFile {
    fn change<T>(
        &self,
        what: &'static str,
        figure: u64,
        cost: Duration,
        call: impl FnOnce(&mut Volume) -> io::Result<T>,
    ) -> io::Result<T> {
        self.mount.change(what, [self.node.id, figure], cost, call)
    }

    /// Writes all of `bytes`, or a part and an error.
    fn write(&self, volume: &mut Volume, offset: Option<u64>, bytes: &[u8]) -> io::Result<()> {
        if volume.rng.chance(volume.faults.write_error) {
            let part = volume.rng.below(bytes.len() as u64 + 1) as usize;
            self.write_part(volume, offset, &bytes[..part])?;
            return Err(io::Error::other("simulated write error"));
        }
        match self.write_part(volume, offset, bytes) {
            Ok(()) => volume.written(&self.path),
            Err(error) if error.kind() == io::ErrorKind::StorageFull => {
                // What fits is written, by whole sectors.
                let free = volume.capacity_bytes.saturating_sub(volume.used_bytes);
                let part = bytes.len().min(free as usize) / SECTOR_BYTES * SECTOR_BYTES;
                self.write_part(volume, offset, &bytes[..part])?;
                Err(error)
            }
            result => result,
        }
    }

    fn write_part(&self, volume: &mut Volume, offset: Option<u64>, bytes: &[u8]) -> io::Result<()> {
        let mut state = self.node.state.lock();
        let old_len = state.content.len();
        let offset = offset.map_or(old_len, |offset| offset as usize);
        let end = offset
            .checked_add(bytes.len())
            .ok_or(io::ErrorKind::FileTooLarge)?;
        if state.links > 0 {
            volume.resize(old_len as u64, old_len.max(end) as u64)?;
        }
        state.content.write(offset, bytes);
        Ok(())
    }

    fn set_len(&self, volume: &mut Volume, len: u64) -> io::Result<()> {
        let mut state = self.node.state.lock();
        if state.links > 0 {
            volume.resize(state.content.len() as u64, len)?;
        }
        state.content.resize(len as usize);
        Ok(())
    }

    fn read_into(&self, buffer: &mut [u8], offset: u64) -> usize {
        let state = self.node.state.lock();
        let bytes = state.content.visible();
        let start = bytes
            .len()
            .min(usize::try_from(offset).unwrap_or(usize::MAX));
        let count = buffer.len().min(bytes.len() - start);
        buffer[..count].copy_from_slice(&bytes[start..start + count]);
        count
    }
}

impl File for SimFile {
    fn read_at(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        let cost = SEEK + transfer(buffer.len());
        self.mount
            .read("read_at", [self.node.id, offset], cost, |_| {
                Ok(self.read_into(buffer, offset))
            })
    }

    fn read_now(&self, buffer: &mut [u8], offset: u64) -> io::Result<usize> {
        self.mount
            .watch
            .call("read_now", [self.node.id, offset], false);
        self.mount.disk.0.lock().read(self.mount.number, |volume| {
            if volume.rng.chance(volume.faults.would_block) {
                return Err(io::ErrorKind::WouldBlock.into());
            }
            Ok(self.read_into(buffer, offset))
        })
    }

    fn append(&self, bytes: &[u8]) -> io::Result<()> {
        let cost = CALL + transfer(bytes.len());
        self.change("append", crc32(bytes).into(), cost, |volume| {
            self.write(volume, None, bytes)
        })
    }

    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let cost = CALL + transfer(bytes.len());
        let figure = offset << 32 ^ u64::from(crc32(bytes));
        self.change("write_at", figure, cost, |volume| {
            self.write(volume, Some(offset), bytes)
        })
    }

    fn allocate(&self, offset: u64, len: u64) -> io::Result<()> {
        self.change("allocate", offset, CALL, |volume| {
            let end = offset.checked_add(len).ok_or(io::ErrorKind::FileTooLarge)?;
            let old_len = self.node.state.lock().content.len() as u64;
            if end > old_len {
                self.set_len(volume, end)
            } else {
                Ok(())
            }
        })
    }

    fn truncate(&self, len: u64) -> io::Result<()> {
        self.change("truncate", len, CALL, |volume| self.set_len(volume, len))
    }

    fn len(&self) -> io::Result<u64> {
        self.mount.watch.call("len", [self.node.id, 0], false);
        self.mount.disk.0.lock().read(self.mount.number, |_| {
            Ok(self.node.state.lock().content.len() as u64)
        })
    }

    fn sync_data(&self) -> io::Result<()> {
        self.change("sync_data", 0, self.mount.sync_time(), |volume| {
            let mut state = self.node.state.lock();
            if let Err(error) = volume.sync() {
                state.content.fail_sync(&mut volume.rng);
                return Err(error);
            }
            let path = self.path.to_string_lossy();
            if !volume.unsynced_files.iter().any(|part| path.contains(part)) {
                state.content.sync();
            }
            Ok(())
        })
    }
}
