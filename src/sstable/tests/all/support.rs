//! Making contents, writing them, and reading streams to the end.

use std::path::Path;
use std::sync::Arc;

use base::env::{Class, Dir, Env, Rng};
use base::meter::{Limit, Meter};
use bytes::Bytes;
use model::cell::Kind;
use model::image::Builder;
use model::key::{RangeTombstone, Slice};
use model::stream::{Direction, Error, Memory, Step, Stream};
use model::{ColumnId, Deletion, Liveness, PartitionKey, TableId, Timestamp};
use sstable::{Cache, FileId, Options, Pull, Reader, Summary, Writer};

pub const ID: FileId = FileId(7);

/// What a stream said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Event {
    Partition(PartitionKey, Option<Deletion>, Option<Vec<u8>>),
    Row(Vec<u8>, Vec<u8>),
    Range(RangeTombstone),
    PartitionEnd,
}

/// Steps a stream to its end, with turns of `turn_nanos`.
pub async fn collect(stream: &mut impl Stream, turn_nanos: u64) -> Result<Vec<Event>, Error> {
    let mut meter = Meter::new(Limit {
        nanos: turn_nanos,
        ..Limit::NONE
    });
    let mut events = Vec::new();
    loop {
        match stream.step(&mut meter)? {
            Step::Partition => {
                let partition = stream.partition();
                events.push(Event::Partition(
                    partition.key.to_owned(),
                    partition.deletion,
                    partition.static_row.map(<[u8]>::to_vec),
                ));
            }
            Step::Row => {
                meter.charge(1, 0, 0);
                let row = stream.row();
                events.push(Event::Row(row.clustering.to_vec(), row.image.to_vec()));
            }
            Step::RangeTombstone => events.push(Event::Range(stream.range_tombstone().to_owned())),
            Step::PartitionEnd => events.push(Event::PartitionEnd),
            Step::End => return Ok(events),
            Step::Yield => {
                meter.reset();
            }
            Step::Wait(wait) => wait.await,
        }
    }
}

pub fn table() -> TableId {
    TableId(uuid::Uuid::from_u128(0x1234))
}

pub fn row_image(timestamp: i64, value: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    Builder::new()
        .liveness(Liveness::plain(Timestamp(timestamp)))
        .cell(ColumnId(1), Timestamp(timestamp), Kind::Value(value))
        .finish_into(&mut out);
    out
}

pub fn deletion(timestamp: i64) -> Deletion {
    Deletion {
        timestamp: Timestamp(timestamp),
        local_seconds: timestamp / 1000,
    }
}

/// How random contents look.
#[derive(Clone, Copy, Debug)]
pub struct Shape {
    pub partitions: u64,
    pub rows_max: u64,
    pub ranges_max: u64,
    pub value_bytes_max: u64,
    pub key_bytes_max: u64,
}

/// Random contents, and their keys in order.
pub fn contents(rng: &mut Rng, shape: Shape) -> (Memory, Vec<PartitionKey>) {
    let mut memory = Memory::new();
    let mut keys = Vec::new();
    for number in 0..shape.partitions {
        let key = PartitionKey::new(format!(
            "key {number} {}",
            "x".repeat(rng.below(20) as usize)
        ));
        if fill_partition(&mut memory, &key, rng, shape) {
            keys.push(key);
        }
    }
    keys.sort();
    (memory, keys)
}

/// False if it got nothing.
fn fill_partition(memory: &mut Memory, key: &PartitionKey, rng: &mut Rng, shape: Shape) -> bool {
    let mut any = false;
    if rng.below(5) == 0 {
        memory.delete_partition(key.as_ref(), deletion(rng.below(50) as i64));
        any = true;
    }
    if rng.below(3) == 0 {
        let image = row_image(rng.below(100) as i64, &value(rng, shape));
        memory.static_row(key.as_ref(), &image);
        any = true;
    }
    for _ in 0..rng.below(shape.rows_max + 1) {
        let image = row_image(rng.below(100) as i64, &value(rng, shape));
        memory.row(key.as_ref(), &clustering(rng, shape), &image);
        any = true;
    }
    for _ in 0..rng.below(shape.ranges_max + 1) {
        let (a, b) = (clustering(rng, shape), clustering(rng, shape));
        if a != b {
            let range = RangeTombstone {
                start: a.clone().min(b.clone()).into(),
                end: a.max(b).into(),
                deletion: deletion(rng.below(80) as i64),
            };
            memory.range_tombstone(key.as_ref(), range);
            any = true;
        }
    }
    any
}

fn value(rng: &mut Rng, shape: Shape) -> Vec<u8> {
    let len = rng.below(shape.value_bytes_max + 1) as usize;
    let fill = rng.below(256) as u8;
    vec![fill; len]
}

/// Keys that share much, so that prefixes and equal bounds are common.
pub fn clustering(rng: &mut Rng, shape: Shape) -> Vec<u8> {
    let len = rng.below(shape.key_bytes_max + 1);
    (0..len)
        .map(|_| [0, 1, 0x40, 0x41, 0xbf][rng.below(5) as usize])
        .collect()
}

/// Random slices: disjoint and ascending.
pub fn slices(rng: &mut Rng, shape: Shape) -> Vec<Slice> {
    if rng.below(3) == 0 {
        return vec![Slice::all()];
    }
    let mut slices: Vec<Slice> = (0..1 + rng.below(4))
        .map(|_| {
            let (a, b) = (
                Bytes::from(clustering(rng, shape)),
                Bytes::from(clustering(rng, shape)),
            );
            Slice::new(a.clone().min(b.clone()), a.max(b))
        })
        .collect();
    Slice::normalize(&mut slices);
    slices
}

/// The smallest blocks, so that everything lies on an edge.
pub fn tiny(table: TableId) -> Options {
    Options {
        block_bytes: 64,
        index_bytes: 64,
        ..Options::new(table)
    }
}

pub async fn directory(env: &Env) -> Arc<dyn Dir> {
    let own = env.clone();
    env.blocking(Class::General, move || own.make_dirs(Path::new("/data")))
        .await
        .expect("a directory")
}

/// Writes all of a memory, in small steps.
pub async fn write(
    env: &Env,
    dir: &Arc<dyn Dir>,
    memory: &Memory,
    options: Options,
) -> Option<Summary> {
    let (dir, mut stream) = (dir.clone(), memory.stream(Direction::Forward));
    env.blocking(Class::Flush, move || {
        let mut writer = Writer::create(dir, ID, options)?;
        let mut meter = Meter::new(Limit {
            nanos: 10_000,
            ..Limit::NONE
        });
        while !matches!(writer.pull(&mut stream, &mut meter)?, Pull::End) {
            meter.reset();
        }
        writer.finish()
    })
    .await
    .expect("written")
}

pub async fn open(
    env: &Env,
    dir: &Arc<dyn Dir>,
    cache: &Cache,
) -> Result<Arc<Reader>, sstable::Error> {
    Reader::open(env, dir.clone(), ID, cache, None).await
}
