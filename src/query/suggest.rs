//! The nearest known name to one that is not known.

/// The candidate at most two edits away (one for names of three or four letters, none for shorter ones), the nearest first.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let most = name.chars().count().saturating_sub(1).min(4) / 2;
    candidates
        .map(|candidate| (distance(name, candidate), candidate))
        .filter(|(edits, _)| *edits <= most)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Edits (insert, remove, replace) between two names: Levenshtein's distance, by rows.
fn distance(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, b) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(a != *b);
            diagonal = row[j + 1];
            row[j + 1] = replaced.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::nearest;

    #[test]
    fn near_names_are_suggested() {
        let check = |name: &str, expected: Option<&str>| {
            assert_eq!(
                nearest(name, ["origin", "carrier", "dest"].into_iter()),
                expected,
                "{name}"
            );
        };
        check("orgin", Some("origin"));
        check("carriers", Some("carrier"));
        check("des", Some("dest"));
        check("tailnum", None);
    }
}
