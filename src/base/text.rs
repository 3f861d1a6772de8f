//! The nearest known name to one that is not known, for "did you mean" in errors.

/// Longer names are compared with nothing: names people mistype are shorter, and the work grows with the length.
const NAME_BYTES_MAX: usize = 64;

/// The candidate with the fewest edits, if these are at most a third of the name's length (none
/// for a name of one or two characters). Of equally near ones the first in alphabetical order.
pub fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    if name.len() > NAME_BYTES_MAX {
        return None;
    }
    let name: Vec<char> = name.chars().collect();
    let edits_max = name.len() / 3;
    candidates
        .map(|candidate| (edits(&name, candidate), candidate))
        .filter(|(edits, _)| *edits <= edits_max)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Characters to insert, remove, replace, or swap with their neighbour to make one text of the
/// other: the optimal string alignment distance, of which the last three rows are kept.
fn edits(left: &[char], right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut before_last = vec![0; right.len() + 1];
    let mut last: Vec<usize> = (0..=right.len()).collect();
    for (i, a) in left.iter().enumerate() {
        let mut row = vec![i + 1; right.len() + 1];
        for (j, b) in right.iter().enumerate() {
            let replaced = last[j] + usize::from(a != b);
            let mut fewest = replaced.min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && *a == right[j - 1] && left[i - 1] == *b {
                fewest = fewest.min(before_last[j - 1] + 1);
            }
            row[j + 1] = fewest;
        }
        before_last = std::mem::replace(&mut last, row);
    }
    last[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found() {
        let names = ["rpc_address", "listen_address", "seeds", "rack", "c"];
        let check = |name: &str, expected: Option<&str>| {
            assert_eq!(nearest(name, names.into_iter()), expected, "{name}");
        };
        check("rpc_adress", Some("rpc_address"));
        check("listen_addres", Some("listen_address"));
        check("seed", Some("seeds"));
        check("rakc", Some("rack"));
        check("completely_different", None);
        check("x", None);
        check("", None);
    }

    #[test]
    fn edits_are_counted() {
        let check = |left: &str, right: &str, expected: usize| {
            let characters: Vec<char> = left.chars().collect();
            assert_eq!(edits(&characters, right), expected, "{left} {right}");
        };
        check("", "", 0);
        check("a", "", 1);
        check("", "ab", 2);
        check("kitten", "sitting", 3);
        check("ab", "ba", 1);
        check("rakc", "rack", 1);
    }
}
