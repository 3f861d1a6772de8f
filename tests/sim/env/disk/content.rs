//! A file's bytes: what a reader sees, and what a power failure would leave.
//!
//! The visible bytes come with the list of changes since the last sync, each with what it replaced. A sync forgets the
//! list. A power failure goes back through the list to what was synced, and does each change again, or not, or in
//! part: sectors of 512 bytes are kept or dropped one by one.
//!
//! After a failed sync the visible bytes and the disk's may differ for good, as on a real system that drops what it
//! could not write and calls it clean: the disk's are then kept apart, and later syncs write only later changes.

use base::env::Rng;

/// What a disk writes in one piece.
pub(super) const SECTOR_BYTES: usize = 512;

/// What a power failure does with changes that were not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// None is kept: nothing had been written back.
    Lose,
    /// All are kept: everything had just been written back.
    Keep,
    /// Each is kept, dropped or torn.
    Mixed,
}

impl Mode {
    pub(super) fn draw(rng: &mut Rng) -> Mode {
        match rng.below(8) {
            0 | 1 => Mode::Lose,
            2 => Mode::Keep,
            _ => Mode::Mixed,
        }
    }
}

#[derive(Clone, Debug, Default)]
pub(super) struct Content {
    visible: Vec<u8>,
    changes: Vec<Change>,
    /// The disk's bytes before `changes`, if they cannot be had by undoing these.
    apart: Option<Vec<u8>>,
}

#[derive(Clone, Debug)]
enum Change {
    /// `new` went to `offset`, where `old` was; the file had `old_len` bytes.
    Write {
        offset: usize,
        old_len: usize,
        old: Vec<u8>,
        new: Vec<u8>,
    },
    /// The length went to `new_len`; `cut` was lost at the end.
    Resize {
        old_len: usize,
        new_len: usize,
        cut: Vec<u8>,
    },
}

impl Content {
    pub(super) fn visible(&self) -> &[u8] {
        &self.visible
    }

    pub(super) fn len(&self) -> usize {
        self.visible.len()
    }

    pub(super) fn write(&mut self, offset: usize, new: &[u8]) {
        let old_len = self.visible.len();
        let old = self.visible[offset.min(old_len)..(offset + new.len()).min(old_len)].to_vec();
        overwrite(&mut self.visible, offset, new);
        self.changes.push(Change::Write {
            offset,
            old_len,
            old,
            new: new.to_vec(),
        });
    }

    pub(super) fn resize(&mut self, new_len: usize) {
        let old_len = self.visible.len();
        let cut = self.visible[new_len.min(old_len)..].to_vec();
        self.visible.resize(new_len, 0);
        self.changes.push(Change::Resize {
            old_len,
            new_len,
            cut,
        });
    }

    pub(super) fn sync(&mut self) {
        if let Some(apart) = &mut self.apart {
            self.changes.iter().for_each(|change| change.redo(apart));
        }
        self.changes.clear();
    }

    /// A sync that fails: part of the changes is on disk, and none is pending any more.
    pub(super) fn fail_sync(&mut self, rng: &mut Rng) {
        let durable = self.after_failure(Mode::Mixed, rng);
        self.changes.clear();
        self.apart = Some(durable);
    }

    /// The power fails: only what is on disk remains.
    pub(super) fn power_failure(&mut self, mode: Mode, rng: &mut Rng) {
        self.visible = self.after_failure(mode, rng);
        self.changes.clear();
        self.apart = None;
    }

    /// Changes the bytes on disk behind everybody's back.
    pub(super) fn damage(&mut self, edit: impl Fn(&mut Vec<u8>)) {
        edit(&mut self.visible);
        if let Some(apart) = &mut self.apart {
            edit(apart);
        }
    }

    fn after_failure(&self, mode: Mode, rng: &mut Rng) -> Vec<u8> {
        let mut bytes = match &self.apart {
            Some(apart) => apart.clone(),
            None => self.undone(),
        };
        for change in &self.changes {
            match mode {
                Mode::Lose => {}
                Mode::Keep => change.redo(&mut bytes),
                Mode::Mixed => change.redo_perhaps(&mut bytes, rng),
            }
        }
        bytes
    }

    fn undone(&self) -> Vec<u8> {
        let mut bytes = self.visible.clone();
        self.changes
            .iter()
            .rev()
            .for_each(|change| change.undo(&mut bytes));
        bytes
    }
}

impl Change {
    fn undo(&self, bytes: &mut Vec<u8>) {
        match self {
            Change::Write {
                offset,
                old_len,
                old,
                ..
            } => {
                bytes.truncate(*old_len);
                overwrite(bytes, (*offset).min(*old_len), old);
            }
            Change::Resize {
                old_len,
                new_len,
                cut,
            } => {
                bytes.truncate(*new_len.min(old_len));
                bytes.extend_from_slice(cut);
            }
        }
    }

    fn redo(&self, bytes: &mut Vec<u8>) {
        match self {
            Change::Write { offset, new, .. } => overwrite(bytes, *offset, new),
            Change::Resize { new_len, .. } => bytes.resize(*new_len, 0),
        }
    }

    fn redo_perhaps(&self, bytes: &mut Vec<u8>, rng: &mut Rng) {
        match (self, rng.below(3)) {
            (_, 0) => {}
            (Change::Write { offset, new, .. }, 1) => tear(bytes, *offset, new, rng),
            _ => self.redo(bytes),
        }
    }
}

/// Writes some sectors of `new`. The length may have been written although the bytes were not.
fn tear(bytes: &mut Vec<u8>, offset: usize, new: &[u8], rng: &mut Rng) {
    let end = offset + new.len();
    let mut at = offset;
    while at < end {
        let next = ((at / SECTOR_BYTES + 1) * SECTOR_BYTES).min(end);
        if rng.chance(0.5) {
            overwrite(bytes, at, &new[at - offset..next - offset]);
        }
        at = next;
    }
    if bytes.len() < end && rng.chance(0.5) {
        bytes.resize(end, 0);
    }
}

/// Puts `new` at `offset`, with zeros before it if the file is shorter.
fn overwrite(bytes: &mut Vec<u8>, offset: usize, new: &[u8]) {
    if new.is_empty() {
        return;
    }
    let end = offset + new.len();
    if bytes.len() < end {
        bytes.resize(end, 0);
    }
    bytes[offset..end].copy_from_slice(new);
}

#[cfg(test)]
mod tests {
    use base::env::Rng;
    use proptest::prelude::*;

    use super::*;

    #[derive(Clone, Debug)]
    enum Step {
        Write(usize, Vec<u8>),
        Resize(usize),
        Sync,
    }

    fn step() -> impl Strategy<Value = Step> {
        prop_oneof![
            4 => (0usize..3000, proptest::collection::vec(any::<u8>(), 0..1500)).prop_map(|(at, bytes)| Step::Write(at, bytes)),
            1 => (0usize..3000).prop_map(Step::Resize),
            1 => Just(Step::Sync),
        ]
    }

    /// Runs the steps on a content and on a plain model of (visible, synced).
    fn run(steps: &[Step]) -> (Content, Vec<u8>, Vec<u8>) {
        let (mut content, mut visible, mut synced) = (Content::default(), Vec::new(), Vec::new());
        for step in steps {
            match step {
                Step::Write(at, bytes) => {
                    content.write(*at, bytes);
                    overwrite(&mut visible, *at, bytes);
                }
                Step::Resize(len) => {
                    content.resize(*len);
                    visible.resize(*len, 0);
                }
                Step::Sync => {
                    content.sync();
                    synced = visible.clone();
                }
            }
        }
        (content, visible, synced)
    }

    proptest! {
        #[test]
        fn losing_everything_leaves_what_was_synced(steps in proptest::collection::vec(step(), 0..20)) {
            let (mut content, visible, synced) = run(&steps);
            prop_assert_eq!(content.visible(), &visible[..]);
            content.power_failure(Mode::Lose, &mut Rng::from_seed(1));
            prop_assert_eq!(content.visible(), &synced[..]);
        }

        #[test]
        fn keeping_everything_leaves_what_was_visible(steps in proptest::collection::vec(step(), 0..20)) {
            let (mut content, visible, _) = run(&steps);
            content.power_failure(Mode::Keep, &mut Rng::from_seed(1));
            prop_assert_eq!(content.visible(), &visible[..]);
        }

        #[test]
        fn synced_bytes_survive_unless_written_again(steps in proptest::collection::vec(step(), 0..20), seed in any::<u64>()) {
            let (mut content, _, synced) = run(&steps);
            let after = steps.iter().rposition(|step| matches!(step, Step::Sync)).map_or(&steps[..], |at| &steps[at + 1..]);
            let touched = |index: usize| after.iter().any(|step| match step {
                Step::Write(at, bytes) => (*at..at + bytes.len()).contains(&index),
                Step::Resize(len) => index >= *len,
                Step::Sync => false,
            });
            content.power_failure(Mode::Mixed, &mut Rng::from_seed(seed));
            for (index, byte) in synced.iter().enumerate().filter(|(index, _)| !touched(*index)) {
                prop_assert_eq!(content.visible().get(index), Some(byte), "byte {}", index);
            }
        }

        #[test]
        fn a_failed_sync_can_lose_for_good(seed in any::<u64>()) {
            let mut content = Content::default();
            content.write(0, &[1; 4096]);
            content.fail_sync(&mut Rng::from_seed(seed));
            content.write(4096, &[2; 512]);
            content.sync();
            prop_assert_eq!(content.len(), 4608);
            prop_assert_eq!(&content.visible()[..4096], &[1; 4096][..]);
            content.power_failure(Mode::Keep, &mut Rng::from_seed(seed));
            prop_assert_eq!(&content.visible()[4096..], &[2; 512][..], "what was synced later is there");
        }
    }

    #[test]
    fn mixed_failures_really_tear() {
        let mut outcomes = std::collections::BTreeSet::new();
        for seed in 0..200 {
            let mut content = Content::default();
            content.write(0, &[7; 1024]);
            content.power_failure(Mode::Mixed, &mut Rng::from_seed(seed));
            let sectors: Vec<u8> = content
                .visible()
                .chunks(SECTOR_BYTES)
                .map(|sector| sector[0])
                .collect();
            outcomes.insert(sectors);
        }
        let expected = [
            vec![],
            vec![0, 0],
            vec![0, 7],
            vec![7],
            vec![7, 0],
            vec![7, 7],
        ];
        assert_eq!(outcomes.into_iter().collect::<Vec<_>>(), expected);
    }
}
