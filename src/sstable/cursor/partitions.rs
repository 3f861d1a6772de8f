//! The half of a cursor that goes from partition to partition.

use base::meter::Meter;
use model::PartitionKeyRef;
use smallvec::SmallVec;

use super::{Cursor, State, current_run, first_bound, held};
use crate::data::Run;
use crate::format::Handle;
use crate::position;
use crate::walk::Stop;

impl Cursor {
    /// The next key of the list that the file may have.
    pub(super) fn pick(&mut self, meter: &mut Meter) -> Result<(), Stop> {
        let scan = self.scan.clone();
        while let Some(key) = scan.key(self.next_key) {
            if !scan.is_done(key.as_ref()) && self.walk.may_contain(key.token)? {
                self.state = State::Find;
                return Ok(());
            }
            self.next_key += 1;
            // Nobody sees this key, so nobody else charges it.
            meter.charge(0, 1, 0);
            if meter.exhausted() {
                return Ok(());
            }
        }
        self.state = State::End;
        Ok(())
    }

    pub(super) fn find(&mut self) -> Result<(), Stop> {
        let scan = self.scan.clone();
        let Some(key) = scan.key(self.next_key) else {
            self.state = State::End;
            return Ok(());
        };
        self.resumed = scan.resumed_slices(key.as_ref());
        let bound = first_bound(
            self.resumed.as_deref().unwrap_or(&scan.slices),
            scan.reversed,
        );
        position::set(&mut self.target, key.token, &key.bytes, bound);
        self.walk.seek(&self.target)?;
        self.next_key += 1;
        self.state = State::Pick;
        let block = held(&self.walk)?;
        let run = block.find(key.token, &key.bytes);
        if let Some(run) = run.map_err(|damage| self.walk.damage(damage))? {
            self.enter(run)?;
        }
        Ok(())
    }

    pub(super) fn start(&mut self) -> Result<(), Stop> {
        let scan = self.scan.clone();
        scan.set_start(&mut self.target);
        self.walk.seek(&self.target)?;
        let block = held(&self.walk)?;
        let first = block.find_token(scan.first_token());
        let first = first.map_err(|damage| self.walk.damage(damage))?;
        self.candidate(first)
    }

    /// The partition after this one, which may reach over several blocks.
    pub(super) fn next_partition(&mut self) -> Result<(), Stop> {
        let Some(run) = self.partition.run.take() else {
            return self.candidate(None);
        };
        if !run.has_more() {
            let block = held(&self.walk)?;
            let next = block.next(&run).map_err(|damage| self.walk.damage(damage));
            // While the next block has to be waited for, this remains the run to go on from.
            self.partition.run = Some(run);
            return self.candidate(next?);
        }
        position::set_after(&mut self.target, run.token(), &self.partition.key);
        let (token, moved) = (run.token(), self.walk.seek(&self.target));
        self.partition.run = Some(run);
        moved?;
        let last = self.run_of(token)?;
        if last.has_more() {
            return Err(self.walk.corrupt("partition goes on behind its end"));
        }
        self.partition.run = Some(last);
        Ok(())
    }

    /// Goes on with the first run from this one on that begins a partition of the range.
    fn candidate(&mut self, mut run: Option<Run>) -> Result<(), Stop> {
        loop {
            let Some(found) = run else {
                if !self.walk.next()? {
                    self.state = State::End;
                    return Ok(());
                }
                let first = held(&self.walk)?.first();
                run = Some(first.map_err(|damage| self.walk.damage(damage))?);
                continue;
            };
            let block = held(&self.walk)?.clone();
            let key = PartitionKeyRef {
                token: found.token(),
                bytes: block.bytes(found.key()),
            };
            if self.scan.is_after(key) {
                self.state = State::End;
                return Ok(());
            }
            if !found.is_continued() && !self.scan.is_before(key) && !self.scan.is_done(key) {
                self.resumed = self.scan.resumed_slices(key);
                return self.enter(found);
            }
            // Whatever waits from here on goes on after this run.
            let next = block
                .next(&found)
                .map_err(|damage| self.walk.damage(damage))?;
            let reaches_on = found.has_more();
            self.partition.run = Some(found);
            self.partition.key = SmallVec::from_slice(key.bytes);
            self.state = State::Next;
            if reaches_on {
                return Ok(());
            }
            run = next;
        }
    }

    /// Takes on the partition of a run in the current block.
    fn enter(&mut self, run: Run) -> Result<(), Stop> {
        let block = held(&self.walk)?;
        let current = &mut self.partition;
        current.key.clear();
        current.key.extend_from_slice(block.bytes(run.key()));
        current.deletion = run.deletion();
        current.static_row = run
            .static_row()
            .filter(|_| self.scan.statics)
            .map(|image| block.bytes(image).to_vec());
        current.run = Some(run);
        self.slices_done = 0;
        self.given.any = false;
        self.state = State::Open;
        Ok(())
    }

    /// Fetches the static row from the block where the partition begins, if that is not this one.
    pub(super) fn open(&mut self) -> Result<(), Stop> {
        let run = current_run(&self.partition, &self.walk)?;
        if self.scan.statics
            && let Some(header) = run.header()
        {
            let Some(handle) = header.handle(self.walk.offset()) else {
                return Err(self.walk.corrupt("partition begins before the file"));
            };
            self.partition.static_row = Some(self.static_row_at(handle)?);
        }
        self.state = State::Slice;
        Ok(())
    }

    fn static_row_at(&mut self, handle: Handle) -> Result<Vec<u8>, Stop> {
        let block = self.walk.data(handle)?;
        let run = block.last().map_err(|damage| self.walk.damage(damage))?;
        match run.static_row() {
            Some(image) if block.bytes(run.key()) == self.partition.key.as_slice() => {
                Ok(block.bytes(image).to_vec())
            }
            _ => Err(self
                .walk
                .corrupt("static row is not where the partition begins")),
        }
    }
}
