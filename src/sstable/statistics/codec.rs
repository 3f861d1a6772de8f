//! Statistics as bytes: the contents of the statistics block.
//!
//! | Field | Encoding |
//! |---|---|
//! | first and last partition key | bytes, bytes |
//! | counts | ten varints, in the order of [`Counts`] |
//! | clustering range | 0, or 1 and smallest and largest: bytes, bytes |
//! | timestamps | smallest and largest: signed, signed |
//! | local deletion times | smallest and largest: signed, signed |
//! | columns | count (varint), then each: id (varint), type (bytes) |
//! | drop times | width (varint), count (varint), then each bar: start (signed), count (varint) |
//! | partition bytes, partition rows | each: largest (varint), count (varint), then each bar: number (1), count (varint) |
//! | log positions | 0, or 1 and two varints |
//! | repaired time | 0, or 1 and signed |
//!
//! Varint, signed and bytes are as in `format`. Tokens are computed again from the keys.

use base::bytes::{self, Reader, put_signed_varint, put_varint, put_varint_bytes};
use model::{ColumnId, PartitionKey, Timestamp};

use super::{Column, Counts, DropTimes, Sizes, Statistics};

/// Appends the encoding.
pub fn encode(statistics: &Statistics, out: &mut Vec<u8>) {
    put_varint_bytes(out, &statistics.first.bytes);
    put_varint_bytes(out, &statistics.last.bytes);
    encode_counts(&statistics.counts, out);
    encode_option(
        statistics.clustering.as_ref(),
        out,
        |(smallest, largest), out| {
            put_varint_bytes(out, smallest);
            put_varint_bytes(out, largest);
        },
    );
    put_signed_varint(out, statistics.timestamps.0.0);
    put_signed_varint(out, statistics.timestamps.1.0);
    put_signed_varint(out, statistics.local_deletion_seconds.0);
    put_signed_varint(out, statistics.local_deletion_seconds.1);
    put_varint(out, statistics.columns.len() as u64);
    for column in &statistics.columns {
        put_varint(out, u64::from(column.id.0));
        put_varint_bytes(out, &column.column_type);
    }
    statistics.drop_times.encode(out);
    statistics.partition_bytes.encode(out);
    statistics.partition_rows.encode(out);
    encode_option(statistics.log_positions, out, |(from, to), out| {
        put_varint(out, from);
        put_varint(out, to);
    });
    encode_option(statistics.repaired_micros, out, |micros, out| {
        put_signed_varint(out, micros);
    });
}

/// Reads what [`encode`] wrote.
pub fn decode(plain: &[u8]) -> Result<Statistics, bytes::Error> {
    let mut input = Reader::new(plain);
    let input = &mut input;
    let statistics = Statistics {
        first: PartitionKey::new(input.varint_bytes()?.to_vec()),
        last: PartitionKey::new(input.varint_bytes()?.to_vec()),
        counts: decode_counts(input)?,
        clustering: decode_option(input, |input| {
            Ok((
                input.varint_bytes()?.to_vec(),
                input.varint_bytes()?.to_vec(),
            ))
        })?,
        timestamps: (
            Timestamp(input.signed_varint()?),
            Timestamp(input.signed_varint()?),
        ),
        local_deletion_seconds: (input.signed_varint()?, input.signed_varint()?),
        columns: decode_columns(input)?,
        drop_times: DropTimes::decode(input)?,
        partition_bytes: Sizes::decode(input)?,
        partition_rows: Sizes::decode(input)?,
        log_positions: decode_option(input, |input| Ok((input.varint()?, input.varint()?)))?,
        repaired_micros: decode_option(input, Reader::signed_varint)?,
    };
    input.expect_end()?;
    if statistics.first > statistics.last {
        return Err(input.error("first partition after the last"));
    }
    Ok(statistics)
}

fn encode_counts(counts: &Counts, out: &mut Vec<u8>) {
    for count in [
        counts.partitions,
        counts.partition_deletions,
        counts.static_rows,
        counts.rows,
        counts.range_tombstones,
        counts.cells,
        counts.tombstones,
        counts.data_blocks,
        counts.plain_bytes,
        counts.stored_bytes,
    ] {
        put_varint(out, count);
    }
}

fn decode_counts(input: &mut Reader<'_>) -> Result<Counts, bytes::Error> {
    Ok(Counts {
        partitions: input.varint()?,
        partition_deletions: input.varint()?,
        static_rows: input.varint()?,
        rows: input.varint()?,
        range_tombstones: input.varint()?,
        cells: input.varint()?,
        tombstones: input.varint()?,
        data_blocks: input.varint()?,
        plain_bytes: input.varint()?,
        stored_bytes: input.varint()?,
    })
}

fn decode_columns(input: &mut Reader<'_>) -> Result<Vec<Column>, bytes::Error> {
    let count = input.varint_count()?;
    let mut columns: Vec<Column> = Vec::new();
    for _ in 0..count {
        let id =
            u16::try_from(input.varint()?).map_err(|_| input.error("column id beyond 16 bits"))?;
        if columns.last().is_some_and(|former| former.id.0 >= id) {
            return Err(input.error("columns out of order"));
        }
        columns.push(Column {
            id: ColumnId(id),
            column_type: input.varint_bytes()?.to_vec(),
        });
    }
    Ok(columns)
}

fn encode_option<T>(value: Option<T>, out: &mut Vec<u8>, encode: impl FnOnce(T, &mut Vec<u8>)) {
    match value {
        None => out.push(0),
        Some(value) => {
            out.push(1);
            encode(value, out);
        }
    }
}

fn decode_option<'a, T>(
    input: &mut Reader<'a>,
    decode: impl FnOnce(&mut Reader<'a>) -> Result<T, bytes::Error>,
) -> Result<Option<T>, bytes::Error> {
    match input.u8()? {
        0 => Ok(None),
        1 => decode(input).map(Some),
        _ => Err(input.error("neither absent nor present")),
    }
}

#[cfg(test)]
mod tests {
    use super::super::Collector;
    use super::*;
    use model::{Deletion, PartitionKeyRef};

    fn sample() -> Statistics {
        let mut collector = Collector::default();
        let deletion = Deletion {
            timestamp: Timestamp(-5),
            local_seconds: 1_700_000_000,
        };
        collector.partition(PartitionKeyRef::new(b"a"), Some(deletion));
        collector.range_tombstone(b"x", b"y", deletion);
        collector.partition_end(100, 0);
        collector
            .finish(|_| vec![1, 2], Some((3, 400)), Some(-1))
            .expect("one partition")
    }

    #[test]
    fn statistics_round_trip_and_cuts_are_refused() {
        let statistics = sample();
        assert_eq!(statistics.counts.tombstones, 2);
        let mut plain = Vec::new();
        encode(&statistics, &mut plain);
        assert_eq!(decode(&plain), Ok(statistics));
        for cut in 0..plain.len() {
            assert!(decode(&plain[..cut]).is_err(), "{cut}");
        }
        for index in 0..plain.len() {
            // Without a checksum a flip may go unnoticed here, but it never panics.
            for bit in 0..8 {
                plain[index] ^= 1 << bit;
                let _ = decode(&plain);
                plain[index] ^= 1 << bit;
            }
        }
    }

    #[test]
    fn clustering_ranges_decide_only_without_static_rows_and_partition_deletions() {
        let mut statistics = sample();
        assert!(statistics.may_contain_clustering(b"q", b"r"));
        statistics.counts.partition_deletions = 0;
        assert!(!statistics.may_contain_clustering(b"q", b"r"));
        assert!(!statistics.may_contain_clustering(b"a", b"x"));
        assert!(statistics.may_contain_clustering(b"a", b"xa"));
        assert!(statistics.may_contain_clustering(b"xx", b"z"));
    }
}
