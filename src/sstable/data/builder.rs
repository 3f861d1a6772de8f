//! Builds one data block, run by run.

use base::bytes::{put_varint, put_varint_bytes};
use model::Deletion;
use types::token::Token;

use super::Header;
use crate::format::{
    CONTINUED, DELETION, MORE, OPEN_END, OPEN_START, RESTART_INTERVAL, SINGLE, STATIC, TOMBSTONES,
};
use crate::position::shared_len;

/// What a run begins with.
#[derive(Clone, Copy, Debug)]
pub enum Start<'a> {
    /// The partition begins here, perhaps with a static row.
    Begun {
        /// The static row's image.
        static_row: Option<&'a [u8]>,
    },
    /// The partition began in an earlier block, named if it has a static row.
    Continued {
        /// Where it began.
        header: Option<Header>,
    },
}

/// A data block in the making. Rows and tombstones come in ascending order; whoever calls has seen to that.
#[derive(Debug, Default)]
pub struct Builder {
    plain: Vec<u8>,
    tokens: Vec<Token>,
    offsets: Vec<u32>,
    run: Run,
}

/// The run in the making: its parts are joined when their lengths are known.
#[derive(Debug, Default)]
struct Run {
    flags: u8,
    token: Option<Token>,
    head: Vec<u8>,
    rows: Vec<u8>,
    row_count: usize,
    restarts: Vec<u32>,
    last_key: Vec<u8>,
    tombstones: Vec<u8>,
}

impl Builder {
    /// Starts a run.
    pub fn begin(
        &mut self,
        token: Token,
        key: &[u8],
        deletion: Option<Deletion>,
        start: Start<'_>,
    ) {
        let run = &mut self.run;
        run.clear();
        run.token = Some(token);
        put_varint_bytes(&mut run.head, key);
        if let Start::Continued { header } = start {
            run.flags |= CONTINUED;
            run.put_continued(token, header);
        }
        if let Some(deletion) = deletion {
            run.flags |= DELETION;
            deletion.encode(&mut run.head);
        }
        if let Start::Begun {
            static_row: Some(image),
        } = start
        {
            run.flags |= STATIC;
            put_varint_bytes(&mut run.head, image);
        }
    }

    /// Adds a row to the run.
    pub fn row(&mut self, clustering: &[u8], image: &[u8]) {
        let run = &mut self.run;
        let restart = run.row_count.is_multiple_of(RESTART_INTERVAL);
        let shared = if restart {
            run.restarts.push(run.rows.len() as u32);
            0
        } else {
            shared_len(&run.last_key, clustering)
        };
        put_varint(&mut run.rows, shared as u64);
        put_varint_bytes(&mut run.rows, &clustering[shared..]);
        put_varint_bytes(&mut run.rows, image);
        run.last_key.truncate(shared);
        run.last_key.extend_from_slice(&clustering[shared..]);
        run.row_count += 1;
    }

    /// Adds a range tombstone to the run; `open` says that it began in an earlier block, so it is the first.
    pub fn tombstone(&mut self, start: &[u8], end: &[u8], deletion: Deletion, open: bool) {
        let run = &mut self.run;
        run.flags |= TOMBSTONES | if open { OPEN_START } else { 0 };
        put_varint_bytes(&mut run.tombstones, start);
        put_varint_bytes(&mut run.tombstones, end);
        deletion.encode(&mut run.tombstones);
    }

    /// Ends the run. `more`: the partition goes on in the next block; `open`: so does the last tombstone.
    pub fn end(&mut self, more: bool, open: bool) {
        let run = &mut self.run;
        run.flags |= if more { MORE } else { 0 } | if open { OPEN_END } else { 0 };
        if let Some(token) = run.token
            && run.flags & CONTINUED == 0
        {
            self.tokens.push(token);
            self.offsets.push(self.plain.len() as u32);
        }
        run.write(&mut self.plain);
        run.clear();
    }

    /// Length of the block so far, with the run that is not ended.
    pub fn len(&self) -> usize {
        self.plain.len() + self.run.len() + 12 * self.tokens.len() + 4
    }

    /// Whether no run has ended.
    pub fn is_empty(&self) -> bool {
        self.plain.is_empty()
    }

    /// Moves the contents of the block to `out` and starts the next one.
    pub fn take(&mut self, out: &mut Vec<u8>) {
        out.clear();
        std::mem::swap(out, &mut self.plain);
        for token in &self.tokens {
            out.extend_from_slice(&token.0.to_le_bytes());
        }
        for offset in &self.offsets {
            out.extend_from_slice(&offset.to_le_bytes());
        }
        out.extend_from_slice(&(self.tokens.len() as u32).to_le_bytes());
        self.tokens.clear();
        self.offsets.clear();
    }
}

impl Run {
    fn clear(&mut self) {
        self.flags = 0;
        self.token = None;
        self.head.clear();
        self.rows.clear();
        self.row_count = 0;
        self.restarts.clear();
        self.last_key.clear();
        self.tombstones.clear();
    }

    fn len(&self) -> usize {
        self.head.len() + self.rows.len() + 4 * self.restarts.len() + self.tombstones.len()
    }

    fn put_continued(&mut self, token: Token, header: Option<Header>) {
        self.head.extend_from_slice(&token.0.to_le_bytes());
        match header {
            None => put_varint(&mut self.head, 0),
            Some(header) => {
                put_varint(&mut self.head, header.distance);
                put_varint(&mut self.head, u64::from(header.len));
            }
        }
    }

    fn write(&self, out: &mut Vec<u8>) {
        if self.flags == 0 && self.row_count == 1 {
            out.push(SINGLE);
            out.extend_from_slice(&self.head);
            // Without the shared length, which is one byte of zero.
            out.extend_from_slice(&self.rows[1..]);
            return;
        }
        out.push(self.flags);
        out.extend_from_slice(&self.head);
        put_varint(out, self.rows.len() as u64);
        put_varint(out, self.restarts.len() as u64);
        if self.flags & TOMBSTONES != 0 {
            put_varint(out, self.tombstones.len() as u64);
        }
        out.extend_from_slice(&self.rows);
        for restart in &self.restarts {
            out.extend_from_slice(&restart.to_le_bytes());
        }
        out.extend_from_slice(&self.tombstones);
    }
}
