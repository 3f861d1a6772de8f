//! The full check of a data block: everything that `format` says of one.

use base::bytes;
use types::token::Token;

use super::{Block, Rows, Run, Tombstone};
use crate::format::RESTART_INTERVAL;

impl Block {
    /// Checks every run, row and range tombstone: that they decode, follow each other without a gap, and ascend; that
    /// tokens are their keys'; and that every image is one.
    pub fn check(&self) -> Result<(), bytes::Error> {
        let mut run = self.first()?;
        let mut at = 0;
        loop {
            let start = if run.is_continued() {
                0
            } else {
                self.start(run.entry().unwrap_or(0))
            };
            if start != at {
                return Err(wrong(at, "bytes between partitions"));
            }
            at = run.end();
            self.check_run(&run)?;
            let Some(next) = self.next(&run)? else {
                break;
            };
            self.check_neighbours(&run, &next)?;
            run = next;
        }
        if at != self.runs_end {
            return Err(wrong(at, "bytes after the last partition"));
        }
        Ok(())
    }

    fn check_neighbours(&self, run: &Run, next: &Run) -> Result<(), bytes::Error> {
        let order =
            (run.token(), self.bytes(run.key())).cmp(&(next.token(), self.bytes(next.key())));
        if order.is_ge() {
            return Err(wrong(run.end(), "partitions out of order"));
        }
        if run.has_more() {
            return Err(wrong(run.end(), "partition goes on, but another follows"));
        }
        Ok(())
    }

    fn check_run(&self, run: &Run) -> Result<(), bytes::Error> {
        if Token::of(self.bytes(run.key())) != run.token() {
            return Err(wrong(run.rows_start(), "token of another key"));
        }
        if let Some(image) = run.static_row() {
            model::image::check(self.bytes(image))?;
        }
        self.check_rows(run)?;
        self.check_tombstones(run)
    }

    fn check_rows(&self, run: &Run) -> Result<(), bytes::Error> {
        let mut rows = Rows::default();
        rows.rewind(run);
        let mut former: Option<Vec<u8>> = None;
        let mut count = 0;
        let mut at = run.rows_start();
        while rows.advance(self, run)? {
            if count % RESTART_INTERVAL == 0 && !run.is_single() {
                self.check_restart(run, count / RESTART_INTERVAL, at)?;
            }
            if former.as_deref().is_some_and(|former| former >= rows.key()) {
                return Err(wrong(at, "rows out of order"));
            }
            model::image::check(self.bytes(rows.image()))?;
            former = Some(rows.key().to_vec());
            count += 1;
            at = run.row_at(self, at)?.map_or(at, |row| row.next);
        }
        let restarts = if run.is_single() {
            0
        } else {
            count.div_ceil(RESTART_INTERVAL)
        };
        if run.restart_count() != restarts {
            return Err(wrong(at, "wrong number of restart points"));
        }
        Ok(())
    }

    fn check_restart(&self, run: &Run, index: usize, at: u32) -> Result<(), bytes::Error> {
        let shared = run.row_at(self, at)?.map(|row| row.shared);
        if index >= run.restart_count() || run.restart(self, index) != at || shared != Some(0) {
            return Err(wrong(at, "bad restart point"));
        }
        Ok(())
    }

    fn check_tombstones(&self, run: &Run) -> Result<(), bytes::Error> {
        let mut former: Option<Tombstone> = None;
        while let Some(tombstone) = match &former {
            None => run.first_tombstone(self)?,
            Some(former) => run.next_tombstone(self, former)?,
        } {
            let (start, end) = (self.bytes(tombstone.start), self.bytes(tombstone.end));
            let apart = former.is_none_or(|former| self.bytes(former.end) <= start);
            if start >= end || !apart {
                return Err(wrong(
                    run.tombstones_span().start,
                    "range tombstones out of order",
                ));
            }
            former = Some(tombstone);
        }
        Ok(())
    }
}

fn wrong(at: u32, what: &'static str) -> bytes::Error {
    bytes::Error {
        offset: u64::from(at),
        what,
    }
}
