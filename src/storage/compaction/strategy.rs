//! Choosing what to merge: a pure function of a table's files and options.
//!
//! Size-tiered, with Cassandra's options: files of similar size form a bucket; a bucket of `min_threshold` files is
//! merged, at most `max_threshold` at once. Files below `min_sstable_size` are of one size. Of several buckets the one
//! with the smallest files goes first: it is cheapest and shortens reads as much as any.
//!
//! Tables with another strategy are compacted by this one for now. What a candidate says beyond its size is for those:
//! leveled compaction goes by level and tokens, time windows by timestamps.

use model::Timestamp;
use schema::table::compaction::Compaction;
use types::Token;

/// What a strategy sees of a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Candidate {
    /// Its id.
    pub id: u64,
    /// Its length.
    pub bytes: u64,
    /// Where a former choice has put it; 0 for what was flushed.
    pub level: u32,
    /// The first and last token.
    pub tokens: (Token, Token),
    /// The smallest and largest timestamp.
    pub timestamps: (Timestamp, Timestamp),
}

/// Files to merge into one, and where to put that.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Choice {
    /// The files, by id.
    pub inputs: Vec<u64>,
    /// The level of the new file.
    pub level: u32,
}

/// Cassandra's `min_sstable_size`.
const FILE_BYTES_MIN: f64 = 50.0 * 1024.0 * 1024.0;

/// The merges that are due, the most urgent first; their files are disjoint.
pub fn choose(files: &[Candidate], options: &Compaction) -> Vec<Choice> {
    if !options.is_enabled() {
        return Vec::new();
    }
    let mut due: Vec<_> = buckets(files, options)
        .into_iter()
        .filter(|bucket| bucket.len() >= options.threshold_min().max(2))
        .collect();
    due.sort_by(|a, b| average(a).total_cmp(&average(b)));
    let max = options.threshold_max().max(2);
    due.into_iter()
        .map(|bucket| Choice {
            inputs: bucket.iter().take(max).map(|file| file.id).collect(),
            level: 0,
        })
        .collect()
}

/// Files by similar size, each bucket and the list of them ascending.
fn buckets(files: &[Candidate], options: &Compaction) -> Vec<Vec<Candidate>> {
    let low = options.number("bucket_low", 0.5);
    let high = options.number("bucket_high", 1.5);
    let small = options.number("min_sstable_size", FILE_BYTES_MIN);
    let mut sorted = files.to_vec();
    sorted.sort_by_key(|file| (file.bytes, file.id));
    let mut buckets: Vec<Vec<Candidate>> = Vec::new();
    for file in sorted {
        let bytes = file.bytes as f64;
        let fits = |bucket: &Vec<Candidate>| {
            let average = average(bucket);
            bytes > average * low && bytes < average * high || bytes < small && average < small
        };
        match buckets.iter_mut().find(|bucket| fits(bucket)) {
            Some(bucket) => bucket.push(file),
            None => buckets.push(vec![file]),
        }
    }
    buckets
}

fn average(bucket: &[Candidate]) -> f64 {
    bucket.iter().map(|file| file.bytes as f64).sum::<f64>() / bucket.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: u64 = 1 << 20;

    fn check(options: &[(&str, &str)], sizes: &[u64], expected: &[&[u64]]) {
        let mut compaction = Compaction::default();
        for (name, value) in options {
            compaction
                .options
                .insert((*name).to_owned(), (*value).to_owned());
        }
        let files: Vec<_> = sizes
            .iter()
            .enumerate()
            .map(|(id, &bytes)| Candidate {
                id: id as u64,
                bytes,
                level: 0,
                tokens: (Token::MIN, Token(i64::MAX)),
                timestamps: (Timestamp::MIN, Timestamp::MAX),
            })
            .collect();
        let chosen = choose(&files, &compaction);
        let chosen: Vec<&[u64]> = chosen.iter().map(|choice| &choice.inputs[..]).collect();
        assert_eq!(chosen, expected, "{options:?} {sizes:?}");
    }

    #[test]
    fn four_of_a_size_are_merged() {
        check(&[], &[], &[]);
        check(&[], &[MIB; 3], &[]);
        check(&[], &[MIB; 4], &[&[0, 1, 2, 3]]);
        check(&[], &[MIB, 2 * MIB, 30 * MIB, 49 * MIB], &[&[0, 1, 2, 3]]);
        check(&[], &[100 * MIB, 400 * MIB, 1600 * MIB, 6400 * MIB], &[]);
        check(
            &[],
            &[100 * MIB, 110 * MIB, 90 * MIB, 105 * MIB, 900 * MIB],
            &[&[2, 0, 3, 1]],
        );
    }

    #[test]
    fn small_files_go_first() {
        let sizes: Vec<u64> = [[100 * MIB; 4], [MIB; 4]].concat();
        check(&[], &sizes, &[&[4, 5, 6, 7], &[0, 1, 2, 3]]);
    }

    #[test]
    fn options_are_followed() {
        check(&[("min_threshold", "2")], &[MIB; 2], &[&[0, 1]]);
        check(&[("max_threshold", "4")], &[MIB; 6], &[&[0, 1, 2, 3]]);
        check(&[("enabled", "false")], &[MIB; 6], &[]);
        check(
            &[("min_sstable_size", "0")],
            &[MIB, 3 * MIB, 9 * MIB, 27 * MIB],
            &[],
        );
        check(
            &[("bucket_high", "4"), ("min_sstable_size", "0")],
            &[MIB, 2 * MIB, 4 * MIB, 8 * MIB],
            &[&[0, 1, 2, 3]],
        );
    }
}
