//! Virtual tables over what storage tells operators: `system_views.disk_usage` and `system_views.caches`.
//!
//! Each read asks storage anew. Columns whose fact nobody keeps, such as rates of the last minutes, are null.

use std::sync::Arc;

use schema::virtual_table::{Keys, Row, Rows, Source};
use schema::{Table, system};
use storage::{Engine, Status, TableStatus};

/// Bytes in the unit of `disk_usage`.
const MEBIBYTE: u64 = 1 << 20;
/// What Cassandra calls the cache of blocks.
const BLOCK_CACHE: &str = "chunks";

/// The sources over this engine.
pub fn sources(engine: &Arc<Engine>) -> Vec<Arc<dyn Source>> {
    let table = |name| system::table(system::VIEWS, name).expect("the table is built in");
    vec![
        Arc::new(DiskUsage {
            definition: table("disk_usage"),
            engine: engine.clone(),
        }),
        Arc::new(Caches {
            definition: table("caches"),
            engine: engine.clone(),
        }),
    ]
}

/// The room that the files of each table take.
struct DiskUsage {
    definition: Arc<Table>,
    engine: Arc<Engine>,
}

impl Source for DiskUsage {
    fn definition(&self) -> &Arc<Table> {
        &self.definition
    }

    fn keys(&self, keys: &mut Keys) {
        for table in self.engine.status().tables {
            keys.add(&[table.keyspace.as_bytes(), table.name.as_bytes()]);
        }
    }

    fn rows(&self, key: &[&[u8]], rows: &mut Rows) {
        let is_asked =
            |table: &&TableStatus| key == [table.keyspace.as_bytes(), table.name.as_bytes()];
        let status = self.engine.status();
        if let Some(table) = status.tables.iter().find(is_asked) {
            // Whatever takes any room takes at least one, as in Cassandra.
            let mebibytes = table.disk_bytes.div_ceil(MEBIBYTE);
            rows.add(&[], |row| {
                row.bigint("mebibytes", signed(mebibytes));
            });
        }
    }
}

/// What the block cache holds and did.
struct Caches {
    definition: Arc<Table>,
    engine: Arc<Engine>,
}

impl Source for Caches {
    fn definition(&self) -> &Arc<Table> {
        &self.definition
    }

    fn keys(&self, keys: &mut Keys) {
        keys.add(&[BLOCK_CACHE.as_bytes()]);
    }

    fn rows(&self, key: &[&[u8]], rows: &mut Rows) {
        if key == [BLOCK_CACHE.as_bytes()] {
            let status = self.engine.status();
            rows.add(&[], |row| show_cache(&status, row));
        }
    }
}

fn show_cache(status: &Status, row: &mut Row<'_>) {
    let usage = &status.cache;
    let requests = usage.hits.saturating_add(usage.misses);
    row.bigint("capacity_bytes", signed(usage.capacity_bytes))
        .bigint("size_bytes", signed(usage.bytes))
        .int(
            "entry_count",
            i32::try_from(usage.blocks).unwrap_or(i32::MAX),
        )
        .bigint("hit_count", signed(usage.hits))
        .bigint("request_count", signed(requests));
    if requests > 0 {
        row.double("hit_ratio", usage.hits as f64 / requests as f64);
    }
}

fn signed(count: u64) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}
