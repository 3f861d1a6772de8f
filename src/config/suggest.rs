//! The nearest name to one that does not exist.

/// The name with the fewest edits to `wanted`, if these are less than a third of its length.
pub fn nearest(wanted: &str, names: impl Iterator<Item = &'static str>) -> Option<&'static str> {
    let scored = names.map(|name| (edits(wanted, name), name));
    let (count, name) = scored.min_by_key(|(count, name)| (*count, *name))?;
    (count <= (wanted.len() / 3).max(1)).then_some(name)
}

/// Characters to insert, remove or replace to make one text of the other.
fn edits(left: &str, right: &str) -> usize {
    let right: Vec<char> = right.chars().collect();
    let mut row: Vec<usize> = (0..=right.len()).collect();
    for (index, from) in left.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = index + 1;
        for (column, to) in right.iter().enumerate() {
            let replaced = diagonal + usize::from(from != *to);
            diagonal = row[column + 1];
            row[column + 1] = replaced.min(diagonal + 1).min(row[column] + 1);
        }
    }
    row[right.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_names_are_found() {
        let names = ["rpc_address", "listen_address", "seeds", "rack"];
        let check = |wanted: &str, expected: Option<&str>| {
            assert_eq!(nearest(wanted, names.into_iter()), expected, "{wanted}");
        };
        check("rpc_adress", Some("rpc_address"));
        check("listen_addres", Some("listen_address"));
        check("seed", Some("seeds"));
        check("rack", Some("rack"));
        check("completely_different", None);
        check("", None);
    }

    #[test]
    fn edits_are_counted() {
        for (left, right, count) in [("", "", 0), ("a", "", 1), ("", "ab", 2), ("kitten", "sitting", 3), ("ab", "ba", 2)] {
            assert_eq!(edits(left, right), count, "{left} {right}");
        }
    }
}
