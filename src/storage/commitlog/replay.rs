//! Replay: reading what the last run left behind, and telling a torn tail from damage.
//!
//! 1. Segments are read in the order of their ids, from the first that may be needed. Each must follow the one before
//!    by one, and all but the last end in an end mark. The first must be there if the log was ever begun: it was durable
//!    before anything said so.
//! 2. The first bytes that do not decode end the replay. Everything behind them, in this segment and all later ones,
//!    is still searched for frame headers: if one names a synced position above the bad bytes, they were durable once
//!    and are *damage*; the start is refused with file and offset.
//! 3. Otherwise they are the torn tail. Later segments are removed, and the segment gets its end mark there.
//! 4. What was replayed may have been read from memory that never reached the disk: after a process died, its segments
//!    are still in the kernel's hands. So all of them are synced, with their names, and the log goes on in a new segment.
//!    Until this is done nothing new is written, so a crash in between changes nothing.

use std::sync::Arc;

use base::env::{Class, Dir, Env};

use super::format::{self, Found, Position, SEGMENT_HEADER_BYTES};
use super::segment;
use crate::Error;

/// What to do with the mutations found.
pub(crate) trait Target: Send {
    /// A mutation that lies in the frame at `position`. False if it was not needed: it is in a file, or gone.
    fn apply(&mut self, position: Position, mutation: &[u8]) -> Result<bool, ApplyError>;
}

/// Why a mutation was not applied.
#[derive(Debug)]
pub(crate) enum ApplyError {
    /// Its bytes are wrong although the checksum is right.
    Damaged(String),
    /// Something else stands against starting.
    Refused(Error),
}

/// What the log looks like after replay.
#[derive(Debug, Default)]
pub(crate) struct Replayed {
    /// Segments with frames, oldest first; all sealed.
    pub sealed: Vec<u64>,
    /// Segments whose frames are not needed.
    pub free: Vec<u64>,
    /// The next id.
    pub next: u64,
    /// Mutations that the target needed.
    pub mutations: u64,
}

/// What is known of a log before it is read.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Expected {
    /// The first segment that may be needed.
    pub first: u64,
    /// Whether that was made by an earlier life.
    pub is_begun: bool,
    /// What lies below was durable once: bad bytes there are damage.
    pub synced: Position,
    /// What files of this configuration are long.
    pub segment_bytes: u32,
    /// Whether damage only ends the replay, with a warning.
    pub accepts_loss: bool,
}

/// Replays the segments in `dir`.
pub(crate) async fn replay(
    env: &Env,
    dir: &Arc<dyn Dir>,
    expected: Expected,
    mut target: Box<dyn Target>,
) -> Result<(Replayed, Box<dyn Target>), Error> {
    let first = expected.first;
    let listing = dir.clone();
    let listed = env
        .blocking(Class::General, move || segment::list(&*listing))
        .await;
    let listed = listed.map_err(|error| Error::io("cannot list the commit log", &error))?;
    let mut replay = Replay {
        env: env.clone(),
        dir: dir.clone(),
        expected: first,
        bad: None,
        synced: expected.synced,
        accepts_loss: expected.accepts_loss,
        mutations: 0,
        sealed: Vec::new(),
    };
    let mut free = Vec::new();
    let mut present = Vec::new();
    for (id, len) in listed {
        if id < first {
            // Its length may be another configuration's; only files of the right length are used again.
            free.push((id, len == u64::from(expected.segment_bytes)));
            continue;
        }
        present.push(id);
        let work = move || {
            let result = replay.segment(id, &mut *target);
            (result, replay, target)
        };
        let result;
        (result, replay, target) = env.blocking(Class::General, work).await;
        result?;
    }
    replay.judge(expected)?;
    let end = replay.end();
    let mut dead: Vec<u64> = free
        .iter()
        .filter(|entry| !entry.1)
        .map(|entry| entry.0)
        .collect();
    dead.extend(present.into_iter().filter(|id| !replay.sealed.contains(id)));
    let (sealed, mutations) = (replay.sealed, replay.mutations);
    let finish = replay.dir;
    let is_synced = !env.mutant("replay: what was read is not synced");
    let work = move || seal(&*finish, &dead, &sealed, end, is_synced).map(|()| sealed);
    let sealing = env.blocking(Class::General, work).await;
    let sealed = sealing
        .map_err(|error| Error::io("cannot complete the commit log after replay", &error))?;
    let free = free
        .into_iter()
        .filter(|entry| entry.1)
        .map(|entry| entry.0)
        .collect();
    let next = sealed.last().map_or(first, |last| last + 1);
    Ok((
        Replayed {
            sealed,
            free,
            next,
            mutations,
        },
        target,
    ))
}

struct Replay {
    env: Env,
    dir: Arc<dyn Dir>,
    expected: u64,
    /// Where the valid frames end, if not in an end mark, and why.
    bad: Option<(Position, &'static str)>,
    /// The highest position that any frame says was synced.
    synced: Position,
    accepts_loss: bool,
    mutations: u64,
    sealed: Vec<u64>,
}

impl Replay {
    fn segment(&mut self, id: u64, target: &mut dyn Target) -> Result<(), Error> {
        let name = format::segment_name(id);
        let bytes = read(&*self.dir, &name)
            .map_err(|error| Error::io(format_args!("cannot read {}", self.path(id)), &error))?;
        if self.bad.is_none() && id != self.expected {
            self.bad = Some((Position::new(self.expected, 0), "the segment is missing"));
        }
        let mut offset = 0;
        if self.bad.is_none() {
            offset = self.frames(id, &bytes, target)?;
        }
        if let Some(synced) = format::highest_synced(id, &bytes, offset) {
            self.synced = self.synced.max(synced);
        }
        self.refuse_cut(id, &bytes)?;
        self.expected = id + 1;
        Ok(())
    }

    /// The first sync of a segment's frames makes its length durable too: a shorter file was cut by someone else.
    fn refuse_cut(&self, id: u64, bytes: &[u8]) -> Result<(), Error> {
        let is_begun = self.sealed.last() == Some(&id);
        let was_synced = self.synced > Position::new(id, SEGMENT_HEADER_BYTES as u32);
        let expected = format::file_bytes(bytes).unwrap_or_default();
        if !is_begun || !was_synced || self.accepts_loss || bytes.len() >= expected as usize {
            return Ok(());
        }
        let what =
            format!("the file was cut: it should have {expected} bytes; restore it from a backup");
        Err(Error::corrupt(self.path(id), bytes.len() as u64, what))
    }

    /// Replays a segment's valid frames and says where they end.
    fn frames(&mut self, id: u64, bytes: &[u8], target: &mut dyn Target) -> Result<usize, Error> {
        match format::decode_segment_header(bytes) {
            Ok(found) if found == id => {}
            Ok(_) => return Ok(self.end_at(id, 0, "the segment's header has another id")),
            Err(what) => return Ok(self.end_at(id, 0, what)),
        }
        self.sealed.push(id);
        let mut offset = SEGMENT_HEADER_BYTES;
        loop {
            match format::decode_frame(id, bytes, offset) {
                Found::Frame(frame) => {
                    self.synced = self.synced.max(frame.synced);
                    self.records(Position::new(id, offset as u32), frame, target)?;
                    offset = frame.next;
                }
                Found::End(synced) => {
                    self.synced = self.synced.max(synced);
                    return Ok(bytes.len());
                }
                Found::Bad(what) => {
                    let is_torn = format::begins_frame(id, bytes, offset);
                    self.env.sometimes("replay: a torn tail was cut", is_torn);
                    return Ok(self.end_at(id, offset, what));
                }
            }
        }
    }

    fn end_at(&mut self, id: u64, offset: usize, what: &'static str) -> usize {
        self.bad = Some((Position::new(id, offset as u32), what));
        offset
    }

    fn records(
        &mut self,
        position: Position,
        frame: format::Frame<'_>,
        target: &mut dyn Target,
    ) -> Result<(), Error> {
        let is_cut = self.env.mutant("replay: only the first record of a frame");
        for record in frame.records().take(if is_cut { 1 } else { usize::MAX }) {
            let applied = match record {
                Ok(mutation) => target.apply(position, mutation),
                Err(error) => Err(ApplyError::Damaged(error.to_string())),
            };
            match applied {
                Ok(is_needed) => self.mutations += u64::from(is_needed),
                Err(ApplyError::Refused(error)) => return Err(error),
                Err(ApplyError::Damaged(what)) => {
                    let offset = u64::from(position.offset());
                    return Err(Error::corrupt(self.path(position.segment()), offset, what));
                }
            }
        }
        Ok(())
    }

    /// Refuses bad bytes that were synced once, and a log without its beginning.
    fn judge(&self, expected: Expected) -> Result<(), Error> {
        let is_headless = expected.is_begun && self.sealed.first() != Some(&expected.first);
        let (position, what) = match self.bad {
            Some((position, what)) if position < self.synced => (
                position,
                format!("{what}, below the synced position {}", self.synced),
            ),
            Some((position, what)) if is_headless => (position, what.to_owned()),
            None if is_headless => (
                Position::new(expected.first, 0),
                "the segment is missing".to_owned(),
            ),
            _ => return Ok(()),
        };
        let path = self.path(position.segment());
        let offset = u64::from(position.offset());
        if self.accepts_loss {
            tracing::warn!(
                "{path} at byte {offset}: {what}; the commit log ends there, as accept_lost_commitlog has it, and what \
                 followed is lost"
            );
            return Ok(());
        }
        Err(Error::corrupt(path, offset, what))
    }

    /// The segment that needs an end mark, and where. Also one without frames gets it: its id may lie below a table's
    /// replay position, so a new file must not have it.
    fn end(&self) -> Option<(u64, u32)> {
        let (position, _) = self.bad?;
        let is_begun = self.sealed.last() == Some(&position.segment())
            && !self.env.mutant("replay: the torn tail gets no end mark");
        is_begun.then(|| (position.segment(), position.offset()))
    }

    fn path(&self, id: u64) -> String {
        self.dir
            .path()
            .join(format::segment_name(id))
            .display()
            .to_string()
    }
}

/// Removes `dead` segments for good, makes the `sealed` ones durable, and only then ends the last one, with a mark that
/// says so.
fn seal(
    dir: &dyn Dir,
    dead: &[u64],
    sealed: &[u64],
    end: Option<(u64, u32)>,
    is_synced: bool,
) -> std::io::Result<()> {
    for id in dead {
        dir.remove(&format::segment_name(*id))?;
    }
    dir.sync_dir()?;
    for id in sealed.iter().filter(|_| is_synced) {
        dir.open(&format::segment_name(*id))?.sync_data()?;
    }
    if let Some((last, offset)) = end {
        let file = dir.open(&format::segment_name(last))?;
        let synced = Position::new(last, offset);
        file.write_at(&format::end_mark(last, synced), u64::from(offset))?;
        if is_synced {
            file.sync_data()?;
        }
    }
    Ok(())
}

fn read(dir: &dyn Dir, name: &str) -> std::io::Result<Vec<u8>> {
    let file = dir.open(name)?;
    let len = file.len()?.min(base::limits::SEGMENT_BYTES as u64);
    let mut bytes = vec![0; len as usize];
    file.read_exact_at(&mut bytes, 0)?;
    Ok(bytes)
}
