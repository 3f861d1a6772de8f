//! Writing a mutation at the end of a buffer.

use base::bytes::put_varint_bytes;
use base::limits::{ENCODED_KEY_BYTES_MAX, KEY_BYTES_MAX, MUTATION_BYTES_MAX};

use super::{Error, View, format};
use crate::image::{Builder, insert_varint};
use crate::{Deletion, PartitionKeyRef, TableId};

/// Appends a mutation. The order of elements is the caller's: deletion, static row, then the rest ascending.
///
/// Limits are judged once, by [`Encoder::finish`]; on an error the buffer is as it was before. An encoder that is not
/// finished leaves what it has written: the owner of the buffer cuts it off.
#[derive(Debug)]
pub struct Encoder<'a> {
    out: &'a mut Vec<u8>,
    start: usize,
    key_bytes: usize,
    clustering_bytes_max: usize,
    builder: Option<Builder>,
}

impl<'a> Encoder<'a> {
    /// Begins a mutation at the end of `out`.
    pub fn new(out: &'a mut Vec<u8>, table: TableId, key: PartitionKeyRef<'_>) -> Encoder<'a> {
        let start = out.len();
        out.push(format::VERSION);
        out.extend_from_slice(table.0.as_bytes());
        out.extend_from_slice(&key.token.0.to_be_bytes());
        put_varint_bytes(out, key.bytes);
        Encoder {
            out,
            start,
            key_bytes: key.bytes.len(),
            clustering_bytes_max: 0,
            builder: None,
        }
    }

    /// Deletes the partition.
    pub fn partition_deletion(&mut self, deletion: Deletion) {
        self.out.push(format::PARTITION_DELETION);
        deletion.encode(self.out);
    }

    /// Changes static columns.
    pub fn static_row(&mut self, image: &[u8]) {
        self.out.push(format::STATIC);
        put_varint_bytes(self.out, image);
    }

    /// Changes static columns as the builder says, and clears it.
    pub fn static_row_from(&mut self, builder: &mut Builder) {
        self.out.push(format::STATIC);
        self.image(builder);
    }

    /// Changes a row.
    pub fn row(&mut self, clustering: &[u8], image: &[u8]) {
        self.begin_row(clustering);
        put_varint_bytes(self.out, image);
    }

    /// Changes a row as the builder says, and clears it: no allocation when the builder is kept.
    pub fn row_from(&mut self, clustering: &[u8], builder: &mut Builder) {
        self.begin_row(clustering);
        self.image(builder);
    }

    /// Changes a row as `fill` says.
    pub fn row_with(&mut self, clustering: &[u8], fill: impl FnOnce(&mut Builder)) {
        self.with_builder(fill, |encoder, builder| {
            encoder.row_from(clustering, builder)
        });
    }

    /// Changes static columns as `fill` says.
    pub fn static_row_with(&mut self, fill: impl FnOnce(&mut Builder)) {
        self.with_builder(fill, Encoder::static_row_from);
    }

    /// Deletes the rows from `start` on, up to but without `end`.
    pub fn range_tombstone(&mut self, start: &[u8], end: &[u8], deletion: Deletion) {
        self.clustering_bytes_max = self.clustering_bytes_max.max(start.len()).max(end.len());
        self.out.push(format::RANGE_TOMBSTONE);
        put_varint_bytes(self.out, start);
        put_varint_bytes(self.out, end);
        deletion.encode(self.out);
    }

    /// What was written so far.
    #[inline]
    pub fn view(&self) -> View<'_> {
        View::new(&self.out[self.start..])
    }

    /// Ends the mutation: its length in bytes.
    pub fn finish(self) -> Result<usize, Error> {
        let bytes = self.out.len() - self.start;
        let judged = self.judge(bytes);
        if judged.is_err() {
            self.out.truncate(self.start);
        }
        judged.map(|()| bytes)
    }

    /// Takes back what was written.
    pub fn abandon(self) {
        self.out.truncate(self.start);
    }

    fn judge(&self, bytes: usize) -> Result<(), Error> {
        if self.key_bytes > KEY_BYTES_MAX {
            return Err(Error::KeyTooLong {
                bytes: self.key_bytes,
                max: KEY_BYTES_MAX,
            });
        }
        if self.clustering_bytes_max > ENCODED_KEY_BYTES_MAX {
            return Err(Error::KeyTooLong {
                bytes: self.clustering_bytes_max,
                max: ENCODED_KEY_BYTES_MAX,
            });
        }
        if bytes > MUTATION_BYTES_MAX {
            return Err(Error::TooLarge {
                bytes,
                max: MUTATION_BYTES_MAX,
            });
        }
        Ok(())
    }

    fn begin_row(&mut self, clustering: &[u8]) {
        self.clustering_bytes_max = self.clustering_bytes_max.max(clustering.len());
        self.out.push(format::ROW);
        put_varint_bytes(self.out, clustering);
    }

    /// Appends the image, then puts its length before it.
    fn image(&mut self, builder: &mut Builder) {
        let start = self.out.len();
        builder.finish_into(self.out);
        let bytes = (self.out.len() - start) as u64;
        insert_varint(self.out, start, bytes);
    }

    fn with_builder(
        &mut self,
        fill: impl FnOnce(&mut Builder),
        write: impl FnOnce(&mut Self, &mut Builder),
    ) {
        let mut builder = self.builder.take().unwrap_or_default();
        fill(&mut builder);
        write(self, &mut builder);
        self.builder = Some(builder);
    }
}
