//! What a compaction keeps of the merge of its inputs.
//!
//! A tombstone, or what has expired, may go when gc_grace has passed and nothing outside the compaction can hold
//! anything as old for the partition: no other file whose tokens cover it, no memtable. Cells of dropped columns go in
//! any case. What is outside is looked up for each partition anew, since flushes go on meanwhile.

use std::sync::Arc;

use base::env::Env;
use model::image::{self, Purge};
use model::{Columns, Deletion, PartitionKeyRef, Timestamp};

use crate::sieve::Rule;
use crate::table::{File, Table};

/// Leaves out what may go.
pub(super) struct Purged {
    env: Env,
    table: Arc<Table>,
    inputs: Vec<Arc<File>>,
    rule: Purge,
    /// The columns to keep, if some were dropped.
    columns: Option<Columns>,
    projected: Vec<u8>,
}

impl Purged {
    pub fn new(env: &Env, table: Arc<Table>, inputs: Vec<Arc<File>>) -> Purged {
        let (schema, now_seconds) = (table.schema(), env.wall_seconds());
        let gc_grace_seconds = match env.mutant("purge: gc_grace is over at once") {
            true => 0,
            false => i64::from(schema.options.gc_grace_seconds),
        };
        Purged {
            env: env.clone(),
            columns: crate::table::columns_left(&schema),
            table,
            inputs,
            rule: Purge {
                now_seconds,
                gc_before_seconds: now_seconds.saturating_sub(gc_grace_seconds),
                max_purgeable_timestamp: Timestamp::MIN,
            },
            projected: Vec::new(),
        }
    }

    /// The smallest timestamp that anything outside can hold for the partition.
    fn outside(&self, key: PartitionKeyRef<'_>) -> Timestamp {
        let view = self.table.view();
        if !view.lost.is_empty() {
            // Nobody knows what such a file holds.
            return Timestamp::MIN;
        }
        let is_input = |file: &Arc<File>| self.inputs.iter().any(|input| Arc::ptr_eq(input, file));
        let files = view.files.iter().filter(|file| !is_input(file));
        let files = files.filter(|_| !self.env.mutant("purge: other files do not count"));
        let files = files.map(|file| file.reader.statistics());
        let files = files.filter(|statistics| statistics.may_contain_tokens(key.token, key.token));
        let files = files.map(|statistics| statistics.timestamps.0);
        let memtables = view
            .memtables()
            .filter(|_| !self.env.mutant("purge: memtables do not count"))
            .map(|generation| generation.memtable.min_timestamp_of(key));
        files.chain(memtables).min().unwrap_or(Timestamp::MAX)
    }
}

impl Rule for Purged {
    fn begin_partition(&mut self, key: PartitionKeyRef<'_>) {
        self.rule.max_purgeable_timestamp = self.outside(key);
    }

    fn keeps(&self, deletion: Deletion) -> bool {
        !self.rule.drops(deletion)
    }

    fn keep(&mut self, image: &[u8], out: &mut Vec<u8>) -> bool {
        let is_kept = match &self.columns {
            None => image::purge(image, &self.rule, out),
            Some(columns) => {
                self.projected.clear();
                image::project(image, columns, &mut self.projected)
                    && image::purge(&self.projected, &self.rule, out)
            }
        };
        self.env
            .sometimes("compaction: something was purged", !is_kept);
        is_kept
    }
}
