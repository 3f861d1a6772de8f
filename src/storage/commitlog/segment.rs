//! Segment files: making them ahead of time, and finding them at a start.
//!
//! A segment is zeroed before use, because a sync of bytes that were written before does not wait for the file
//! system's own records. That is slow, so it happens in steps on the flush threads, and a segment that is free again
//! is renamed instead: its old frames are made invalid by the new id.

use std::sync::Arc;

use base::env::{Class, Dir, Env, File};
use base::limits::MIB;

use super::format;
use crate::Error;

/// How much is zeroed in one step.
const ZERO_STEP_BYTES: usize = MIB;

/// A segment file that is open.
pub(super) struct Segment {
    pub id: u64,
    pub file: Arc<dyn File>,
}

impl Segment {
    /// The file's path, for messages.
    pub fn path(&self, dir: &dyn Dir) -> String {
        dir.path()
            .join(format::segment_name(self.id))
            .display()
            .to_string()
    }
}

/// Creates a segment file with its blocks reserved, but not zeroed: enough for a first segment at a start.
pub(super) fn create(dir: &dyn Dir, id: u64, bytes: u32) -> std::io::Result<Segment> {
    let file = dir.create(&format::segment_name(id))?;
    file.allocate(0, u64::from(bytes))?;
    finish(dir, id, bytes, file)
}

/// Writes and syncs the header, then the name. From here on the file is a segment without frames.
fn finish(dir: &dyn Dir, id: u64, bytes: u32, file: Arc<dyn File>) -> std::io::Result<Segment> {
    file.write_at(&format::segment_header(id, bytes), 0)?;
    file.sync_data()?;
    dir.sync_dir()?;
    Ok(Segment { id, file })
}

/// Creates and zeroes a segment file, in steps.
pub(super) async fn create_zeroed(
    env: &Env,
    dir: &Arc<dyn Dir>,
    id: u64,
    bytes: u32,
) -> Result<Segment, Error> {
    let failed = |error| {
        Error::io(
            format_args!(
                "cannot create commit log segment {id} in {}",
                dir.path().display()
            ),
            &error,
        )
    };
    let target = dir.clone();
    let file = env
        .blocking(Class::Flush, move || {
            target.create(&format::segment_name(id))
        })
        .await
        .map_err(failed)?;
    let mut offset = 0;
    while offset < bytes as usize {
        let step = ZERO_STEP_BYTES.min(bytes as usize - offset);
        let file = file.clone();
        env.blocking(Class::Flush, move || {
            file.write_at(&vec![0; step], offset as u64)
        })
        .await
        .map_err(failed)?;
        offset += step;
    }
    let target = dir.clone();
    env.blocking(Class::Flush, move || finish(&*target, id, bytes, file))
        .await
        .map_err(failed)
}

/// Gives the free segment `old` a new life as `id`.
pub(super) async fn recycle(
    env: &Env,
    dir: &Arc<dyn Dir>,
    old: u64,
    id: u64,
    bytes: u32,
) -> Result<Segment, Error> {
    let target = dir.clone();
    env.sometimes("commit log: a segment is used again", true);
    let has_old_header = env.mutant("segment: used again with its old header");
    let work = move || {
        let name = format::segment_name(id);
        target.rename(&format::segment_name(old), &name)?;
        let file = target.open(&name)?;
        match has_old_header {
            true => Ok(Segment { id, file }),
            false => finish(&*target, id, bytes, file),
        }
    };
    env.blocking(Class::Flush, work).await.map_err(|error| {
        Error::io(
            format_args!(
                "cannot recycle commit log segment {old} in {}",
                dir.path().display()
            ),
            &error,
        )
    })
}

/// The ids of the segment files that are there, ascending, with their lengths.
pub(super) fn list(dir: &dyn Dir) -> std::io::Result<Vec<(u64, u64)>> {
    let entries = dir.list()?;
    let mut found: Vec<_> = entries
        .iter()
        .filter(|entry| !entry.is_dir)
        .filter_map(|entry| Some((format::segment_id(&entry.name)?, entry.len)))
        .collect();
    found.sort_unstable();
    Ok(found)
}
